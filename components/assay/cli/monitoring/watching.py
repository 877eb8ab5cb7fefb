"""Goes through what has arrived since the last time, and keeps the history page."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from assay.cli.monitoring.examination import Watch, examine, examine_quality
from assay.cli.monitoring.record import SpanRecord, read_records, span_folder, write_record
from assay.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from assay.cli.monitoring.arrivals import Arrival


@dataclass(frozen=True, slots=True)
class MonitorResult:
    """What a call of the monitor saw.

    Attributes:
        new: Records that are new, or that labels were added to, in order.
        all: Every record, in order.
        missing: Names of recorded spans whose data is no longer there.
    """

    new: tuple[SpanRecord, ...]
    all: tuple[SpanRecord, ...]
    missing: tuple[str, ...]

    @property
    def exit_code(self) -> int:
        """The gravest of the new records': 4 before 3 before 0."""
        return max((record.exit_code for record in self.new), default=0)


def watch_spans(
    watch: Watch,
    data: Sequence[Arrival],
    labelled: Sequence[Arrival],
    tell: Callable[[SpanRecord], None] = lambda _: None,
) -> MonitorResult:
    """Examine the spans that have no record, or whose files have changed since.

    Raises:
        UsageError: Another monitor is running on the same root.
    """
    with _alone(watch.root):
        records = {record.name: record for record in read_records(watch.root)}
        new: dict[str, SpanRecord] = {}
        for arrival in data:
            record = records.get(arrival.name)
            if record is None or record.fingerprint != arrival.fingerprint:
                previous = max(
                    (each for each in records.values() if each.span < arrival.span), key=_span_of, default=None
                )
                span_folder(watch.root, arrival.name).mkdir(parents=True, exist_ok=True)
                fresh = examine(arrival, previous, watch)
                new[arrival.name] = records[arrival.name] = replace(fresh, quality=record.quality if record else None)
                write_record(watch.root, records[arrival.name])
        for arrival in labelled:
            record = records.get(arrival.name)
            if record is None:
                continue  # labels of a span whose data did not come are looked at when it does
            if record.quality is None or record.quality.fingerprint != arrival.fingerprint:
                judged = replace(record, quality=examine_quality(arrival, watch))
                new[arrival.name] = records[arrival.name] = judged
                write_record(watch.root, judged)
        for record in sorted(new.values(), key=_span_of):
            tell(record)
        present = {arrival.name for arrival in data}
        return MonitorResult(
            tuple(sorted(new.values(), key=_span_of)),
            tuple(sorted(records.values(), key=_span_of)),
            tuple(name for name in records if name not in present),
        )


def _span_of(record: SpanRecord) -> int:
    return record.span


@contextmanager
def _alone(root: Path) -> Iterator[None]:
    """Hold the root's lock, which goes with the process however it ends."""
    root.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(root / ".lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UsageError(
                "monitor.busy", f"Another monitor is running on {root}.", "Wait for it, or give another --root."
            ) from None
        yield
    finally:
        os.close(descriptor)
