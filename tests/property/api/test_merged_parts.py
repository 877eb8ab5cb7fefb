"""Statistics of parts, merged, are those of the whole, to the byte."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

import assay
from assay.api.merging import merge_statistics
from assay.kernels.statistics import SlicingSpec, StatisticsOptions

_OPTIONS = StatisticsOptions(
    slices=(SlicingSpec(feature_keys=("word",)), SlicingSpec(bins={"x": (0.0,)}, where="n > 0")),
    enable_semantic_domain_stats=True,
)
_COLUMNS: dict[str, tuple[pa.DataType, st.SearchStrategy[Any]]] = {
    "n": (pa.int64(), st.integers(-9, 9)),
    "x": (pa.float64(), st.floats()),
    "word": (pa.string(), st.sampled_from(["a", "ä", "", "zz"])),
    "lists": (pa.list_(pa.int64()), st.lists(st.none() | st.integers(0, 3), max_size=3)),
    "when": (pa.timestamp("us"), st.integers(0, 10**15)),
    "struct": (pa.struct([("y", pa.float32())]), st.fixed_dictionaries({"y": st.none() | st.floats(width=32)})),
}


@st.composite
def _tables(draw: st.DrawFn) -> pa.Table:
    rows = draw(st.integers(1, 20))
    return pa.table({
        name: pa.array(draw(st.lists(st.none() | values, min_size=rows, max_size=rows)), type_)
        for name, (type_, values) in _COLUMNS.items()
    })  # fmt: skip


def _bytes(found: assay.Statistics) -> bytes:
    serialized: bytes = found.proto.SerializeToString(deterministic=True)
    return serialized


@given(parts=st.lists(_tables(), min_size=1, max_size=3))
def test_tables(parts: list[pa.Table]) -> None:
    whole = assay.statistics(pa.concat_tables(parts), options=_OPTIONS)
    merged = merge_statistics([assay.statistics(part, options=_OPTIONS, mergeable=True) for part in parts])
    assert _bytes(merged) == _bytes(whole)


_CELLS = st.sampled_from(["", "1", "-3", "2.5", "0.1", "16777216", "a", "1e3"])


@given(parts=st.lists(st.lists(st.tuples(_CELLS, _CELLS), min_size=1, max_size=4), min_size=2, max_size=3))
def test_csv_files_whose_columns_change_from_whole_numbers_to_fractions(
    parts: list[list[tuple[str, str]]], tmp_path_factory: Any
) -> None:
    folder: Path = tmp_path_factory.mktemp("csv")
    paths = [folder / f"{number}.csv" for number in range(len(parts))]
    for path, rows in zip(paths, parts, strict=True):
        path.write_text("one,two\n" + "".join(f'"{one}",{two}\n' for one, two in rows))
    whole = assay.statistics(paths)
    states = [assay.statistics(path, mergeable=True) for path in paths]
    kinds = [{feature.feature: feature.type for feature in each.features if feature.present} for each in states]
    for name in ("one", "two"):
        found = {each[name] for each in kinds if name in each}
        if "STRING" in found and len(found) > 1:  # what the numbers looked like as text is not known any more
            return
    assert _bytes(merge_statistics(states)) == _bytes(whole)
