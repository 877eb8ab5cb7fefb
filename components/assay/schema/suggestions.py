"""Additions to a schema that statistics give evidence for; people accept or reject them."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from statistics import NormalDist
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, get_args

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from tensorflow_metadata.proto.v0 import schema_pb2, statistics_pb2
from tensorflow_metadata.proto.v0.schema_pb2 import Schema
from tensorflow_metadata.proto.v0.statistics_pb2 import DatasetFeatureStatisticsList

from assay.errors import UsageError
from assay.kernels.default_slice import default_dataset
from assay.kernels.distances.distribution import bucket_arrays
from assay.kernels.distances.measures import histogram_jensen_shannon
from assay.kernels.expected_features import is_validated
from assay.kernels.feature_path import path_of, split_path
from assay.kernels.statistics.summaries.histograms import quantiles_histogram
from assay.kernels.statistics.summaries.quantiles import Quantiles
from assay.schema.inference import infer_schema
from assay.schema.patch import Entry, Evidence, Patch
from assay.schema.proto_dict import shortest_float
from assay.schema.subjects import SchemaSubject, index

if TYPE_CHECKING:
    from assay.kernels.distances.distribution import Doubles

Suggestion: TypeAlias = Literal["time", "categories", "ranges", "domains", "uniqueness", "presence", "drift"]

ALL: Final[tuple[Suggestion, ...]] = get_args(Suggestion)


@dataclass(frozen=True, slots=True, kw_only=True)
class SuggestOptions:
    """What to suggest, and how carefully.

    Attributes:
        kinds: The kinds of suggestions, all by default.
        margin: How far a numeric range goes beyond what was observed, as a share of its width; and how far below what
            was observed a share or a count may fall.
        min_examples: Features with fewer values give no suggestion: they are no evidence.
        max_categories: An integer feature with a wider range of values is not suggested as a category.
        confidence: Confidence that a sample-size-aware threshold passes unchanged data.
    """

    kinds: tuple[Suggestion, ...] = ALL
    margin: float = 0.1
    min_examples: int = 100
    max_categories: int = 32
    confidence: float = 0.999

    def __post_init__(self) -> None:
        """Refuses values that no suggestion could be made with."""
        if not 0 <= self.margin < float("inf"):
            raise UsageError("suggest.option", f"margin must not be negative, not {self.margin}.")
        if not 0.5 <= self.confidence < 1:
            raise UsageError("suggest.option", f"confidence must be between 0.5 and 1, not {self.confidence}.")
        unknown = [kind for kind in self.kinds if kind not in ALL]
        if unknown:
            raise UsageError("suggest.option", f"Unknown suggestion '{unknown[0]}'.", f"Known: {', '.join(ALL)}.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """One feature as it was observed.

    Attributes:
        name: Its path.
        statistics: Its statistics.
        feature: Its entry in the schema.
        schema: The schema, for shared domains.
        num_examples: Rows of the dataset.
        ascending: Whether its values never fall from one row to the next; None where nobody looked.
        date: The date of suggestions.
        is_category: Whether it was just suggested to take its numbers as categories.
    """

    name: str
    statistics: statistics_pb2.FeatureNameStatistics
    feature: Any
    schema: Any
    num_examples: int
    ascending: bool | None = None
    date: dt.date | None = None
    is_category: bool = False

    @property
    def type(self) -> str:
        """The type that the schema gives it."""
        return str(schema_pb2.FeatureType.Name(self.feature.type))

    @property
    def domain(self) -> str | None:
        """The field of the schema that holds its domain."""
        name: str | None = self.feature.WhichOneof("domain_info")
        return name

    @property
    def is_validated(self) -> bool:
        """Whether its lifecycle stage lets it be validated."""
        return is_validated(self.feature)

    @property
    def numbers(self) -> Any:
        """Its numeric statistics; None where it is not counted as a number."""
        return self.statistics.num_stats if self.statistics.WhichOneof("stats") == "num_stats" else None

    @property
    def strings(self) -> Any:
        """Its statistics as a string or a category; None where it is counted as something else."""
        return self.statistics.string_stats if self.statistics.WhichOneof("stats") == "string_stats" else None

    @property
    def common(self) -> Any:
        """Counts of presence and values."""
        stats = self.statistics.WhichOneof("stats")
        return getattr(self.statistics, stats).common_stats if stats else statistics_pb2.CommonStatistics()

    @property
    def num_values(self) -> int:
        """All its values, in all rows."""
        return int(self.common.tot_num_values)

    def entry(self, reason: str, plain: dict[str, Any], **evidence: Evidence) -> Entry:
        """Return a suggestion about the feature."""
        return Entry(
            feature=self.name, set=plain, reason=reason, date=self.date, suggested=True, evidence=dict(evidence)
        )


_TIME_NAME: Final = re.compile(r"time|date|day|epoch|created|updated|modified|(^|_)(at|ts)$", re.IGNORECASE)
_EPOCH: Final = (946_684_800, 4_102_444_800)
"""2000-01-01 and 2100-01-01 in seconds since 1970."""
_UNITS: Final = {
    "UNIX_DAYS": 1 / 86_400,
    "UNIX_SECONDS": 1.0,
    "UNIX_MILLISECONDS": 1e3,
    "UNIX_MICROSECONDS": 1e6,
    "UNIX_NANOSECONDS": 1e9,
}

MONOTONIC_TAG: Final = "assay.monotonic"
"""The tag of a feature whose values never fall from one row to the next."""


def suggest_time(observed: Observed, options: SuggestOptions) -> Entry | None:
    """Suggest a time for an integer that is named like one and is between 2000 and 2100 in a usual unit."""
    numbers = observed.numbers
    if observed.type != "INT" or observed.domain or numbers is None or not _TIME_NAME.search(observed.name):
        return None
    if observed.num_values < options.min_examples:
        return None
    for unit, per_second in _UNITS.items():
        if _EPOCH[0] * per_second <= numbers.min and numbers.max < _EPOCH[1] * per_second:
            plain: dict[str, Any] = {"time_domain": {"integer_format": unit}}
            reason = f"All values are {unit.removeprefix('UNIX_').lower()} since 1970, between 2000 and 2100."
            if observed.ascending:
                plain["annotation"] = {"tag": [*observed.feature.annotation.tag, MONOTONIC_TAG]}
                reason += " They never fall from one row to the next."
            return observed.entry(
                reason, plain, observed_min=int(numbers.min), observed_max=int(numbers.max), n=observed.num_values
            )
    return None


def suggest_categories(observed: Observed, options: SuggestOptions) -> Entry | None:
    """Suggest a small range of integers from 0 or 1 on, such as an hour or a month."""
    numbers = observed.numbers
    if observed.type != "INT" or observed.domain or numbers is None or numbers.min < 0:
        return None
    width = int(numbers.max) - int(numbers.min) + 1
    # Fewer values than ten a category say little about which categories there are.
    if not 2 < width <= options.max_categories or observed.num_values < max(options.min_examples, 10 * width):
        return None
    return observed.entry(
        f"Whole numbers in a range of {width}: they name categories rather than measure something.",
        {"int_domain": {"is_categorical": True}},
        observed_min=int(numbers.min),
        observed_max=int(numbers.max),
        n=observed.num_values,
    )


def suggest_range(observed: Observed, options: SuggestOptions) -> Entry | None:
    """Return the observed range with a margin on both sides; a non-negative range stays non-negative."""
    numbers = observed.numbers
    if numbers is None or observed.num_values < options.min_examples or observed.type not in {"INT", "FLOAT"}:
        return None
    field = "int_domain" if observed.type == "INT" else "float_domain"
    if observed.domain not in {None, field}:
        return None
    domain = getattr(observed.feature, field)
    low, high = numbers.min, numbers.max
    if domain.HasField("min") or domain.HasField("max") or domain.is_categorical:
        return None
    if not (math.isfinite(low) and math.isfinite(high)):
        return None
    below, above = _with_margin(low, high, options.margin)
    if observed.type == "INT":
        plain: dict[str, Any] = {"min": _whole(math.floor(below)), "max": _whole(math.ceil(above))}
    else:
        plain = {"min": below, "max": above}
        if not any(histogram.num_nan for histogram in numbers.histograms):
            plain["disallow_nan"] = True
    least, most = _number(low, observed.type), _number(high, observed.type)
    return observed.entry(
        f"Observed from {least} to {most}; the range leaves {options.margin:.0%} of its width on each side.",
        {field: plain},
        observed_min=least,
        observed_max=most,
        margin=options.margin,
        n=observed.num_values,
    )


def _with_margin(low: float, high: float, margin: float) -> tuple[float, float]:
    """Return the range and a margin, rounded outward to a number that a person would write."""
    if not margin:
        return low, high
    width = (high - low) or abs(high) or 1.0
    below, above = low - margin * width, high + margin * width
    step = 10.0 ** (math.floor(math.log10(width)) - 2)
    below, above = math.floor(below / step) * step, math.ceil(above / step) * step
    below, above = float(f"{below:.12g}"), float(f"{above:.12g}")
    if low >= 0:
        below = max(below, 0.0)
    if high <= 0:
        above = min(above, 0.0)
    return below, above


def _whole(value: int) -> int:
    return min(max(value, -(1 << 63)), (1 << 63) - 1)


def _number(value: float, kind: str) -> int | float:
    if kind == "INT":
        return int(value)
    short = shortest_float(value)  # of a 32-bit float; statistics hold it with 64
    return short if math.isclose(short, value, rel_tol=1e-7) else float(value)


def suggest_unseen_values(observed: Observed, options: SuggestOptions) -> Entry | None:
    """Room for values that a domain does not have, by how many of its values were seen once only.

    The share of values yet unseen is about the share of values that were seen once (Good and Turing; Good 1953). Three
    standard deviations of a Poisson count are added.
    """
    strings = observed.strings
    if strings is None or observed.domain not in {"domain", "string_domain"}:
        return None
    if observed.feature.distribution_constraints.HasField("min_domain_mass"):
        return None
    buckets = strings.rank_histogram.buckets
    # The rank histogram may hold the most frequent values only; then those that were seen once are not known.
    if len(buckets) != strings.unique or observed.num_values < options.min_examples:
        return None
    once = sum(bucket.sample_count <= 1 for bucket in buckets)
    if not once:
        return None
    unseen = (once + 3 * math.sqrt(once + 1)) / observed.num_values
    mass = math.floor((1 - unseen) * 1e4) / 1e4
    if mass <= 0.5:
        return None
    return observed.entry(
        f"{once} of {strings.unique} values occur once: about {once / observed.num_values:.2%} of new values will be "
        "ones that nobody has seen yet.",
        {"distribution_constraints": {"min_domain_mass": mass}},
        values_seen_once=once,
        distinct_values=int(strings.unique),
        n=observed.num_values,
    )


_SMALLEST_DISTANCE: Final = 0.01
"""A distance below this matters to nobody, however large the sample that shows it."""

UNBOUNDED: Final = (1 << 63) - 1
"""For TFDV, a number of distinct values without a maximum has the maximum 0."""

_MAX_DRAWN: Final = 2000
_SIMULATIONS: Final = 60


def suggest_presence(observed: Observed, options: SuggestOptions) -> Entry | None:
    """Suggest a minimum presence; inference sets one only for features that are always present."""
    common = observed.common
    total = int(common.num_non_missing + common.num_missing)
    if observed.feature.presence.min_fraction > 0 or total < options.min_examples or not common.num_non_missing:
        return None
    share = common.num_non_missing / total
    if share == 1.0:
        limit = 1.0
        reason = "It is present in every row."
    else:
        lower = _wilson_lower(share, total, options.confidence)
        limit = math.floor(min(share * (1 - options.margin), lower) * 1e3) / 1e3
        reason = f"It is present in {share:.2%} of the rows; the threshold leaves a margin of {options.margin:.0%}."
    if limit <= 0:
        return None
    return observed.entry(
        reason,
        {"presence": {"min_fraction": limit}},
        observed_share=round(share, 6),
        margin=options.margin,
        n=total,
    )


def suggest_uniqueness(observed: Observed, options: SuggestOptions) -> Entry | None:
    """Suggest uniqueness of a text feature whose values are all distinct, such as an id."""
    strings = observed.strings
    if strings is None or observed.feature.HasField("unique_constraints") or observed.common.max_num_values != 1:
        return None
    unique, total = int(strings.unique), observed.num_values
    # Distinct values of large features are estimated within about 1 %.
    if total < options.min_examples or unique < 0.99 * total:
        return None
    least = math.floor(min(unique, total) * (1 - min(options.margin, 1.0)))
    if least < 1:
        return None
    return observed.entry(
        f"Nearly all values are distinct, as in an id: {unique} of {total}. The threshold is a count: it holds "
        "for datasets of about this size.",
        {"unique_constraints": {"min": least, "max": UNBOUNDED}},
        distinct_values=unique,
        margin=options.margin,
        n=total,
    )


def suggest_drift(observed: Observed, options: SuggestOptions) -> Entry | None:
    """Suggest a comparator whose threshold is above the noise between two samples of at least half this size.

    Half, because the data of a day or a week is seldom of one size. The thresholds are those of TFDV's figures.
    """
    comparator = observed.feature.drift_comparator
    size = observed.num_values // 2
    if comparator.ByteSize() or observed.num_values < options.min_examples or size < 1:
        return None
    if observed.strings is not None and observed.domain in {"domain", "string_domain", "int_domain", "bool_domain"}:
        # TFDV compares shares of what is listed; which values are listed of more is a matter of chance.
        distinct, listed = int(observed.strings.unique), len(observed.strings.rank_histogram.buckets)
        return _infinity_norm(observed, options, size, distinct) if distinct <= listed else None
    if observed.is_category:
        return _infinity_norm(observed, options, size, int(observed.numbers.max - observed.numbers.min) + 1)
    if observed.numbers is not None and observed.domain not in {"time_domain", "time_of_day_domain"}:
        return _jensen_shannon(observed, options, size)
    return None


def _infinity_norm(observed: Observed, options: SuggestOptions, size: int, distinct: int) -> Entry | None:
    """Bound the L-infinity noise by Hoeffding's inequality for two means, and a union bound over the values.

    P(max |p - q| >= t) <= 2 k exp(-n t^2) for two samples of n values with k distinct ones.
    """
    if distinct < 2:
        return None
    noise = math.sqrt(math.log(2 * distinct / (1 - options.confidence)) / size)
    comparator: dict[str, dict[str, Any]] = {"infinity_norm": {}}
    return _distance(observed, options, comparator, noise, size, "Hoeffding's inequality", distinct_values=distinct)


def _jensen_shannon(observed: Observed, options: SuggestOptions, size: int) -> Entry | None:
    """Simulate TFDV's divergence between quantiles histograms, with its worst case at both ends.

    TFDV lays the histograms over each other as if values were spread evenly over each bucket, so that edges which moved
    by chance make a divergence. Of the standard histogram all edges move with the least and the greatest value, which
    for heavy tails says next to nothing (0.2 to 0.9 between equal samples): the comparator reads the quantiles
    histogram. Inside, its edges move as quantiles do, which is simulated from the histogram at hand, with samples of at
    most 2,000 values (larger ones differ by less). Its first and last bucket end at the extreme values, about which
    nothing follows from a histogram: they can add at most their share, in bits, and that is taken.
    """
    wanted = statistics_pb2.Histogram.QUANTILES
    histogram = next((each for each in observed.numbers.histograms if each.type == wanted), None)
    if histogram is None or len(histogram.buckets) < 2 or observed.numbers.min == observed.numbers.max:
        return None
    lows, highs, masses = bucket_arrays(histogram)
    finite = np.isfinite(lows) & np.isfinite(highs) & (masses > 0)
    lows, highs, shares = lows[finite], highs[finite], masses[finite] / masses[finite].sum()
    if not len(shares) or lows[0] == highs[-1]:
        return None
    ends = sum(float(shares[place]) for place in (0, -1) if lows[place] < highs[place])
    drawn = min(size, _MAX_DRAWN)
    rng = np.random.default_rng(0)
    whole = observed.statistics.type == statistics_pb2.FeatureNameStatistics.INT
    divergences = np.array([_simulated(rng, lows, highs, shares, drawn, whole=whole) for _ in range(_SIMULATIONS)])
    deviations = NormalDist().inv_cdf(options.confidence) + 2  # the divergence is skewed to the right
    noise = float(divergences.mean() + deviations * divergences.std(ddof=1)) + ends
    comparator = {"jensen_shannon_divergence": {"source": {"type": "QUANTILES"}}}
    how = f"{_SIMULATIONS} simulated pairs, and the most that the extreme values can add"
    return _distance(observed, options, comparator, noise, drawn, how, buckets=len(shares))


def _simulated(
    rng: np.random.Generator, lows: Doubles, highs: Doubles, shares: Doubles, size: int, *, whole: bool
) -> float:
    """Return the divergence between the quantiles histograms of two samples of what a histogram describes."""
    pair = []
    for _ in range(2):
        chosen = rng.choice(len(shares), size, p=shares)
        values = highs[chosen] - rng.random(size) * (highs - lows)[chosen]
        values = np.sort(np.ceil(values) if whole else values)
        ranks = np.ceil(np.arange(1, len(shares) + 1) * size / len(shares)).astype(np.int64) - 1
        edges = values[np.append(0, ranks)]
        weights = np.searchsorted(values, edges, side="right").astype(np.float64)
        pair.append(quantiles_histogram(Quantiles(edges, weights)))
    return histogram_jensen_shannon(*pair) or 0.0


def _distance(
    observed: Observed,
    options: SuggestOptions,
    comparator: dict[str, dict[str, Any]],
    noise: float,
    size: int,
    how: str,
    **evidence: Any,
) -> Entry | None:
    threshold = math.ceil(max(noise, _SMALLEST_DISTANCE) * 1e4) / 1e4
    if threshold >= 1:
        return None
    ((metric, plain),) = comparator.items()
    return observed.entry(
        f"Two samples of at least {size} values each from one distribution differ by less than {noise:.4g} in "
        f"{options.confidence:.1%} of cases, by {how}; below {_SMALLEST_DISTANCE} no difference matters.",
        {"drift_comparator": {metric: {"threshold": threshold, **plain}}},
        noise=float(f"{noise:.4g}"),
        confidence=options.confidence,
        n=observed.num_values,
        holds_from=size,
        **evidence,
    )


def _wilson_lower(share: float, total: int, confidence: float) -> float:
    """Return the lower bound of a share (Wilson 1927)."""
    z = NormalDist().inv_cdf(confidence)
    centre = share + z * z / (2 * total)
    spread = z * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    return (centre - spread) / (1 + z * z / total)


_MAKERS: Final[dict[Suggestion, Callable[[Observed, Any], Entry | None]]] = {
    "time": suggest_time,
    "categories": suggest_categories,
    "ranges": suggest_range,
    "domains": suggest_unseen_values,
    "uniqueness": suggest_uniqueness,
    "presence": suggest_presence,
    "drift": suggest_drift,
}


def suggest(
    statistics: DatasetFeatureStatisticsList,
    schema: Schema | None = None,
    options: SuggestOptions | None = None,
    *,
    ascending: Mapping[str, bool] | None = None,
    date: dt.date | None = None,
) -> Patch:
    """Return suggestions as a patch whose entries are marked as suggested, each with its evidence.

    Where it is applied, the schema shows what was suggested: by the tag `assay.suggested` and a comment. To accept an
    entry, take `suggested: true` out of it; to reject it, delete it.

    Args:
        statistics: Of one dataset, or of slices that include `All Examples`.
        schema: What is decided already, and is not suggested again; by default the inferred schema.
        options: What to suggest.
        ascending: Whether the values of a feature never fall from one row to the next, as
            `assay.schema.suggestions.AscendingColumns` finds in the data; statistics do not know.
        date: The date of the entries.

    Raises:
        ArtifactError: Statistics of several slices have none of all examples.
    """
    options = options or SuggestOptions()
    schema = schema if schema is not None else infer_schema(statistics)
    entries = tuple(_entries(statistics, schema, options, ascending or {}, date))
    return Patch(entries=entries)


def _entries(
    statistics: DatasetFeatureStatisticsList,
    schema: Schema,
    options: SuggestOptions,
    ascending: Mapping[str, bool],
    date: dt.date | None,
) -> Iterator[Entry]:
    dataset = default_dataset(statistics)
    places = index(schema)
    for feature in dataset.features:
        steps = split_path(path_of(feature))
        place = places.get(SchemaSubject("feature", path_of(feature)))
        if place is None:
            continue
        observed = Observed(
            name=place.subject.name,
            statistics=feature,
            feature=place.message,
            schema=schema,
            num_examples=int(dataset.num_examples),
            ascending=ascending.get(steps[0]) if len(steps) == 1 else None,
            date=date,
        )
        if not observed.is_validated:
            continue
        taken: set[str] = set()
        for kind, make in _MAKERS.items():
            # A feature has one domain: what is a time gets no range, and what is a category neither. Time goes on: it
            # drifts, and nobody wants to hear so.
            if (kind in {"categories", "ranges"} and taken & {"time", "categories"}) or (
                kind == "drift" and "time" in taken
            ):
                continue
            entry = make(observed, options) if kind in options.kinds or kind in {"time", "categories"} else None
            if entry is None:
                continue
            taken.add(kind)
            # A comparator that counts categories needs the domain that is suggested beside it.
            if kind == "categories" and kind in options.kinds:
                observed = replace(observed, is_category=True)
            if kind in options.kinds:
                yield entry


@dataclass(slots=True)
class AscendingState:
    """Of each column: its first and last value, and whether it rose or stood still all the way; it can be pickled.

    Attributes:
        columns: First and last value; None for a column that fell somewhere.
    """

    columns: dict[str, tuple[Any, Any] | None] = field(default_factory=dict)

    def follow(self, name: str, part: tuple[Any, Any] | None) -> None:
        """Return the schema of the entries that follow."""
        known = self.columns.get(name, part)
        if known is None or part is None:
            self.columns[name] = None
        elif name not in self.columns:
            self.columns[name] = part
        else:
            self.columns[name] = (known[0], part[1]) if known[1] <= part[0] else None


class AscendingColumns:
    """Finds the columns of integers and times whose values never fall, as an accumulator over record batches.

    Missing values are passed over.

    Args:
        columns: The columns to look at; all by default.
    """

    def __init__(self, columns: Sequence[str] | None = None) -> None:
        self._columns = None if columns is None else frozenset(columns)

    def create(self) -> AscendingState:
        """Return the state of no rows."""
        return AscendingState()

    def add_batch(self, state: AscendingState, batch: pa.RecordBatch) -> AscendingState:
        """Add the rows of one batch to `state`, in place."""
        for name, column in zip(batch.schema.names, batch.columns, strict=True):
            if self._columns is not None and name not in self._columns:
                continue
            if not (pa.types.is_integer(column.type) or pa.types.is_temporal(column.type)):
                continue
            values = column.drop_null()
            if len(values):
                rises = pc.all(pc.less_equal(values[:-1], values[1:]), min_count=0).as_py()
                state.follow(name, (values[0].as_py(), values[-1].as_py()) if rises else None)
        return state

    def merge(self, states: Sequence[AscendingState]) -> AscendingState:
        """Return the state of all rows, in order."""
        result, *others = states
        for other in others:
            for name, part in other.columns.items():
                result.follow(name, part)
        return result

    def extract(self, state: AscendingState) -> dict[str, bool]:
        """Return, for each column of integers or times, whether its values never fall."""
        return {name: ends is not None for name, ends in state.columns.items()}
