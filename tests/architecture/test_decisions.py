"""Every decision has a number, a title, a date and a status, and names decisions that exist."""

from __future__ import annotations

import re
from collections import Counter
from datetime import date
from pathlib import Path

import pytest

HEADER = re.compile(
    r"# (?P<number>\d{4}): (?P<title>[A-Z].{3,79})\n\nDate: (?P<date>\d{4}-\d{2}-\d{2})\n+"
    r"Status: (?P<status>accepted|superseded by \d{4}|superseded in part by \d{4})(?:[;( ].*)?\n\n"
)


@pytest.fixture(scope="module")
def pages(project_root: Path) -> dict[str, str]:
    """Every page by its file name."""
    found = (project_root / "docs/decisions").glob("[0-9]*.md")
    return {path.name: path.read_text(encoding="utf-8") for path in sorted(found)}


def test_every_decision_has_a_title_a_date_and_a_status(pages: dict[str, str]) -> None:
    assert len(pages) > 40
    for name, text in pages.items():
        header = HEADER.match(text)
        assert header is not None, (
            f"{name} must begin with '# NNNN: Title', 'Date: YYYY-MM-DD' and 'Status: accepted' (or superseded by NNNN)"
        )
        assert re.fullmatch(rf"{header['number']}(-[a-z0-9]+)+\.md", name), name
        assert not header["title"].endswith("."), name
        date.fromisoformat(header["date"])


def test_numbers_are_used_once_and_lead_to_a_page(pages: dict[str, str]) -> None:
    counted = Counter(name[:4] for name in pages)
    assert {number for number, times in counted.items() if times > 1} == set()
    for name, text in pages.items():
        named = re.findall(r"superseded (?:in part )?by (\d{4})|supersedes (\d{4})|[Dd]ecisions? (\d{4})", text)
        for number in {one for group in named for one in group if one}:
            assert number in counted, f"{name} names decision {number}, which does not exist"
