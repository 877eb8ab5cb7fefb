"""The training: the user's `run_fn`, called in this process with everything it may ask for."""

from __future__ import annotations

import random
import sys
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf

# Not used here. With it comes the choice of the Keras that `tf.keras` names (tf_keras, of which TFT's layers are made);
# importing it first makes that choice the same whatever the user's module imports first, and the same as in TFX.
import tensorflow_transform  # noqa: F401
from tensorflow.python.autograph.core import config as autograph_config

from assay.errors import ArtifactError
from assay.spec.user_code import load_function, run_user_code

if TYPE_CHECKING:
    from collections.abc import Iterator

    from assay.components.trainer.fn_args import FnArgs

# Distributions whose version changes what a training run gives, where they are installed.
_RECORDED = ("tensorflow", "keras", "tf-keras", "tensorflow-transform", "tfx-bsl", "numpy", "scikit-learn")


def train(fn_args: FnArgs, *, module_file: str | None, run_fn: str | None, seed: int) -> None:
    """Run the user's `run_fn` and check that it saved a model.

    Args:
        fn_args: What `run_fn` gets.
        module_file: The Python file that defines `run_fn`.
        run_fn: Its dotted name, where it is importable.
        seed: Seeds Python's, NumPy's and TensorFlow's generators.

    Raises:
        UserCodeError: If `run_fn` raises.
        ArtifactError: If it saves no model.
    """
    function = load_function(module_file, run_fn, "run_fn")
    _set_seeds(seed)
    place = module_file or str(run_fn)
    try:
        with _fast_tracing(), run_user_code(f"run_fn of {Path(place).name}", module_file):
            function(fn_args)
    finally:
        # Keras keeps the names and states of this run's layers for the whole process, which lives on.
        for name in ("keras", "tf_keras"):
            if name in sys.modules:
                sys.modules[name].backend.clear_session()
    _check_saved_model(Path(str(fn_args.serving_model_dir)), place)


@contextmanager
def _fast_tracing() -> Iterator[None]:
    """Keep autograph from rewriting the source of tf_keras itself while a model is traced.

    TensorFlow leaves the package `keras` alone, and knew Keras 2 by that name; it never learned the name tf_keras. The
    layers and models of user modules are converted as ever. It saves 15 of 38 seconds on TFX's taxi module, whose
    losses stay the same to the last digit.
    """
    rules = autograph_config.CONVERSION_RULES
    autograph_config.CONVERSION_RULES = (autograph_config.DoNotConvert("tf_keras"), *rules)
    try:
        yield
    finally:
        autograph_config.CONVERSION_RULES = rules


def _set_seeds(seed: int) -> None:
    """Seeds every generator that a module may use; Keras 3 has one of its own."""
    random.seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002  (the legacy generator is the one that user code draws from)
    tf.random.set_seed(seed)
    if "keras" in sys.modules:
        sys.modules["keras"].utils.set_random_seed(seed % 2**32)


def library_versions() -> dict[str, str]:
    """Return the installed versions of the libraries that a training run depends on."""
    versions = {}
    for name in _RECORDED:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    return versions


def _check_saved_model(folder: Path, place: str) -> None:
    if folder.is_dir() and any(path.is_file() for path in folder.rglob("*")):
        return
    elsewhere = sorted(str(path) for path in folder.parent.rglob("saved_model.pb")) if folder.parent.is_dir() else []
    found = f"found a model at {elsewhere[0]} instead" if elsewhere else "found nothing"
    raise ArtifactError(
        "trainer.no_model",
        f"run_fn of {place} returned without saving a model: expected one in fn_args.serving_model_dir ({folder}), "
        f"{found}.",
        "End run_fn with model.export(fn_args.serving_model_dir) or tf.saved_model.save(...).",
    )
