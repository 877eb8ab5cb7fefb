"""`assay.evaluate` and `assay.gate`: what models are worth, and whether one may be released."""

from __future__ import annotations

import tempfile
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from assay.api.evaluation_report import Evaluation, GateReport
from assay.artifacts.outputs import output_folder
from assay.data.csv_types import CsvOptions
from assay.evaluation.decision import Rules, Sampling
from assay.evaluation.standalone import (
    OUTPUTS,
    evaluate_into,
    judge_into,
    read_metrics_for_slices,
    read_metrics_table,
    read_validation,
    tables_or_models,
    write_blessing,
)
from assay.gating.policy import WrittenPolicy
from assay.gating.verdict import write_verdict
from assay.gating.waivers import read_waivers

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from assay.api.inputs import ConfigLike, DataLike, ModelLike
    from assay.data.csv_types import CsvKeywords
    from assay.evaluation.request import MetricsEngine
    from assay.gating.policy import Correction, FirstRun, Insufficient, NoThresholds, Significant


def evaluate(
    config: ConfigLike,
    *,
    predictions: DataLike | None = None,
    baseline_predictions: DataLike | None = None,
    join_on: str | None = None,
    model: ModelLike | None = None,
    baseline: ModelLike | None = None,
    data: DataLike | None = None,
    split: str | None = None,
    bounds: bool = False,
    replicates: int = 1000,
    seed: int = 0,
    engine: MetricsEngine = "auto",
    **csv: Unpack[CsvKeywords],
) -> Evaluation:
    """Compute the metrics that a configuration names, overall and by slice, without deciding anything.

    Either `predictions` or `model` with `data` is given; the baseline likewise, or not at all.

    Args:
        config: TFMA's `EvalConfig`: the proto, a mapping, or the path of a file (YAML, JSON or text proto).
        predictions: A table with labels, predictions and slicing features: a path, pandas, polars or Arrow. Its columns
            are named by `label_key` and `prediction_key` of the model specs, the baseline's too. Labels are numbers, or
            names of classes where the predictions are columns `<prediction_key>.<class>`, a struct or a map of classes,
            or lists beside a column `all_classes`.
        baseline_predictions: The baseline's predictions, where they are in another table.
        join_on: The column by which rows of the two tables belong together; None for their order.
        model: The candidate: a SavedModel's or a Model artifact's folder, a `.keras` file, `file.py:function`, or a
            function that takes a `pyarrow.RecordBatch` and gives an array with a prediction a row, or a data frame, an
            Arrow table or a dict with a column for each class, named for it.
        baseline: Baseline model, in the same forms.
        data: The examples that models are evaluated on: a path, an Examples artifact, pandas, polars or Arrow.
        split: Split of the examples; required if there are several.
        bounds: Whether to add 95 % bounds, by a paired bootstrap.
        replicates: Bootstrap samples; at least 100 for bounds that mean anything.
        seed: Of the bootstrap; the same seed and rows give the same bounds.
        engine: Who computes a model's metrics: the kernels, TFMA, or each what it can.
        **csv: How the cells of a CSV are read: `delimiter`, `missing_values`, `decimal`, `thousands`, `types` and
            `max_record_bytes`, as in `assay.CsvOptions`.

    Raises:
        UsageError: The configuration cannot be evaluated, or the arguments contradict each other.
        DataError: A table cannot be read, or the two tables do not have the same rows.

    Example:
        ```python
        evaluation = assay.evaluate("gate.yaml", predictions=frame, bounds=True)
        evaluation.value("auc", slice="sex=Female")
        ```
    """
    judged = tables_or_models(
        config,
        predictions=predictions,
        baseline_predictions=baseline_predictions,
        join_on=join_on,
        model=model,
        baseline=baseline,
        data=data,
        split=split,
        csv=CsvOptions(**csv),
    )
    sampling = Sampling(num_replicates=replicates, seed=seed) if bounds else None
    with tempfile.TemporaryDirectory(prefix="assay-evaluate-") as scratch:
        notes = evaluate_into(Path(scratch), judged, sampling, metrics_engine=engine)
        return _evaluation(Path(scratch), notes)


def gate(
    config: ConfigLike,
    *,
    predictions: DataLike | None = None,
    baseline_predictions: DataLike | None = None,
    join_on: str | None = None,
    model: ModelLike | None = None,
    baseline: ModelLike | None = None,
    data: DataLike | None = None,
    split: str | None = None,
    output: str | Path | None = None,
    first_run: FirstRun | None = None,
    no_thresholds: NoThresholds | None = None,
    significant: Significant | None = None,
    alpha: float | None = None,
    correction: Correction | None = None,
    min_examples: int | None = None,
    insufficient: Insufficient | None = None,
    waivers: str | Path | None = None,
    replicates: int = 1000,
    seed: int = 0,
    **csv: Unpack[CsvKeywords],
) -> GateReport:
    """Evaluate, and decide whether the model may be released: `assay gate` in Python.

    A model that is not good enough is a report whose `ok` is False, and no exception; an error never looks like a pass.

    Args:
        config: As for [`evaluate`][assay.evaluate], with thresholds; in YAML or JSON also with a `policy` section.
        predictions: As for `evaluate`.
        baseline_predictions: As for `evaluate`.
        join_on: As for `evaluate`.
        model: As for `evaluate`.
        baseline: As for `evaluate`.
        data: As for `evaluate`.
        split: As for `evaluate`.
        output: A folder for `verdict.json`, `summary.md`, `metrics.parquet`, `flips.parquet`, TFMA's files and, for a
            SavedModel and data that are on disk, the `blessing/` that `assay push` verifies.
        first_run: What decides where change thresholds have no baseline; in place of the configuration's own, as the
            following ones are.
        no_thresholds: What decides where the configuration has no threshold.
        significant: `regression` blocks only losses that are real; `not_worse` blesses only what is shown not worse.
        alpha: The one-sided significance level, in (0, 0.5].
        correction: For many checks.
        min_examples: A slice with fewer examples has insufficient evidence.
        insufficient: What a check with insufficient evidence does.
        waivers: A YAML file of failures that somebody answers for, until a date.
        replicates: Number of bootstrap samples.
        seed: Of the bootstrap.
        **csv: As for `evaluate`.

    Raises:
        UsageError: As `evaluate`; or the waivers cannot be read.
        DataError: As `evaluate`.

    Example:
        ```python
        report = assay.gate("gate.yaml", predictions=new, baseline_predictions=old, join_on="id")
        assert report.ok, report.verdict.summary
        ```
    """
    policy = WrittenPolicy(
        first_run=first_run,
        no_thresholds=no_thresholds,
        significant=significant,
        alpha=alpha,
        correction=correction,
        min_examples=min_examples,
        insufficient=insufficient,
    )
    rules = Rules(
        policy=policy,
        waivers=read_waivers(Path(waivers)) if waivers is not None else (),
        today=datetime.now(tz=timezone.utc).date(),
        sampling=Sampling(num_replicates=replicates, seed=seed),
    )
    judged = tables_or_models(
        config,
        predictions=predictions,
        baseline_predictions=baseline_predictions,
        join_on=join_on,
        model=model,
        baseline=baseline,
        data=data,
        split=split,
        csv=CsvOptions(**csv),
    )
    with tempfile.TemporaryDirectory(prefix="assay-gate-") as scratch:
        given = [config, predictions, baseline_predictions, model, baseline, data, waivers]
        with output_folder(Path(output or scratch), OUTPUTS, given) as folder:
            found = judge_into(folder, judged, rules)
            blessing = None
            if output is not None:
                blessing = write_blessing(folder, judged, found.verdict, rules)
                write_verdict(found.verdict, folder)
        evaluation = _evaluation(folder, found.notes)
        return GateReport(found.verdict, evaluation, read_validation(folder), found.flips, blessing)


def _evaluation(folder: Path, notes: tuple[str, ...]) -> Evaluation:
    return Evaluation(read_metrics_table(folder), read_metrics_for_slices(folder), notes)
