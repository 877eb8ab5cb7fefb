"""`FnArgs`: what a user's `run_fn` and `tuner_fn` get, with TFX's names."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import pyarrow as pa
    import tensorflow as tf
    from tensorflow_metadata.proto.v0 import schema_pb2
    from tfx_bsl.tfxio.dataset_options import RecordBatchesOptions, TensorFlowDatasetOptions


class DataAccessor(NamedTuple):
    """Factories that read the examples, whatever the file format.

    Attributes:
        tf_dataset_factory: Called as `(file_patterns, TensorFlowDatasetOptions, schema)`; gives a `tf.data.Dataset` of
            `{feature: tensor}`, or of `({feature: tensor}, label)` where the options name a label.
        record_batch_factory: Called as `(file_patterns, RecordBatchesOptions, schema)`; gives Arrow record batches
            whose columns are lists.
        data_view_decode_fn: None: TFX's DataViews decode records of other formats than tf.Example, which assay has
            not.
    """

    tf_dataset_factory: Callable[[str | list[str], TensorFlowDatasetOptions, schema_pb2.Schema | None], tf.data.Dataset]
    record_batch_factory: Callable[
        [str | list[str], RecordBatchesOptions, schema_pb2.Schema | None], Iterator[pa.RecordBatch]
    ]
    data_view_decode_fn: Callable[[tf.Tensor], dict[str, Any]] | None = None


class TunerFnResult(NamedTuple):
    """What a `tuner_fn` returns.

    Attributes:
        tuner: A KerasTuner tuner.
        fit_kwargs: Arguments of `tuner.search`, such as the datasets.
    """

    tuner: Any
    fit_kwargs: dict[str, Any]


@dataclass(slots=True, kw_only=True)
class FnArgs:
    """The arguments of `run_fn(fn_args)`.

    Attributes:
        working_dir: A folder for scratch files.
        train_files: File patterns of the training splits, such as `…/Split-train/*`.
        eval_files: File patterns of the evaluation splits.
        train_steps: Training steps, or None.
        eval_steps: Evaluation steps, or None.
        schema_path: The schema's file, or None.
        schema_file: The older name of `schema_path`.
        transform_graph_path: The folder of the transform graph, or None.
        transform_output: The older name of `transform_graph_path`.
        data_accessor: Reads `train_files` and `eval_files`.
        serving_model_dir: Where `run_fn` saves the model to be served.
        eval_model_dir: Where `run_fn` may save a model for evaluation only.
        model_run_dir: Where `run_fn` writes logs and checkpoints.
        base_model: The SavedModel to start from, or None.
        hyperparameters: A tuner's hyperparameters, as KerasTuner's `get_config()` gives them, or None.
        custom_config: What the pipeline's author passed.
        num_examples: Number of rows by split.
    """

    working_dir: str | None = None
    train_files: list[str] = field(default_factory=list)
    eval_files: list[str] = field(default_factory=list)
    train_steps: int | None = None
    eval_steps: int | None = None
    schema_path: str | None = None
    schema_file: str | None = None
    transform_graph_path: str | None = None
    transform_output: str | None = None
    data_accessor: DataAccessor | None = None
    serving_model_dir: str | None = None
    eval_model_dir: str | None = None
    model_run_dir: str | None = None
    base_model: str | None = None
    hyperparameters: dict[str, Any] | None = None
    custom_config: dict[str, Any] | None = None
    num_examples: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Copy the values of the newer names to the older ones."""
        self.schema_file = self.schema_file or self.schema_path
        self.transform_output = self.transform_output or self.transform_graph_path
