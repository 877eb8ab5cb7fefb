"""The files that `assay gate` and `assay evaluate` write."""

from __future__ import annotations

from pathlib import Path

_OUTPUTS = ("verdict.json", "summary.md", "metrics.parquet", "flips.parquet")


def clear_outputs(folder: Path | None, *files: Path | None) -> None:
    """Removes what an earlier run wrote: a run that ends with an error must not leave another's pass behind."""
    for path in (*files, *(() if folder is None else (folder / name for name in _OUTPUTS))):
        if path is not None:
            path.unlink(missing_ok=True)


def prepare(path: Path) -> Path:
    """Gives the path of a file to write, with the folder that it goes to."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return path
