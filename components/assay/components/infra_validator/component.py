"""The InfraValidator component."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
import pyarrow as pa

from assay.artifacts.blessing import InfraBlessing
from assay.artifacts.examples import Examples
from assay.artifacts.model import Model
from assay.artifacts.store import file_sha256
from assay.components.infra_validator.compute import Trial, judge
from assay.components.infra_validator.config import RequestSpec, ServingSpec, ValidationSpec
from assay.components.infra_validator.fresh_process import run_limited
from assay.components.infra_validator.probe import ProbeReport, Request
from assay.components.infra_validator.serving_container import image_of, try_in_container
from assay.errors import DataError, UsageError
from assay.gating.blessing import WARMUP, bless, judged_by_digest
from assay.spec import ExecutionContext, Input, Output, component
from assay.spec.channel import check_splits, foreseen_splits

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_PROBE = "assay.components.infra_validator.probe"
_TAGS, _SIGNATURES = ["serve"], ["serving_default"]


class InfraValidatorFindings(NamedTuple):
    """What conditions can read.

    Attributes:
        blessed: Whether the model loads and answers.
    """

    blessed: bool


def _check(arguments: Mapping[str, Any]) -> None:
    serving, requests = arguments.get("serving_spec"), arguments.get("request_spec")
    if requests is not None and requests.make_warmup and "examples" not in arguments:
        raise UsageError(
            "infra_validator.warmup",
            "request_spec.make_warmup requires examples, but none are wired.",
            "Wire `examples`, or remove make_warmup.",
        )
    if requests is not None and requests.split_name and "examples" in arguments:
        there = foreseen_splits(arguments["examples"])
        check_splits(there, [requests.split_name], "request_spec.split_name", "infra_validator.split")
    if serving is not None:
        serving.image()


@component(
    libraries=("tensorflow",),
    requires=("tensorflow",),
    check=_check,
    positional=("model", "serving_spec", "examples", "request_spec", "validation_spec"),
)
def InfraValidator(
    context: ExecutionContext,
    model: Input[Model],
    blessing: Output[InfraBlessing],
    *,
    examples: Input[Examples] | None = None,
    serving_spec: ServingSpec | None = None,
    request_spec: RequestSpec | None = None,
    validation_spec: ValidationSpec | None = None,
) -> InfraValidatorFindings:
    """Load the model to be served in a fresh process, under resource limits, and send it real examples.

    A model that does not load, takes too long or too much memory, lacks a signature, cannot answer, or answers with
    NaN, infinity, or another number of rows is not blessed, and Pusher does not push it.

    Args:
        context: The run that the step is part of.
        model: The model to try.
        blessing: The mark `INFRA_BLESSED` or `INFRA_NOT_BLESSED`, `verdict.json`, and with `make_warmup` a copy of the
            model with warm-up requests.
        examples: What the model is asked about; without them it is only loaded.
        serving_spec: TensorFlow Serving in a container, where the model is tested as well.
        request_spec: What it is asked.
        validation_spec: The limits of time and memory.
    """
    serving, requests = serving_spec or ServingSpec(), request_spec or RequestSpec()
    limits = validation_spec or ValidationSpec()
    image = image_of(serving)
    judged = judged_by_digest(
        model=model,
        examples=(examples,) if examples else (),
        config=msgspec.to_builtins([serving, requests, limits]),
    )
    signatures = requests.tensorflow_serving.signature_names or _SIGNATURES
    request = Request(
        model=str(model.serving_path.absolute()),
        tags=requests.tensorflow_serving.tag_set or _TAGS,
        signatures=list(signatures),
        examples=str(_write_examples(examples, requests, context.temp_dir)) if examples else "",
        warmup=str(context.temp_dir / "warmup") if requests.make_warmup else "",
        model_name=serving.model_name,
        report=str(context.temp_dir / "report.json"),
    )
    trials = {"a fresh process": _try(request, signatures, limits, context.temp_dir)}
    if image:
        rows = _read_examples(Path(request.examples)) if examples else None
        trials[image] = try_in_container(image, model.serving_path, rows, signatures, limits, serving.model_name)
    subjects = {"model": model.digest} | ({"examples": examples.digest} if examples else {})
    verdict = judge(trials, limits, subjects=subjects)
    stamped = verdict.ok and requests.make_warmup
    warmup = _stamp(model, Path(request.warmup), blessing) if stamped else ""
    bless(judged, verdict, blessing, model=model, warmup=warmup)
    context.log(verdict.summary)
    return InfraValidatorFindings(blessed=verdict.ok)


def _try(request: Request, signatures: Sequence[str], limits: ValidationSpec, folder: Path) -> Trial:
    file = folder / "request.json"
    file.write_bytes(msgspec.json.encode(request))
    for left in reversed(range(limits.num_tries)):
        ProbeReport().write(request.report)
        ended = run_limited(
            [_PROBE, str(file)],
            folder,
            seconds=limits.max_loading_time_seconds,
            megabytes=limits.max_memory_megabytes,
        )
        report = msgspec.json.decode(Path(request.report).read_bytes(), type=ProbeReport)
        trial = Trial(ended=ended, report=report, signatures=signatures)
        if not left or not trial.worth_another:
            break
    return trial


def _write_examples(examples: Examples, requests: RequestSpec, folder: Path) -> Path:
    """Write the first rows of the split to an Arrow file.

    Raises:
        DataError: The split has none.
    """
    split = requests.split_name or examples.split_names[0]
    rows: list[pa.RecordBatch] = []
    missing = requests.num_examples
    for batch in examples.batches(split):
        rows.append(batch.slice(0, missing))
        missing -= rows[-1].num_rows
        if not missing:
            break
    table = pa.Table.from_batches(rows) if rows else None
    if table is None or not table.num_rows:
        raise DataError(
            "infra_validator.no_rows",
            f"Split '{split}' of {examples.path} has no rows to send as requests.",
            "Name another split in request_spec.split_name.",
        )
    path = folder / "examples.arrow"
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table.combine_chunks())
    return path


def _read_examples(path: Path) -> pa.RecordBatch:
    with pa.ipc.open_file(str(path)) as file:
        return file.read_all().combine_chunks().to_batches()[0]


def _stamp(model: Model, requests: Path, blessing: InfraBlessing) -> str:
    """Copy the model and put the warm-up requests in it; return their SHA-256.

    Requests that the model brings along are its own, and stay.
    """
    shutil.copytree(model.serving_path, blessing.stamped_path)
    target = blessing.stamped_path / WARMUP
    if target.is_file():
        return ""
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(requests, target)
    return file_sha256(target)
