"""The cells of a CSV as what names a row: `0010` and `10` are two accounts, and the same number."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

import pyarrow as pa

from assay.data.sources import as_text
from assay.engines.embedded import EmbeddedEngine
from assay.kernels.arrow_types import is_binary_like, plain
from assay.kernels.identity import CellsBeside, CodeColumns, MarkedCells, family_of, looks_numeric


class _Numbers(NamedTuple):
    """The columns of a CSV that hold numbers: whole ones, and those with decimals."""

    whole: set[str]
    decimal: set[str]


def with_cells(
    sources: Sequence[Any], keys: Sequence[str] = (), *, all_columns: bool, floats: bool = True
) -> list[Any]:
    """Return sources where what names a row is the text of its cells, as far as they are CSVs.

    Whole numbers are their own text. A column with some code among its numbers, such as 0010 or 1E3, is read as text in
    every CSV, and so is one that is text in one source and numbers in another, and one that names a row by numbers with
    decimals in all of them: 1.1 and 1.10 are two names.

    Args:
        sources: The rows.
        keys: The columns that name a row.
        all_columns: Whether other columns are looked at too.
        floats: Whether that goes for columns of numbers with decimals too.
    """
    found = [_numbers(source, None if all_columns else keys, floats=floats) for source in sources]
    wanted = set[str]().union(*map(_codes, sources, found))
    whole = set[str]().union(*(each.whole for each in found))
    wanted |= {name for name in keys if name not in whole and any(name in each.decimal for each in found)}
    held = list(map(_texts_and_numbers, sources))
    texts, numbers = (set[str]().union(*each) for each in zip(*held, strict=True))
    wanted |= texts & numbers
    columns = [
        sorted(wanted & {*own.whole, *own.decimal, *(text if hasattr(source, "as_text") else ())})
        for source, own, (text, _) in zip(sources, found, held, strict=True)
    ]
    return [MarkedCells(as_text(source, cells), cells) for source, cells in zip(sources, columns, strict=True)]


def beside_cells(source: Any, keys: Collection[str], *, all_columns: bool) -> tuple[Any, frozenset[str]]:
    """Return rows with the text of some cells beside their values, and the columns that hold codes.

    Args:
        source: The rows.
        keys: Columns that name a row.
        all_columns: Whether codes are looked for in other columns too.
    """
    if not keys and not all_columns:
        return source, frozenset()
    found = _numbers(source, None if all_columns else keys, floats=True)
    codes = _codes(source, found)
    columns = sorted(codes | (found.decimal & set(keys)))
    return (CellsBeside(source, as_text(source, columns), columns) if columns else source), codes


def _numbers(source: Any, names: Collection[str] | None, *, floats: bool) -> _Numbers:
    typed = {each.name: each.type for each in _first(source).schema if names is None or each.name in names}
    whole = {name for name, kind in typed.items() if pa.types.is_integer(kind)}
    decimal = {name for name, kind in typed.items() if floats and pa.types.is_floating(kind)}
    texts = {each.name for each in _first(as_text(source, [*whole, *decimal])).schema if pa.types.is_string(each.type)}
    return _Numbers(whole & texts, decimal & texts)


def _codes(source: Any, numbers: _Numbers) -> frozenset[str]:
    """Return the columns in which some cell is not written as numbers are."""
    columns = sorted(numbers.whole | numbers.decimal)
    if not columns:
        return frozenset()
    codes: frozenset[str] = EmbeddedEngine().reduce(
        MarkedCells(as_text(source, columns), columns, only=True), CodeColumns()
    )
    return codes


def _texts_and_numbers(source: Any) -> tuple[set[str], set[str]]:
    """Return the columns of text of which some value looks like a number, and those of numbers."""
    first = _first(source)
    found = {name: plain(column) for name, column in zip(first.schema.names, first.columns, strict=True)}
    numbers = {name for name, column in found.items() if family_of(column.type) == "number"}
    texts = {name for name, column in found.items() if is_binary_like(column.type) and looks_numeric(column)}
    return texts, numbers


def _first(source: Any) -> pa.RecordBatch:
    batches = (batch for shard in source.shards[:1] for batch in shard.batches())
    return next(batches, pa.RecordBatch.from_arrays([], []))
