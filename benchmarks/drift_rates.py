"""How often drift is reported of data that did not change, and of data that did.

    python benchmarks/drift_rates.py [--pairs N] [--size N,M] [--full] [--quick]

Each round draws pairs of samples, and judges them through the functions that `assay drift` and `assay validate
--previous` call:

- `drift`, from the data of both sides, from data and statistics, and from the statistics of both. All thresholds are 0,
  so that only the limits by chance decide: other thresholds raise fewer alarms.
- `validate` with the drift thresholds that `assay schema suggest` suggests from an earlier sample of the same size.

The alarm rate of equal distributions may exceed the stated rate (0.1 % for each feature) only as far as a binomial test
at 1 % accepts; the benchmark fails otherwise. The rates for shifted distributions are shown without a target. By
default 200 pairs of each are drawn, which takes some two minutes; `--full` draws 1,000, of more sizes. The two-sample
Kolmogorov-Smirnov test of SciPy, at the same level, stands beside the numeric features.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from scipy import stats

from assay.kernels.distances import DriftThresholds, Side, ValueTables, compare_features
from assay.kernels.statistics import DatasetStatistics
from assay.schema import apply, suggest
from assay.schema.inference import infer_schema
from assay.schema.suggestions import SuggestOptions
from assay.validation.examination import Expectations, examine

RATE = 0.001
ONLY_CHANCE = DriftThresholds(
    l_infinity=0, jensen_shannon=0, psi=0, kolmogorov_smirnov=0, wasserstein=0, missing=0, alpha=RATE
)
Draw = Callable[[np.random.Generator, int, float], Any]


def _numbers(draw: Callable[[np.random.Generator, int], Any]) -> Draw:
    """Return a numeric feature, moved by a number of standard deviations (of the bulk, if it has none)."""
    reference = draw(np.random.default_rng(0), 100_000)
    low, high = np.quantile(reference, [0.001, 0.999])
    unit = float(np.clip(reference, low, high).std()) or 1.0
    return lambda rng, size, shift: draw(rng, size) + shift * unit


def _categories(shares: Any) -> Draw:
    """Return a categorical feature of which a part `shift / 2` of the mass moves to the most frequent value."""
    names = np.array([f"v{number}" for number in range(len(shares))])
    chances = np.asarray(shares) / np.sum(shares)

    def draw(rng: np.random.Generator, size: int, shift: float) -> Any:
        found = names[rng.choice(len(names), size, p=chances)]
        return np.where(rng.random(size) < shift / 2, names[0], found)

    return draw


FEATURES: Mapping[str, Draw] = {
    "normal": _numbers(lambda rng, size: rng.normal(size=size)),
    "exponential": _numbers(lambda rng, size: rng.exponential(size=size)),
    "lognormal": _numbers(lambda rng, size: rng.lognormal(size=size)),
    "cauchy": _numbers(lambda rng, size: rng.standard_cauchy(size)),
    "zero-inflated": _numbers(lambda rng, size: np.where(rng.random(size) < 0.9, 0.0, rng.lognormal(size=size))),
    "counts": _numbers(lambda rng, size: rng.poisson(3, size).astype(np.float64)),
    "constant": _numbers(lambda _, size: np.full(size, 5.0)),
    "2 categories": _categories([0.3, 0.7]),
    "10 categories": _categories(np.ones(10)),
    "1000 categories": _categories(np.ones(1000)),
    "1000 categories Zipf": _categories(1 / np.arange(1, 1001)),
    "10000 categories": _categories(np.ones(10_000)),
    "10000 categories Zipf": _categories(1 / np.arange(1, 10_001)),
    "ids": lambda rng, size, _: np.array([f"u{number}" for number in rng.integers(0, 1 << 60, size)]),
}
SOURCES = {"data": (True, True), "data, statistics": (True, False), "statistics": (False, False)}


@dataclass(frozen=True, slots=True)
class Sample:
    """One sample of all features."""

    columns: Mapping[str, Any]
    statistics: Any
    tables: Mapping[str, Any]

    def side(self, *, exact: bool) -> Side:
        """Return the sample as one side of a comparison, by its values or by its statistics."""
        return Side(self.statistics.datasets[0], self.tables if exact else {})


def sample(rng: np.random.Generator, size: int, shift: float = 0.0) -> Sample:
    """Draw a sample of every feature."""
    columns = {name: draw(rng, size, shift) for name, draw in FEATURES.items()}
    (batch,) = pa.table(columns).to_batches()
    summary, tables = DatasetStatistics(), ValueTables()
    return Sample(
        columns,
        summary.extract(summary.add_batch(summary.create(), batch)),
        tables.extract(tables.add_batch(tables.create(), batch)),
    )


def drift_alarms(treatment: Sample, control: Sample) -> dict[str, set[str]]:
    """Return the features that `drift` reports, by what it is given."""
    found = {}
    for source, exact in SOURCES.items():
        sides = treatment.side(exact=exact[0]), control.side(exact=exact[1])
        found[source] = {each.feature for each in compare_features(*sides, ONLY_CHANCE) if each.drifted}
    found["SciPy, KS"] = {
        name
        for name, values in treatment.columns.items()
        if values.dtype.kind == "f" and stats.ks_2samp(values, control.columns[name], method="asymp").pvalue < RATE
    }
    return found


def validation_alarms(treatment: Sample, control: Sample, schema: Any) -> set[str]:
    """Return the features that `validate --previous` reports as drifted."""
    found = examine(treatment.statistics, Expectations(schema=schema), {"previous": control.statistics})
    return {each.feature for each in found.findings if each.type.startswith("COMPARATOR_")}


def suggested_schema(earlier: Sample) -> Any:
    """Return the inferred schema with the suggested drift thresholds."""
    schema = infer_schema(earlier.statistics)
    return apply(schema, suggest(earlier.statistics, schema, SuggestOptions(kinds=("drift",))))


def rates(sizes: tuple[int, int], shift: float, pairs: int, seed: int) -> dict[str, dict[str, int]]:
    """Return the numbers of alarms by source and feature."""
    rng = np.random.default_rng([seed, *sizes, round(1000 * shift)])
    sources = (*SOURCES, "SciPy, KS", "validate")
    counts = {source: dict.fromkeys(FEATURES, 0) for source in sources}
    schema = suggested_schema(sample(rng, min(sizes)))
    for number in range(pairs):
        if number % 20 == 0:  # thresholds are to hold whichever sample they were suggested from
            schema = suggested_schema(sample(rng, min(sizes)))
        treatment, control = sample(rng, sizes[0], shift), sample(rng, sizes[1])
        alarms = {**drift_alarms(treatment, control), "validate": validation_alarms(treatment, control, schema)}
        for source, names in alarms.items():
            for name in names:
                counts[source][name] += 1
    return counts


def accepted(pairs: int, *, level: float = 0.01) -> int:
    """Return the maximum number of alarms that a binomial test at 1 % accepts if the rate is the stated one."""
    return int(stats.binom.isf(level, pairs, RATE))


def report(title: str, counts: Mapping[str, Mapping[str, int]], pairs: int) -> None:
    """Print one table."""
    print(f"\n{title}")
    print(f"{'':26}" + "".join(f"{source:>21}" for source in counts))
    for name in FEATURES:
        print(f"{name:26}" + "".join(f"{counts[source][name] / pairs:>21.2%}" for source in counts))


def main() -> int:
    """Print the tables; return 1 where a stated rate is exceeded."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=None, help="Pairs of samples of each kind.")
    parser.add_argument("--full", action="store_true", help="1,000 pairs of more sizes: takes about an hour.")
    parser.add_argument("--size", metavar="N,M", help="Only samples of these sizes.")
    parser.add_argument("--quick", action="store_true", help="10 pairs of small samples.")
    arguments = parser.parse_args()
    pairs = arguments.pairs or (1000 if arguments.full else 10 if arguments.quick else 200)
    sizes = [(300, 300)] if arguments.quick else [(1000, 1000)]
    sizes += [(20, 20), (300, 3000), (3000, 300), (10_000, 10_000)] if arguments.full else []
    if arguments.size:
        n, m = map(int, arguments.size.split(","))
        sizes = [(n, m)]
    start, missed = time.monotonic(), False
    for size in sizes:
        counts = rates(size, 0.0, pairs, 1)
        report(f"False alarms, {pairs:,} pairs of {size[0]:,} and {size[1]:,} values", counts, pairs)
        worst = {source: max(found.values()) for source, found in counts.items() if source != "SciPy, KS"}
        missed |= any(number > accepted(pairs) for number in worst.values())
        print(f"stated: {RATE:.1%}; accepted: {accepted(pairs)} of {pairs:,}; most: {worst}", flush=True)
    for size in sizes:
        for shift in (0.1, 0.2, 0.5):
            some = math.ceil(pairs / 10)
            title = f"Alarms: means moved by {shift} standard deviations, {shift / 2:.0%} of the categories' mass"
            report(f"{title}; {some} pairs of {size[0]:,} and {size[1]:,} values", rates(size, shift, some, 2), some)
            sys.stdout.flush()
    outcome = "a stated rate is exceeded" if missed else "every stated rate is met"
    print(f"\n{time.monotonic() - start:.0f} s; {outcome}")
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
