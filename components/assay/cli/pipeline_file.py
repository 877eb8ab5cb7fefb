"""Loads the pipeline that a Python file defines."""

from __future__ import annotations

import importlib.util
import inspect
import sys
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from assay.errors import UsageError
from assay.spec import Pipeline
from assay.spec.user_code import run_user_code

if TYPE_CHECKING:
    from collections.abc import Callable

_OBJECT, _FUNCTION = "pipeline", "create_pipeline"
_HINT = f"Name the pipeline `{_OBJECT}`, or return it from a function `{_FUNCTION}()` without required arguments."


def load_pipeline(path: Path) -> Pipeline:
    """Return the file's pipeline: its `pipeline`, or what its `create_pipeline()` returns.

    As when Python runs the file, its folder is importable from then on.

    Raises:
        UsageError: If there is no such file, or it defines no pipeline; the message lists what was found.
        UserCodeError: If the file's code raises.
    """
    if path.suffix != ".py" or not path.is_file():
        raise UsageError(
            "pipeline_file.missing", f"Expected a Python file at {path}; {_what_is_at(path)}.", "Check the path."
        )
    module = _load(path.resolve())
    pipeline = getattr(module, _OBJECT, None)
    if isinstance(pipeline, Pipeline):
        return pipeline
    create = getattr(module, _FUNCTION, None)
    if inspect.isfunction(create):
        return _created(create, path)
    raise UsageError("pipeline_file.no_pipeline", f"{path} defines no pipeline; {_found(module)}.", _HINT)


def _what_is_at(path: Path) -> str:
    if not path.exists():
        return "there is nothing"
    return "it is a folder" if path.is_dir() else "its name does not end in .py"


def _load(path: Path) -> ModuleType:
    # The prefix keeps a file named like an installed module (such as types.py) from taking that module's place.
    name = f"_pipeline_file_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise UsageError("pipeline_file.not_python", f"Python cannot load {path}.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    sys.path.insert(0, str(path.parent))
    with run_user_code(f"Loading {path.name}", path):
        spec.loader.exec_module(module)
    return module


def _created(create: Callable[..., object], path: Path) -> Pipeline:
    required = [
        parameter.name
        for parameter in inspect.signature(create).parameters.values()
        if parameter.default is parameter.empty
        and parameter.kind not in {parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD}
    ]
    if required:
        raise UsageError(
            "pipeline_file.required_arguments",
            f"{_FUNCTION} in {path} requires {', '.join(required)}, but nothing can provide a value.",
            "Give the arguments defaults, or make them RuntimeParameters (--param name=value).",
        )
    with run_user_code(f"{_FUNCTION}() in {path.name}", path):
        created = create()
    if not isinstance(created, Pipeline):
        raise UsageError(
            "pipeline_file.not_a_pipeline", f"{_FUNCTION}() in {path} returned {created!r}, not an assay Pipeline."
        )
    return created


def _found(module: ModuleType) -> str:
    """Name what comes closest to a pipeline in the file."""
    own = {name: value for name, value in vars(module).items() if not name.startswith("_")}
    found = [f"the Pipeline '{name}'" for name, value in own.items() if isinstance(value, Pipeline)]
    if _OBJECT in own:
        found.append(f"'{_OBJECT}' of type {type(own[_OBJECT]).__name__}")
    found += [
        f"the function {name}()"
        for name, value in own.items()
        if inspect.isfunction(value) and value.__module__ == module.__name__
    ]
    return f"found {', '.join(found[:10])}" if found else "found neither pipelines nor functions"
