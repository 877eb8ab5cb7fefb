"""From figures to a verdict, with warnings for people: one way for pipelines, the command line and Python."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from assay.errors import UsageError
from assay.evaluation.accumulation import BASELINE, CANDIDATE, Resampling
from assay.evaluation.config import GateConfig, parse_eval_config, with_modules
from assay.evaluation.naming import told_by_name
from assay.evaluation.plan import metric_name, plan_of
from assay.evaluation.remarks import LOUD, remarks_on
from assay.evaluation.slicing import absent_slices, slicing_of
from assay.evaluation.table_evaluation import shares_of
from assay.evaluation.worst_rows import failing_slices, flips_of, own_rows, tell
from assay.gating.decision import decide
from assay.gating.policy import WrittenPolicy
from assay.gating.significance import ReplicateEvidence
from assay.gating.verdict import Check, Verdict
from assay.gating.waivers import Waiver, waive
from assay.kernels.metrics.rows import numbers
from assay.spec.source_digest import module_digest

if TYPE_CHECKING:
    import pyarrow as pa

    from assay.evaluation.table_evaluation import TableEvaluation
    from assay.evaluation.tables import Predictions
    from assay.gating.metric_values import Figures
    from assay.gating.thresholds import LimitCheck, MetricBound


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
class Rules:
    """What a gate is given in addition to its configuration.

    Attributes:
        policy: What holds in place of the configuration's own `policy` section; the rest of that stays.
        waivers: Failures that somebody answers for.
        today: The day by which waivers expire.
        sampling: The bootstrap that evidence is drawn from.
        subjects: The digests of what is judged, by role.
    """

    policy: WrittenPolicy = field(default_factory=WrittenPolicy)
    waivers: tuple[Waiver, ...] = ()
    today: date | None = None
    sampling: Sampling = field(default_factory=Sampling)
    subjects: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Wants a day where there are waivers.

        Raises:
            UsageError: There is none.
        """
        if self.waivers and self.today is None:
            raise UsageError("waivers.today", "Waivers expire, so today's date must be given.")

    def applied_to(self, config: GateConfig) -> GateConfig:
        """Return the configuration with these rules in place of what its own `policy` section says."""
        policy = config.additions.policy.updated(**asdict(self.policy))
        return replace(config, additions=replace(config.additions, policy=policy))

    def bound(self, config: GateConfig) -> dict[str, Any]:
        """Return, as plain values, all that a blessing binds in addition to models and data; see decision 0060.

        A file with a metric counts by what it holds: where it lies is another place on each machine.
        """
        return {
            "eval_config": with_modules(parse_eval_config(self.applied_to(config)), _content),
            "waivers": [msgspec.to_builtins(waiver) for waiver in self.waivers],
        }

    def waived(self, points: Sequence[LimitCheck]) -> list[Check]:
        """Return the checks with some failures waived."""
        return [one.check for one in points] if self.today is None else waive(points, self.waivers, self.today)


def _content(module: str) -> str:
    return module_digest(Path(module)) if Path(module).is_file() else module


def decided(
    config: GateConfig,
    evaluation: TableEvaluation,
    predictions: Predictions,
    rules: Rules,
    *,
    figures: Figures | None = None,
    name_of: Callable[[Any], str] = metric_name,
    join_on: str | None = None,
) -> tuple[Verdict, pa.Table | None]:
    """Return the verdict, and the rows of failing slices where the candidate is worst compared with the baseline.

    Args:
        config: The configuration, the rules applied to it.
        evaluation: What the kernels computed.
        predictions: The rows.
        rules: The remaining settings of the gate.
        figures: The kernels' figures and another engine's, where that computed some.
        name_of: Gives a metric's name, for the thresholds; TFMA's own where it computed some.
        join_on: The column by which rows are named.
    """
    verdict = with_missing(verdict_on(config, evaluation, rules, figures=figures, name_of=name_of), predictions)
    told = {check.id for check in verdict.checks}
    asks = config.additions.asks_for_evidence
    fewest = config.additions.policy.for_evidence().min_examples if asks else 0
    remarks = tuple(check for check in remarks_on(evaluation, min_examples=fewest) if check.id not in told)
    loud = [check.sentence for check in remarks if check.kind in LOUD] if verdict.ok else []
    summary = " ".join([verdict.summary, *loud])
    verdict = told_by_name(replace(verdict, summary=summary, checks=verdict.checks + remarks), predictions.naming)
    failing = failing_slices(verdict, evaluation.figures.candidate) if evaluation.figures.baseline is not None else ()
    if not failing:
        return verdict, None
    flips = flips_of(predictions, slicing_of(config.eval_config), failing)
    return tell(verdict, flips, predictions, join_on), own_rows(flips, predictions)


def verdict_on(
    config: GateConfig,
    evaluation: TableEvaluation,
    rules: Rules | None = None,
    *,
    figures: Figures | None = None,
    name_of: Callable[[Any], str] = metric_name,
) -> Verdict:
    """Check metrics against the configuration's thresholds; the arguments are those of [`decided`][...decided]."""
    rules = rules or Rules()
    return decide(
        limits_for(config, name_of),
        figures or evaluation.figures,
        policy=config.additions.policy.for_gate(),
        subjects=rules.subjects,
        evidence=_evidence_of(evaluation, config),
        waived=rules.waived,
        absent=absent_slices(config.eval_config, evaluation.figures.examples),
    )


def _evidence_of(evaluation: TableEvaluation, config: GateConfig) -> ReplicateEvidence | None:
    """Return the bounds of the metrics; None if no significance is required."""
    if not config.additions.asks_for_evidence:
        return None
    return ReplicateEvidence(
        policy=config.additions.policy.for_evidence(),
        candidate=evaluation.changes[CANDIDATE],
        baseline=evaluation.changes.get(BASELINE, {}),
        trials=evaluation.trials,
        closed=evaluation.closed,
        shares={
            key: {metric: shares_of(evaluation, key, metric) for metric in of_slice}
            for key, of_slice in evaluation.differing.items()
        },
    )


def limits_for(config: GateConfig, name_of: Callable[[Any], str] = metric_name) -> tuple[MetricBound, ...]:
    """Return every limit, one for each rank of a metric that is computed at several.

    TFMA files `NDCG` with a `top_k_list` under each rank and looks for its threshold under none, so that every model
    fails; here the threshold holds each rank.
    """
    plan = plan_of(config.eval_config).metrics
    planned = [one.key for one in plan]
    of_both = {one.key for one in plan if one.of_both}
    return tuple(
        replace(limit, metric=key, of_both=key in of_both)
        for limit in config.limits(name_of)
        for key in (
            [limit.metric]
            if limit.metric in planned or limit.metric.sub_key
            else [key for key in planned if replace(key, sub_key="") == limit.metric] or [limit.metric]
        )
    )


def resampling_for(config: GateConfig, sampling: Sampling, *, thresholds_only: bool = True) -> Resampling:
    """Return the metrics to resample: those with thresholds only, or all."""
    limits = limits_for(config)
    keys = {limit.metric for limit in limits}
    if not thresholds_only:
        keys |= {one.key for one in plan_of(config.eval_config).metrics}
    return Resampling(
        frozenset(keys),
        sampling.num_replicates,
        sampling.seed,
        sampling.threads,
        across=frozenset(limit.metric for limit in limits if limit.across is not None),
    )


def with_missing(verdict: Verdict, predictions: Predictions) -> Verdict:
    """Return the verdict; where a figure is NaN, with a warning for each column that lacks numbers.

    The rows are gone through again, but only then.
    """
    figures = (figure for check in verdict.checks for figure in (check.observed, check.baseline))
    if not any(figure is not None and math.isnan(figure) for figure in figures):
        return verdict
    keys = predictions.keys
    whose = {"label": keys.label, "candidate's prediction": keys.candidate, "baseline's prediction": keys.baseline}
    columns = {role: name for role, name in whose.items() if name is not None}
    count, first = dict.fromkeys(columns, 0), dict.fromkeys(columns, -1)
    rows = 0
    for shard in predictions.source.shards:
        for batch in shard.batches(list(dict.fromkeys(columns.values()))):
            for role, name in columns.items():
                lacking = np.isnan(numbers(batch, name)).reshape(batch.num_rows, -1).any(axis=1)
                if lacking.any() and not count[role]:
                    first[role] = rows + int(np.argmax(lacking))
                count[role] += int(lacking.sum())
            rows += batch.num_rows
    found = tuple(
        Check(
            id=f"missing_values:{name}",
            kind="missing_values",
            ok=False,
            severity="warning",
            subject=name,
            observed=count[role],
            sentence=(
                f"{count[role]} of {rows} rows {'has' if count[role] == 1 else 'have'} no number for the {role} "
                f"'{name}', row {first[role]} first (counted from 0): what includes them is NaN."
            ),
            details={"first_row": first[role]},
        )
        for role, name in columns.items()
        if count[role]
    )
    return replace(verdict, checks=verdict.checks + found)
