"""Opens what a command was given, and shows how far reading has come where it takes over a second."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa
    from rich.console import Console
    from rich.progress import Progress
    from tensorflow_metadata.proto.v0.schema_pb2 import Schema
    from typing_extensions import Self

    from assay.data.csv_remarks import CsvRemark
    from assay.data.csv_types import CsvOptions

_PATIENCE = 1.0


class ReadingBar:
    """A bar on standard error, on a terminal only, after a second; it counts the parts of all data that is read.

    Args:
        quiet: Never show it.
    """

    def __init__(self, *, quiet: bool = False) -> None:
        from rich.console import Console

        self._console: Console = Console(file=sys.stderr)
        self._shown = self._console.is_terminal and not quiet
        self._started = time.monotonic()
        self._bar: Progress | None = None
        self._done = 0
        self._total = 0
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        """Start the clock."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Remove the progress bar."""
        if self._bar is not None:
            self._bar.stop()

    def expect(self, parts: int) -> None:
        """Add parts that will be read."""
        with self._lock:
            self._total += parts

    def advance(self) -> None:
        """Note that a part was read."""
        with self._lock:
            self._done += 1
            if self._bar is None and self._shown and time.monotonic() - self._started > _PATIENCE:
                from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

                self._bar = Progress(
                    TextColumn("reading"), BarColumn(), TimeElapsedColumn(), console=self._console, transient=True
                )
                self._bar.add_task("reading")
                self._bar.start()
            if self._bar is not None:
                # Several passes over the same parts read more of them than were announced.
                self._bar.update(self._bar.task_ids[0], completed=self._done, total=max(self._total, self._done))


@dataclass(frozen=True, slots=True)
class WatchedShard:
    """A shard that says when it was read."""

    shard: Any
    bar: ReadingBar

    @property
    def num_rows(self) -> int | None:
        """Number of rows of the shard, if it knows."""
        rows: int | None = getattr(self.shard, "num_rows", None)
        return rows

    def batches(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """Read the shard."""
        yield from self.shard.batches(columns)
        self.bar.advance()


@dataclass(frozen=True, slots=True)
class WatchedRows:
    """A source whose shards say when they were read."""

    source: Any
    bar: ReadingBar

    @property
    def shards(self) -> list[WatchedShard]:
        """The parts, in order."""
        return [WatchedShard(shard, self.bar) for shard in self.source.shards]

    @property
    def bounded(self) -> bool:
        """Whether the source is bounded."""
        return bool(self.source.bounded)

    def as_text(self, columns: Collection[str]) -> WatchedRows:
        """Return the rows where these columns are the text of their cells, as far as they come from a CSV."""
        from assay.data.sources import as_text

        return WatchedRows(as_text(self.source, columns), self.bar)

    def remarks(self) -> tuple[CsvRemark, ...]:
        """Return the remarks on text columns of a CSV."""
        from assay.data.csv_remarks import remarks_of

        return remarks_of(self.source)


def opened(paths: Sequence[Path], bar: ReadingBar, csv: CsvOptions, schema: Schema | None = None) -> Any:
    """Return the path of a statistics file as it is, and data of any kind as rows that are watched.

    Raises:
        DataError: There is no such data, or it is of no known kind.
    """
    from assay.api.statistics import is_statistics
    from assay.data.sources import rows_of

    if len(paths) == 1 and is_statistics(paths[0]):
        return paths[0]
    rows = rows_of([str(path) for path in paths] if len(paths) > 1 else str(paths[0]), csv=csv, schema=schema)
    bar.expect(len(rows.shards))
    return WatchedRows(rows, bar)


def opened_control(path: Path | None, bar: ReadingBar, csv: CsvOptions, schema: Schema | None = None) -> Any:
    """Return data to compare with, opened like the data; None for None."""
    return None if path is None else opened([path], bar, replace(csv, optional=True), schema)
