"""A user's own metric in a configuration: an accumulator class, named by module and class."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assay.errors import UsageError
from assay.kernels.metrics.metric import CustomMetric
from assay.spec.user_code import load_function, run_user_code

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from assay.kernels.metrics.rows import Floats

_FILE = ".py"
_METHODS = ("create", "add", "merge", "extract")


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
