"""What is predicted and how it is written, in the shape of TFX's `bulk_inferrer_pb2`."""

from __future__ import annotations

from dataclasses import dataclass, field

from assay.errors import UsageError


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSpec:
    """What is called.

    Attributes:
        model_signature_name: The signatures; `serving_default` by default.
        tag: The SavedModel's tags; `serve` by default.
    """

    model_signature_name: list[str] = field(default_factory=list)
    tag: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSpec:
    """What it is called with.

    Attributes:
        example_splits: The splits; all by default.
    """

    example_splits: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictOutputCol:
    """An output, and the column that takes it.

    Attributes:
        output_key: The output's name in the signature.
        output_column: The column's name.
    """

    output_key: str
    output_column: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictOutput:
    """Outputs by name."""

    output_columns: list[PredictOutputCol]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassifyOutput:
    """The outputs `classes` and `scores`; an empty name leaves one out."""

    label_column: str = ""
    score_column: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RegressOutput:
    """The output `outputs`."""

    value_column: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputColumnsSpec:
    """Which outputs of a signature become columns.

    Attributes:
        signature_name: The signature.
        classify_output: For `classes` and `scores`.
        regress_output: For `outputs`.
        predict_output: For outputs by name.
    """

    signature_name: str = "serving_default"
    classify_output: ClassifyOutput | None = None
    regress_output: RegressOutput | None = None
    predict_output: PredictOutput | None = None

    def columns(self) -> dict[str, str]:
        """Return the columns' names by the outputs' names."""
        found: dict[str, str] = {}
        if self.classify_output is not None:
            found |= {"classes": self.classify_output.label_column, "scores": self.classify_output.score_column}
        if self.regress_output is not None:
            found["outputs"] = self.regress_output.value_column
        if self.predict_output is not None:
            found |= {one.output_key: one.output_column for one in self.predict_output.output_columns}
        return {key: column for key, column in found.items() if column}


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputExampleSpec:
    """Predictions as columns beside the examples' own.

    Attributes:
        output_columns_spec: Which, by signature.
    """

    output_columns_spec: list[OutputColumnsSpec]

    def __post_init__(self) -> None:
        """Check that there is something to write, and that no column is written twice."""
        columns = [column for spec in self.output_columns_spec for column in spec.columns().values()]
        if not columns:
            raise UsageError(
                "bulk_inferrer.no_column",
                "output_example_spec names no column to write.",
                "Add an OutputColumnsSpec with a predict_output or a classify_output.",
            )
        twice = sorted({column for column in columns if columns.count(column) > 1})
        if twice:
            raise UsageError("bulk_inferrer.column_twice", f"output_example_spec names {', '.join(twice)} twice.")
