"""TensorFlow Serving in a container of this machine's Docker: the model in the very server that is to serve it."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.error import HTTPError, URLError
from urllib.request import Request as HttpRequest
from urllib.request import urlopen

import numpy as np

from assay.components.infra_validator.compute import Trial
from assay.components.infra_validator.fresh_process import ProcessEnd
from assay.components.infra_validator.probe import ProbeReport, ServedOutput
from assay.errors import AssayError, EngineError, UsageError
from assay.models.inputs import TensorInput, model_inputs

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import pyarrow as pa

    from assay.components.infra_validator.config import ServingSpec, ValidationSpec

_PORT: Final = "8501"
_POLL_SECONDS: Final = 0.2
_TYPES: Final = {
    "DT_STRING": "string",
    "DT_FLOAT": "float32",
    "DT_DOUBLE": "float64",
    "DT_INT64": "int64",
    "DT_INT32": "int32",
    "DT_BOOL": "bool",
}


def image_of(serving: ServingSpec) -> str:
    """Return the image to run; empty where no container is asked for.

    Raises:
        UsageError: There is no Docker to run it, or the specification does not name one image.
    """
    image = serving.image()
    if image and shutil.which("docker") is None:
        raise UsageError(
            "infra_validator.no_docker",
            "serving_spec requires a container, but docker is not installed.",
            "Remove tensorflow_serving and local_docker to load the model in a fresh process.",
        )
    return image


def try_in_container(
    image: str,
    model: Path,
    batch: pa.RecordBatch | None,
    signatures: Sequence[str],
    limits: ValidationSpec,
    name: str,
) -> Trial:
    """Serve a model in a container and call it over HTTP.

    Args:
        image: The image.
        model: The folder of the SavedModel; the container sees it read-only.
        batch: The rows to ask about; None to load only.
        signatures: The signatures to call.
        limits: The limits of time and memory.
        name: The model's name.

    Raises:
        EngineError: Docker cannot run the container, which says nothing of the model.
    """
    report = ProbeReport(stage="loading")
    begun = time.monotonic()
    with _container(image, model, limits, name) as container:
        reason = container.wait_until_loaded(begun + limits.max_loading_time_seconds, report)
        report.load_seconds = round(time.monotonic() - begun, 3)
        if not reason and batch is not None:
            report.stage = "asking"
            container.ask(batch, signatures, report)
        elif not reason:
            report.signatures = sorted(container.signature_definitions())
        report.stage = report.stage if reason else "done"
        ended = ProcessEnd(
            reason=reason or "done",
            seconds=round(time.monotonic() - begun, 3),
            peak_megabytes=0,
            code=container.state().get("ExitCode", 0),
            said=container.logs() if reason else "",
        )
    return Trial(ended=ended, report=report, signatures=signatures)


@dataclass(frozen=True, slots=True)
class _Container:
    """A running container.

    Attributes:
        id: Docker's name of it.
        url: The model's address.
    """

    id: str
    url: str

    def state(self) -> dict[str, Any]:
        """Return the container's state according to Docker."""
        state: dict[str, Any] = json.loads(_docker("inspect", "--format", "{{json .State}}", self.id))
        return state

    def logs(self) -> str:
        """Return the end of the container's log."""
        done = subprocess.run(  # noqa: S603 (the id is Docker's own)
            ["docker", "logs", "--tail", "20", self.id],  # noqa: S607 (whichever Docker the user has)
            capture_output=True,
            text=True,
            check=False,
        )
        return (done.stdout + done.stderr).strip()

    def wait_until_loaded(self, deadline: float, report: ProbeReport) -> str:
        """Wait until the model can be called; return why it cannot: `time`, `memory`, `error`, or nothing."""
        while True:
            status = self._status()
            if status == "AVAILABLE":
                return ""
            state = self.state()
            if not state.get("Running", False):
                return "memory" if state.get("OOMKilled") else "error"
            if status == "END":
                report.failures[""] = f"TensorFlow Serving gave it up: {self.logs().splitlines()[-1:]}"
                return "error"
            if time.monotonic() > deadline:
                return "time"
            time.sleep(_POLL_SECONDS)

    def ask(self, batch: pa.RecordBatch, signatures: Sequence[str], report: ProbeReport) -> None:
        """Call each signature with the rows."""
        definitions = self.signature_definitions()
        report.signatures, report.rows = sorted(definitions), batch.num_rows
        for name in signatures:
            if name not in definitions:
                continue
            inputs = {key: _tensor_input(one) for key, one in definitions[name].get("inputs", {}).items()}
            try:
                tensors = model_inputs(batch, inputs)
                body = {"signature_name": name, "inputs": {key: _plain(value) for key, value in tensors.items()}}
                given = _http(f"{self.url}:predict", body)["outputs"]
            except (AssayError, OSError, ValueError, KeyError) as error:
                report.failures[name] = f"{type(error).__name__}: {_said(error)}"
                continue
            outputs = definitions[name].get("outputs", {})
            # A single output comes without its name.
            named = (
                given if isinstance(given, dict) and set(given) <= set(outputs) else {next(iter(outputs), ""): given}
            )
            report.answers += [_answer(name, key, value, outputs.get(key, {})) for key, value in sorted(named.items())]

    def signature_definitions(self) -> dict[str, Any]:
        """Return the signatures, as the server describes them."""
        metadata = _http(f"{self.url}/metadata")["metadata"]
        found: dict[str, Any] = metadata["signature_def"]["signature_def"]
        return found

    def _status(self) -> str:
        try:
            return str(_http(self.url)["model_version_status"][0]["state"])
        except (OSError, ValueError, KeyError, IndexError):  # it does not listen yet
            return ""


@contextmanager
def _container(image: str, model: Path, limits: ValidationSpec, name: str) -> Iterator[_Container]:
    memory = [] if limits.max_memory_megabytes is None else ["--memory", f"{limits.max_memory_megabytes}m"]
    mount = ["--volume", f"{model.absolute()}:/models/{name}/1:ro", "--env", f"MODEL_NAME={name}"]
    identity = _docker("run", "--detach", "--publish", f"127.0.0.1::{_PORT}", *mount, *memory, image)
    try:
        address = _docker("port", identity, f"{_PORT}/tcp").splitlines()[0]
        yield _Container(identity, f"http://{address}/v1/models/{name}")
    finally:
        _docker("rm", "--force", identity)


def _docker(*arguments: str) -> str:
    done = subprocess.run(  # noqa: S603 (each argument is one of its own)
        ["docker", *arguments],  # noqa: S607 (whichever Docker the user has)
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise EngineError(
            "infra_validator.docker",
            f"docker {arguments[0]} failed: {(done.stderr or done.stdout).strip()}",
            "Check that Docker works on this machine, or remove serving_spec; the model itself was not tested.",
        )
    return done.stdout.strip()


def _http(url: str, body: Any = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    with urlopen(HttpRequest(url, data=data), timeout=60) as response:  # noqa: S310 (always http, on this machine)
        return json.load(response)


def _said(error: Exception) -> str:
    if isinstance(error, HTTPError):
        return error.read().decode(errors="replace")[:500]
    return str(error.reason) if isinstance(error, URLError) else str(error)


def _shape(definition: dict[str, Any]) -> list[int] | None:
    shape = definition.get("tensor_shape", {})
    return None if shape.get("unknown_rank") else [int(one["size"]) for one in shape.get("dim", [])]


def _tensor_input(definition: dict[str, Any]) -> TensorInput:
    shape = _shape(definition)
    sizes = None if shape is None else tuple(None if size < 0 else size for size in shape)
    return TensorInput(_TYPES.get(definition["dtype"], "float32"), sizes)


def _plain(values: Any) -> Any:
    """Return a tensor as the REST API takes it: bytes in base64."""
    if isinstance(values, np.ndarray):
        return _plain(values.tolist())
    if isinstance(values, list):
        return [_plain(value) for value in values]
    return {"b64": base64.b64encode(values).decode()} if isinstance(values, bytes) else values


def _answer(signature: str, output: str, value: Any, definition: dict[str, Any]) -> ServedOutput:
    values = np.asarray(value)
    floating = np.issubdtype(values.dtype, np.floating)
    return ServedOutput(
        signature=signature,
        output=output,
        shape=list(values.shape),
        declared=_shape(definition),
        not_finite=int((~np.isfinite(values)).sum()) if floating else 0,
    )
