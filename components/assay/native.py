"""Loads tfx_bsl's C++ core without its Python package.

Importing `tfx_bsl` imports TensorFlow and Beam, which takes 10 to 15 seconds. What assay needs of it is an extension
module, which loads by file path in milliseconds. It is registered in `sys.modules` under its full name, so that a later
import of the package shares it: a pybind11 class cannot be registered twice in one process.

An extension that was already imported is used as it is; where loading by path fails, the package's own import is tried.
"""

from __future__ import annotations

import atexit
import sys
from functools import cache
from importlib import import_module
from importlib.machinery import EXTENSION_SUFFIXES, ExtensionFileLoader, PathFinder, SourceFileLoader
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

from assay.errors import UsageError

_TFX_BSL = "tfx_bsl.cc.tfx_bsl_extension"

_DISTRIBUTIONS = {
    "tfx_bsl": "tfx-bsl",
}


# These give `Any`: none of the modules has type stubs.
@cache
def sketches() -> Any:
    """tfx_bsl's sketches: `QuantilesSketch`, `KmvSketch` and `MisraGriesSketch`; they release the GIL."""
    return _load(_TFX_BSL).sketches


@cache
def coders() -> Any:
    """tfx_bsl's coders between serialised `tf.Example`s and Arrow record batches."""
    return _load(_TFX_BSL).coders


@cache
def end_tensorflow_quietly() -> None:
    """Keep TensorFlow's functions from complaining when the interpreter ends.

    A function that is still alive then takes itself out of a table of its module, which Python has emptied before, and
    prints "Exception ignored in AtomicFunction.__del__" after the user's last line. There is nothing left to tidy.
    """
    atexit.register(_forget_functions)


def _forget_functions() -> None:
    functions = sys.modules.get("tensorflow.python.eager.polymorphic_function.atomic_function")
    if functions is not None and "__del__" in vars(functions.AtomicFunction):
        del functions.AtomicFunction.__del__


def _load(name: str) -> ModuleType:
    if name in sys.modules:
        return sys.modules[name]
    file = _find(name)
    try:
        return _load_file(name, file)
    except ImportError:
        # A build whose module depends on its package: slower, but it works.
        sys.modules.pop(name, None)
        return import_module(name)


def _find(name: str) -> Path:
    """Find a module's file inside an installed package, without running any `__init__`."""
    top, *folders, stem = name.split(".")
    spec = PathFinder.find_spec(top)
    if spec is None or not spec.submodule_search_locations:
        distribution = _DISTRIBUTIONS[top]
        raise UsageError(
            "native.not_installed",
            f"assay needs the package {distribution}, which is not installed in this environment.",
            f"Run: pip install {distribution}",
        )
    candidates = [
        Path(location, *folders, stem + suffix)
        for location in spec.submodule_search_locations
        for suffix in (*EXTENSION_SUFFIXES, ".py")
    ]
    for candidate in candidates:
        if candidate.is_file():
            return candidate
    raise UsageError(
        "native.incomplete",
        f"The installed {_DISTRIBUTIONS[top]} has no file for {name}; looked in {candidates[0].parent}.",
        f"Run: pip install --force-reinstall --no-deps {_DISTRIBUTIONS[top]}",
    )


def _load_file(name: str, file: Path) -> ModuleType:
    loader_type = SourceFileLoader if file.suffix == ".py" else ExtensionFileLoader
    loader = loader_type(name, str(file))
    spec = spec_from_file_location(name, file, loader=loader)
    if spec is None:
        raise ImportError(name)
    module = module_from_spec(spec)
    sys.modules[name] = module
    loader.exec_module(module)
    return module
