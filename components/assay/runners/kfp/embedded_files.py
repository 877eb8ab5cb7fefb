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
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from assay.errors import UsageError
from assay.runners.kfp.sizes import MOST_BYTES, too_large
from assay.spec.source_digest import module_sources

PREFIX = "assay-files:v1:"
_INSTALLED = frozenset({"site-packages", "dist-packages"})


def embed_module(path: str | Path) -> str:
    """Gives a value for a `module_file` parameter that holds the module and what it imports from its folder.

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
    """The top-level packages that modules import, and that only this machine has: name and place."""
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
    """Where a top-level package lies; nothing where there is none, or it is part of the interpreter."""
    try:
        found = importlib.util.find_spec(name)
    except (ImportError, ValueError):
        return ""
    places = [found.origin, *(found.submodule_search_locations or ())] if found else []
    return next((place for place in places if place and Path(place).exists()), "")


def embed_file(path: str | Path) -> str:
    """Gives a value for a parameter that takes a small file.

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
    """Tells whether a parameter's value holds files."""
    return isinstance(value, str) and value.startswith(PREFIX)


def unpack(value: str, folder: Path) -> Path:
    """Writes the files of an embedded value below `folder`, and gives the path of the one that was named.

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
            raise UsageError("kfp.embedded_path", f"An embedded file wants to lie outside of its folder: {name}.")
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    return folder / named
