"""The options of reading a CSV, which every command that reads data has."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import wraps
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

if TYPE_CHECKING:
    from typing import TypeAlias

    from assay.data.csv_types import CsvOptions

    Csv: TypeAlias = CsvOptions
else:
    Csv = object  # Typer evaluates annotations, and the module of the options loads Arrow

_PARAMETER: Final = "csv"
CSV_OPTIONS: Final[dict[str, Any]] = {
    "delimiter": Annotated[
        str | None, typer.Option(metavar="CHARACTER", help="CSV delimiter; default: detected from the header.")
    ],
    "missing_values": Annotated[
        list[str] | None,
        typer.Option(
            "--missing-values",
            metavar="[COLUMN=]TOKENS",
            help="Missing-value tokens of a CSV, separated by commas (NA,?); may be repeated. Empty cells "
            "are always missing.",
        ),
    ],
    "decimal": Annotated[str, typer.Option(metavar="MARK", help="Decimal mark of a CSV: . or ,")],
    "thousands": Annotated[
        str | None, typer.Option(metavar="CHARACTER", help="Thousands separator of a CSV; default: none.")
    ],
    "types": Annotated[
        list[str] | None,
        typer.Option(
            "--type",
            metavar="COLUMN=TYPE",
            help="Read a CSV column as int, float, text, amount ($5, 5 kg), date or time; may be repeated.",
        ),
    ],
    "max_record_bytes": Annotated[
        int | None, typer.Option(metavar="BYTES", help="Maximum size of a CSV record; default: 16777216.")
    ],
}
_DEFAULTS: Final = {"decimal": "."}


def reads_csv(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of reading a CSV in place of its parameter `csv`, which then holds `CsvOptions`."""

    @wraps(command)
    def with_options(*args: Any, **given: Any) -> None:
        csv = csv_options(**{name: given.pop(name) for name in CSV_OPTIONS})
        if not _any_written(given.get("context")):  # options of pyproject.toml may meet data that is not a CSV
            csv = replace(csv, optional=True)
        command(*args, **{_PARAMETER: csv}, **given)

    signature = inspect.signature(command, eval_str=True)  # Typer evaluates annotations in the command's own module
    parameters: list[inspect.Parameter] = []
    for parameter in signature.parameters.values():
        if parameter.name != _PARAMETER:
            parameters.append(parameter)
            continue
        parameters += [
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=_DEFAULTS.get(name), annotation=annotation)
            for name, annotation in CSV_OPTIONS.items()
        ]
    with_options.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]  # read by Typer
    with_options.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    del with_options.__wrapped__  # whoever unwraps it would not see the options
    return with_options


def _any_written(context: typer.Context | None) -> bool:
    sources = [context.get_parameter_source(name) for name in CSV_OPTIONS] if context is not None else []
    return context is None or any(source is not None and source.name == "COMMANDLINE" for source in sources)


def csv_options(
    delimiter: str | None,
    missing_values: Sequence[str] | None,
    decimal: str,
    thousands: str | None,
    types: Sequence[str] | None,
    max_record_bytes: int | None,
) -> CsvOptions:
    """Return the options that were written on a command line.

    Raises:
        UsageError: One of them cannot be read.
    """
    from assay.data.csv_types import ALL_COLUMNS, CsvOptions
    from assay.errors import UsageError

    tokens: dict[str, tuple[str, ...]] = {}
    for text in missing_values or ():
        column, separator, listed = text.rpartition("=")
        if not (separator and column and listed):  # a token such as "=", which names no column
            column, listed = ALL_COLUMNS, text
        found = tuple(token for token in listed.split(",") if token) or (listed,)
        tokens[column] = (*tokens.get(column, ()), *found)
    named = {}
    for text in types or ():
        column, separator, type_ = text.rpartition("=")
        if not (separator and column):
            raise UsageError(
                "csv.type_option",
                f"Expected --type COLUMN=TYPE, found '{text}'.",
                "Write the column and its type, for example --type zip=text.",
            )
        named[column] = type_
    options = CsvOptions(delimiter=delimiter, missing_values=tokens, decimal=decimal, thousands=thousands, types=named)
    return options if max_record_bytes is None else replace(options, max_record_bytes=max_record_bytes)
