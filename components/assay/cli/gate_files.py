"""The files that `assay gate` and `assay evaluate` write."""

from __future__ import annotations

from pathlib import Path

_TFMA = ("metrics", "plots", "attributions")
_OUTPUTS = (
    *("verdict.json", "summary.md", "metrics.parquet", "flips.parquet", "computed_by.json"),
    *("eval_config.json", "validations.tfrecord", *(f"{kind}-00000-of-00001.tfrecord" for kind in _TFMA)),
    *(f"blessing/{name}" for name in ("BLESSED", "NOT_BLESSED", "blessing.json", "blessing.sig", "verdict.json")),
)


def clear_outputs(folder: Path | None, *files: Path | None) -> None:
    """Removes what an earlier run wrote: a run that ends with an error must not leave another's pass behind."""
    for path in (*files, *(() if folder is None else (folder / name for name in _OUTPUTS))):
        if path is not None:
            path.unlink(missing_ok=True)


def prepare(path: Path) -> Path:
    """Gives the path of a file to write, with the folder that it goes to."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return path
