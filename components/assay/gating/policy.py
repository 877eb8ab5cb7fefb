"""What a gate does beyond its thresholds, its significance level, and how a configuration sets both.

To an `EvalConfig` in YAML or JSON, assay adds a `policy` section, and `significant` beside a threshold's bound. TFMA's
proto has no field for either, so they are taken out before the rest is read as TFMA's, and a text proto cannot contain
them. Each `significant` is kept by the place where it is written, which is also where a limit says that it comes from.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Annotated, Any, Final, Literal, TypeAlias

import msgspec

from assay.errors import UsageError, did_you_mean
from assay.gating.metric_values import number

FirstRun: TypeAlias = Literal["bless", "block", "values_only"]
NoThresholds: TypeAlias = Literal["bless", "block"]
Significant: TypeAlias = Literal["off", "regression", "not_worse"]
Correction: TypeAlias = Literal["none", "holm", "benjamini_hochberg"]
Insufficient: TypeAlias = Literal["block", "pass"]
POLICY: Final = "policy"
SIGNIFICANT: Final = "significant"
_BOUNDED: Final = {"value_threshold", "change_threshold"}
_BY_NAME: Final = {"thresholds", "per_slice_thresholds", "cross_slice_thresholds"}
_RULES: Final[dict[Any, Significant]] = {
    "off": "off",
    "regression": "regression",
    "not_worse": "not_worse",
    False: "off",  # YAML reads `off` as false
    True: "regression",
}
Alpha = Annotated[float, msgspec.Meta(gt=0, le=0.5)]
Count = Annotated[int, msgspec.Meta(ge=1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class GatePolicy:
    """What the gate does where the thresholds do not say.

    Attributes:
        first_run: When change thresholds have no baseline to compare with: `values_only` lets the value thresholds
            decide (and blesses, saying so, where there are none), `bless` blesses whatever they say, `block` blocks.
        no_thresholds: When the configuration has no threshold at all.
    """

    first_run: FirstRun = "values_only"
    no_thresholds: NoThresholds = "block"

    def as_dict(self) -> dict[str, str]:
        """Return the policy by name, as the verdict lists it."""
        return {"first_run": self.first_run, "no_thresholds": self.no_thresholds}


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidencePolicy:
    """The significance that a gate requires.

    Attributes:
        significant: `off` holds point estimates and only shows bounds; `regression` blocks only what a test shows to
            break its limit; `not_worse` blesses only what a test shows to keep it. A threshold may say otherwise.
        alpha: The one-sided significance level; bounds are those of a two-sided interval at `1 - 2 * alpha`.
        correction: Of the p-values of all checks that are held by `regression`.
        min_examples: Fewer rows are insufficient evidence: of the slice, of those that a rate is a share of, or of the
            smaller class for an AUC. With few, a bootstrap is too sure: 10 right answers of 10 do not vary however they
            are drawn.
        insufficient: What a check with insufficient evidence does. Where every check lacks it, all block.
    """

    significant: Significant = "off"
    alpha: float = 0.05
    correction: Correction = "holm"
    min_examples: int = 30
    insufficient: Insufficient = "block"

    def as_dict(self) -> dict[str, str]:
        """Return the policy by name, as the verdict lists it."""
        return {
            "significant": self.significant,
            "alpha": number(self.alpha),
            "correction": self.correction,
            "min_examples": str(self.min_examples),
            "insufficient": self.insufficient,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenPolicy:
    """The `policy` section of a configuration; None where it says nothing.

    Attributes:
        first_run: When change thresholds have no baseline to compare with.
        no_thresholds: When the configuration has no threshold.
        significant: What must be significant, where a threshold does not say.
        alpha: The one-sided significance level.
        correction: For many checks.
        min_examples: Fewer rows are insufficient evidence.
        insufficient: What a check with insufficient evidence does.
    """

    first_run: FirstRun | None = None
    no_thresholds: NoThresholds | None = None
    significant: Significant | None = None
    alpha: Alpha | None = None
    correction: Correction | None = None
    min_examples: Count | None = None
    insufficient: Insufficient | None = None

    def updated(self, **given: Any) -> WrittenPolicy:
        """Return the policy, overridden by the arguments that are not None."""
        return replace(self, **{name: value for name, value in given.items() if value is not None})

    def for_gate(self) -> GatePolicy:
        """Return the rules for the first run and for no thresholds, with the defaults."""
        return GatePolicy(**self._said("first_run", "no_thresholds"))

    def for_evidence(self) -> EvidencePolicy:
        """Return the rules of significance, with the defaults."""
        return EvidencePolicy(**self._said("significant", "alpha", "correction", "min_examples", "insufficient"))

    def _said(self, *names: str) -> dict[str, Any]:
        return {name: getattr(self, name) for name in names if getattr(self, name) is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Additions:
    """What assay adds to a configuration.

    Attributes:
        policy: The `policy` section.
        significant: By the place of a value or change threshold, what must be significant of it.
    """

    policy: WrittenPolicy = WrittenPolicy()
    significant: Mapping[str, Significant] = field(default_factory=dict)

    @property
    def any(self) -> bool:
        """Whether there is anything."""
        return bool(self.significant) or self.policy != WrittenPolicy()

    @property
    def asks_for_evidence(self) -> bool:
        """Whether something must be significant, so that bounds are needed."""
        return self.policy.significant is not None or any(rule != "off" for rule in self.significant.values())


def without_additions(plain: Mapping[str, Any], source: str) -> tuple[dict[str, Any], Additions]:
    """Parts a configuration into TFMA's fields and assay's.

    Args:
        plain: The configuration as JSON or YAML holds it.
        source: Its name in messages.

    Raises:
        UsageError: The `policy` section or a `significant` holds what it cannot.
    """
    rules: dict[str, Significant] = {}
    rest = {key: value for key, value in plain.items() if key != POLICY}
    stripped = _stripped(rest, "eval_config", "", rules)
    return stripped, Additions(policy=_policy(plain.get(POLICY), f"{source}: {POLICY}"), significant=rules)


def with_additions(plain: Mapping[str, Any], additions: Additions) -> dict[str, Any]:
    """Put back what [`without_additions`][...without_additions] took out; `plain` has the proto's own field names."""
    result: dict[str, Any] = _restored(plain, "eval_config", "", additions.significant)
    written = {
        item.name: getattr(additions.policy, item.name)
        for item in fields(WrittenPolicy)
        if getattr(additions.policy, item.name) is not None
    }
    return result | ({POLICY: written} if written else {})


def _stripped(value: Any, place: str, name: str, rules: dict[str, Significant]) -> Any:
    if isinstance(value, Mapping):
        if name in _BOUNDED and SIGNIFICANT in value:
            rules[place] = _rule(value[SIGNIFICANT], place)
            value = {key: item for key, item in value.items() if key != SIGNIFICANT}
        return {key: _stripped(item, *_step(place, name, str(key)), rules) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_stripped(item, f"{place}[{index}]", "", rules) for index, item in enumerate(value)]
    return value


def _restored(value: Any, place: str, name: str, rules: Mapping[str, Significant]) -> Any:
    if isinstance(value, Mapping):
        own = {SIGNIFICANT: rules[place]} if place in rules else {}
        return {key: _restored(item, *_step(place, name, str(key)), rules) for key, item in value.items()} | own
    if isinstance(value, list):
        return [_restored(item, f"{place}[{index}]", "", rules) for index, item in enumerate(value)]
    return value


def _step(place: str, name: str, key: str) -> tuple[str, str]:
    """Return the place of a field, written as `gate.limits` writes it, and the field's name."""
    if name in _BY_NAME and key not in _BY_NAME:
        return f'{place}["{key}"]', ""
    snake = re.sub("([A-Z])", lambda letter: f"_{letter[0].lower()}", key)
    return f"{place}.{snake}", snake


def _rule(value: Any, place: str) -> Significant:
    # Only hashable values can be looked up; 1 and 0 would pass for true and false.
    if isinstance(value, str | bool) and value in _RULES:
        return _RULES[value]
    raise UsageError(
        "eval_config.significant",
        f"{place}.{SIGNIFICANT} must be true, false, 'regression', 'not_worse' or 'off', got {value!r}.",
        "Use true or 'regression' to block only statistically significant regressions.",
    )


def _policy(plain: Any, source: str) -> WrittenPolicy:
    if plain is None:
        return WrittenPolicy()
    if not isinstance(plain, Mapping):
        raise UsageError("eval_config.policy", f"{source} must be a mapping, got {type(plain).__name__}.")
    known = [item.name for item in fields(WrittenPolicy)]
    for name in plain:
        if name not in known:
            raise UsageError("eval_config.policy", f"{source} has no field '{name}'.", did_you_mean(str(name), known))
    said = dict(plain)
    if SIGNIFICANT in said:
        said[SIGNIFICANT] = _rule(said[SIGNIFICANT], source)
    try:
        return msgspec.convert(said, WrittenPolicy)
    except msgspec.ValidationError as error:
        raise UsageError("eval_config.policy", f"{source}: {error}.") from error
