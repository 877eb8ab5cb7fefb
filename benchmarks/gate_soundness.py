"""How often the gate errs: sound models that it blocks, and worse models that it blesses.

    python benchmarks/gate_soundness.py [--trials N] [--small]

Each trial draws fresh rows for two models whose true metrics are known: *equal* ones (two trainings of one model, say:
other predictions, the same quality), and a candidate *worse by the margin*: on all rows, or in one slice of 50 only,
the hardest to see. Both errors are to be at most 5 % at the designed sample size (`rows_needed`), for the whole data
and for 50 slices, by either rule:

- `regression` with "no drop at all" blocks equal models in at most 5 % at any size,
- `not_worse` with "a drop of at most the margin" blesses worse models in at most 5 % at any size,

and the other error follows at the designed size. Plain point thresholds stand beside them.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from assay.engines.embedded.engine import EmbeddedEngine
from assay.evaluation.config import read_config
from assay.evaluation.decision import Rules, Sampling, verdict_on
from assay.evaluation.judgement import Tables, evaluate_tables
from assay.gating.policy import WrittenPolicy
from assay.kernels.uncertainty.delong import delong
from assay.kernels.uncertainty.intervals import quantile

MARGIN = 0.06
LEVEL = 0.05
DISAGREEMENT = 0.12  # rows on which equal models differ in being right
CORRELATION = 0.7  # of the two models' noise


def rows_needed(spread: float, margin: float, *, level: float = 0.05, checks: int = 1) -> int:
    """Return the rows at which both errors of a one-sided comparison are at most `level`.

    The errors are to hold a model that is worse by the margin for not worse, and to hold an equal one for worse; with
    many checks (slices), to do so in any of them. `((z(level / checks) + z(level)) * spread / margin)²`.

    Args:
        spread: The standard error of the difference times the square root of the number of rows.
        margin: The difference that matters.
        level: Of each error.
        checks: How many comparisons must all come out right.
    """
    z = -quantile(level / checks) - quantile(level)
    return math.ceil((z * spread / margin) ** 2)


def accuracies(rng: np.random.Generator, size: int, worse: np.ndarray[Any, Any]) -> dict[str, np.ndarray[Any, Any]]:
    """Return two models that are right on 80 % of rows; the candidate on a margin fewer where it is worse."""
    labels = rng.integers(0, 2, size)
    right = rng.random(size) < 0.8
    redrawn = DISAGREEMENT / 0.32  # 0.32 of redrawn rows change sides
    other = np.where(rng.random(size) < redrawn, rng.random(size) < 0.8, right)
    other &= ~(worse & (rng.random(size) < MARGIN / 0.8))
    scores = [np.where(one, labels, 1 - labels) * 0.6 + 0.2 for one in (other, right)]
    return {"label": labels, "candidate": scores[0], "baseline": scores[1]}


def areas(rng: np.random.Generator, size: int, worse: np.ndarray[Any, Any]) -> dict[str, np.ndarray[Any, Any]]:
    """Return two binormal models with an AUC of 0.85; the candidate's is a margin lower where it is worse."""
    labels = (rng.random(size) < 0.5).astype(np.int64)
    shift = [math.sqrt(2) * quantile(area) for area in (0.85, 0.85 - MARGIN)]
    noise = rng.normal(size=(2, size))
    noise[1] = CORRELATION * noise[0] + math.sqrt(1 - CORRELATION**2) * noise[1]
    candidate = labels * np.where(worse, shift[1], shift[0]) + noise[1]
    return {"label": labels, "candidate": _share(candidate), "baseline": _share(labels * shift[0] + noise[0])}


def _share(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return np.asarray(1 / (1 + np.exp(-values)))


@dataclass(frozen=True)
class Metric:
    """A metric and its simulation.

    Attributes:
        name: TFMA's class.
        draw: Gives labels and predictions.
        spread: The standard error of the difference times the root of the rows.
    """

    name: str
    draw: Callable[..., dict[str, np.ndarray[Any, Any]]]
    spread: float


def metrics() -> list[Metric]:
    """Return the metrics, with spreads from one large sample."""
    rng = np.random.default_rng(7)
    size = 200_000
    drawn = areas(rng, size, np.ones(size, dtype=bool))
    error = delong(drawn["label"], [drawn["candidate"], drawn["baseline"]]).difference().standard_error
    changed = DISAGREEMENT + MARGIN * (1 - DISAGREEMENT)
    return [Metric("BinaryAccuracy", accuracies, math.sqrt(changed)), Metric("AUC", areas, error * math.sqrt(size))]


def config(metric: str, slices: int, drop: float) -> dict[str, Any]:
    """Return a threshold on the change, for the whole data or for each slice."""
    slicing = [{"feature_keys": ["slice"]}] if slices > 1 else [{}]
    threshold = {"change_threshold": {"direction": "HIGHER_IS_BETTER", "absolute": -drop}}
    return {
        "model_specs": [
            {"name": "candidate", "label_key": "label", "prediction_key": "candidate"},
            {"name": "baseline", "label_key": "label", "prediction_key": "baseline", "is_baseline": True},
        ],
        "slicing_specs": slicing,
        "metrics_specs": [{"metrics": [{"class_name": metric, "threshold": threshold}]}],
    }


def rules() -> Iterator[tuple[str, float, WrittenPolicy]]:
    """Return the rules with the drop that they allow."""
    yield "point, no drop", 0.0, WrittenPolicy()
    yield "point, drop of margin", MARGIN, WrittenPolicy()
    for correction in ("holm", "benjamini_hochberg"):
        policy = WrittenPolicy(significant="regression", alpha=LEVEL, correction=correction)
        yield f"regression, no drop ({correction})", 0.0, policy
    yield "not_worse, drop of margin", MARGIN, WrittenPolicy(significant="not_worse", alpha=LEVEL)


def verdicts(metric: Metric, slices: int, rows: int, *, worse: bool, seed: int) -> dict[str, bool]:
    """Return whether each rule blesses one candidate."""
    rng = np.random.default_rng(seed)
    of = np.repeat(np.arange(slices), rows)
    table = pa.table(metric.draw(rng, slices * rows, (of == 0) & worse) | {"slice": of.astype(str)})
    configs = {drop: read_config(config(metric.name, slices, drop)) for _, drop, _ in rules()}
    # The figures and their replicates are the same whatever the threshold.
    tables = Tables(config=configs[0.0], predictions=table)
    # Both metrics are judged by closed forms (DeLong's, Tango's), so replicates decide nothing.
    _, evaluation, _ = evaluate_tables(tables, EmbeddedEngine(threads=1), Sampling(num_replicates=2, seed=seed))
    return {
        name: verdict_on(Rules(policy=policy).applied_to(configs[drop]), evaluation).ok
        for name, drop, policy in rules()
    }


def simulate(metric: Metric, slices: int, rows: int, trials: int) -> dict[str, tuple[float, float]]:
    """Return for each rule the share of equal models blocked, and of worse ones blessed."""
    equal, worse = (
        [verdicts(metric, slices, rows, worse=is_worse, seed=seed) for seed in range(trials)]
        for is_worse in (False, True)
    )
    return {
        name: (
            sum(not trial[name] for trial in equal) / trials,
            sum(trial[name] for trial in worse) / trials,
        )
        for name, _, _ in rules()
    }


def main() -> None:
    """Print a table for each metric, number of slices and size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=2000)
    parser.add_argument("--small", action="store_true", help="20 trials: does it run?")
    options = parser.parse_args()
    trials = 20 if options.small else options.trials
    print(f"{trials} trials each; margin {MARGIN}; a share of 0.05 has a standard error of {_error(trials):.3f}")
    for metric in metrics():
        for slices in (1, 50):
            designed = rows_needed(metric.spread, MARGIN, level=LEVEL, checks=slices)
            for rows, what in ((designed, "the designed size"), (designed // 4, "a quarter of it")):
                start = time.process_time()
                found = simulate(metric, slices, rows, trials)
                print(f"\n{metric.name}, {slices} slice(s) of {rows} rows, {what}", end=" ")
                print(f"({time.process_time() - start:.0f} s of processor)")
                print(f"  {'':40} {'equal blocked':>18} {'worse blessed':>18}")
                for name, shares in found.items():
                    told = (f"{share:.4f} ± {math.sqrt(share * (1 - share) / trials):.4f}" for share in shares)
                    print(f"  {name:40} " + " ".join(f"{text:>18}" for text in told), flush=True)


def _error(trials: int) -> float:
    return math.sqrt(LEVEL * (1 - LEVEL) / trials)


if __name__ == "__main__":
    main()
