"""The taxi model: will the passenger tip more than 20 % of the fare?

Transform calls `preprocessing_fn`, Trainer calls `run_fn`. What `preprocessing_fn` computes is exported with the model,
so that serving computes the very same features from a raw `tf.Example`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
import tensorflow as tf
import tensorflow_transform as tft
from tfx_bsl.tfxio.dataset_options import TensorFlowDatasetOptions

if TYPE_CHECKING:
    from assay.components.trainer.fn_args import FnArgs

LABEL = "tips"
FARE = "fare"
BIG_TIP = 0.2  # of the fare

# Amounts with a long tail: their logarithm is scaled.
AMOUNTS = ("fare", "trip_miles", "trip_seconds")
# Coordinates say where, not how much: they are cut into areas with equal numbers of trips.
COORDINATES = ("pickup_latitude", "pickup_longitude", "dropoff_latitude", "dropoff_longitude")
AREAS = 10
# Numbered categories, by the number of ids: the largest id that may occur, plus one.
CALENDAR = {"trip_start_hour": 24, "trip_start_day": 8, "trip_start_month": 13}
# Named categories, by the number of buckets for names that the training data lacks.
NAMES = {"payment_type": 1, "company": 5}

BATCH_SIZE = 256
HIDDEN_UNITS = (64, 32)
LEARNING_RATE = 2e-3
LOG_EVERY = 20  # steps, for TensorBoard


def preprocessing_fn(inputs: dict[str, Any]) -> dict[str, Any]:
    """Return the model's features and label (`*_xf`), each of shape (batch, 1), from the raw columns."""
    outputs = {}
    for name in AMOUNTS:
        amount = tf.cast(_dense(inputs[name], 0), tf.float32)
        outputs[_transformed(name)] = tft.scale_to_z_score(tf.math.log1p(tf.nn.relu(amount)))
    for name in COORDINATES:
        outputs[_transformed(name)] = tft.bucketize(_dense(inputs[name], 0), AREAS)
    for name, ids in CALENDAR.items():
        outputs[_transformed(name)] = tf.clip_by_value(_dense(inputs[name], 0), 0, ids - 1)
    for name, unseen in NAMES.items():
        # A missing name is a name of its own: TFT leaves empty text out of vocabularies.
        text = _dense(inputs[name], "(missing)")
        outputs[_transformed(name)] = tft.compute_and_apply_vocabulary(
            text, vocab_filename=name, num_oov_buckets=unseen
        )
    outputs[_transformed(LABEL)] = tf.cast(_dense(inputs[LABEL], 0) > BIG_TIP * _dense(inputs[FARE], 0), tf.int64)
    return outputs


def run_fn(fn_args: FnArgs) -> None:
    """Trains the model and saves it with the signatures `serving_default` and `transform_features`."""
    graph = tft.TFTransformOutput(fn_args.transform_output)
    model = build_model({name: graph.vocabulary_size_by_name(name) + unseen for name, unseen in NAMES.items()})
    model.compile(
        optimizer=keras.optimizers.Adam(LEARNING_RATE),
        loss=keras.losses.BinaryCrossentropy(),
        metrics=[keras.metrics.BinaryAccuracy(), keras.metrics.AUC(name="auc")],
        jit_compile=False,  # compiling with XLA takes longer than it saves on so small a model
    )
    model.fit(
        _dataset(fn_args, fn_args.train_files, graph, training=True),
        steps_per_epoch=fn_args.train_steps,
        validation_data=_dataset(fn_args, fn_args.eval_files, graph, training=False),
        validation_steps=fn_args.eval_steps,
        callbacks=[keras.callbacks.TensorBoard(fn_args.model_run_dir, write_graph=False, update_freq=LOG_EVERY)],
        verbose=2,
    )
    _save(model, graph, fn_args.serving_model_dir)


def build_model(names: dict[str, int]) -> keras.Model:
    """Build the wide-and-deep model.

    The wide part gives each category a weight of its own, so that it remembers what is true of it (cash is not tipped
    on the meter). The deep part embeds the categories beside the amounts, so that it finds how they work together.

    Args:
        names: The number of ids of each named category, those for unseen names included.

    Returns:
        A functional model from `{name_xf: (batch, 1)}` to the probability of a big tip, of shape (batch, 1).
    """
    categories = dict.fromkeys(COORDINATES, AREAS) | CALENDAR | names
    amounts = {_transformed(name): keras.Input((1,), name=_transformed(name)) for name in AMOUNTS}
    ids = {_transformed(name): keras.Input((1,), name=_transformed(name), dtype="int64") for name in categories}

    embedded, weights = [], []
    for name, size in categories.items():
        one_hot = keras.layers.CategoryEncoding(num_tokens=size, output_mode="one_hot", name=f"{name}_one_hot")
        weights.append(one_hot(ids[_transformed(name)]))
        embedding = keras.layers.Embedding(size, _dimension(size), name=f"{name}_embedding")
        embedded.append(keras.layers.Flatten()(embedding(ids[_transformed(name)])))

    deep = keras.layers.Concatenate()([*amounts.values(), *embedded])
    for units in HIDDEN_UNITS:
        deep = keras.layers.Dense(units, activation="relu")(deep)
    wide_and_deep = keras.layers.Concatenate()([*weights, deep])
    tips_well = keras.layers.Dense(1, activation="sigmoid", name="tips_well")(wide_and_deep)
    return keras.Model(inputs=amounts | ids, outputs=tips_well, name="wide_and_deep")


def _dimension(size: int) -> int:
    """Return the embedding size by the usual rule: the fourth root of the number of categories, here doubled."""
    return max(2, round(2 * size**0.25))


def _transformed(name: str) -> str:
    return f"{name}_xf"


def _dense(column: Any, missing: Any) -> Any:
    """Return a raw column as a dense tensor of shape (batch, 1), with `missing` where a row has no value."""
    if not isinstance(column, tf.SparseTensor):
        return column
    one_value = tf.SparseTensor(column.indices, column.values, [column.dense_shape[0], 1])
    return tf.sparse.to_dense(one_value, tf.cast(missing, column.dtype))


def _dataset(fn_args: FnArgs, files: list[str], graph: tft.TFTransformOutput, *, training: bool) -> tf.data.Dataset:
    """Read (features, label) batches: shuffled and without end for training, once in order for validation."""
    options = TensorFlowDatasetOptions(
        batch_size=BATCH_SIZE,
        num_epochs=None if training else 1,
        shuffle=training,
        shuffle_seed=0,
        label_key=_transformed(LABEL),
    )
    return fn_args.data_accessor.tf_dataset_factory(files, options, graph.transformed_metadata.schema)


def _save(model: keras.Model, graph: tft.TFTransformOutput, folder: str) -> None:
    """Save model and preprocessing as one SavedModel that reads serialised `tf.Example`s."""
    columns = graph.raw_feature_spec()
    # A client sends what the model uses, and no tip, which is unknown when a trip is served.
    request_spec = {name: columns[name] for name in (*AMOUNTS, *COORDINATES, *CALENDAR, *NAMES)}
    labelled_spec = request_spec | {LABEL: columns[LABEL]}
    serialized = tf.TensorSpec([None], tf.string, name="examples")

    bundle = tf.Module()
    # The variables themselves: of a Keras model that is an attribute, TensorFlow saves copies that the signatures do
    # not read, and only the Python loader finds its way from one to the other; TensorFlow Serving does not.
    bundle.weights = [variable.value for variable in model.variables]
    bundle.preprocessing = graph.transform_features_layer()

    # Nothing here branches on a tensor; AutoGraph would still take seconds to rewrite all of Keras.
    @tf.function(input_signature=[serialized], autograph=False)
    def serve(examples: tf.Tensor) -> dict[str, tf.Tensor]:
        features = bundle.preprocessing(tf.io.parse_example(examples, request_spec))
        return {"outputs": model({name: features[name] for name in model.input})}

    @tf.function(input_signature=[serialized], autograph=False)
    def transform_features(examples: tf.Tensor) -> dict[str, tf.Tensor]:
        return bundle.preprocessing(tf.io.parse_example(examples, labelled_spec))

    tf.saved_model.save(bundle, folder, {"serving_default": serve, "transform_features": transform_features})
