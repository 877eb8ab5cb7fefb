"""The names of `tfx.v1.orchestration.metadata`."""

from __future__ import annotations

from pathlib import Path

__all__ = ["sqlite_metadata_connection_config"]


def sqlite_metadata_connection_config(metadata_db_uri: str | Path) -> Path:
    """Gives the lineage store's file, for `Pipeline(metadata_connection_config=...)`.

    The file is assay's own lineage store; a file of ML Metadata cannot be read and is refused.
    """
    return Path(metadata_db_uri)
