"""The verdict of a gate: every check, passed and failed, and the sentence a person reads.

A verdict is plain JSON (`verdict.json`, schema in `schemas/verdict.schema.json`). It holds no time and no path, so that
equal inputs give equal bytes and a digest of the file is worth recording.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from hashlib import sha256
from inspect import cleandoc
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import msgspec

from assay.errors import ArtifactError
from assay.files import write_durably

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

SCHEMA_VERSION: Final = 1
FILE_NAME: Final = "verdict.json"

Severity: TypeAlias = Literal["error", "warning", "info"]
Concern: TypeAlias = Literal["loss", "missing", "insufficient evidence", "none"]
Detail: TypeAlias = str | int | float | bool | list[str | int | float] | None

INSUFFICIENT: Final = "insufficient"
"""The `evidence` in the details of a check with too few examples, or without bounds."""
_CONCERNS: Final = ("loss", "missing", "insufficient evidence", "none")
_NUMBER_FIELDS: Final = ("observed", "baseline", "limit")
_NON_FINITE: Final = ("NaN", "Infinity", "-Infinity")


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One value that was compared with one threshold.

    Attributes:
        id: Names the check within its verdict, the same on every run of the same configuration.
        kind: What was checked, such as `value_threshold`, `change_threshold` or `anomaly`.
        ok: Whether it passed. A check that could not be applied says so in `applied`.
        severity: `error` blocks; `warning` and `info` are shown.
        subject: The metric or feature.
        slice: The slice as `Overall`, `trip_start_hour=5` or `a=x&b=y`; the split for a data check.
        observed: The candidate's figure; None where there is none.
        baseline: The figure it was compared with; None where the check compares with nothing.
        limit: The bound that `observed` (or its change from `baseline`) had to keep.
        limit_origin: Where the limit was written, such as `eval_config.metrics_specs[0].metrics[1].threshold`.
        sentence: The check in words.
        applied: False if the check had nothing to compare (for example a change threshold on a first run).
        details: More about this kind of check, by name.
    """

    id: str
    kind: str
    ok: bool
    severity: Severity = "error"
    subject: str
    slice: str = ""
    observed: float | None = None
    baseline: float | None = None
    limit: float | None = None
    limit_origin: str = ""
    sentence: str
    applied: bool = True
    details: dict[str, Detail] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a gate decided, and everything that it decided it by.

    Attributes:
        ok: Whether the gate opens.
        summary: The decision in one sentence.
        checks: Every check, passed and failed, in a stable order.
        policy: The rules that were in force, defaults included, such as `{"first_run": "values_only"}`.
        subjects: The digest of everything that was judged, by role, such as `{"model": "sha256:..."}`.
        schema_version: The version of this layout.
    """

    ok: bool
    summary: str
    checks: tuple[Check, ...] = ()
    policy: dict[str, str] = field(default_factory=dict)
    subjects: dict[str, str] = field(default_factory=dict)
    schema_version: int = SCHEMA_VERSION

    @property
    def failed(self) -> tuple[Check, ...]:
        """The checks that did not pass, of any severity."""
        return tuple(check for check in self.checks if not check.ok)

    @property
    def digest(self) -> str:
        """`sha256:` and the hexadecimal digest of the verdict's JSON."""
        return f"sha256:{sha256(to_json(self)).hexdigest()}"


def mark_of(check: Check) -> str:
    """Return the mark of a check's line: `ok`, `FAIL`, `warn`, or `-` if it had nothing to check."""
    if check.ok:
        return "ok" if check.applied else "-"
    return "FAIL" if check.severity == "error" else "warn"


def concern(check: Check) -> Concern:
    """Return what is wrong with a check: a figure beyond its limit, no figure, too little evidence, or nothing."""
    if check.ok:
        return "none"
    if check.details.get("evidence") == INSUFFICIENT:
        return "insufficient evidence"
    if check.observed is None or any(figure is not None and math.isnan(figure) for figure in _figures(check)):
        return "missing"
    return "loss"


def _figures(check: Check) -> tuple[float | None, ...]:
    return check.observed, check.baseline


def by_concern(checks: Iterable[Check]) -> list[Check]:
    """Return the checks with those first that matter most: blocking before others, losses before what is missing.

    Within each, a change from the baseline comes first: what fell, and by how much, says more than the level reached.
    """
    return sorted(
        checks,
        key=lambda check: (
            check.ok,
            check.severity != "error",
            _CONCERNS.index(concern(check)),
            check.baseline is None,
        ),
    )


def most_telling(checks: Sequence[Check], most: int) -> tuple[Check, ...]:
    """Return the checks in their order; of more than `most`, that many that matter most."""
    return tuple(checks if len(checks) <= most else by_concern(checks)[:most])


def blocking(checks: Iterable[Check]) -> tuple[Check, ...]:
    """Return the failed checks that close a gate: those of severity `error`."""
    return tuple(check for check in checks if not check.ok and check.severity == "error")


def to_json(verdict: Verdict) -> bytes:
    """Return the verdict as indented UTF-8 JSON; the same verdict gives the same bytes.

    JSON has no NaN and no infinity: such a figure is written as the string `NaN`, `Infinity` or `-Infinity`.
    """
    plain = finite(msgspec.to_builtins(verdict, order="deterministic"))
    return msgspec.json.format(msgspec.json.encode(plain), indent=2) + b"\n"


def from_json(data: bytes | str, *, source: str = "verdict") -> Verdict:
    """Read a verdict that [`to_json`][assay.gating.verdict.to_json] wrote.

    Raises:
        ArtifactError: The text is not JSON, does not fit the schema, or has a newer schema version. `source` names it.
    """
    hint = "Run the step that wrote it again; a verdict is not meant to be edited."
    try:
        plain = msgspec.json.decode(data)
        version = plain.get("schema_version") if isinstance(plain, dict) else None
        if isinstance(version, int) and version > SCHEMA_VERSION:
            raise ArtifactError(
                "verdict.version",
                f"{source} has schema version {version}; this assay reads up to {SCHEMA_VERSION}.",
                "Upgrade assay.",
            )
        return msgspec.convert(_with_non_finite(plain), Verdict)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ArtifactError("verdict.malformed", f"{source} is not a verdict: {error}.", hint) from error


def write_verdict(verdict: Verdict, folder: Path) -> Path:
    """Write `verdict.json` into `folder` and return its path."""
    path = folder / FILE_NAME
    write_durably(path, to_json(verdict))
    return path


def read_verdict(folder: Path) -> Verdict:
    """Read `verdict.json` from `folder`.

    Raises:
        ArtifactError: There is no such file, or it is not a verdict.
    """
    path = folder / FILE_NAME
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ArtifactError("verdict.missing", f"Expected a verdict at {path}: {error.strerror}.") from error
    return from_json(data, source=str(path))


def find_verdict(folder: Path) -> Verdict | None:
    """Return the verdict in `folder`; None where there is none, as in what TFX writes.

    Raises:
        ArtifactError: `verdict.json` is not a verdict.
    """
    return read_verdict(folder) if (folder / FILE_NAME).is_file() else None


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of a verdict, as `schemas/verdict.schema.json` ships it."""
    schema = msgspec.json.schema(Verdict)
    figure = {"anyOf": [{"type": "number"}, {"type": "null"}, {"enum": list(_NON_FINITE)}]}
    for definition in schema["$defs"].values():
        definition["description"] = cleandoc(definition["description"])
    for name in _NUMBER_FIELDS:
        schema["$defs"]["Check"]["properties"][name] |= figure
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "assay verdict", **schema}


def finite(value: Any) -> Any:
    """Return a value with `NaN`, `Infinity` or `-Infinity` for each float that JSON cannot represent."""
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    return value


def _with_non_finite(plain: Any) -> Any:
    """Turn the names of NaN and the infinities back into floats, in the numeric fields."""
    if not isinstance(plain, dict) or not isinstance(plain.get("checks"), list):
        return plain
    checks = [
        {key: float(item) if key in _NUMBER_FIELDS and item in _NON_FINITE else item for key, item in check.items()}
        if isinstance(check, dict)
        else check
        for check in plain["checks"]
    ]
    return {**plain, "checks": checks}


if __name__ == "__main__":  # python -m assay.gating.verdict > schemas/verdict.schema.json
    import json
    import sys

    sys.stdout.write(json.dumps(json_schema(), indent=2) + "\n")
