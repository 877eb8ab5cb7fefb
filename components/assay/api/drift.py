"""`assay.drift`: the distances between two datasets, feature by feature."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assay.api.pages import page, table
from assay.api.statistics import is_statistics, opened_rows, statistics_of, types_of
from assay.artifacts.outputs import output_folder
from assay.data.csv_types import CsvOptions
from assay.engines.embedded import EmbeddedEngine
from assay.errors import UsageError, did_you_mean
from assay.gating.verdict import Check, Verdict, write_verdict
from assay.kernels.default_slice import default_dataset
from assay.kernels.distances import (
    ALL_FEATURES,
    DEFAULT_THRESHOLDS,
    Distance,
    DriftThresholds,
    FeatureDrift,
    Side,
    ValueTables,
    check_limits_of_features,
    compare_features,
)
from assay.kernels.feature_path import resolve_keys, resolve_path
from assay.validation.drift_findings import MEASURE_WORDS

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd
    from typing_extensions import Unpack

    from assay.api.inputs import DataLike, StatisticsLike
    from assay.data.csv_types import CsvKeywords


@dataclass(frozen=True, slots=True, repr=False)
class DriftReport:
    """The distances of each feature of the data from the same feature of the control.

    Attributes:
        features: Each feature of either, with its distances and bins.
        thresholds: The thresholds of the distances, by feature; `*` stands for all that are not named.
        num_examples: Rows of the data, and of the control.
    """

    features: tuple[FeatureDrift, ...]
    thresholds: Mapping[str, DriftThresholds]
    num_examples: tuple[int, int]

    @property
    def ok(self) -> bool:
        """Whether no feature drifted, and every one could be compared."""
        return not self.drifted

    @property
    def drifted(self) -> tuple[FeatureDrift, ...]:
        """The features with a distance above its limit, and those that could not be compared."""
        return tuple(feature for feature in self.features if feature.drifted)

    @property
    def not_compared(self) -> tuple[FeatureDrift, ...]:
        """The features whose values are not compared, such as ids; each has a remark that says why."""
        return tuple(feature for feature in self.features if feature.remark)

    @property
    def summary(self) -> str:
        """The outcome in a sentence."""
        drifted = _listed(self.drifted)
        remarks = f" Not compared: {_listed(self.not_compared)}." if self.not_compared else ""
        number = f"{len(self.drifted)} of {len(self.features)} features drifted"
        return f"{number}{': ' if drifted else ''}{drifted}.{remarks}"

    @property
    def verdict(self) -> Verdict:
        """Every distance that has a limit, as `verdict.json` has it."""
        checks = tuple(check for feature in self.features for check in _checks(feature))
        return Verdict(ok=self.ok, summary=self.summary, checks=checks, policy={"fail_on": "error"})

    def save(self, folder: str | Path) -> None:
        """Write `verdict.json`."""
        with output_folder(Path(folder), ("verdict.json",)) as place:
            write_verdict(self.verdict, place)

    def to_pandas(self) -> pd.DataFrame:
        """Return one row per feature and measure."""
        import pandas as pd  # noqa: PLC0415 (a slow import that most callers do not need)

        rows = [
            (each.feature, each.kind, d.measure, d.value, d.limit, d.chance, d.threshold, d.exceeded, d.where, d.basis)
            for each in self.features
            for d in each.distances
        ]
        columns = [
            "feature", "kind", "measure", "value", "limit", "chance", "threshold", "exceeded", "where", "basis"
        ]  # fmt: skip
        return pd.DataFrame(rows, columns=columns)

    def __str__(self) -> str:
        """Return the outcome, and a line for each feature that drifted."""
        lines = [self.summary]
        for feature in self.drifted:
            found = [_words(distance) for distance in feature.distances if distance.exceeded]
            lines.append(f"{feature.feature}: {feature.problem or '; '.join(found)}")
        lines += [f"{feature.feature}: {feature.remark}" for feature in self.not_compared]
        return "\n".join(lines)

    def __repr__(self) -> str:
        """Return the printed form, which a prompt and a failed assertion show instead of the protos."""
        return str(self)

    def _repr_html_(self) -> str:
        """Return a table of distances, with the bins of each feature that drifted; a notebook shows it by itself."""
        rows: list[tuple[str, ...]] = [
            (each.feature, d.measure, f"{d.value:.4g}", f"{d.limit:.4g}", "above" if d.exceeded else "", d.basis)
            for each in self.features
            for d in each.distances
            if d.limit is not None
        ]
        rows += [
            (each.feature, "", "", "", each.problem or each.remark, "")
            for each in self.features
            if each.problem or each.remark
        ]
        parts = [table(("feature", "measure", "distance", "limit", "", "computed from"), rows)]
        n, m = self.num_examples
        for each in self.drifted:
            if each.bins:
                header = (each.feature, f"of {n:,} examples", f"of {m:,} compared with")
                bins = [(found.name, f"{found.treatment:,.0f}", f"{found.control:,.0f}") for found in each.bins[:20]]
                parts.append(table(header, bins))
        return page("no drift" if self.ok else "drift", self.summary, *parts, ok=self.ok)


def drift(
    control: DataLike | StatisticsLike,
    data: DataLike | StatisticsLike,
    *,
    thresholds: DriftThresholds | Mapping[str, DriftThresholds] = DEFAULT_THRESHOLDS,
    split: str | None = None,
    exact: bool = True,
    exclude: Collection[str] = (),
    **csv: Unpack[CsvKeywords],
) -> DriftReport:
    """Measure the distances of data from a control: L-infinity, Jensen-Shannon, PSI, Kolmogorov-Smirnov, Wasserstein.

    A distance counts as drift if it exceeds both its threshold and what samples of this size reach by chance. The
    `alpha` of the thresholds is the probability of an alarm for a feature that did not change, over all of its
    measures. It is derived from the permutation distribution of both samples (`kernels/distances/limits.py`);
    `benchmarks/drift_rates.py` simulates it.

    Where nearly every value of a feature occurs once, as ids do, its values are not compared unless it has thresholds
    of its own; the report names it.

    Args:
        control: The reference, such as the previous span: statistics, a statistics file, or anything that
            `assay.statistics` accepts.
        data: The data that may have drifted from it: the same kinds.
        thresholds: The threshold of each measure: for all features, or by feature; `*` stands for all that are not
            named.
        split: The split of Examples that have several.
        exact: Whether to count every distinct value of data, in a pass of its own. Else, and for what is given as
            statistics, distances come from histograms, over bins that both sides know, and say so.
        exclude: Features that are left out.
        **csv: How the cells of a CSV are read: `delimiter`, `missing_values`, `decimal`, `thousands`, `types` and
            `max_record_bytes`, as in `assay.CsvOptions`.

    Raises:
        DataError: If the data cannot be read.
        UsageError: If a feature with thresholds of its own is in neither dataset, or one of them does not apply to it;
            if an excluded feature is in neither dataset, or has thresholds of its own.

    Example:
        ```python
        report = assay.drift("2024-01.csv", "2024-02.csv", thresholds={"fare": assay.DriftThresholds(psi=0.1)})
        ```
    """
    by_feature = {ALL_FEATURES: thresholds} if isinstance(thresholds, DriftThresholds) else dict(thresholds)
    reading = CsvOptions(**csv)
    rows: list[Any] = [
        each if is_statistics(each) else opened_rows(each, split, options)
        for each, options in ((data, reading), (control, replace(reading, optional=True)))
    ]
    if by_feature.keys() - {ALL_FEATURES}:
        first = [Side(types_of(each), {}) for each in rows if not is_statistics(each)]
        check_limits_of_features(by_feature, *first, whole=False)
    sides = [Side(default_dataset(statistics_of(each, split=split).proto), {}) for each in rows]
    check_limits_of_features(by_feature, *sides)
    _check_excluded(exclude, by_feature, *sides)
    ours, theirs = (
        Side(side.statistics, EmbeddedEngine().reduce(each, ValueTables()) if exact and not is_statistics(each) else {})
        for side, each in zip(sides, rows, strict=True)
    )
    counts = (int(ours.statistics.num_examples), int(theirs.statistics.num_examples))
    return DriftReport(compare_features(ours, theirs, by_feature, exclude), by_feature, counts)


def _check_excluded(exclude: Collection[str], thresholds: Mapping[str, DriftThresholds], *sides: Side) -> None:
    known = dict.fromkeys(name for side in sides for name in side.names)
    limited = resolve_keys(thresholds, known)
    for name in exclude:
        path = resolve_path(name, known)
        if path not in known:
            raise UsageError(
                "drift.feature",
                f"The excluded feature '{name}' is in neither dataset.",
                did_you_mean(name, known) or "Check the names of the columns.",
            )
        if path in limited:
            raise UsageError(
                "drift.excluded", f"The excluded feature '{name}' has thresholds of its own.", "Remove one of the two."
            )


def _listed(features: tuple[FeatureDrift, ...]) -> str:
    names = [feature.feature for feature in features]
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def _checks(drift: FeatureDrift) -> Iterator[Check]:
    if drift.problem:
        yield Check(
            id=f"{drift.feature}/comparable",
            kind="distance",
            ok=False,
            subject=drift.feature,
            sentence=f"{drift.feature} cannot be compared: {drift.problem}.",
        )
    if drift.remark:
        yield Check(
            id=f"{drift.feature}/comparable",
            kind="distance",
            ok=True,
            applied=False,
            subject=drift.feature,
            sentence=f"{drift.feature}: {drift.remark}.",
        )
    for each in drift.distances:
        if each.limit is None:
            continue
        by_chance = each.limit != each.threshold
        at = f" at {each.where}" if each.where and each.exceeded else ""
        yield Check(
            id=f"{drift.feature}/{each.measure}",
            kind="distance",
            ok=not each.exceeded,
            subject=drift.feature,
            observed=each.value,
            limit=each.limit,
            limit_origin="what samples of this size reach by chance" if by_chance else f"thresholds.{each.measure}",
            sentence=f"{drift.feature}: the {MEASURE_WORDS[each.measure]} is {each.value:.4g}{at}; "
            f"the limit is {each.limit:.4g}{' by chance' if by_chance else ''}.",
            details={"threshold": each.threshold, "chance": each.chance, "basis": each.basis},
        )


def _words(distance: Distance) -> str:
    at = f" at {distance.where}" if distance.where else ""
    return f"{distance.measure} {distance.value:.4g}{at} (threshold {distance.limit:.4g})"
