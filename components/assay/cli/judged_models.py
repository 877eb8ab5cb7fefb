"""The options of `assay gate` and `assay evaluate` that name tables of predictions, or models and data."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

Config: TypeAlias = Annotated[Path, typer.Option(metavar="FILE", help="EvalConfig as JSON, YAML or text proto.")]
Predictions: TypeAlias = Annotated[
    Path | None, typer.Option(metavar="TABLE", help="CSV or Parquet with labels, predictions and slicing features.")
]
BaselinePredictions: TypeAlias = Annotated[
    Path | None, typer.Option(metavar="TABLE", help="The baseline's predictions on the same rows.")
]
JoinOn: TypeAlias = Annotated[
    str | None, typer.Option(metavar="COLUMN", help="Join the tables by this column; default: by row order.")
]
Model: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="M",
        help="Model to evaluate instead of predictions: a model artifact, SavedModel, .keras "
        "file, or file.py:function.",
    ),
]
Baseline: TypeAlias = Annotated[str | None, typer.Option(metavar="B", help="Baseline model, in the same forms.")]
Data: TypeAlias = Annotated[Path | None, typer.Option(metavar="D", help="Examples to evaluate models on.")]
Split: TypeAlias = Annotated[
    str | None, typer.Option(metavar="NAME", help="Split of the examples; required if there are several.")
]
