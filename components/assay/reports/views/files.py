"""The files of an artifact, and its properties."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from assay.artifacts import Artifact
from assay.artifacts.store import MANIFEST, Manifest
from assay.reports.blocks import Column, DataTable, Section, SmallTable
from assay.reports.figures import plural, size

_LONGEST = 400


def files_section(folder: Path, manifest: Manifest | None) -> Section:
    """Return every file with its size, and its digest where the manifest has it."""
    if manifest is not None:
        entries = [(entry.path, entry.size, entry.sha256[:12]) for entry in manifest.files]
    else:
        paths = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != MANIFEST)
        entries = [(path.relative_to(folder).as_posix(), path.stat().st_size, "") for path in paths]
    total = sum(entry[1] for entry in entries)
    table = DataTable(
        name="files",
        caption="Files",
        columns=[
            Column(label="File", kind="text", search=True),
            Column(label="Bytes", kind="int"),
            Column(label="SHA-256"),
        ],
        rows=entries,
        counted=("file", "files"),
        page_size=10,
    )
    return Section(title="Files", blocks=[table], note=f"{plural(len(entries), 'file')}, {size(total)}, in {folder}")


def properties_section(artifact: Artifact) -> Section | None:
    """Return the declared properties that have a value; None where there is none."""
    rows = [(name, _text(value)) for name, value in artifact.properties.items() if value not in (None, "", [], {})]
    if not rows:
        return None
    table = SmallTable(caption="Properties", header=("Property", "Value"), rows=rows)
    return Section(title="Properties", blocks=[table])


def _text(value: Any) -> str:
    if isinstance(value, list | tuple):
        text = ", ".join(map(str, value))
    else:
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "…"
