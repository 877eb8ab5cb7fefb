"""Digests of user code: a module file together with the modules beside it that it imports."""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from assay.errors import UsageError


def module_sources(path: Path) -> dict[str, bytes]:
    """The source of a module file and, recursively, of the modules in its folder that it imports.

    Args:
        path: The module's file.

    Returns:
        Source by path relative to the module's folder.

    Raises:
        UsageError: If the file does not exist.
    """
    if not path.is_file():
        raise UsageError("user_module.missing", f"Expected a Python module at {path}; there is no such file.")
    folder = path.resolve().parent
    sources: dict[str, bytes] = {}
    pending = [path.resolve()]
    while pending:
        current = pending.pop()
        name = current.relative_to(folder).as_posix()
        if name in sources:
            continue
        sources[name] = current.read_bytes()
        pending += list(_local_imports(sources[name], folder))
    return sources


def _local_imports(source: bytes, folder: Path) -> Iterator[Path]:
    """The files in `folder` that a module's import statements name; a module that does not parse imports nothing."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return
    for statement in ast.walk(tree):
        if isinstance(statement, ast.Import):
            names = [alias.name for alias in statement.names]
        elif isinstance(statement, ast.ImportFrom):
            base = statement.module or ""
            names = [base, *(f"{base}.{alias.name}".strip(".") for alias in statement.names)]
        else:
            continue
        for name in filter(None, names):
            target = folder.joinpath(*name.split("."))
            for candidate in (target.with_suffix(".py"), target / "__init__.py"):
                if candidate.is_file():
                    yield candidate.resolve()


def module_digest(path: Path) -> str:
    """The digest of a module file and of what it imports from its own folder."""
    digest = hashlib.sha256()
    for name, source in sorted(module_sources(path).items()):
        digest.update(f"{name}\0{len(source)}\0".encode())
        digest.update(source)
    return "sha256:" + digest.hexdigest()


def dotted_digest(dotted: str) -> str:
    """The digest of the module that a dotted path such as `package.module.function` names, without importing it.

    Raises:
        UsageError: If there is no such module.
    """
    parts = dotted.split(".")
    for length in range(len(parts) - 1, 0, -1):
        name = ".".join(parts[:length])
        loaded = sys.modules.get(name)
        origin = getattr(loaded, "__file__", None)
        if origin is None:
            try:
                found = importlib.util.find_spec(name)
            except (ImportError, ValueError):
                continue
            origin = found.origin if found else None
        if origin and origin.endswith(".py"):
            return module_digest(Path(origin))
    raise UsageError(
        "user_function.missing",
        f"No module can be found for '{dotted}'.",
        "Give package.module.function, importable from where the pipeline runs.",
    )


def function_digest(function: Callable[..., Any]) -> str:
    """The digest of the module that defines a function; of its code alone where it was typed in (a notebook)."""
    file = function.__code__.co_filename
    if Path(file).is_file():
        return module_digest(Path(file))
    code = function.__code__
    digest = hashlib.sha256(code.co_code)
    digest.update(repr((code.co_consts, code.co_names, function.__defaults__, function.__kwdefaults__)).encode())
    return "sha256:" + digest.hexdigest()
