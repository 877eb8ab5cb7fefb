"""Labels that are names against scikit-learn, which takes the names themselves, and against TFMA's `all_classes`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk
from sklearn.datasets import load_digits, load_iris, load_wine
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import scale

from assay.data.sources import rows_of
from assay.data.tf_example import encode
from assay.engines.embedded import EmbeddedEngine
from assay.evaluation.config import read_config
from assay.evaluation.model_evaluation import evaluate
from assay.evaluation.model_rows import predict_rows
from assay.evaluation.request import EvaluationRequest
from assay.evaluation.table_evaluation import TableEvaluation, evaluate_predictions
from assay.evaluation.tables import open_predictions
from raising import raises

WORDS = np.array(["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"])
Array = np.ndarray[Any, Any]


def config_of(classes: int) -> Any:
    metrics = [
        {"class_name": "SparseCategoricalAccuracy"},
        {"class_name": "SparseCategoricalCrossentropy"},
        {"class_name": "SparseTopKCategoricalAccuracy", "config": '"k": 2'},
        {"class_name": "MultiClassConfusionMatrixAtThresholds", "config": '"thresholds": [0.0]'},
    ]
    by_class = {"metrics": [{"class_name": "AUC"}], "binarize": {"class_ids": {"values": [*range(classes)]}}}
    return read_config(
        {
            "model_specs": [{"label_key": "y", "prediction_key": "p"}],
            "metrics_specs": [{"metrics": metrics}, by_class],
        }
    ).eval_config


def evaluated(data: Any, classes: int) -> TableEvaluation:
    config = config_of(classes)
    return evaluate_predictions(config, open_predictions(config, data), EmbeddedEngine())


def in_form(form: str, names: Any, labels: Array, probabilities: Array, order: Any) -> pa.Table:
    """The table with the classes in any order."""
    columns = {str(names[at]): probabilities[:, at] for at in order}
    table = pa.table({"y": [str(label) for label in labels]})
    if form == "columns":
        for name, column in columns.items():
            table = table.append_column(f"p.{name}", pa.array(column))
        return table
    rows = [dict(zip(columns, map(float, row), strict=True)) for row in zip(*columns.values(), strict=True)]
    kinds = {
        "struct": pa.struct([(name, pa.float64()) for name in columns]),
        "map": pa.map_(pa.string(), pa.float64()),
        "list": pa.list_(pa.float64()),
    }
    values: dict[str, Any] = {
        "struct": rows, "map": [list(row.items()) for row in rows], "list": [list(row.values()) for row in rows]
    }  # fmt: skip
    table = table.append_column("p", pa.array(values[form], kinds[form]))
    return table.append_column("all_classes", pa.array([list(columns)] * len(rows))) if form == "list" else table


def agrees_with_scikit_learn(found: TableEvaluation, names: Array, labels: Array, probabilities: Array) -> None:
    """Holds every figure against scikit-learn's, which sorts the names."""
    assert found.naming is not None
    ours = found.naming.classes.names
    figures = {key.label: value for key, value in found.figures.candidate[()].items()}
    predicted = names[probabilities.argmax(axis=1)]
    assert figures["sparse_categorical_accuracy"] == pytest.approx(sk.accuracy_score(labels, predicted), abs=1e-12)
    loss = sk.log_loss(labels, probabilities, labels=names)
    assert figures["sparse_categorical_crossentropy"] == pytest.approx(loss, rel=1e-6, abs=1e-9)
    top = sk.top_k_accuracy_score(labels, probabilities, k=2, labels=names)
    assert figures["sparse_top_k_categorical_accuracy"] == pytest.approx(top, abs=1e-12)
    areas = {name: figures[f"auc [classId:{number}]"] for number, name in enumerate(ours)}
    for at, name in enumerate(map(str, names)):
        if 0 < (labels == name).sum() < len(labels):
            assert areas[name] == pytest.approx(sk.roc_auc_score(labels == name, probabilities[:, at]), abs=1e-12)
    if len(set(labels)) == len(names) > 2:
        macro = sk.roc_auc_score(labels, probabilities, multi_class="ovr", average="macro", labels=names)
        assert np.mean([*areas.values()]) == pytest.approx(macro, abs=1e-12)
    [matrix] = [
        value for key, value in found.values["candidate"][()].items() if key.name.startswith("multi_class_confusion")
    ]
    expected = sk.confusion_matrix(labels, predicted, labels=list(ours))
    counted = np.zeros_like(expected)
    for (actual, best), weight in matrix[0.0].items():
        counted[actual, best] = weight
    np.testing.assert_array_equal(counted, expected)


@pytest.fixture(scope="module", params=["iris", "wine", "digits"])
def fitted(request: pytest.FixtureRequest) -> tuple[Array, Array, Array]:
    """The classes, labels and probabilities of a model of one of scikit-learn's datasets."""
    data = {"iris": load_iris, "wine": load_wine, "digits": load_digits}[request.param]()
    names = WORDS if request.param == "digits" else np.asarray(data.target_names).astype(str)
    x, labels = scale(data.data), names[data.target]
    model = LogisticRegression(C=0.02, max_iter=500).fit(x[::2], labels[::2])
    return model.classes_, labels, model.predict_proba(x)


@pytest.mark.parametrize("form", ["columns", "struct", "map", "list"])
@pytest.mark.parametrize("shuffled", [False, True])
def test_models_of_scikit_learn(fitted: tuple[Array, Array, Array], form: str, shuffled: bool, tmp_path: Path) -> None:
    names, labels, probabilities = fitted
    order = np.random.default_rng(3).permutation(len(names)) if shuffled else np.arange(len(names))
    table = in_form(form, names, labels, probabilities, order)
    pq.write_table(table, tmp_path / "p.parquet", row_group_size=100)
    for data in (table, tmp_path / "p.parquet"):
        agrees_with_scikit_learn(evaluated(data, len(names)), names, labels, probabilities)


CLASS = st.text("abcXYZ.,'\" üé-_/1", min_size=1, max_size=4)


@settings(deadline=None)
@given(
    names=st.lists(CLASS, min_size=3, max_size=5, unique=True).map(sorted),
    rows=st.lists(st.integers(0, 4), min_size=2, max_size=30),
    seed=st.integers(0, 99),
    form=st.sampled_from(["columns", "struct", "map", "list"]),
)
def test_any_classes(names: list[str], rows: list[int], seed: int, form: str) -> None:
    rng = np.random.default_rng(seed)
    labels = np.array([names[row % len(names)] for row in rows])
    probabilities = rng.dirichlet(np.ones(len(names)), len(rows))
    table = in_form(form, names, labels, probabilities, rng.permutation(len(names)))
    agrees_with_scikit_learn(evaluated(table, len(names)), np.array(names), labels, probabilities)


@pytest.mark.tensorflow
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:::tensorflow_model_analysis")
def test_a_saved_model_with_all_classes_is_judged_as_by_tfma(tmp_path: Path) -> None:
    data = load_iris()
    names = np.asarray(data.target_names).astype(str)[[2, 0, 1]]  # in no order that anybody would guess
    x = scale(data.data).astype(np.float32)
    labels = np.asarray(data.target_names).astype(str)[data.target]
    model = LogisticRegression(C=0.02).fit(x[::2], labels[::2])
    at = [list(model.classes_).index(name) for name in names]
    save(tmp_path / "model", model.coef_[at], model.intercept_[at], names)
    save(tmp_path / "baseline", model.coef_[at][[1, 0, 2]] / 4, model.intercept_[at][[1, 0, 2]], names[[1, 0, 2]])
    batch = pa.RecordBatch.from_arrays(
        [pa.array(list(x), pa.list_(pa.float32())), pa.array(labels)], ["measures", "species"]
    )
    spec = 'label_key: "species" prediction_key: "probabilities" signature_name: "serving_default"'
    text = f"""model_specs {{ {spec} }}
    metrics_specs {{
      metrics {{ class_name: "SparseCategoricalAccuracy" }}
      metrics {{ class_name: "SparseCategoricalCrossentropy" }}
      metrics {{ class_name: "ExampleCount" }}
    }}
    metrics_specs {{
      binarize {{ class_ids {{ values: [0, 1, 2] }} }}
      metrics {{ class_name: "AUC" config: '{{"num_thresholds": 10000}}' }}
      metrics {{ class_name: "Recall" config: '{{"thresholds": [0.4]}}' }}
    }}"""
    found = {}
    for engine in ("kernel", "tfma"):
        for name in ("model", "baseline"):
            folder = tmp_path / f"{engine}-{name}"
            folder.mkdir()
            work = EvaluationRequest(
                config=read_config(text).eval_config,
                batches=[encode(batch)],
                model=tmp_path / name,
                metrics_engine=engine,  # type: ignore[arg-type] # one of the two
            )
            evaluate(work, folder)
            table = pq.ParquetFile(folder / "metrics.parquet").read().to_pylist()
            found[engine, name] = {row["metric"]: row["value"] for row in table}
    assert len(found["kernel", "model"]) == 9
    for name in ("model", "baseline"):
        assert found["kernel", name] == pytest.approx(found["tfma", name], abs=1e-5)
    agreed = found["kernel", "model"]["sparse_categorical_accuracy"]
    assert agreed == pytest.approx(sk.accuracy_score(labels, model.predict(x)))
    # Side by side the baseline's classes are read in the candidate's order, so that each class is itself in both.
    (tmp_path / "both").mkdir()
    work = EvaluationRequest(
        config=read_config(text).eval_config,
        batches=[encode(batch)],
        model=tmp_path / "model",
        baseline=tmp_path / "baseline",
    )
    evaluate(work, tmp_path / "both")
    table = pq.ParquetFile(tmp_path / "both/metrics.parquet").read().to_pylist()
    theirs = {row["metric"]: row["value"] for row in table if row["model"] == "baseline"}
    alone = found["kernel", "baseline"]
    of_class = [{metric: value for metric, value in alone.items() if f"classId:{at}" in metric} for at in (0, 1)]
    swapped = alone | {
        metric.replace(f"classId:{at}", f"classId:{1 - at}"): value
        for at in (0, 1)
        for metric, value in of_class[at].items()
    }
    assert theirs == pytest.approx(swapped)
    # TFMA would compare class 0 of one with class 0 of the other, which is another class.
    more = read_config(text + 'metrics_specs { metrics { class_name: "KLDivergence" } }').eval_config
    with raises("evaluator.tfma_only", "KLDivergence"):
        evaluate(replace(work, config=more), tmp_path / "both")
    assert evaluate(replace(work, config=more, baseline=None), tmp_path / "both").by_tfma == ("KLDivergence",)


@pytest.mark.tensorflow
@pytest.mark.slow
def test_one_probability_beside_two_classes_is_the_second_ones(tmp_path: Path) -> None:
    x = scale(load_iris().data).astype(np.float32)
    labels = np.where(load_iris().target == 1, "yes", "no")
    model = LogisticRegression(C=0.02).fit(x, labels)
    for name, classes in (("model", ["no", "yes"]), ("baseline", ["yes", "no"]), ("wide", ["no", "so", "yes"])):
        save(tmp_path / name, model.coef_, model.intercept_, np.array(classes), one=True)
    spec = {"label_key": "species", "prediction_key": "probabilities"}
    config = read_config({"model_specs": [spec], "metrics_specs": [{"metrics": [{"class_name": "AUC"}]}]}).eval_config
    source = rows_of(pa.table({"measures": list(x), "species": labels}))

    def areas(candidate: str, baseline: str | None = None) -> Any:
        rows = predict_rows(config, source, tmp_path / candidate, None if baseline is None else tmp_path / baseline)
        return evaluate_predictions(config, rows, EmbeddedEngine()).figures.candidate[()]

    [area] = areas("model").values()
    assert area == pytest.approx(sk.roc_auc_score(labels == "yes", model.predict_proba(x)[:, 1]), abs=1e-6)
    with raises("evaluator.other_classes", "2", "yes"):
        areas("model", "baseline")
    with raises("evaluator.other_classes", "3", "1"):
        areas("wide")


def save(path: Path, weights: Array, bias: Array, names: Array, *, one: bool = False) -> None:
    import tensorflow as tf

    class Softmax(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
        def serve(self, examples: Any) -> Any:
            parsed = tf.io.parse_example(examples, {"measures": tf.io.FixedLenFeature([4], tf.float32)})
            logits = parsed["measures"] @ tf.constant(weights.T.astype(np.float32)) + bias.astype(np.float32)
            rows = tf.shape(logits)[0]
            probabilities = tf.sigmoid(logits) if one else tf.nn.softmax(logits)
            return {"probabilities": probabilities, "all_classes": tf.tile([list(names)], [rows, 1])}

    module = Softmax()
    tf.saved_model.save(module, str(path), signatures={"serving_default": module.serve})
