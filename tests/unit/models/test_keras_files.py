"""Keras files with several outputs: named by the keys that the model gives, or by the layers that end it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from assay.models.saved_model import load_python_model

pytestmark = pytest.mark.tensorflow
INCOME = np.array([[1.0], [2.0]], dtype=np.float32)


def outputs_of(path: Path, wanted: str) -> tuple[set[str], Any]:
    model = load_python_model(path)
    [(name, signature)] = model.signatures.items()
    return set(signature.outputs), model.call(name, {"income": INCOME}, [wanted])[wanted]


@pytest.mark.parametrize(
    ("shape", "names", "wanted", "place"),
    [("dict", {"x", "y"}, "y", "y"), ("list", {"u", "v"}, "v", 1), ("one", {"output"}, "output", None)],
)
def test_outputs_by_name(tmp_path: Path, shape: str, names: set[str], wanted: str, place: str | int | None) -> None:
    import keras

    income = keras.Input((1,), name="income")
    first, second = (keras.layers.Dense(1, name=name)(income) for name in "uv")
    made = {"dict": {"x": first, "y": second}, "list": [first, second], "one": [first]}[shape]
    model = keras.Model(income, made)
    model.save(tmp_path / "model.keras")
    found = model(INCOME)
    expected = found[place] if place is not None else found[0] if isinstance(found, list) else found
    known, given = outputs_of(tmp_path / "model.keras", wanted)
    assert known == names
    assert given == pytest.approx(np.asarray(expected), rel=1e-6)
