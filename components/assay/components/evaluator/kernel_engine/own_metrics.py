"""A user's own metric in a configuration: an accumulator class, named by module and class."""

from __future__ import annotations

import importlib
from typing import Any

from assay.errors import UsageError
from assay.kernels.metrics.metric import CustomMetric
from assay.spec.user_code import load_function, run_user_code

_FILE = ".py"


def own_metric(module: str, class_name: str, settings: dict[str, Any]) -> CustomMetric[Any] | None:
    """Makes the metric that a `MetricConfig` names, with its `config` as arguments.

    Args:
        module: A module that can be imported, or the path of a Python file.
        class_name: A class with the methods of [`CustomMetric`][assay.kernels.metrics.metric.CustomMetric].
        settings: Its arguments by name.

    Returns:
        The metric, or None where the module cannot be found or its class is no accumulator: TFMA may know better.

    Raises:
        UserCodeError: The class refuses its arguments.
    """
    try:
        if module.endswith(_FILE):
            found: Any = load_function(module, None, class_name)
        else:
            found = getattr(importlib.import_module(module), class_name, None)
    except (ImportError, UsageError):
        return None
    if not (isinstance(found, type) and all(hasattr(found, name) for name in ("create", "add", "merge", "extract"))):
        return None
    with run_user_code(class_name, module if module.endswith(_FILE) else None):
        made = found(**settings)
    return made if isinstance(made, CustomMetric) else None
