"""From an `EvalConfig` to metric kernels: which, in which slices, under which keys; and what the kernels lack.

A user's own metric is an accumulator class, named by module and class.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assay.documents import parse_json
from assay.errors import UsageError, did_you_mean
from assay.evaluation.recipes import PLOT_RECIPES, PLOTS, RECIPES, TFMA_ONLY, Recipe, metric_hint, wrong_setting
from assay.gating.metric_values import MetricKey
from assay.gating.thresholds import both_weightings, sub_keys, weightings
from assay.kernels.metrics import multiclass
from assay.kernels.metrics.metric import BINARY, AverageMetric, CurveMetric, CustomMetric, SumsMetric
from assay.kernels.metrics.ranking import RankingMetric
from assay.kernels.metrics.shares import differing_of, left_out_of, trials_of
from assay.kernels.metrics.view import View
from assay.spec.user_code import load_function, run_user_code

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from assay.gating.thresholds import EvalConfig
    from assay.kernels.metrics.rows import Floats
    from assay.kernels.metrics.values import AnyMetric

_FILE = ".py"
_METHODS = ("create", "add", "merge", "extract")
_OUR_MODULES = ("tensorflow_model_analysis", "tensorflow.keras", "tensorflow.python.keras", "tf_keras", "keras")

_OF_MODELS = "Give the model and the data: `assay gate --model M --data D`, or the Evaluator."
_ALL = {**RECIPES, **PLOT_RECIPES}


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedMetric:
    """One metric to compute.

    Attributes:
        key: What the gate knows it by.
        metric: The kernel.
        query: The feature that groups rows for a ranking metric.
        gain: The feature of relevances.
        trials: For a rate over rows of equal weight, the kernel of the number of rows that it is a share of.
        differing: Where those are the same for both models, the kernel of the number of rows on which they differ.
        left_out: The kernel of the number of rows, or queries, that the metric leaves out, if it leaves out any.
        place: Where it is written.
        identity: What is written: the class and its settings, by which two metrics of one name are the same.
    """

    key: MetricKey
    metric: AnyMetric
    query: str | None = None
    gain: str | None = None
    trials: SumsMetric | None = None
    differing: SumsMetric | None = None
    left_out: SumsMetric | RankingMetric | None = None
    place: str = ""
    identity: tuple[object, ...] = ()

    @property
    def of_both(self) -> bool:
        """Whether the metric compares the candidate with the baseline, and has no value without one."""
        return isinstance(self.metric, SumsMetric) and self.metric.paired


@dataclass(frozen=True, slots=True, kw_only=True)
class Lacking:
    """A metric of the configuration that the kernels do not compute.

    Attributes:
        place: Where it is written.
        class_name: Its class.
        code: `unknown_metric`, `tfma_only`, `plot`, `setting`, `same_name`, `own_metric` or
            `metric_config`.
        message: Why, in words.
        hint: What to do.
    """

    place: str
    class_name: str
    code: str
    message: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class EvaluationPlan:
    """What a configuration asks for.

    Attributes:
        metrics: What the kernels compute.
        lacking: What they do not.
        plots: Plots' data that the kernels compute.
    """

    metrics: tuple[PlannedMetric, ...]
    lacking: tuple[Lacking, ...]
    plots: tuple[PlannedMetric, ...] = ()


def plan_of(config: EvalConfig) -> EvaluationPlan:
    """Return the kernels for every metric of the configuration, and the metrics that there are none for."""
    metrics: dict[MetricKey, PlannedMetric] = {}
    plots: dict[MetricKey, PlannedMetric] = {}
    lacking: list[Lacking] = []
    marks_weight = both_weightings(config)

    def add(found: dict[MetricKey, PlannedMetric], one: PlannedMetric, metric: Any) -> None:
        one = replace(one, key=replace(one.key, marks_weight=marks_weight), identity=_identity(metric, one))
        first = found.setdefault(one.key, one)
        if first.identity != one.identity and first.metric != one.metric:
            message = (
                f"{metric.class_name} has the same name as another metric, '{one.key.label}' of {first.place}, "
                "and other settings, so that a threshold could be compared with the figure of either."
            )
            hint = f'Name it in its config, for example {{"name": "{one.key.name}_2"}}.'
            lacking.append(_lack(one.place, metric, "same_name", message, hint))

    for index, spec in enumerate(config.metrics_specs):
        for position, metric in enumerate(spec.metrics):
            place = f"eval_config.metrics_specs[{index}].metrics[{position}]"
            own = _own(metric)
            if own is not None and sub_keys(spec) == [("", "")]:
                for weighted in weightings(config, spec):
                    key = MetricKey(name=own.name, example_weighted=bool(weighted))
                    add(metrics, PlannedMetric(key=key, metric=own, place=place), metric)
                continue
            refused = _refusal(metric, spec, place)
            if refused is not None:
                lacking.append(refused)
                continue
            try:
                planned = list(_planned(config, spec, metric))
            except UsageError as error:
                lacking.append(_lack(place, metric, "setting", error.message, error.hint))
                continue
            found = plots if metric.class_name in PLOTS else metrics
            for one in planned:
                add(found, replace(one, place=place), metric)
    return EvaluationPlan(tuple(metrics.values()), tuple(lacking), tuple(plots.values()))


def metric_name(metric: Any) -> str:
    """Return TFMA's name for a `MetricConfig`, such as `auc` for class `AUC`, without importing TFMA."""
    own = _own(metric)
    if own is not None:
        return own.name
    try:
        name = _settings(metric).get("name")
    except UsageError:
        name = None  # `_refusal` says why
    if name:
        return str(name)
    recipe = _ALL.get(metric.class_name)
    return recipe.name if recipe else str(metric.class_name)


def _refusal(metric: Any, spec: Any, place: str) -> Lacking | None:
    return _refusal_of_class(metric, place) or _refusal_of_settings(metric, spec, place)


def _refusal_of_class(metric: Any, place: str) -> Lacking | None:
    name = metric.class_name
    if name in PLOTS - set(PLOT_RECIPES):
        return _lack(place, metric, "plot", f"{name} has no kernel; TFMA makes this plot.")
    if is_users(metric.module):
        return _refusal_of_own(metric, place)
    if name in TFMA_ONLY or not is_known(metric.module):
        return _lack(place, metric, "tfma_only", f"{name} has no kernel; TFMA computes it, of models.", _OF_MODELS)
    if name not in _ALL:
        return _lack(place, metric, "unknown_metric", f"there is no metric '{name}'.", metric_hint(name))
    return None


def _refusal_of_settings(metric: Any, spec: Any, place: str) -> Lacking | None:
    name = metric.class_name
    try:
        settings = _settings(metric)
    except UsageError as error:
        return _lack(place, metric, "metric_config", error.message, error.hint)
    recipe = _ALL[name]
    strange = sorted(set(settings) - recipe.settings - {"name", "dtype"})
    if strange:
        known_settings = sorted({*recipe.settings, "name"})
        message = f"{name} has no setting '{strange[0]}' in the kernels."
        return _lack(place, metric, "setting", message, did_you_mean(strange[0], known_settings))
    wrong = wrong_setting(settings)
    if wrong is not None:
        setting, allowed = wrong
        message = f"the setting '{setting}' of {name} must be {allowed.what}, got {settings[setting]!r}."
        return _lack(place, metric, "metric_config", message)
    if recipe.scope == "classes" and sub_keys(spec) != [("", "")]:
        message = f"{name} looks at all classes of a row, so it cannot be binarized or averaged over classes."
        return _lack(place, metric, "setting", message, "Move it to a metrics spec without binarize and aggregate.")
    return None


def _own(metric: Any) -> OwnMetric | None:
    """Return the user's own metric, where the configuration names one; a loss of Keras is not one."""
    if not is_users(metric.module):
        return None
    try:
        return own_metric(metric.module, metric.class_name, _settings(metric))
    except UsageError:
        return None  # `_refusal_of_own` says why


def _refusal_of_own(metric: Any, place: str) -> Lacking:
    try:
        own_metric(metric.module, metric.class_name, _settings(metric))
    except UsageError as error:
        hint = error.hint
        if error.code == "user_code.no_module":
            hint = "Put its folder on PYTHONPATH, or write the path of a Python file."
        return _lack(place, metric, "own_metric", error.message, hint)
    message = (
        f"{metric.class_name} of module '{metric.module}' has no create, add, merge and extract; TFMA computes it."
    )
    return _lack(place, metric, "tfma_only", message, _OF_MODELS)


def _identity(metric: Any, one: PlannedMetric) -> tuple[object, ...]:
    """Return what tells the metric from another one of its name: class, settings, and the columns that it reads."""
    settings = json.dumps(_settings(metric), sort_keys=True)
    weights = getattr(one.metric, "weights", ()), getattr(getattr(one.metric, "view", None), "class_weights", ())
    return metric.class_name, metric.module, settings, one.query, one.gain, weights


def is_known(module: str) -> bool:
    """Return whether a metric class of this module is TFMA's or Keras's, and computed as its recipe says."""
    # A loss, or a class of the user's own, may have a known name and another meaning.
    return not module or (module.startswith(_OUR_MODULES) and "losses" not in module)


def is_users(module: str) -> bool:
    """Return whether the module of a `MetricConfig` is the user's: neither TFMA's nor Keras'."""
    return bool(module) and not module.startswith(_OUR_MODULES)


def _lack(place: str, metric: Any, code: str, message: str, hint: str = "") -> Lacking:
    return Lacking(place=place, class_name=str(metric.class_name), code=code, message=message, hint=hint)


def _settings(metric: Any) -> dict[str, Any]:
    text = str(metric.config).strip()
    if not text:
        return {}
    # TFMA also takes the inside of a JSON object.
    source = f"the config of {metric.class_name}"
    settings = parse_json(
        text if text.startswith("{") else "{" + text + "}",
        source,
        code="eval_config.metric_config",
        hint="Write a mapping of settings to values.",
    )
    return {key: value for key, value in settings.items() if value is not None}


def _planned(config: EvalConfig, spec: Any, metric: Any) -> Iterator[PlannedMetric]:
    recipe, settings, name = _ALL[metric.class_name], _settings(metric), metric_name(metric)
    for weighted in weightings(config, spec):
        for kernel, aggregation, sub_key in _kernels(spec, recipe, settings, name):
            yield PlannedMetric(
                key=MetricKey(
                    name=kernel.name, sub_key=sub_key, aggregation=aggregation, example_weighted=bool(weighted)
                ),
                metric=kernel,
                query=(spec.query_key or None) if isinstance(kernel, RankingMetric) else None,
                gain=settings.get("gain_key") if isinstance(kernel, RankingMetric) else None,
                trials=None if weighted else trials_of(recipe.name, kernel),
                differing=None if weighted else differing_of(recipe.name, kernel),
                left_out=left_out_of(kernel),
            )


def _kernels(spec: Any, recipe: Recipe, settings: dict[str, Any], name: str) -> Iterator[tuple[AnyMetric, str, str]]:
    """Return each kernel with its aggregation and its sub key."""
    if recipe.scope != "class":
        for kernel in recipe.make(settings, name, BINARY):
            yield kernel, "", kernel.sub_key if isinstance(kernel, RankingMetric) else ""
        return
    own = View(class_id=settings.get("class_id"), top_k=settings.get("top_k"))
    if own != BINARY and sub_keys(spec) != [("", "")]:
        raise UsageError("eval_config.metric", f"{name}: class_id and top_k exclude binarize and aggregate.")
    for aggregation, sub_key in sub_keys(spec):
        if aggregation in {"macro", "weighted_macro"}:
            if recipe in PLOT_RECIPES.values():
                raise UsageError(
                    "eval_config.metric",
                    f"{name} is a plot, which cannot be averaged over classes.",
                    "Move it to a metrics spec without macro_average and weighted_macro_average.",
                )
            yield _macro(spec, recipe, settings, name, aggregation, sub_key), aggregation, sub_key
            continue
        view = _view(spec, aggregation, sub_key) if own == BINARY else own
        for kernel in recipe.make(settings, name, view):
            yield kernel, aggregation, view.sub_key


def _view(spec: Any, aggregation: str, sub_key: str) -> View:
    kind, _, number = sub_key.partition(":")
    if aggregation == "micro":
        if number:
            return View(top_k=int(number), aggregated=True)
        return View(class_weights=tuple(sorted(spec.aggregate.class_weights.items())))
    value = int(number) if number else None
    return View(
        class_id=value if kind == "classId" else None,
        k=value if kind == "k" else None,
        top_k=value if kind == "topK" else None,
    )


def _macro(
    spec: Any, recipe: Recipe, settings: dict[str, Any], name: str, aggregation: str, sub_key: str
) -> AverageMetric:
    weights = dict(sorted(spec.aggregate.class_weights.items()))
    if sub_key:
        views = {View(k=rank + 1): 1.0 for rank in range(int(sub_key.partition(":")[2]))}
    elif weights:
        views = {View(class_id=class_id): weight for class_id, weight in weights.items()}
    else:
        raise UsageError(
            "eval_config.metric",
            f"{aggregation}_average of {name} over all classes requires class_weights, one weight per class.",
        )

    def of_view(view: View) -> SumsMetric | CurveMetric:
        made = recipe.make(settings, name, view)
        if len(made) != 1 or not isinstance(made[0], (SumsMetric, CurveMetric)):
            raise UsageError("eval_config.metric", f"{name} cannot be averaged over classes.")
        return made[0]

    average = multiclass.macro_average(of_view, views, by_labels=aggregation == "weighted_macro")
    return replace(average, name=name, view=_view(spec, "", sub_key))


@dataclass(frozen=True, slots=True)
class OwnMetric:
    """A user's accumulator; what it raises names its file, and what it prints goes to standard error.

    Attributes:
        name: The metric's name.
        accumulator: The user's.
        class_name: Its class, for messages.
        file: The file that it came from, if it was named by a path.
    """

    name: str
    accumulator: CustomMetric[Any]
    class_name: str
    file: str | None

    def create(self) -> Any:
        """Return the state of no rows."""
        with self._running("create"):
            return self.accumulator.create()

    def add(self, state: Any, labels: Floats, predictions: Floats, weights: Floats) -> Any:
        """Return the state after more rows."""
        with self._running("add"):
            return self.accumulator.add(state, labels, predictions, weights)

    def merge(self, states: list[Any]) -> Any:
        """Return the state of all rows of `states`."""
        with self._running("merge"):
            return self.accumulator.merge(states)

    def extract(self, state: Any) -> float:
        """Return the metric's value."""
        with self._running("extract"):
            return float(self.accumulator.extract(state))

    def _running(self, method: str) -> AbstractContextManager[None]:
        return run_user_code(f"{self.class_name}.{method}", self.file)


def own_metric(module: str, class_name: str, settings: dict[str, Any]) -> OwnMetric | None:
    """Make the metric that a `MetricConfig` names, with its `config` as arguments.

    Args:
        module: A module that can be imported, or the path of a Python file.
        class_name: A class with the methods of [`CustomMetric`][assay.kernels.metrics.metric.CustomMetric].
        settings: Its arguments by name.

    Returns:
        The metric, or None where the class is importable and is not an accumulator: TFMA may know it.

    Raises:
        UsageError: There is no such module, file or class, or a file's class is not an accumulator.
        UserCodeError: The module cannot be imported, or the class raises for its arguments.
    """
    is_file = module.endswith(_FILE)
    if is_file:
        found: Any = load_function(module, None, class_name)
    else:
        found = load_function(None, f"{module}.{class_name}", class_name)
    if not (isinstance(found, type) and all(hasattr(found, name) for name in _METHODS)):
        if not is_file:
            return None
        raise UsageError(
            "eval_config.metric_class",
            f"{class_name} in {module} is not an accumulator: it needs the methods {', '.join(_METHODS)}.",
            f"Add them; or, for a metric of TFMA or tf_keras, write module: {Path(module).stem} and put its folder on "
            "PYTHONPATH.",
        )
    file = module if is_file else None
    with run_user_code(class_name, file):
        made = found(**settings)
        name = str(getattr(made, "name", class_name))
    return OwnMetric(name, made, class_name, file) if isinstance(made, CustomMetric) else None
