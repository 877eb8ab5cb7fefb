from __future__ import annotations

import pytest

from assay.kernels.statistics import SlicingSpec
from assay.kernels.statistics.slices.text import slicing_of_text
from raising import raises


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("city", SlicingSpec(feature_keys=("city",))),
        ("città nuova", SlicingSpec(feature_keys=("città nuova",))),
        ("city, hour", SlicingSpec(feature_keys=("city", "hour"))),
        ("city=Paris|Rome", SlicingSpec(feature_values={"city": ("Paris", "Rome")})),
        ("fare[10,20.5]", SlicingSpec(bins={"fare": (10.0, 20.5)})),
        ("start:month", SlicingSpec(periods={"start": "month"})),
        ("ns:city", SlicingSpec(feature_keys=("ns:city",))),
        ("fare > 10 and city in ('a', 'b')", SlicingSpec(where="fare > 10 and city in ('a', 'b')")),
        ("city == 'a, b'", SlicingSpec(where="city == 'a, b'")),
        ("city,fare[1],fare2 >= 1", SlicingSpec(feature_keys=("city",), bins={"fare": (1.0,)}, where="fare2 >= 1")),
        ("`a, b`", SlicingSpec(feature_keys=("a, b",))),
        ("`is it`:day,`x[1]`[2],`p=q`=r", SlicingSpec(
            periods={"is it": "day"}, bins={"x[1]": (2.0,)}, feature_values={"p=q": ("r",)}
        )),
    ],
)  # fmt: skip
def test_what_people_type(text: str, expected: SlicingSpec) -> None:
    assert slicing_of_text(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ("statistics.slice",)),
        ("a,,b", ("statistics.slice",)),
        ("fare[ten]", ("statistics.slice",)),
        ("fare[2,1]", ("statistics.slice",)),
        ("fare[1", ("statistics.slice", "fare[1")),
        ("a,a", ("statistics.slice",)),
        ("x > 1, y > 2", ("statistics.slice", "2")),
        ("`x` > 1", ("statistics.slice", "`x` > 1")),
    ],
)
def test_what_cannot_be_read(text: str, expected: tuple[str, ...]) -> None:
    with raises(*expected):
        slicing_of_text(text)
