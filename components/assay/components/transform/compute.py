"""Transform's work on plain values: analyse some splits, export the graph, apply it to rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assay.components.transform.analysis import UsedColumns, analyze, bind, send_by_value, trace
from assay.components.transform.application import TransformFunction
from assay.components.transform.raw_batches import RawFormat
from assay.errors import UsageError
from assay.spec.user_code import load_function, modules_of, run_user_code

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    import pyarrow as pa
    from tensorflow_metadata.proto.v0.schema_pb2 import Schema

    from assay.components.transform.analysis import AnalyzedRows, CacheFolders


@dataclass(frozen=True, slots=True, kw_only=True)
class Preprocessing:
    """Where the user's `preprocessing_fn` is, and what it gets.

    Attributes:
        module_file: The Python file that defines `preprocessing_fn`.
        preprocessing_fn: Its dotted name, where it is importable.
        custom_config: Passed to it as `custom_config`, if it has such an argument.
    """

    module_file: str | None = None
    preprocessing_fn: str | None = None
    custom_config: Mapping[str, Any] = field(default_factory=dict)

    @property
    def what(self) -> str:
        """What runs, for messages."""
        return f"preprocessing_fn of {Path(self.module_file or str(self.preprocessing_fn)).name}"


def build_graph(
    preprocessing: Preprocessing,
    schema: Schema,
    rows: Sequence[AnalyzedRows],
    graph_path: Path,
    *,
    temp_dir: Path,
    beam_pipeline_args: Sequence[str] = (),
    cache: CacheFolders | None = None,
) -> TransformFunction:
    """Analyses rows and exports the transform graph.

    Args:
        preprocessing: The user's function.
        schema: The raw rows' schema.
        rows: The rows to analyse.
        graph_path: Where the graph is written; afterwards `tft.TFTransformOutput` reads it.
        temp_dir: Scratch space.
        beam_pipeline_args: Options of the Beam runner; in this process where empty.
        cache: Where analyzer results are kept; not at all where None.

    Returns:
        The graph, loaded.

    Raises:
        UserCodeError: If `preprocessing_fn` raises.
        UsageError: If it gives nothing, or not a dict.
        DataError: If rows do not fit the schema.
    """
    function = load_function(preprocessing.module_file, preprocessing.preprocessing_fn, "preprocessing_fn")
    function = bind(function, preprocessing.custom_config)
    raw = RawFormat(schema)
    with run_user_code(preprocessing.what, preprocessing.module_file):
        used = trace(function, raw)
        _check_used(used, preprocessing)
        if beam_pipeline_args and preprocessing.module_file is not None:
            send_by_value(modules_of(preprocessing.module_file))
        analyze(
            function, raw, used, rows, graph_path, temp_dir=temp_dir, beam_pipeline_args=beam_pipeline_args, cache=cache
        )
    return TransformFunction(graph_path, raw.project(used.to_transform))


def transform(graph: TransformFunction, batches: Iterable[pa.RecordBatch], where: str) -> Iterator[pa.RecordBatch]:
    """Apply the graph to batches, in order.

    Raises:
        DataError: If rows do not fit the schema.
        UserCodeError: If an operation of the graph fails on the data.
    """
    rows = iter(graph.apply(batches, where))
    while True:
        with run_user_code(f"The transform graph, applied to {where},"):
            batch = next(rows, None)
        if batch is None:
            return
        yield batch


def _check_used(used: UsedColumns, preprocessing: Preprocessing) -> None:
    if not used.to_transform:
        raise UsageError(
            "transform.no_inputs",
            f"The outputs of {preprocessing.what} do not depend on any of its inputs.",
            "Return a dict of tensors made of `inputs`.",
        )
