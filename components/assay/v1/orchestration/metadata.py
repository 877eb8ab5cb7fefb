"""The names of `tfx.v1.orchestration.metadata`."""

from __future__ import annotations

from pathlib import Path

from assay.v1.lazy import refused_names

ConnectionConfigType = Path

__all__ = ["ConnectionConfigType", "sqlite_metadata_connection_config"]

__getattr__ = refused_names(__name__)


def sqlite_metadata_connection_config(metadata_db_uri: str | Path) -> Path:
    """Return the lineage store's file, for `Pipeline(metadata_connection_config=...)`.

    The file is assay's own lineage store; a file of ML Metadata cannot be read and is refused.
    """
    return Path(metadata_db_uri)
