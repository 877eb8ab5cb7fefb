"""How often 95 % bounds contain the truth: AUC, accuracy, recall, RMSE and their changes from a baseline.

    python benchmarks/bounds_coverage.py [--trials N] [--small]

Each trial draws fresh rows for a candidate and a baseline whose true metrics are known in closed form. The rows of many
trials are one table with a slice for each trial, which is evaluated as `assay evaluate --bounds` does. A case passes
where the bounds contain the truth in 93 % to 97 % of trials (more or less than that by chance alone counts as within:
three standard errors), or where the trials in which they fail to are those that have the remark `uncertain_bounds`.
Bounds of rates are conservative where few rows decide them, because counts are whole numbers; so those trials must have
the remark, too.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
import pyarrow as pa

from assay.engines.embedded.engine import EmbeddedEngine
from assay.evaluation.decision import Sampling
from assay.evaluation.judgement import Tables, evaluate_tables
from assay.evaluation.remarks import doubts_of
from assay.evaluation.table_evaluation import bounds_of

SIZES = (60, 400, 5000)
TARGET = (0.93, 0.97)
ROWS = 300_000  # of a table
CORRELATION = 0.7  # of the two models' noise, or residuals
_CDF = NormalDist().cdf
_QUANTILE = NormalDist().inv_cdf

Columns = dict[str, np.ndarray[Any, Any]]
Truth = Mapping[tuple[str, str], float]


@dataclass(frozen=True)
class Case:
    """A simulation.

    Attributes:
        name: What is drawn.
        metrics: TFMA's classes, by what they are called in results.
        draw: Return labels and predictions of a number of rows.
        truth: By model (or "change") and metric.
    """

    name: str
    metrics: Mapping[str, str]
    draw: Callable[[np.random.Generator, int], Columns]
    truth: Truth


def classifier(name: str, positives: float, accuracies: tuple[float, float], levels: int = 0) -> Case:
    """Return two binormal models that are right on these shares of rows of either class.

    Args:
        name: What is drawn.
        positives: The share of rows that are positive.
        accuracies: The candidate's and the baseline's.
        levels: How many scores there are; 0 for as many as rows.
    """
    shifts = [_QUANTILE(accuracy) for accuracy in accuracies]
    # Scores of a few levels: the middle of equal parts of the logistic function, with a border at 0.5.
    cuts = np.log(np.arange(1, levels) / (levels - np.arange(1, levels))) if levels else np.zeros(0)

    def draw(rng: np.random.Generator, size: int) -> Columns:
        labels = (rng.random(size) < positives).astype(np.int64)
        noise = rng.normal(size=(2, size))
        noise[1] = CORRELATION * noise[0] + math.sqrt(1 - CORRELATION**2) * noise[1]
        latent = [(2 * labels - 1) * shift + own for shift, own in zip(shifts, noise, strict=True)]
        if levels:
            scores = [(np.searchsorted(cuts, one) + 0.5) / levels for one in latent]
        else:
            scores = [1 / (1 + np.exp(-one)) for one in latent]
        return {"label": labels, "candidate": scores[0], "baseline": scores[1]}

    areas = [area(shift, cuts) if levels else _CDF(math.sqrt(2) * shift) for shift in shifts]
    truth = {"auc": areas, "binary_accuracy": accuracies, "recall": accuracies}
    return Case(name, {"auc": "AUC", "binary_accuracy": "BinaryAccuracy", "recall": "Recall"}, draw, with_change(truth))


def area(shift: float, cuts: np.ndarray[Any, Any]) -> float:
    """Return the AUC of scores of a few levels, those of one level counting half."""
    shares = [np.diff([0.0, *(_CDF(cut - centre) for cut in cuts.tolist()), 1.0]) for centre in (shift, -shift)]
    below = np.cumsum(shares[1]) - shares[1] / 2
    return float(shares[0] @ below)


def regression(name: str, draw_residuals: Callable[..., Any], mean: float, square: float) -> Case:
    """Return two models whose residuals are of one distribution, the baseline's larger by a tenth.

    Args:
        name: The distribution.
        draw_residuals: Draws residuals of a size.
        mean: The mean of the distribution.
        square: Its mean square.
    """
    rest = math.sqrt(1 - CORRELATION**2)

    def draw(rng: np.random.Generator, size: int) -> Columns:
        ours, other = draw_residuals(rng, (2, size))
        labels = rng.normal(10, 5, size)
        return {
            "label": labels,
            "candidate": labels + ours,
            "baseline": labels + 1.1 * (CORRELATION * ours + rest * other),
        }

    theirs = 1.1 * math.sqrt(square + 2 * CORRELATION * rest * mean**2)
    truth = {"root_mean_squared_error": (math.sqrt(square), theirs)}
    return Case(name, {"root_mean_squared_error": "RootMeanSquaredError"}, draw, with_change(truth))


def with_change(truth: Mapping[str, Any]) -> Truth:
    """Return the truth by model, and of the change."""
    found = {}
    for metric, (ours, theirs) in truth.items():
        found |= {("candidate", metric): ours, ("baseline", metric): theirs, ("change", metric): ours - theirs}
    return found


def cases() -> Iterator[Case]:
    """Return the simulations."""
    yield classifier("balanced, good", 0.5, (0.8, 0.77))
    yield classifier("balanced, accuracy 0.99", 0.5, (0.99, 0.985))
    yield classifier("5 % positive, good", 0.05, (0.8, 0.77))
    yield classifier("5 % positive, accuracy 0.99", 0.05, (0.99, 0.985))
    yield classifier("balanced, good, 6 scores", 0.5, (0.8, 0.77), levels=6)
    yield regression("normal residuals", lambda rng, size: rng.normal(size=size), 0, 1)
    yield regression("Laplace residuals", lambda rng, size: rng.laplace(size=size), 0, 2)
    yield regression("t(3) residuals", lambda rng, size: rng.standard_t(3, size=size), 0, 3)
    yield regression("lognormal residuals", lambda rng, size: rng.lognormal(size=size), math.exp(0.5), math.exp(2))


@dataclass
class Outcome:
    """What came of the trials, by model (or "change") and metric.

    Attributes:
        covered: Whether the bounds contained the truth, by trial; a trial without bounds has none.
        remarked: Whether the trial has the remark.
    """

    covered: list[bool]
    remarked: list[bool]


def simulate(case: Case, size: int, trials: int, seed: int) -> dict[tuple[str, str], Outcome]:
    """Return what came of the trials."""
    rng = np.random.default_rng(seed)
    outcomes = {place: Outcome([], []) for place in case.truth}
    models = [{"name": name, "label_key": "label", "prediction_key": name} for name in ("candidate", "baseline")]
    models[1]["is_baseline"] = True  # type: ignore[assignment]  # the other values are text
    config = {
        "model_specs": models,
        "slicing_specs": [{"feature_keys": ["trial"]}],
        "metrics_specs": [{"metrics": [{"class_name": name} for name in case.metrics.values()]}],
    }
    done = 0
    while done < trials:
        now = min(max(1, ROWS // size), trials - done)
        table = pa.table(case.draw(rng, now * size) | {"trial": np.repeat(np.arange(now), size)})
        sampling = Sampling(num_replicates=1000, seed=seed)
        _, evaluation, _ = evaluate_tables(
            Tables(config=config, predictions=table), EmbeddedEngine(threads=1), sampling
        )
        doubts = doubts_of(evaluation)
        for (model, key, metric), (lower, upper) in bounds_of(evaluation).items():
            outcome = outcomes[model, metric.name]
            # Closed forms are right to 1e-12.
            outcome.covered.append(lower - 1e-12 <= case.truth[model, metric.name] <= upper + 1e-12)
            outcome.remarked.append((model, key, metric) in doubts)
        done += now
    return outcomes


def passes(outcome: Outcome, trials: int) -> bool:
    """Return whether bounds hold what they promise, or the remark says that they may not."""
    covered, remarked = np.array(outcome.covered), np.array(outcome.remarked)
    chance = 3 * math.sqrt(0.05 * 0.95 / trials)
    if len(covered) and TARGET[0] - chance <= covered.mean() <= TARGET[1] + chance:
        return True
    silent = ~remarked
    missed = (silent & ~covered).sum() / trials
    # Too wide bounds of a trial without a remark are as wrong: no case passes by them.
    wide = silent.any() and silent.mean() > 0.1 and covered[silent].mean() > TARGET[1] + chance
    return bool(missed <= 1 - TARGET[0] + chance and not wide)


def main() -> None:
    """Print a table, and end with 1 where bounds do not hold what they promise without a remark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=2000)
    parser.add_argument("--small", action="store_true", help="50 trials, of 60 and 400 rows: does it run?")
    options = parser.parse_args()
    trials = 50 if options.small else options.trials
    sizes = SIZES[:2] if options.small else SIZES
    error = math.sqrt(0.05 * 0.95 / trials)
    print(f"{trials} trials each: a coverage of 0.95 has a standard error of {error:.3f}.")
    print("coverage / share of trials with a remark / share of trials that miss the truth without one\n")
    failed = 0
    for case in cases():
        start = time.process_time()
        found = {size: simulate(case, size, trials, seed=size) for size in sizes}
        print(f"{case.name} ({time.process_time() - start:.0f} s of processor)")
        print(f"  {'':36}" + "".join(f"{f'{size} rows':>26}" for size in sizes))
        for place in case.truth:
            cells = []
            for size in sizes:
                outcome = found[size][place]
                good = passes(outcome, trials)
                failed += not good
                cells.append(f"{shown(outcome, trials)}{'' if good else ' !'}")
            print(f"  {' '.join(reversed(place)):36}" + "".join(f"{cell:>26}" for cell in cells), flush=True)
    if failed:
        print(f"\n{failed} outside of {TARGET[0]:.0%} to {TARGET[1]:.0%} without a remark (marked !)")
        sys.exit(1)


def shown(outcome: Outcome, trials: int) -> str:
    """Return a cell of the table."""
    if not outcome.covered:
        return "no bounds"
    covered, remarked = np.array(outcome.covered), np.array(outcome.remarked)
    missed = (~covered & ~remarked).sum() / trials
    return f"{covered.mean():.3f} / {remarked.mean():.2f} / {missed:.3f}"


if __name__ == "__main__":
    main()
