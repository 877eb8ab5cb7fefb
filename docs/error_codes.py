"""Every error of the package, read from its source: code, class, message and hint. Nothing is imported or run."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

# What is made with a code, a message and a hint, and what stands before the code where it is raised.
PREFIXES = {
    "AssayError": "",
    "UsageError": "",
    "ArtifactError": "",
    "DataError": "",
    "EngineError": "",
    "LineageError": "",
    "UserCodeError": "",
    "LintFinding": "eval_config.",
}


@dataclass(frozen=True, order=True, slots=True)
class ErrorCode:
    """One place where an error is made.

    Attributes:
        code: The code; a part that the source computes is `*`.
        kind: The error's class.
        message: The message, with `{name}` where a value is put in; empty where all of it is computed.
        hint: The hint, likewise.
        place: Path of the module, relative to the package.
    """

    code: str
    kind: str
    message: str
    hint: str
    place: str


def error_codes(package: Path) -> list[ErrorCode]:
    """Return every error that a package makes, by code."""
    found = {
        error
        for path in package.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in PREFIXES
        for error in _errors(node, node.func.id, path.relative_to(package).as_posix())
    }
    return sorted(found)


def _errors(call: ast.Call, kind: str, place: str) -> Iterator[ErrorCode]:
    given = dict(zip(("code", "message", "hint"), call.args, strict=False))
    given |= {keyword.arg: keyword.value for keyword in call.keywords if keyword.arg is not None}
    for code in _codes(given.get("code")):
        yield ErrorCode(PREFIXES[kind] + code, kind, _text(given.get("message")), _text(given.get("hint")), place)


def _codes(node: ast.expr | None) -> Iterator[str]:
    """The codes that an expression can have; none where another error's code is passed on."""
    match node:
        case ast.Constant(value=str(code)):
            yield code
        case ast.IfExp():
            yield from _codes(node.body)
            yield from _codes(node.orelse)
        case ast.JoinedStr():
            code = "".join(str(part.value) if isinstance(part, ast.Constant) else "*" for part in node.values)
            if code.strip("*."):
                yield code


def _text(node: ast.expr | None) -> str:
    """The text of an expression, with the names of what is put in between braces."""
    match node:
        case None:
            return ""
        case ast.Constant(value=value):
            return str(value)
        case ast.JoinedStr():
            return "".join(_text(part) for part in node.values)
        case ast.FormattedValue():
            return f"{{{_name(node.value)}}}"
        case ast.BinOp(op=ast.Add()):
            return _text(node.left) + _text(node.right)
        case ast.IfExp():
            return " / ".join(filter(None, (_text(node.body), _text(node.orelse))))
        case _:
            name = _name(node)
            return "" if name == "…" else f"{{{name}}}"


def _name(node: ast.expr) -> str:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case ast.Subscript():
            return _name(node.value)
        case _:
            return "…"
