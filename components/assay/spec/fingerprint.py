"""Fingerprints: equal fingerprints mean that a step would do the same work on the same bytes."""

from __future__ import annotations

import hashlib
import importlib.metadata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

import assay
from assay.artifacts.base import Artifact
from assay.artifacts.store import file_sha256
from assay.errors import DataError
from assay.spec.annotations import FileMark, UserFunctionMark, UserModuleMark, UserModuleNameMark
from assay.spec.signature import ComponentSpec
from assay.spec.source_digest import dotted_digest, function_digest, module_digest, module_name_digest


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What a step's result depends on.

    Attributes:
        digest: SHA-256 over all parts.
        parts: The parts by name, for `run.json`: they say why a step was not taken from the cache.
    """

    digest: str
    parts: Mapping[str, Any]


def fingerprint(
    spec: ComponentSpec,
    inputs: Mapping[str, Sequence[Artifact]],
    parameters: Mapping[str, Any],
    seed: int,
) -> Fingerprint:
    """Compute a step's fingerprint.

    Args:
        spec: The component's declaration.
        inputs: The sealed input artifacts by key.
        parameters: Every parameter's value in its JSON form, defaults included.
        seed: The run's seed.

    Raises:
        UsageError: If a user's module is missing.
        DataError: If a file that the component reads is missing.
    """
    parts: dict[str, Any] = {
        "component": spec.name,
        "version": assay.__version__,
        "libraries": {name: _version(name) for name in spec.libraries},
        "inputs": {key: [artifact.digest for artifact in artifacts] for key, artifacts in sorted(inputs.items())},
        "parameters": dict(sorted(parameters.items())),
        "sources": _sources(spec, parameters),
        "files": _files(spec, parameters),
        "seed": seed,
    }
    if spec.depends_on is not None:
        parts["depends_on"] = dict(sorted(spec.depends_on(parameters).items()))
    encoded = msgspec.json.encode(parts, order="deterministic")
    return Fingerprint("sha256:" + hashlib.sha256(encoded).hexdigest(), parts)


def _version(distribution: str) -> str:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return "absent"


def _sources(spec: ComponentSpec, parameters: Mapping[str, Any]) -> dict[str, str]:
    """Return digests of user code: modules named by parameters, and the component's function if a user wrote it."""
    digests: dict[str, str] = {}
    for name, declared in spec.parameters.items():
        value = parameters.get(name)
        if value is None:
            continue
        if isinstance(declared.mark, UserModuleMark):
            digests[name] = module_digest(Path(value))
        elif isinstance(declared.mark, UserModuleNameMark):
            digests[name] = module_name_digest(value)
        elif isinstance(declared.mark, UserFunctionMark):
            digests[name] = dotted_digest(value)
    if not spec.function.__module__.startswith("assay."):
        digests["function"] = function_digest(spec.function)
    return digests


def _files(spec: ComponentSpec, parameters: Mapping[str, Any]) -> dict[str, str]:
    """Return digests of files outside of artifacts that the component reads."""
    paths = [
        Path(parameters[name])
        for name, declared in spec.parameters.items()
        if isinstance(declared.mark, FileMark) and parameters.get(name) is not None
    ]
    if spec.reads is not None:
        paths += [Path(path) for path in spec.reads(parameters)]
    digests: dict[str, str] = {}
    for path in paths:
        try:
            digests[str(path)] = file_sha256(path)
        except FileNotFoundError:
            raise DataError("file.missing", f"Expected a file at {path} for {spec.name}; there is none.") from None
        except IsADirectoryError:
            raise DataError("file.is_folder", f"Expected a file at {path} for {spec.name}; it is a folder.") from None
        except OSError as error:
            raise DataError("file.unreadable", f"{path} cannot be read for {spec.name}: {error.strerror}.") from error
    return digests
