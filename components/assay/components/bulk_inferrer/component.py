"""The BulkInferrer component."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import pyarrow as pa

from assay.artifacts.blessing import ModelBlessing
from assay.artifacts.examples import Examples
from assay.artifacts.inference_result import FILE_NAME, InferenceResult
from assay.artifacts.model import Model
from assay.components.bulk_inferrer.config import DataSpec, ModelSpec, OutputExampleSpec
from assay.data.parquet import ParquetWriter
from assay.errors import DataError, UsageError, did_you_mean
from assay.gating.blessing import served_files
from assay.gating.verification import Claim, verify
from assay.spec import ExecutionContext, Input, Output, component
from assay.spec.channel import check_splits, foreseen_splits

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from contextlib import AbstractContextManager

    from assay.artifacts.examples import BatchWriter
    from assay.components.bulk_inferrer.compute import BatchPredictor

    _Open: TypeAlias = Callable[[pa.Schema], AbstractContextManager[BatchWriter]]
    _Table: TypeAlias = Callable[[pa.RecordBatch, dict[tuple[str, str], pa.Array]], pa.RecordBatch]

_DEFAULT_SIGNATURE, _DEFAULT_TAG = "serving_default", "serve"


class BulkInferrerFindings(NamedTuple):
    """What conditions can read.

    Attributes:
        inferred: Whether predictions were made; False where the model is not blessed.
        num_examples: How many examples they are on.
    """

    inferred: bool
    num_examples: int


def _still_valid(_: Mapping[str, Any], outputs: Mapping[str, Any]) -> str | None:
    return None if outputs else "nothing was predicted"


def _check(arguments: Mapping[str, Any]) -> None:
    if (spec := arguments.get("data_spec")) is not None:
        there = foreseen_splits(arguments["examples"])
        check_splits(there, spec.example_splits, "data_spec.example_splits", "bulk_inferrer.split")


@component(
    libraries=("tensorflow",),
    requires=("tensorflow",),
    still_valid=_still_valid,
    check=_check,
    positional=("examples", "model", "model_blessing", "data_spec", "model_spec", "output_example_spec"),
)
def BulkInferrer(
    context: ExecutionContext,
    examples: Input[Examples],
    inference_result: Output[InferenceResult] | None = None,
    output_examples: Output[Examples] | None = None,
    *,
    model: Input[Model],
    model_blessing: Input[ModelBlessing] | None = None,
    data_spec: DataSpec | None = None,
    model_spec: ModelSpec | None = None,
    output_example_spec: OutputExampleSpec | None = None,
    allow_unblessed: bool = False,
) -> BulkInferrerFindings:
    """Predicts on every example of the splits with a blessed model.

    A model that its blessing does not vouch for predicts nothing: both outputs stay empty, and `inferred` is False.

    Args:
        context: The run that the step is part of.
        examples: The data.
        inference_result: A row of predictions for each example, as Parquet; without `output_example_spec`.
        output_examples: The examples with predictions as further columns; with `output_example_spec`.
        model: The model.
        model_blessing: Evaluator's word on it.
        data_spec: The splits; all by default.
        model_spec: The signatures to call.
        output_example_spec: Which outputs become which columns of `output_examples`.
        allow_unblessed: Predict without asking for a blessing.
    """
    refusal = None if allow_unblessed else _why_not(model, model_blessing)
    if refusal:
        context.did_nothing(f"Nothing was predicted. {refusal}")
        return BulkInferrerFindings(inferred=False, num_examples=0)
    from assay.components.bulk_inferrer.compute import BatchPredictor

    calls = _signatures(model_spec or ModelSpec(), output_example_spec)
    tags = tuple((model_spec or ModelSpec()).tag or [_DEFAULT_TAG])
    predictor = BatchPredictor(str(model.serving_path), calls, tags)
    predictor.check()
    splits = _splits(examples, data_spec or DataSpec())
    job = _Job(context, examples, predictor, output_example_spec)
    if output_example_spec is not None and output_examples is not None:
        output_examples.properties.update(
            {"split_names": list(splits), "file_format": examples.file_format, "span": examples.span}
        )
        for split in splits:
            job.write_examples(split, output_examples)
    elif inference_result is not None:
        properties = {"split_names": list(splits), "model_digest": model.digest, "signature_names": list(calls)}
        inference_result.properties.update(properties)
        for split in splits:
            job.write_result(split, inference_result)
    total = sum(context.rows[split].written for split in splits)
    context.log(f"Predicted on {total} examples of {', '.join(splits)}.")
    return BulkInferrerFindings(inferred=True, num_examples=total)


@dataclass(frozen=True, slots=True)
class _Job:
    """Predicting a split and writing what comes of it."""

    context: ExecutionContext
    examples: Examples
    predictor: BatchPredictor
    output_spec: OutputExampleSpec | None

    def write_result(self, split: str, result: InferenceResult) -> None:
        """Write a split's predictions; outputs of several signatures are named `signature.output`."""

        def table(_: pa.RecordBatch, found: dict[tuple[str, str], pa.Array]) -> pa.RecordBatch:
            several = len(self.predictor.signatures) > 1
            names = [f"{signature}.{output}" if several else output for signature, output in found]
            return pa.RecordBatch.from_arrays(list(found.values()), names=names)

        folder = result.path / f"Split-{split}"
        folder.mkdir()
        written = self._write(split, lambda schema: ParquetWriter(folder / FILE_NAME, schema), table)
        result.rows[split] = written

    def write_examples(self, split: str, output: Examples) -> None:
        """Write a split's examples with the predictions that were asked for.

        Raises:
            UsageError: The signature has no such output, or the examples have the column already.
        """
        spec = self.output_spec
        assert spec is not None, "called with output_example_spec only"
        columns = {
            (one.signature_name or _DEFAULT_SIGNATURE, key): column
            for one in spec.output_columns_spec
            for key, column in one.columns().items()
        }

        def table(batch: pa.RecordBatch, found: dict[tuple[str, str], pa.Array]) -> pa.RecordBatch:
            for (signature, key), column in columns.items():
                if (signature, key) not in found:
                    outputs = [output for name, output in found if name == signature]
                    message = f"Signature '{signature}' has no output '{key}'."
                    raise UsageError("bulk_inferrer.output", message, did_you_mean(key, outputs))
                if column in batch.schema.names:
                    raise UsageError(
                        "bulk_inferrer.column",
                        f"The examples already have a column '{column}' already.",
                        "Name another output_column.",
                    )
            arrays = [*batch.columns, *(found[key] for key in columns)]
            return pa.RecordBatch.from_arrays(arrays, names=[*batch.schema.names, *columns.values()])

        self._write(split, lambda schema: output.writer(split, schema), table)

    def _write(self, split: str, opened: _Open, table: _Table) -> int:
        source = self.examples.source(split)
        pairs = (pair for pair in self.context.engine.map(source, self.predictor) if pair[0].num_rows)
        first = next(pairs, None)
        if first is None:
            raise DataError(
                "bulk_inferrer.no_rows",
                f"Split '{split}' of {self.examples.path} has no rows to predict on.",
                "Name other splits in data_spec.example_splits.",
            )
        read, made = first[0].num_rows, table(*first)
        written: int = made.num_rows
        with opened(made.schema) as writer:
            writer.write(made)
            for batch, found in pairs:
                made = table(batch, found)
                writer.write(made)
                read += batch.num_rows
                written += made.num_rows
        self.context.count_rows(split, read=read, written=written)
        return written


def _why_not(model: Model, blessing: ModelBlessing | None) -> str | None:
    """Return why the model may not be used, or None if its blessing covers its files."""
    if blessing is None:
        return "No model_blessing covers the model; wire one, or set allow_unblessed."
    claim = Claim(folder=blessing.path, digest=blessing.digest)
    verdict = verify(claim, served_files(model.serving_path), model_artifact=model.digest)
    return None if verdict.ok else verdict.summary


def _signatures(model_spec: ModelSpec, output_spec: OutputExampleSpec | None) -> tuple[str, ...]:
    """Return the signatures to call: those that are named, and those that columns come from."""
    named = [*model_spec.model_signature_name]
    if output_spec is not None:
        named += [one.signature_name or _DEFAULT_SIGNATURE for one in output_spec.output_columns_spec]
    return tuple(dict.fromkeys(named)) or (_DEFAULT_SIGNATURE,)


def _splits(examples: Examples, data_spec: DataSpec) -> Sequence[str]:
    check_splits(examples.split_names, data_spec.example_splits, "data_spec.example_splits", "bulk_inferrer.split")
    return data_spec.example_splits or examples.split_names
