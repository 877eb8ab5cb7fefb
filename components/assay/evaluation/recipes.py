"""Which metric kernel computes what a metric class of TFMA or Keras computes, from the same settings."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Literal, TypeAlias

from assay.errors import UsageError, did_you_mean
from assay.kernels.metrics import binary, comparison, multiclass, plots, ranking, regression
from assay.kernels.metrics.binary import DEFAULT_THRESHOLDS, fairness_indicators
from assay.kernels.metrics.metric import BINARY, SumsMetric
from assay.kernels.metrics.multiclass import ClassMatrixMetric
from assay.kernels.metrics.rates import RATES
from assay.kernels.metrics.terms import EPSILON
from assay.kernels.metrics.values import AnyMetric
from assay.kernels.metrics.view import View

Settings: TypeAlias = Mapping[str, Any]
Better: TypeAlias = Literal["higher", "lower", ""]
Make: TypeAlias = Callable[[Settings, str, View], tuple[AnyMetric, ...]]


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to make the kernels of one metric class.

    Attributes:
        name: The metric's name where the settings give none.
        settings: The settings that the kernels know, apart from `name`.
        make: Gives the kernels from settings, name and view.
        scope: `class` for a metric of one class or a micro average, as `binarize` and `aggregate` say; `classes` for
            one that looks at all classes of a row; `row` for one that neither changes.
        better: Whether `higher` or `lower` figures are better; empty where neither is (a count, a mean, a plot).
        low: The minimum that the figure can have, for labels of 0 and 1 (or classes) and probabilities.
        high: The maximum, likewise.
    """

    name: str
    settings: frozenset[str]
    make: Make
    scope: Literal["class", "classes", "row"] = "class"
    better: Better = ""
    low: float = -math.inf
    high: float = math.inf


def _viewed(metric: SumsMetric, view: View) -> SumsMetric:
    return metric if view == BINARY else replace(metric, view=view)


def _several(settings: Settings, key: str) -> list[float] | None:
    value = settings.get(key)
    if value is None:
        return None
    return [float(item) for item in value] if isinstance(value, list) else [float(value)]


def _rate(kind: str, threshold_key: str = "thresholds") -> Make:
    def make(settings: Settings, name: str, view: View) -> tuple[AnyMetric, ...]:
        return (binary.rate(kind, thresholds=_several(settings, threshold_key), name=name, view=view),)

    return make


def _area(curve: str) -> Make:
    def make(settings: Settings, name: str, view: View) -> tuple[AnyMetric, ...]:
        return (
            binary.auc(
                curve=str(settings.get("curve", curve)),
                summation_method=str(settings.get("summation_method", "interpolation")),
                num_thresholds=settings.get("num_thresholds"),
                name=name,
                view=view,
            ),
        )

    return make


def _best(kind: str, limit_key: str) -> Make:
    def make(settings: Settings, name: str, view: View) -> tuple[AnyMetric, ...]:
        limits = _several(settings, limit_key)
        if limits is None:
            raise UsageError("eval_config.metric", f"{kind} needs the setting '{limit_key}'.")
        return (binary.best_at(kind, limits, num_thresholds=settings.get("num_thresholds"), name=name, view=view),)

    return make


def _sums(make: Callable[..., SumsMetric], **fixed: Any) -> Make:
    def made(_: Settings, name: str, view: View) -> tuple[AnyMetric, ...]:
        return (_viewed(make(name=name, **fixed), view),)

    return made


def _entropy(make: Callable[..., SumsMetric], clip: float) -> Make:
    def made(settings: Settings, name: str, view: View) -> tuple[AnyMetric, ...]:
        options = {key: settings[key] for key in ("from_logits", "label_smoothing") if key in settings}
        return (_viewed(make(clip=clip, name=name, **options), view),)

    return made


def _top_k_accuracy(settings: Settings, name: str, _: View) -> tuple[AnyMetric, ...]:
    return (multiclass.top_k_categorical_accuracy(int(settings.get("k", 5)), name=name),)


def _counts(settings: Settings, name: str, view: View) -> tuple[AnyMetric, ...]:
    thresholds = _several(settings, "thresholds") or [0.5]
    return (plots.confusion_matrix_at_thresholds(thresholds, name=name, view=view),)


def _class_matrix(settings: Settings, name: str, _: View) -> tuple[AnyMetric, ...]:
    return (ClassMatrixMetric(name=name, thresholds=tuple(_several(settings, "thresholds") or [0.5])),)


def _calibration_plot(settings: Settings, name: str, view: View) -> tuple[AnyMetric, ...]:
    left, right = float(settings.get("left", 0.0)), float(settings.get("right", 1.0))
    made = plots.calibration_plot(int(settings.get("num_buckets", 1000)), left, right, name=name)
    return (replace(made, view=view),)


def _confusion_plot(settings: Settings, name: str, view: View) -> tuple[AnyMetric, ...]:
    return (replace(plots.confusion_matrix_plot(int(settings.get("num_thresholds", 1000)), name=name), view=view),)


def _class_plot(settings: Settings, name: str, _: View) -> tuple[AnyMetric, ...]:
    count = settings.get("num_thresholds")
    thresholds = _several(settings, "thresholds") or [0.0]
    if count is not None:
        thresholds = [at / (int(count) - 1) for at in range(int(count))]
    return (ClassMatrixMetric(name=name, thresholds=tuple(thresholds)),)


def _flip(kind: str) -> Make:
    def make(settings: Settings, name: str, _: View) -> tuple[AnyMetric, ...]:
        threshold = float(settings.get("threshold", 0.5))
        made = (*comparison.boolean_flip_rates(threshold), comparison.symmetric_flip_rate(threshold))
        return tuple(replace(metric, name=name) for metric in made if metric.name == kind)

    return make


def _flips(settings: Settings, _: str, __: View) -> tuple[AnyMetric, ...]:
    made = comparison.boolean_flip_rates(float(settings.get("threshold", 0.5)))
    return tuple(replace(metric, name=str(settings.get(f"{metric.name}_name", metric.name))) for metric in made)


def _ndcg(settings: Settings, name: str, _: View) -> tuple[AnyMetric, ...]:
    return tuple(replace(ranking.ndcg(top_k), name=name) for top_k in settings.get("top_k_list") or [None])


def _mrr(settings: Settings, name: str, _: View) -> tuple[AnyMetric, ...]:
    ranks = settings.get("top_k_list") or [None]
    return tuple(replace(ranking.mean_reciprocal_rank(top_k), name=name) for top_k in ranks)


def _fairness(settings: Settings, _: str, __: View) -> tuple[AnyMetric, ...]:
    return tuple(fairness_indicators(_several(settings, "thresholds") or DEFAULT_THRESHOLDS))


# What a figure can be, and which way it improves, by the metric's name; `_recipes` enters it into each recipe.
_HIGHER: dict[tuple[float, float], tuple[str, ...]] = {
    (0.0, 1.0): (
        *("binary_accuracy", "categorical_accuracy", "sparse_categorical_accuracy", "balanced_accuracy"),
        *("top_k_categorical_accuracy", "sparse_top_k_categorical_accuracy", "precision", "ppv", "recall", "tpr"),
        *("specificity", "tnr", "negative_predictive_value", "npv", "threat_score", "f1_score"),
        *("fowlkes_mallows_index", "auc", "auc_precision_recall", "precision_at_recall", "recall_at_precision"),
        *("sensitivity_at_specificity", "specificity_at_sensitivity", "recall_at_false_positive_rate"),
        *("squared_pearson_correlation", "ndcg", "mean_reciprocal_rank"),
    ),
    (-1.0, 1.0): ("matthews_correlation_coefficient", "informedness", "markedness", "pearson_correlation"),
    (-math.inf, 1.0): ("r2_score",),
    (0.0, math.inf): (
        *("true_positives", "tp", "true_negatives", "tn", "positive_likelihood_ratio", "diagnostic_odds_ratio"),
    ),
    (-math.inf, math.inf): ("coefficient_of_discrimination", "relative_coefficient_of_discrimination"),
}
_LOWER: dict[tuple[float, float], tuple[str, ...]] = {
    (0.0, 1.0): (
        *("fall_out", "fpr", "miss_rate", "fnr", "false_discovery_rate", "false_omission_rate", "brier_score"),
        "symmetric_flip_rate",
    ),
    (0.0, math.inf): (
        *("false_positives", "fp", "false_negatives", "fn", "negative_likelihood_ratio", "mean_squared_error"),
        *("root_mean_squared_error", "mean_absolute_error", "mean_absolute_percentage_error"),
        *("mean_squared_logarithmic_error", "binary_crossentropy", "categorical_crossentropy"),
        *("sparse_categorical_crossentropy", "min_label_position", "symmetric_prediction_difference"),
    ),
}
_NEITHER: dict[tuple[float, float], tuple[str, ...]] = {
    (0.0, 1.0): (
        *("prevalence", "prevalence_threshold", "predicted_positive_rate", "neg_to_neg_flip_rate"),
        *("neg_to_pos_flip_rate", "pos_to_neg_flip_rate", "pos_to_pos_flip_rate"),
    ),
    (0.0, math.inf): ("example_count", "weighted_example_count", "total_queries"),
}
_BY_BETTER: dict[Better, dict[tuple[float, float], tuple[str, ...]]] = {
    "higher": _HIGHER,
    "lower": _LOWER,
    "": _NEITHER,
}
_FIGURES: Mapping[str, tuple[Better, float, float]] = {
    name: (better, low, high)
    for better, by_range in _BY_BETTER.items()
    for (low, high), names in by_range.items()
    for name in names
}


def _with_figure(recipe: Recipe) -> Recipe:
    better, low, high = _FIGURES.get(recipe.name, ("", -math.inf, math.inf))
    return replace(recipe, better=better, low=low, high=high)


def _recipes() -> dict[str, Recipe]:
    one_class = frozenset({"class_id", "top_k"})
    at = frozenset({"thresholds", *one_class})
    best = frozenset({"num_thresholds", *one_class})
    flips = frozenset({"neg_to_neg_flip_rate", "neg_to_pos_flip_rate", "pos_to_neg_flip_rate", "pos_to_pos_flip_rate"})
    none: frozenset[str] = frozenset()
    loss = frozenset({"from_logits", "label_smoothing"})
    area = frozenset({"num_thresholds", "summation_method", *one_class})
    recipes = {_class_name(name): Recipe(name, at, _rate(name)) for name in RATES}
    recipes["BinaryAccuracy"] = Recipe(
        "binary_accuracy", frozenset({"threshold", *one_class}), _rate("binary_accuracy", "threshold")
    )
    recipes["AUC"] = Recipe("auc", area | {"curve"}, _area("ROC"))
    recipes["AUCPrecisionRecall"] = Recipe("auc_precision_recall", area, _area("PR"))
    for kind, limit in (
        ("precision_at_recall", "recall"),
        ("recall_at_precision", "precision"),
        ("sensitivity_at_specificity", "specificity"),
        ("specificity_at_sensitivity", "sensitivity"),
        ("recall_at_false_positive_rate", "false_positive_rate"),
        ("threshold_at_recall", "recall"),
    ):
        recipes[_class_name(kind)] = Recipe(kind, best | {limit}, _best(kind, limit))
    recipes["ConfusionMatrixAtThresholds"] = Recipe("confusion_matrix_at_thresholds", at, _counts)
    for sums in (
        binary.mean_label,
        binary.mean_prediction,
        binary.calibration,
        binary.brier_score,
        regression.mean_squared_error,
        regression.root_mean_squared_error,
        regression.mean_absolute_error,
        regression.mean_absolute_percentage_error,
        regression.mean_squared_logarithmic_error,
        regression.squared_pearson_correlation,
        regression.pearson_correlation,
        regression.r2_score,
    ):
        recipes[_class_name(sums.__name__)] = Recipe(sums.__name__, none, _sums(sums))
    for relative, name in ((False, "coefficient_of_discrimination"), (True, "relative_coefficient_of_discrimination")):
        make = _sums(binary.coefficient_of_discrimination, relative=relative)
        recipes[_class_name(name)] = Recipe(name, none, make)
    for name in ("example_count", "weighted_example_count"):
        # TFMA weighs either as the specification says; the unweighted pass has weights of 1.
        recipes[_class_name(name)] = Recipe(name, none, _sums(binary.example_count, weighted=True), "row")
    recipes["BinaryCrossEntropy"] = Recipe("binary_crossentropy", loss, _entropy(binary.binary_crossentropy, EPSILON))
    recipes["BinaryCrossentropy"] = Recipe("binary_crossentropy", loss, _entropy(binary.binary_crossentropy, 1e-7))
    for class_name, name, clip in (
        ("CategoricalCrossEntropy", "categorical_crossentropy", EPSILON),
        ("CategoricalCrossentropy", "categorical_crossentropy", 1e-7),
        ("SparseCategoricalCrossentropy", "sparse_categorical_crossentropy", 1e-7),
    ):
        recipes[class_name] = Recipe(name, loss, _entropy(multiclass.categorical_crossentropy, clip), "classes")
    for name in ("categorical_accuracy", "sparse_categorical_accuracy"):
        recipes[_class_name(name)] = Recipe(name, none, _sums(multiclass.categorical_accuracy), "classes")
    for class_name, name in (
        ("TopKCategoricalAccuracy", "top_k_categorical_accuracy"),
        ("SparseTopKCategoricalAccuracy", "sparse_top_k_categorical_accuracy"),
    ):
        recipes[class_name] = Recipe(name, frozenset({"k"}), _top_k_accuracy, "classes")
    name = "multi_class_confusion_matrix_at_thresholds"
    recipes[_class_name(name)] = Recipe(name, frozenset({"thresholds"}), _class_matrix, "classes")
    threshold = frozenset({"threshold"})
    for kind in (*sorted(flips), "symmetric_flip_rate"):
        recipes[_class_name(kind)] = Recipe(kind, threshold, _flip(kind), "row")
    names = frozenset(f"{kind}_name" for kind in (*flips, "flip_rate"))
    recipes["BooleanFlipRates"] = Recipe("flip_rate", threshold | names, _flips, "row")
    recipes["SymmetricPredictionDifference"] = Recipe(
        "symmetric_prediction_difference", none, lambda *_: (comparison.symmetric_prediction_difference(),), "row"
    )
    recipes["NDCG"] = Recipe("ndcg", frozenset({"gain_key", "top_k_list"}), _ndcg, "row")
    # TFMA has no class for it; its files hold the figure all the same.
    recipes["MeanReciprocalRank"] = Recipe("mean_reciprocal_rank", frozenset({"top_k_list"}), _mrr, "row")
    recipes["MinLabelPosition"] = Recipe("min_label_position", none, lambda *_: (ranking.min_label_position(),), "row")
    recipes["QueryStatistics"] = Recipe("total_queries", none, lambda *_: ranking.query_statistics(), "row")
    recipes["FairnessIndicators"] = Recipe("fairness_indicators_metrics", frozenset({"thresholds"}), _fairness, "row")
    return {class_name: _with_figure(recipe) for class_name, recipe in recipes.items()}


def _class_name(name: str) -> str:
    """Return TFMA's class of a metric's name: `TPR` for `tpr`, `F1Score` for `f1_score`."""
    return "".join(part.title() for part in name.split("_")) if len(name) > 3 else name.upper()


RECIPES: Mapping[str, Recipe] = MappingProxyType(_recipes())
"""The metric classes that the kernels compute."""

ALIASES: Mapping[str, str] = MappingProxyType(
    {
        # scikit-learn's functions and scorers, as `_plain` writes them
        "rocaucscore": "AUC", "rocauc": "AUC", "auroc": "AUC", "areaunderroc": "AUC",
        "averageprecisionscore": "AUCPrecisionRecall", "averageprecision": "AUCPrecisionRecall",
        "aucpr": "AUCPrecisionRecall", "prauc": "AUCPrecisionRecall", "auprc": "AUCPrecisionRecall",
        "accuracyscore": "BinaryAccuracy", "balancedaccuracyscore": "BalancedAccuracy",
        "precisionscore": "Precision", "recallscore": "Recall", "sensitivity": "Recall", "f1": "F1Score",
        "brierscoreloss": "BrierScore", "brier": "BrierScore", "brierloss": "BrierScore",
        "logloss": "BinaryCrossEntropy", "neglogloss": "BinaryCrossEntropy",
        "crossentropy": "CategoricalCrossEntropy", "categoricallogloss": "CategoricalCrossEntropy",
        "matthewscorrcoef": "MatthewsCorrelationCoefficient", "mcc": "MatthewsCorrelationCoefficient",
        "jaccardscore": "ThreatScore", "jaccard": "ThreatScore",
        "topkaccuracyscore": "TopKCategoricalAccuracy", "topkaccuracy": "TopKCategoricalAccuracy",
        "confusionmatrix": "ConfusionMatrixAtThresholds", "ndcgscore": "NDCG",
        "rsquared": "R2Score", "rsquare": "R2Score", "r2": "R2Score", "mse": "MeanSquaredError",
        "mae": "MeanAbsoluteError", "mape": "MeanAbsolutePercentageError",
        "msle": "MeanSquaredLogarithmicError", "rmse": "RootMeanSquaredError", "mrr": "MeanReciprocalRank",
        "negmeansquarederror": "MeanSquaredError", "negmeanabsoluteerror": "MeanAbsoluteError",
        "negrootmeansquarederror": "RootMeanSquaredError", "pearsonr": "PearsonCorrelation",
        "fallout": "FallOut", "falsepositiverate": "FPR", "truepositiverate": "TPR",
        "falsenegativerate": "FNR", "truenegativerate": "TNR", "count": "ExampleCount",
    }
)  # fmt: skip
"""Names of metrics elsewhere, in lower case without underscores, and the class here that computes the same."""

PLOT_RECIPES: Mapping[str, Recipe] = MappingProxyType(
    {
        "CalibrationPlot": Recipe("calibration_plot", frozenset({"num_buckets", "left", "right"}), _calibration_plot),
        "ConfusionMatrixPlot": Recipe("confusion_matrix_plot", frozenset({"num_thresholds"}), _confusion_plot),
        "MultiClassConfusionMatrixPlot": Recipe(
            "multi_class_confusion_matrix_plot", frozenset({"num_thresholds", "thresholds"}), _class_plot, "classes"
        ),
    }
)
"""The plots whose data the kernels compute."""

PLOTS = frozenset({*PLOT_RECIPES, "MultiLabelConfusionMatrixPlot", "ScoreDistributionPlot"})
"""Classes that give plots: no figure, and nothing that a threshold could hold."""

TFMA_ONLY = frozenset(
    {
        "Bleu", "COCOAveragePrecision", "COCOAverageRecall", "COCOMeanAveragePrecision", "COCOMeanAverageRecall",
        "ExactMatch", "FalseNegativeFeatureSampler", "FalsePositiveFeatureSampler", "MaxRecall", "Mean",
        "MeanAbsoluteAttributions", "MeanAttributions", "ModelCosineSimilarity", "ObjectDetectionConfusionMatrixPlot",
        "ObjectDetectionMaxRecall", "ObjectDetectionPrecision", "ObjectDetectionPrecisionAtRecall",
        "ObjectDetectionRecall", "ObjectDetectionThresholdAtRecall", "Rouge", "SemanticSegmentationConfusionMatrix",
        "SemanticSegmentationFalsePositive", "SemanticSegmentationTruePositive", "SetMatchPrecision",
        "SetMatchRecall", "TotalAbsoluteAttributions", "TotalAttributions",
        # Keras's, which TFMA runs as they are
        "Accuracy", "BinaryIoU", "CategoricalHinge", "CosineSimilarity", "FBetaScore", "Hinge", "IoU",
        "KLDivergence", "LogCoshError", "MeanIoU", "MeanRelativeError", "MeanTensor", "OneHotIoU", "OneHotMeanIoU",
        "Poisson", "SquaredHinge", "Sum",
    }
)  # fmt: skip
"""Classes that TFMA 0.47 or Keras has and the kernels lack."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What the value of a metric's setting may be.

    Attributes:
        what: In words.
        types: Of the value, or of each in a list.
        low: The minimum of a number.
        high: The maximum.
        is_list: Whether a list may be given (True), must be (`only`), or must not be (False).
        choices: The texts that are known; empty for any.
    """

    what: str
    types: tuple[type, ...]
    low: float = -math.inf
    high: float = math.inf
    is_list: bool | Literal["only"] = False
    choices: tuple[str, ...] = ()

    def allows(self, value: Any) -> bool:
        """Return whether the setting may have this value."""
        if isinstance(value, list):
            return bool(self.is_list) and all(map(self._allows_one, value))
        return self.is_list != "only" and self._allows_one(value)

    def _allows_one(self, value: Any) -> bool:
        if not isinstance(value, self.types) or (isinstance(value, bool) and bool not in self.types):
            return False
        if isinstance(value, str):
            return not self.choices or value.lower() in map(str.lower, self.choices)
        return not isinstance(value, int | float) or self.low <= value <= self.high


_NUMBER = (int, float)
_SHARE = Setting("a number from 0 to 1, or a list of them", _NUMBER, 0, 1, is_list=True)
_COUNT = Setting("a whole number from 1", (int,), 1)
_TEXT = Setting("text", (str,))
SETTINGS: Mapping[str, Setting] = MappingProxyType(
    {
        "threshold": Setting("a number", _NUMBER, is_list=True),
        "thresholds": Setting("a number, or a list of them", _NUMBER, is_list=True),
        "num_thresholds": Setting("a whole number from 2", (int,), 2),
        "class_id": Setting("a whole number from 0", (int,), 0),
        "top_k_list": Setting("a list of whole numbers from 1", (int,), 1, is_list="only"),
        "curve": Setting("ROC or PR", (str,), choices=("ROC", "PR")),
        "summation_method": Setting(
            "interpolation, minoring or majoring", (str,), choices=("interpolation", "minoring", "majoring")
        ),
        "from_logits": Setting("true or false", (bool,)),
        "label_smoothing": Setting("a number from 0 to 1", _NUMBER, 0, 1),
        "left": Setting("a number", _NUMBER),
        "right": Setting("a number", _NUMBER),
    }
    | dict.fromkeys(("recall", "precision", "specificity", "sensitivity", "false_positive_rate"), _SHARE)
    | dict.fromkeys(("top_k", "k", "num_buckets"), _COUNT)
    | dict.fromkeys(("name", "gain_key"), _TEXT)
)
"""What settings may be, by name; those that name a figure (`…_name`) are texts."""


def wrong_setting(settings: Settings) -> tuple[str, Setting] | None:
    """Return the first setting that has a value it cannot have, and what it may be."""
    for name, value in settings.items():
        allowed = SETTINGS.get(name, _TEXT if name.endswith("_name") else None)
        if allowed is not None and not allowed.allows(value):
            return name, allowed
    return None


def metric_hint(name: str) -> str:
    """Return a hint for the name of a metric that does not exist: the closest class, if there is one."""
    known = sorted({*RECIPES, *TFMA_ONLY, *PLOTS})
    plain = _plain(name)
    by_plain = {_plain(one): one for one in known}
    # `MeanSquaredErrorScore` and `accuracy_metric` name what is known without the last word.
    shorter = (plain.removesuffix(word) for word in ("", "score", "metric", "loss"))
    meant = next((found for one in shorter if (found := ALIASES.get(one) or by_plain.get(one))), None)
    return f"Write {meant}." if meant else did_you_mean(name, known)


def _plain(name: str) -> str:
    return "".join(filter(str.isalnum, name)).lower()
