"""Rows of structs, sparse and weighted features break for the reasons of TFDV's validation of single examples."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2

from assay.kernels.rows.record_validator import RowValidator
from assay.kernels.rows.schema_rules import schema_rules
from assay.kernels.rows.validation import judge

pytestmark = [pytest.mark.tensorflow, pytest.mark.slow]

NUMBERS = pa.list_(pa.int64())
SPARSE = """
feature { name: "value" type: INT } feature { name: "row" type: INT } feature { name: "column" type: INT }
sparse_feature { name: "matrix" value_feature { name: "value" } index_feature { name: "row" }
                 index_feature { name: "column" } }
"""
WEIGHTED = """
feature { name: "value" type: INT } feature { name: "weight" type: INT }
weighted_feature { name: "both" feature { step: "value" } weight_feature { step: "weight" } }
"""
TRIPS = pa.list_(pa.struct([("fare", pa.list_(pa.float32())), ("kind", pa.list_(pa.binary()))]))
STRUCTS = """
feature { name: "trip" type: STRUCT value_count { max: 2 } struct_domain {
  feature { name: "fare" type: FLOAT float_domain { min: 0 } value_count { max: 1 } }
  feature { name: "kind" type: BYTES string_domain { value: "a" value: "b" } }
} }
"""


def reasons(schema_text: str, batch: pa.RecordBatch) -> list[tuple[set[str], set[str]]]:
    """Gives ours and theirs for each row; and holds the rules of single records against those of batches."""
    import tensorflow_data_validation as tfdv
    from tensorflow_data_validation.api import validation_api

    schema = text_format.Parse(schema_text, schema_pb2.Schema())
    rules = schema_rules(schema)
    masks = judge(rules, batch, {}).masks
    validator, found = RowValidator(schema), []
    for row, record in enumerate(batch.to_pylist()):
        broken = [rule for rule, mask in zip(rules.row_rules, masks, strict=True) if mask is not None and mask[row]]
        assert [breach.rule_id for breach in validator.validate(record)] == [rule.id for rule in broken]
        # TFDV wants columns that are no slices of others.
        one = pa.RecordBatch.from_pylist([record], schema=batch.schema)
        anomalies = validation_api.validate_instance(one, tfdv.StatsOptions(schema=schema))
        theirs = {
            anomalies_pb2.AnomalyInfo.Type.Name(reason.type)
            for info in anomalies.anomaly_info.values()
            for reason in info.reason
        }
        found.append(({rule.reason for rule in broken}, theirs))
    return found


def columns(kind: pa.DataType, **values: Any) -> pa.RecordBatch:
    return pa.RecordBatch.from_pydict({name: pa.array(each, kind) for name, each in values.items()})


def test_sparse_features() -> None:
    batch = columns(
        NUMBERS,
        value=[[1, 2], [1], None, None, [1], [1, 2]],
        row=[[0, 1], None, [0], None, [0], [0]],
        column=[[0, 1], [0], [0], None, [0], [0, 1]],
    )
    found = reasons(SPARSE, batch)
    assert [ours for ours, _ in found] == [theirs for _, theirs in found]
    assert found[1][0] == {"SPARSE_FEATURE_MISSING_INDEX", "SPARSE_FEATURE_LENGTH_MISMATCH"}


def test_weighted_features() -> None:
    batch = columns(
        NUMBERS, value=[[1, 2], [1], None, None, [1]], weight=[[3, 4], None, [3], None, [3, 4]]
    )  # fmt: skip
    found = reasons(WEIGHTED, batch)
    assert [ours for ours, _ in found] == [theirs for _, theirs in found]


def test_fields_of_structs() -> None:
    fits = {"fare": [1.0], "kind": [b"a"]}
    rows = [
        [fits],
        [{"fare": [-1.0], "kind": [b"a"]}],
        [fits, {"fare": [1.0], "kind": [b"z"]}],
        [{"fare": None, "kind": [b"b"]}],
        [{"fare": [1.0, 2.0], "kind": None}],
        [fits, fits, fits],
        None,
    ]
    found = reasons(STRUCTS, pa.RecordBatch.from_arrays([pa.array(rows, TRIPS)], ["trip"]))
    assert [ours for ours, _ in found] == [theirs for _, theirs in found]
    assert found[2][0] == {"ENUM_TYPE_UNEXPECTED_STRING_VALUES"}


def test_a_field_that_the_schema_does_not_have() -> None:
    kind = pa.list_(pa.struct([("fare", pa.list_(pa.float32())), ("tips", pa.list_(pa.float32()))]))
    rows = [[{"fare": [1.0], "tips": [2.0]}]]
    ((ours, theirs),) = reasons(STRUCTS, pa.RecordBatch.from_arrays([pa.array(rows, kind)], ["trip"]))
    assert ours == {"SCHEMA_NEW_COLUMN"}
    assert ours <= theirs


def test_a_time_that_is_written_otherwise_is_told_by_us_alone() -> None:
    """TFDV reads the domain and checks nothing: text in another format passes in silence."""
    schema = 'feature { name: "day" type: BYTES time_domain { string_format: "%Y-%m-%d" } }'
    rows = [[b"2024-02-29"], [b"2023-02-29"], [b"29.02.2024"], None]
    found = reasons(schema, columns(pa.list_(pa.binary()), day=rows))
    assert [ours for ours, _ in found] == [set(), {"TIME_UNEXPECTED_FORMAT"}, {"TIME_UNEXPECTED_FORMAT"}, set()]
    assert not any(theirs for _, theirs in found)
