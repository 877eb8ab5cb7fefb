"""Remarks on text columns of a CSV that look like numbers, amounts or dates, with the option that reads them so."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from assay.cli.csv_options import csv_options
from assay.data.csv import scan_csv
from assay.data.csv_remarks import CsvRemark, remarks_on
from assay.data.csv_types import CsvOptions, Kind
from assay.errors import on_command_line

NUMBERS = [str(number) for number in range(50)]


def remark_on(folder: Path, cells: list[str], *, delimiter: str = ";", block_bytes: int = 1 << 20) -> CsvRemark | None:
    path = folder / "data.csv"
    path.write_text("\n".join([f"a{delimiter}b", *(f'"{cell}"{delimiter}k' for cell in cells)]))
    found = remarks_on(scan_csv([path], block_bytes=block_bytes))
    assert len(found) <= 1
    return found[0] if found else None


@pytest.mark.parametrize(
    ("cells", "looks_like", "advice"),
    [
        ([*NUMBERS, "NA"], "numbers", "--missing-values a=NA"),
        ([*NUMBERS[:5], *["NA"] * 50, "?", "-"], "numbers", "--missing-values 'a=-,?,NA'"),
        ([f"{number},5" for number in NUMBERS], "numbers", "--decimal ','"),
        ([*(f"{number},5" for number in NUMBERS), "null"], "numbers", "--decimal ',' and --missing-values a=null"),
        ([f"1,{number:03}" for number in range(50)], "numbers", "--decimal ',', or --thousands ','"),
        ([f"1,{number:03}.5" for number in range(50)], "numbers", "--thousands ','"),
        ([f"1.{number:03},5" for number in range(50)], "numbers", "--decimal ',' and --thousands '.'"),
        ([f"1 {number:03}" for number in range(50)], "numbers", "--thousands ' '"),
        ([f"${number}" for number in NUMBERS], "amounts", "--type a=amount"),
        ([f"{number},50 €" for number in NUMBERS], "amounts", "--decimal ',' and --type a=amount"),
        ([*(f"{number}%" for number in NUMBERS), "n/a"], "amounts", "--missing-values a=n/a and --type a=amount"),
        ([f"2024-01-{number % 28 + 1:02}" for number in range(50)], "dates", "--type a=date"),
        ([f"2024-01-01 10:{number:02}" for number in range(50)], "dates", "--type a=time"),
        ([f"{number % 28 + 1}.1.2024" for number in range(50)], "dates", "ISO 8601"),
        ([f"Jan {number % 28 + 1}, 2024" for number in range(50)], "dates", "ISO 8601"),
        ([*NUMBERS, "12a", "1-2"], "numbers", "--type a=float"),
        ([f"({number}.50)" for number in NUMBERS] + ["1.5"], "unusual numbers", "such as 1234567.5 and -1234567.5"),
        ([f"{number}.5-" for number in NUMBERS], "unusual numbers", "-1234567.5"),
        ([f"\u2212{number}" for number in NUMBERS], "unusual numbers", "-1234567.5"),
        ([f"'{number}" for number in NUMBERS], "unusual numbers", "-1234567.5"),
        ([f"\u200b{number}" for number in NUMBERS], "unusual numbers", "-1234567.5"),
        ([f"{number} kg" for number in NUMBERS], "amounts", "--type a=amount"),
        ([*NUMBERS, "a"], "numbers", "remove the lines that repeat the header"),
        ([f"1,23,{number:03}" for number in range(50)], "unusual numbers", "-1234567.5"),
        ([*["red", "green"] * 20, "?", "NA"], "missing values", "--missing-values 'a=?,NA'"),
        (["NA", "?", "-"] * 20, "missing values", "--missing-values 'a=?,NA'"),
    ],
)
def test_what_a_column_looks_like_and_what_to_do(
    tmp_path: Path, cells: list[str], looks_like: str, advice: str
) -> None:
    remark = remark_on(tmp_path, cells)
    assert remark is not None
    assert remark.looks_like == looks_like
    assert advice in on_command_line(remark.text)


@pytest.mark.parametrize(
    "cells",
    [
        ["red", "green", "blue"] * 20,
        [f"A{number}" for number in range(50)],
        [f"10.0.0.{number}" for number in range(50)],
        [f"USR{number}" for number in range(50)],
        [f"{number}-{number}" for number in range(50)],
        ["+", "-", "none", "unknown"] * 20,
        [f"1.{number}.3" for number in NUMBERS],
        [f"Room {number}" for number in NUMBERS],
        [f"{number} {street} St" for number in range(10) for street in ("Elm", "Oak")],
        [f"{number}-" for number in "abc"] * 20,
        [*NUMBERS[:20], *["red"] * 30],
        [f"1234567890123456789{number}" for number in range(50)],
        NUMBERS,
    ],
)
def test_other_columns_have_no_remark(tmp_path: Path, cells: list[str]) -> None:
    assert remark_on(tmp_path, cells) is None


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        ([*NUMBERS, "NA", "?"], Kind.INT),
        ([*(f"{number},5" for number in NUMBERS), "null"], Kind.FLOAT),
        ([f"€ 1.{number:03},5" for number in range(50)], Kind.FLOAT),
        ([f"2024-01-{number % 28 + 1:02}" for number in range(50)] + ["-"], Kind.DATE),
    ],
)
def test_the_advice_reads_the_column(tmp_path: Path, cells: list[str], kind: Kind) -> None:
    remark = remark_on(tmp_path, cells)
    assert remark is not None
    advice = on_command_line(remark.text).rpartition("set ")[2].removesuffix(".")
    words = [word for word in shlex.split(advice) if word != "and"]
    given = dict(zip(words[::2], words[1::2], strict=True))
    options = csv_options(
        None,
        [given["--missing-values"]] if "--missing-values" in given else [],
        given.get("--decimal", "."),
        given.get("--thousands"),
        [given["--type"]] if "--type" in given else [],
        None,
    )
    table = scan_csv([tmp_path / "data.csv"], options)
    assert dict(table.shards[0].kinds)["a"] is kind
    assert remarks_on(table) == ()


def test_a_comma_separates_thousands_where_it_also_separates_columns(tmp_path: Path) -> None:
    remark = remark_on(tmp_path, [f"1,{number:03}" for number in range(50)], delimiter=",")
    assert remark is not None
    assert "--thousands ',', or --decimal ',' if '1,000' is a decimal." in on_command_line(remark.text)


@pytest.mark.parametrize("cells", [[*NUMBERS, "NA"], [f"2024-01-{number % 28 + 1:02}" for number in range(50)]])
def test_marks_that_are_set_stay_where_cells_have_none(tmp_path: Path, cells: list[str]) -> None:
    remark_on(tmp_path, cells)
    (remark,) = remarks_on(scan_csv([tmp_path / "data.csv"], CsvOptions(decimal=",", thousands=".")))
    assert "--decimal" not in on_command_line(remark.text)
    assert "--thousands" not in on_command_line(remark.text)


def test_every_row_is_looked_at_where_a_part_looks_like_numbers(tmp_path: Path) -> None:
    remark = remark_on(tmp_path, [*NUMBERS * 50, "?", *NUMBERS * 50], block_bytes=1000)
    assert remark is not None
    assert "5,000 of its 5,001 cells are numbers" in remark.text
    assert remark_on(tmp_path, [*NUMBERS * 50, *["red", "blue"] * 5000], block_bytes=1000) is None


def test_whole_numbers_that_lose_leading_zeros(tmp_path: Path) -> None:
    remark = remark_on(tmp_path, ["10", "20", "0010"])
    assert remark is not None
    assert remark.looks_like == "codes"
    assert "'0010'" in remark.text
    assert "--type a=text" in on_command_line(remark.text)
    assert remark_on(tmp_path, ["10", "0", "-0", "20"]) is None
    assert remark_on(tmp_path, ["10", "0.5", "-00.5"]) is None


def test_a_column_that_is_named_as_text_has_no_remark(tmp_path: Path) -> None:
    remark_on(tmp_path, [*NUMBERS, "NA"])
    assert remarks_on(scan_csv([tmp_path / "data.csv"], CsvOptions(types={"a": "text"}))) == ()
    expected = CsvOptions(expected={"a": Kind.TEXT})  # by a schema that was inferred from such a column
    assert len(remarks_on(scan_csv([tmp_path / "data.csv"], expected))) == 1


@pytest.mark.parametrize(
    ("names", "is_data"),
    [
        ("0.3,0.7", True),
        ("22,male", True),
        ("2024-01-01,x", True),
        ("0,1", False),
        ("1,2", False),
        ("2019,2020", False),
        ("2021,2020", False),
        ("a,7b", False),
    ],
)
def test_a_header_that_looks_like_data(tmp_path: Path, names: str, is_data: bool) -> None:
    kind = "2024-01-0{}" if names.startswith("2024") else "{}.5"
    lines = [f"{kind.format(number)},{number if names[-1].isdigit() else 'k'}" for number in range(1, 9)]
    (tmp_path / "data.csv").write_text("\n".join([names, *lines]))
    found = [remark.column for remark in remarks_on(scan_csv([tmp_path / "data.csv"])) if remark.looks_like == "data"]
    assert found == [names.partition(",")[0]] * is_data
