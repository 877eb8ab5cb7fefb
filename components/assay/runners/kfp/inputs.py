"""A step's input artifacts, checked against their manifests before anything is computed."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from assay.artifacts.base import Artifact
from assay.artifacts.store import MANIFEST, Manifest, adopt, check_type, digest_of, read_manifest
from assay.artifacts.types import ArtifactType, PropertyDeclaration, PropertyType, builtin_types
from assay.errors import ArtifactError, DataError, UsageError
from assay.runners.kfp.embedded_files import is_embedded, unpack
from assay.runners.kfp.executor_io import ExecutorInput, RuntimeArtifact
from assay.runners.kfp.storage import Places
from assay.spec.annotations import DataMark, FileMark, ParsedBy, UserModuleMark
from assay.spec.signature import ComponentSpec, InputSpec, ParameterSpec
from assay.spec.values import canonical, typed

# Lies in the place of an output that a step left empty; KFP knows no optional outputs.
EMPTY = "assay-empty.json"
# The metadata key by which an author says what a folder of another tool is.
ARTIFACT_TYPE = "artifact_type"

_Inputs = dict[str, tuple[Artifact, ...]]


def open_inputs(spec: ComponentSpec, given: ExecutorInput, places: Places) -> _Inputs:
    """Open the artifacts that are wired to a step; an optional input that nothing feeds is left out.

    An input that takes several artifacts finds them under its name and, where the compiler numbered them, under
    `<name>__2`, `<name>__3` and so on.

    Raises:
        ArtifactError: If one is missing, incomplete, not an artifact of assay's, or of another type.
    """
    found: _Inputs = {}
    for name, declared in spec.inputs.items():
        wired = [each for key in _keys(name, given) for each in given.artifacts[key]]
        artifacts = [
            artifact
            for each in wired
            if (artifact := _readable(f"{spec.name}.{name}", declared, each, places)) is not None
        ]
        if len(artifacts) > 1 and not declared.many:
            raise ArtifactError(
                "kfp.one_artifact",
                f"{spec.name}.{name} accepts one artifact, but {len(artifacts)} are wired to it.",
                "Run the step once for each, for example inside dsl.ParallelFor.",
            )
        if artifacts:
            found[name] = tuple(artifacts)
        elif not declared.optional:
            why = "the step that should write it left it empty" if wired else "nothing is wired"
            raise ArtifactError(
                "kfp.no_input",
                f"{spec.name}.{name} takes {_name(declared.artifact)}, and {why}.",
                "Wire an output of that type to it.",
            )
    return found


def inputs_with_places(
    given: ExecutorInput, inputs: Mapping[str, tuple[Artifact, ...]]
) -> dict[str, tuple[tuple[Artifact, str], ...]]:
    """Return each input artifact with the place that KFP knows it by."""
    return {
        name: tuple(zip(found, (each.uri for key in _keys(name, given) for each in given.artifacts[key]), strict=False))
        for name, found in inputs.items()
    }


def wired_names(spec: ComponentSpec, given: ExecutorInput) -> frozenset[str]:
    """Return the inputs that the author wired, whether or not an artifact came."""
    return frozenset(name for name in spec.inputs if _keys(name, given))


def _keys(name: str, given: ExecutorInput) -> list[str]:
    numbered = [key for key in given.artifacts if key.startswith(f"{name}__") and key.rsplit("__", 1)[1].isdigit()]
    numbered.sort(key=lambda key: int(key.rsplit("__", 1)[1]))
    return [key for key in (name, *numbered) if key in given.artifacts]


def _readable(where: str, declared: InputSpec, wired: RuntimeArtifact, places: Places) -> Artifact | None:
    try:
        return _open(where, declared, wired, places)
    except OSError as error:
        raise ArtifactError(
            "kfp.unreadable",
            f"{where}: {error.filename or wired.uri} cannot be read: {error.strerror or error}.",
            f"Give the user of the step's container ({os.getuid()}) permission to read it.",
        ) from error


def _open(where: str, declared: InputSpec, wired: RuntimeArtifact, places: Places) -> Artifact | None:
    wanted = declared.artifact
    folder = places.find(wired)
    if folder is None:
        raise ArtifactError(
            "kfp.input_missing",
            f"{where} takes {_name(wanted)}, but there is nothing at {wired.uri}.",
            "Check whether the step before it wrote the artifact, and whether it was removed since.",
        )
    if (folder / EMPTY).is_file():
        return None
    if (folder / MANIFEST).is_file():
        return _sealed(where, wanted, wired, folder)
    if wired.metadata.get(ARTIFACT_TYPE) == _name(wanted) and folder.is_dir():
        return _foreign(wanted, wired, folder)
    what = "a folder without" if folder.is_dir() else "a file, without"
    raise ArtifactError(
        "kfp.not_an_artifact",
        f"{where} takes {_name(wanted)}, but {wired.uri} ({wired.schema_title or 'an artifact'}) is {what} "
        f"{MANIFEST}: it was not made by a step of assay.",
        _how_to_bring(wanted),
    )


def _how_to_bring(wanted: type[Artifact]) -> str:
    said = f"{{'{ARTIFACT_TYPE}': '{_name(wanted)}'}}"
    if wanted is not Artifact and wanted.type().name == "Examples":
        return (
            f"Import a folder that TFX wrote with dsl.importer(..., metadata={said}), and other files with "
            "CsvExampleGen or ParquetExampleGen (input_base_artifact)."
        )
    layout = "" if wanted is Artifact else f" (here: {', '.join(wanted.type().layout)})"
    return (
        f"Steps by other authors declare what they wrote in the artifact's metadata, {said}, and lays the "
        "folder out as "
        f"TFX does{layout}; import existing folders with dsl.importer and the same metadata."
    )


def _sealed(where: str, wanted: type[Artifact], wired: RuntimeArtifact, folder: Path) -> Artifact:
    manifest = read_manifest(folder)
    if wanted is not Artifact:
        if manifest.type != wanted.type().name:
            raise ArtifactError(
                "kfp.wrong_artifact",
                f"{where} takes {wanted.type().name}, but the artifact wired to it is {_named(manifest)} "
                f"({wired.uri}).",
                f"Wire an output of type {wanted.type().name}.",
            )
        check_type(folder, manifest.type, manifest.type_version, wanted)
    lost = [
        entry.path
        for entry in manifest.files
        if not (folder / entry.path).is_file() or (folder / entry.path).stat().st_size != entry.size
    ]
    if lost or digest_of(manifest.files) != manifest.digest:
        raise ArtifactError(
            "kfp.incomplete",
            f"{where}: {_named(manifest)} at {wired.uri} is not what was sealed: {', '.join(lost[:3]) or MANIFEST} "
            "is missing or has another size.",
            "Rerun the step that writes it.",
        )
    if wanted is Artifact:
        wanted = _class_of(manifest)
    return wanted(folder, properties=manifest.properties, rows=manifest.rows, digest=manifest.digest)


def _name(wanted: type[Artifact]) -> str:
    return "an artifact" if wanted is Artifact else wanted.type().name


def _class_of(manifest: Manifest) -> type[Artifact]:
    """Return a class for an artifact of any type; a user's type has only the properties that are recorded."""
    kinds: dict[type, PropertyType] = {
        bool: "bool",
        int: "int",
        float: "float",
        str: "string",
        list: "list",
        dict: "map",
    }
    seen = {name: PropertyDeclaration(kinds[type(value)]) for name, value in manifest.properties.items()}
    known = builtin_types().get(manifest.type, ArtifactType(name=manifest.type, properties=seen))
    return type(manifest.type, (Artifact,), {"declaration": known})


def _named(manifest: Manifest) -> str:
    producer = manifest.producer
    maker = producer.node_id or producer.component
    return f"{manifest.type}, {maker}'s output '{producer.output_key}'" if maker else manifest.type


def _foreign(wanted: type[Artifact], wired: RuntimeArtifact, folder: Path) -> Artifact:
    """Describe a folder that another tool wrote; its metadata may contain declared properties."""
    artifact = adopt(folder, wanted)
    for name, declared in wanted.type().properties.items():
        value: Any = wired.metadata.get(name)
        if value is not None:
            artifact.properties[name] = _restored(value, declared.type)
    return artifact


def _restored(value: Any, kind: PropertyType) -> Any:
    """Restore a value from KFP's metadata store, which knows numbers, texts, and structs that it wraps."""
    wrapped = {"list": "list", "map": "struct"}.get(kind, "")
    if isinstance(value, Mapping) and set(value) == {wrapped}:
        return value[wrapped]
    if kind == "bool":
        return bool(value)
    return int(value) if kind == "int" else value


# Stands inside a constant list or struct for the value of another input of the step.
REFERENCE = "$parameter"
# Stands there for None, which KFP's compiler refuses.
NONE = {"$none": True}


def artifact_twin(name: str) -> str:
    """Return the input artifact that may replace a path in a step by another author."""
    return f"{name}_artifact"


def parameter_values(spec: ComponentSpec, given: ExecutorInput, places: Places, folder: Path) -> dict[str, Any]:
    """Return every parameter's value in its JSON form: as given, or the default.

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
            raise UsageError("kfp.no_value", f"{where} requires a value.")
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
    """Write the files that strings inside of a value hold, each below a folder of its own, and return their paths."""
    if isinstance(value, dict):
        items = enumerate(value.items())
        return {key: _unpacked(item, folder / str(number)) for number, (key, item) in items}
    if isinstance(value, list):
        return [_unpacked(item, folder / str(number)) for number, item in enumerate(value)]
    return str(unpack(value, folder)) if is_embedded(value) else value


def _there(where: str, uri: str, path: Path | None) -> str:
    if path is None:
        raise DataError("kfp.data_missing", f"{where} refers to {uri}, which does not exist.")
    return str(path)


def _filled(value: Any, parameters: Mapping[str, Any]) -> Any:
    """Put the values of other inputs in the places that the compiler left for them."""
    if isinstance(value, dict):
        if value == NONE:
            return None
        if set(value) == {REFERENCE}:
            return parameters[value[REFERENCE]]
        return {key: _filled(item, parameters) for key, item in value.items()}
    return [_filled(item, parameters) for item in value] if isinstance(value, list) else value


def _whole_numbers(value: Any) -> Any:
    """Make integers of whole floats: protobuf's Struct, through which KFP sends values, has floats only."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {key: _whole_numbers(item) for key, item in value.items()}
    return [_whole_numbers(item) for item in value] if isinstance(value, list) else value
