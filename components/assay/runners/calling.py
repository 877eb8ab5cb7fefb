"""Calling a component, which every runner does alike: stage its outputs, hand it its arguments, check what it gives."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from assay.artifacts.base import Artifact
from assay.errors import AssayError, EngineError, UsageError, disk_full, missing_package
from assay.files import is_storage_failure
from assay.native import end_tensorflow_quietly
from assay.spec.context import ExecutionContext
from assay.spec.signature import ComponentSpec
from assay.spec.user_code import run_user_code
from assay.spec.values import canonical, typed


def staged_outputs(spec: ComponentSpec, staging: Path) -> dict[str, Artifact]:
    """Make an empty folder below `staging` for each output, and return the artifacts to fill."""
    staged: dict[str, Artifact] = {}
    for key, output in spec.outputs.items():
        folder = staging / key
        folder.mkdir(parents=True)
        staged[key] = output.artifact(folder)
    return staged


def call_component(
    spec: ComponentSpec,
    context: ExecutionContext,
    inputs: Mapping[str, tuple[Artifact, ...]],
    outputs: Mapping[str, Artifact],
    parameters: Mapping[str, Any],
) -> dict[str, Any]:
    """Call the component's function and return its output parameters in their JSON form.

    Args:
        spec: The declaration.
        context: The run that the step is part of.
        inputs: Sealed artifacts by key; an optional input may be absent.
        outputs: The staged artifacts.
        parameters: Every parameter's value in its JSON form.

    Raises:
        UsageError: For a value that is not of the declared type, given or returned.
    """
    arguments: dict[str, Any] = dict(outputs)
    for key, declared in spec.inputs.items():
        artifacts = inputs.get(key, ())
        arguments[key] = artifacts if declared.many else (artifacts[0] if artifacts else None)
    for name, declared_parameter in spec.parameters.items():
        value = parameters[name]
        arguments[name] = value if value is None else typed(value, declared_parameter.type, f"{spec.name}.{name}")
    if spec.check is not None:
        spec.check({name: value for name, value in arguments.items() if name not in outputs and value is not None})
    if spec.context_name:
        arguments[spec.context_name] = context
    end_tensorflow_quietly()
    with _user_code(spec):
        returned = spec.function(**arguments)
    return _output_parameters(spec, returned)


def _user_code(spec: ComponentSpec) -> contextlib.AbstractContextManager[None]:
    """Show the user's own frames if the component itself is the user's."""
    if spec.function.__module__.startswith("assay."):
        return contextlib.nullcontext()
    return run_user_code(spec.name, spec.function.__code__.co_filename)


def _output_parameters(spec: ComponentSpec, returned: Any) -> dict[str, Any]:
    """Check what a component returned against its declaration.

    Raises:
        UsageError: For a missing, undeclared or ill-typed value.
    """
    if hasattr(returned, "_asdict"):
        returned = returned._asdict()
    values = canonical(returned or {}, f"{spec.name}'s return value")
    if not isinstance(values, dict) or set(values) != set(spec.output_parameters):
        found = sorted(values) if isinstance(values, dict) else repr(returned)
        raise UsageError(
            "component.returned",
            f"{spec.name} must return {sorted(spec.output_parameters) or 'nothing'}, got {found}.",
        )
    for name, declared in spec.output_parameters.items():
        typed(values[name], declared.type, f"{spec.name}.{name}")
    return values


def is_written(spec: ComponentSpec, key: str, artifact: Artifact) -> bool:
    """Return whether an output was written; an optional one may stay empty."""
    return not spec.outputs[key].optional or any(artifact.path.iterdir())


@contextlib.contextmanager
def one_error_tree(spec: ComponentSpec, staging: Path) -> Iterator[None]:
    """Turn whatever a component raises into an AssayError.

    Raises:
        ArtifactError: For a full or read-only disk.
        UsageError: For an optional package that the component needs and the environment lacks.
        EngineError: For an exception that no component should let pass.
    """
    try:
        yield
    except AssayError:
        raise
    except OSError as error:
        if is_storage_failure(error):
            raise disk_full(Path(error.filename or staging), error) from error
        raise _crashed(spec, error) from error
    except Exception as error:
        raise missing_package(spec.name, error) or _crashed(spec, error) from error


def _crashed(spec: ComponentSpec, error: Exception) -> EngineError:
    what = f"{spec.name} failed: {type(error).__name__}: {error}"
    return EngineError("component.crashed", what, "The step's log has the traceback; please report it.")
