"""Where artifacts lie, written so that a root folder can be moved with everything in it."""

from __future__ import annotations

import os
from pathlib import Path


def stored_uri(location: str | Path, root: Path) -> str:
    """Gives the form that the store keeps: relative to `root` where it lies below it, else absolute; URLs as they are.

    Symbolic links are followed, so that one folder has one form whichever way a user reaches it.
    """
    text = str(location)
    if "://" in text:
        return text
    path = Path(os.path.realpath(text))
    real_root = os.path.realpath(root)
    return (path.relative_to(real_root) if path.is_relative_to(real_root) else path).as_posix()


def location_of(uri: str, root: Path) -> str:
    """Gives the absolute path, or the URL, of a stored uri."""
    return uri if "://" in uri else str(root / uri)
