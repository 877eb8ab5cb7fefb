"""Runs of a compiled pipeline on a Kubeflow Pipelines server, by KFP's own client."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import kfp
import msgspec

from assay.documents import parse_yaml, read_text
from assay.errors import AssayError, EngineError, UsageError, did_you_mean

_TYPES: Mapping[str, Any] = {
    "BOOLEAN": bool,
    "LIST": list[Any],
    "NUMBER_DOUBLE": float,
    "NUMBER_INTEGER": int,
    "STRING": str,
    "STRUCT": dict[str, Any],
}
_CRON_FIELDS = 6
_REFUSALS = range(400, 500)


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """What is to run.

    Attributes:
        package: The compiled pipeline.
        experiment: The experiment's name; it is made where there is none.
        name: The run's name; the pipeline's and the time by default.
        parameters: `name=value` pairs; the compiled pipeline says what the values are.
        root: Where artifacts go; the server's own place by default.
        namespace: The namespace, on a server for several users.
        service_account: The Kubernetes service account of the steps.
        caching: Overrides the steps' own caching options.
    """

    package: Path
    experiment: str = "Default"
    name: str = ""
    parameters: Sequence[str] = ()
    root: str = ""
    namespace: str = ""
    service_account: str = ""
    caching: bool | None = None


def connect(host: str, *, token: str = "", namespace: str = "") -> kfp.Client:
    """Return a client of a server.

    Raises:
        EngineError: If the server cannot be reached.
    """
    with _plain_errors(host or "the cluster's server"):
        return kfp.Client(host=host or None, existing_token=token or None, namespace=namespace or "kubeflow")


def start(server: kfp.Client, submission: Submission) -> str:
    """Start a run and return its id.

    Raises:
        UsageError: For a file that is not a compiled pipeline, or a wrong parameter.
        EngineError: If the server refuses, or cannot be reached.
    """
    pipeline, arguments = _read(submission)
    with _plain_errors(str(submission.package)):
        experiment = server.create_experiment(submission.experiment, namespace=submission.namespace or None)
        run = server.run_pipeline(
            experiment_id=experiment.experiment_id,
            job_name=submission.name or f"{pipeline} {datetime.now(timezone.utc):%Y-%m-%d %H:%M:%S}",
            pipeline_package_path=str(submission.package),
            params=arguments,
            pipeline_root=submission.root or None,
            enable_caching=submission.caching,
            service_account=submission.service_account or None,
        )
        return _known(run.run_id, "run")


def schedule(server: kfp.Client, submission: Submission, *, cron: str = "", seconds: int = 0) -> str:
    """Make a recurring run and return its id.

    Args:
        server: The server.
        submission: What is to run.
        cron: The times, in KFP's notation with seconds first.
        seconds: The interval instead.

    Raises:
        UsageError: Unless exactly one of the two is given, and means what it says; and as `start`.
        EngineError: As `start`.
    """
    if bool(cron) == bool(seconds) or seconds < 0:
        raise UsageError("submit.schedule", "A schedule must be either a cron expression or an interval in seconds.")
    if cron and not cron.startswith("@") and len(cron.split()) != _CRON_FIELDS:
        # The server takes five fields, too, and means second, minute, hour, day and month by them.
        raise UsageError(
            "submit.cron",
            f"'{cron}' has {len(cron.split())} fields; Kubeflow's schedules have six: second, minute, hour, day, "
            "month, day of the week.",
            "Add the seconds first: '0 0 6 * * *' is every day at six.",
        )
    pipeline, arguments = _read(submission)
    with _plain_errors(str(submission.package)):
        experiment = server.create_experiment(submission.experiment, namespace=submission.namespace or None)
        recurring = server.create_recurring_run(
            experiment_id=experiment.experiment_id,
            job_name=submission.name or pipeline,
            cron_expression=cron or None,
            interval_second=seconds or None,
            pipeline_package_path=str(submission.package),
            params=arguments,
            pipeline_root=submission.root or None,
            enable_caching=submission.caching,
            service_account=submission.service_account or None,
        )
        return _known(recurring.recurring_run_id, "recurring run")


def wait_for(server: kfp.Client, run_id: str, *, seconds: int) -> str:
    """Wait for a run's end and return its state, such as `SUCCEEDED`.

    Raises:
        EngineError: If it does not end in time, or the server cannot be reached.
    """
    with _plain_errors(f"run {run_id}"):
        try:
            return str(server.wait_for_run_completion(run_id, timeout=seconds).state)
        except TimeoutError:
            raise EngineError(
                "submit.not_ended",
                f"Run {run_id} did not end within {seconds} seconds.",
                "Follow it on the server, where it continues.",
            ) from None


def _known(identity: str | None, what: str) -> str:
    """Return the id that a server answered with.

    Raises:
        EngineError: If there is none: a login page, for example, also answers every request with 200.
    """
    if not identity:
        raise EngineError(
            "submit.no_answer",
            f"The server's answer names no {what}: it is not the API of Kubeflow Pipelines.",
            "Check --host (a Kubeflow's own ends in /pipeline), and give a --token if the server requires a login.",
        )
    return identity


def _read(submission: Submission) -> tuple[str, dict[str, Any]]:
    """Return the pipeline's name and the arguments, converted to the types that it declares.

    Raises:
        UsageError: If the file is not a compiled pipeline, or an argument is wrong.
    """
    text = read_text(submission.package, "a compiled pipeline", code="submit.package")
    document = parse_yaml(text, str(submission.package), code="submit.package", first_of_several=True)
    try:
        name = str(document["pipelineInfo"]["name"])
        declared = document["root"].get("inputDefinitions", {}).get("parameters", {})
    except (KeyError, TypeError, AttributeError) as error:
        raise UsageError(
            "submit.package",
            f"{submission.package} is not a compiled pipeline: {type(error).__name__}: {error}.",
            "Write one with `assay compile PIPELINE.py -o pipeline.yaml`.",
        ) from None
    arguments: dict[str, Any] = {}
    for pair in submission.parameters:
        key, equals, text = pair.partition("=")
        if not equals or key not in declared:
            raise UsageError("submit.param", f"{name} has no parameter for '{pair}'.", did_you_mean(key, declared))
        arguments[key] = _converted(key, text, declared[key]["parameterType"])
    missing = [key for key, each in declared.items() if key not in arguments and not each.get("isOptional")]
    if missing:
        raise UsageError(
            "submit.missing", f"{name} needs a value for: {', '.join(missing)}.", f"--param {missing[0]}=…"
        )
    return name, arguments


def _converted(key: str, text: str, kind: str) -> Any:
    wanted = _TYPES[kind]
    try:
        if kind in {"LIST", "STRUCT"}:
            return msgspec.json.decode(text, type=wanted)
        return msgspec.convert(text, wanted, strict=False)
    except msgspec.MsgspecError as error:
        raise UsageError("submit.value", f"Parameter '{key}' is a {kind}: {error}; got '{text}'.") from None


@contextlib.contextmanager
def _plain_errors(what: str) -> Iterator[None]:
    """Turn what KFP's client raises into one error; suppress its output.

    Raises:
        EngineError: If the server refuses, or cannot be reached.
    """
    try:
        with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings(), _heard():
            warnings.simplefilter("ignore", FutureWarning)  # that the client is not for servers before 2.0
            yield
    except AssayError:
        raise
    except Exception as error:
        # The client raises urllib3's, its own generated API's, and plain RuntimeErrors.
        reason = getattr(error, "body", None) or str(error)
        status = f" {_status(error)} {getattr(error, 'reason', '')}" if _status(error) else ""
        raise EngineError(
            "submit.failed",
            f"Kubeflow Pipelines rejected {what}: {type(error).__name__}{status}: {str(reason).strip()[:500]}.",
            "Check --host (or KF_PIPELINES_ENDPOINT), and your permissions on the server.",
        ) from error


@contextlib.contextmanager
def _heard() -> Iterator[None]:
    """Silence the client's tracebacks: it logs one for each of five attempts, and then raises an error.

    What a server refuses it will not take five seconds later: then the first refusal is the answer.
    """

    def listen(record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        if error is not None and _status(error) in _REFUSALS:
            raise error
        return error is None

    root = logging.getLogger()
    root.addFilter(listen)
    try:
        yield
    finally:
        root.removeFilter(listen)


def _status(error: BaseException) -> int:
    """Return the HTTP status that an error of the generated API holds; 0 for other errors."""
    status = getattr(error, "status", 0)
    return status if isinstance(status, int) else 0
