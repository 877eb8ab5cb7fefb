"""Models whose predictions name their classes, on examples whose labels are names."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from assay.data.sources import rows_of
from assay.engines.embedded import EmbeddedEngine
from assay.evaluation.config import read_config
from assay.evaluation.model_rows import predict_rows
from assay.evaluation.table_evaluation import evaluate_predictions
from assay.evaluation.tables import Predictions
from raising import raises

CLASSES = ("low", "mid", "high")
SIZE = 9000  # more rows than a model is given at once
TABLE = pa.table(
    {
        "x": np.arange(SIZE) % 7 / 7,
        "y": [CLASSES[at % 3] for at in range(SIZE)],
        "number": np.arange(SIZE) % 3,
        "flag": pa.array(np.arange(SIZE) % 2 == 1),
        "word": [str(at % 2 == 1) for at in range(SIZE)],
    }
)


def table_of(rows: pa.RecordBatch, order: tuple[int, ...] = (0, 1, 2), names: Any = CLASSES) -> dict[str, Any]:
    x = rows.column(rows.schema.get_field_index("x")).to_numpy()
    made = np.stack([x, (1 - x) * 0.75, (1 - x) * 0.25], axis=1)
    return {names[at]: made[:, at] for at in order}


def named(rows: pa.RecordBatch) -> pa.Table:
    return pa.table(table_of(rows))


def shuffled(rows: pa.RecordBatch) -> dict[str, Any]:
    """Another order for each of the calls, as that of a dict may be."""
    return table_of(rows, order=(2, 0, 1) if rows.num_rows % 2 else (1, 2, 0))


def wide(rows: pa.RecordBatch) -> Any:
    return np.stack([*table_of(rows).values()], axis=1)


def predicted(model: Any, baseline: Any = None, *, label: str = "y", table: Any = TABLE, **spec: Any) -> Predictions:
    config = {
        "model_specs": [{"label_key": label, **spec}],
        "slicing_specs": [{}, {"feature_keys": ["y"]}],
        "metrics_specs": [
            {"metrics": [{"class_name": "SparseCategoricalAccuracy"}, {"class_name": "SparseCategoricalCrossentropy"}]},
            {"metrics": [{"class_name": "AUC"}], "binarize": {"class_ids": {"values": [0, 2]}}},
        ],
    }
    return predict_rows(read_config(config).eval_config, rows_of(table), model, baseline)


def figures(predictions: Predictions) -> Any:
    config = {
        "model_specs": [{"label_key": "y"}],
        "metrics_specs": [
            {"metrics": [{"class_name": "SparseCategoricalAccuracy"}, {"class_name": "SparseCategoricalCrossentropy"}]},
            {"metrics": [{"class_name": "AUC"}], "binarize": {"class_ids": {"values": [0, 2]}}},
        ],
    }
    return evaluate_predictions(read_config(config).eval_config, predictions, EmbeddedEngine()).figures


@pytest.mark.parametrize("model", [named, shuffled])
def test_functions_that_name_classes_are_as_arrays_and_numbers(model: Callable[..., Any]) -> None:
    expected = figures(predicted(wide, wide, label="number"))
    found = predicted(model, shuffled)
    assert found.naming is not None
    assert {*found.naming.classes.names} == {*CLASSES}
    named_so = figures(found)
    assert named_so.examples == expected.examples
    if model is named:  # the other counts the classes from another one
        assert named_so == expected
    assert figures(predicted(named, shuffled, label="number")) == expected
    assert figures(predicted(named, wide, label="number")) == expected
    assert figures(pickle.loads(pickle.dumps(found))) == named_so


def test_slices_by_the_label_have_its_names() -> None:
    found = predicted(named)
    batch = next(iter(found.source.shards[0].batches()))
    assert batch.schema.names == ["y", "prediction of the model", "y as class number"]
    assert batch.column(0).to_pylist()[:3] == [*CLASSES]
    assert batch.column(2).to_pylist()[:3] == [0, 1, 2]


@pytest.mark.parametrize("label", ["flag", "word"])
@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_booleans_find_the_column_of_their_name(label: str, order: tuple[int, ...]) -> None:
    def model(rows: pa.RecordBatch) -> dict[str, Any]:
        return table_of(rows, order, names=("False", "True"))

    found = predicted(model, label=label)
    batch = next(iter(found.source.shards[0].batches([found.keys.label])))
    assert batch.column(0).to_pylist()[:2] == [order.index(0), order.index(1)]


def test_numbers_are_names_where_the_columns_are_numbers() -> None:
    def model(rows: pa.RecordBatch) -> dict[str, Any]:
        return table_of(rows, (2, 1, 0), names=("10", "20", "30"))

    table = TABLE.append_column("tens", pa.array((np.arange(SIZE) % 3 + 1) * 10))
    found = predicted(model, label="tens", table=table)
    assert found.naming is not None
    assert found.naming.classes.names == ("10", "20", "30")
    assert figures(found) == figures(predicted(wide, label="number"))


def test_columns_of_predictions_beside_no_model_or_a_baseline_that_is_one() -> None:
    table = TABLE
    for name, column in table_of(TABLE.combine_chunks().to_batches()[0], (2, 0, 1)).items():
        table = table.append_column(f"p.{name}", pa.array(column))
    found = predicted(None, table=table, prediction_key="p")
    assert found.naming is not None
    assert found.naming.classes.names == ("high", "low", "mid")
    arrays = [np.asarray(table.column(f"p.{name}")) for name in ("high", "low", "mid")]
    numbers = table.append_column("p", pa.array(list(np.stack(arrays, axis=1))))
    numbers = numbers.set_column(2, "number", pa.array((np.arange(SIZE) + 1) % 3))
    expected = figures(predicted(None, table=numbers, prediction_key="p", label="number"))
    assert figures(found) == expected
    both = predicted(None, shuffled, table=table, prediction_key="p")
    assert figures(both).candidate == expected.candidate
    assert figures(both).baseline is not None
    assert both.whole is not None
    assert {*next(iter(both.whole.shards[0].batches())).schema.names} >= {*table.column_names}


def test_what_has_no_names_says_how_to_give_them() -> None:
    with raises("metrics.not_numeric", "y"):
        predicted(wide)
    with raises("evaluator.class_names", "mid"):
        predicted(named, wide)
    with raises("evaluator.other_classes"):
        predicted(named, lambda rows: table_of(rows, (0, 1)))


def test_a_model_that_changes_its_classes_is_an_error() -> None:
    def model(rows: pa.RecordBatch) -> dict[str, Any]:
        return table_of(rows, (0, 1, 2) if rows.num_rows < 10 else (0, 1))

    with raises("evaluator.other_classes", "mid"):
        figures(predicted(model))


def test_the_rows_where_a_model_fails_have_the_datas_own_labels() -> None:
    found = predicted(named, shuffled)
    assert found.whole is not None
    batch = next(iter(found.whole.shards[0].batches()))
    assert {*TABLE.column_names} < {*batch.schema.names}
    assert found.naming is not None
    own = found.naming.own(pa.Table.from_batches([batch.slice(0, 3)]), ["prediction of the model"])
    assert own.column("y").to_pylist() == [*CLASSES]
    assert "y as class number" not in own.column_names
    assert {*own.column("prediction of the model")[0].as_py()} == {*CLASSES}


def test_examples_without_rows(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("x,y\n0.5,low\n")
    assert predicted(named, table=TABLE.slice(0, 0)).naming is None
    [row] = predicted(named, table=path).source.shards[0].batches()
    assert row.num_rows == 1
