"""A user's checks, from functions or from a module file with a function `checks`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from assay.errors import UsageError
from assay.validation import StatisticsCheck, is_statistics_check, statistics_check

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from assay.kernels.rows.declared_rules import RuleLike


def load_checks(module_file: str | Path) -> list[Any]:
    """Read a module file, whose function `checks()` gives the list of its checks.

    A list that is written down cannot lose a check to a misspelt name.

    Raises:
        UsageError: There is no such function, or it gives no list of functions.
        UserCodeError: The module raises.
    """
    from assay.spec.user_code import load_function, run_user_code  # most validations have no checks

    function = load_function(module_file, None, "checks")
    with run_user_code("checks", module_file):
        found = function()
    if not isinstance(found, (list, tuple)) or not found:
        raise UsageError(
            "checks.list", f"checks() of {module_file} returned {found!r}.", "Return the list of its check functions."
        )
    return list(found)


def sorted_checks(
    checks: str | Path | Iterable[Any] | None,
) -> tuple[tuple[StatisticsCheck, ...], tuple[RuleLike, ...]]:
    """Return the checks of statistics and those of rows, which differ in their annotations.

    Args:
        checks: Functions, `StatisticsCheck`s, declared row rules, or the path of a module file or of a file of row
            rules (`.yaml`, `.json`).

    Raises:
        UsageError: One of them is not a function, or its annotations do not say what it looks at.
    """
    if checks is None:
        return (), ()
    if isinstance(checks, (str, Path)) and Path(checks).suffix in {".yaml", ".yml", ".json"}:
        from assay.kernels.rows.declared_rules import read_rules  # most validations have no row checks

        return (), read_rules(checks)
    given: Sequence[Any] = load_checks(checks) if isinstance(checks, (str, Path)) else list(checks)
    of_statistics: list[StatisticsCheck] = []
    of_rows: list[RuleLike] = []
    for check in given:
        if isinstance(check, StatisticsCheck):
            of_statistics.append(check)
        elif callable(check) and is_statistics_check(check):
            of_statistics.append(statistics_check(check))
        elif callable(check) or _is_declared(check):
            of_rows.append(check)
        else:
            raise UsageError("checks.kind", f"Expected a check function or a row rule, got {check!r}.")
    return tuple(of_statistics), tuple(of_rows)


def named(check: Any) -> str:
    """Return a check's name for a message."""
    return str(getattr(check, "id", None) or getattr(check, "__name__", type(check).__name__))


def _is_declared(check: Any) -> bool:
    from assay.kernels.rows.declared_rules import DeclaredRule  # most validations have no row checks

    return isinstance(check, get_args(DeclaredRule))
