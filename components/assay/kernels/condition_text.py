"""The syntax of conditions that people write on a command line or in a file: a part of Python's, with limits."""

from __future__ import annotations

import ast
from typing import Final

_MAX_CHARACTERS: Final = 100_000
_MAX_DEPTH: Final = 100


def parse_condition(text: str) -> ast.expr:
    """Return the syntax tree of an expression.

    Raises:
        ValueError: The text is not an expression, is too long or nested too deeply to be evaluated, or has a number
            that is too large for a double. The message says which.
    """
    if len(text) > _MAX_CHARACTERS:
        raise ValueError(f"it has {len(text):,} characters; at most {_MAX_CHARACTERS:,} are allowed")
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except SyntaxError as error:
        raise ValueError(str(error)) from error
    except (RecursionError, MemoryError):  # how CPython's parser reports nesting
        raise ValueError(f"it is nested more than {_MAX_DEPTH} levels deep") from None
    level: list[ast.AST] = [tree]
    for _ in range(_MAX_DEPTH):
        for node in level:
            if isinstance(node, ast.Constant) and isinstance(node.value, int):
                _check_number(node.value)
        level = [child for node in level for child in ast.iter_child_nodes(node)]
        if not level:
            return tree
    raise ValueError(f"it is nested more than {_MAX_DEPTH} levels deep")


def _check_number(value: int) -> None:
    try:
        float(value)
    except OverflowError:
        raise ValueError(f"a number of {len(str(value))} digits is too large for a double") from None
