from __future__ import annotations

import pytest
from tensorflow_metadata.proto.v0 import schema_pb2, statistics_pb2

from assay.schema.inference import infer_schema, update_schema
from raising import raises


def _statistics(
    *names: str, values: tuple[str, str] = ("a", "b"), column: str = "colour"
) -> statistics_pb2.DatasetFeatureStatisticsList:
    """Statistics of one string feature with two values, once for each dataset name."""
    statistics = statistics_pb2.DatasetFeatureStatisticsList()
    for name in names:
        dataset = statistics.datasets.add(name=name, num_examples=3)
        feature = dataset.features.add(type=statistics_pb2.FeatureNameStatistics.STRING)
        feature.path.step.append(column)
        common = feature.string_stats.common_stats
        common.num_non_missing, common.min_num_values, common.max_num_values = 3, 1, 1
        common.tot_num_values, common.avg_num_values = 3, 1.0
        feature.string_stats.unique = 2
        for rank, (label, count) in enumerate(zip(values, (2, 1), strict=True)):
            feature.string_stats.rank_histogram.buckets.add(
                low_rank=rank, high_rank=rank, label=label, sample_count=count
            )
    return statistics


def test_a_schema_holds_type_presence_shape_and_domain() -> None:
    schema = infer_schema(_statistics(""))
    (feature,) = schema.feature
    assert (feature.name, feature.type) == ("colour", schema_pb2.BYTES)
    assert feature.presence.min_fraction == 1.0
    assert [dim.size for dim in feature.shape.dim] == [1]
    assert list(schema.string_domain[0].value) == ["a", "b"]


def test_shape_and_domain_are_left_out_on_request() -> None:
    schema = infer_schema(_statistics(""), max_string_domain_size=1, infer_feature_shape=False)
    assert not schema.feature[0].HasField("shape")
    assert not schema.string_domain


def test_of_slices_the_one_of_all_examples_counts() -> None:
    assert infer_schema(_statistics("All Examples", "colour_a")) == infer_schema(_statistics(""))


@pytest.mark.parametrize("names", [(), ("colour_a", "colour_b")])
def test_statistics_without_all_examples_are_refused(names: tuple[str, ...]) -> None:
    with raises("statistics.no_default_slice", "All Examples"):
        infer_schema(_statistics(*names))


def test_features_without_common_statistics_are_left_out_and_the_argument_stays_as_it_is() -> None:
    statistics = _statistics("")
    statistics.datasets[0].features.add().path.step.append("sparse")
    assert [feature.name for feature in infer_schema(statistics).feature] == ["colour"]
    assert len(statistics.datasets[0].features) == 2


def test_an_update_widens_a_copy() -> None:
    schema = infer_schema(_statistics(""))
    del schema.string_domain[0].value[1]
    updated = update_schema(schema, _statistics(""))
    assert list(updated.string_domain[0].value) == ["a", "b"]
    assert list(schema.string_domain[0].value) == ["a"]


@pytest.mark.parametrize(
    ("values", "is_open"),
    [
        (("2024-01-31", "2024-02-01"), True),
        (("2024-01-31T10:00:00Z", "2024-02-01T10:00:00Z"), True),
        (("31.1.2024", "1.2.2024"), True),
        (("5 Jan 2024", "6 Feb 2024"), True),
        (("Mon, 05 Jan 2024 10:00:00 +0000", "Tue, 06 Jan 2024 10:00:00 +0000"), True),
        (("2024-01", "2024-02"), True),
        (("Jan 2024", "February 2024"), True),
        (("2024-W05", "2024W06"), True),
        (("2024-Q1", "Q2/2024"), True),
        (("10:00", "12:00"), False),
        (("2024-13", "2024-14"), False),
        (("1-2", "3-4"), False),
        (("a", "2024-02-01"), False),
    ],
)
def test_text_of_dates_gets_no_domain(values: tuple[str, str], is_open: bool) -> None:
    schema = infer_schema(_statistics("", values=values))
    assert (not schema.feature[0].domain) is is_open
    assert (not schema.string_domain) is is_open
    updated = update_schema(schema_pb2.Schema(), _statistics("", values=values))
    assert (not updated.feature[0].domain) is is_open


def test_a_domain_of_dates_that_somebody_wrote_stays() -> None:
    schema = schema_pb2.Schema()
    schema.feature.add(name="day", type=schema_pb2.BYTES, domain="days")
    schema.string_domain.add(name="days", value=["2024-01-30"])
    schema.string_domain.add(name="unused", value=["x"])
    updated = update_schema(schema, _statistics("", values=("2024-01-31", "2024-02-01"), column="day"))
    assert {domain.name: list(domain.value) for domain in updated.string_domain} == {
        "days": ["2024-01-30", "2024-01-31", "2024-02-01"],
        "unused": ["x"],
    }


@pytest.mark.parametrize(
    ("counts", "is_open"),
    [((1,) * 20, True), ((1,) * 19, False), ((1,) * 18 + (2,), True), ((1,) * 17 + (3,), False), ((2,) * 50, False)],
)
def test_nearly_unique_text_gets_no_domain(counts: tuple[int, ...], is_open: bool) -> None:
    statistics = _statistics("")
    ranks = statistics.datasets[0].features[0].string_stats.rank_histogram
    del ranks.buckets[:]
    for rank, count in enumerate(counts):
        ranks.buckets.add(low_rank=rank, high_rank=rank, label=f"user{rank}@example.com", sample_count=count)
    for schema in (infer_schema(statistics), update_schema(schema_pb2.Schema(), statistics)):
        assert (not schema.feature[0].domain) is is_open
