"""The ExampleGen components, one for each format of the input."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Annotated, Any

import pyarrow as pa

from assay.artifacts.examples import Examples
from assay.artifacts.store import file_sha256
from assay.components.example_gen import config
from assay.components.example_gen.ingest import InputRows, write_examples
from assay.components.example_gen.patterns import ResolvedInput, SplitFiles, resolve
from assay.components.example_gen.spool import spool
from assay.data import csv, parquet
from assay.data.csv_blocks import MAX_RECORD_BYTES
from assay.data.csv_remarks import remarks_on
from assay.data.csv_types import CsvOptions
from assay.errors import DataError, UsageError, in_python
from assay.spec import ExecutionContext, Output, RangeConfig, component
from assay.spec.annotations import DataPath, ParsedBy
from assay.spec.channel import Foreseen
from assay.spec.values import typed

_ORDER = ("input_base", "input_config", "output_config", "range_config")  # of arguments by position, as in TFX
_PANDAS_INDEX = re.compile(r"__index_level_\d+__")


def _input_files(parameters: Mapping[str, Any]) -> list[Path]:
    """Return the files that a component would read, for its fingerprint."""
    return _resolved(
        parameters["input_base"],
        typed(parameters.get("input_config"), config.Input | None, "input_config"),
        typed(parameters.get("range_config"), RangeConfig | None, "range_config"),
    ).files


def _foresee(arguments: Mapping[str, Any]) -> dict[str, Foreseen]:
    """Return the splits of the examples, as far as the arguments say them."""
    if not {"input_base", "input_config", "output_config"} <= arguments.keys():
        return {}
    base, given, output = (arguments[name] for name in ("input_base", "input_config", "output_config"))
    names = [split.name for split in given.splits] if given is not None else []
    if not names and (not Path(base).exists() or any(Path(base).glob("Split-*"))):  # named by folders, where the run is
        return {}
    divided = config.output_split_config(len(names) or 1, output)
    names = names if divided is None else [split.name for split in divided.splits]
    return {"examples": Foreseen(splits=tuple(names))}


def _check_csv_options(arguments: Mapping[str, Any]) -> None:
    given = {each.name: arguments.get(each.name) for each in fields(CsvOptions)}
    CsvOptions(**{name: value for name, value in given.items() if value is not None})


@component(libraries=("pyarrow",), reads=_input_files, positional=_ORDER, check=_check_csv_options, foresee=_foresee)
def CsvExampleGen(
    context: ExecutionContext,
    examples: Output[Examples],
    *,
    input_base: DataPath,
    input_config: config.Input | None = None,
    output_config: config.Output | None = None,
    range_config: RangeConfig | None = None,
    file_format: config.FileFormat = "parquet",
    delimiter: str | None = None,
    missing_values: Annotated[dict[str, list[str]] | None, ParsedBy(config.tokens_by_column)] = None,
    decimal: str = ".",
    thousands: str | None = None,
    types: dict[str, str] | None = None,
    max_record_bytes: int = MAX_RECORD_BYTES,
) -> None:
    """Brings in CSV files and divides their rows into splits.

    Each file has a header, and may be compressed with gzip. A column holds integers, doubles or text,
    whichever is the least that holds every cell of all files; an empty cell is a missing value.

    Args:
        context: The run that the step is part of.
        examples: The rows by split.
        input_base: The folder with the files, or one file.
        input_config: Input splits; by default one, of all files in the folder.
        output_config: How one input split is divided; by default `train` and `eval`, 2 to 1, by a hash of the row.
        range_config: Which span is read; by default the newest.
        file_format: `parquet`, or `tfrecord_gzip` for module files that read TFRecord.
        delimiter: The character between cells; by default what the header shows.
        missing_values: Cells that are missing values, as an empty cell is: a list, or a list for each column, where
            `*` stands for the columns that are not named.
        decimal: The decimal mark of numbers, `.` or `,`.
        thousands: The character between groups of three digits; none by default.
        types: Columns to read as `int`, `float`, `text`, `amount` (a number beside a unit), `date` or `time`. A cell
            that does not fit is an error.
        max_record_bytes: The maximum size of a record. A longer one is an error.
    """
    resolved = _resolved(input_base, input_config, range_config)
    split_config = config.output_split_config(len(resolved.splits), output_config)
    snapshot = _Snapshot(input_base, resolved)
    options = CsvOptions(
        delimiter=delimiter,
        missing_values=missing_values or {},
        decimal=decimal,
        thousands=thousands,
        types=types or {},
        max_record_bytes=max_record_bytes,
    )
    tables = csv.share_types([csv.scan_csv(split.files, options) for split in resolved.splits])
    inputs = [
        InputRows(split.name, table, table.num_rows, table.schema)
        for split, table in zip(resolved.splits, tables, strict=True)
    ]
    _describe(examples, resolved, file_format, "FORMAT_TF_EXAMPLE")
    write_examples(context, examples, inputs, split_config)
    examples.properties["input_fingerprint"] = snapshot.fingerprint()
    for split, table in zip(resolved.splits, tables, strict=True):
        for remark in remarks_on(table):
            context.log(f"Remark on split '{split.name}': {in_python(remark.text)}")


@component(libraries=("pyarrow",), reads=_input_files, positional=_ORDER, foresee=_foresee)
def ParquetExampleGen(
    context: ExecutionContext,
    examples: Output[Examples],
    *,
    input_base: DataPath,
    input_config: config.Input | None = None,
    output_config: config.Output | None = None,
    range_config: RangeConfig | None = None,
    file_format: config.FileFormat = "parquet",
) -> None:
    """Brings in Parquet files and divides their rows into splits; types are kept.

    Args:
        context: The run that the step is part of.
        examples: The rows by split.
        input_base: The folder with the files, or one file.
        input_config: Input splits; by default one, of all files in the folder.
        output_config: How one input split is divided; by default `train` and `eval`, 2 to 1, by a hash of the row.
        range_config: Which span is read; by default the newest.
        file_format: `parquet`, or `tfrecord_gzip` for module files that read TFRecord.
    """
    _import_parquet(context, examples, input_base, input_config, output_config, range_config, file_format)


def _check_payload(arguments: Mapping[str, Any]) -> None:
    known = (config.PayloadFormat.FORMAT_TF_EXAMPLE, config.PayloadFormat.FORMAT_PARQUET)
    payload_format = arguments.get("payload_format", known[0])
    if payload_format not in known:
        raise UsageError(
            "example_gen.payload_format",
            f"ImportExampleGen reads FORMAT_TF_EXAMPLE and FORMAT_PARQUET, not {payload_format.name}.",
            "Convert the records to tf.Example.",
        )


@component(
    libraries=("pyarrow", "tfx-bsl"),
    reads=_input_files,
    positional=(*_ORDER, "payload_format"),
    check=_check_payload,
    foresee=_foresee,
)
def ImportExampleGen(
    context: ExecutionContext,
    examples: Output[Examples],
    *,
    input_base: DataPath,
    input_config: config.Input | None = None,
    output_config: config.Output | None = None,
    range_config: RangeConfig | None = None,
    payload_format: config.PayloadFormat = config.PayloadFormat.FORMAT_TF_EXAMPLE,
    file_format: config.FileFormat = "parquet",
) -> None:
    """Brings in TFRecord files of tf.Example, or Parquet files, and divides their rows into splits.

    A folder of Examples that TFX wrote (`Split-train/`, `Split-eval/`, ...) keeps its splits.

    Args:
        context: The run that the step is part of.
        examples: The rows by split.
        input_base: The folder with the files, or one file.
        input_config: Input splits; by default the `Split-*` folders, else one split of all files in the folder.
        output_config: How one input split is divided; by default `train` and `eval`, 2 to 1, by a hash of the row.
        range_config: Which span is read; by default the newest.
        payload_format: `FORMAT_TF_EXAMPLE` or `FORMAT_PARQUET`.
        file_format: `parquet`, or `tfrecord_gzip` for module files that read TFRecord.
    """
    if payload_format == config.PayloadFormat.FORMAT_PARQUET:
        _import_parquet(context, examples, input_base, input_config, output_config, range_config, file_format)
        return
    resolved = _resolved(input_base, input_config, range_config)
    split_config = config.output_split_config(len(resolved.splits), output_config)
    snapshot = _Snapshot(input_base, resolved)
    inputs = spool(context, {split.name: split.files for split in resolved.splits})
    _describe(examples, resolved, file_format, "FORMAT_TF_EXAMPLE")
    write_examples(context, examples, inputs, split_config)
    examples.properties["input_fingerprint"] = snapshot.fingerprint()


def _import_parquet(
    context: ExecutionContext,
    examples: Examples,
    input_base: str,
    input_config: config.Input | None,
    output_config: config.Output | None,
    range_config: RangeConfig | None,
    file_format: config.FileFormat,
) -> None:
    resolved = _resolved(input_base, input_config, range_config)
    split_config = config.output_split_config(len(resolved.splits), output_config)
    snapshot = _Snapshot(input_base, resolved)
    tables = parquet.share_types([parquet.open_parquet(split.files) for split in resolved.splits])
    inputs = []
    for split, table in zip(resolved.splits, tables, strict=True):
        if not table.num_rows:
            raise DataError(
                "parquet.no_rows",
                f"The files of split '{split.name}' contain no rows: {split.files[0]}.",
                "Check the export; an empty dataset cannot be split or validated.",
            )
        index = [name for name in table.schema.names if _PANDAS_INDEX.fullmatch(name)]
        if index:
            context.log(f"Left out {', '.join(index)} of split '{split.name}': the index of a pandas data frame.")
        inputs.append(InputRows(split.name, table, table.num_rows, _without_encodings(table.schema, index)))
    _describe(examples, resolved, file_format, "FORMAT_PARQUET" if file_format == "parquet" else "FORMAT_TF_EXAMPLE")
    write_examples(context, examples, inputs, split_config)
    examples.properties["input_fingerprint"] = snapshot.fingerprint()


class _Snapshot:
    """The files as they were before they were read."""

    def __init__(self, input_base: str, resolved: ResolvedInput) -> None:
        self._states = {file: _state(file) for file in resolved.files}
        digest = hashlib.sha256()
        for split in resolved.splits:
            for file in split.files:
                name = file.relative_to(input_base).as_posix() if file != Path(input_base) else file.name
                digest.update(f"{split.name}  {file_sha256(file)}  {name}\n".encode())
        self._digest = digest.hexdigest()

    def fingerprint(self) -> str:
        """Return the digest of the splits' names and the files' names and contents.

        Raises:
            DataError: A file changed since the snapshot was taken, so that nobody knows what was read.
        """
        for file, state in self._states.items():
            if _state(file) != state:
                raise DataError(
                    "example_gen.input_changed",
                    f"{file} changed while it was read.",
                    "Run again once its writer is done; deliver new data as a new span or version.",
                )
        return f"sha256:{self._digest}"


def _state(file: Path) -> tuple[int, int, int]:
    status = file.stat()
    return status.st_ino, status.st_size, status.st_mtime_ns


def _resolved(input_base: str, input_config: config.Input | None, range_config: RangeConfig | None) -> ResolvedInput:
    base = Path(input_base)
    if input_config is not None and input_config.splits:
        return resolve(base, input_config.splits, range_config)
    if base.is_file():
        return ResolvedInput((SplitFiles("single_split", (base,)),))
    folders = sorted(path.name for path in base.glob("Split-*") if path.is_dir())
    splits = [config.Input.Split(name=name.removeprefix("Split-"), pattern=f"{name}/*") for name in folders]
    return resolve(base, splits or [config.Input.Split(name="single_split", pattern="*")], range_config)


def _describe(examples: Examples, resolved: ResolvedInput, file_format: str, payload_format: str) -> None:
    examples.properties["span"] = resolved.span
    if resolved.version is not None:
        examples.properties["version"] = resolved.version
    examples.properties["file_format"] = file_format
    examples.properties["payload_format"] = payload_format


def _without_encodings(schema: pa.Schema, index: list[str]) -> pa.Schema:
    return pa.schema(
        [
            (each.name, each.type.value_type if pa.types.is_dictionary(each.type) else each.type)
            for each in schema
            if each.name not in index
        ]
    )
