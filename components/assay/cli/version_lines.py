"""The two lines of the TFX family that assay supports, as its distributions publish them.

`pyproject.toml` pins them for installers; this table is what a diagnosis compares with. A test holds the two together.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionLine:
    """One set of releases that work together.

    Attributes:
        name: What the line is called in messages.
        pythons: The Python versions that install it.
        glibc: The oldest glibc that its wheels accept.
        native: Distributions of which the data path loads single files.
        full: Further distributions that Transform, Trainer and Evaluator import.
        shared: Libraries that the line's native code or generated protos bind to.
        optional: Distributions that may be absent, but must fit where they are present.

    Each maps a distribution to the beginning of its version, or to several.
    """

    name: str
    pythons: tuple[tuple[int, int], ...]
    glibc: tuple[int, int]
    native: dict[str, tuple[str, ...]]
    full: dict[str, tuple[str, ...]]
    shared: dict[str, tuple[str, ...]]
    optional: dict[str, tuple[str, ...]]


LINES = (
    VersionLine(
        name="TFX 1.16",
        pythons=((3, 10), (3, 11)),
        glibc=(2, 17),
        native={"tensorflow-data-validation": ("1.16.",), "tfx-bsl": ("1.16.",), "tensorflow-metadata": ("1.16.",)},
        full={
            "tensorflow": ("2.16.",),
            "tensorflow-transform": ("1.16.",),
            "tensorflow-model-analysis": ("0.47.",),
            "tf-keras": ("2.16.",),
            "apache-beam": ("2.",),
            "pandas": ("1.",),
            "dill": ("0.",),
        },
        shared={"pyarrow": ("10.",), "protobuf": ("3.20.", "4."), "numpy": ("1.",)},
        optional={"kfp": ("2.13.",)},
    ),
    VersionLine(
        name="TFX 1.21",
        pythons=((3, 12), (3, 13)),
        glibc=(2, 39),
        native={"tensorflow-data-validation": ("1.21.",), "tfx-bsl": ("1.21.",), "tensorflow-metadata": ("1.21.",)},
        full={
            "tensorflow": ("2.21.",),
            "tensorflow-transform": ("1.21.",),
            "tensorflow-model-analysis": ("0.52.",),
            "tf-keras": ("2.21.",),
            "apache-beam": ("2.",),
            "pandas": ("2.",),
            "dill": ("0.",),
        },
        shared={"pyarrow": ("18.", "19.", "2"), "protobuf": ("6.",), "numpy": ("2.",)},
        optional={"kfp": ("2.16.",)},
    ),
)
