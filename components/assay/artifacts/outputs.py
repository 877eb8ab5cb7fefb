"""Where a command puts its results: never over what it reads, and never over files that assay did not write."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from glob import glob, has_magic
from pathlib import Path

import msgspec

from assay.artifacts.store import file_sha256
from assay.errors import ArtifactError, UsageError, check_not_url
from assay.files import write_durably

RECORD = ".assay-outputs.json"
"""Names the files of a folder that assay wrote, with their SHA-256, empty while a command is still writing."""

_STARTED = ""  # in place of the digest of a file that a command announced before it was killed


def refuse_inputs(output: Path, name: str, others: Mapping[str, object], *, folder: bool = False) -> None:
    """Refuse an output that is also an input or another output.

    Args:
        output: The file or folder to write.
        name: The option or argument that named it.
        others: The values of the other parameters: paths, patterns, lists of these; anything else is ignored.
        folder: Whether `output` is a folder of results.

    Raises:
        UsageError: Writing `output` would overwrite or change what another parameter names.
    """
    for other, value in others.items():
        same = isinstance(value, Path) and value.absolute() == output.absolute()
        if same or (output.is_file() and any(_is_same(output, path) for path in paths_in(value))):
            raise UsageError(
                "output.is_input",
                f"{name} and {other} both name {output}; writing the one would destroy the other.",
                f"Choose another path for {name}.",
            )
        if folder:
            _refuse_folder(output, other, tuple(paths_in(value)))


def _refuse_folder(output: Path, other: str, read: Iterable[Path]) -> None:
    """Refuse a folder of results inside an input folder, or with an input among the results that it contains."""
    place, record = output.resolve(), _read_record(output)
    for path in read:
        if path.is_dir() and place.is_relative_to(path.resolve()):
            raise UsageError(
                "output.is_input",
                f"The output folder {output} is inside {path}, which {other} reads; results there would change it.",
                "Choose an output folder outside of the inputs.",
            )
        if path.is_file() and any(_is_same(path, output / name) for name in record):
            raise UsageError(
                "output.is_input",
                f"{path}, which {other} reads, is a result of an earlier command; new results in {output} would "
                "overwrite it.",
                "Choose another output folder.",
            )


def refuse_ending(output: Path, name: str, endings: Collection[str]) -> None:
    """Refuse a file whose ending promises another format than what is written.

    Args:
        output: The file to write.
        name: The option or argument that named it.
        endings: The endings of the formats that can be written.

    Raises:
        UsageError: The ending is not one of these.
    """
    if output.suffix.lower() not in endings:
        known = ", ".join(endings)
        raise UsageError(
            "output.ending",
            f"{name} cannot write {output}: expected a file that ends in {known}.",
            "Rename the output.",
        )


def paths_in(value: object) -> Iterator[Path]:
    """Yield the existing files and folders that a parameter's value names, by path, pattern or `file.py:function`."""
    if isinstance(value, list | tuple):
        for each in value:
            yield from paths_in(each)
    elif isinstance(value, str | Path) and str(value):
        text = str(value)
        named = [text, text.rpartition(":")[0]] if ":" in text else [text]
        for name in filter(None, named):
            with contextlib.suppress(OSError, ValueError):  # a text that is not a path: too long, or with a NUL
                if Path(name).exists():
                    yield Path(name)
                elif has_magic(name):
                    yield from map(Path, glob(name, recursive=True))  # noqa: PTH207 (Path.glob refuses absolute ones)


def _is_same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:  # one of them does not exist
        return False


@contextlib.contextmanager
def output_folder(folder: Path, names: Iterable[str], inputs: object = ()) -> Iterator[Path]:
    """Prepare a folder for a command's results, and record which files in it assay wrote.

    Results of an earlier command are removed first, so that a command that fails leaves no earlier pass behind; what a
    failing command has written so far is removed as well.

    Args:
        folder: The folder; it is created if it does not exist.
        names: Every file that may be written, relative to `folder`.
        inputs: The paths that are read.

    Raises:
        UsageError: A file of one of these names was not written by assay, or is an input, or the folder is a URL;
            nothing is touched then.
        ArtifactError: The folder cannot be written.
    """
    names = tuple(names)
    check_not_url(folder, "The output folder")
    _refuse_folder(folder, "this command", tuple(paths_in(inputs)))
    record = _read_record(folder)
    present = [name for name in names if (folder / name).exists() or (folder / name).is_symlink()]
    for name in present:
        if name not in record or (record[name] != _STARTED and record[name] != _digest(folder / name)):
            raise UsageError(
                "output.foreign",
                f"{folder / name} was not written by assay, or has changed since; this command would overwrite it.",
                "Move the file, or choose another output folder.",
            )
    others = {name: digest for name, digest in record.items() if name not in names}
    made = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        _write_record(folder, others | dict.fromkeys(names, _STARTED))
        for name in present:
            (folder / name).unlink()
        yield folder
        digests = {name: _digest(folder / name) for name in names if (folder / name).is_file()}
        _write_record(folder, others | digests)
    except BaseException:
        for name in names:
            (folder / name).unlink(missing_ok=True)
        with contextlib.suppress(ArtifactError):  # a full disk keeps the record that announces the files
            _write_record(folder, others)
        if made:
            with contextlib.suppress(OSError):  # what the command left there beside its results
                folder.rmdir()
        raise


def _digest(path: Path) -> str:
    return file_sha256(path) if path.is_file() else ""


def _read_record(folder: Path) -> dict[str, str]:
    """Return the digests of the files that assay wrote; an unreadable record vouches for no file."""
    try:
        return msgspec.json.decode((folder / RECORD).read_bytes(), type=dict[str, str])
    except (msgspec.MsgspecError, OSError):
        return {}


def _write_record(folder: Path, record: Mapping[str, str]) -> None:
    if record:
        write_durably(folder / RECORD, msgspec.json.format(msgspec.json.encode(record, order="sorted")) + b"\n")
    else:
        (folder / RECORD).unlink(missing_ok=True)
