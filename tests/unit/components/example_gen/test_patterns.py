from __future__ import annotations

from pathlib import Path

import pytest

from assay.components.example_gen.config import Input
from assay.components.example_gen.patterns import resolve
from assay.spec import RangeConfig, RollingRange, StaticRange
from raising import raises


def lay(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


def one(pattern: str) -> list[Input.Split]:
    return [Input.Split(name="all", pattern=pattern)]


def found(base: Path, pattern: str, range_config: RangeConfig | None = None) -> tuple[list[str], int, int | None]:
    resolved = resolve(base, one(pattern), range_config)
    return [file.relative_to(base).as_posix() for file in resolved.files], resolved.span, resolved.version


def static(start: int, end: int | None = None) -> RangeConfig:
    return RangeConfig(static_range=StaticRange(start_span_number=start, end_span_number=start if end is None else end))


def test_without_placeholders_the_span_is_zero_and_files_are_sorted(tmp_path: Path) -> None:
    lay(tmp_path, "b.csv", "a.csv", "_SUCCESS", ".hidden", "sub/c.csv")
    assert found(tmp_path, "*") == (["a.csv", "b.csv"], 0, None)
    assert found(tmp_path, "**/*.csv") == (["a.csv", "b.csv", "sub/c.csv"], 0, None)
    assert found(tmp_path, "[a]?csv") == (["a.csv"], 0, None)
    assert found(tmp_path, "_SUCCESS") == (["_SUCCESS"], 0, None)


def test_the_newest_span_and_its_newest_version_are_read(tmp_path: Path) -> None:
    lay(tmp_path, "span-2/v-9/a.csv", "span-10/v-1/a.csv", "span-10/v-2/a.csv", "span-10/v-2/b.csv", "span-x/v-1/a.csv")
    assert found(tmp_path, "span-{SPAN}/v-{VERSION}/*") == (["span-10/v-2/a.csv", "span-10/v-2/b.csv"], 10, 2)
    assert found(tmp_path, "span-{SPAN}/*/a.csv") == (["span-10/v-1/a.csv", "span-10/v-2/a.csv"], 10, None)
    assert found(tmp_path, "span-{SPAN}/v-{VERSION}/*", static(2)) == (["span-2/v-9/a.csv"], 2, 9)


def test_a_width_takes_just_so_many_digits(tmp_path: Path) -> None:
    lay(tmp_path, "data0701.csv", "data0812.csv", "data12.csv", "data123456.csv")
    assert found(tmp_path, "data{SPAN:2}{VERSION:2}.csv") == (["data0812.csv"], 8, 12)
    assert found(tmp_path, "data{SPAN:2}.csv") == (["data12.csv"], 12, None)
    assert found(tmp_path, "data{SPAN}.csv") == (["data123456.csv"], 123_456, None)


def test_a_date_is_the_span_of_its_day(tmp_path: Path) -> None:
    lay(tmp_path, "1970-01-02/a.csv", "1970-02-01/a.csv", "2020/05/06/a.csv")
    assert found(tmp_path, "{YYYY}-{MM}-{DD}/*") == (["1970-02-01/a.csv"], 31, None)
    assert found(tmp_path, "{YYYY}-{MM}-{DD}/*", static(1)) == (["1970-01-02/a.csv"], 1, None)
    assert found(tmp_path, "{YYYY}/{MM}/{DD}/*") == (["2020/05/06/a.csv"], 18_388, None)


@pytest.mark.parametrize(
    ("start", "skip", "span"), [(0, 0, 5), (0, 1, 3), (2, 2, 2), (3, 0, 5)], ids=["newest", "skip", "both", "start"]
)
def test_a_rolling_range_of_one_span(tmp_path: Path, start: int, skip: int, span: int) -> None:
    lay(tmp_path, "1.csv", "2.csv", "3.csv", "5.csv")
    rolling = RollingRange(num_spans=1, start_span_number=start, skip_num_recent_spans=skip)
    assert found(tmp_path, "{SPAN}.csv", RangeConfig(rolling_range=rolling)) == ([f"{span}.csv"], span, None)


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("{SPAN}/{SPAN:2}/*", ("example_gen.placeholder_twice",)),
        ("{SPAN}/{VERSION}/{VERSION}", ("example_gen.placeholder_twice",)),
        ("{SPAN}/{YYYY}{MM}{DD}", ("example_gen.span_and_date",)),
        ("{YYYY}-{MM}", ("example_gen.incomplete_date",)),
        ("{VERSION}/*", ("example_gen.version_without_span",)),
        ("{SPAN:x}/*", ("example_gen.width", "SPAN:x")),
        ("{SPAN:0}/*", ("example_gen.width", "SPAN:0")),
        ("{SPAM}/*", ("example_gen.unknown_placeholder", "SPAN")),
        ("{YYYY:4}{MM}{DD}", ("example_gen.unknown_placeholder",)),
    ],
)
def test_a_wrong_pattern_is_explained(tmp_path: Path, pattern: str, expected: tuple[str, ...]) -> None:
    with raises(*expected):
        resolve(tmp_path, one(pattern))


@pytest.mark.parametrize(
    ("range_config", "expected"),
    [
        (static(1, 2), ("example_gen.range", "1", "2")),
        (RangeConfig(rolling_range=RollingRange(num_spans=2)), ("example_gen.range", "num_spans", "1", "2")),
        (RangeConfig(), ("example_gen.range", "static_range", "rolling_range")),
    ],
)
def test_a_range_is_of_one_span(tmp_path: Path, range_config: RangeConfig, expected: tuple[str, ...]) -> None:
    with raises(*expected):
        resolve(lay(tmp_path, "1.csv"), one("{SPAN}.csv"), range_config)


def test_a_range_needs_a_span_in_the_pattern(tmp_path: Path) -> None:
    with raises("example_gen.range_without_span", "range_config"):
        resolve(lay(tmp_path, "1.csv"), one("*.csv"), static(1))


def test_a_span_that_is_not_there(tmp_path: Path) -> None:
    lay(tmp_path, *(f"{span}.csv" for span in range(8)))
    with raises("example_gen.no_such_span", "9", "3", "4", "5", "6", "7"):
        resolve(tmp_path, one("{SPAN}.csv"), static(9))


@pytest.mark.parametrize("pattern", ["*.parquet", "{SPAN}.csv"])
def test_a_pattern_that_matches_nothing(tmp_path: Path, pattern: str) -> None:
    with raises("example_gen.no_files", "data.csv"):
        resolve(lay(tmp_path, "data.csv"), one(pattern))


def test_no_such_folder(tmp_path: Path) -> None:
    with raises("example_gen.no_input_base", "absent"):
        resolve(tmp_path / "absent", one("*"))


def test_a_path_with_an_impossible_date(tmp_path: Path) -> None:
    with raises("example_gen.bad_date", "2021-02-30.csv"):
        resolve(lay(tmp_path, "2021-02-30.csv"), one("{YYYY}-{MM}-{DD}.csv"))


def test_splits_are_of_one_span_and_version(tmp_path: Path) -> None:
    splits = [Input.Split(name=name, pattern=f"{name}/{{SPAN}}/*") for name in ("train", "eval")]
    lay(tmp_path, "train/1/a", "train/2/a", "eval/1/a")
    with raises("example_gen.spans_differ", "train", "2", "eval", "1"):
        resolve(tmp_path, splits)
    resolved = resolve(tmp_path, splits, static(1))
    assert [(split.name, len(split.files)) for split in resolved.splits] == [("train", 1), ("eval", 1)]


def test_splits_name_their_span_in_the_same_way(tmp_path: Path) -> None:
    splits = [Input.Split(name="train", pattern="{SPAN}/*"), Input.Split(name="eval", pattern="eval/*")]
    with raises("example_gen.placeholders_differ", "train", "eval"):
        resolve(tmp_path, splits)
    with raises("example_gen.no_splits"):
        resolve(tmp_path, [])
