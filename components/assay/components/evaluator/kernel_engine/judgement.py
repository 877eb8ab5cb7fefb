"""From a configuration and tables of predictions to a verdict: lint, evaluate, decide."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq

from assay.artifacts.sources import rows_of
from assay.components.evaluator.config import GateConfig, read_config
from assay.components.evaluator.evaluation_files import write_tfma_files
from assay.components.evaluator.kernel_engine.accumulation import BASELINE, CANDIDATE, Resampling
from assay.components.evaluator.kernel_engine.evaluation import TableEvaluation, bounds_of, evaluate_predictions
from assay.components.evaluator.kernel_engine.flips import FLIPS_TABLE, failing_slices, flips_of, tell
from assay.components.evaluator.kernel_engine.lint import LintFinding, lint, stop
from assay.components.evaluator.kernel_engine.missing import with_missing
from assay.components.evaluator.kernel_engine.plan import metric_name, plan_of
from assay.components.evaluator.kernel_engine.predictions import open_predictions
from assay.components.evaluator.kernel_engine.slicing import slicing_of
from assay.components.evaluator.metrics_table import METRICS_TABLE, write_metrics_table
from assay.components.evaluator.model_rows import predict_rows
from assay.errors import UsageError
from assay.gate.decide import decide
from assay.gate.evidence import Evidence
from assay.gate.verdict import Verdict
from assay.gate.waivers import Waiver, waive
from assay.gate.written_policy import Additions, WrittenPolicy

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa

    from assay.components.evaluator.inference.predicting import Predict
    from assay.components.evaluator.kernel_engine.predictions import Predictions
    from assay.engines.base import Engine
    from assay.gate.limits import EvalConfig, Limit
    from assay.gate.verdict import Check


@dataclass(frozen=True, slots=True, kw_only=True)
class Tables:
    """What to evaluate.

    Attributes:
        config: A configuration in any form that `read_config` takes.
        predictions: A table, in any form that `assay.artifacts.sources.rows_of` takes.
        baseline_predictions: The baseline's table, where it is another.
        join_on: The column that tells which rows of the two tables belong together; None for their order.
    """

    config: Any
    predictions: Any
    baseline_predictions: Any = None
    join_on: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Models:
    """Models to evaluate on examples.

    Attributes:
        config: A configuration in any form that `read_config` takes.
        data: The examples, in any form that `assay.artifacts.sources.rows_of` takes.
        model: The candidate: a SavedModel's folder, a Keras file or a function of a record batch.
        baseline: The baseline, likewise.
        split: The split of `data`, where it has several.
    """

    config: Any
    data: Any
    model: Path | Predict
    baseline: Path | Predict | None = None
    split: str | None = None

    @property
    def join_on(self) -> None:
        """Both models see the same rows."""
        return


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """A bootstrap.

    Attributes:
        num_replicates: How many samples to draw.
        seed: Not negative; the same seed and rows give the same bounds.
        threads: How many to draw with.
    """

    num_replicates: int = 1000
    seed: int = 0
    threads: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What the gate says, and by what figures.

    Attributes:
        verdict: The decision with every check.
        evaluation: The metrics.
        level: The one-sided chance of error that was stated; bounds at `1 - 2 * level` are those that decided.
        flips: The rows of failing slices where the candidate did most worse; None without a failure or a baseline.
        warnings: What the lint found that does not stop an evaluation.
    """

    verdict: Verdict
    evaluation: TableEvaluation
    level: float
    flips: pa.Table | None = None
    warnings: tuple[LintFinding, ...] = ()


def evaluate_tables(
    tables: Tables | Models, engine: Engine, sampling: Sampling | None = None, *, thresholds_only: bool = False
) -> tuple[GateConfig, TableEvaluation, tuple[LintFinding, ...]]:
    """Gives the configuration read, the metrics, and the lint's warnings.

    Args:
        tables: What to evaluate.
        engine: Who reads the rows.
        sampling: The bootstrap to draw bounds from, if any.
        thresholds_only: Whether only metrics with thresholds are resampled.

    Raises:
        UsageError: The configuration cannot be read, or the lint finds an error in it.
        DataError: A table cannot be read, or the tables do not have the same rows.
    """
    read = read_config(tables.config)
    predictions, findings = _opened(read.eval_config, tables)
    evaluation = _evaluated(read, predictions, engine, sampling, thresholds_only=thresholds_only)
    return read, evaluation, findings


def _opened(config: EvalConfig, tables: Tables | Models) -> tuple[Predictions, tuple[LintFinding, ...]]:
    if isinstance(tables, Models):
        has_baseline = tables.baseline is not None
        findings = lint(config, has_baseline_table=has_baseline, of_model=True)
        stop(findings)
        return predict_rows(config, rows_of(tables.data, split=tables.split), tables.model, tables.baseline), tuple(
            findings
        )
    has_table = tables.baseline_predictions is not None
    stop(lint(config, has_baseline_table=has_table, of_model=False))
    predictions = open_predictions(config, tables.predictions, tables.baseline_predictions, join_on=tables.join_on)
    findings = lint(config, predictions.columns, has_baseline_table=has_table, of_model=False)
    stop(findings)
    return predictions, tuple(findings)


def _evaluated(
    read: GateConfig, predictions: Predictions, engine: Engine, sampling: Sampling | None, *, thresholds_only: bool
) -> TableEvaluation:
    resampling = None if sampling is None else resampling_for(read, sampling, thresholds_only=thresholds_only)
    return evaluate_predictions(read.eval_config, predictions, engine, resampling=resampling)


def resampling_for(read: GateConfig, sampling: Sampling, *, thresholds_only: bool = True) -> Resampling:
    """Gives what to draw: metrics with thresholds only, or all."""
    limits = limits_for(read)
    keys = {limit.metric for limit in limits}
    if not thresholds_only:
        keys |= {one.key for one in plan_of(read.eval_config).metrics}
    return Resampling(
        frozenset(keys),
        sampling.num_replicates,
        sampling.seed,
        sampling.threads,
        across=frozenset(limit.metric for limit in limits if limit.across is not None),
    )


def judge(
    tables: Tables | Models,
    engine: Engine,
    *,
    policy: WrittenPolicy | None = None,
    sampling: Sampling | None = None,
    waivers: Sequence[Waiver] = (),
    today: date | None = None,
) -> Judged:
    """Evaluates, and holds the figures against the configuration's thresholds.

    Args:
        tables: What to evaluate.
        engine: Who reads the rows.
        policy: What is said in place of the configuration's own `policy` section; the rest of it stays.
        sampling: The bootstrap that evidence is drawn from.
        waivers: Failures that somebody answers for.
        today: The day by which waivers expire.

    Raises:
        UsageError: As [`evaluate_tables`][...evaluate_tables]; and for waivers without a day.
        DataError: As there.
    """
    if waivers and today is None:
        raise UsageError("waivers.today", "Waivers expire, so the day must be given.")
    read = read_config(tables.config)
    written = read.additions.policy.updated(**asdict(policy or WrittenPolicy()))
    wanted = replace(read.additions, policy=written).asks_for_evidence
    predictions, warnings = _opened(read.eval_config, tables)
    drawn = (sampling or Sampling()) if wanted else None
    evaluation = _evaluated(read, predictions, engine, drawn, thresholds_only=True)

    def waived(checks: Sequence[Check]) -> list[Check]:
        return list(checks) if today is None else waive(checks, waivers, today)

    verdict = with_missing(verdict_on(read, evaluation, written, waived=waived), predictions)
    failing = failing_slices(verdict, evaluation.figures.candidate) if evaluation.figures.baseline is not None else ()
    flips = None
    if failing:
        flips = flips_of(predictions, slicing_of(read.eval_config), failing)
        verdict = tell(verdict, flips, predictions, tables.join_on)
    return Judged(
        verdict=verdict, evaluation=evaluation, level=written.for_evidence().level, flips=flips, warnings=warnings
    )


def verdict_on(
    config: GateConfig,
    evaluation: TableEvaluation,
    policy: WrittenPolicy,
    *,
    waived: Callable[[Sequence[Check]], list[Check]] | None = None,
) -> Verdict:
    """Holds figures against the configuration's thresholds.

    Args:
        config: The configuration; its own `policy` section is not looked at.
        evaluation: The figures, drawn with replicates where something must be significant.
        policy: The rules.
        waived: Gives the checks with some failures waived.
    """
    return decide(
        limits_for(config),
        evaluation.figures,
        policy=policy.for_gate(),
        evidence=evidence_of(evaluation, replace(config.additions, policy=policy)),
        waived=waived,
    )


def evidence_of(evaluation: TableEvaluation, additions: Additions) -> Evidence | None:
    """Gives how sure the figures are; None where nothing must be significant."""
    if not additions.asks_for_evidence:
        return None
    return Evidence(
        policy=additions.policy.for_evidence(),
        candidate=evaluation.changes[CANDIDATE],
        baseline=evaluation.changes.get(BASELINE, {}),
        trials=evaluation.trials,
        areas=evaluation.areas,
    )


def limits_for(config: GateConfig) -> tuple[Limit, ...]:
    """Gives every limit, one for each rank of a metric that is computed at several.

    TFMA files `NDCG` with a `top_k_list` under each rank and looks for its threshold under none, so that every model
    fails; here the threshold holds each rank.
    """
    planned = [one.key for one in plan_of(config.eval_config).metrics]
    return tuple(
        replace(limit, metric=key)
        for limit in config.limits(metric_name)
        for key in (
            [limit.metric]
            if limit.metric in planned or limit.metric.sub_key
            else [key for key in planned if replace(key, sub_key="") == limit.metric] or [limit.metric]
        )
    )


def write_metrics(folder: Path, evaluation: TableEvaluation, confidence: float = 0.95) -> Path:
    """Writes `metrics.parquet`, with bounds where replicates were drawn, and TFMA's files; gives the first's path."""
    resampled = bool(evaluation.areas) or any(slices for slices in evaluation.changes.values())
    path = folder / METRICS_TABLE
    write_tfma_files(folder, evaluation)
    write_metrics_table(path, evaluation.figures, bounds_of(evaluation, confidence) if resampled else None)
    return path


def write_flips(folder: Path, flips: pa.Table) -> Path:
    """Writes `flips.parquet`, and gives its path."""
    path = folder / FLIPS_TABLE
    pq.write_table(flips, path)
    return path
