# ruff: noqa: N802 (a component is a function with a type's name)
"""A pipeline of five small components of the user's own: rows, a model, and a gate on it."""

from __future__ import annotations

from typing import NamedTuple

import pyarrow as pa
from tensorflow_metadata.proto.v0 import anomalies_pb2

from assay import Cond, ExecutionContext, Input, Output, Pipeline, RuntimeParameter, component
from assay.artifacts import ExampleAnomalies, Examples, Model, ModelBlessing, ModelEvaluation, PushedModel
from assay.gating.verdict import Check, Verdict, write_verdict


@component
def MakeRows(context: ExecutionContext, examples: Output[Examples], *, rows: int = 4) -> None:
    batch = pa.RecordBatch.from_pydict({"x": list(range(rows))})
    for split in ("train", "eval"):
        with examples.writer(split, batch.schema) as writer:
            writer.write(batch)
        context.count_rows(split, read=rows, written=rows)
    examples.properties["split_names"] = ["train", "eval"]
    context.log(f"made {rows} rows")


class Findings(NamedTuple):
    blessed: bool


@component
def Validate(examples: Input[Examples], anomalies: Output[ExampleAnomalies], *, fail_on: str, company: str) -> Findings:
    found = anomalies_pb2.Anomalies()
    if company:
        info = found.anomaly_info["company"]
        info.severity = anomalies_pb2.AnomalyInfo.ERROR
        description = f"Examples contain values missing from the schema: {company} (~25%)."
        info.reason.add(short_description="Unexpected string values", description=description)
    for split, result in (("train", anomalies_pb2.Anomalies()), ("eval", found)):
        anomalies.write(split, result)
    anomalies.properties["split_names"] = ["train", "eval"]
    ok = not company or fail_on == "never"
    check = Check(
        id="eval/company", kind="anomaly", ok=not company, subject="company", slice="eval", sentence=f"eval: {company}"
    )
    write_verdict(
        Verdict(ok=ok, summary=f"Anomalies: 1, in {company}." if company else "No anomalies.", checks=(check,)),
        anomalies.path,
    )
    return Findings(blessed=not company)


@component
def Train(examples: Input[Examples], model: Output[Model], *, steps: int) -> None:
    if steps < 0:
        message = f"cannot train {steps} steps"
        raise ValueError(message)
    folder = model.path / "Format-Serving"
    folder.mkdir()
    (folder / "saved_model.pb").write_text(str(steps), encoding="utf-8")


@component
def Judge(
    examples: Input[Examples], model: Input[Model], evaluation: Output[ModelEvaluation], blessing: Output[ModelBlessing]
) -> Findings:
    import pyarrow.parquet as pq

    auc = min(1.0, int((model.path / "Format-Serving" / "saved_model.pb").read_text(encoding="utf-8")) / 100)
    rows = [
        {"model": "candidate", "slice": name, "metric": metric, "value": value, "examples": examples.num_rows("eval")}
        for name in ("Overall", "payment_type=Credit Card", "payment_type=Cash")
        for metric, value in (("auc", auc), ("calibration", float("nan")), ("example_count", 4.0))
    ]
    schema = pa.schema(
        {
            "model": pa.string(),
            "slice": pa.string(),
            "metric": pa.string(),
            "value": pa.float64(),
            "examples": pa.int64(),
        }
    )
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), evaluation.metrics_table)
    (evaluation.path / "eval_config.json").write_text("{}", encoding="utf-8")
    ok = auc >= 0.5
    check = Check(
        id="auc@Overall",
        kind="value_threshold",
        ok=ok,
        subject="auc",
        slice="Overall",
        observed=auc,
        limit=0.5,
        sentence=f"auc on Overall is {auc}; the threshold is at least 0.5.",
    )
    write_verdict(Verdict(ok=ok, summary="Blessed." if ok else "Not blessed: auc.", checks=(check,)), blessing.path)
    blessing.mark(blessed=ok)
    blessing.properties["current_model_digest"] = model.digest
    return Findings(blessed=ok)


@component
def Pusher(model: Input[Model], pushed_model: Output[PushedModel]) -> None:
    (pushed_model.path / "receipt.json").write_text("{}", encoding="utf-8")
    pushed_model.properties.update(pushed=1, pushed_destination="serving", pushed_version="1700000000")


def create_pipeline() -> Pipeline:
    make_rows = MakeRows(rows=RuntimeParameter("rows", int, 4))
    examples = make_rows.outputs["examples"]
    validate = Validate(
        examples=examples,
        fail_on=RuntimeParameter("fail_on", str, "error"),
        company=RuntimeParameter("company", str, ""),
    )
    train = Train(examples=examples, steps=RuntimeParameter("steps", int, 90))
    judge = Judge(examples=examples, model=train.outputs["model"])
    with Cond(judge.outputs["blessed"] == True):  # noqa: E712 (a condition on an output, not a value)
        pusher = Pusher(model=train.outputs["model"])
    return Pipeline("tiny", components=[make_rows, validate, train, judge, pusher])
