"""A user's own checks of statistics: annotated functions whose parameters say what they look at.

```python
def mean_fare_is_plausible(fare: FeatureSummary) -> CheckResult:
    '''The mean fare lies between 5 and 20.'''
    return CheckResult(ok=5 <= fare.mean <= 20, observed=fare.mean, limit=20)


def most_trips_have_a_company(company: FeatureSummary) -> bool:
    '''At most half of the trips lack a company.'''
    return company.missing <= 0.5
```
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_type_hints

from tensorflow_metadata.proto.v0.statistics_pb2 import DatasetFeatureStatistics

from assay.errors import UsageError, UserCodeError, did_you_mean
from assay.kernels.feature_summary import FeatureSummary, summarise
from assay.validation.evidence import AnomalyEvidence
from assay.validation.findings import WHOLE_DATASET, Finding

if TYPE_CHECKING:
    from typing_extensions import TypeIs

CheckSeverity = Literal["error", "warning"]
_EXAMPLE = (
    "Annotate each parameter: a feature by its name as FeatureSummary, the whole dataset as DatasetFeatureStatistics."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """What a custom check found.

    Attributes:
        ok: Whether the data passes.
        observed: The figure that decided.
        limit: The threshold that it was compared with.
        sentence: More about it; the function's docstring says what was expected.
    """

    ok: bool
    observed: float | None = None
    limit: float | None = None
    sentence: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StatisticsCheck:
    """A function over statistics.

    Attributes:
        id: Its name.
        function: The user's function.
        features: For each parameter the feature's name; None where it takes the whole dataset.
        expectation: The first line of its docstring.
        severity: Of a finding.
    """

    id: str
    function: Callable[..., Any]
    features: tuple[str | None, ...]
    expectation: str
    severity: CheckSeverity = "error"


def statistics_check(function: Callable[..., Any], *, severity: CheckSeverity = "error") -> StatisticsCheck:
    """Make a check of an annotated function.

    Raises:
        UsageError: It has no parameters, or one whose annotation does not say what it looks at.
    """
    name = getattr(function, "__name__", type(function).__name__)
    hints = _hints(function, name)
    parameters = tuple(inspect.signature(function).parameters)
    unknown = [each for each in parameters if hints.get(each) not in {FeatureSummary, DatasetFeatureStatistics}]
    if unknown or not parameters:
        what = f"the parameter '{unknown[0]}' has no annotation" if unknown else "it has no parameter"
        raise UsageError("checks.signature", f"The check {name} cannot be called: {what}.", _EXAMPLE)
    features = tuple(None if hints[each] is DatasetFeatureStatistics else each for each in parameters)
    expectation = (inspect.getdoc(function) or name.replace("_", " ")).splitlines()[0].rstrip(".")
    return StatisticsCheck(id=name, function=function, features=features, expectation=expectation, severity=severity)


def is_statistics_check(function: Callable[..., Any]) -> bool:
    """Return whether a function looks at statistics, by its annotations; other checks look at rows."""
    hints = _hints(function, getattr(function, "__name__", "check"))
    hints.pop("return", None)
    return any(hint in {FeatureSummary, DatasetFeatureStatistics} for hint in hints.values()) or not hints


def run_checks(checks: Sequence[StatisticsCheck], dataset: DatasetFeatureStatistics) -> tuple[list[Finding], list[str]]:
    """Run checks on the statistics of a dataset or slice; return findings, and the ids of checks that pass.

    Raises:
        UserCodeError: A check raised.
        UsageError: A check names a feature that the data does not have, or gave neither a boolean nor a CheckResult.
    """
    summaries = {summary.feature: summary for summary in summarise(dataset)} if checks else {}
    findings, passed = [], []
    for check in checks:
        result = _ask(check, dataset, summaries)
        if result.ok:
            passed.append(check.id)
        else:
            findings.append(_finding(check, result))
    return findings, passed


def _ask(
    check: StatisticsCheck, dataset: DatasetFeatureStatistics, summaries: dict[str, FeatureSummary]
) -> CheckResult:
    arguments: list[Any] = []
    for feature in check.features:
        if feature is not None and feature not in summaries:
            raise UsageError(
                "checks.feature",
                f"The check {check.id} reads '{feature}', which the data does not have.",
                did_you_mean(feature, summaries),
            )
        arguments.append(dataset if feature is None else summaries[feature])
    try:
        result = check.function(*arguments)
    except Exception as error:
        raise UserCodeError("checks.raised", f"The check {check.id} raised {type(error).__name__}: {error}") from error
    if isinstance(result, CheckResult):
        return result
    if _is_truth(result):
        return CheckResult(ok=bool(result))
    raise UsageError("checks.result", f"The check {check.id} gave {result!r}.", "Return True, False, or a CheckResult.")


def _finding(check: StatisticsCheck, result: CheckResult) -> Finding:
    named = [feature for feature in check.features if feature is not None]
    return Finding(
        feature=named[0] if named else WHOLE_DATASET,
        type="CUSTOM_VALIDATION",
        severity=check.severity,
        summary=f"Expected: {check.expectation}",
        description=result.sentence or f"The check {check.id} failed.",
        evidence=AnomalyEvidence(observed=result.observed, limit=result.limit),
        name=check.id,
    )


def _hints(function: Callable[..., Any], name: str) -> dict[str, Any]:
    try:
        return get_type_hints(function)
    except (NameError, TypeError) as error:
        raise UsageError("checks.signature", f"The annotations of {name} cannot be read: {error}.") from error


def _is_truth(value: object) -> TypeIs[bool]:
    return isinstance(value, bool) or type(value).__name__ in {"bool_", "bool"}  # numpy's, without importing it
