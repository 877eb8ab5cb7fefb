"""A row's split depends on its content only: not on files, their order, the format, chunks or threads."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.artifacts import Examples
from assay.components.example_gen import CsvExampleGen, ParquetExampleGen
from assay.engines.embedded import EmbeddedEngine
from assay.spec import Component, ExecutionContext

ROWS = st.lists(
    st.tuples(
        st.none() | st.integers(-(2**53), 2**53),
        st.none() | st.floats(allow_nan=False, allow_infinity=False),
        st.none()
        | st.text(st.characters(min_codepoint=32, max_codepoint=0x2FF), min_size=1, max_size=6).map("t{}".format),
    ),
    min_size=12,
    max_size=40,
)


def splits_of(component: Component, path: Path, threads: int) -> dict[int, str]:
    """Gives the split of each row by the row's number."""
    with TemporaryDirectory() as folder:
        (Path(folder) / "out").mkdir()
        examples = Examples(Path(folder) / "out")
        context = ExecutionContext(engine=EmbeddedEngine(threads=threads), temp_dir=Path(folder), log=lambda _: None)
        component.spec.function(context, examples, input_base=str(path))
        return {
            row: split
            for split in examples.split_names
            for batch in examples.batches(split, ["row"])
            for row in batch["row"].to_pylist()
        }


@settings(max_examples=10)
@given(ROWS, st.randoms(use_true_random=False))
def test_the_same_rows_get_the_same_splits(rows: list[tuple[Any, ...]], random: Any) -> None:
    # pandas makes doubles of the integers wherever one is missing, in CSV and in Parquet.
    frame = pd.DataFrame(
        {
            "row": range(len(rows)),
            "number": [row[0] for row in rows],
            "fraction": [row[1] for row in rows],
            "text": [row[2] for row in rows],
        }
    )
    shuffled = frame.iloc[random.sample(range(len(frame)), len(frame))]
    with TemporaryDirectory() as folder:
        base = Path(folder)
        for name in ("one", "ten", "shuffled", "columns", "parquet", "cut-parquet", "arrow"):
            (base / name).mkdir()
        frame.to_csv(base / "one" / "a.csv", index=False)
        shuffled.to_csv(base / "shuffled" / "a.csv", index=False)
        frame[["text", "row", "fraction", "number"]].to_csv(base / "columns" / "a.csv", index=False)
        for part in range(10):
            frame.iloc[part::10].to_csv(base / "ten" / f"{part}.csv", index=False)
            frame.iloc[part::10].to_parquet(base / "cut-parquet" / f"{part}.parquet")
        shuffled.to_parquet(base / "parquet" / "a.parquet", row_group_size=3)
        pq.write_table(
            pa.table(
                {
                    "row": range(len(rows)),
                    **{
                        name: pa.array([row[at] for row in rows], kind)
                        for at, (name, kind) in enumerate(
                            (("number", pa.int64()), ("fraction", pa.float64()), ("text", pa.string()))
                        )
                    },
                }
            ),
            base / "arrow" / "a.parquet",
        )
        expected = splits_of(CsvExampleGen, base / "one", threads=1)
        assert len(expected) == len(rows)
        for name in ("one", "ten", "shuffled", "columns"):
            assert splits_of(CsvExampleGen, base / name, threads=2) == expected, name
        for name in ("parquet", "cut-parquet", "arrow"):
            assert splits_of(ParquetExampleGen, base / name, threads=2) == expected, name
