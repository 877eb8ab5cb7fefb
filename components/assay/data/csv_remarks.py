"""Remarks on columns of a CSV that are read otherwise than they look, with the option that reads them so.

Integers with leading zeros lose them. A few cells that are something else ("NA", "?", "1,234", "$5") make a column of
numbers text, and what is computed of it means little. Nothing is converted in silence: the remark says which cells they
are, and which option reads the column otherwise. Parts of the data show which columns to look at; only those are then
read whole.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from assay.data.conforming import ConformedRows
from assay.data.csv import CsvTable
from assay.data.csv_blocks import read_span, record_end
from assay.data.csv_types import CODE, CsvOptions, Kind, convert, plain_numbers, unit_of
from assay.errors import argument
from assay.kernels.statistics.generators.semantic_domains import DATE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from assay.data.csv import CsvShard

_NEARLY_ALL: Final = 0.9
_SAMPLED_SHARDS: Final = 8
_SAMPLED_BYTES: Final = 1 << 16
_SAMPLED_CELLS: Final = 2000
_MOST_TOKENS: Final = 5
_MOST_OTHERS: Final = 1000
_SHOWN: Final = 3

_NUMBER: Final = r"^\s*[+-]?(?:\d{1,18}\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?\s*$"
_NOTATIONS: Final = tuple(
    (decimal, thousands) for thousands in (None, ",", ".", " ", "'") for decimal in ".," if decimal != thousands
)
"""Decimal marks with thousands separators; those that need the fewest options come first."""

_DIGITS: Final = r"(?:(?:\d{1,3}(?:,\d{2,3})+|\d+)(?:\.\d+)?|(?:\d{1,3}(?:\.\d{3})+|\d+),\d+)"
_MINUS: Final = "\u2212\u2013"
_AROUND: Final = r"[\s'\"\x{200b}\x{feff}]*"
_UNUSUAL: Final = rf"^{_AROUND}(?:\([$€£¥₹]? ?{_DIGITS}\)|[-+{_MINUS}]? ?[$€£¥₹]? ?{_DIGITS}|{_DIGITS} ?-){_AROUND}$"
"""Numbers of which no option reads all: (1.50) or 1.50- for -1.50, a typographic minus, 12,34,567, '5, "5"."""

_CURRENCY: Final = re.compile(
    r"(?:[A-Z]{0,2}\$|[€£¥₹₩₽₺₫₪฿%]|USD|EUR|GBP|JPY|CHF|CAD|AUD|NZD|SEK|NOK|DKK|PLN|CZK|HUF|INR|CNY|BRL|ZAR|MXN|KRW|SGD"
    r"|HKD|TRY|RUB|Rs\.?|kr\.?|zł|Kč|Ft)"
)
_SPACED_UNIT: Final = r"^\s*[+-]?[0-9][0-9.,]*\s+[A-Za-z°µ][A-Za-z/²³]{0,7}\s*$"
_ISO_DATE: Final = r"^[12][0-9]{3}-[01][0-9]-[0-3][0-9]$"
_ISO_TIME: Final = r"^[12][0-9]{3}-[01][0-9]-[0-3][0-9](?:[T ][0-2][0-9]:[0-5][0-9](?::[0-6][0-9](?:\.[0-9]{1,6})?)?)?$"

_TOKENS: Final = {
    *("", "na", "n/a", "#n/a", "n.a.", "<na>", "nd", "null", "(null)", "nil", "none", "(none)", "nan", r"\n"),
    *("-", "--", "---", "?", "??", ".", "..", "*", "unknown", "missing", "undefined"),
    *("#value!", "#ref!", "#div/0!", "#num!"),
}
"""Cells that are known to stand for missing values, in lower case."""

_NO_CATEGORY: Final = {
    "na",
    "n/a",
    "#n/a",
    "<na>",
    "nd",
    "null",
    "(null)",
    "nil",
    "nan",
    r"\n",
    "?",
    "??",
    *("#value!", "#ref!"),
}
"""Those of them that are seldom a category of their own."""

_NUMBER_NAME: Final = re.compile(r"\s*[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?\s*")
_DATE: Final = re.compile(DATE)
_YEARS: Final = range(1900, 2101)


@dataclass(frozen=True, slots=True)
class CsvRemark:
    """What one column of text looks like.

    Attributes:
        column: The column.
        looks_like: `numbers`, `amounts`, `dates` or `unusual numbers`; `codes` where integers have leading zeros,
            `missing values` where some cells of other text are, `data` where the header is.
        text: The remark, with arguments as `assay.errors.argument` writes them.
    """

    column: str
    looks_like: str
    text: str


@dataclass(frozen=True, slots=True)
class _Guess:
    """How a column may be read: the notation of its numbers and their unit, or as dates.

    Attributes:
        looks_like: `numbers`, `amounts`, `dates` or `unusual numbers`.
        decimal: The decimal mark.
        thousands: The thousands separator.
        unit: The unit beside each number.
        ambiguous: Whether a comma may be the decimal mark or separate thousands: all its groups have three digits.
    """

    looks_like: str
    decimal: str = "."
    thousands: str | None = None
    unit: str = ""
    ambiguous: bool = False

    def matches(self, cells: pa.ChunkedArray) -> pa.ChunkedArray:
        """Say of each cell whether it can be read so."""
        if self.looks_like == "dates":
            return pc.match_substring_regex(cells, DATE)
        if self.looks_like == "unusual numbers":
            return pc.match_substring_regex(cells, _UNUSUAL)
        options = CsvOptions(decimal=self.decimal, thousands=self.thousands, units={"": self.unit})
        return pc.match_substring_regex(plain_numbers(cells, "", options), _NUMBER)


@dataclass(slots=True)
class _Counts:
    """What the cells of a column are, over all rows; `others` are those that the guess cannot read."""

    guess: _Guess
    cells: int = 0
    others: Counter[str] = field(default_factory=Counter)
    example: str = ""
    is_date: bool = True
    is_time: bool = True

    def add(self, cells: pa.ChunkedArray) -> None:
        """Add the cells of some rows."""
        found = self.guess.matches(cells)
        read = cells.filter(found)
        self.cells += len(cells)
        if len(self.others) < _MOST_OTHERS:
            counts = pc.value_counts(cells.filter(pc.invert(found)))
            self.others.update({each["values"]: each["counts"] for each in counts.to_pylist()})
        if len(read):
            telling = read.filter(pc.match_substring(read, ",")) if self.guess.ambiguous else read
            self.example = self.example or (telling if len(telling) else read)[0].as_py()
            self.is_date = self.is_date and bool(pc.all(pc.match_substring_regex(read, _ISO_DATE)).as_py())
            self.is_time = self.is_time and bool(pc.all(pc.match_substring_regex(read, _ISO_TIME)).as_py())


def remarks_of(*sources: Any) -> tuple[CsvRemark, ...]:
    """Return the remarks on the columns of CSV files; none for other data. What is said of several is said once."""
    found: dict[tuple[str, str], CsvRemark] = {}
    for source in sources:
        read = source.source if isinstance(source, ConformedRows) else source
        remarks = remarks_on(read) if isinstance(read, CsvTable) else ()
        if hasattr(type(source), "remarks"):
            remarks = source.remarks()
        found = {(remark.column, remark.looks_like): remark for remark in remarks} | found
    return tuple(found.values())


def remarks_on(table: CsvTable) -> tuple[CsvRemark, ...]:
    """Return a remark for each column, not named as text, that looks like something else than it is read as.

    That is text of numbers, amounts or dates, or with marks of missing values, and codes with leading zeros. A header
    that looks like data has a remark, too.
    """
    options = table.shards[0].options
    header = table.shards[0].header
    kinds = {name: kind for name, kind in table.shards[0].kinds if name in header and name not in options.types}
    names = [name for name, kind in kinds.items() if kind is Kind.TEXT]
    whole = [name for name, kind in kinds.items() if kind is Kind.INT]
    if not names + whole:
        return ()
    sample = pa.concat_tables(_sampled(table.shards, names + whole))
    codes = (_of_codes(name, sample[name]) for name in whole)
    guesses = {name: guess for name in names if (guess := _guess(sample[name].drop_null(), options)) is not None}
    counts = {name: _Counts(guess) for name, guess in guesses.items()}
    for shard in table.shards if counts else ():
        for batch in shard.batches(list(counts)):
            for name, found in counts.items():
                found.add(pa.chunked_array([batch.column(batch.schema.get_field_index(name))]).drop_null())
    remarks = (_remark(name, found, options) for name, found in counts.items())
    marks = (_of_marks(name, sample[name].drop_null(), options) for name in names if name not in counts)
    dates = [name for name, guess in guesses.items() if guess.looks_like == "dates" and _DATE.match(name)]
    return tuple(remark for remark in (_of_header(table, dates), *codes, *remarks, *marks) if remark is not None)


def _of_header(table: CsvTable, dates: Sequence[str]) -> CsvRemark | None:
    """Return the remark on column names that are numbers or dates, as their columns' values are.

    Positions (0, 1, 2) and years are names of their own.
    """
    kinds = dict(table.shards[0].kinds)
    numbers = [
        name
        for name in table.shards[0].header
        if kinds.get(name) in {Kind.INT, Kind.FLOAT} and _NUMBER_NAME.fullmatch(name)
    ]
    whole = [int(name) for name in numbers if name.strip().isdecimal()]
    named = len(whole) == len(numbers) and (
        whole in (list(range(len(whole))), list(range(1, len(whole) + 1))) or all(year in _YEARS for year in whole)
    )
    found = [*([] if named else numbers), *dates]
    if not found:
        return None
    shown = ", ".join(repr(name) for name in found[:_SHOWN]) + (", …" if len(found) > _SHOWN else "")
    text = (
        f"The first line names columns {shown}, as if it were a row of data. If it is, the row is lost: add a first "
        "line with the names of the columns."
    )
    return CsvRemark(found[0], "data", text)


def _of_marks(name: str, cells: pa.ChunkedArray, options: CsvOptions) -> CsvRemark | None:
    """Return the remark on cells of other text that often stand for missing values."""
    counts = {each["values"]: each["counts"] for each in pc.value_counts(cells).to_pylist()}
    marks = sorted(cell for cell in counts if cell.strip().lower() in _NO_CATEGORY)
    if not marks:
        return None
    tokens = [*options.tokens_of(name)[1:], *marks]
    shown = ", ".join(map(repr, marks))
    read = argument("missing_values", {name: tokens}, words=f"{name}={','.join(tokens)}")
    return CsvRemark(
        name, "missing values", f"'{name}' has cells {shown}, which are read as text. If they are missing, set {read}."
    )


def _of_codes(name: str, cells: pa.ChunkedArray) -> CsvRemark | None:
    found = cells.filter(pc.match_substring_regex(cells, CODE))
    if not len(found):
        return None
    kept = argument("types", {name: "text"}, option="--type", words=f"{name}=text")
    text = f"'{name}' is read as whole numbers, without the leading zeros of cells such as {found[0].as_py()!r}."
    return CsvRemark(name, "codes", f"{text} To keep them, set {kept}.")


def _sampled(shards: Sequence[CsvShard], names: Sequence[str]) -> Iterator[pa.Table]:
    """Yield the first rows of some shards, which are spread over the data."""
    for at in range(min(len(shards), _SAMPLED_SHARDS)):
        shard = shards[at * len(shards) // min(len(shards), _SAMPLED_SHARDS)]
        yield pa.Table.from_batches([_head(shard, names)])


def _head(shard: CsvShard, names: Sequence[str]) -> pa.RecordBatch:
    if shard.end is None or shard.end - shard.start <= _SAMPLED_BYTES:
        data = next(shard.blocks(), b"")
    else:
        data = read_span(shard.path, shard.start, shard.start + _SAMPLED_BYTES)
        data = data[: record_end(data)] or next(shard.blocks())  # all of it where one record is longer than the sample
    data = data[: record_end(data[:_SAMPLED_BYTES])] or data
    table = convert(data, shard.header, dict.fromkeys(names, Kind.TEXT), shard.options)
    return table.combine_chunks().to_batches()[0]


def _guess(cells: pa.ChunkedArray, options: CsvOptions) -> _Guess | None:
    """Return how nearly all cells of a sample can be read; None where they are just text."""
    is_token = pc.is_in(pc.utf8_lower(pc.utf8_trim_whitespace(cells)), value_set=pa.array(sorted(_TOKENS)))
    cells = cells.filter(pc.invert(is_token))
    if not len(cells):
        return None
    cells = cells.take(pa.array(range(0, len(cells), len(cells) // _SAMPLED_CELLS + 1)))
    if not pc.any(pc.match_substring_regex(cells.slice(0, 100), "[0-9]")).as_py():
        return None
    dates = _Guess("dates")
    if _share(dates, cells) >= _NEARLY_ALL:
        return dates
    unit = _unit(cells)
    looks_like = "amounts" if unit else "numbers"
    shares = {
        (decimal, thousands): _share(_Guess(looks_like, decimal, thousands, unit), cells)
        for decimal, thousands in ((options.decimal, options.thousands), *_NOTATIONS)
    }
    best = max(shares, key=lambda notation: shares[notation])  # the first of equals, which needs the fewest options
    if shares[best] < _NEARLY_ALL:
        unusual = _Guess("unusual numbers")
        return unusual if _share(unusual, cells) >= _NEARLY_ALL else None
    decimal, thousands = best
    ambiguous = best == (",", None) and shares[".", ","] == shares[best]
    if ambiguous and options.delimiter == ",":  # where a comma is the decimal mark, files are mostly cut by semicolons
        decimal, thousands = ".", ","
    return _Guess(looks_like, decimal, thousands, unit, ambiguous)


def _share(guess: _Guess, cells: pa.ChunkedArray) -> float:
    return _part(guess.matches(cells))


def _part(found: pa.ChunkedArray) -> float:
    return float(pc.sum(pc.cast(found, pa.int64())).as_py() or 0) / len(found)


def _unit(cells: pa.ChunkedArray) -> str:
    """Return the unit of a sample, if its first cells have one: a currency, a percent sign, or a word after a blank."""
    unit = unit_of(cells.slice(0, 100).to_pylist())
    is_unit = _CURRENCY.fullmatch(unit) or _part(pc.match_substring_regex(cells, _SPACED_UNIT)) >= _NEARLY_ALL
    return unit if is_unit else ""


def _remark(name: str, counts: _Counts, options: CsvOptions) -> CsvRemark | None:
    guess, others = counts.guess, counts.others
    read = counts.cells - sum(others.values())
    tokens = [cell for cell in others if cell.strip().lower() in _TOKENS]
    rest = counts.cells - sum(others[cell] for cell in tokens)
    if len(others) >= _MOST_OTHERS or not read or read < _NEARLY_ALL * rest:
        return None
    if guess == _Guess("numbers") and not others:  # as a schema or longer integers than 64 bits have it
        return None
    what = f"amounts in {guess.unit}" if guess.looks_like == "amounts" else guess.looks_like.removeprefix("unusual ")
    text = (
        f"'{name}' is read as text, and {read:,} of its {counts.cells:,} cells are {what}, such as {counts.example!r}"
    )
    if others:
        shown = ", ".join(f"{cell!r} ({count:,})" for cell, count in others.most_common(_SHOWN))
        text += f"; the others are {shown}" + (f" and {len(others) - _SHOWN:,} more" if len(others) > _SHOWN else "")
    return CsvRemark(name, guess.looks_like, f"{text}. {_advice(name, counts, options)}")


def _advice(name: str, counts: _Counts, options: CsvOptions) -> str:
    """Return the arguments that read the column, and what to do with cells that they do not read."""
    if set(counts.others) == {name}:
        return "That is the column's name: remove the lines that repeat the header, as joined files have them."
    if counts.guess.looks_like == "unusual numbers":
        return "Write them such as 1234567.5 and -1234567.5, so that they can be read as numbers."
    if counts.guess.looks_like == "dates" and not counts.is_time:
        return (
            "Write them in ISO 8601 without a time zone (2024-01-31 or 2024-01-31T12:30:00), so that they can be read "
            "as dates or times."
        )
    return _options(name, counts, options)


def _options(name: str, counts: _Counts, options: CsvOptions) -> str:
    guess = counts.guess
    arguments = []
    if guess.decimal != options.decimal and guess.looks_like != "dates":
        arguments.append(argument("decimal", guess.decimal))
    if guess.thousands is not None and guess.thousands != options.thousands:
        arguments.append(argument("thousands", guess.thousands))
    type_ = {"amounts": "amount", "numbers": "float"}.get(guess.looks_like, "")
    if guess.looks_like == "dates":
        type_ = "date" if counts.is_date else "time"
    few = len(counts.others) <= _MOST_TOKENS and not any(map(_has_digit, counts.others))
    if few and counts.others:
        tokens = list(options.tokens_of(name)[1:]) + sorted(counts.others)
        arguments.append(argument("missing_values", {name: tokens}, words=f"{name}={','.join(tokens)}"))
    if guess.looks_like != "numbers" or not few:
        arguments.append(argument("types", {name: type_}, option="--type", words=f"{name}={type_}"))
    advice = f"To read it as {guess.looks_like}, set {' and '.join(arguments)}"
    if guess.ambiguous:
        other, meaning = ("thousands", "a whole number") if guess.thousands is None else ("decimal", "a decimal")
        advice += f", or {argument(other, ',')} if {counts.example!r} is {meaning}"
    if not few:
        advice += ", which names the first cell that is something else; correct those cells"
    return f"{advice}."


def _has_digit(cell: str) -> bool:
    return any(character.isdigit() for character in cell)
