from __future__ import annotations

import gzip
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from assay.artifacts import Examples
from assay.artifacts.store import digest_of, list_files
from assay.components.example_gen import CsvExampleGen, ImportExampleGen, Input, Output, ParquetExampleGen, SplitConfig
from assay.components.example_gen.config import PayloadFormat
from assay.data.tf_example import encode
from assay.data.tfrecord import TFRecordWriter, read_records
from assay.engines.embedded import EmbeddedEngine
from assay.errors import DataError
from assay.runners.local import RunResult
from assay.spec import Component, ExecutionContext, RangeConfig, StaticRange
from raising import raises

TABLE = pa.table(
    {
        "id": range(300),
        "fare": [None if at % 7 == 0 else at * 0.25 for at in range(300)],
        "company": [None if at % 5 == 0 else f"company {at % 11}" for at in range(300)],
    }
)
RunSteps = Callable[..., RunResult]


def as_csv(table: pa.Table) -> str:
    def cell(value: object) -> str:
        return "" if value is None else str(value)

    rows = zip(*(column.to_pylist() for column in table.columns), strict=True)
    return "".join(",".join(map(cell, row)) + "\n" for row in [tuple(table.column_names), *rows])


def write_records(path: Path, *batches: pa.RecordBatch) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with TFRecordWriter(path) as writer:
        for batch in batches:
            writer.write(*encode(batch))
    return path


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., Examples]:
    """Runs a component's function on its own, without a runner."""

    def run(component: Component, *, threads: int = 2, **arguments: Any) -> Examples:
        number = len(list(tmp_path.glob("out-*")))
        output, scratch = tmp_path / f"out-{number}", tmp_path / f"scratch-{number}"
        output.mkdir()
        scratch.mkdir()
        examples = Examples(output)
        context = ExecutionContext(engine=EmbeddedEngine(threads=threads), temp_dir=scratch)
        component.spec.function(context, examples, **arguments)
        assert {split: count.written for split, count in context.rows.items()} == examples.rows
        return examples

    return run


def rows_of(examples: Examples, split: str) -> pa.Table:
    return pa.Table.from_batches(examples.batches(split))


def digest(examples: Examples) -> str:
    return digest_of(list_files(examples.path))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.csv").write_text(as_csv(TABLE))
    return tmp_path / "data"


def test_a_folder_of_csv_is_divided_two_to_one(data: Path, run_steps: RunSteps) -> None:
    result = run_steps(CsvExampleGen(input_base=str(data)))
    examples = result.output("CsvExampleGen", "examples")
    assert result.exit_code == 0
    assert examples.split_names == ("train", "eval")
    assert (examples.span, examples.version, examples.file_format) == (0, None, "parquet")
    assert sum(examples.rows.values()) == 300
    assert 0.5 < examples.rows["train"] / 300 < 0.8
    table = pa.concat_tables([rows_of(examples, "train"), rows_of(examples, "eval")])
    assert table.schema == pa.schema([("id", pa.int64()), ("fare", pa.float64()), ("company", pa.string())])
    assert table.sort_by("id").to_pydict() == TABLE.to_pydict()


def test_the_same_files_are_a_cache_hit_and_a_changed_one_is_not(data: Path, run_steps: RunSteps) -> None:
    first, second = (run_steps(CsvExampleGen(input_base=str(data))) for _ in range(2))
    (data / "a.csv").write_text(as_csv(TABLE.slice(1)))
    third = run_steps(CsvExampleGen(input_base=str(data)))
    digests = [result.output("CsvExampleGen", "examples").digest for result in (first, second, third)]
    fingerprints = [
        result.output("CsvExampleGen", "examples").properties["input_fingerprint"] for result in (first, third)
    ]
    assert digests[0] == digests[1] != digests[2]
    assert fingerprints[0] != fingerprints[1]
    assert second.step("CsvExampleGen").status == "cached"
    assert sum(third.output("CsvExampleGen", "examples").rows.values()) == 299


def test_a_split_without_rows_is_remarked_on(data: Path, run_steps: RunSteps) -> None:
    splits = [{"name": "train", "hash_buckets": 100_000}, {"name": "eval", "hash_buckets": 1}]
    done = run_steps(CsvExampleGen(input_base=str(data), output_config={"split_config": {"splits": splits}}))
    assert done.step("CsvExampleGen").reason == "Split 'eval' has no rows."
    assert run_steps(CsvExampleGen(input_base=str(data))).step("CsvExampleGen").reason == ""


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "no file matches"),
        ("", "is empty: expected a header row"),
        ("a,b\n", "has a header and no rows"),
        ("a,b\n1,2\n3\n", "row 3: expected 2 cells"),
        ("a,a\n1,2\n", "have the same name 'a'"),
        ("a,b\n1,\udce9\n", "row 2, column 'b': expected UTF-8 text"),
    ],
)
def test_bad_input_fails_the_step_and_leaves_nothing(
    tmp_path: Path, run_steps: RunSteps, content: str | None, message: str
) -> None:
    (tmp_path / "bad").mkdir()
    if content is not None:
        (tmp_path / "bad" / "a.csv").write_bytes(content.encode("utf-8", "surrogateescape"))
    result = run_steps(CsvExampleGen(input_base=str(tmp_path / "bad")))
    assert result.exit_code == 1
    assert message in result.step("CsvExampleGen").reason
    assert not list((tmp_path / "root").rglob("*.parquet"))


def test_threads_do_not_change_a_byte(data: Path, run: Callable[..., Examples]) -> None:
    digests = {digest(run(CsvExampleGen, threads=threads, input_base=str(data))) for threads in (1, 2, 5)}
    assert len(digests) == 1


def test_ready_splits_are_kept_and_share_their_types(tmp_path: Path, run: Callable[..., Examples]) -> None:
    for name, content in (("train", "a,b\n1,x\n2.5,y\n"), ("eval", "b,a\nz,3\n")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.csv").write_text(content)
    splits = [Input.Split(name=name, pattern=f"{name}/*") for name in ("train", "eval")]
    examples = run(CsvExampleGen, input_base=str(tmp_path), input_config=Input(splits=splits))
    assert examples.properties["split_names"] == ["train", "eval"]
    assert rows_of(examples, "train").to_pydict() == {"a": [1.0, 2.5], "b": ["x", "y"]}
    assert rows_of(examples, "eval").to_pydict() == {"b": ["z"], "a": [3.0]}


def test_a_span_and_version_are_found_and_chosen(tmp_path: Path, run: Callable[..., Examples]) -> None:
    for name in ("span-1/v-1", "span-1/v-2", "span-2/v-1"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "a.csv").write_text(f"name\n{name}\n")
    config = Input(splits=[Input.Split(name="all", pattern="span-{SPAN}/v-{VERSION}/*")])
    output = Output(split_config=SplitConfig(splits=[SplitConfig.Split(name="only", hash_buckets=1)]))
    arguments = {"input_base": str(tmp_path), "input_config": config, "output_config": output}
    newest = run(CsvExampleGen, **arguments)
    assert (newest.span, newest.version) == (2, 1)
    chosen = run(
        CsvExampleGen,
        **arguments,
        range_config=RangeConfig(static_range=StaticRange(start_span_number=1, end_span_number=1)),
    )
    assert (chosen.span, chosen.version) == (1, 2)
    assert rows_of(chosen, "only").to_pydict() == {"name": ["span-1/v-2"]}


def test_a_split_by_time_through_the_runner(data: Path, run_steps: RunSteps) -> None:
    splits = [SplitConfig.Split(name="train", before=200), SplitConfig.Split(name="eval")]
    output = Output(split_config=SplitConfig(splits=splits, time_feature_name="id"))
    examples = run_steps(CsvExampleGen(input_base=str(data), output_config=output)).output("CsvExampleGen", "examples")
    assert rows_of(examples, "train")["id"].to_pylist() == list(range(200))
    assert rows_of(examples, "eval")["id"].to_pylist() == list(range(200, 300))


def test_tfrecord_on_request_holds_what_parquet_holds(data: Path, run: Callable[..., Examples]) -> None:
    parquet = run(CsvExampleGen, input_base=str(data))
    records = run(CsvExampleGen, input_base=str(data), file_format="tfrecord_gzip")
    again = run(ImportExampleGen, input_base=str(records.path))
    assert [path.name for path in records.files("train")] == ["data-00000-of-00001.tfrecord.gz"]
    for split in ("train", "eval"):
        expected = rows_of(parquet, split)
        found = rows_of(again, split).select(expected.column_names)
        assert found.set_column(2, "company", found["company"].cast(pa.string())).to_pydict() == expected.to_pydict()


def test_the_format_of_the_input_does_not_move_a_row(tmp_path: Path, data: Path, run: Callable[..., Examples]) -> None:
    pq.write_table(TABLE.take(pa.array(range(299, -1, -1))), tmp_path / "a.parquet", row_group_size=40)
    from_csv = run(CsvExampleGen, input_base=str(data))
    from_parquet = run(ParquetExampleGen, input_base=str(tmp_path / "a.parquet"))
    path = write_records(tmp_path / "a.gz", *TABLE.to_batches(max_chunksize=70))
    from_records = run(ImportExampleGen, input_base=str(path))
    for split in ("train", "eval"):
        ids = [sorted(rows_of(each, split)["id"].to_pylist()) for each in (from_csv, from_parquet, from_records)]
        assert ids[0] == ids[1] == ids[2]


def test_tfx_example_folders_keep_their_splits(tmp_path: Path, run: Callable[..., Examples]) -> None:
    one = pa.record_batch([pa.array([[1], [2, 3]]), pa.array(["x", None])], ["list", "text"])
    two = pa.record_batch([pa.array([0.5])], ["late"])
    write_records(tmp_path / "in" / "Split-train" / "data_tfrecord-00000-of-00001.gz", one, two)
    write_records(tmp_path / "in" / "Split-eval" / "data_tfrecord-00000-of-00001.gz", two)
    examples = run(ImportExampleGen, input_base=str(tmp_path / "in"))
    assert rows_of(examples, "train").to_pydict() == {
        "late": [None, None, 0.5],
        "list": [[1], [2, 3], None],
        "text": [b"x", None, None],
    }
    assert rows_of(examples, "eval").to_pydict() == {"late": [0.5], "list": [None], "text": [None]}


def test_types_of_parquet_are_kept_but_categories(tmp_path: Path, run: Callable[..., Examples]) -> None:
    table = pa.table(
        {
            "double": [0.1, 0.2],
            "nested": [[{"x": 1}], []],
            "category": pa.array(["a", "b"]).dictionary_encode(),
            "__index_level_0__": [4, 5],
        }
    )
    pq.write_table(table, tmp_path / "a.parquet")
    config = Input(splits=[Input.Split(name=name, pattern="*.parquet") for name in ("one", "two")])
    examples = run(
        ImportExampleGen,
        input_base=str(tmp_path),
        input_config=config,
        payload_format=PayloadFormat.FORMAT_PARQUET,
    )
    assert examples.properties["payload_format"] == "FORMAT_PARQUET"
    expected = table.set_column(2, "category", pa.array(["a", "b"])).drop(["__index_level_0__"])
    assert rows_of(examples, "two").equals(expected)


def test_equal_rows_are_never_divided(tmp_path: Path, run: Callable[..., Examples]) -> None:
    (tmp_path / "a.csv").write_text("a,b\n" + "".join(f"{at % 40},x\n" for at in range(400)))
    examples = run(CsvExampleGen, input_base=str(tmp_path / "a.csv"))
    counts = [Counter(rows_of(examples, split)["a"].to_pylist()) for split in ("train", "eval")]
    assert not counts[0].keys() & counts[1].keys()
    assert set((counts[0] + counts[1]).values()) == {10}


def test_a_file_that_changes_while_it_is_read(data: Path, tmp_path: Path) -> None:
    class Meddling(EmbeddedEngine):
        def map(self, source: Any, function: Any) -> Any:
            for result in super().map(source, function):
                (data / "a.csv").write_text(as_csv(TABLE.slice(5)))
                yield result

    (tmp_path / "out").mkdir()
    context = ExecutionContext(engine=Meddling(threads=1), temp_dir=tmp_path)
    with raises("example_gen.input_changed", "a.csv"):
        CsvExampleGen.spec.function(context, Examples(tmp_path / "out"), input_base=str(data))


def test_a_damaged_record_file_is_named(tmp_path: Path, run: Callable[..., Examples]) -> None:
    path = write_records(tmp_path / "a.gz", *TABLE.to_batches())
    path.write_bytes(path.read_bytes()[:-50])
    with raises("tfrecord.truncated_gzip", "a.gz", kind=DataError):
        run(ImportExampleGen, input_base=str(path))


def test_features_that_change_their_kind_between_batches(tmp_path: Path, run: Callable[..., Examples]) -> None:
    numbers = pa.record_batch([pa.array([1] * 5000)], ["a"])
    path = write_records(tmp_path / "a.gz", numbers, pa.record_batch([pa.array([0.5] * 5000)], ["a"]))
    with raises("tf_example.mixed_kinds"):
        run(ImportExampleGen, input_base=str(path))


def test_inputs_without_rows(tmp_path: Path, run: Callable[..., Examples]) -> None:
    pq.write_table(TABLE.slice(0, 0), tmp_path / "a.parquet")
    with raises("parquet.no_rows", "a.parquet"):
        run(ParquetExampleGen, input_base=str(tmp_path / "a.parquet"))
    with raises("tfrecord.no_records", "a.gz"):
        run(ImportExampleGen, input_base=str(write_records(tmp_path / "a.gz")))


def test_compressed_csv_is_read(tmp_path: Path, run: Callable[..., Examples]) -> None:
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(as_csv(TABLE).encode()))
    (tmp_path / "a.csv").write_text(as_csv(TABLE))
    packed, plain = (run(CsvExampleGen, input_base=str(tmp_path / name)) for name in ("a.csv.gz", "a.csv"))
    assert digest(packed) == digest(plain)
    assert list(
        read_records(
            run(CsvExampleGen, input_base=str(tmp_path / "a.csv"), file_format="tfrecord_gzip").files("eval")[0]
        )
    )


def test_cells_are_read_as_the_parameters_say(tmp_path: Path, run: Callable[..., Examples]) -> None:
    lines = [f"{number};00{number};{number},5;{'?' if number % 3 else 'NA'}" for number in range(30)]
    (tmp_path / "data.csv").write_text("\n".join(["id;zip;price;age", *lines, "30;0030;30,25;7"]))
    examples = run(
        CsvExampleGen,
        input_base=str(tmp_path / "data.csv"),
        missing_values={"*": ["NA", "?"]},
        decimal=",",
        types={"zip": "text"},
    )
    table = rows_of(examples, "train")
    assert table.schema.types == [pa.int64(), pa.string(), pa.float64(), pa.int64()]
    assert set(table["zip"].to_pylist()) <= {f"00{number}" for number in range(31)}


def test_missing_values_are_a_list_or_a_list_for_each_column() -> None:
    assert CsvExampleGen(input_base="in", missing_values=["NA"]).arguments["missing_values"] == {"*": ["NA"]}
    assert CsvExampleGen(input_base="in", missing_values={"a": ["?"]}).arguments["missing_values"] == {"a": ["?"]}


def test_options_of_a_csv_that_cannot_be_fail_at_the_declaration() -> None:
    with raises("csv.type", "integer"):
        CsvExampleGen(input_base="in", types={"a": "integer"})


def test_other_options_of_a_csv_are_another_input(tmp_path: Path, run_steps: RunSteps) -> None:
    (tmp_path / "data.csv").write_text("a,b\n" + "1,NA\n2,3\n" * 50)
    found = []
    for given in ({}, {}, {"missing_values": ["NA"]}):
        result = run_steps(CsvExampleGen(input_base=str(tmp_path / "data.csv"), **given))
        found.append(rows_of(result.output("CsvExampleGen", "examples"), "train").schema.field("b").type)
    assert found == [pa.string(), pa.string(), pa.int64()]


@pytest.mark.parametrize(
    ("text", "read", "kept"),
    [
        ("1700000010.5", "1700000010.5", "1700000000.0"),
        ("9007199254740993", "9007199254740993", ""),  # 2^53 + 1: a whole number is an int64 of tf.Example
        ("0.1", "0.1", ""),  # within half of a float32's last digit
    ],
)
def test_a_remark_names_the_digits_that_a_float32_loses(
    tmp_path: Path, run: Callable[..., Examples], capsys: pytest.CaptureFixture[str], text: str, read: str, kept: str
) -> None:
    (tmp_path / "a.csv").write_text("x,y\n" + "".join(f"{text},{at}\n" for at in range(30)))
    parquet = run(CsvExampleGen, input_base=str(tmp_path / "a.csv"))
    assert str(rows_of(parquet, "train")["x"][0].as_py()) == read
    assert "float32" not in capsys.readouterr().out
    records = run(CsvExampleGen, input_base=str(tmp_path / "a.csv"), file_format="tfrecord_gzip")
    assert rows_of(records, "train").num_rows == rows_of(parquet, "train").num_rows
    said = capsys.readouterr().out
    assert said.count("float32") == bool(kept)
    assert f"column 'x' loses digits: {read} is written as {kept}" in said or not kept
    if "." not in text:
        assert str(rows_of(records, "train")["x"][0].as_py()[0]) == read


@pytest.mark.parametrize("column", [[1e39] * 9, [[0.5, 1e39]] * 9, [Decimal("1e37") * 100] * 9])
def test_a_number_beyond_float32_is_refused_in_tfrecord(
    tmp_path: Path, run: Callable[..., Examples], column: list[Any]
) -> None:
    kind = pa.decimal256(60, 2) if isinstance(column[0], Decimal) else None
    pq.write_table(pa.table({"x": pa.array(column, kind), "y": [1] * 9}), tmp_path / "a.parquet")
    with raises("tf_example.out_of_range", "x"):
        run(ParquetExampleGen, input_base=str(tmp_path / "a.parquet"), file_format="tfrecord_gzip")
