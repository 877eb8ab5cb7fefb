"""User code and small files, carried to a container inside a parameter's value.

A compiled pipeline runs where the author's files are not. A module file travels with the modules beside it that it
imports, as text that neither KFP nor Argo can mistake for a placeholder. It is part of the value, so it is part of
KFP's cache key: a changed module is another value.
"""

from __future__ import annotations

import ast
import base64
import bz2
import importlib.util
import json
import sys
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from assay.errors import UsageError
from assay.spec.source_digest import module_sources

# How much a pipeline can carry in its values, counted as a server hands them on.
#
# KFP passes a DAG with all constants of its tasks to its driver as one argument (from 2.17 on as a file), and Linux
# takes arguments of 128 KiB. Argo writes a pod's whole template into one environment variable, which holds each
# argument twice: as an input and in the command (Argo 3.6 and newer puts a large one into a file). KFP 2.5, the
# oldest server that we support, comes with Argo 3.5: there a pod carries half of 128 KiB, less what else its template
# holds.


_ARGUMENT = 128 * 1024
_TEMPLATE = 8 * 1024  # volumes, mounts, security context and options of a pod: about 5 KiB
MOST_BYTES = (_ARGUMENT - _TEMPLATE) // 2
_NAMED = 3  # of the values that are large

_VALUES = "The values of {}, with the files that they carry, take"
_WAY_OUT = (
    'Upload large files, below the pipeline root for example, and give their URLs (schema_file="s3://…"); or put them '
    "into the image and give their paths there."
)


def check_carried(what: str, carried: Mapping[str, Any]) -> None:
    """Check what a task carries, or what all tasks of a pipeline carry so far.

    Args:
        what: The name of the pipeline or task.
        carried: The constants, by task and parameter.

    Raises:
        UsageError: If no server takes them.
    """
    sizes = {name: _written(value) for name, value in carried.items()}
    if sum(sizes.values()) > MOST_BYTES:
        raise too_large(_VALUES.format(what), sum(sizes.values()), sizes)


def check_compiled(spec: Mapping[str, Any]) -> None:
    """Check every pod of a compiled pipeline: the drivers of its DAGs and tasks, and the tasks themselves.

    Raises:
        UsageError: If one carries more than a server takes.
    """
    name = str(spec["pipelineInfo"]["name"])
    defaults = spec["root"].get("inputDefinitions", {}).get("parameters", {})
    given = {key: each["defaultValue"] for key, each in defaults.items() if "defaultValue" in each}
    _check_pod(
        name, [spec["root"], {"parameterValues": given}], {f"parameter {key}": given[key] for key in given}, spec
    )
    for key, task in _tasks(spec):
        component = spec["components"][task["componentRef"]["name"]]
        executor = spec.get("deploymentSpec", {}).get("executors", {}).get(component.get("executorLabel"), {})
        container = executor.get("container", {})
        own = {**_constants(key, task), f"{key}'s command": container.get("args", [])}
        _check_pod(name, [task, component, container], own, spec)
        inputs = json.dumps(_constants(key, task), ensure_ascii=False)
        command = [inputs, json.dumps(component, ensure_ascii=False), *container.get("args", [])]
        _check_pod(name, [command], own, spec)


def _check_pod(pipeline: str, arguments: list[Any], own: Mapping[str, Any], spec: Mapping[str, Any]) -> None:
    size = sum(_written(json.dumps(each, separators=(",", ":"), ensure_ascii=False)) for each in arguments)
    if size > MOST_BYTES:
        carried = dict(own)
        for key, task in _tasks(spec):
            carried |= _constants(key, task)
        raise too_large(_VALUES.format(pipeline), size, {name: _written(value) for name, value in carried.items()})


def _tasks(spec: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for component in (spec["root"], *spec.get("components", {}).values()):
        yield from component.get("dag", {}).get("tasks", {}).items()


def _constants(key: str, task: Mapping[str, Any]) -> dict[str, Any]:
    parameters = task.get("inputs", {}).get("parameters", {})
    found = {name: each.get("runtimeValue", {}).get("constant") for name, each in parameters.items()}
    return {f"{key}.{name}": value for name, value in found.items() if value is not None}


def _written(value: Any) -> int:
    """Return the bytes of a value inside of Argo's JSON: quoted once more, with `<`, `>` and `&` as escapes of six."""
    text = json.dumps(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False), ensure_ascii=False)
    return len(text.encode("utf-8", "surrogatepass")) + 5 * sum(text.count(character) for character in "<>&")


def too_large(what: str, size: int, sizes: Mapping[str, int]) -> UsageError:
    """Return the error that says what is too large, how large it is, and which values take most."""
    largest = sorted(sizes, key=lambda name: -sizes[name])[:_NAMED]
    listed = ", ".join(f"{name} {sizes[name] / 1024:.0f} KiB" for name in largest if sizes[name] >= 1024)
    return UsageError(
        "kfp.too_large",
        f"{what} {size / 1024:.0f} KiB"
        f"{f' ({listed})' if listed else ''}; Kubeflow's servers accept {MOST_BYTES // 1024} KiB.",
        _WAY_OUT,
    )


PREFIX = "assay-files:v1:"
_INSTALLED = frozenset({"site-packages", "dist-packages"})


def embed_module(path: str | Path) -> str:
    """Return a `module_file` value that embeds the module and what it imports from its folder.

    Raises:
        UsageError: If there is no such file, or it is too large to travel in an argument.

    Warns:
        UserWarning: If it imports a package of this machine's that lies elsewhere and is not installed.
    """
    sources = module_sources(Path(path))
    left = _left_behind(sources)
    if left:
        message = (
            f"{path} imports {', '.join(f'{name} ({place})' for name, place in left.items())}, which lies outside of "
            "its folder and does not travel with it. Put it beside the module, or into the image."
        )
        warnings.warn(message, stacklevel=2)
    return _pack(Path(path).name, sources, f"{path}, packed with the modules that it imports from its folder,")


def _left_behind(sources: Mapping[str, bytes]) -> dict[str, str]:
    """Return the top-level packages that modules import, and that only this machine has: name and place."""
    travelling = {PurePosixPath(name).parts[0].removesuffix(".py") for name in sources}
    imported = {name for source in sources.values() for name in _imported(source)}
    places = {name: _place(name) for name in sorted(imported - travelling - sys.stdlib_module_names - {"assay"})}
    return {name: place for name, place in places.items() if place and not _is_installed(Path(place))}


def _is_installed(place: Path) -> bool:
    # pip's --target makes folders of any name; what it installs leaves its metadata beside itself there.
    site = place.parent.parent if place.name == "__init__.py" else place.parent
    return bool(_INSTALLED & set(place.parts)) or any(site.glob("*.dist-info"))


def _imported(source: bytes) -> set[str]:
    try:
        statements = list(ast.walk(ast.parse(source)))
    except (SyntaxError, ValueError):
        return set()  # the step says what is wrong
    names = [alias.name for each in statements if isinstance(each, ast.Import) for alias in each.names]
    names += [each.module or "" for each in statements if isinstance(each, ast.ImportFrom) and not each.level]
    return {name.partition(".")[0] for name in names} - {""}


def _place(name: str) -> str:
    """Return the place of a top-level package; None if it is missing or part of the interpreter."""
    try:
        found = importlib.util.find_spec(name)
    except (ImportError, ValueError):
        return ""
    places = [found.origin, *(found.submodule_search_locations or ())] if found else []
    return next((place for place in places if place and Path(place).exists()), "")


def embed_file(path: str | Path) -> str:
    """Return a value for a parameter that takes a small file.

    Raises:
        UsageError: If there is no such file, or it is too large to travel in an argument.
    """
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise UsageError("kfp.embed_missing", f"Expected a file at {path}: {error.strerror}.") from None
    return _pack(Path(path).name, {Path(path).name: content}, f"{path}, packed,")


def _pack(name: str, files: Mapping[str, bytes], where: str) -> str:
    # Latin-1 gives every byte a character, so that any file is JSON text.
    document = {"file": name, "files": {key: files[key].decode("latin-1") for key in sorted(files)}}
    packed = PREFIX + base64.b64encode(bz2.compress(json.dumps(document).encode())).decode()
    if len(packed) > MOST_BYTES:
        raise too_large(f"{where} takes", len(packed), {})
    return packed


def is_embedded(value: object) -> bool:
    """Return whether a parameter's value contains files."""
    return isinstance(value, str) and value.startswith(PREFIX)


def unpack(value: str, folder: Path) -> Path:
    """Write the files of an embedded value below `folder`, and return the path of the one that was named.

    Raises:
        UsageError: If the value was cut or changed.
    """
    try:
        document = json.loads(bz2.decompress(base64.b64decode(value.removeprefix(PREFIX), validate=True)))
        files = {PurePosixPath(name): text.encode("latin-1") for name, text in document["files"].items()}
        named = PurePosixPath(document["file"])
    except (ValueError, OSError, KeyError, AttributeError, TypeError):
        raise UsageError(
            "kfp.embedded", "The files embedded in a parameter cannot be read; the value was cut or changed."
        ) from None
    for name, content in files.items():
        if name.is_absolute() or ".." in name.parts:
            raise UsageError("kfp.embedded_path", f"An embedded file's path escapes its folder: {name}.")
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    return folder / named
