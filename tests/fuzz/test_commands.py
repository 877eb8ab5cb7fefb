"""Every command takes any table: it works, or ends in an error of ours; nothing half-written stays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from assay.cli.main import app

ROWS: Final = 12
ERRORS: Final = {0, 1, 2, 3, 4}


def _cast(values: list[int], type_: pa.DataType) -> pa.Array:
    return pa.array(np.resize(np.array(values, "i8"), ROWS)).cast(type_)


def _column(values: Sequence[object], type_: pa.DataType) -> pa.Array:
    return pa.array([values[at % len(values)] for at in range(ROWS)], type_)


def _nested(depth: int, wrap: Callable[[pa.Array], pa.Array]) -> pa.Array:
    array = pa.array(range(ROWS))
    for _ in range(depth):
        array = wrap(array)
    return array


COLUMNS: Final[dict[str, Callable[[], pa.Array]]] = {
    "float32": lambda: _column([1.5, float("nan"), float("inf"), -float("inf"), 1e-45, None], pa.float32()),
    "float64": lambda: _column([1.7e308, -1.7e308, float("nan"), 5e-324, None], pa.float64()),
    "uint64": lambda: _column([2**64 - 1, 0, 2**63, None], pa.uint64()),
    "int64": lambda: _column([2**63 - 1, -(2**63), 2**53 + 1, None], pa.int64()),
    "seconds": lambda: _cast([2**40, -(2**40), 0, -62135596800], pa.timestamp("ms")),
    "microseconds": lambda: _cast([2**62, -(2**62), 0], pa.timestamp("us")),
    "nanoseconds": lambda: _cast([1, 2**62, -(2**62), 1600000000123456789], pa.timestamp("ns")),
    "local": lambda: _cast([-62135596800000, 0, 253402300800000], pa.timestamp("ms", "America/New_York")),
    "nowhere": lambda: _cast([1, 2], pa.timestamp("ms", "Mars/Base")),
    "date32": lambda: pa.array(np.resize(np.array([2**31 - 1, -(2**31), 0], "i4"), ROWS)).cast(pa.date32()),
    "time": lambda: _cast([1, 86399999999999], pa.time64("ns")),
    "duration": lambda: _cast([1, 2**62, -(2**62)], pa.duration("ns")),
    "decimal": lambda: _column([Decimal("1.23"), Decimal("-9" * 1 + "9" * 30 + ".99"), None], pa.decimal128(38, 2)),
    "bytes": lambda: _column([b"\xff\xfe", b"", b"\0", None], pa.binary()),
    "not utf8": lambda: _column([b"\xff\xfe", b"a"], pa.binary()).view(pa.string()),
    "text": lambda: _column(["a", "", "\x1b[31m", "\u202e", "a\nb", "::error::"], pa.large_string()),
    "dictionary": lambda: _column(["a", "b", None], pa.string()).dictionary_encode(),
    "bool": lambda: _column([True, False, None], pa.bool_()),
    "null": lambda: pa.nulls(ROWS),
    "list": lambda: _column([[1, 2], [], None, [None]], pa.list_(pa.int64())),
    "fixed list": lambda: _column([[1.0, 2.0], [3.0, 4.0]], pa.list_(pa.float32(), 2)),
    "lists": lambda: _column([[[1], []], None], pa.list_(pa.list_(pa.int64()))),
    "instants": lambda: pa.ListArray.from_arrays(list(range(ROWS + 1)), _cast([2**62, 0], pa.timestamp("us"))),
    "struct": lambda: _column([{"a": 1, "b": "x"}, None], pa.struct([("a", pa.int64()), ("b", pa.string())])),
    "structs": lambda: _column([[{"a": 1}], []], pa.list_(pa.struct([("a", pa.int64())]))),
    "map": lambda: _column([[("k", 1)], [], None], pa.map_(pa.string(), pa.int64())),
    "deep": lambda: _nested(60, lambda inner: pa.StructArray.from_arrays([inner], ["n"])),
    "deep lists": lambda: _nested(20, lambda inner: pa.ListArray.from_arrays(list(range(ROWS + 1)), inner)),
}

CONFIG: Final = """
model_specs: [{label_key: label, prediction_key: score}]
slicing_specs: [{}, {feature_keys: [x]}]
metrics_specs: [{metrics: [{class_name: AUC}]}]
"""

COMMANDS: Final = [
    "stats a.parquet -o out.pb",
    "stats a.parquet --by x --json",
    "schema infer a.parquet -o out.pbtxt",
    "validate b.parquet --schema schema.pbtxt --rows --quarantine out.rows -o out",
    "drift a.parquet b.parquet -o out",
    "skew a.parquet b.parquet --join-on id --pairs 3",
    "skew a.parquet b.parquet --join-on x",
    "leakage a.parquet b.parquet --by x",
    "gate --config gate.yaml --predictions a.parquet --baseline-predictions b.parquet --join-on id -o out",
]


@pytest.mark.parametrize("kind", COLUMNS)
def test_extreme_values_reach_no_internal_error(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    column = COLUMNS[kind]()
    others = [pa.array([0, 1] * (ROWS // 2)), pa.array(np.linspace(0, 1, ROWS)), pa.array(range(ROWS))]
    for name, values in [("a", column), ("b", column.take(pa.array(range(ROWS)[::-1])))]:
        pq.write_table(pa.table([values, *others], ["x", "label", "score", "id"]), f"{name}.parquet", version="2.6")
    Path("gate.yaml").write_text(CONFIG)
    inferred = CliRunner().invoke(app, ["schema", "infer", "a.parquet", "-o", "schema.pbtxt"])
    for command in COMMANDS if inferred.exit_code == 0 else [each for each in COMMANDS if "--schema" not in each]:
        before = set(Path().iterdir())
        result = CliRunner().invoke(app, command.split())
        assert result.exception is None or isinstance(result.exception, SystemExit), (command, result.exception)
        assert result.exit_code in ERRORS
        left = set(Path().iterdir()) - before
        assert result.exit_code not in {1, 2} or not left, (command, left)
        for name in left:  # so that the next command of this output has a place of its own
            name.rename(f"{name}.{COMMANDS.index(command)}")
