"""A `tfdv.StatsOptions`, as TFX's StatisticsGen takes it, means the same here."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from assay.components import CsvExampleGen, StatisticsGen
from assay.kernels.statistics import SlicingSpec, StatisticsOptions
from assay.kernels.statistics.options import is_tfdv_options, options_of_tfdv
from raising import raises

pytestmark = pytest.mark.tensorflow


@pytest.fixture(scope="module")
def tfdv() -> Any:
    import tensorflow_data_validation

    return tensorflow_data_validation


def test_the_defaults_are_the_same(tfdv: Any) -> None:
    assert is_tfdv_options(tfdv.StatsOptions())
    assert not is_tfdv_options(StatisticsOptions())
    assert options_of_tfdv(tfdv.StatsOptions()) == StatisticsOptions()


def test_what_is_set_is_kept(tfdv: Any) -> None:
    from tfx_bsl.public.proto import slicing_spec_pb2

    slicing = text_format.Parse(
        'slicing_specs {feature_keys: "company"} slicing_specs {feature_values {key: "day" value: "3"}}',
        slicing_spec_pb2.SlicingConfig(),
    )
    given = tfdv.StatsOptions(
        feature_allowlist=["fare", tfdv.FeaturePath(["trip", "miles"])],
        weight_feature="weight",
        num_top_values=3,
        num_quantiles_histogram_buckets=7,
        epsilon=0.1,
        sample_rate=0.5,
        slicing_config=slicing,
        desired_batch_size=10,
        vocab_paths={"company": "a.txt"},
    )
    assert options_of_tfdv(given) == StatisticsOptions(
        feature_allowlist=("fare", "trip.miles"),
        weight_feature="weight",
        num_top_values=3,
        num_quantiles_histogram_buckets=7,
        epsilon=0.1,
        sample_rate=0.5,
        vocab_paths={"company": "a.txt"},
        slices=(SlicingSpec(feature_keys=("company",)), SlicingSpec(feature_values={"day": ("3",)})),
    )


@pytest.mark.parametrize(
    ("option", "expected"),
    [
        (
            {"schema": schema_pb2.Schema(feature=[{"name": "fare"}])},
            ("statistics.tfdv_option", "StatsOptions.schema", "schema", "input"),
        ),
        ({"add_default_generators": False}, ("statistics.tfdv_option", "StatsOptions.add_default_generators")),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_what_has_no_counterpart_is_refused(tfdv: Any, option: dict[str, Any], expected: tuple[str, ...]) -> None:
    with raises(*expected):
        options_of_tfdv(tfdv.StatsOptions(**option))


def test_statistics_gen_takes_them(tfdv: Any) -> None:
    examples = CsvExampleGen(input_base="data").outputs["examples"]
    of_tfdv = StatisticsGen(examples=examples, stats_options=tfdv.StatsOptions(num_top_values=3))
    own = StatisticsGen(examples=examples, stats_options=StatisticsOptions(num_top_values=3))
    assert of_tfdv.arguments["stats_options"] == own.arguments["stats_options"]
