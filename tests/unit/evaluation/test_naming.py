"""Whose names count, what is the same written in numbers, and what cannot be known and is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from assay.engines.embedded import EmbeddedEngine
from assay.errors import UsageError
from assay.evaluation.config import read_config
from assay.evaluation.decision import Rules
from assay.evaluation.judgement import Judgement, Tables, judge
from assay.evaluation.tables import open_predictions
from assay.gating.policy import WrittenPolicy
from raising import raises

NAMES = ("low", "mid", "high")
SPEC = {"label_key": "y", "prediction_key": "p"}
NO_WORSE = {"change_threshold": {"direction": "HIGHER_IS_BETTER", "absolute": 0.0}}
METRICS = [
    {
        "metrics": [
            {"class_name": "SparseCategoricalAccuracy", "threshold": NO_WORSE},
            {"class_name": "SparseCategoricalCrossentropy"},
            {"class_name": "MultiClassConfusionMatrixAtThresholds"},
            {"class_name": "SparseTopKCategoricalAccuracy", "config": '"k": 2'},
            {"class_name": "SymmetricPredictionDifference"},
        ]
    },
    {"metrics": [{"class_name": "AUC"}, {"class_name": "Recall"}], "binarize": {"class_ids": {"values": [0, 2]}}},
    {"metrics": [{"class_name": "Precision"}], "aggregate": {"micro_average": True}},
]
CONFIG = {"model_specs": [SPEC], "slicing_specs": [{}, {"feature_keys": ["site"]}], "metrics_specs": METRICS}


def made(size: int = 80, seed: int = 4) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any], pa.Table]:
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 3, size)
    probabilities = rng.dirichlet([1, 1, 1], size)
    return labels, probabilities, pa.table({"id": np.arange(size), "site": rng.choice(["n", "s"], size)})


def in_columns(
    rows: pa.Table, probabilities: Any, names: Any = NAMES, order: Any = (0, 1, 2), key: str = "p"
) -> pa.Table:
    for at in order:
        rows = rows.append_column(f"{key}.{names[at]}", pa.array(probabilities[:, at]))
    return rows


def judged(predictions: Any, baseline: Any = None, config: Any = None, **more: Any) -> Judgement:
    rules = Rules(policy=WrittenPolicy(significant="regression"))
    tables = Tables(config=config or CONFIG, predictions=predictions, baseline_predictions=baseline, **more)
    return judge(tables, EmbeddedEngine(), rules)


def plain(one: Judgement) -> Any:
    """All that was computed, as values that compare."""
    evaluation = one.evaluation
    return evaluation.figures, {check.id: (check.ok, check.observed) for check in one.verdict.checks if check.applied}


def test_named_rows_are_judged_as_the_same_rows_in_numbers() -> None:
    labels, ours, rows = made()
    theirs = made(seed=5)[1]
    order = np.random.default_rng(1).permutation(len(labels))
    numbers = rows.append_column("y", pa.array(labels))
    expected = judged(
        numbers.append_column("p", pa.array(list(ours))), numbers.append_column("p", pa.array(list(theirs)))
    )
    named = rows.append_column("y", pa.array([NAMES[label] for label in labels]))
    for key, shuffled in (("p", (2, 0, 1)), ("old", (1, 0, 2))):
        baseline = in_columns(named, theirs, order=shuffled, key=key).take(order)
        spec = {"label_key": "y", "prediction_key": key, "is_baseline": True, "name": "b"}
        config = CONFIG | {"model_specs": [SPEC | {"name": "c"}, spec]}
        found = judged(in_columns(named, ours), baseline, config, join_on="id")
        assert plain(found) == plain(expected)
        np.testing.assert_equal(found.evaluation.values, expected.evaluation.values)
    both = in_columns(in_columns(named, ours), theirs, order=(1, 2, 0), key="old")
    assert plain(judged(both, config=config)) == plain(expected)


def test_class_numbers_and_integers_beside_columns_of_their_names() -> None:
    labels, ours, rows = made()
    expected = judged(rows.append_column("y", pa.array(labels)).append_column("p", pa.array(list(ours))))
    by_number = in_columns(rows.append_column("y", pa.array(labels)), ours, ("0", "1", "2"), order=(2, 0, 1))
    assert plain(judged(by_number)) == plain(expected)
    assert all(check.kind != "classes" for check in judged(by_number).verdict.checks)
    by_value = in_columns(rows.append_column("y", pa.array(labels * 10 - 5)), ours, ("-5", "5", "15"), order=(2, 1, 0))
    assert plain(judged(by_value)) == plain(expected)
    positions = in_columns(rows.append_column("y", pa.array(labels)), ours)
    assert plain(judged(positions)) == plain(expected)


def test_a_missing_label_or_prediction_is_missing_as_ever() -> None:
    labels, ours, rows = made()
    lists = [None if at == 3 else list(row) for at, row in enumerate(ours)]
    mask = np.arange(len(labels)) == 7
    config = CONFIG | {
        "metrics_specs": [
            {
                "metrics": [
                    {
                        "class_name": "SparseCategoricalAccuracy",
                        "threshold": {"value_threshold": {"lower_bound": {"value": 0}}},
                    }
                ]
            }
        ]
    }
    numbers = judged(
        rows.append_column("y", pa.array(labels, mask=mask)).append_column("p", pa.array(lists)), config=config
    )
    structs = [None if row is None else dict(zip(NAMES, row, strict=True)) for row in lists]
    names = rows.append_column("y", pa.array([NAMES[label] for label in labels], mask=mask))
    named = judged(names.append_column("p", pa.array(structs)), config=config)
    said = [check.sentence for check in named.verdict.checks if check.kind == "missing_values"]
    assert said == [check.sentence for check in numbers.verdict.checks if check.kind == "missing_values"]
    assert "1 of 80 rows has no number for the label 'y', row 7 first (counted from 0)" in said[0]
    [partly] = [
        check.sentence
        for check in judged(
            in_columns(names.filter(pa.array(~mask)), np.where(ours[~mask] == ours[5, 0], np.nan, ours[~mask])),
            config=config,
        ).verdict.checks
        if check.kind == "missing_values"
    ]
    assert "row 5 first" in partly


def test_a_class_that_no_label_has_is_a_class_all_the_same() -> None:
    table = pa.table({"y": ["low", "mid"], "p.low": [0.9, 0.1], "p.mid": [0.1, 0.2], "p.high": [0.0, 0.7]})
    config = {"model_specs": [SPEC], "metrics_specs": [{"metrics": [{"class_name": "SparseCategoricalAccuracy"}]}]}
    verdict = judged(table, config=config)
    assert [*verdict.evaluation.figures.candidate[()].values()] == [0.5]


def test_two_classes_without_binarize_are_never_silently_mixed() -> None:
    table = pa.table({"y": ["no", "yes", "no"], "p.no": [0.9, 0.1, 0.4], "p.yes": [0.1, 0.9, 0.6]})
    metrics: list[dict[str, Any]] = [{"class_name": "AUC"}, {"class_name": "BinaryAccuracy"}]
    config = {"model_specs": [SPEC], "metrics_specs": [{"metrics": metrics}]}
    [remark] = [check for check in judged(table, config=config).verdict.checks if check.kind == "values"]
    assert (
        "each class is counted by itself, as in a micro average, by auc, binary_accuracy. For one class name it in b"
        in (remark.sentence)
    )
    config = {
        "model_specs": [SPEC],
        "metrics_specs": [{"metrics": metrics, "binarize": {"class_ids": {"values": [1]}}}],
    }
    found = judged(table, config=config)
    single = judged(
        pa.table({"y": [0, 1, 0], "p": [0.1, 0.9, 0.6]}),
        config={"model_specs": [SPEC], "metrics_specs": [{"metrics": metrics}]},
    )
    assert not [check for check in found.verdict.checks if check.kind == "values"]
    assert [*found.evaluation.figures.candidate[()].values()] == [*single.evaluation.figures.candidate[()].values()]


ONE_NAMED = pa.table({"id": [1, 2], "y": ["a", "b"], "p": [{"a": 0.4, "b": 0.6}] * 2})
UNNAMED = pa.table({"id": [1, 2], "y": ["a", "b"], "p": [[0.5, 0.5]] * 2})


def opened(ours: Any, theirs: Any = None, spec: Any = None) -> Any:
    return open_predictions(read_config({"model_specs": [spec or SPEC]}).eval_config, ours, theirs)


@pytest.mark.parametrize(("ours", "theirs"), [(ONE_NAMED, UNNAMED), (UNNAMED, ONE_NAMED)])
def test_names_of_one_model_only(ours: pa.Table, theirs: pa.Table) -> None:
    with raises("evaluator.class_names", "a, b", "baseline" if theirs is UNNAMED else "candidate", "all_classes"):
        opened(ours, theirs)
    numbers = [table.set_column(1, "y", pa.array([0, 1])) for table in (ours, theirs)]
    assert opened(*numbers).keys.baseline == "p of the baseline"  # numbers of classes mean the same in both


def test_models_of_other_classes() -> None:
    theirs = ONE_NAMED.set_column(2, "p", pa.array([{"A": 0.4, "b": 0.6}] * 2))
    with raises("evaluator.other_classes", "b"):
        opened(ONE_NAMED, theirs)
    with raises("predictions.other_rows", "y", "2", "b", "1"):
        opened(ONE_NAMED, ONE_NAMED.set_column(1, "y", pa.array(["b", "a"])))


@pytest.mark.parametrize(
    ("predictions", "named"),
    [([0.1, 0.9], ("p.a, p.b",)), ([[0.1, 0.9]] * 2, ("p.a, p.b", "all_classes")), (["a", "b"], ("p", "p.a, p.b"))],
)
@pytest.mark.parametrize("kind", [pa.string(), pa.binary(), pa.list_(pa.string()), "dictionary"])
def test_names_of_labels_alone_are_refused_with_what_to_write(
    predictions: Any, named: tuple[str, ...], kind: Any
) -> None:
    labels = pa.array(["b", "a"])
    labels = pa.array([["b"], ["a"]], kind) if kind == pa.list_(pa.string()) else labels
    labels = labels.dictionary_encode() if kind == "dictionary" else labels.cast(kind)
    with raises("metrics.not_numeric", "y", *named):
        opened(pa.table({"y": labels, "p": predictions}))


def test_a_column_of_one_class_is_no_prediction() -> None:
    with raises("predictions.no_such_column", "p"):
        opened(pa.table({"y": ["a"], "p.a": [0.5]}))
    with raises("eval_config.no_prediction_key", kind=UsageError):
        opened(ONE_NAMED, spec={"label_key": "y"})


def test_booleans_in_words_stay_booleans() -> None:
    assert opened(pa.table({"y": ["true", "False"], "p": [0.1, 0.2]})).naming is None
    found = opened(pa.table({"y": ["true", "False"], "p.False": [0.1, 0.2], "p.True": [0.9, 0.8]}))
    assert next(found.source.shards[0].batches(["y"])).to_pydict() == {"y": [1.0, 0.0]}
