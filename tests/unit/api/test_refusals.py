"""What cannot apply to the types of the data is refused once the first of its rows are known."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa
import pytest
from tensorflow_metadata.proto.v0 import schema_pb2

import assay
from assay.errors import UsageError

GOOD = pa.table({"city": ["a", "b"] * 20, "fare": [1.5, 2.5] * 20})
FLOATS = {"fare": assay.DriftLimits(l_infinity=0.1)}
WORDS = {"city": assay.DriftLimits(wasserstein=1)}


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
    with pytest.raises(UsageError, match=rf"fare\].*{measure} compares counts .* fare is numeric in the data"):
        assay.validate(unread(), schema, previous=GOOD)
    with pytest.raises(UsageError, match="fare is numeric in the data"):
        assay.validate(assay.statistics(GOOD), schema, previous=GOOD)


def test_a_feature_that_the_schema_calls_categorical_is_compared() -> None:
    data = pa.table({"code": [1, 2] * 20})
    schema = schema_pb2.Schema(feature=[{"name": "code", "type": "INT", "int_domain": {"is_categorical": True}}])
    schema.feature[0].drift_comparator.infinity_norm.threshold = 0.1
    assert assay.validate(data, schema, previous=data).ok


@pytest.mark.parametrize(("limits", "kind"), [(FLOATS, "FLOAT"), (WORDS, "STRING")])
def test_a_limit_of_the_other_kind(limits: dict[str, assay.DriftLimits], kind: str) -> None:
    untyped = schema_pb2.Schema(feature=[{"name": "fare"}, {"name": "city"}])
    with pytest.raises(UsageError, match=f"cannot apply to values of type {kind}"):
        assay.compare(unread(), unread(), limits=limits)
    with pytest.raises(UsageError, match=f"cannot apply to values of type {kind}"):
        assay.validate(unread(), untyped, previous=GOOD, drift_limits=limits)


def test_a_column_of_nulls_may_yet_become_anything() -> None:
    rows = [pa.record_batch([pa.nulls(3)], ["x"]), pa.record_batch([pa.array([1.5, 2.5, 3.5])], ["x"])]
    limits = {"x": assay.DriftLimits(kolmogorov_smirnov=0.1)}
    assert assay.compare(Given(rows), Given(rows), limits=limits).ok
