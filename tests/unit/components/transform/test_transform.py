from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from assay.artifacts import Examples, Schema, TransformCache
from assay.components.transform import SplitsConfig, Transform
from assay.runners.local import LocalDagRunner, RunResult, Silence
from assay.spec import Importer, Pipeline

pytestmark = [pytest.mark.tensorflow, pytest.mark.slow]  # an analysis takes TFT some seconds, whatever the rows

TRAIN = pa.table({"x": pa.array([0.0, 5.0, 10.0], pa.float32()), "word": ["a", None, "b"]})
EVAL = pa.table({"x": pa.array([20.0], pa.float32()), "word": ["never seen"]})
SCHEMA = """
feature { name: "x" type: FLOAT presence { min_fraction: 1 } shape { dim { size: 1 } } }
feature { name: "word" type: BYTES }
"""
MODULE = """
import tensorflow as tf
import tensorflow_transform as tft

def preprocessing_fn(inputs, custom_config):
    outputs = {"x_scaled": tft.scale_to_0_1(inputs["x"]) * custom_config.get("factor", 1.0)}
    if "word" in inputs:
        outputs["word_id"] = tft.compute_and_apply_vocabulary(inputs["word"], vocab_filename="words")
    return outputs
"""


class Case:
    """A Transform step over the small examples, with the module and arguments of one test."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def run(
        self,
        module: str = MODULE,
        splits: dict[str, pa.Table] | None = None,
        before: Sequence[Importer] = (),
        schema: str = SCHEMA,
        **given: Any,
    ) -> RunResult:
        path = self._folder / "module.py"
        path.write_text(module, encoding="utf-8")
        (self._folder / "schema").mkdir()
        (self._folder / "schema" / "schema.pbtxt").write_text(schema, encoding="utf-8")
        rows = Examples(self._folder / "examples")
        for name, split in (splits or {"train": TRAIN, "eval": EVAL}).items():
            with rows.writer(name, split.schema) as writer:
                writer.write(split.to_batches()[0])
        examples = Importer(rows.path, Examples, properties={"split_names": list(rows.rows)}).with_id("examples")
        of_rows = Importer(self._folder / "schema", Schema).with_id("schema")
        step = Transform(
            examples=examples.outputs["result"],
            schema=of_rows.outputs["result"],
            **{"module_file": str(path), **given},
        )
        pipeline = Pipeline("test", self._folder / "root", [*before, examples, of_rows, step])
        return LocalDagRunner(progress=Silence()).run(pipeline)

    def reason(self, module: str = MODULE, **given: Any) -> str:
        result = self.run(module, **given)
        assert result.exit_code == 1
        reason: str = result.step("Transform").reason
        return reason


@pytest.fixture
def case(tmp_path: Path) -> Case:
    return Case(tmp_path)


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> RunResult:
    return Case(tmp_path_factory.mktemp("done")).run(custom_config={"factor": 10.0})


def table(result: RunResult, split: str) -> dict[str, list[Any]]:
    examples: Examples = result.output("Transform", "transformed_examples")
    found: dict[str, list[Any]] = pa.Table.from_batches(examples.batches(split)).to_pydict()
    return found


def test_the_analyzers_see_the_training_split_only(done: RunResult) -> None:
    result = done
    assert result.exit_code == 0
    assert table(result, "train") == {"word_id": [[1], [], [0]], "x_scaled": [0.0, 5.0, 10.0]}
    assert table(result, "eval") == {"word_id": [[-1]], "x_scaled": [20.0]}
    assert result.output("Transform", "transformed_examples").split_names == ("train", "eval")


def test_tft_reads_the_graph(done: RunResult) -> None:
    import tensorflow_transform as tft

    output = tft.TFTransformOutput(str(done.output("Transform", "transform_graph").path))
    assert set(output.transformed_feature_spec()) == {"x_scaled", "word_id"}
    assert set(output.raw_feature_spec()) == {"x", "word"}
    assert output.transform_raw_features({"x": [[5.0]]})["x_scaled"].numpy().tolist() == [[5.0]]
    assert output.vocabulary_by_name("words") == [b"b", b"a"]


def test_the_graph_holds_no_place_of_the_run(done: RunResult) -> None:
    files = [path for path in done.output("Transform", "transform_graph").path.rglob("*") if path.is_file()]
    contents = {path.name: path.read_bytes() for path in files}
    assert b"tftransform_tmp/words" in contents["saved_model.pb"]
    assert [name for name, content in contents.items() if b"/.staging/" in content] == []


TWO_PHASES = """
import tensorflow as tf
import tensorflow_transform as tft

def preprocessing_fn(inputs):
    x = tf.sparse.to_dense(inputs["x"]) if isinstance(inputs["x"], tf.SparseTensor) else inputs["x"]
    distance = x - tft.mean(x)
    return {"scaled": distance / tft.max(tf.abs(distance))}
"""


def test_an_analyzer_may_need_the_result_of_another(case: Case) -> None:
    result = case.run(TWO_PHASES)
    assert result.exit_code == 0, result.step("Transform").reason
    assert table(result, "train") == {"scaled": [-1.0, 0.0, 1.0]}


def test_what_tft_could_not_apply_is_told_by_its_cause(case: Case) -> None:
    broken = TWO_PHASES.replace(
        "tft.max(tf.abs(distance))", "tft.experimental.ptransform_analyzer([distance], Broken(), [tf.float32], [[]])[0]"
    )
    broken += """
import apache_beam as beam

class Broken(beam.PTransform):
    def expand(self, columns):
        raise ZeroDivisionError("this analyzer divides by nothing")
"""
    assert "ZeroDivisionError: this analyzer divides by nothing" in case.reason(broken)


def test_statistics_schemas_and_anomalies_lie_beside(done: RunResult) -> None:
    result = done
    before, after = (result.output("Transform", f"{when}_transform_stats") for when in ("pre", "post"))
    assert before.split_names == ("train",)
    assert after.split_names == ("train", "eval")
    assert after.read("eval").datasets[0].num_examples == 1
    assert {each.name for each in result.output("Transform", "post_transform_schema").read().feature} == {
        "x_scaled",
        "word_id",
    }
    assert result.output("Transform", "post_transform_anomalies").split_names == ("train", "eval")


UPDATER = """
from assay.v1 import components as stats_options_util

def stats_options_updater_fn(stats_type, stats_options):
    if stats_type == stats_options_util.StatsType.PRE_TRANSFORM:
        stats_options.feature_allowlist = ["x"]
    else:
        assert {feature.name for feature in stats_options.schema.feature} == {"x_scaled", "word_id"}
        stats_options.num_histogram_buckets = 4
    return stats_options
"""


def test_the_module_may_change_the_options_of_the_statistics(case: Case) -> None:
    result = case.run(MODULE + UPDATER)
    assert result.exit_code == 0, result.step("Transform").reason
    before, after = (result.output("Transform", f"{when}_transform_stats").read("train") for when in ("pre", "post"))
    assert [feature.path.step[0] for feature in before.datasets[0].features] == ["x"]
    scaled = next(each for each in after.datasets[0].features if each.path.step[0] == "x_scaled")
    assert len(scaled.num_stats.histograms[0].buckets) == 4


def test_an_updater_that_returns_nothing_is_named(case: Case) -> None:
    module = MODULE + "def stats_options_updater_fn(stats_type, stats_options): pass"
    assert "stats_options_updater_fn of module.py must return a tfdv.StatsOptions; it returned NoneType" in case.reason(
        module
    )


def test_an_updater_by_name_besides_a_module_file_is_refused(case: Case) -> None:
    reason = case.reason(stats_options_updater_fn="tensorflow_transform.mean")
    assert "stats_options_updater_fn" in reason
    assert "module_file" in reason


def test_nested_columns_do_not_hinder_the_others(case: Case) -> None:
    rows = TRAIN.append_column("basket", pa.array([{"items": [1]}] * len(TRAIN)))
    schema = SCHEMA + 'feature { name: "basket" type: STRUCT struct_domain { feature { name: "items" type: INT } } }'
    result = case.run(splits={"train": rows}, schema=schema)
    assert result.exit_code == 0, result.step("Transform").reason


def test_the_graph_alone(case: Case) -> None:
    step = case.run(materialize=False, disable_statistics=True).step("Transform")
    assert set(step.outputs) == {"transform_graph"}


def test_the_cache_spares_the_analysis_of_rows_seen_before(tmp_path: Path) -> None:
    (tmp_path / "first").mkdir()
    first = Case(tmp_path / "first").run(disable_analyzer_cache=False, disable_statistics=True)
    assert first.exit_code == 0, first.step("Transform").reason
    cache = first.output("Transform", "updated_analyzer_cache")
    assert list(cache.path.rglob("*.gz"))
    again = Importer(cache.path, TransformCache).with_id("cache")
    (tmp_path / "second").mkdir()
    second = Case(tmp_path / "second").run(
        before=[again],
        analyzer_cache=again.outputs["result"],
        disable_analyzer_cache=False,
        disable_statistics=True,
    )
    assert second.exit_code == 0
    assert table(second, "eval") == table(first, "eval")
    both = [result.output("Transform", "updated_analyzer_cache").path for result in (first, second)]
    found = [{path.relative_to(each) for path in each.rglob("*.gz")} for each in both]
    assert found[0] == found[1]


def test_tfrecord_on_request(case: Case) -> None:
    result = case.run(output_file_format="tfrecord_gzip")
    examples = result.output("Transform", "transformed_examples")
    assert [file.name for file in examples.files("train")] == ["data-00000-of-00001.tfrecord.gz"]
    assert sorted(table(result, "eval")["x_scaled"]) == [[2.0]]


def test_one_graph_gives_the_same_bytes(done: RunResult, tmp_path: Path) -> None:
    from assay.components.transform.application import TransformFunction
    from assay.components.transform.compute import transform
    from assay.components.transform.raw_batches import RawFormat

    graph = done.output("Transform", "transform_graph")
    digests = set()
    for attempt in range(2):
        function = TransformFunction(graph.path, RawFormat(graph.raw_schema()))
        output = Examples(tmp_path / f"again-{attempt}")
        with output.writer("train", function.schema) as writer:
            for batch in transform(function, TRAIN.to_batches(), "split 'train'"):
                writer.write(batch)
        digests.add(hashlib.sha256(output.files("train")[0].read_bytes()).hexdigest())
    written = done.output("Transform", "transformed_examples").files("train")[0]
    assert digests == {hashlib.sha256(written.read_bytes()).hexdigest()}


UNIFORM = """
    import tensorflow as tf
    ragged = tf.RaggedTensor.from_tensor(inputs['x'])
    return {'y': tf.RaggedTensor.from_uniform_row_length(ragged, 1)}
"""


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("return {'y': inputs['nothing']}", r"preprocessing_fn of module.py raised KeyError.*nothing.*line 2"),
        ("return {}", r"must return a dict of tensors by name; it returned an empty dict"),
        ("return 5", r"must return a dict of tensors by name; it returned int"),
        ("import tensorflow as tf; return {'y': tf.constant([1.0])}", "outputs of .* inputs"),
        ("return {'y': [inputs['x']]}", "its output 'y' is of type list"),
        ("return {'y': inputs['x'] > 1}", r"output 'y' .* is of type bool; .* tf.cast\(y, tf.int64\)"),
        (
            UNIFORM,
            r"ragged output 'y' of preprocessing_fn has the shape \(None, 1, 1\).*to_tensor",
        ),
    ],
)
def test_what_a_preprocessing_fn_does_wrong(case: Case, body: str, message: str) -> None:
    assert re.search(message, case.reason(f"def preprocessing_fn(inputs):\n    {body}\n"))


RAGGED = """
import tensorflow as tf

def pair(words):
    length = tf.cast(tf.strings.length(words), tf.float32)
    return tf.stack([length, length], axis=1)

def preprocessing_fn(inputs):
    words = tf.strings.split(tf.squeeze(tf.sparse.to_dense(inputs["word"], ""), 1))
    return {
        "words": words,
        "letters": tf.strings.unicode_split(words, "UTF-8"),
        "pairs": tf.ragged.map_flat_values(pair, words),
        "x": inputs["x"],
    }
"""


@pytest.mark.parametrize("output_file_format", ["parquet", "tfrecord_gzip"])
def test_ragged_outputs_reach_the_trainer_as_they_were(case: Case, output_file_format: str) -> None:
    import tensorflow_transform as tft
    from tfx_bsl.tfxio.dataset_options import TensorFlowDatasetOptions

    from assay.components.trainer.data_accessor import tf_dataset

    rows = pa.table({"x": pa.array([1.0, 2.0, 3.0], pa.float32()), "word": ["ab c", None, "def"]})
    result = case.run(RAGGED, {"train": rows, "eval": rows}, output_file_format=output_file_format)
    assert result.exit_code == 0, result.step("Transform").reason
    schema = tft.TFTransformOutput(str(result.output("Transform", "transform_graph").path)).transformed_metadata.schema
    files = [str(file) for file in result.output("Transform", "transformed_examples").files("train")]
    options = TensorFlowDatasetOptions(batch_size=3, num_epochs=1, shuffle=False)
    (tensors,) = tf_dataset(files, options, schema)
    assert tensors["words"].to_list() == [[b"ab", b"c"], [], [b"def"]]
    assert tensors["letters"].to_list() == [[[b"a", b"b"], [b"c"]], [], [[b"d", b"e", b"f"]]]
    assert tensors["pairs"].to_list() == [[[2.0, 2.0], [1.0, 1.0]], [], [[3.0, 3.0]]]
    assert tensors["x"].numpy().tolist() == [[1.0], [2.0], [3.0]]


def test_a_graph_that_fails_on_the_data(case: Case) -> None:
    module = (
        "import tensorflow as tf\n"
        "def preprocessing_fn(inputs):\n"
        "    with tf.control_dependencies([tf.debugging.assert_less(inputs['x'], 15.0, 'x is too large')]):\n"
        "        return {'y': tf.identity(inputs['x'])}\n"
    )
    assert "x is too large" in case.reason(module)


def test_a_missing_value_names_feature_rows_and_split(case: Case) -> None:
    gap = pa.table({"x": pa.array([1.0, None], pa.float32()), "word": ["a", "b"]})
    reason = case.reason(splits={"train": gap})
    assert "Feature 'x' must hold exactly 1 value" in reason
    assert "1 of 2 rows of split 'train'" in reason


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"splits_config": SplitsConfig(analyze=("trian",))}, "names split 'trian', which the examples do not have."),
        ({"splits_config": SplitsConfig(analyze=())}, "splits_config.analyze names no split"),
    ],
)
def test_arguments_that_cannot_be_followed_are_refused(case: Case, given: dict[str, Any], message: str) -> None:
    assert message in case.reason(**given)
