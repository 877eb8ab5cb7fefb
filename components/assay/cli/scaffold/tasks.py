"""What a pipeline says differently for each kind of label: the code of its module and the metrics of its gate."""

from __future__ import annotations

import json
from typing import Final

from assay.cli.scaffold.plan import Plan, Task

_INDEX_OF_CLASS: Final = '''def _label(column: Any) -> dict[str, tf.Tensor]:
    """Gives the label as the index of its class$weight_words."""
    is_class = tf.equal($values, tf.constant(CLASSES, $type))  # (batch, classes)
    return {$weight
        "label_xf": tf.expand_dims(tf.argmax(tf.cast(is_class, tf.int32), axis=1), 1),
    }'''
_CLASS_WEIGHT: Final = '\n        "weight_xf": tf.cast(tf.reduce_any(is_class, axis=1, keepdims=True), tf.float32),'
_NUMBER: Final = '''def _label(column: Any) -> dict[str, tf.Tensor]:
    """Gives the label as it is$weight_words."""
    value = $values
    known = tf.math.is_finite(value)
    return {$weight
        "label_xf": tf.cast(tf.where(known, value, 0.0), tf.float32),
    }'''
_NUMBER_WEIGHT: Final = '\n        "weight_xf": tf.cast(known, tf.float32),'
_MEASURE: Final = """    once = _dataset(fn_args, fn_args.train_files, graph, training=False)
    values = tf.concat([label for _, label, *_ in once], axis=0)
    level, spread = float(tf.reduce_mean(values)), max(float(tf.math.reduce_std(values)), 1e-9)
"""


def module_values(plan: Plan) -> dict[str, str]:
    """The values of the module's template that depend on the task."""
    weight_words = ", with weight 0 where a row has none" if plan.label_missing else ""
    weight = _NUMBER_WEIGHT if plan.task is Task.REGRESSION else _CLASS_WEIGHT
    code = _NUMBER if plan.task is Task.REGRESSION else _INDEX_OF_CLASS
    type_ = "tf.string" if plan.label_is_text else "tf.float64"
    label_code = (
        code.replace("$weight_words", weight_words)
        .replace("$weight", weight if plan.label_missing else "")
        .replace("$values", "_text(column)" if plan.label_is_text else "_number(column)")
        .replace("$type", type_)
    )
    example = "lambda features, label: (features['features'], label" + (
        ", features['weight_xf'])" if plan.label_missing else ")"
    )
    shared = {
        "label_code": label_code,
        "example": example.replace("'", '"'),
        "outputs_sentence": "the label as `label_xf`" + (" and its weight" if plan.label_missing else ""),
        "measure": "",
        "scale_argument": "",
        "scale_parameter": "",
        "loss_weights": "",
    }
    return shared | _OF_TASK[plan.task](plan)


def _binary(plan: Plan) -> dict[str, str]:
    positive = plan.classes[1]
    return {
        "task_sentence": f"is `{plan.label}` {positive}?",
        "loss": "keras.losses.BinaryCrossentropy()",
        "metrics": 'keras.metrics.BinaryAccuracy(), keras.metrics.AUC(name="auc")',
        "head_sentence": "the probability of the second class",
        "head": '    prediction = keras.layers.Dense(1, activation="sigmoid", name="probability")(both)',
    }


def _multiclass(plan: Plan) -> dict[str, str]:
    return {
        "task_sentence": f"which of {len(plan.classes)} classes is `{plan.label}`?",
        "loss": "keras.losses.SparseCategoricalCrossentropy()",
        "metrics": "keras.metrics.SparseCategoricalAccuracy()",
        "head_sentence": "the probability of each class",
        "head": '    prediction = keras.layers.Dense(len(CLASSES), activation="softmax", name="probabilities")(both)',
    }


def _regression(plan: Plan) -> dict[str, str]:
    return {
        "task_sentence": f"how much is `{plan.label}`?",
        "measure": _MEASURE,
        "scale_argument": ", level, spread",
        "scale_parameter": ", level: float, spread: float",
        "loss": "keras.losses.MeanSquaredError()",
        "loss_weights": "        loss_weights=[1.0 / spread**2],  # as if the label had deviation 1\n",
        "metrics": "keras.metrics.RootMeanSquaredError()",
        "head_sentence": "a number around `level`, in units of `spread`",
        "head": '    deviations = keras.layers.Dense(1, name="deviations")(both)\n'
        "    prediction = keras.layers.Rescaling(spread, offset=level)(deviations)",
    }


_OF_TASK: Final = {Task.BINARY: _binary, Task.MULTICLASS: _multiclass, Task.REGRESSION: _regression}


def metrics_yaml(plan: Plan) -> str:
    """The metrics of the evaluation's config, with the thresholds that a first model must meet."""
    if plan.task is Task.BINARY:
        gate = _threshold("AUC", "A model that guesses has 0.5.", "lower_bound: 0.5", "HIGHER_IS_BETTER", "-0.01")
        rest = ["BinaryAccuracy", "Precision", "Recall", "BinaryCrossentropy"]
    elif plan.task is Task.MULTICLASS:
        guess = 1 / len(plan.classes)
        gate = _threshold(
            "SparseCategoricalAccuracy",
            f"A model that guesses is right once in {len(plan.classes)} times.",
            f"lower_bound: {guess:.4g}",
            "HIGHER_IS_BETTER",
            "-0.01",
        )
        rest = ["SparseCategoricalCrossentropy"]
    else:
        gate = _threshold(
            "MeanSquaredError",
            "Always answering the mean has this error: the variance of the label.",
            f"upper_bound: {plan.label_variance:.6g}",
            "LOWER_IS_BETTER",
            f"{0.01 * plan.label_variance:.3g}",
        )
        rest = ["MeanAbsoluteError"]
    return "\n".join([gate, *(f"      - class_name: {name}" for name in rest)])


def _threshold(metric: str, comment: str, bound: str, direction: str, change: str) -> str:
    return f"""      - class_name: {metric}
        per_slice_thresholds:
          - slicing_specs: [{{}}]
            threshold:
              # {comment} Tighten it when you know what is good.
              value_threshold: {{{bound}}}
              # The next model may be so much worse than the blessed one, and no more.
              change_threshold: {{direction: {direction}, absolute: {change}}}"""


def slicing_yaml(plan: Plan) -> str:
    """The slices of the evaluation's config: all rows, and a category with few values where there is one."""
    lines = ["slicing_specs:", "  - {}  # all rows"]
    if plan.slice_feature is not None:
        lines.append(f"  - feature_keys: [{json.dumps(plan.slice_feature, ensure_ascii=False)}]")
    return "\n".join(lines)
