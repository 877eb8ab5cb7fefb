"""Decides, from a dataset's statistics, what a first model of it is made of."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from assay.errors import DataError, UsageError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping

    from assay.kernels.feature_summary import FeatureSummary

MOST_CLASSES: Final = 100
MOST_NUMBERED_CLASSES: Final = 20
MOST_CATEGORIES: Final = 100
MOST_SLICES: Final = 10
HASH_BUCKETS: Final = 64
MOSTLY_DISTINCT: Final = 0.5
SMALL_DATA: Final = 5_000  # rows


class Task(enum.Enum):
    """What is predicted."""

    BINARY = "binary"
    MULTICLASS = "multiclass"
    REGRESSION = "regression"


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """What the label's column holds.

    Attributes:
        name: Its name.
        counts: How often each value occurs; of a column with many values, at least more than `MOST_CLASSES` of them.
        is_text: Whether the values are text.
        missing: Rows without a label.
        variance: Of a label of numbers, 0 for text.
    """

    name: str
    counts: Mapping[Any, int]
    is_text: bool
    missing: int
    variance: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ScaffoldPlan:
    """A first model.

    Attributes:
        label: The column that is predicted.
        task: What kind of prediction it is.
        classes: The label's values, sorted; the last of two is the positive one. Empty for a regression.
        label_is_text: Whether those values are text, not numbers.
        label_missing: Rows without a label.
        label_variance: Variance of the label of a regression.
        numbers: Columns that are scaled.
        any_number_missing: Whether some of them lack values.
        categories: Text columns by their number of distinct values.
        hashed: Text columns with many distinct values, by the number of buckets.
        left_out: Columns that the model does not use, and why.
        slice_feature: The category that the evaluation is sliced by, if one has few values.
        rows: Rows of the dataset.
    """

    label: str
    task: Task
    classes: tuple[Any, ...]
    label_is_text: bool
    label_missing: int
    label_variance: float
    numbers: tuple[str, ...]
    any_number_missing: bool
    categories: Mapping[str, int]
    hashed: Mapping[str, int]
    left_out: Mapping[str, str]
    slice_feature: str | None
    rows: int

    @property
    def batch_size(self) -> int:
        """Rows that a step trains on."""
        return 32 if self.rows < SMALL_DATA else 256

    @property
    def train_steps(self) -> int:
        """Steps of a first training: about 30 times through the data, within reason."""
        return int(min(max(30 * self.rows * 2 / 3 / self.batch_size, 300), 5_000))


def make_plan(
    features: tuple[FeatureSummary, ...], label: Label, rows: int, unfit_types: Mapping[str, str], task: Task | None
) -> ScaffoldPlan:
    """Decides what is predicted and from what.

    Args:
        features: A summary of each column.
        label: The label's column.
        rows: Rows of the dataset.
        unfit_types: The types of columns that are not one number or text a row.
        task: The task, if the user says it.

    Raises:
        DataError: If the label has a single value, or no column is of use.
        UsageError: If the label cannot be what the user says it is.
    """
    kind = _task(label, task)
    numbers, categories, hashed, left_out = [], {}, {}, {}
    any_missing = False
    for feature in features:
        if feature.feature == label.name:
            continue
        reason = _unfit(feature, unfit_types.get(feature.feature))
        if reason:
            left_out[feature.feature] = reason
        elif feature.type in ("INT", "FLOAT"):
            numbers.append(feature.feature)
            any_missing |= feature.missing > 0
        elif (feature.unique or 0) <= MOST_CATEGORIES:
            categories[feature.feature] = feature.unique or 0
        else:
            hashed[feature.feature] = HASH_BUCKETS
    if not (numbers or categories or hashed):
        raise DataError(
            "init.no_features",
            f"No column can predict '{label.name}': " + "; ".join(f"{name}: {why}" for name, why in left_out.items()),
            "Add columns that vary from row to row.",
        )
    return ScaffoldPlan(
        label=label.name,
        task=kind,
        classes=() if kind is Task.REGRESSION else tuple(sorted(label.counts)),
        label_is_text=label.is_text,
        label_missing=label.missing,
        label_variance=label.variance,
        numbers=tuple(numbers),
        any_number_missing=any_missing,
        categories=categories,
        hashed=hashed,
        left_out=left_out,
        slice_feature=next((name for name, size in categories.items() if 2 <= size <= MOST_SLICES), None),
        rows=rows,
    )


def _unfit(feature: FeatureSummary, unfit_type: str | None) -> str:
    """Return why a model of flat columns cannot use a column; empty if it can."""
    if unfit_type is not None:
        return f"neither a number nor a text a row, but {unfit_type}"
    if not feature.present:
        return "no value in any row"
    if feature.type in ("INT", "FLOAT"):
        return "the same number in every row" if feature.min == feature.max and not feature.missing else ""
    unique = feature.unique or 0
    if unique == 1 and not feature.missing:
        return "the same text in every row"
    if unique > max(MOSTLY_DISTINCT * feature.present, MOST_SLICES):
        return "most rows have a text of their own: a name, an id, or free text"
    return ""


def _task(label: Label, wanted: Task | None) -> Task:
    values = len(label.counts)
    if values < 2:
        what = "no value" if not values else f"the value {next(iter(label.counts))!r} in every row"
        raise DataError("init.one_class", f"The label '{label.name}' has {what}; there is nothing to learn.")
    if wanted is not None:
        _check(label, wanted)
        return wanted
    if values == 2:
        return Task.BINARY
    if label.is_text:
        _check(label, Task.MULTICLASS)
        return Task.MULTICLASS
    integral = all(float(value).is_integer() for value in label.counts)
    few = values <= MOST_NUMBERED_CLASSES and values * 5 <= sum(label.counts.values())
    return Task.MULTICLASS if integral and few else Task.REGRESSION


def _check(label: Label, task: Task) -> None:
    values = len(label.counts)
    if task is Task.REGRESSION and label.is_text:
        raise UsageError("init.text_regression", f"The label '{label.name}' is text; a regression predicts a number.")
    if task is Task.BINARY and values != 2:
        raise UsageError(
            "init.not_binary", f"The label '{label.name}' has {_many(values)} values; a binary label has 2."
        )
    if task is Task.MULTICLASS and values > MOST_CLASSES:
        raise DataError(
            "init.many_classes",
            f"The label '{label.name}' has more than {MOST_CLASSES} distinct values: too many classes to learn.",
            "Choose another column, or set --task regression if it is a number."
            if not label.is_text
            else "Choose another column, or group its values first.",
        )


def _many(values: int) -> str:
    return f"more than {MOST_CLASSES}" if values > MOST_CLASSES else str(values)


def check_label_name(name: str, columns: tuple[str, ...]) -> None:
    """Check that the data has the label's column.

    Raises:
        UsageError: If not; the message gives the closest name, or all of a few.
    """
    if name not in columns:
        hint = did_you_mean(name, columns) or f"Its columns: {', '.join(columns[:20])}."
        raise UsageError("init.no_label", f"The data has no column '{name}' to use as the label.", hint)
