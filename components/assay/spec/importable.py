"""A folder that is importable for as long as a block runs, and what is imported from it kept apart."""

from __future__ import annotations

import importlib
import sys
from contextlib import contextmanager
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
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import CodeType, ModuleType


class FromSource(SourceFileLoader):
    """Compiles a file whenever it is loaded: Python's cache takes an edit of the same size and second for none."""

    def get_code(self, fullname: str) -> CodeType:  # noqa: ARG002 - the import system's signature
        """Gives the code of the file as it is now."""
        return self.source_to_code(self.get_data(self.path), self.path)


# As Python's own, but for source.
_LOADERS = (
    (ExtensionFileLoader, EXTENSION_SUFFIXES),
    (FromSource, SOURCE_SUFFIXES),
    (SourcelessFileLoader, BYTECODE_SUFFIXES),
)


@contextmanager
def importable(folder: Path | None, neighbours: dict[str, ModuleType]) -> Iterator[None]:
    """Makes a folder importable, with `neighbours` as what is loaded from it; gathers what is imported from it."""
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
    """The top-level names of loaded modules under which the folder holds a module or a package.

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
    """Tells whether a loaded module stands in the way of one of the same name in the folder."""
    has_file = isinstance(getattr(module, "__file__", None), str)
    return has_file and name != "__main__" and not _lies_in(module, name, folder)


def _lies_in(module: ModuleType, name: str, folder: Path) -> bool:
    """Tells whether a module is what `import name` finds when the folder is first on the path."""
    file = getattr(module, "__file__", None)
    if not isinstance(file, str) or not Path(file).is_relative_to(folder):
        return False
    top = name.partition(".")[0]
    return Path(file).relative_to(folder).parts[0] in {top, f"{top}.py"}
