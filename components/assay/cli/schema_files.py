"""The files that `assay schema` reads and writes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from google.protobuf.message import DecodeError
from tensorflow_metadata.proto.v0 import anomalies_pb2

from assay.artifacts import anomalies as anomalies_artifact
from assay.artifacts import schema as schema_artifact
from assay.artifacts import statistics as statistics_artifact
from assay.documents import parse_text_proto, read_bytes
from assay.errors import DataError, UsageError
from assay.files import write_durably
from assay.schema.patch import format_patch, parse_patch, read_patch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tensorflow_metadata.proto.v0.anomalies_pb2 import Anomalies
    from tensorflow_metadata.proto.v0.schema_pb2 import Schema
    from tensorflow_metadata.proto.v0.statistics_pb2 import DatasetFeatureStatisticsList

    from assay.api.statistics import Statistics
    from assay.data.csv_types import CsvOptions
    from assay.kernels.statistics import StatisticsOptions
    from assay.schema.patch import Patch


def schema_path(path: Path) -> Path:
    """Return the schema's file, where a folder of a Schema artifact is named."""
    return path / schema_artifact.FILE_NAME if path.is_dir() else path


def read_schema(path: Path) -> Schema:
    """Read a schema from its file, or from the folder of a Schema artifact."""
    return schema_artifact.read_schema(schema_path(path))


def write_schema(path: Path, schema: Schema) -> None:
    """Write a schema as TFDV does."""
    write_durably(path, schema_artifact.format_schema(schema).encode())


def read_schema_text(path: Path) -> tuple[str, str]:
    """Read a schema's text, and return it with the file's name.

    Raises:
        DataError: There is no such file, or it is not text.
    """
    path = schema_path(path)
    return schema_artifact.read_schema_text(path), str(path)


def write_text(path: Path, text: str) -> None:
    """Write text atomically."""
    write_durably(path, text.encode())


def statistics_of_each(
    data: Sequence[str], split: str | None, csv: CsvOptions, options: StatisticsOptions | None = None
) -> list[Statistics]:
    """Return the statistics in each statistics file or artifact; data files of one kind are one dataset.

    Args:
        data: Statistics or data.
        split: The split of Examples or statistics that have several.
        csv: How cells of a CSV are read.
        options: Of statistics that are computed.

    Raises:
        UsageError: Statistics and data are mixed, or a split is not there.
        DataError: A file cannot be read.
    """
    from assay.api.statistics import is_statistics, statistics_of

    files = [files for item in data for files in statistics_files(item, split)]
    if files:
        if csv.is_given:
            raise UsageError(
                "csv.not_csv",
                f"CSV options were given, but the data is statistics: {files[0]}.",
                "Remove them, or give the data.",
            )
        if any(not statistics_files(item, split) for item in data):
            raise UsageError("schema.mixed_inputs", "Statistics and data cannot be combined.", "Give one or the other.")
        return [statistics_of(file) for file in files]
    if any(is_statistics(item) for item in data):
        raise UsageError("schema.mixed_inputs", "Statistics and data cannot be combined.", "Give one or the other.")
    rows = data[0] if len(data) == 1 else list(data)
    return [statistics_of(rows, split=split, csv=csv, options=options)]


def statistics_files(item: str, split: str | None) -> list[Path]:
    """Return the statistics files that a path names: the file itself, or those of an ExampleStatistics artifact."""
    from assay.api.statistics import is_statistics

    path = Path(item)
    if is_statistics(item):
        return [path]
    if not path.is_dir():
        return []
    if (path / statistics_artifact.FILE_NAME).is_file():
        return [path / statistics_artifact.FILE_NAME]
    return sorted(path.glob(f"Split-{split or '*'}/{statistics_artifact.FILE_NAME}"))


def find_anomalies(path: Path, split: str | None) -> Path:
    """Return the anomalies file that a path names: itself, or the one in a folder that validation wrote.

    Raises:
        DataError: There is none.
        UsageError: There are several splits, and none is named.
    """
    if not path.is_dir():
        return path
    name = anomalies_artifact.FILE_NAME
    found = [path / name] if (path / name).is_file() else sorted(path.glob(f"Split-{split or '*'}/{name}"))
    if not found:
        raise DataError("anomalies.missing", f"Expected {name} in {path}, or in one of its Split-… folders.")
    if len(found) > 1:
        splits = ", ".join(file.parent.name.removeprefix("Split-") for file in found)
        raise UsageError(
            "anomalies.split", f"{path} has anomalies of the splits {splits}.", "Specify one: --split NAME."
        )
    return found[0]


def read_anomalies(path: Path) -> Anomalies:
    """Read anomalies from a binary or text proto.

    Raises:
        DataError: The file is missing, or is not an anomalies proto.
    """
    anomalies = anomalies_pb2.Anomalies()
    content = read_bytes(path, "anomalies", code="anomalies.missing", refusal=DataError)
    try:
        if path.suffix == ".pbtxt":
            return parse_text_proto(
                content.decode(), anomalies, str(path), code="anomalies.malformed", refusal=DataError
            )
        anomalies.ParseFromString(content)
    except (DecodeError, UnicodeDecodeError):
        raise DataError(
            "anomalies.malformed", f"{path} is not an Anomalies proto.", "Name the SchemaDiff.pb that validation wrote."
        ) from None
    return anomalies


def statistics_beside(anomalies: Path, given: str | None) -> DatasetFeatureStatisticsList:
    """Return the statistics that were validated: those named, or `FeatureStats.pb` beside the anomalies.

    Raises:
        UsageError: There are none.
    """
    from assay.api.statistics import statistics_of

    beside = anomalies.parent / statistics_artifact.FILE_NAME
    if given is None and not beside.is_file():
        raise UsageError(
            "schema.needs_statistics",
            f"Anomalies do not contain the values themselves, and there is no {statistics_artifact.FILE_NAME} beside "
            f"{anomalies}.",
            "Name the statistics or the data that were validated: --stats FILE.",
        )
    return statistics_of(given if given is not None else beside).proto


def append_patch(path: Path, patch: Patch) -> int:
    """Add entries to a patch file, leaving its contents and comments as they are; return how many were new.

    Raises:
        UsageError: The file is laid out in a way that lines cannot just be added to.
    """
    if not path.exists():
        write_durably(path, format_patch(patch).encode())
        return len(patch.entries)
    known = read_patch(path)
    whole = known + patch
    new = type(patch)(entries=whole.entries[len(known.entries) :])
    if not new.entries:
        return 0
    text = path.read_text(encoding="utf-8")
    lines = format_patch(new).split("entries:\n", 1)[1]
    longer = f"{text.rstrip()}\n{lines}" if known.entries else format_patch(whole)
    if _parsed(longer) != whole:
        raise UsageError(
            "schema_patch.layout",
            f"{path} is not laid out as `assay` writes patches, so it cannot be updated.",
            "Indent its entries by two spaces, or name another file.",
        )
    write_durably(path, longer.encode())
    return len(new.entries)


def _parsed(text: str) -> Any:
    try:
        return parse_patch(text)
    except (DataError, UsageError):
        return None
