"""A store for each test, in SQLite and in PostgreSQL."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest

from assay.lineage import LineageStore

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


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where to open an empty store: a file, and a database of a server."""
    if request.param == "sqlite":
        return str(tmp_path / "lineage.db")
    return str(request.getfixturevalue("postgres_url"))


@pytest.fixture
def store(store_url: str, tmp_path: Path) -> Iterator[LineageStore]:
    with LineageStore.open(store_url, root=tmp_path, clock=TickingClock()) as opened:
        opened.start_run("run-1", "taxi", {"steps": 10}, owner="alive")
        yield opened
