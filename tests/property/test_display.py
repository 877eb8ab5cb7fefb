"""No two slices share a name, a name can be read back, and nothing that is shown is a control character."""

from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from assay.display import markdown_text, pair_name, pairs_named, slice_name, slices_named, visible

HOSTILE = st.sampled_from(
    [
        *("", "*", "a", "b", "=", "&", '"', "\\", " ", " vs ", "\n", "\r", "\x1b[31m", "\u202e", "\u2028", "\udcff"),
        *(
            "::error::x",
            "##vso[task.complete]",
            "\\u0023",
            "a=b&c=d",
            "Overall",
            "07",
            "7",
            "👩‍👩‍👧",
            "\x00",
            "\U000e0041",
        ),
    ]
)
TEXT = st.lists(HOSTILE | st.text(st.characters(), max_size=2), max_size=4).map("".join)
KEY = st.lists(st.tuples(TEXT, TEXT), max_size=3).map(tuple)


@given(KEY, KEY)
def test_the_name_of_a_slice_is_its_own_and_is_read_back(one: tuple[tuple[str, str], ...], other: object) -> None:
    name = slice_name(one)
    assert pairs_named(name) == one
    assert slices_named(name) == (name,)
    assert (name == slice_name(other)) == (one == other)  # type: ignore[arg-type]  # a key, as `one`


@given(KEY, KEY)
def test_the_name_of_a_pair_is_read_back(one: tuple[tuple[str, str], ...], other: tuple[tuple[str, str], ...]) -> None:
    first, second = slice_name(one), slice_name(other)
    assert slices_named(pair_name(first, second)) == (first, second)


@given(TEXT)
def test_what_is_shown_is_one_line_of_visible_characters(text: str) -> None:
    for shown in (visible(text), markdown_text(text), slice_name([(text, text)])):
        assert all(unicodedata.category(one)[0] not in "CZ" or one in " \u200c\u200d" for one in shown)
        assert not shown.lstrip().startswith("::")
        assert "##vso[" not in shown
        shown.encode()
    assert not any(line.lstrip().startswith("::") for line in visible(text, lines=True).splitlines())
