"""Artifacts of every kind, made without TensorFlow, for pages to be looked at."""

from __future__ import annotations

import json
import math
import struct
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from google.protobuf.message import Message

import assay
from assay.artifacts import (
    ExampleAnomalies,
    Examples,
    ExampleStatistics,
    HyperParameters,
    InferenceResult,
    Model,
    ModelBlessing,
    ModelEvaluation,
    ModelRun,
    PushedModel,
    Quarantine,
    Schema,
    TransformGraph,
)
from assay.data.tfrecord import TFRecordWriter
from assay.gating.verdict import Check, Verdict, write_verdict
from assay.kernels.statistics import SlicingSpec, StatisticsOptions
from assay.protos import tensorflow, tfma

HOSTILE = '</script><script>window.broken = 1</script><img src=x onerror="window.broken = 2">'
LONG = "a-very-long-value-without-any-space-" * 40
RIGHT_TO_LEFT = "سيارة أجرة"


def rows(count: int = 600, shift: float = 0.0) -> pa.Table:
    """Rows with everything that is hard to show: nothing, one value, markup, long and right-to-left text."""
    kinds = ["cash", "card", "card", HOSTILE, LONG, RIGHT_TO_LEFT, "", "no charge"]
    return pa.table(
        {
            "fare": [shift + 5 + 3 * math.sin(at) + at % 11 for at in range(count)],
            "trips": [at % 7 for at in range(count)],
            "kind": [kinds[at % 8] for at in range(count)],
            "empty": pa.array([None] * count, pa.float64()),
            "constant": [1.0] * count,
            "huge": [10.0 ** (at % 30) for at in range(count)],
            "tiny": [1e-9 * at for at in range(count)],
            f"<b>{HOSTILE}</b>": ["x"] * count,
            LONG[:200]: [at / 7 for at in range(count)],
            RIGHT_TO_LEFT: [RIGHT_TO_LEFT if at % 3 else None for at in range(count)],
        }
    )


def make_statistics(folder: Path) -> ExampleStatistics:
    artifact = ExampleStatistics(folder)
    options = StatisticsOptions(slices=(SlicingSpec(feature_keys=("trips",)),))
    artifact.write("train", assay.statistics(rows(), options=options).proto)
    artifact.write("eval", assay.statistics(rows(120, 4.0)).proto)
    return artifact


def make_wide_statistics(folder: Path, columns: int) -> ExampleStatistics:
    """Statistics of very many features: one feature's, with another name and mean each."""
    artifact = ExampleStatistics(folder)
    for split, count in (("train", 60), ("eval", 25)):
        proto = assay.statistics(rows(count).select(["fare"])).proto
        [feature] = proto.datasets[0].features
        for at in range(1, columns):
            other = proto.datasets[0].features.add()
            other.CopyFrom(feature)
            other.path.step[0] = f"feature_{at:04d}"
            other.num_stats.mean = float(at)
        artifact.write(split, proto)
    return artifact


def make_schema(folder: Path) -> Schema:
    artifact = Schema(folder)
    folder.mkdir()
    schema = assay.infer_schema(rows(40))
    schema.default_environment.extend(["TRAINING", "SERVING"])
    artifact.write(schema)
    return artifact


def make_anomalies(folder: Path, schema: Schema) -> ExampleAnomalies:
    known = schema.read()
    domain = next(each for each in known.string_domain if each.name == "kind")
    domain.value[:] = ["cash", "card"]
    report = assay.validate(rows(), known, split="train")
    artifact = ExampleAnomalies(folder)
    artifact.write("train", report.anomalies)
    write_verdict(report.verdict, folder)
    return artifact


def make_examples(folder: Path) -> Examples:
    artifact = Examples(folder)
    table = rows(50)
    with artifact.writer("train", table.schema) as writer:
        for batch in table.to_batches():
            writer.write(batch)
    return artifact


def make_quarantine(folder: Path) -> Quarantine:
    split = folder / "Split-train"
    split.mkdir(parents=True)
    table = rows(3).append_column("assay_row", pa.array([4, 9, 12]))
    pq.write_table(table, split / "data-00000-of-00001.parquet")
    counts = {"read": 600, "clean": 597, "rejected": 3, "broken": {"kind: not in domain": 3, HOSTILE: 1}}
    (split / "counts.json").write_text(json.dumps(counts))
    return Quarantine(folder)


def write_records(path: Path, *records: Message) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with TFRecordWriter(path, compress=False) as writer:
        writer.write(*(record.SerializeToString() for record in records))


def scalar_event(tag: str, step: int, value: float) -> Message:
    """A scalar as TensorFlow 2 writes it: a float tensor of the plugin `scalars`."""
    tensor = tensorflow.TensorProto(dtype="DT_FLOAT", tensor_content=struct.pack("<f", value))
    written = {"tag": tag, "tensor": tensor, "metadata": {"plugin_data": {"plugin_name": "scalars"}}}
    event: Message = tensorflow.Event(wall_time=1.7e9 + step, step=step, summary={"value": [written]})
    return event


def make_model_run(folder: Path) -> ModelRun:
    for log, noise in (("train", 0.0), ("validation", 0.08)):
        events = [
            scalar_event(tag, step, value)
            for step in range(60)
            for tag, value in (
                ("epoch_loss", math.exp(-step / 18) + noise + 0.02 * math.sin(step)),
                ("epoch_auc", 1 - 0.5 * math.exp(-step / 10) - noise),
            )
        ]
        write_records(folder / log / "events.out.tfevents.1.host", tensorflow.Event(wall_time=1.7e9), *events)
    (folder / "versions.json").write_text(json.dumps({"libraries": {"keras": "3.0"}, "seed": 0}))
    return ModelRun(folder)


def make_evaluation(folder: Path) -> ModelEvaluation:
    folder.mkdir()
    specs = [{"name": "candidate"}, {"name": "baseline", "isBaseline": True}]
    (folder / "eval_config.json").write_text(json.dumps({"evalConfig": {"modelSpecs": specs}}))
    table = []
    for at, where in enumerate(["Overall", *(f"trips={n}" for n in range(30)), f"kind={HOSTILE}"]):
        for model, worse in (("candidate", 0.002 * at), ("baseline", 0.0)):
            for name, best in (("auc", 0.93), ("binary_accuracy", 0.87), ("neg_to_pos_flip_rate", 0.08)):
                value = best - worse
                low, high = value - 0.01, value + 0.01
                row = {"model": model, "slice": where, "metric": name, "value": value, "lower": low, "upper": high}
                table.append({**row, "examples": 1000 - 20 * at})
        row = {
            "model": "candidate",
            "slice": where,
            "metric": "calibration",
            "value": math.nan,
            "examples": 1000 - 20 * at,
        }
        table.append({**row, "lower": None, "upper": None})
    pq.write_table(pa.Table.from_pylist(table), folder / "metrics.parquet")
    write_records(
        folder / "plots-00000-of-00001.tfrecord",
        _plots(tfma.SliceKey()),
        _plots(tfma.SliceKey(single_slice_keys=[{"column": "trips", "int64_value": 3}])),
    )
    return ModelEvaluation(folder)


def _plots(slice_key: Message) -> Message:
    plots: Message = tfma.PlotsForSlice(slice_key=slice_key)
    for model, sharpness in (("candidate", 1.0), ("baseline", 2.0)):
        data = tfma.PlotData()
        for at in range(0, 101, 2):
            threshold = at / 100
            tp, fp = 300 * (1 - threshold ** (2 * sharpness)), 700 * (1 - threshold) ** (2 * sharpness)
            data.confusion_matrix_at_thresholds.matrices.add(
                threshold=threshold,
                false_negatives=300 - tp,
                true_negatives=700 - fp,
                false_positives=fp,
                true_positives=tp,
            )
        for at in range(10):
            low = at / 10
            count = float(10 + at * (9 - at))
            data.calibration_histogram_buckets.buckets.add(
                lower_threshold_inclusive=low,
                upper_threshold_exclusive=low + 0.1,
                num_weighted_examples={"value": count},
                total_weighted_label={"value": count * low},
                total_weighted_refined_prediction={"value": count * (low + 0.04)},
            )
        matrix = data.multi_class_confusion_matrix_at_thresholds.matrices.add(threshold=0.5)
        for actual in range(4):
            for guess in range(4):
                matrix.entries.add(
                    actual_class_id=actual,
                    predicted_class_id=guess,
                    num_weighted_examples=5.0 + 90 * (actual == guess),
                )
        plots.plot_keys_and_values.add(key={"model_name": model}, value=data)
    return plots


def make_blessing(folder: Path) -> ModelBlessing:
    folder.mkdir()
    numbers = {"observed": 0.93, "limit": 0.9}
    words = "auc on Overall is 0.93; the threshold is at least 0.9."
    checks = [
        Check(id="auc", kind="value_threshold", ok=True, subject="auc", slice="Overall", sentence=words, **numbers),
        Check(
            id="accuracy",
            kind="change_threshold",
            ok=False,
            subject="accuracy",
            slice=HOSTILE,
            observed=0.7,
            baseline=0.8,
            sentence="accuracy fell by 0.1.",
            details={"waiver": "until Friday"},
        ),
        Check(
            id="recall",
            kind="value_threshold",
            ok=False,
            subject="recall",
            slice="trips=1",
            observed=math.nan,
            limit=0.5,
            sentence="recall on trips=1 is not a number.",
        ),
    ]
    verdict = Verdict(
        ok=False, summary="Not blessed: recall on trips=1.", checks=tuple(checks), policy={"first_run": "bless"}
    )
    write_verdict(verdict, folder)
    (folder / "NOT_BLESSED").touch()
    (folder / "blessing.json").write_text(json.dumps({"judged": {"model": "sha256:12"}, "verdict": "sha256:34"}))
    return ModelBlessing(folder)


def make_transform_graph(folder: Path, schema: Schema) -> TransformGraph:
    for name in ("metadata", "transformed_metadata"):
        (folder / name).mkdir(parents=True)
        (folder / name / "schema.pbtxt").write_text(schema.file.read_text())
    assets = folder / "transform_fn" / "assets"
    assets.mkdir(parents=True)
    (assets / "kind").write_text(f"cash\n{HOSTILE}\n{RIGHT_TO_LEFT}")
    return TransformGraph(folder)


def make_model(folder: Path) -> Model:
    (folder / "Format-Serving" / "assets").mkdir(parents=True)
    (folder / "Format-Serving" / "saved_model.pb").write_bytes(b"graph")
    return Model(folder)


def make_pushed_model(folder: Path) -> PushedModel:
    folder.mkdir()
    receipt = {
        "pushed": True,
        "reason": "Pushed as version 7.",
        "version": "7",
        "pushed_at": 1.7e9,
        "blessings": {"model_blessing": "sha256:12"},
    }
    (folder / "receipt.json").write_text(json.dumps(receipt))
    return PushedModel(folder)


def make_hyperparameters(folder: Path) -> HyperParameters:
    folder.mkdir()
    (folder / "best_hyperparameters.txt").write_text(json.dumps({"space": [], "values": {"rate": 0.01, "units": 64}}))
    return HyperParameters(folder)


def make_predictions(folder: Path) -> InferenceResult:
    (folder / "Split-eval").mkdir(parents=True)
    table = pa.table({"prediction": [[0.1], [0.9]], "text": ["a", HOSTILE]})
    pq.write_table(table, folder / "Split-eval" / "predictions-00000-of-00001.parquet")
    return InferenceResult(folder)
