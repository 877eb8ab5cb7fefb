from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest

from assay.lineage import SqlLineageStore

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

START = datetime(2026, 3, 1, 12, 0, tzinfo=timezone(timedelta(hours=2)))


class TickingClock:
    """One second later at each call, in a zone that is not UTC."""

    def __init__(self) -> None:
        self._ticks = 0

    def __call__(self) -> datetime:
        self._ticks += 1
        return START + timedelta(seconds=self._ticks)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqlLineageStore]:
    with SqlLineageStore.open(tmp_path / "lineage.db", clock=TickingClock()) as opened:
        opened.start_run("run-1", "taxi", {"steps": 10}, owner="alive")
        yield opened
