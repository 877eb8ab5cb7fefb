"""A step's parameters: from the values that KFP hands over to those that a component takes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from assay.errors import DataError, UsageError
from assay.runners.kfp.embedded_files import is_embedded, unpack
from assay.runners.kfp.executor_io import ExecutorInput
from assay.runners.kfp.places import Places
from assay.spec.annotations import DataMark, FileMark, ParsedBy, UserModuleMark
from assay.spec.signature import ComponentSpec, ParameterSpec
from assay.spec.values import canonical, typed

# Stands inside a constant list or struct for the value of another input of the step.
REFERENCE = "$parameter"
# Stands there for None, which KFP's compiler refuses.
NONE = {"$none": True}


def artifact_twin(name: str) -> str:
    """The input artifact by which a step of another author may give the data that a path would name."""
    return f"{name}_artifact"


def parameter_values(spec: ComponentSpec, given: ExecutorInput, places: Places, folder: Path) -> dict[str, Any]:
    """Gives every parameter's value in its JSON form: as given, or the default.

    Args:
        spec: The declaration.
        given: The step's executor input.
        places: Fetches files that a value names by URL.
        folder: Where embedded files are written.

    Raises:
        UsageError: For a missing value, or one of another type than the declared one.
        DataError: For a URL at which nothing lies.
    """
    return {name: _value(spec, declared, given, places, folder) for name, declared in spec.parameters.items()}


def _value(spec: ComponentSpec, declared: ParameterSpec, given: ExecutorInput, places: Places, folder: Path) -> Any:
    name, where = declared.name, f"{spec.name}.{declared.name}"
    value = _whole_numbers(_filled(given.parameters.get(name), given.parameters))
    if isinstance(declared.mark, DataMark) and artifact_twin(name) in given.artifacts:
        twin = given.artifacts[artifact_twin(name)][0]
        return _there(where, twin.uri, places.find(twin))
    if value is None:
        if declared.required:
            raise UsageError("kfp.no_value", f"{where} needs a value, and none was given.")
        return canonical(declared.default, where)
    if isinstance(declared.mark, UserModuleMark | FileMark | DataMark) and isinstance(value, str):
        if is_embedded(value):
            value = str(unpack(value, folder / name))
        elif "://" in value:
            value = _there(where, value, places.fetch(value))
    if isinstance(declared.mark, ParsedBy):
        value = _unpacked(value, folder / name)
        value = canonical(declared.mark.parse(value), where)
    return value if value is None else canonical(typed(value, declared.type, where), where)


def _unpacked(value: Any, folder: Path) -> Any:
    """Writes the files that strings inside of a value hold, each below a folder of its own, and gives their paths."""
    if isinstance(value, dict):
        items = enumerate(value.items())
        return {key: _unpacked(item, folder / str(number)) for number, (key, item) in items}
    if isinstance(value, list):
        return [_unpacked(item, folder / str(number)) for number, item in enumerate(value)]
    return str(unpack(value, folder)) if is_embedded(value) else value


def _there(where: str, uri: str, path: Path | None) -> str:
    if path is None:
        raise DataError("kfp.data_missing", f"{where} names {uri}, and there is nothing.")
    return str(path)


def _filled(value: Any, parameters: Mapping[str, Any]) -> Any:
    """Puts the values of other inputs in the places that the compiler left for them."""
    if isinstance(value, dict):
        if value == NONE:
            return None
        if set(value) == {REFERENCE}:
            return parameters[value[REFERENCE]]
        return {key: _filled(item, parameters) for key, item in value.items()}
    return [_filled(item, parameters) for item in value] if isinstance(value, list) else value


def _whole_numbers(value: Any) -> Any:
    """Makes integers of whole floats: protobuf's Struct, through which KFP sends values, has floats only."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {key: _whole_numbers(item) for key, item in value.items()}
    return [_whole_numbers(item) for item in value] if isinstance(value, list) else value
