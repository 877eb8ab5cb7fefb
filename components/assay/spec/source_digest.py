"""Digests of user code: a module file together with the modules beside it that it imports."""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import CodeType
from typing import Any

from assay.errors import UsageError, did_you_mean

_INSTALLED = frozenset({"site-packages", "dist-packages"})


def module_sources(path: Path, package: Path | None = None) -> dict[str, bytes]:
    """Return the source of a module file and, recursively, of the modules beside it that it imports.

    Args:
        path: The module's file.
        package: The folder of the top-level package that it is part of, of which every module counts; without one,
            the modules in its own folder do.

    Returns:
        Source by path, relative to the folder that absolute imports start from.

    Raises:
        UsageError: If the file does not exist, or it or a module beside it cannot be read.
    """
    if not path.is_file():
        found = "a folder" if path.is_dir() else "no such file"
        raise UsageError(
            "user_module.missing", f"Expected a Python module at {path}; there is {found}.", "Check the path."
        )
    start = path.resolve()
    folder = package.resolve().parent if package is not None else start.parent
    sources: dict[str, bytes] = {}
    pending = [start]
    while pending:
        current = pending.pop()
        name = current.relative_to(folder).as_posix()
        if name in sources:
            continue
        try:
            sources[name] = current.read_bytes()
        except OSError as error:
            raise UsageError("user_module.unreadable", f"{current} cannot be read: {error.strerror}.") from error
        pending += _local_imports(sources[name], current, folder, package)
    return sources


def check_module(path: Path, function: str) -> None:
    """Check by its syntax tree, without running it, that a module file is Python and defines a function.

    Args:
        path: The file.
        function: The function; none where empty.

    Raises:
        UsageError: It does not parse, or it certainly does not define the function.
    """
    try:
        tree = ast.parse(path.read_bytes(), filename=str(path))
    except (SyntaxError, ValueError) as error:  # ValueError: a null byte
        line = f", line {error.lineno}" if isinstance(error, SyntaxError) and error.lineno else ""
        reason = error.msg if isinstance(error, SyntaxError) else str(error)
        raise UsageError("user_module.syntax", f"{path}{line}: {reason}.", "Correct the file.") from None
    names = _names(tree)
    if function and function not in names and not names & _DYNAMIC:
        functions = [each.name for each in tree.body if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)]
        raise UsageError(
            "user_code.no_function", f"{path} has no function '{function}'.", did_you_mean(function, functions)
        )


_DYNAMIC = {"*", "__getattr__", "globals", "exec", "setattr", "vars", "modules"}
"""Names in a module that may define others when it is loaded."""


def _names(tree: ast.AST) -> set[str]:
    """Return every name that a module defines, imports or uses, at whatever depth."""
    found: set[str] = set()
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                found.add(name)
            case ast.Name(id=name) | ast.alias(asname=str(name)) | ast.alias(name=name) | ast.Attribute(attr=name):
                found.add(name)
            case _:
                pass
    return found


def _local_imports(source: bytes, path: Path, root: Path, package: Path | None) -> list[Path]:
    """Return the files below `root`, and in `package`, that a module imports; none if it does not parse."""
    found: list[Path] = []
    for statement in _imports(source):
        # One dot is the package of the module, which is its folder; each further dot is one folder up.
        start = path.parents[statement.level - 1] if statement.level else root
        if start == root or root in start.parents:
            found += _module_files(start, statement.names, None if statement.level else package)
    return found


@dataclass(frozen=True, slots=True)
class _Import:
    """One name that is imported.

    Attributes:
        names: The parts of its dotted name.
        level: The dots before it.
    """

    names: tuple[str, ...]
    level: int = 0


@lru_cache(maxsize=128)  # every step of a run asks for the same few files
def _imports(source: bytes) -> tuple[_Import, ...]:
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return ()
    found: list[_Import] = []
    for statement in ast.walk(tree):
        if isinstance(statement, ast.Import):
            found += [_Import(tuple(alias.name.split("."))) for alias in statement.names]
        elif isinstance(statement, ast.ImportFrom):
            base = statement.module.split(".") if statement.module else []
            found += [_Import((*base, alias.name), statement.level) for alias in statement.names]
    return tuple(found)


def _module_files(folder: Path, names: Sequence[str], package: Path | None) -> Iterator[Path]:
    """Return the files that importing `a.b.c` runs: the packages and the module; `c` may be a name in `b`."""
    # Packages installed side by side do not belong together, and the fingerprint has a library's version elsewhere.
    if folder.name in _INSTALLED or (package is not None and names[0] != package.name):
        return
    for name in names:
        module = folder / f"{name}.py"
        if module.is_file():
            yield module
            return
        folder /= name
        if (folder / "__init__.py").is_file():
            yield folder / "__init__.py"


def module_digest(path: Path, package: Path | None = None) -> str:
    """Return the digest of a module file and of what it imports from beside it; see `module_sources`."""
    digest = hashlib.sha256()
    for name, source in sorted(module_sources(path, package).items()):
        digest.update(f"{name}\0{len(source)}\0".encode())
        digest.update(source)
    return "sha256:" + digest.hexdigest()


def dotted_digest(dotted: str) -> str:
    """Return the digest of the module that a dotted path such as `package.module.function` names, without importing it.

    Raises:
        UsageError: If there is no such module.
    """
    parts = dotted.split(".")
    for length in range(len(parts) - 1, 0, -1):
        digest = _digest_by_name(".".join(parts[:length]))
        if digest is not None:
            return digest
    raise UsageError(
        "user_function.missing",
        f"No module can be found for '{dotted}'.",
        "Give package.module.function, importable from where the pipeline runs.",
    )


def module_name_digest(name: str) -> str:
    """Return the digest of a module by its dotted name, without importing it.

    Raises:
        UsageError: If there is no such module.
    """
    digest = _digest_by_name(name)
    if digest is None:
        raise UsageError(
            "user_module.not_found",
            f"No module '{name}' can be found.",
            "Give package.module, importable from where the pipeline runs.",
        )
    return digest


def _digest_by_name(name: str) -> str | None:
    """Return the digest of a module in Python that can be found under a name."""
    origin = getattr(sys.modules.get(name), "__file__", None)
    if origin is None:
        try:
            found = importlib.util.find_spec(name)
        except (ImportError, ValueError):
            return None
        origin = found.origin if found else None
    if not origin or not origin.endswith(".py"):
        return None
    return module_digest(Path(origin), _package_folder(Path(origin).resolve(), name))


def _package_folder(file: Path, module: str) -> Path | None:
    """Return the folder of the top-level package of a dotted module; None for one outside of any package."""
    names = [*module.split("."), *(["__init__"] if file.name == "__init__.py" else [])]
    is_its_file = file.with_suffix("").parts[-len(names) :] == tuple(names)
    return file.parents[len(names) - 2] if is_its_file and len(names) > 1 else None


def function_digest(function: Callable[..., Any]) -> str:
    """Return the digest of the module that defines a function; of its code alone where it was typed in (a notebook)."""
    file = function.__code__.co_filename
    if Path(file).is_file():
        return module_digest(Path(file), _package_folder(Path(file).resolve(), function.__module__))
    digest = hashlib.sha256()
    for line in _code_lines(function.__code__):
        digest.update(line.encode() + b"\n")
    digest.update(repr((function.__defaults__, function.__kwdefaults__)).encode())
    return "sha256:" + digest.hexdigest()


def _code_lines(code: CodeType) -> Iterator[str]:
    """Describe a function's code in text that is equal in every process (the repr of inner code has an address)."""
    yield code.co_code.hex()
    yield repr(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _code_lines(constant)
        elif isinstance(constant, frozenset):
            yield repr(sorted(map(repr, constant)))
        else:
            yield repr(constant)
