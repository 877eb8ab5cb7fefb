"""Label statistics, correlations, semantic domains and composite features against TFDV's generators."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2, statistics_pb2

from assay.kernels.statistics import DatasetStatistics, StatisticsOptions

pytestmark = [pytest.mark.tensorflow, pytest.mark.slow]

_INTS, _TEXTS, _BYTES, _FLOATS = (pa.list_(type_) for type_ in (pa.int64(), pa.string(), pa.binary(), pa.float32()))


def _batch(**columns: tuple[Sequence[Any], pa.DataType]) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays([pa.array(*column) for column in columns.values()], list(columns))


def _ours(
    batch: pa.RecordBatch, options: StatisticsOptions, schema: schema_pb2.Schema | None = None
) -> statistics_pb2.DatasetFeatureStatistics:
    accumulator = DatasetStatistics(options, schema)
    middle = batch.num_rows // 2
    states = [accumulator.add_batch(accumulator.create(), part) for part in (batch[:middle], batch[middle:])]
    for state in states:
        accumulator.extract(state)
    return accumulator.extract(accumulator.merge(states)).datasets[0]


def _custom(dataset: statistics_pb2.DatasetFeatureStatistics) -> dict[str, list[statistics_pb2.CustomStatistic]]:
    return {".".join(feature.path.step): list(feature.custom_stats) for feature in dataset.features}


_LABELLED = _batch(
    s=([["a"], ["b"], ["a", "b", "a"], None, ["c"], ["a"]], _TEXTS),
    i=([[1], [2], [1], [1], [2], [3]], _INTS),
    label=([["y"], ["n"], ["y"], ["n"], None, ["y"]], _TEXTS),
    w=([[1.0], [2.0], [0.5], [1.0], [1.0], [3.0]], _FLOATS),
)
_LABEL_SCHEMA = text_format.Parse(
    """feature { name: "s" type: BYTES } feature { name: "label" type: BYTES } feature { name: "w" type: FLOAT }
    feature { name: "i" type: INT int_domain { is_categorical: true } }""",
    schema_pb2.Schema(),
)


def _weigh_as_tfdv(ours: statistics_pb2.DatasetFeatureStatistics) -> None:
    """Undoes a difference on purpose.

    TFDV divides the weight of a label by the number of examples, so that lift is not 1 where feature and label are
    independent, unless weights are 1 on average; and it names both histograms alike.
    """
    scale = ours.num_examples / ours.weighted_num_examples
    for cross in ours.cross_features:
        for series in cross.categorical_cross_stats.lift.lift_series:
            for value in series.lift_values if series.weighted_y_count else ():
                value.lift *= scale
    for feature in ours.features:
        for custom in feature.custom_stats:
            if custom.name.startswith("Weighted Lift"):
                custom.name = custom.name.removeprefix("Weighted ")
                for bucket in custom.rank_histogram.buckets:
                    bucket.sample_count *= scale


@pytest.mark.parametrize("weight", [None, "w"])
def test_lift(tmp_path: Path, differences: Any, weight: str | None) -> None:
    import apache_beam as beam
    import tensorflow_data_validation as tfdv
    from apache_beam.options.pipeline_options import PipelineOptions

    path = str(tmp_path / "statistics.pb")
    options = tfdv.StatsOptions(schema=_LABEL_SCHEMA, label_feature="label", weight_feature=weight)
    # Newer versions of Beam do not accept the types that this generator of TFDV declares.
    with beam.Pipeline(options=PipelineOptions(pipeline_type_check=False)) as pipeline:
        _ = (
            pipeline
            | beam.Create([_LABELLED], reshuffle=False)
            | tfdv.GenerateStatistics(options)
            | tfdv.WriteStatisticsToBinaryFile(path)
        )
    (theirs,) = tfdv.load_stats_binary(path).datasets
    ours = _ours(_LABELLED, StatisticsOptions(label_feature="label", weight_feature=weight), _LABEL_SCHEMA)

    if weight is not None:
        _weigh_as_tfdv(ours)
    for one, two in zip(sorted(ours.cross_features, key=str), sorted(theirs.cross_features, key=str), strict=True):
        assert differences(one, two) == []
    their_custom = _custom(theirs)
    for name, customs in _custom(ours).items():
        for custom, other in zip(customs, their_custom[name], strict=True):
            assert differences(custom, other) == []


def test_lift_of_bins(differences: Any) -> None:
    import apache_beam as beam
    from apache_beam.options.pipeline_options import PipelineOptions
    from apache_beam.testing.util import assert_that
    from tensorflow_data_validation import types
    from tensorflow_data_validation.statistics.generators.lift_stats_generator import LiftStatsGenerator

    options = StatisticsOptions(label_feature="w", label_boundaries=(1.0, 2.0))
    (cross,) = [c for c in _ours(_LABELLED, options, None).cross_features if c.path_x.step[0] == "s"]
    generator = LiftStatsGenerator(
        types.FeaturePath(["w"]), x_paths=[types.FeaturePath(["s"])], y_boundaries=[1.0, 2.0]
    )

    def same(found: list[Any]) -> None:
        ((_, theirs),) = found
        assert differences(cross, theirs.cross_features[0]) == []

    with beam.Pipeline(options=PipelineOptions(pipeline_type_check=False)) as pipeline:
        assert_that(pipeline | beam.Create([(None, _LABELLED)], reshuffle=False) | generator.ptransform, same)


@pytest.mark.parametrize("crosses", [None, (("a", "b"), ("i", "a"))])
def test_correlations(differences: Any, crosses: tuple[tuple[str, str], ...] | None) -> None:
    from tensorflow_data_validation.statistics.generators import cross_feature_stats_generator

    rng = np.random.default_rng(0)
    a = rng.normal(size=50)
    batch = _batch(
        a=([[x] for x in a], _FLOATS),
        b=([[x + y] if y < 1 else None for x, y in zip(a, rng.normal(size=50), strict=True)], _FLOATS),
        i=([[n] if n % 7 else [n, n] for n in range(50)], _INTS),
        nan=([[float("nan") if n % 3 else n] for n in range(50)], _FLOATS),
        constant=([[5]] * 50, _INTS),
        text=([["x"]] * 50, _TEXTS),
    )
    generator = cross_feature_stats_generator.CrossFeatureStatsGenerator(
        feature_crosses=None if crosses is None else [(min(pair), max(pair)) for pair in crosses], sample_rate=1.0
    )
    theirs = generator.extract_output(generator.add_input(generator.create_accumulator(), batch))
    ours = _ours(batch, StatisticsOptions(feature_crosses="all" if crosses is None else crosses))

    def key(cross: Any) -> tuple[str, str]:
        return cross.path_x.step[0], cross.path_y.step[0]

    assert [key(cross) for cross in ours.cross_features] == sorted(map(key, theirs.cross_features))
    for one, two in zip(ours.cross_features, sorted(theirs.cross_features, key=key), strict=True):
        assert one.count == two.count
        # TFDV sums up floats of single precision.
        for name in ("covariance", "correlation"):
            assert getattr(one.num_cross_stats, name) == pytest.approx(
                getattr(two.num_cross_stats, name), rel=1e-5, abs=1e-6
            )


def _image(kind: str, size: tuple[int, int]) -> bytes:
    from PIL import Image

    buffer = BytesIO()
    Image.new("RGB", size).save(buffer, kind)
    return buffer.getvalue()


_DOMAINS: dict[str, list[Any]] = {
    "image": [_image(kind, (width, 3)) for kind in ("png", "gif", "jpeg", "bmp") for width in (2, 9)] * 15 + [b"x"] * 9,
    "prose": [b"the quick brown fox jumps", b"over the lazy old dog"] * 64 + [b"no"],
    "date": [f"2024-0{month}-11".encode() for month in range(1, 9)] * 16 + [b"never"],
    "slashed": [f"{day:02}/12/2024 10:5{day % 10}".encode() for day in range(1, 30)] * 5,
    "spelled": [b"Fri Nov 30 10:47:02 2018", b"30-November-2018"] * 60,
    "empty": [b"2024-01-01"] * 128 + [b""],
    "short": [b"10:30:00.5"] * 99,
    "binary": [b"\xff\xfe"] + [b"the quick brown fox jumps"] * 120,
    "seconds": [1_700_000_000 + n for n in range(128)],
    "days": [20_000] * 128 + [-1],
    "numbers": [1, 2, 3] * 40,
    "floats": [1.5] * 128,
}


def test_semantic_domains(differences: Any) -> None:
    import tensorflow_data_validation as tfdv
    from tensorflow_data_validation.statistics import stats_impl

    for name, values in _DOMAINS.items():
        column = pa.array([[value] for value in values])
        batch = pa.RecordBatch.from_arrays([column], ["x"])
        theirs = stats_impl.generate_statistics_in_memory(
            batch, tfdv.StatsOptions(enable_semantic_domain_stats=True, semantic_domain_stats_sample_rate=1.0)
        )
        ours = _ours(batch, StatisticsOptions(enable_semantic_domain_stats=True))
        if name == "prose":
            # On purpose: TFDV looks at the first 100 values of each batch only, ours at all 129.
            (rate,) = [c for c in ours.features[0].custom_stats if c.name == "natural_language_match_rate"]
            assert rate.num == 128 / 129
            rate.num = 1.0
        (found,), (expected,) = _custom(ours).values(), _custom(theirs.datasets[0]).values()
        assert [custom.name for custom in found] == [custom.name for custom in expected], name
        for one, two in zip(found, expected, strict=True):
            assert differences(one, two) == [], name


def test_image_sizes() -> None:
    from tensorflow_data_validation import types
    from tensorflow_data_validation.statistics.generators import image_stats_generator

    column = pa.array([[value] for value in _DOMAINS["image"]])
    generator = image_stats_generator.ImageStatsGenerator(enable_size_stats=True)
    state = generator.add_input(generator.create_accumulator(), types.FeaturePath(["x"]), column)
    theirs = generator.extract_output(state).custom_stats
    options = StatisticsOptions(enable_semantic_domain_stats=True, image_sizes=True)
    ours = _ours(pa.RecordBatch.from_arrays([column], ["x"]), options).features[0].custom_stats
    assert list(ours) == list(theirs)


_COMPOSITE_SCHEMA = text_format.Parse(
    """
    sparse_feature {
      name: "sparse" value_feature { name: "v" } index_feature { name: "i2" } index_feature { name: "i" }
    }
    weighted_feature { name: "weighted" feature { step: "v" } weight_feature { step: "i" } }
    """,
    schema_pb2.Schema(),
)


def test_sparse_and_weighted_features(differences: Any) -> None:
    import tensorflow_data_validation as tfdv
    from tensorflow_data_validation.statistics import stats_impl

    batch = _batch(
        v=([["a"], None, ["a", "b"], [], None, None], _TEXTS),
        i=([[1], [1, 2], [1], None, None, [3]], _INTS),
        i2=([[1], None, [1, 2, 3], None, None, [1]], _INTS),
    )
    theirs = stats_impl.generate_statistics_in_memory(batch, tfdv.StatsOptions(schema=_COMPOSITE_SCHEMA))
    ours = _ours(batch, StatisticsOptions(), _COMPOSITE_SCHEMA)
    expected = {feature.path.step[0]: feature for feature in theirs.datasets[0].features}
    assert {feature.path.step[0] for feature in ours.features} == set(expected)
    for feature in ours.features:
        assert differences(feature, expected[feature.path.step[0]]) == []
