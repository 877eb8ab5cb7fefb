"""Feature skew equals TFDV's DetectFeatureSkew, proto by proto, on made-up examples."""

from __future__ import annotations

import dataclasses
import random
from typing import TYPE_CHECKING, Any

import pytest

from assay.data.tf_example import decode
from assay.validation.skew import detect_feature_skew
from assay.validation.skew_report import FeatureSkewOptions

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pyarrow as pa

pytestmark = [pytest.mark.tensorflow, pytest.mark.slow]

NUM_EXAMPLES = 150


def examples(seed: int, *, ids: int) -> list[Any]:
    """Gives examples with missing and repeated ids, empty lists, types that change, and floats that nearly agree."""
    import tensorflow as tf

    chance = random.Random(seed)
    result = []
    for number in range(NUM_EXAMPLES):
        example = tf.train.Example()
        values = example.features.feature
        identity = number if chance.random() < 0.9 else chance.randrange(ids)
        if chance.random() < 0.95:
            values["id"].int64_list.value.append(identity)
        if chance.random() < 0.97:
            values["day"].bytes_list.value.append(b"monday")
        number_of_floats = chance.randrange(4)
        if chance.random() < 0.9:
            base = [0.1 * identity + 0.01 * at for at in range(number_of_floats)]
            values["floats"].float_list.value.extend([each + chance.choice([0, 0, 1e-4, 0.5]) for each in base])
        if chance.random() < 0.9:
            values["text"].bytes_list.value.append(chance.choice([b"red", b"blue", b"\xff"]))
        if chance.random() < 0.3:
            values["text"].bytes_list.SetInParent()
        if chance.random() < 0.9:
            values["whole"].int64_list.value.extend([identity % 3] * chance.randrange(3))
        values["ignored"].int64_list.value.append(chance.randrange(9))
        result.append(example)
    return result


def theirs(base: list[Any], test: list[Any], options: FeatureSkewOptions, folder: Path) -> dict[str, list[Any]]:
    import apache_beam as beam
    import tensorflow as tf
    from tensorflow_data_validation.skew import feature_skew_detector as detector
    from tensorflow_data_validation.skew.protos import feature_skew_results_pb2 as protos

    kinds = {
        detector.SKEW_RESULTS_KEY: protos.FeatureSkew,
        detector.MATCH_STATS_KEY: protos.MatchStats,
        detector.SKEW_PAIRS_KEY: protos.SkewPair,
        detector.CONFUSION_KEY: protos.ConfusionCount,
    }
    with beam.Pipeline(runner="FnApiRunner") as pipeline:
        outputs = (
            pipeline | "Base" >> beam.Create(base),
            pipeline | "Test" >> beam.Create(test),
        ) | detector.DetectFeatureSkewImpl(
            list(options.identifier_features),
            list(options.features_to_ignore),
            options.sample_size,
            options.float_round_ndigits,
            options.allow_duplicate_identifiers,
            [detector.ConfusionConfig(name) for name in options.confusion_features],
        )
        for key, kind in kinds.items():
            sink = beam.io.WriteToTFRecord(str(folder / key), coder=beam.coders.ProtoCoder(kind))
            _ = outputs[key] | f"Write {key}" >> sink
    return {
        key: [
            kind.FromString(record)
            for file in sorted(map(str, folder.glob(f"{key}-*")))
            for record in tf.data.TFRecordDataset(file).as_numpy_iterator()
        ]
        for key, kind in kinds.items()
    }


def reader(records: list[Any]) -> Any:
    def read(columns: Any = None) -> Iterator[pa.RecordBatch]:
        for first in range(0, len(records), 40):
            chunk = [record.SerializeToString() for record in records[first : first + 40]]
            yield decode(chunk, source="test", first_record=first)

    return read


@pytest.mark.parametrize("allow_duplicates", [False, True])
@pytest.mark.parametrize("ndigits", [None, 2])
def test_counts_stats_pairs_and_confusion(tmp_path: Path, *, allow_duplicates: bool, ndigits: int | None) -> None:
    base, test = examples(1, ids=200), examples(2, ids=200)
    options = FeatureSkewOptions(
        identifier_features=("id", "day"),
        features_to_ignore=("ignored",),
        sample_size=10_000,
        float_round_ndigits=ndigits,
        allow_duplicate_identifiers=allow_duplicates,
        confusion_features=("text",),
    )
    expected = theirs(base, test, options, tmp_path)
    report = detect_feature_skew(reader(base), reader(test), options, partition_rows=64)

    def plain(proto: Any, of: Any) -> dict[str, Any]:
        return {each.name: getattr(proto, each.name) for each in dataclasses.fields(of)}

    assert {each.feature_name: dataclasses.asdict(each) for each in report.features} == {
        proto.feature_name: plain(proto, report.features[0]) for proto in expected["skew_results"]
    }
    assert {proto.feature_name: proto.diff_count for proto in expected["skew_results"]} == {
        each.feature_name: each.diff_count for each in report.features
    }
    assert dataclasses.asdict(report.match_stats) == plain(expected["match_stats"][0], report.match_stats)
    lists = ("base_only_features", "test_only_features", "matched_features", "mismatched_features")
    assert sorted(tuple(getattr(pair, name) for name in lists) for pair in report.pairs) == sorted(
        tuple(tuple(sorted(getattr(pair, name))) for name in lists) for pair in expected["skew_pairs"]
    )
    missing = b"__MISSING_VALUE__"
    assert {(each.base, each.test): each.count for each in report.confusion} == {
        tuple(
            None if value.bytes_value == missing else value.bytes_value.decode("utf-8", "backslashreplace")
            for value in (proto.base, proto.test)
        ): proto.count
        for proto in expected["confusion_pairs"]
    }
    assert report.pairs
    assert report.skewed
