"""Read the YAML, JSON and text-proto files that people write: one loader, with limits, for the whole package.

A configuration is small and flat. A parser that follows whatever it finds overflows its stack on deep nesting, expands
aliases of aliases without end, or keeps the last of two equal keys in silence; here each of these is an error that
names the file and the line.
"""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import islice
from math import isinf
from typing import TYPE_CHECKING, Any, Final, TypeVar

from assay.errors import AssayError, UsageError, check_not_url

if TYPE_CHECKING:
    from pathlib import Path

    from google.protobuf.message import Message

M = TypeVar("M", bound="Message")

_PIECE_BYTES: Final = 1 << 20
MAX_CONFIG_BYTES: Final = 16 << 20
MAX_PROTO_BYTES: Final = 256 << 20
MAX_MESSAGE_BYTES: Final = (2 << 30) - 1  # protobuf's limit
MAX_DEPTH: Final = 100  # protobuf's own limit for messages
MAX_ALIASED_VALUES: Final = 100_000

# Texts are matched by runs: an alternative for each character would keep a state for each.
_JSON_BRACKETS: Final = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[{\[]|[}\]]', re.DOTALL)
_PROTO_BRACKETS: Final = re.compile(
    r'"[^"\\\n]*(?:\\.[^"\\\n]*)*"|' r"'[^'\\\n]*(?:\\.[^'\\\n]*)*'|" r"#[^\n]*|[{<]|[}>]"
)
_MALFORMED_SCALAR: Final = (ValueError, OverflowError, AttributeError, LookupError, TypeError)
"""What PyYAML's constructors raise for a scalar that its tag or its pattern does not fit, such as 2024-13-45."""


class _MalformedError(ValueError):
    """A value that JSON's grammar allows and that cannot be read, or would be read in silence as another."""


def read_text(
    path: Path, what: str, *, code: str, limit: int = MAX_CONFIG_BYTES, refusal: type[AssayError] = UsageError
) -> str:
    """Return the text of a UTF-8 file, with or without a byte order mark.

    A pipe of the shell (`<(command)`, `/dev/stdin`) is read once; a named pipe or a device is an error, because reading
    it may never end.

    Args:
        path: The file.
        what: What the file is, for messages, such as `an eval_config`.
        code: The code of the error.
        limit: The maximum size in bytes.
        refusal: The class of the error.

    Raises:
        AssayError: The file is missing, too large, not a regular file, or not UTF-8.
    """
    content = read_bytes(path, what, code=code, limit=limit, refusal=refusal)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise refusal(
            code,
            f"{path} is not UTF-8 text (byte {error.start}); expected {what}.",
            "Convert the file: iconv -f UTF-16 -t UTF-8 (or the encoding that it has)."
            if content[:2] in {b"\xff\xfe", b"\xfe\xff"}
            else "Check that it is the right file.",
        ) from error


def read_bytes(
    path: Path, what: str, *, code: str, limit: int = MAX_MESSAGE_BYTES, refusal: type[AssayError] = UsageError
) -> bytes:
    """Return the content of a file, as `read_text` does."""
    try:
        mode = path.stat().st_mode
        of_the_shell = stat.S_ISFIFO(mode) and os.path.realpath(path).startswith("/proc/")
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode) or of_the_shell):
            raise refusal(code, f"{path} is not a regular file; expected {what}.", "Write it to a file first.")
        with path.open("rb") as stream:
            # Piece by piece: read() allocates what it is asked for, however little there is.
            content = b"".join(islice(iter(lambda: stream.read(_PIECE_BYTES), b""), limit // _PIECE_BYTES + 1))
    except (OSError, ValueError) as error:  # ValueError: a null character in the path
        check_not_url(path, f"The path of {what}")
        reason = getattr(error, "strerror", None) or error
        raise refusal(code, f"Could not read {what} at {path}: {reason}.", "Check the path.") from error
    if len(content) > limit:
        raise refusal(
            code, f"{path} is larger than {limit >> 20} MiB, the limit for {what}.", "Check that it is the right file."
        )
    return content


def parse_yaml(
    text: str,
    source: str,
    *,
    code: str,
    hint: str = "",
    refusal: type[AssayError] = UsageError,
    first_of_several: bool = False,
) -> Any:
    """Return the plain values of a YAML document.

    Args:
        text: The document.
        source: The name of its file, for messages.
        code: The code of the error.
        hint: The hint of the error.
        refusal: The class of the error.
        first_of_several: Accept a stream of several documents, and return the first.

    Raises:
        AssayError: The text is not YAML, has a key twice in one mapping, is nested more than `MAX_DEPTH` levels deep,
            or its aliases are cyclic or expand to more than `MAX_ALIASED_VALUES` values.
    """
    import yaml  # noqa: PLC0415 - most commands read no YAML

    loader = _yaml_loader()
    try:
        _check_yaml(yaml.parse(text, loader))
        if first_of_several:
            return next(iter(yaml.load_all(text, loader)), None)
        return yaml.load(text, loader)  # noqa: S506 - a safe loader
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"{source}, line {mark.line + 1}, column {mark.column + 1}" if mark else source
        problem = getattr(error, "problem", None) or " ".join(str(error).split())
        if problem.startswith("but "):
            problem = f"{getattr(error, 'context', '')}, {problem}"
        raise refusal(code, f"{place}: {problem}.", hint) from None


def parse_json(text: str, source: str, *, code: str, hint: str = "", refusal: type[AssayError] = UsageError) -> Any:
    """Return the plain values of a JSON document.

    Args:
        text: The document.
        source: The name of its file, for messages.
        code: The code of the error.
        hint: The hint of the error.
        refusal: The class of the error.

    Raises:
        AssayError: The text is not JSON, has a key twice in one object, is nested more than `MAX_DEPTH` levels deep, or
            holds a number or a character that cannot be represented.
    """
    _check_brackets(text, _JSON_BRACKETS, source, code, refusal)

    def refuse_repeated(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        fields = dict(pairs)
        if len(fields) < len(pairs):
            names = [name for name, _ in pairs]
            repeated = next(name for name in names if names.count(name) > 1)
            written = re.escape(json.dumps(repeated, ensure_ascii=False))
            lines = [_line(text, found.start()) for found in re.finditer(rf"{written}\s*:", text)]
            where = f" (it occurs on lines {', '.join(map(str, lines))})" if lines else ""
            raise _MalformedError(f"the key {repeated!r} is given twice in one object{where}")
        return fields

    try:
        plain = json.loads(text, object_pairs_hook=refuse_repeated, parse_int=_whole, parse_float=_fraction)
        if "\\u" in text:  # half of a surrogate pair is not a character: it could not be written anywhere
            json.dumps(plain, ensure_ascii=False).encode()
    except json.JSONDecodeError as error:
        raise refusal(code, f"{source}, line {error.lineno}, column {error.colno}: {error.msg}.", hint) from None
    except UnicodeEncodeError:
        raise refusal(code, f"{source}: a text contains half of a surrogate pair.", hint) from None
    except _MalformedError as error:
        raise refusal(code, f"{source}: {error}.", hint) from None
    return plain


def parse_text_proto(text: str, message: M, source: str, *, code: str, refusal: type[AssayError] = UsageError) -> M:
    """Parse a text proto into `message`, and return it.

    Args:
        text: The text proto.
        message: An empty message.
        source: The name of the file, for messages.
        code: The code of the error.
        refusal: The class of the error.

    Raises:
        AssayError: The text is not a text proto of this message, or is nested more than `MAX_DEPTH` levels deep; the
            message names the line and the column.
    """
    from google.protobuf import text_format  # noqa: PLC0415 - most commands read no text proto

    _check_brackets(text, _PROTO_BRACKETS, source, code, refusal)
    try:
        return text_format.Parse(text, message)
    except text_format.ParseError as error:
        line, column = error.GetLine(), error.GetColumn()
        place = f"{source}, line {line}, column {column}" if line else source
        reason = str(error).removeprefix(f"{line}:{column} : ")
        hint = f"The file must be a text proto of {message.DESCRIPTOR.full_name}."
        raise refusal(code, f"{place}: {reason}".rstrip(".") + ".", hint) from error
    except UnicodeDecodeError as error:  # an escape such as \377 in a field of text
        raise refusal(code, f"{source}: a text contains an escaped byte that is not UTF-8.") from error


def scalar_at(text: str, path: Sequence[str | int]) -> tuple[int, str]:
    """Return the line of a value in a YAML or JSON document, and the characters that are written there.

    Args:
        text: A document that [`parse_yaml`][...parse_yaml] or [`parse_json`][...parse_json] has read.
        path: Keys of mappings and indexes of lists. Where it leads nowhere, the last value on the way is returned.
    """
    import yaml  # noqa: PLC0415 - as above

    node: Any = yaml.compose(text, _yaml_loader())
    for step in path:
        if isinstance(node, yaml.MappingNode):
            below = next((value for key, value in node.value if key.value == str(step)), None)
            # `feature_values: {NO: x}` has a key that is read as a boolean: the mapping is the place.
        else:
            below = node.value[step] if isinstance(node, yaml.SequenceNode) and isinstance(step, int) else None
        if below is None:
            break
        node = below
    return node.start_mark.line + 1, str(node.value) if isinstance(node, yaml.ScalarNode) else ""


@cache
def _yaml_loader() -> Any:
    """Return YAML's safe loader, whose malformed scalars are errors with a place."""
    import yaml  # noqa: PLC0415 - as above

    safe_loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times as fast, where PyYAML has its C part

    class Loader(safe_loader):  # type: ignore[misc]  # one of the two
        def construct_object(self, node: Any, deep: bool = False) -> Any:  # noqa: FBT001, FBT002 - PyYAML's signature
            try:
                value = super().construct_object(node, deep=deep)
            except _MALFORMED_SCALAR as error:
                raise yaml.constructor.ConstructorError(
                    None, None, f"{_shown(node.value)} cannot be read: {_shown(str(error))}", node.start_mark
                ) from None
            if isinstance(value, float) and isinf(value) and "inf" not in node.value.lower():
                raise yaml.constructor.ConstructorError(
                    None, None, f"the number {_shown(node.value)} is too large for a double", node.start_mark
                )
            return value

    return Loader


def _check_yaml(events: Iterable[Any]) -> None:
    """Raise a ConstructorError for depth, repeated keys, and aliases that are cyclic or expand to too much.

    It looks at the parser's events, since composing or constructing the values is what would overflow.
    """
    import yaml  # noqa: PLC0415 - as above

    check = _YamlCheck()
    for event in events:
        problem = ""
        if isinstance(event, yaml.DocumentStartEvent):
            check = _YamlCheck()
        elif isinstance(event, yaml.CollectionStartEvent):
            problem = check.open(event.anchor, is_mapping=isinstance(event, yaml.MappingStartEvent))
        elif isinstance(event, yaml.CollectionEndEvent):
            check.close()
        elif isinstance(event, yaml.ScalarEvent):
            problem = check.scalar(event.anchor, event.value)
        elif isinstance(event, yaml.AliasEvent):
            problem = check.alias(event.anchor or "")
        if problem:
            raise yaml.constructor.ConstructorError(None, None, problem, event.start_mark)


@dataclass(slots=True)
class _Collection:
    anchor: str | None
    keys: set[str] | None  # of a mapping
    expects_key: bool = True
    size: int = 1  # values in it, aliases expanded


@dataclass(slots=True)
class _YamlCheck:
    """What is open and what was seen of one document; each method returns a problem, or an empty text."""

    collections: list[_Collection] = field(default_factory=list)
    sizes: dict[str, int] = field(default_factory=dict)  # of what each anchor names; 0 while that is open
    aliased: int = 0

    def open(self, anchor: str | None, *, is_mapping: bool) -> str:
        if len(self.collections) >= MAX_DEPTH:
            return f"the document is nested more than {MAX_DEPTH} levels deep"
        self._node()
        if anchor is not None:
            self.sizes[anchor] = 0
        self.collections.append(_Collection(anchor, set() if is_mapping else None))
        return ""

    def close(self) -> None:
        closed = self.collections.pop()
        if closed.anchor is not None:
            self.sizes[closed.anchor] = closed.size
        if self.collections:
            self.collections[-1].size += closed.size

    def scalar(self, anchor: str | None, text: str) -> str:
        if anchor is not None:
            self.sizes[anchor] = 1
        if self._node(1):
            keys = self.collections[-1].keys
            if keys is None or text in keys:
                return f"the key '{_shown(text)}' is given twice"
            keys.add(text)
        return ""

    def alias(self, anchor: str) -> str:
        size = self.sizes.get(anchor, 1)  # an unknown anchor is an error of the composer
        if not size:
            return f"the alias *{anchor} refers to the collection that contains it"
        self._node(size)
        self.aliased += size
        if self.aliased > MAX_ALIASED_VALUES:
            return f"the aliases of this document expand to more than {MAX_ALIASED_VALUES:,} values"
        return ""

    def _node(self, size: int = 0) -> bool:
        """Add a node to the innermost collection; return whether it is a key there."""
        if not self.collections:
            return False
        inner = self.collections[-1]
        inner.size += size
        is_key = inner.keys is not None and inner.expects_key
        inner.expects_key = not inner.expects_key
        return is_key


def _check_brackets(text: str, tokens: re.Pattern[str], source: str, code: str, refusal: type[AssayError]) -> None:
    """Refuse text that is nested too deeply, before a recursive parser reads it."""
    depth = 0
    for token in tokens.finditer(text):
        if token[0] in "{[<":
            depth += 1
            if depth > MAX_DEPTH:
                raise refusal(
                    code,
                    f"{source}, line {_line(text, token.start())}: nested more than {MAX_DEPTH} levels deep.",
                    "Check that it is the right file.",
                )
        elif token[0] in "}]>":
            depth -= 1


def _whole(digits: str) -> int:
    try:
        return int(digits)
    except ValueError:  # Python refuses to convert more than 4,300 digits
        raise _MalformedError(f"the number {_shown(digits)} has {len(digits):,} digits") from None


def _fraction(digits: str) -> float:
    value = float(digits)
    if isinf(value):
        raise _MalformedError(f"the number {_shown(digits)} is too large for a double")
    return value


def _line(text: str, offset: int) -> int:
    return text.count("\n", 0, offset) + 1


def _shown(value: object, width: int = 60) -> str:
    text = str(value)
    return text if len(text) <= width else text[: width - 1] + "…"
