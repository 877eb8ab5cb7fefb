"""Rows and reasons equal those of TFDV's validation of single examples; each place where they differ says why."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.csv
import pytest
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2

from assay.kernels.rows.schema_rules import schema_rules
from assay.kernels.rows.validation import judge

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

pytestmark = [pytest.mark.tensorflow, pytest.mark.slow]

# Of a missing value TFDV says nothing for one example: it takes presence for a matter of the dataset.
OURS_ALONE = {"FEATURE_TYPE_LOW_FRACTION_PRESENT"}


@dataclass(frozen=True)
class Case:
    """Values of a feature `x` under a schema.

    Attributes:
        schema: As text.
        values: One a row.
        type: Arrow's type of the column.
        differs: For the position of a value, the reasons that TFDV gives and we do not, and the other way round.
        why: Why they differ.
    """

    schema: str
    values: Sequence[Any]
    type: pa.DataType
    differs: dict[int, tuple[set[str], set[str]]] = field(default_factory=dict)
    why: str = ""


NUMBER_TEXT = ["7", "x", "", "99", "-1", " 7 ", "7_0", "1.5", "nan", "inf", "1e999", "0x1p3", "\u0663", b"\xff", None]
CASES = {
    "float domain": Case(
        'feature { name: "x" type: FLOAT float_domain { min: 0.1 max: 10 } }',
        [0.1, 0.05, 10.0, 10.5, -math.inf, math.inf, math.nan, None],
        pa.float32(),
        {6: ({"FLOAT_TYPE_SMALL_FLOAT"}, set())},
        "TFDV compares NaN as -inf or 0 where a row has nothing else; NaN keeps every limit here",
    ),
    "float domain of doubles": Case(
        'feature { name: "x" type: FLOAT float_domain { min: 0.1 max: 0.3 } }',
        [0.1, 0.3, 0.30001, 0.09999],
        pa.float64(),
    ),
    "no nan, no inf": Case(
        'feature { name: "x" type: FLOAT float_domain { disallow_nan: true disallow_inf: true } }',
        [0.1, math.nan, math.inf, -math.inf, None],
        pa.float32(),
    ),
    "lists of floats": Case(
        'feature { name: "x" type: FLOAT value_count { min: 1 max: 3 } float_domain { max: 1 disallow_nan: true } }',
        [[0.5], [], [0.5, 2], [math.nan, 0], [0, 0, 0, 0], None],
        pa.list_(pa.float32()),
    ),
    "int domain": Case(
        'feature { name: "x" type: INT int_domain { min: 0 max: 10 } }', [0, -1, 10, 11, None], pa.int64()
    ),
    "booleans are integers": Case(
        'feature { name: "x" type: INT int_domain { min: 1 } }', [True, False, None], pa.bool_()
    ),
    "floats for integers": Case(
        'feature { name: "x" type: INT int_domain { max: 1 } }', [0.5, 2.0, None], pa.float32()
    ),
    "integers for floats": Case('feature { name: "x" type: FLOAT float_domain { max: 1 } }', [0, 2, None], pa.int64()),
    "text for floats": Case(
        'feature { name: "x" type: FLOAT float_domain { max: 10 } }', ["a", "7", "11", None], pa.string()
    ),
    "text of integers": Case(
        'feature { name: "x" type: BYTES int_domain { min: 1 max: 10 } }', NUMBER_TEXT, pa.binary()
    ),
    "text of floats": Case(
        'feature { name: "x" type: BYTES float_domain { min: 1 max: 10 disallow_nan: true disallow_inf: true } }',
        NUMBER_TEXT,
        pa.binary(),
    ),
    "string domain": Case(
        'feature { name: "x" type: BYTES string_domain { value: "a" value: "é" } }',
        ["a", "b", "", "é", b"\xff", None],
        pa.binary(),
    ),
    "shared domain": Case(
        'feature { name: "x" type: BYTES domain: "d" } string_domain { name: "d" value: "a" }', ["a", "b"], pa.string()
    ),
    "lists of text": Case(
        'feature { name: "x" type: BYTES string_domain { value: "a" } }',
        [["a", "a"], ["a", "b"], [], [b"\xff"], [b"\xff", "b"], None],
        pa.list_(pa.binary()),
        {4: (set(), {"ENUM_TYPE_UNEXPECTED_STRING_VALUES"})},
        "TFDV stops at the first value that is no UTF-8; a row's reasons are all told here",
    ),
    "domain mass": Case(
        'feature { name: "x" type: BYTES distribution_constraints { min_domain_mass: 0.5 } '
        'string_domain { value: "a" } }',
        [["a", "b"], ["b", "b", "a"], ["b"], []],
        pa.list_(pa.string()),
        {at: ({"ENUM_TYPE_UNEXPECTED_STRING_VALUES"}, set()) for at in (1, 2)},
        "a share of all values is a matter of the dataset: one row can neither break nor keep it",
    ),
    "integers for text": Case('feature { name: "x" type: BYTES string_domain { value: "a" } }', [1, None], pa.int64()),
    "bool domain of integers": Case(
        'feature { name: "x" type: INT bool_domain {} }',
        [0, 1, 2, -1, None],
        pa.int64(),
        {2: (set(), {"BOOL_TYPE_BIG_INT"}), 3: (set(), {"BOOL_TYPE_SMALL_INT"})},
        "TFDV passes in silence: told by the schema that the numbers are categories, it computes no minimum of them",
    ),
    "bool domain of floats": Case(
        'feature { name: "x" type: FLOAT bool_domain {} }', [0, 1, 0.5, 2, -1, math.nan, None], pa.float32()
    ),
    "bool domain of text": Case(
        'feature { name: "x" type: BYTES bool_domain { true_value: "T" false_value: "F" } }',
        ["T", "F", "t", b"\xff", None],
        pa.binary(),
    ),
    "value counts": Case(
        'feature { name: "x" type: INT value_counts { value_count { min: 1 max: 2 } value_count { min: 1 max: 2 } } }',
        [[[1]], [], [[1], []], [[1], [2], [3]], [[1, 2, 3]], None],
        pa.list_(pa.list_(pa.int64())),
    ),
    "nest level too low": Case(
        'feature { name: "x" type: INT value_counts { value_count {} value_count {} } }',
        [[1], None],
        pa.list_(pa.int64()),
    ),
    "nest level too high": Case(
        'feature { name: "x" type: INT value_count { max: 9 } }', [[[1]], None], pa.list_(pa.list_(pa.int64()))
    ),
    "shape": Case(
        'feature { name: "x" type: INT shape { dim { size: 2 } } }',
        [[1, 2], [1], [1, 2, 3], [], None],
        pa.list_(pa.int64()),
        {4: (set(), {"INVALID_FEATURE_SHAPE"})},
        "a missing value breaks a fixed shape; TFDV says so of the dataset and not of the example",
    ),
    "shape of nested lists": Case(
        'feature { name: "x" type: INT shape { dim { size: 2 } dim { size: 2 } } }',
        [[[1, 2], [3, 4]], [[1], [2, 3, 4]], [[1, 2, 3, 4]], [[1, 2]]],
        pa.list_(pa.list_(pa.int64())),
    ),
    "flat values": Case('feature { name: "x" type: INT shape { dim { size: 2 } } }', [1], pa.int64()),
    "not validated": Case(
        'feature { name: "x" type: BYTES lifecycle_stage: PLANNED value_count { min: 5 } }',
        [[1], None],
        pa.list_(pa.int64()),
    ),
    "deprecated": Case('feature { name: "x" type: BYTES deprecated: true }', [1], pa.int64()),
    "beta": Case('feature { name: "x" type: BYTES lifecycle_stage: BETA }', [1], pa.int64()),
    "unknown column": Case(
        'feature { name: "y" type: INT }',
        [1, None],
        pa.int64(),
        {1: ({"SCHEMA_NEW_COLUMN"}, set())},
        "a row without a value has nothing in the unknown column",
    ),
    "absent in the environment": Case(
        'default_environment: "TRAINING" default_environment: "SERVING" '
        'feature { name: "x" type: INT not_in_environment: "SERVING" presence { min_fraction: 1 } '
        "int_domain { max: 3 } }",
        [5, 3, None],
        pa.int64(),
    ),
    "presence": Case('feature { name: "x" type: INT presence { min_fraction: 1 } }', [1, None], pa.int64()),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_each_row_breaks_for_the_reasons_of_tfdv(case: Case) -> None:
    import tensorflow_data_validation as tfdv
    from tensorflow_data_validation.api import validation_api

    schema = text_format.Parse(case.schema, schema_pb2.Schema())
    environment = "SERVING" if schema.default_environment else None
    rules = schema_rules(schema, environment)
    batch = pa.RecordBatch.from_arrays([pa.array(case.values, case.type)], ["x"])
    outcome = judge(rules, batch, {})
    options = tfdv.StatsOptions(schema=schema)
    for row in range(len(case.values)):
        ours = {
            rule.reason
            for rule, mask in zip(rules.row_rules, outcome.masks, strict=True)
            if mask is not None and mask[row] and rule.reason not in OURS_ALONE
        }
        # TFDV's own readers give every column as lists, and its nested lists must not be slices of others.
        value, kind = case.values[row], case.type
        if not pa.types.is_list(kind):
            value, kind = (None if value is None else [value]), pa.list_(kind)
        column = pa.array([value], kind)
        if pa.types.is_boolean(column.type.value_type):
            column = column.cast(pa.list_(pa.int64()))
        found = validation_api.validate_instance(pa.RecordBatch.from_arrays([column], ["x"]), options, environment)
        theirs = {
            anomalies_pb2.AnomalyInfo.Type.Name(reason.type)
            for info in found.anomaly_info.values()
            for reason in info.reason
        }
        theirs_alone, ours_alone = case.differs.get(row, (set(), set()))
        assert ours - theirs == ours_alone, (case.values[row], case.why)
        assert theirs - ours == theirs_alone, (case.values[row], case.why)


CSV = """\
fare,company,seconds,flag
1.5,A,10,0
-2.0,B,20,1
3.5,Z,,1
900.0,A,5000,2
,,30,
2.5,B,-1,0
"""
CSV_SCHEMA = """
feature { name: "fare" type: FLOAT presence { min_fraction: 1 } float_domain { min: 0 max: 500 } }
feature { name: "company" type: BYTES string_domain { value: "A" value: "B" } }
feature { name: "seconds" type: INT int_domain { min: 0 max: 3600 } }
feature { name: "flag" type: INT bool_domain {} }
"""


def test_the_examples_of_a_csv_file(tmp_path: Path) -> None:
    import tensorflow_data_validation as tfdv

    path = tmp_path / "data.csv"
    path.write_text(CSV)
    schema = text_format.Parse(CSV_SCHEMA, schema_pb2.Schema())
    options = tfdv.StatsOptions(schema=schema, infer_type_from_schema=True)
    _, sampled = tfdv.validate_examples_in_csv(str(path), options, num_sampled_examples=100)
    theirs = {reason: sorted(str(value) for value in frame["seconds"]) for reason, frame in sampled.items()}

    rules = schema_rules(schema)
    table = pa.csv.read_csv(path, convert_options=pa.csv.ConvertOptions(strings_can_be_null=True))
    (batch,) = table.to_batches()
    ours = {
        f"{rule.columns[0]}_{rule.reason}": sorted(
            str(value) for value in batch.column(2).filter(pa.array(mask)).to_pylist()
        )
        for rule, mask in zip(rules.row_rules, judge(rules, batch, {}).masks, strict=True)
        if mask is not None
    }
    # What TFDV lets pass: a fare that is missing where each row has to have one, and a flag of 2.
    assert ours.pop("fare_FEATURE_TYPE_LOW_FRACTION_PRESENT") == ["30"]
    assert ours.pop("flag_BOOL_TYPE_BIG_INT") == ["5000"]
    assert ours == theirs
