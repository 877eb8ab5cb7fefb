"""From a configuration and tables of predictions to a verdict: lint, evaluate, decide."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from assay.data.csv_types import CsvOptions
from assay.data.sources import rows_of
from assay.evaluation.config import GateConfig, read_config
from assay.evaluation.decision import Rules, Sampling, decided, resampling_for
from assay.evaluation.lint import LintFinding, lint, stop
from assay.evaluation.model_rows import predict_rows
from assay.evaluation.table_evaluation import TableEvaluation, evaluate_predictions
from assay.evaluation.tables import open_predictions
from assay.gating.verdict import Verdict

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa

    from assay.engines.base import Engine
    from assay.evaluation.tables import Predictions
    from assay.gating.thresholds import EvalConfig
    from assay.models.predictor import Predict


@dataclass(frozen=True, slots=True, kw_only=True)
class Tables:
    """What to evaluate.

    Attributes:
        config: A configuration in any form that `read_config` takes.
        predictions: A table, in any form that `assay.data.sources.rows_of` takes.
        baseline_predictions: The baseline's table, where it is another.
        join_on: The column that tells which rows of the two tables belong together; None for their order.
        csv: How the cells of tables in CSV files are read.
    """

    config: Any
    predictions: Any
    baseline_predictions: Any = None
    join_on: str | None = None
    csv: CsvOptions = field(default_factory=CsvOptions)


@dataclass(frozen=True, slots=True, kw_only=True)
class Models:
    """Models to evaluate on examples.

    Attributes:
        config: A configuration in any form that `read_config` takes.
        data: The examples, in any form that `assay.data.sources.rows_of` takes.
        model: The candidate: a SavedModel's folder, a Keras file or a function of a record batch.
        baseline: The baseline, likewise.
        split: The split of `data`, where it has several.
        csv: How the cells of examples in CSV files are read.
    """

    config: Any
    data: Any
    model: Path | Predict
    baseline: Path | Predict | None = None
    split: str | None = None
    csv: CsvOptions = field(default_factory=CsvOptions)

    @property
    def join_on(self) -> None:
        """Both models see the same rows."""
        return


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What the gate says, and by what figures.

    Attributes:
        verdict: The decision with every check.
        evaluation: The metrics.
        alpha: The one-sided significance level; bounds at `1 - 2 * alpha` are those that decided.
        flips: The rows of failing slices where the candidate did most worse; None without a failure or a baseline.
        warnings: What the lint found that does not stop an evaluation.
    """

    verdict: Verdict
    evaluation: TableEvaluation
    alpha: float
    flips: pa.Table | None = None
    warnings: tuple[LintFinding, ...] = ()


def evaluate_tables(
    tables: Tables | Models, engine: Engine, sampling: Sampling | None = None, *, thresholds_only: bool = False
) -> tuple[GateConfig, TableEvaluation, tuple[LintFinding, ...]]:
    """Return the configuration read, the metrics, and the lint's warnings.

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
        return predict_rows(
            config, rows_of(tables.data, split=tables.split, csv=tables.csv), tables.model, tables.baseline
        ), tuple(findings)
    has_table = tables.baseline_predictions is not None
    stop(lint(config, has_baseline_table=has_table, of_model=False))
    predictions = open_predictions(
        config, tables.predictions, tables.baseline_predictions, join_on=tables.join_on, csv=tables.csv
    )
    findings = lint(config, predictions.columns, has_baseline_table=has_table, of_model=False)
    stop(findings)
    return predictions, tuple(findings)


def _evaluated(
    read: GateConfig, predictions: Predictions, engine: Engine, sampling: Sampling | None, *, thresholds_only: bool
) -> TableEvaluation:
    resampling = None if sampling is None else resampling_for(read, sampling, thresholds_only=thresholds_only)
    return evaluate_predictions(read.eval_config, predictions, engine, resampling=resampling)


def judge(tables: Tables | Models, engine: Engine, rules: Rules | None = None) -> Judgement:
    """Evaluate with the kernels, and check the metrics against the configuration's thresholds.

    Args:
        tables: What to evaluate.
        engine: Who reads the rows.
        rules: The gate's settings outside of the configuration.

    Raises:
        UsageError: As [`evaluate_tables`][...evaluate_tables].
        DataError: As there.
    """
    rules = rules or Rules()
    config = rules.applied_to(read_config(tables.config))
    predictions, warnings = _opened(config.eval_config, tables)
    drawn = rules.sampling if config.additions.asks_for_evidence else None
    evaluation = _evaluated(config, predictions, engine, drawn, thresholds_only=True)
    verdict, flips = decided(config, evaluation, predictions, rules, join_on=tables.join_on)
    return Judgement(
        verdict=verdict,
        evaluation=evaluation,
        alpha=config.additions.policy.for_evidence().alpha,
        flips=flips,
        warnings=warnings,
    )
