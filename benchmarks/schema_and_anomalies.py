"""Schema inference, update and anomalies beside TFDV's C++ core, on the same statistics, in one run.

    PYTHONPATH=components:tests/oracle python benchmarks/schema_and_anomalies.py

Wide statistics have many features, long ones rank histograms of many values. Prints the least CPU time of several runs
of each, which take turns, and the ratio. The core's is measured in its process, without the serialisation of messages
that its Python interface asks for.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import tfdv_core
from tensorflow_metadata.proto.v0 import schema_pb2, statistics_pb2

from assay.schema.statistics_view import StatisticsView
from assay.schema.widening import SchemaDraft
from assay.validation.anomaly_detection import find_anomalies

Kind = statistics_pb2.FeatureNameStatistics


def statistics(num_features: int, num_values: int, seed: int = 0) -> statistics_pb2.DatasetFeatureStatistics:
    """Make up statistics of numbers and strings in equal parts."""
    rng = np.random.default_rng(seed)
    dataset = statistics_pb2.DatasetFeatureStatistics(num_examples=10_000)
    for at in range(num_features):
        feature = dataset.features.add(type=Kind.STRING if at % 2 else Kind.FLOAT)
        feature.path.step.append(f"feature_{at}")
        part = feature.string_stats if at % 2 else feature.num_stats
        common = part.common_stats
        common.num_non_missing, common.tot_num_values, common.avg_num_values = 10_000, 10_000, 1.0
        common.min_num_values = common.max_num_values = 1
        if at % 2:
            part.unique = num_values
            for rank, count in enumerate(rng.integers(1, 100, num_values).tolist()):
                part.rank_histogram.buckets.add(
                    low_rank=rank, high_rank=rank, label=f"value {rank}", sample_count=count
                )
        else:
            edges = np.sort(rng.normal(size=11)).tolist()
            part.min, part.max = edges[0], edges[-1]
            for kind in (statistics_pb2.Histogram.STANDARD, statistics_pb2.Histogram.QUANTILES):
                histogram = part.histograms.add(type=kind)
                for low, high in pairwise(edges):
                    histogram.buckets.add(low_value=low, high_value=high, sample_count=1000)
    return dataset


def inferred(dataset: statistics_pb2.DatasetFeatureStatistics) -> schema_pb2.Schema:
    """Infer a schema."""
    draft = SchemaDraft(schema_pb2.Schema(), max_string_domain_size=10**6)
    draft.widen(StatisticsView(dataset))
    return draft.schema


def updated(schema: schema_pb2.Schema, dataset: statistics_pb2.DatasetFeatureStatistics) -> schema_pb2.Schema:
    """Update a copy of a schema."""
    copy = schema_pb2.Schema()
    copy.CopyFrom(schema)
    SchemaDraft(copy, max_string_domain_size=10**6).widen(StatisticsView(dataset))
    return copy


def compare(name: str, ours: Callable[[], Any], theirs: Callable[[], Any], times: int) -> None:
    """Print the least CPU times of both and their ratio, where results are equal."""
    own, core = [], []
    for _ in range(times):
        started = time.process_time()
        result = ours()
        own.append(time.process_time() - started)
        assert result == theirs(), name
        core.append(tfdv_core.seconds())
    print(f"{name}: {min(own) * 1000:.1f} ms, TFDV {min(core) * 1000:.1f} ms, ratio {min(own) / min(core):.2f}")


def main() -> None:
    """Print every figure."""
    for num_features, num_values, times in (
        (20, 20, 30),
        (500, 20, 5),
        (2000, 20, 1),
        (20, 10_000, 3),
        (2, 100_000, 3),
    ):
        name = f"{num_features:,} features of {num_values:,} values"
        now, before = statistics(num_features, num_values), statistics(num_features, num_values, seed=1)
        schema = inferred(now)
        for feature in schema.feature:
            feature.drift_comparator.jensen_shannon_divergence.threshold = 0.5
            if feature.type == schema_pb2.BYTES:
                feature.drift_comparator.infinity_norm.threshold = 0.5
        compare(
            f"infer, {name}",
            lambda now=now: inferred(now),
            lambda now=now: tfdv_core.infer_schema(now, 10**6, infer_feature_shape=False),
            times,
        )
        compare(
            f"update, {name}",
            lambda now=now, schema=schema: updated(schema, now),
            lambda now=now, schema=schema: tfdv_core.update_schema(schema, now, 10**6),
            times,
        )
        compare(
            f"anomalies, {name}",
            lambda now=now, schema=schema: find_anomalies(now, schema),
            lambda now=now, schema=schema: tfdv_core.find_anomalies(now, schema),
            times,
        )
        compare(
            f"anomalies with drift, {name}",
            lambda now=now, schema=schema, before=before: find_anomalies(now, schema, previous_span=before),
            lambda now=now, schema=schema, before=before: tfdv_core.find_anomalies(now, schema, previous_span=before),
            times,
        )


if __name__ == "__main__":
    main()
