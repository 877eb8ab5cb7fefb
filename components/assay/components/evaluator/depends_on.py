"""What an evaluation depends on that its parameters only name: modules of own metrics, and the day of a waiver."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from assay.components.evaluator.config import read_config
from assay.components.evaluator.kernel_engine.plan import is_users
from assay.errors import UsageError
from assay.gating.waivers import read_waivers
from assay.spec.source_digest import module_digest, module_name_digest
from assay.spec.values import canonical, placeholders

if TYPE_CHECKING:
    from collections.abc import Mapping

_FILE: Final = ".py"


def depends_on(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Gives digests of the modules of own metrics, and which waivers have expired.

    Raises:
        UsageError: The configuration or the file of waivers cannot be read.
    """
    config, waivers_file = parameters["eval_config"], parameters.get("waivers_file")
    found: dict[str, Any] = {}
    if any(placeholders(canonical(config, "eval_config"))):
        found["eval_config"] = "given by the run"
    else:
        for spec in read_config(config).eval_config.metrics_specs:
            for module in (metric.module for metric in spec.metrics if is_users(metric.module)):
                found[f"module {module}"] = _digest(module)
    if isinstance(waivers_file, str) and Path(waivers_file).is_file():
        today = datetime.now(tz=timezone.utc).date()
        waivers = read_waivers(Path(waivers_file))
        # Not the day itself: the step is to run anew when a waiver expires, and not every morning.
        found["waivers in force"] = [one.check for one in waivers if one.expires >= today]
    return found


def _digest(module: str) -> str:
    try:
        return module_digest(Path(module)) if module.endswith(_FILE) else module_name_digest(module)
    except UsageError:
        return "absent"  # the step says so; a pipeline may be compiled where its modules are not
