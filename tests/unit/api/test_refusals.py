"""What cannot apply to the types of the data is refused once the first of its rows are known."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pytest
from tensorflow_metadata.proto.v0 import schema_pb2

import assay
from assay.components import ImportSchemaGen
from assay.runners.local.runner import LocalDagRunner
from raising import raises

GOOD = pa.table({"city": ["a", "b"] * 20, "fare": [1.5, 2.5] * 20})
FLOATS = {"fare": assay.DriftThresholds(l_infinity=0.1)}
WORDS = {"city": assay.DriftThresholds(wasserstein=1)}


@dataclass
class Given:
    """Rows in batches, of which only the first may be read where `more` is false."""

    rows: list[pa.RecordBatch]
    more: bool = True
    bounded = False

    @property
    def shards(self) -> list[Given]:
        return [self]

    def batches(self, columns: list[str] | None = None) -> Iterator[pa.RecordBatch]:
        for batch in self.rows:
            yield batch
            assert self.more, "all rows are read"


def unread() -> Given:
    return Given(GOOD.combine_chunks().to_batches(), more=False)


@pytest.mark.parametrize("measure", ["infinity_norm", "normalized_abs_difference"])
def test_a_comparator_of_categories_on_numbers_that_the_schema_does_not_type(measure: str) -> None:
    schema = schema_pb2.Schema(feature=[{"name": "fare"}])
    getattr(schema.feature[0].drift_comparator, measure).threshold = 0.1
    with raises("schema.cannot_apply", measure):
        assay.validate(unread(), schema, previous=GOOD)
    with raises("schema.cannot_apply"):
        assay.validate(assay.statistics(GOOD), schema, previous=GOOD)


def test_a_feature_that_the_schema_calls_categorical_is_compared() -> None:
    data = pa.table({"code": [1, 2] * 20})
    schema = schema_pb2.Schema(feature=[{"name": "code", "type": "INT", "int_domain": {"is_categorical": True}}])
    schema.feature[0].drift_comparator.infinity_norm.threshold = 0.1
    assert assay.validate(data, schema, previous=data).ok


@pytest.mark.parametrize(("limits", "kind"), [(FLOATS, "FLOAT"), (WORDS, "STRING")])
def test_a_limit_of_the_other_kind(limits: dict[str, assay.DriftThresholds], kind: str) -> None:
    untyped = schema_pb2.Schema(feature=[{"name": "fare"}, {"name": "city"}])
    with raises("drift.cannot_apply", kind):
        assay.drift(unread(), unread(), thresholds=limits)
    with raises("drift.cannot_apply", kind):
        assay.validate(unread(), untyped, previous=GOOD, drift_thresholds=limits)


def test_a_column_of_nulls_may_yet_become_anything() -> None:
    rows = [pa.record_batch([pa.nulls(3)], ["x"]), pa.record_batch([pa.array([1.5, 2.5, 3.5])], ["x"])]
    limits = {"x": assay.DriftThresholds(kolmogorov_smirnov=0.1)}
    assert assay.drift(Given(rows), Given(rows), thresholds=limits).ok


def test_urls_are_rejected_in_python_as_in_commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    config = {
        "model_specs": [{"label_key": "fare", "prediction_key": "fare"}],
        "metrics_specs": [{"metrics": [{"class_name": "MeanSquaredError"}]}],
    }
    schema = assay.infer_schema(GOOD)
    importer = ImportSchemaGen(schema_file="schema.pbtxt")
    url = "s3://b/x.csv"
    for call in (
        lambda: assay.statistics([url]),
        lambda: assay.drift(url, GOOD),
        lambda: assay.validate(GOOD, url),
        lambda: assay.validate(GOOD, schema).save(url),
        lambda: assay.evaluate(Path(url), predictions=GOOD),
        lambda: assay.gate(config, predictions=GOOD, output=url),
        lambda: assay.gate(config, model=url, data=GOOD),
        lambda: LocalDagRunner().run(assay.Pipeline("p", components=[importer], pipeline_root=url)),
    ):
        with raises("path.url", "s3://b/x.csv"):
            call()
    assert not list(tmp_path.iterdir())
