"""Hypothesis strategies for damaged files: bytes from nowhere, and valid files that were cut, flipped or spliced."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import strategies as st

CSV_BYTES = st.lists(
    st.sampled_from([b"a", b"1", b"-2", b"0.5", b"1e9", b",", b",", b"\n", b"\n", b"\r\n", b"\r", b'"', b'""', b" "])
    | st.sampled_from(
        [b"\xff", b"\x00", "é".encode(), b"nan", b"\t", b";", b"+5", b"9223372036854775808", b"\xef\xbb\xbf"]
    ),
    max_size=60,
).map(b"".join)


@st.composite
def damaged(draw: Callable[..., object], valid: st.SearchStrategy[bytes]) -> bytes:
    """A valid file after up to four accidents."""
    data = bytearray(draw(valid))  # type: ignore[call-overload]  # draw gives the strategy's type
    for _ in range(draw(st.integers(1, 4))):  # type: ignore[call-overload]  # draw gives the strategy's type
        at = draw(st.integers(0, max(len(data) - 1, 0)))
        accident = draw(st.sampled_from(["cut", "flip", "insert", "remove", "repeat"]))
        if accident == "cut":
            del data[at:]  # type: ignore[misc]  # at is an int
        elif accident == "flip" and data:
            data[at] ^= 1 << draw(st.integers(0, 7))  # type: ignore[index,operator]  # at is an int
        elif accident == "insert":
            data[at:at] = draw(st.binary(min_size=1, max_size=8))  # type: ignore[misc]  # at is an int
        elif accident == "remove":
            del data[at : at + draw(st.integers(1, 16))]  # type: ignore[operator,misc]  # at is an int
        else:
            data[at:at] = data[at : at + 32]  # type: ignore[operator,misc]  # at is an int
    return bytes(data)
