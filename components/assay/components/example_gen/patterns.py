"""Finds the files of a split by a pattern with `{SPAN}`, `{VERSION}` or a date in it.

A span is a period's data, a version one delivery of it. `{SPAN}` or `{VERSION}` stands for digits, `{SPAN:4}` for just
four. `{YYYY}`, `{MM}` and `{DD}` together stand for a date, whose span is the number of days since 1970-01-01. Without
a range the newest span is read, and of it the newest version.
"""

from __future__ import annotations

import glob
import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from assay.errors import DataError, UsageError, check_not_url, did_you_mean
from assay.files import shard_order

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from assay.components.example_gen.config import Input
    from assay.spec.resolver import RangeConfig

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_DATE_PARTS = {"YYYY": 4, "MM": 2, "DD": 2}
_KNOWN = ("SPAN", "VERSION", *_DATE_PARTS)
_EPOCH = date(1970, 1, 1)
_GLOB_TOKEN = re.compile(r"\*\*/|\*+|\?|\[[^\]]+\]|.", re.DOTALL)


@dataclass(frozen=True, slots=True)
class SplitFiles:
    """The files of one input split, sorted."""

    name: str
    files: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class ResolvedInput:
    """What a run reads: the files of each split, and their span and version.

    Attributes:
        splits: In the order of the input config.
        span: 0 where the patterns name none.
        version: None where the patterns name none.
    """

    splits: tuple[SplitFiles, ...]
    span: int = 0
    version: int | None = None

    @property
    def files(self) -> list[Path]:
        """All files, in order."""
        return [file for split in self.splits for file in split.files]


def resolve(input_base: Path, splits: Sequence[Input.Split], range_config: RangeConfig | None = None) -> ResolvedInput:
    """Find the files of each split.

    Args:
        input_base: The folder that the patterns are relative to.
        splits: Names and patterns; all with the same placeholders.
        range_config: Which span to read: a static range of one span, or a rolling range of one span.

    Raises:
        UsageError: A pattern or the range is wrong.
        DataError: A pattern matches nothing, or the splits' newest spans or versions differ.
    """
    if not input_base.is_dir():
        check_not_url(input_base, "input_base")
        raise DataError(
            "example_gen.no_input_base", f"Expected a folder at {input_base}; there is none.", "Check input_base."
        )
    patterns = [_Pattern.parse(split.pattern) for split in splits]
    _check_alike(splits, patterns)
    if not patterns[0].has_span:
        if range_config is not None:
            raise UsageError(
                "example_gen.range_without_span",
                f"range_config chooses a span, but the pattern '{splits[0].pattern}' has no {{SPAN}} and no date.",
            )
        found = [pattern.find(input_base).get((0, None), []) for pattern in patterns]
        for split, files in zip(splits, found, strict=True):
            if not files:
                raise _no_match(input_base, split)
        return ResolvedInput(tuple(_split_files(split, files) for split, files in zip(splits, found, strict=True)))
    candidates = [pattern.find(input_base) for pattern in patterns]
    chosen = [_choose(input_base, split, files, range_config) for split, files in zip(splits, candidates, strict=True)]
    for split, (span, version) in zip(splits, chosen, strict=True):
        if (span, version) != chosen[0]:
            raise DataError(
                "example_gen.spans_differ",
                f"The newest data of split '{splits[0].name}' is {_describe(*chosen[0])}, of split '{split.name}' "
                f"{_describe(span, version)}; all splits must be of one span and version.",
                "Wait until all splits are delivered, or choose a span with range_config.",
            )
    return ResolvedInput(
        tuple(_split_files(split, files[chosen[0]]) for split, files in zip(splits, candidates, strict=True)),
        *chosen[0],
    )


def find_spans(input_base: Path, pattern: str) -> dict[int, list[Path]]:
    """Return the files of every span that a pattern finds, each of its newest version.

    Raises:
        UsageError: The pattern is wrong, or names neither a span nor a date.
    """
    parsed = _Pattern.parse(pattern)
    if not parsed.has_span:
        raise UsageError(
            "example_gen.no_span_placeholder",
            f"'{pattern}' has no placeholder for the span.",
            "Add {SPAN}, or all of {YYYY}, {MM} and {DD}.",
        )
    newest: dict[int, list[Path]] = {}
    for (span, _), files in sorted(parsed.find(input_base).items(), key=lambda item: (item[0][0], item[0][1] or 0)):
        newest[span] = files
    return newest


_Key: TypeAlias = "tuple[int, int | None]"
"""Span and version."""


@dataclass(frozen=True, slots=True)
class _Pattern:
    text: str
    names: frozenset[str]
    glob: str
    regex: re.Pattern[str]

    @property
    def has_span(self) -> bool:
        return bool(self.names)

    @classmethod
    def parse(cls, text: str) -> _Pattern:
        names, widths = [], {}
        for placeholder in _PLACEHOLDER.findall(text):
            name, colon, width = placeholder.partition(":")
            if name not in _KNOWN or (colon and name in _DATE_PARTS):
                raise UsageError(
                    "example_gen.unknown_placeholder",
                    f"'{text}' has the placeholder {{{placeholder}}}.",
                    did_you_mean(name, _KNOWN),
                )
            if colon and not (width.isascii() and width.isdigit() and int(width) > 0):
                raise UsageError(
                    "example_gen.width", f"'{text}': the width in {{{placeholder}}} must be a positive number."
                )
            if name in names:
                raise UsageError("example_gen.placeholder_twice", f"'{text}' has {{{name}}} twice; once is allowed.")
            names.append(name)
            widths[name] = f"{{{width}}}" if width else "+"
        _check_names(text, set(names))
        widths |= {name: f"{{{width}}}" for name, width in _DATE_PARTS.items()}
        parts = _PLACEHOLDER.split(text)  # literal, placeholder, literal, ...
        regex = "".join(
            f"(?P<{part.partition(':')[0]}>\\d{widths[part.partition(':')[0]]})" if at % 2 else _regex_of_glob(part)
            for at, part in enumerate(parts)
        )
        return cls(text, frozenset(names), _PLACEHOLDER.sub("*", text), re.compile(regex))

    def find(self, input_base: Path) -> dict[_Key, list[Path]]:
        """Return the files by span and version."""
        found: dict[_Key, list[Path]] = {}
        skips_hidden = Path(self.text).name.startswith(("*", "?"))
        relatives = glob.glob(self.glob, root_dir=input_base, recursive=True)  # noqa: PTH207 (root_dir)
        for relative in sorted(relatives, key=shard_order):
            path = input_base / relative
            match = self.regex.fullmatch(Path(relative).as_posix())
            if match is None or not path.is_file() or (skips_hidden and path.name.startswith("_")):
                continue
            found.setdefault(self._key(match, path), []).append(path)
        return found

    def _key(self, match: re.Match[str], path: Path) -> _Key:
        numbers = {name: int(match[name]) for name in self.names}
        span = numbers.get("SPAN", 0)
        if "YYYY" in numbers:
            try:
                span = (date(numbers["YYYY"], numbers["MM"], numbers["DD"]) - _EPOCH).days
            except ValueError as error:
                raise DataError(
                    "example_gen.bad_date", f"{path}: its path contains an invalid date ({error})."
                ) from None
        return span, numbers.get("VERSION")


def _check_names(text: str, names: set[str]) -> None:
    dates = names & set(_DATE_PARTS)
    if dates and "SPAN" in names:
        raise UsageError("example_gen.span_and_date", f"'{text}' has both {{SPAN}} and a date; use one of them.")
    if dates and len(dates) < len(_DATE_PARTS):
        raise UsageError("example_gen.incomplete_date", f"'{text}' needs all of {{YYYY}}, {{MM}} and {{DD}}.")
    if "VERSION" in names and not dates and "SPAN" not in names:
        raise UsageError(
            "example_gen.version_without_span", f"'{text}' has {{VERSION}} but neither {{SPAN}} nor a date."
        )


def _check_alike(splits: Sequence[Input.Split], patterns: Sequence[_Pattern]) -> None:
    if not splits:
        raise UsageError("example_gen.no_splits", "The input config has no splits.")
    for split, pattern in zip(splits, patterns, strict=True):
        if pattern.names != patterns[0].names:
            raise UsageError(
                "example_gen.placeholders_differ",
                f"The patterns of splits '{splits[0].name}' and '{split.name}' have different placeholders; "
                "all splits must name span and version in the same way.",
            )


def _choose(
    input_base: Path, split: Input.Split, files: Mapping[_Key, list[Path]], range_config: RangeConfig | None
) -> _Key:
    if not files:
        raise _no_match(input_base, split)
    spans = sorted({span for span, _ in files})
    span = _choose_span(split, spans, range_config)
    return max((key for key in files if key[0] == span), key=lambda key: -1 if key[1] is None else key[1])


def _choose_span(split: Input.Split, spans: Sequence[int], range_config: RangeConfig | None) -> int:
    if range_config is None:
        return spans[-1]
    static, rolling = range_config.static_range, range_config.rolling_range
    if (static is None) == (rolling is None):
        raise UsageError("example_gen.range", "range_config needs either a static_range or a rolling_range.")
    if static is not None:
        if static.start_span_number != static.end_span_number:
            raise UsageError(
                "example_gen.range",
                f"ExampleGen reads one span: the static range {static.start_span_number} to "
                f"{static.end_span_number} must start and end with the same.",
                "Read several spans with a Resolver and SpanRangeStrategy.",
            )
        wanted = [span for span in spans if span == static.start_span_number]
        what = f"span {static.start_span_number}"
    else:
        assert rolling is not None
        if rolling.num_spans != 1:
            raise UsageError(
                "example_gen.range",
                f"ExampleGen reads one span: num_spans of the rolling range must be 1, got {rolling.num_spans}.",
                "Read several spans with a Resolver and SpanRangeStrategy.",
            )
        recent = spans[: len(spans) - rolling.skip_num_recent_spans]
        wanted = [span for span in recent if span >= rolling.start_span_number][-1:]
        what = f"a span from {rolling.start_span_number} on, leaving out the newest {rolling.skip_num_recent_spans}"
    if not wanted:
        shown = ", ".join(map(str, spans[-5:]))
        raise DataError(
            "example_gen.no_such_span",
            f"Split '{split.name}': '{split.pattern}' has no {what}; the newest are {shown}.",
            "Change range_config.",
        )
    return wanted[0]


def _no_match(input_base: Path, split: Input.Split) -> DataError:
    present = sorted(path.name for path in input_base.iterdir())[:5]
    return DataError(
        "example_gen.no_files",
        f"Split '{split.name}': no file matches '{split.pattern}' below {input_base}; "
        f"the folder holds {', '.join(present) or 'nothing'}.",
        "Change the pattern of the input split, or input_base.",
    )


def _split_files(split: Input.Split, files: Sequence[Path]) -> SplitFiles:
    return SplitFiles(split.name, tuple(files))


def _describe(span: int, version: int | None) -> str:
    return f"span {span}" if version is None else f"span {span}, version {version}"


def _regex_of_glob(text: str) -> str:
    special = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    return "".join(
        special.get(token) or (token.replace("[!", "[^") if len(token) > 1 else re.escape(token))
        for token in _GLOB_TOKEN.findall(text)
    )
