"""What `assay gate` and `assay evaluate` are told to judge: tables of predictions, or models on data."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from assay.errors import UsageError

if TYPE_CHECKING:
    from assay.artifacts.formats.csv_types import CsvOptions
    from assay.evaluation.judgement import Models, Tables


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """The options that say what is judged.

    Attributes:
        config: The configuration's file.
        csv: The options of reading a CSV.
        predictions: `--predictions`.
        baseline_predictions: `--baseline-predictions`.
        join_on: `--join-on`.
        model: `--model`.
        baseline: `--baseline`.
        data: `--data`.
        split: `--split`.
    """

    config: Path
    csv: CsvOptions
    predictions: Path | None = None
    baseline_predictions: Path | None = None
    join_on: str | None = None
    model: str | None = None
    baseline: str | None = None
    data: Path | None = None
    split: str | None = None

    def judged(self) -> Tables | Models:
        """Gives the tables or the models.

        Raises:
            UsageError: It is neither, both or half of one.
        """
        from assay.evaluation.judgement import Models, Tables
        from assay.evaluation.standalone import model_of

        of_tables = {"--baseline-predictions": self.baseline_predictions, "--join-on": self.join_on}
        of_models = {"--baseline": self.baseline, "--data": self.data, "--split": self.split}
        if (self.model is None) == (self.predictions is None):
            raise UsageError(
                "gate.what",
                f"Expected either --predictions TABLE or --model M; got {'neither' if self.model is None else 'both'}.",
            )
        strange = of_tables if self.model is not None else of_models
        for option, value in strange.items():
            if value is not None:
                goes = "--predictions" if self.model is not None else "--model"
                raise UsageError("gate.what", f"{option} goes with {goes}, which is not given.")
        if self.model is None:
            return Tables(
                config=self.config,
                predictions=self.predictions,
                baseline_predictions=self.baseline_predictions,
                join_on=self.join_on,
                csv=self.csv,
            )
        if self.data is None:
            raise UsageError("gate.data", "--model needs the examples to judge it on.", "Give --data D.")
        return Models(
            config=self.config,
            data=self.data,
            model=model_of(self.model),
            baseline=None if self.baseline is None else model_of(self.baseline),
            split=self.split,
            csv=self.csv,
        )


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
        metavar="M", help="In place of predictions: a model artifact, SavedModel, .keras file, or file.py:function."
    ),
]
Baseline: TypeAlias = Annotated[str | None, typer.Option(metavar="B", help="The baseline model, likewise.")]
Data: TypeAlias = Annotated[Path | None, typer.Option(metavar="D", help="The examples to judge models on.")]
Split: TypeAlias = Annotated[
    str | None, typer.Option(metavar="NAME", help="The split of them, where there are several.")
]
