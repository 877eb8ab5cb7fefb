"""User code: loading it by path or by dotted name, running it, and showing its own traceback when it raises.

A module file is loaded under a name of its own, with its folder importable while it loads and while it runs. The
modules that it imports from that folder are kept apart as well, so that two pipelines in one process may both have a
`taxi_utils.py` beside a `features.py`.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.machinery import (
    BYTECODE_SUFFIXES,
    EXTENSION_SUFFIXES,
    SOURCE_SUFFIXES,
    ExtensionFileLoader,
    FileFinder,
    SourceFileLoader,
    SourcelessFileLoader,
)
from pathlib import Path
from threading import Lock
from traceback import StackSummary, TracebackException
from types import ModuleType
from typing import TYPE_CHECKING, Any, TextIO

from assay.errors import AssayError, UsageError, UserCodeError, did_you_mean, missing_package

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from types import CodeType


class FromSource(SourceFileLoader):
    """Compiles a file whenever it is loaded: Python's cache takes an edit of the same size and second for none."""

    def get_code(self, fullname: str) -> CodeType:  # noqa: ARG002 - the import system's signature
        """Return the code of the file as it is now."""
        return self.source_to_code(self.get_data(self.path), self.path)


# As Python's own, but for source.
_LOADERS = (
    (ExtensionFileLoader, EXTENSION_SUFFIXES),
    (FromSource, SOURCE_SUFFIXES),
    (SourcelessFileLoader, BYTECODE_SUFFIXES),
)


@contextmanager
def importable(folder: Path | None, neighbours: dict[str, ModuleType]) -> Iterator[None]:
    """Make a folder importable, with `neighbours` already loaded from it; collect what is imported from it."""
    if folder is None:
        yield
        return
    beside = _loaded_names_in(folder)
    hidden = {
        name: module
        for name, module in sys.modules.items()
        if name.partition(".")[0] in beside and _hides(name, module, folder)
    }
    for name in hidden:
        del sys.modules[name]
    before = set(sys.modules)
    sys.modules.update(neighbours)
    sys.path.insert(0, str(folder))
    importlib.invalidate_caches()
    finders, place = sys.path_importer_cache, str(folder)
    earlier = finders.pop(place, None)
    finders[place] = FileFinder(place, *_LOADERS)
    try:
        yield
    finally:
        sys.path.remove(str(folder))
        finders.pop(place, None)
        if earlier is not None:
            finders[place] = earlier
        for name in sys.modules.keys() - before:
            if _lies_in(sys.modules[name], name, folder):
                neighbours[name] = sys.modules.pop(name)
        sys.modules.update(hidden)


def _loaded_names_in(folder: Path) -> set[str]:
    """Return the top-level names of loaded modules under which the folder holds a module or a package.

    One listing answers for all names but a few: with TensorFlow there are thousands of modules, and a step asks twice.
    """
    try:
        listed = {entry.stem if entry.suffix == ".py" else entry.name for entry in folder.iterdir()}
    except OSError:
        return set()
    loaded = {name.partition(".")[0] for name in sys.modules}
    return {
        name
        for name in listed & loaded
        if (folder / f"{name}.py").is_file() or (folder / name / "__init__.py").is_file()
    }


def _hides(name: str, module: ModuleType, folder: Path) -> bool:
    """Return whether a loaded module shadows one of the same name in the folder."""
    has_file = isinstance(getattr(module, "__file__", None), str)
    return has_file and name != "__main__" and not _lies_in(module, name, folder)


def _lies_in(module: ModuleType, name: str, folder: Path) -> bool:
    """Return whether a module is what `import name` finds when the folder is first on the path."""
    file = getattr(module, "__file__", None)
    if not isinstance(file, str) or not Path(file).is_relative_to(folder):
        return False
    top = name.partition(".")[0]
    return Path(file).relative_to(folder).parts[0] in {top, f"{top}.py"}


_ASSAY = str(Path(__file__).resolve().parents[1])
_STANDARD_LIBRARY = Path(importlib.__file__).parents[1]
# Frames of these packages above the user's first frame say how assay came there, which is of no use to the user.
_OUTER_PACKAGES = ("tensorflow", "tensorflow_transform", "apache_beam", "keras", "tf_keras", "tfx_bsl")


@dataclass(frozen=True, slots=True)
class _LoadedModule:
    """A module file that was loaded, and the modules that came from its folder.

    Attributes:
        module: The user's module.
        neighbours: Modules from the same folder, by the name under which the module imports them.
        digests: SHA-256 of each of these files when they were loaded.
    """

    module: ModuleType
    neighbours: dict[str, ModuleType]
    digests: dict[Path, str]

    def is_current(self) -> bool:
        """Return whether no file changed since."""
        return all(path.is_file() and _digest(path) == digest for path, digest in self.digests.items())


# Modules stay loaded for the life of the process, as imports do: Transform and Trainer of one pipeline then share one
# module, and Keras objects that it registers are registered once.
_loaded: dict[Path, _LoadedModule] = {}
_printing = Lock()
_streams: list[TextIO] = []  # the process's standard output, and one entry for each block that is open


def check_place(arguments: Mapping[str, Any], name: str) -> None:
    """Check that a component is given exactly one of a module file and a dotted name, as far as they are known.

    Args:
        arguments: What a component's `check` is given; an argument that only the run will know is not among them.
        name: The function, and the argument that takes its dotted name.

    Raises:
        UsageError: If both are given, or neither.
    """
    if "module_file" in arguments and name in arguments:
        _check_one_place(arguments["module_file"], arguments[name], name)


def _check_one_place(module_file: object, dotted: object, name: str) -> None:
    if (module_file is None) == (dotted is None):
        given = "both" if module_file is not None else "neither"
        raise UsageError(
            "user_code.place", f"Expected exactly one of module_file and {name} (a dotted name), got {given}."
        )


def load_function(module_file: str | Path | None, dotted: str | None, name: str) -> Callable[..., Any]:
    """Find a user's function in a file, or by its dotted name.

    Args:
        module_file: Path of a Python file that defines `name`.
        dotted: `package.module.function`, where the function is importable as it stands.
        name: The function to find in `module_file`, such as `run_fn`.

    Raises:
        UsageError: If not exactly one of the two places is given, it is not there, or it holds no such function.
        UserCodeError: If the module raises while it is imported.
    """
    _check_one_place(module_file, dotted, name)
    if module_file is not None:
        module, place = _load_file(Path(module_file)), str(module_file)
    else:
        place, _, name = (dotted or "").rpartition(".")
        module = _import_dotted(place, name)
    function = getattr(module, name, None)
    if not callable(function):
        functions = [key for key, value in vars(module).items() if callable(value) and not key.startswith("_")]
        raise UsageError("user_code.no_function", f"{place} has no function '{name}'.", did_you_mean(name, functions))
    return function  # type: ignore[no-any-return]  # a user's attribute; callable() was asked above


def modules_of(module_file: str | Path) -> tuple[ModuleType, ...]:
    """Return the module that a file was loaded as, and those that it imported from its folder.

    Other processes cannot import them by name: their functions have to be sent there by value.
    """
    loaded = _loaded.get(Path(module_file).resolve())
    return (loaded.module, *loaded.neighbours.values()) if loaded is not None else ()


@contextmanager
def run_user_code(what: str, module_file: str | Path | None = None) -> Iterator[None]:
    """Run a block that calls user code; what it raises becomes a UserCodeError that shows the user's own frames.

    Errors of assay (for example a data file that cannot be read) pass as they are.

    Args:
        what: What runs, for the message, such as `run_fn`.
        module_file: The file that the code came from; its folder is importable inside the block.

    Raises:
        UserCodeError: If the block raises an Exception, or exits.
    """
    folder = Path(module_file).resolve().parent if module_file is not None else None
    loaded = _loaded.get(Path(module_file).resolve()) if module_file is not None else None
    try:
        with importable(folder, loaded.neighbours if loaded else {}), output_to_stderr():
            yield
    except AssayError:
        raise
    except (Exception, SystemExit) as error:
        raise _user_code_error(what, error, folder) from error


@contextmanager
def output_to_stderr() -> Iterator[None]:
    """Let what is printed inside go to standard error: standard output is for a command's result, such as its JSON.

    Blocks may overlap in several threads: the first to begin exchanges the stream and the last to end puts it back.
    """
    with _printing:
        if not _streams:
            _streams.append(sys.stdout)
            sys.stdout = sys.stderr
        _streams.append(sys.stderr)
    try:
        yield
    finally:
        with _printing:
            _streams.pop()
            if len(_streams) == 1:
                sys.stdout = _streams.pop()


def user_traceback(error: BaseException, folder: Path | None = None) -> str:
    """Return the traceback of `error` from the user's first frame down.

    Args:
        error: The error, with its causes; each is cut in the same way.
        folder: The folder of the user's files. Without it, the frames above the user's are known by the packages that
            they belong to.
    """
    rendered = TracebackException.from_exception(error, compact=True)
    _cut(rendered, folder)
    return "".join(rendered.format())


def _user_code_error(what: str, error: BaseException, folder: Path | None) -> UserCodeError:
    text = user_traceback(error, folder)
    stack = TracebackException.from_exception(error).stack
    own = [frame for frame in stack if _is_user_frame(frame.filename, folder)]
    place = f" ({own[-1].filename}, line {own[-1].lineno})" if own else ""
    if isinstance(error, SyntaxError) and error.filename:
        place = f" ({error.filename}, line {error.lineno})"
    reason = reason_of(error)
    detail = f": {reason}" if reason else ""
    missing = missing_package(what, error)
    return UserCodeError(
        "user_code.raised",
        f"{what} raised {type(error).__name__}{detail}{place}.",
        missing.hint if missing else "",
        user_traceback=text,
    )


def reason_of(error: BaseException) -> str:
    """Return the line of an error's text that says what happened.

    TensorFlow's texts begin with "Graph execution error:" and a traceback, and end with the node's name; what happened
    is between.
    """
    lines = [line.strip() for line in str(error).splitlines()]
    said = [line for line in lines if line and not line.startswith(("[[", "Stack trace for op", "Detected at node"))]
    if not (lines and lines[0].startswith("Graph execution error")):
        return said[-1] if said else ""
    return next((line for line in reversed(said) if not line.startswith("File ")), said[0])


def _cut(rendered: TracebackException, folder: Path | None) -> None:
    """Drop the frames above the user's first one, here and in the causes."""
    frames = list(rendered.stack)
    first = next((at for at, frame in enumerate(frames) if _is_user_frame(frame.filename, folder)), None)
    # Without a frame of the user's (a failure in a library's thread) only the last call says anything. A syntax error
    # names its file and line itself.
    kept = frames[-1:] if first is None else frames[first:]
    is_syntax_error = rendered.filename is not None if hasattr(rendered, "filename") else False
    rendered.stack = StackSummary.from_list([] if first is None and is_syntax_error else kept)
    for cause in (rendered.__cause__, rendered.__context__):
        if cause is not None:
            _cut(cause, folder)


def _is_user_frame(filename: str, folder: Path | None) -> bool:
    if filename.startswith((_ASSAY, "<")):
        return False
    path = Path(filename)
    is_installed = "site-packages" in path.parts
    if path.is_relative_to(_STANDARD_LIBRARY) and not is_installed:
        return False
    if folder is not None:
        return path.is_relative_to(folder) and not is_installed
    return not any(f"site-packages/{package}/" in path.as_posix() for package in _OUTER_PACKAGES)


def _load_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise UsageError("user_code.no_file", f"Expected a Python file at {path}; there is none.")
    path = path.resolve()
    known = _loaded.get(path)
    if known is not None and known.is_current():
        return known.module
    name = f"_assay_user_{hashlib.sha256(str(path).encode()).hexdigest()[:12]}_{path.stem}"
    loader = FromSource(name, str(path)) if path.suffix in SOURCE_SUFFIXES else None
    spec = importlib.util.spec_from_file_location(name, path, loader=loader)
    if spec is None or spec.loader is None:
        raise UsageError("user_code.not_python", f"{path} is not a Python file.", "Rename it so that it ends in .py.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # before it runs, as the import system does: dataclasses look their module up there
    neighbours: dict[str, ModuleType] = {}
    try:
        with run_user_code(f"Importing {path.name}"), importable(path.parent, neighbours):
            spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    files = {path} | {Path(neighbour.__file__) for neighbour in neighbours.values() if neighbour.__file__}
    _loaded[path] = _LoadedModule(module, neighbours, {file: _digest(file) for file in files})
    return module


def _import_dotted(module_name: str, name: str) -> ModuleType:
    if not module_name:
        raise UsageError("user_code.dotted", f"Expected a dotted name (package.module.{name}), got '{name}'.")
    try:
        with run_user_code(f"Importing {module_name}"):
            return importlib.import_module(module_name)
    except UserCodeError as error:
        cause = error.__cause__
        if isinstance(cause, ModuleNotFoundError) and cause.name and f"{module_name}.".startswith(f"{cause.name}."):
            raise UsageError(
                "user_code.no_module", f"No module named '{cause.name}'.", "Install it, or pass module_file."
            ) from None
        raise


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
