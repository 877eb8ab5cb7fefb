"""Formats one by one, and what the oracle tests do not reach."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from assay.kernels.statistics.generators.semantic_domains import FORMATS, format_of, formats_of, size_of
from raising import raises


@pytest.mark.parametrize("format_", FORMATS)
def test_what_a_format_writes_is_of_that_format(format_: str) -> None:
    text = datetime(2024, 11, 23, 17, 5, 9, 123, tzinfo=timezone.utc).strftime(format_)
    assert format_ in formats_of(text)
    assert formats_of(f"{text}x") == []


@pytest.mark.parametrize("text", ["", "text", "2024-13-41", "25:61", "\u0662\u0660:\u0660\u0661x", "1" * 100])
def test_what_is_no_time_is_of_no_format(text: str) -> None:
    assert formats_of(text) == []


def test_an_ambiguous_date_is_of_several_formats_in_order() -> None:
    found = formats_of("01/02/2024")
    assert found == sorted(found, key=FORMATS.index)
    assert {"%m/%d/%Y", "%d/%m/%Y"} <= set(found)


def test_images_are_told_by_their_first_bytes() -> None:
    assert [format_of(value) for value in (b"BM..", b"GIF89a", b"\xff\xd8\xff\xe0", b"\x89PNG", b"")] == [
        "bmp",
        "gif",
        "jpeg",
        "",
        "",
    ]


def test_a_broken_image_is_refused() -> None:
    with raises("statistics.image", "4"):
        size_of(b"BM..")
