"""`assay.validate` against TFDV, from the data to the anomalies proto; and each place where ours differs on purpose."""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from google.protobuf import text_format
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tensorflow_metadata.proto.v0 import schema_pb2

import assay
from assay.kernels.statistics import SlicingSpec, StatisticsOptions
from raising import raises

pytestmark = [pytest.mark.tensorflow, pytest.mark.slow]

DATA_SETS = ["iris", "wine", "breast_cancer", "diabetes"]


def schema_of(text: str) -> schema_pb2.Schema:
    return text_format.Parse(text, schema_pb2.Schema())


def assert_same(ours: Any, theirs: Any) -> None:
    """Everything is the same, and the distances of histograms are by two to three digits.

    TFDV reads the numbers of a CSV as float32, and with numpy 2 it computes the bounds of histograms in 32 bits: the
    counts of buckets are interpolated between those, and sentences that state distances differ.
    """
    (rest, distances), (other_rest, others) = _apart(ours), _apart(theirs)
    assert rest == other_rest
    assert distances == pytest.approx(others, rel=5e-3)


def _apart(anomalies: Any) -> tuple[Any, list[float]]:
    """Gives the anomalies without their distances, and the distances."""
    rest = type(anomalies)()
    rest.CopyFrom(anomalies)
    distances = []
    for info in rest.drift_skew_info:
        for measurement in (*info.drift_measurements, *info.skew_measurements):
            distances.append(measurement.value)
            measurement.value = 0
    for anomaly in rest.anomaly_info.values():
        for told in (anomaly, *anomaly.reason):
            told.description = re.sub(r"(Jensen-Shannon divergence .*? is )[\d.e-]+", r"\1…", told.description)
    return rest, distances


def write_rows(path: Path, header: list[str], rows: Any) -> Path:
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(header)
        writer.writerows(rows)
    return path


@pytest.mark.parametrize("name", DATA_SETS)
def test_data_that_scikit_learn_bundles(name: str, tmp_path: Path) -> None:
    """One half makes the schema, with limits of drift; the other, some of it spoilt, is validated."""
    import sklearn.datasets
    import tensorflow_data_validation as tfdv

    bunch = getattr(sklearn.datasets, f"load_{name}")()
    header = [str(each).replace(" ", "_") for each in bunch.feature_names] + ["label"]
    labels = [f"class {int(value)}" if name != "diabetes" else str(value) for value in bunch.target]
    rows = [[*map(str, values), label] for values, label in zip(bunch.data.tolist(), labels, strict=True)]
    spoilt = [["" if at % 3 == 0 else row[0], *row[1:-1], f"{row[-1]}!"] for at, row in enumerate(rows[1::2])]
    one, two = write_rows(tmp_path / "one.csv", header, rows[::2]), write_rows(tmp_path / "two.csv", header, spoilt)

    before, now = (tfdv.generate_statistics_from_csv(str(path)) for path in (one, two))
    schema = tfdv.infer_schema(before)
    assert assay.infer_schema(one) == schema
    tfdv.get_feature(schema, header[1]).drift_comparator.jensen_shannon_divergence.threshold = 1e-6
    if name != "diabetes":
        tfdv.get_feature(schema, "label").drift_comparator.infinity_norm.threshold = 0.01
    theirs = tfdv.validate_statistics(now, schema, previous_statistics=before)
    ours = assay.validate(two, schema, previous=one)
    assert theirs.anomaly_info
    assert_same(ours.anomalies, theirs)


@pytest.mark.network
def test_the_taxi_data(taxi_csv: Path, tmp_path: Path) -> None:
    import tensorflow_data_validation as tfdv

    header, *rows = taxi_csv.read_text().splitlines()
    halves = [tmp_path / "one.csv", tmp_path / "two.csv"]
    for path, lines in zip(halves, (rows[:7000], rows[7000:]), strict=True):
        path.write_text("\n".join([header, *lines]) + "\n")
    before, now = (tfdv.generate_statistics_from_csv(str(path)) for path in halves)
    schema = tfdv.infer_schema(before)
    tfdv.get_feature(schema, "company").drift_comparator.infinity_norm.threshold = 0.01
    tfdv.get_feature(schema, "payment_type").skew_comparator.infinity_norm.threshold = 0.001
    tfdv.get_feature(schema, "trip_start_hour").drift_comparator.jensen_shannon_divergence.threshold = 0.0001
    theirs = tfdv.validate_statistics(now, schema, previous_statistics=before, serving_statistics=before)
    ours = assay.validate(halves[1], schema, previous=halves[0], serving=halves[0])
    # The first half has no census tract, of which TFDV makes BYTES: ours reads the cells of the second half as text.
    assert "got INT" in theirs.anomaly_info["pickup_census_tract"].description
    del theirs.anomaly_info["pickup_census_tract"]
    assert theirs.anomaly_info
    assert_same(ours.anomalies, theirs)


words = st.lists(st.sampled_from(["a", "b", "c", "ä", None]), min_size=1, max_size=12)
numbers = st.lists(st.one_of(st.none(), st.integers(-5, 5)), min_size=1, max_size=12)


@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(words, numbers, words, numbers, st.booleans())
def test_tables_that_hypothesis_makes(
    words_before: Any, numbers_before: Any, words_now: Any, numbers_now: Any, renamed: bool
) -> None:
    import tensorflow_data_validation as tfdv

    def table(first: Any, second: Any, name: str) -> pa.Table:
        length = min(len(first), len(second))
        return pa.table({name: pa.array(first[:length], pa.string()), "n": pa.array(second[:length], pa.int64())})

    before = assay.statistics(table(words_before, numbers_before, "word"))
    now = assay.statistics(table(words_now, numbers_now, "other" if renamed else "word"))
    schema = tfdv.infer_schema(before.proto)
    assert assay.infer_schema(before) == schema
    assert assay.validate(now, schema).anomalies == tfdv.validate_statistics(now.proto, schema)


class TestWhereTfdvIsSilent:
    """Each test shows that TFDV passes, and that ours speaks; the docstring says why ours does."""

    SCHEMA = 'feature { name: "city" type: BYTES } feature { name: "n" type: INT }'

    @staticmethod
    def data(**columns: Any) -> Any:
        return assay.statistics(pa.table(columns))

    def test_slices(self) -> None:
        """A slice may be broken while the whole data is not."""
        import tensorflow_data_validation as tfdv

        schema = schema_of('feature { name: "city" type: BYTES } feature { name: "n" type: INT presence {'
                           " min_fraction: 0.5 } }")  # fmt: skip
        table = pa.table({"city": ["a"] * 90 + ["b"] * 10, "n": [1] * 90 + [None] * 10})
        options = StatisticsOptions(slices=(SlicingSpec(feature_keys=("city",)),))
        statistics = assay.statistics(table, options=options)
        assert not tfdv.validate_statistics(statistics.proto, schema).anomaly_info
        report = assay.validate(statistics, schema)
        assert [(found.slice, found.feature) for found in report.findings] == [("city_b", "n")]
        assert not report.ok

    def test_l_infinity_of_numbers(self) -> None:
        """TFDV measures 0 whatever the data (TFDV #147)."""
        import tensorflow_data_validation as tfdv

        schema = schema_of(self.SCHEMA)
        schema.feature[1].drift_comparator.infinity_norm.threshold = 0.01
        now, before = self.data(city=["a"], n=[1]), self.data(city=["a"], n=[1000])
        theirs = tfdv.validate_statistics(now.proto, schema, previous_statistics=before.proto)
        assert not theirs.anomaly_info
        assert theirs.drift_skew_info[0].drift_measurements[0].value == 0
        with raises("schema.cannot_apply", "n"):
            assay.validate(now, schema, previous=before)

    def test_a_comparator_without_control(self) -> None:
        """Who set a limit and gives nothing to compare with believes that it is kept."""
        import tensorflow_data_validation as tfdv

        schema = schema_of(self.SCHEMA)
        schema.feature[0].drift_comparator.infinity_norm.threshold = 0.01
        now = self.data(city=["a"], n=[1])
        assert not tfdv.validate_statistics(now.proto, schema).anomaly_info
        with raises("schema.cannot_apply"):
            assay.validate(now, schema)

    def test_a_comparator_without_threshold(self) -> None:
        """It limits nothing."""
        import tensorflow_data_validation as tfdv

        schema = schema_of(self.SCHEMA)
        schema.feature[0].drift_comparator.infinity_norm.SetInParent()
        now = self.data(city=["a"], n=[1])
        assert not tfdv.validate_statistics(now.proto, schema, previous_statistics=now.proto).anomaly_info
        with raises("schema.cannot_apply", "infinity_norm"):
            assay.validate(now, schema, previous=now)

    def test_a_divergence_without_values(self) -> None:
        """TFDV writes a line to its log, and passes."""
        import tensorflow_data_validation as tfdv

        schema = schema_of('feature { name: "x" type: FLOAT drift_comparator { jensen_shannon_divergence {'
                           " threshold: 0.1 } } }")  # fmt: skip
        now, before = self.data(x=np.array([np.nan, np.nan])), self.data(x=np.array([1.0, 2.0]))
        empty = self.data(x=pa.array([None, None], pa.float64()))
        theirs = tfdv.validate_statistics(empty.proto, schema, previous_statistics=before.proto)
        assert not theirs.drift_skew_info or not theirs.drift_skew_info[0].drift_measurements
        for statistics in (now, empty):
            found = {
                (each.feature, each.severity) for each in assay.validate(statistics, schema, previous=before).findings
            }
            assert ("x", "error") in found

    def test_an_environment_that_no_schema_has(self) -> None:
        """A misspelt environment takes no feature out of any."""
        import tensorflow_data_validation as tfdv

        schema = schema_of('default_environment: "SERVING"' + self.SCHEMA)
        schema.feature[1].not_in_environment.append("SERVNG")
        now = self.data(city=["a"], n=[1])
        assert not tfdv.validate_statistics(now.proto, schema, environment="SERVING").anomaly_info
        with raises("schema.cannot_apply", "SERVNG"):
            assay.validate(now, schema, environment="SERVING")

    def test_normalized_absolute_difference_reaches_the_verdict(self) -> None:
        """TFX's DistributionValidator drops this type, and blesses; TFDV itself finds it, and so do we."""
        import tensorflow_data_validation as tfdv

        schema = schema_of(self.SCHEMA)
        schema.feature[0].drift_comparator.normalized_abs_difference.threshold = 0.01
        now, before = self.data(city=["a", "b"], n=[1, 1]), self.data(city=["a", "a"], n=[1, 1])
        theirs = tfdv.validate_statistics(now.proto, schema, previous_statistics=before.proto)
        ours = assay.validate(now, schema, previous=before)
        assert ours.anomalies == theirs
        assert not ours.ok
        assert [check.details["anomaly_type"] for check in ours.verdict.failed] == [
            "COMPARATOR_NORMALIZED_ABSOLUTE_DIFFERENCE_HIGH"
        ]
