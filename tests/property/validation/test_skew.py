"""The comparison equals one pair at a time in Python, and does not depend on batches and parts."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from assay.validation.skew import detect_feature_skew
from assay.validation.skew_report import FeatureSkewOptions

Row = tuple[int | None, str | None, list[float] | None]
VALUES = st.none() | st.lists(st.sampled_from([0.0, 1.0, 1.004, 2.5]), max_size=2)
ROWS = st.lists(st.tuples(st.none() | st.integers(0, 4), st.sampled_from("ab"), VALUES), max_size=12)
SCHEMA = pa.schema([("id", pa.int64()), ("day", pa.string()), ("x", pa.list_(pa.float64()))])


def reader(rows: list[Row], size: int) -> Any:
    def read(_columns: Any) -> Any:
        for first in range(0, len(rows), size):
            part = rows[first : first + size]
            yield pa.RecordBatch.from_arrays(
                [pa.array([row[at] for row in part], SCHEMA.types[at]) for at in range(3)], schema=SCHEMA
            )

    return read


@given(ROWS, ROWS, st.integers(1, 5), st.integers(1, 5), st.booleans(), st.sampled_from([None, 2]))
def test_against_plain_python(
    base: list[Row], test: list[Row], size: int, part: int, duplicates: bool, ndigits: int | None
) -> None:
    options = FeatureSkewOptions(
        identifier_features=("id", "day"),
        sample_size=1000,
        allow_duplicate_identifiers=duplicates,
        float_round_ndigits=ndigits,
    )
    report = detect_feature_skew(reader(base, size), reader(test, size), options, partition_rows=part)
    whole = detect_feature_skew(reader(base, 99), reader(test, 99), options)
    assert replace(report, pairs=()) == replace(whole, pairs=())
    assert sorted(map(repr, report.pairs)) == sorted(map(repr, whole.pairs))

    ids = [Counter(row[:2] for row in rows if row[0] is not None) for rows in (base, test)]
    pairs = [
        (one[2], other[2])
        for one in base
        for other in test
        if one[0] is not None and one[:2] == other[:2] and (duplicates or ids[0][one[:2]] == ids[1][other[:2]] == 1)
    ]

    def rounded(values: list[float]) -> list[float]:
        return values if ndigits is None else [round(value, ndigits) for value in values]

    counts = Counter[str]()
    for one, other in pairs:
        counts["base_count"] += bool(one)
        counts["test_count"] += bool(other)
        if one and other:
            counts["match_count" if rounded(one) == rounded(other) else "mismatch_count"] += 1
        elif one == other == []:
            counts["match_count"] += 1
    (found,) = report.features or (None,)
    for name in ("base_count", "test_count", "match_count", "mismatch_count"):
        assert getattr(found, name, 0) == counts[name]
    stats = report.match_stats
    assert stats.base_with_id_count == ids[0].total()
    assert stats.identifiers_count == len(ids[0].keys() | ids[1].keys())
    assert stats.matching_pairs_count == sum(count * ids[1][key] for key, count in ids[0].items())
    assert stats.base_missing_id_count == len(base) - ids[0].total()
    assert stats.test_missing_id_count == len(test) - ids[1].total()
