"""Formats and sizes of images in bytes."""

from __future__ import annotations

from io import BytesIO

from assay.errors import DataError, UsageError

_SIGNATURES = {
    "bmp": b"BM",
    "gif": b"GIF8",
    "jpeg": b"\xff\xd8\xff",
    "png": b"\x89PNG\r\n\x1a\n",
}
"""The first bytes of each format that TFDV knows (https://en.wikipedia.org/wiki/List_of_file_signatures)."""


def format_of(value: bytes) -> str:
    """Gives the image's format, told by its first bytes; empty if it is none."""
    return next((name for name, signature in _SIGNATURES.items() if value.startswith(signature)), "")


def size_of(value: bytes) -> tuple[int, int]:
    """Gives the width and height of an image, in pixels; only its header is read.

    Raises:
        UsageError: Pillow is not installed.
        DataError: The bytes begin like an image, but are none.
    """
    try:
        from PIL import Image, UnidentifiedImageError  # noqa: PLC0415  # only where images are asked for
    except ImportError as error:
        raise UsageError(
            "statistics.pillow", "The sizes of images need the package Pillow.", "Run: pip install pillow"
        ) from error
    try:
        with Image.open(BytesIO(value)) as image:
            width, height = image.size
    except (UnidentifiedImageError, OSError) as error:
        raise DataError("statistics.image", f"A value of {len(value)} bytes begins like an image: {error}.") from error
    return int(width), int(height)
