"""Evaluating and judging outside a pipeline: what `assay evaluate` and `assay gate` do, in a shell and in Python."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from glob import glob
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pyarrow.parquet as pq

from assay.artifacts.blessing import ModelBlessing
from assay.data.sources import rows_of
from assay.data.tfrecord import read_records
from assay.engines.embedded.engine import EmbeddedEngine
from assay.errors import UsageError, argument, check_not_url, optional_packages
from assay.evaluation.config import read_config
from assay.evaluation.files import (
    CLASSES_FILE,
    METRICS_TABLE,
    SUMMARY,
    write_for_people,
    write_metrics,
    write_tfma_files,
)
from assay.evaluation.judgement import Models, Tables, evaluate_tables, judge
from assay.evaluation.model_evaluation import COMPUTED_BY, evaluate
from assay.evaluation.naming import CLASSES, classes_told
from assay.evaluation.remarks import REMARKS, remarks_on
from assay.evaluation.request import EvaluationRequest, EvaluationResult, MetricsEngine
from assay.evaluation.tfma_files import TFMA_FILES, VALIDATION_FILE
from assay.evaluation.worst_rows import FLIPS_TABLE
from assay.gating.blessing import BlessedInputs, bless, served_digest, serving_folder
from assay.gating.verdict import write_verdict
from assay.native import metrics_for_slice_pb2, validation_result_pb2
from assay.spec.user_code import load_function

if TYPE_CHECKING:
    import pyarrow as pa

    from assay.data.csv_types import CsvOptions
    from assay.evaluation.decision import Rules, Sampling
    from assay.gating.verdict import Check, Verdict
    from assay.models.predictor import Predict

_FUNCTION = ".py:"
OUTPUTS = (
    *("verdict.json", SUMMARY, METRICS_TABLE, CLASSES_FILE, FLIPS_TABLE, COMPUTED_BY, *TFMA_FILES),
    *(f"blessing/{name}" for name in ("BLESSED", "NOT_BLESSED", "blessing.json", "blessing.sig", "verdict.json")),
)
"""The files that judging or evaluating into a folder may write."""

_BLOCK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class GateOutcome:
    """What is decided.

    Attributes:
        verdict: Every check.
        flips: The rows of failing slices where the candidate did most worse; None without a failure or a baseline.
        notes: What to say of how it was computed, warnings included.
    """

    verdict: Verdict
    flips: pa.Table | None
    notes: tuple[str, ...]


def tables_or_models(
    config: Any,
    *,
    predictions: Any = None,
    baseline_predictions: Any = None,
    join_on: str | None = None,
    model: str | Path | Predict | None = None,
    baseline: str | Path | Predict | None = None,
    data: Any = None,
    split: str | None = None,
    csv: CsvOptions,
) -> Tables | Models:
    """Return what a command or a function was asked to evaluate: tables of predictions, or models on data.

    Raises:
        UsageError: The arguments name neither, parts of both, or half of one; or there is no such model.
    """
    if (model is None) == (predictions is None):
        raise UsageError(
            "gate.what",
            f"Expected either {argument('predictions')} or {argument('model')}; "
            f"got {'neither' if model is None else 'both'}.",
        )
    of_tables = {"baseline_predictions": baseline_predictions, "join_on": join_on}
    of_models = {"baseline": baseline, "data": data, "split": split}
    for name, value in (of_tables if model is not None else of_models).items():
        if value is not None:
            needed = argument("predictions" if model is not None else "model")
            raise UsageError("gate.what", f"{argument(name)} requires {needed}.")
    if model is None:
        return Tables(
            config=config,
            predictions=predictions,
            baseline_predictions=baseline_predictions,
            join_on=join_on,
            csv=csv,
        )
    if data is None:
        raise UsageError(
            "gate.data", f"{argument('model')} requires the examples to evaluate it on.", f"Give {argument('data')}."
        )
    opened = None if baseline is None else model_of(baseline)
    return Models(config=config, data=data, model=model_of(model), baseline=opened, split=split, csv=csv)


def model_of(given: str | Path | Predict) -> Path | Predict:
    """Resolve a model: the folder of a Model artifact or SavedModel, a Keras file, or a function.

    Args:
        given: A path, `file.py:function`, or a function of a record batch.

    Raises:
        UsageError: There is nothing there, or the file has no such function.
    """
    if not isinstance(given, str | Path):
        return given
    if isinstance(given, str) and _FUNCTION in given:
        file, _, name = given.rpartition(":")
        return load_function(file, None, name)
    path = Path(given)
    if not path.exists():
        check_not_url(given, "A model")
        raise UsageError(
            "gate.model",
            f"{path} does not exist; expected a model.",
            "Give a SavedModel folder, a .keras file, or file.py:function.",
        )
    return path if path.is_file() else serving_folder(path)


@optional_packages("Evaluating this model")
def evaluate_into(
    folder: Path, judged: Tables | Models, sampling: Sampling | None = None, *, metrics_engine: MetricsEngine = "auto"
) -> tuple[str, ...]:
    """Write `metrics.parquet` and TFMA's files, and return what to say of how the metrics were computed.

    Args:
        folder: Where to.
        judged: What is evaluated.
        sampling: The bootstrap to draw 95 % bounds from, if any; the kernels compute everything then.
        metrics_engine: Who computes a model's metrics without bounds.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if isinstance(judged, Models) and sampling is None:
        evaluated = _evaluated(judged, folder, None, metrics_engine)
        write_verdict(evaluated.verdict, folder)
        classes = (check.sentence for check in evaluated.verdict.checks if check.kind == CLASSES)
        return (*evaluated.notes, *_warnings(evaluated.verdict.checks), *classes)
    engine = EmbeddedEngine()
    drawn = None if sampling is None else replace(sampling, threads=engine.threads)
    _, evaluation, warnings = evaluate_tables(judged, engine, drawn)
    write_tfma_files(folder, evaluation)
    write_metrics(folder, evaluation)
    told = classes_told(evaluation.naming)
    notes = [f"warning: {warning.sentence}" for warning in warnings]
    return (*notes, *_warnings(remarks_on(evaluation)), *(() if told is None else (told,)))


def _warnings(checks: Iterable[Check]) -> Iterator[str]:
    """Return what a verdict would say about the rows."""
    return (f"warning: {check.sentence}" for check in checks if check.kind in REMARKS)


@optional_packages("Evaluating this model")
def judge_into(folder: Path, judged: Tables | Models, rules: Rules) -> GateOutcome:
    """Evaluate and decide, as the Evaluator does.

    Args:
        folder: Where `metrics.parquet`, TFMA's files, `summary.md` and `flips.parquet` go.
        judged: What is judged.
        rules: The gate's settings outside of the configuration.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if isinstance(judged, Models):
        evaluated = _evaluated(judged, folder, rules, "auto")
        return GateOutcome(evaluated.verdict, evaluated.flips, evaluated.notes)
    engine = EmbeddedEngine()
    found = judge(judged, engine, replace(rules, sampling=replace(rules.sampling, threads=engine.threads)))
    write_tfma_files(folder, found.evaluation)
    write_metrics(folder, found.evaluation, 1 - 2 * found.alpha)
    write_for_people(folder, found.verdict, found.flips)
    return GateOutcome(found.verdict, found.flips, tuple(f"warning: {warning.sentence}" for warning in found.warnings))


def _evaluated(models: Models, folder: Path, rules: Rules | None, metrics_engine: MetricsEngine) -> EvaluationResult:
    """Evaluate as the Evaluator does; metrics without a kernel are TFMA's."""
    read = read_config(models.config)
    work = EvaluationRequest(
        config=read.eval_config,
        additions=read.additions,
        rows=rows_of(models.data, split=models.split, csv=models.csv),
        model=models.model,
        baseline=models.baseline,
        data_location=str(models.data) if isinstance(models.data, str | Path) else "",
        metrics_engine=metrics_engine,
    )
    return evaluate(work, folder, rules)


def read_metrics_table(folder: Path) -> pa.Table:
    """Return the `metrics.parquet` of an evaluation."""
    return pq.ParquetFile(folder / METRICS_TABLE).read()  # read_table would import pandas


def read_metrics_for_slices(folder: Path) -> tuple[Any, ...]:
    """Return the `MetricsForSlice` protos of an evaluation."""
    message = metrics_for_slice_pb2().MetricsForSlice
    files = sorted(folder.glob("metrics-*.tfrecord"))
    return tuple(message.FromString(record) for path in files for record in read_records(path))


def read_validation(folder: Path) -> Any:
    """Return the `ValidationResult` proto of an evaluation."""
    [record] = read_records(folder / VALIDATION_FILE)
    return validation_result_pb2().ValidationResult.FromString(record)


def write_blessing(folder: Path, models: Tables | Models, verdict: Verdict, rules: Rules) -> Path | None:
    """Write the blessing of a model, which `assay verify` and `assay push` take, and return its folder.

    A table of predictions and a function are no model that could be pushed, and rows in memory have no digest that
    could be checked later: they get none.

    Args:
        folder: The output folder; the blessing goes below it.
        models: What was judged.
        verdict: The decision.
        rules: The gate's settings outside of the configuration.
    """
    if not isinstance(models, Models) or not isinstance(models.data, str | Path):
        return None
    model, baseline = models.model, models.baseline
    if not isinstance(model, Path) or model.is_file():
        return None
    path = folder / "blessing"
    path.mkdir(parents=True, exist_ok=True)
    plain = msgspec.json.encode(rules.bound(read_config(models.config)), order="deterministic")
    judged = BlessedInputs(
        model=served_digest(model),
        baseline=served_digest(baseline) if isinstance(baseline, Path) and baseline.is_dir() else "",
        examples=tuple(_digests(models.data)),
        splits=(models.split,) if models.split is not None else (),
        config=f"sha256:{sha256(plain).hexdigest()}",
    )
    bless(judged, verdict, ModelBlessing(path), model=None)
    return path


def _digests(data: str | Path) -> Iterator[str]:
    """Return the digest of each file that a path, a folder or a pattern names."""
    path = Path(data)
    pattern = str(path / "**") if path.is_dir() else str(data)
    files = map(Path, glob(pattern, recursive=True))  # noqa: PTH207 (Path.glob refuses a pattern that is absolute)
    for file in sorted(file for file in files if file.is_file()):
        digest = sha256()
        with file.open("rb") as stream:
            while block := stream.read(_BLOCK_BYTES):
                digest.update(block)
        yield f"sha256:{digest.hexdigest()}"
