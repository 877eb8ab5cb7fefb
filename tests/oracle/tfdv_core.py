"""TFDV's C++ core in a process of its own, which it may abort, and without its package, which imports TensorFlow.

`ASSAY_TFDV_PYTHON` names the Python of another environment whose TFDV is asked, as a shell's words.
"""

from __future__ import annotations

import os
import pickle
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Mapping
from functools import cache
from importlib.machinery import EXTENSION_SUFFIXES, PathFinder
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2, statistics_pb2

_DEBUG_MARK = re.compile(r"goo\.gle/debug[a-z]+ +\n")
_NAME = "tensorflow_data_validation.pywrap.tensorflow_data_validation_extension"


def serve(requests: IO[bytes], answers: IO[bytes]) -> None:
    """Call functions of the core until nothing more is asked."""
    top, *folders, stem = _NAME.split(".")
    package = PathFinder.find_spec(top)
    assert package is not None, "TFDV is not installed"
    assert package.submodule_search_locations
    folder = Path(package.submodule_search_locations[0], *folders)
    file = next(folder / (stem + suffix) for suffix in EXTENSION_SUFFIXES if (folder / (stem + suffix)).is_file())
    spec = spec_from_file_location(_NAME, file)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    while True:
        try:
            name, arguments = pickle.load(requests)
        except EOFError:
            return
        started = time.process_time()
        result = getattr(module.validation, name)(*arguments)
        pickle.dump((result, time.process_time() - started), answers)
        answers.flush()


class _Core:
    """A process that answers, started again after it was aborted.

    Attributes:
        seconds: CPU time of the last call.
    """

    def __init__(self) -> None:
        self.seconds = 0.0
        self._process: subprocess.Popen[bytes] | None = None

    def __call__(self, name: str, *arguments: Any) -> bytes | None:
        """Call a function of the core; None if the core ended its process."""
        if self._process is None or self._process.poll() is not None:
            command = shlex.split(os.environ.get("ASSAY_TFDV_PYTHON", shlex.quote(sys.executable)))
            self._process = subprocess.Popen(
                [*command, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
            )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        pickle.dump((name, arguments), self._process.stdin)
        self._process.stdin.flush()
        try:
            answer: bytes
            answer, self.seconds = pickle.load(self._process.stdout)
        except EOFError:
            self._process.wait()
            return None
        return answer


@cache
def _core() -> _Core:
    return _Core()


def seconds() -> float:
    """Return the CPU time of the last call in the core itself, from serialised messages to serialised messages."""
    return _core().seconds


def infer_schema(
    dataset: statistics_pb2.DatasetFeatureStatistics, max_string_domain_size: int, *, infer_feature_shape: bool
) -> schema_pb2.Schema | None:
    """Infer a schema by TFDV's core; None if it aborts its process."""
    from tensorflow_metadata.proto.v0 import schema_pb2

    inferred = _core()("InferSchema", dataset.SerializeToString(), max_string_domain_size, infer_feature_shape)
    return None if inferred is None else schema_pb2.Schema.FromString(inferred)


def update_schema(
    schema: schema_pb2.Schema, dataset: statistics_pb2.DatasetFeatureStatistics, max_string_domain_size: int
) -> schema_pb2.Schema | None:
    """Update a schema by TFDV's core; None if it aborts its process."""
    from tensorflow_metadata.proto.v0 import schema_pb2

    updated = _core()("UpdateSchema", schema.SerializeToString(), dataset.SerializeToString(), max_string_domain_size)
    return None if updated is None else schema_pb2.Schema.FromString(updated)


def find_anomalies(
    dataset: statistics_pb2.DatasetFeatureStatistics,
    schema: schema_pb2.Schema,
    environment: str | None = None,
    *,
    previous_span: statistics_pb2.DatasetFeatureStatistics | None = None,
    serving: statistics_pb2.DatasetFeatureStatistics | None = None,
    previous_version: statistics_pb2.DatasetFeatureStatistics | None = None,
    severities: Mapping[int, int] | None = None,
) -> anomalies_pb2.Anomalies | None:
    """Find anomalies by TFDV's core; None if it aborts its process.

    The lines come to agree: a divergence of 1 that rounding made larger, as TFDV 1.16 returns it, is 1, and the marks
    that newer versions of protobuf write at random before a message are removed.
    """
    from tensorflow_metadata.proto.v0 import anomalies_pb2

    # An empty string is how the core is told that there is none: of controls, of the paths that TFX's internals read.
    controls = [
        b"" if each is None else each.SerializeToString() for each in (previous_span, serving, previous_version)
    ]
    found = _core()(
        "ValidateFeatureStatistics",
        dataset.SerializeToString(),
        schema.SerializeToString(),
        environment or "",
        *controls,
        b"",
        _config(severities or {}),
        False,  # diff regions: the public builds of the core abort the process when they are asked for
    )
    if found is None:
        return None
    result = anomalies_pb2.Anomalies.FromString(found)
    for info in result.anomaly_info.values():
        for each in (info, *info.reason):
            each.description = _DEBUG_MARK.sub("", each.description)
    for measures in result.drift_skew_info:
        for measured in (*measures.drift_measurements, *measures.skew_measurements):
            measured.value = min(measured.value, 1.0)
    return result


def _config(severities: Mapping[int, int]) -> bytes:
    """Write a `ValidationConfig`, whose field 2 lists types with their severities."""
    return b"".join(bytes([18, 4, 8, type_, 16, severity]) for type_, severity in severities.items())


if __name__ == "__main__":
    serve(sys.stdin.buffer, sys.stdout.buffer)
