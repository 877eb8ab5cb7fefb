"""What a file holds by its first bytes, where that is not what its name says, and how to go on.

It also says what is wrong with a gzip stream that cannot be read to its end.
"""

from __future__ import annotations

import gzip
import json
import re
import stat
import zlib
from shlex import quote
from typing import TYPE_CHECKING, Final

from assay.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

_HEAD_BYTES: Final = 1 << 12
_DECOMPRESS: Final = "Decompress it first: {command}."
_FORMATS: Final[tuple[tuple[bytes, str, str], ...]] = (
    (b"BZh", "a bzip2 archive", _DECOMPRESS.format(command="bunzip2 < {path} > data.csv")),
    (b"\x28\xb5\x2f\xfd", "a zstd archive", _DECOMPRESS.format(command="zstd -d < {path} > data.csv")),
    (b"\xfd7zXZ\x00", "an xz archive", _DECOMPRESS.format(command="unxz < {path} > data.csv")),
    (b"\x04\x22\x4d\x18", "an lz4 archive", _DECOMPRESS.format(command="lz4 -d < {path} > data.csv")),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", _DECOMPRESS.format(command="7z x {path}")),
    (b"Rar!\x1a\x07", "a RAR archive", _DECOMPRESS.format(command="unrar x {path}")),
    (b"PAR1", "a Parquet file", "Rename it so that its name ends in .parquet."),
    (b"ARROW1", "an Arrow file", "Convert it: pyarrow.parquet.write_table(pyarrow.feather.read_table(path), target)."),
    (b"\xff\xff\xff\xff", "an Arrow stream", "Convert it to Parquet with pyarrow.ipc and pyarrow.parquet."),
    (b"ORC", "an ORC file", "Convert it: pyarrow.parquet.write_table(pyarrow.orc.read_table(path), target)."),
    (b"Obj\x01", "an Avro file", "Convert it to Parquet or CSV."),
    (b"\x89HDF", "an HDF5 file", "Convert it: pandas.read_hdf(path).to_parquet(target)."),
    (b"SQLite format 3\x00", "an SQLite database", "Export the table: sqlite3 -csv -header {path} 'SELECT * FROM …'."),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook", "Save the sheet as CSV UTF-8 in the spreadsheet program."),
    (b"%PDF-", "a PDF document", "Check that it is the right file."),
    (b"\x93NUMPY", "a NumPy array", "Convert it: pandas.DataFrame(numpy.load(path)).to_parquet(target)."),
    (b"\x80\x04", "a pickle of Python", "Convert it: pandas.read_pickle(path).to_parquet(target)."),
    (b"\x80\x05", "a pickle of Python", "Convert it: pandas.read_pickle(path).to_parquet(target)."),
    (b"version https://git-lfs.github.com/spec/", "a pointer of Git LFS", "Fetch the file itself: git lfs pull."),
    (b"\x1f\x8b", "a gzip archive", _DECOMPRESS.format(command="gunzip < {path} > data.csv")),
)
_MARKUP: Final = re.compile(rb"\s*<(?:!doctype|html|\?xml)\b", re.IGNORECASE)
_WORKBOOKS: Final = {".xlsx", ".xlsm", ".xlsb", ".ods"}
_SPREADSHEET: Final = (b"[Content_Types].xml", b"xl/", b"mimetypeapplication/vnd.oasis")
GZIP_DAMAGE: Final = (EOFError, gzip.BadGzipFile, zlib.error)
"""What Python raises for a stream that is cut off or damaged."""


def require_regular(path: Path, code: str) -> None:
    """Refuse a pipe, a device or a socket: data is read more than once, and a device may never end.

    Args:
        path: The file; a link is followed. What is missing is left to whoever opens it.
        code: The prefix of the error's code.

    Raises:
        DataError: The path is not a regular file.
    """
    try:
        mode = path.stat().st_mode
    except OSError:
        return
    if stat.S_ISREG(mode) or stat.S_ISDIR(mode):
        return
    what = "a pipe" if stat.S_ISFIFO(mode) else "a socket" if stat.S_ISSOCK(mode) else "a device"
    raise DataError(
        f"{code}.not_a_file",
        f"Expected a file at {path} and found {what}; data is read more than once.",
        "Write the data to a file first.",
    )


def other_format(path: Path, head: bytes | None = None) -> tuple[str, str] | None:
    """Return what a file contains instead of text cells, and a hint; None if nothing else is recognised.

    Args:
        path: The file, for the hint and to read from.
        head: The first bytes of its (decompressed) content; read from the file where None.
    """
    if head is None:
        with path.open("rb") as stream:
            head = stream.read(_HEAD_BYTES)
    name = quote(str(path))
    if head.startswith(b"PK\x03\x04"):
        if path.suffix.lower() in _WORKBOOKS or any(mark in head for mark in _SPREADSHEET):
            return "a spreadsheet", "Save the sheet as CSV UTF-8, or use pandas.read_excel(path).to_csv(target)."
        return "a zip archive", f"Unpack it first: unzip {name}."
    for magic, what, hint in _FORMATS:
        if head.startswith(magic) and not (magic.isalnum() and _is_text(head)):  # a column may be named ORC
            return what, hint.format(path=name)
    if head[257:262] == b"ustar":
        return "a tar archive", f"Unpack it first: tar -xf {name}."
    if _MARKUP.match(head):
        return "HTML or XML", "Check the download: a page of a web site, such as a login, may have been saved instead."
    if _is_json(head):
        return "JSON", "Convert it: pandas.read_json(path, lines=True).to_parquet(target) (lines=True for JSON lines)."
    return None


def _is_text(head: bytes) -> bool:
    return not any(byte < 32 and byte not in b"\t\r\n" for byte in head[:512])


def _is_json(head: bytes) -> bool:
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if start[:1] not in {b"{", b"["}:
        return False
    first, _, rest = start.partition(b"\n")
    try:
        json.loads(first)
    except (ValueError, RecursionError):
        # An object over several lines, or one that is longer than what was read.
        return re.match(rb'[\[{]\s*(?:\{\s*)?("[^"\\]*(?:\\.[^"\\]*)*"\s*:|$)', start) is not None
    return start[:1] == b"{" or not rest.strip() or rest.lstrip()[:1] in {b"[", b"{"}


def gzip_damage(error: Exception, code: str, place: object, items: str) -> DataError:
    """Return the error for one of `GZIP_DAMAGE`.

    Args:
        error: What was raised.
        code: What the error's code begins with.
        place: The file, and where in it.
        items: What the file holds: rows, or records.
    """
    if isinstance(error, EOFError):
        return DataError(
            f"{code}.truncated_gzip",
            f"{place}: the gzip stream is cut off before its end.",
            f"Copy or export the file again; the {items} up to the cut would be an arbitrary part of the data.",
        )
    return DataError(
        f"{code}.bad_gzip", f"{place}: the gzip stream is damaged ({error}).", "Copy or export the file again."
    )
