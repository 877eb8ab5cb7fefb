"""The errors that tests expect: their codes and what they name; architecture/messages.txt has their words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from fnmatch import fnmatchcase

import pytest

from assay.errors import AssayError


@contextmanager
def raises(
    code: str, *named: object, kind: type[AssayError] = AssayError
) -> Iterator[pytest.ExceptionInfo[AssayError]]:
    """Expect an error of our own.

    Args:
        code: Its code, such as `csv.ragged_row`; `csv.*` where chance decides which.
        named: What its message or its hint must name: files, columns, values, as whole words.
        kind: Its class, for codes that are put together at run time; the snapshot has the class of every other code.
    """
    __tracebackhide__ = True
    with pytest.raises(kind, match=r"\w") as caught:
        yield caught
    error = caught.value
    assert fnmatchcase(error.code, code), f"expected {code}, got {error.code}: {error}"
    unnamed = [name for name in map(str, named) if not re.search(rf"(?<!\w){re.escape(name)}(?!\w)", str(error))]
    assert not unnamed, f"{unnamed} not in: {error}"
