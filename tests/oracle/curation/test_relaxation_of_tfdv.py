"""Inference and relaxation against TFDV's own, on the columns that are named."""

from __future__ import annotations

from typing import Any

import pytest

from assay.schema import apply, relax
from assay.schema.differences import differences
from assay.schema.relaxation import anomaly_ids

pytestmark = [pytest.mark.tensorflow, pytest.mark.slow]

ROWS = 200


@pytest.fixture(scope="module")
def days() -> tuple[Any, Any]:
    """Statistics of two days that differ in every way that widening a schema can answer."""
    import pandas as pd
    import tensorflow_data_validation as tfdv

    numbers = list(range(ROWS))
    first = {
        "payment_type": ["Cash", "Card"] * (ROWS // 2),
        "other": ["Cash", "Card"] * (ROWS // 2),
        "a.b": ["x"] * ROWS,
        "day": numbers,
        "fare": [float(i) for i in numbers],
        "gone": numbers,
        "optional": ["p"] * ROWS,
        "typed": numbers,
    }
    second = {
        "payment_type": ["Cash", "Card", "Prcard", "No, (5%)"] * (ROWS // 4),
        "other": ["Cash", "Check"] * (ROWS // 2),
        "a.b": ["x", "y"] * (ROWS // 2),
        "day": [i + 100 for i in numbers],
        "fare": [i - 5.0 for i in numbers],
        "optional": ["p", None] * (ROWS // 2),
        "typed": ["t"] * ROWS,
        "new": numbers,
    }
    return tuple(tfdv.generate_statistics_from_dataframe(pd.DataFrame(day)) for day in (first, second))


@pytest.fixture
def schema(days: tuple[Any, Any]) -> Any:
    import tensorflow_data_validation as tfdv

    schema = tfdv.infer_schema(days[0])
    tfdv.set_domain(schema, "day", tfdv.utils.schema_util.schema_pb2.IntDomain(min=0, max=ROWS))
    tfdv.set_domain(schema, "fare", tfdv.utils.schema_util.schema_pb2.FloatDomain(min=0))
    tfdv.get_feature(schema, "other").domain = "payment_type"
    return schema


def test_accepting_everything_is_what_tfdv_does(days: tuple[Any, Any], schema: Any) -> None:
    import tensorflow_data_validation as tfdv

    anomalies = tfdv.validate_statistics(days[1], schema)
    relaxed = relax(schema, anomalies, anomaly_ids(anomalies), days[1])
    assert differences(relaxed.schema, tfdv.update_schema(schema, days[1])) == []
    assert not tfdv.validate_statistics(days[1], relaxed.schema).anomaly_info
    assert apply(schema, relaxed.patch) == relaxed.schema


@pytest.mark.parametrize("name", ["payment_type", "'a.b'", "day", "fare", "gone", "optional", "typed", "new"])
def test_one_column_is_as_tfdv_has_it_and_the_others_stay(days: tuple[Any, Any], schema: Any, name: str) -> None:
    import tensorflow_data_validation as tfdv

    alone = type(days[1])()
    alone.CopyFrom(days[1])
    column = name.strip("'")
    kept = [feature for feature in alone.datasets[0].features if feature.path.step[0] == column]
    del alone.datasets[0].features[:]
    alone.datasets[0].features.extend(kept)
    theirs = tfdv.update_schema(schema, alone)

    anomalies = tfdv.validate_statistics(days[1], schema)
    ours = relax(schema, anomalies, [name], days[1]).schema
    here = {feature.name: feature for feature in ours.feature}
    for feature in theirs.feature:
        # TFDV takes every column that it has no statistics of for one that is gone.
        expected = feature if feature.name == column else tfdv.get_feature(schema, feature.name)
        assert here.get(feature.name) == expected
    assert list(ours.string_domain) == list(theirs.string_domain)
    left = tfdv.validate_statistics(days[1], ours).anomaly_info
    assert set(anomalies.anomaly_info) - set(left) == {name}
