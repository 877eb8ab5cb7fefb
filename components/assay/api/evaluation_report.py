"""What `assay.evaluate` and `assay.gate` give: metrics and checks, and pages for a notebook."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assay.api.pages import page, table
from assay.errors import UsageError, did_you_mean
from assay.gating.markdown import to_markdown
from assay.gating.verdict import mark_of, most_telling

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from assay.gating.verdict import Check, Verdict

_MOST = 200  # lines


@dataclass(frozen=True, slots=True, repr=False)
class Evaluation:
    """Metrics, overall and by slice.

    Attributes:
        metrics: A row for each model (`candidate`, `baseline`, `change`), slice (`Overall`, `sex=Female`) and metric
            (TFMA's name), with its value and the number of examples; `lower` and `upper` where bounds were asked for.
        proto: TFMA's `MetricsForSlice`, one for each slice.
        notes: What to know of how the metrics were computed, and warnings about the configuration.
    """

    metrics: pa.Table
    proto: tuple[Any, ...]
    notes: tuple[str, ...] = ()

    def value(self, metric: str, slice: str = "Overall", model: str = "candidate") -> float:  # noqa: A002 (TFMA's word)
        """Return one metric.

        Args:
            metric: Its name, as the column `metric` has it.
            slice: The slice, as the column `slice` has it.
            model: `candidate` or `baseline`; `change` where bounds were asked for.

        Raises:
            UsageError: There is none; with the closest that there is.
        """
        rows = self.metrics.to_pylist()
        for row in rows:
            if (row["metric"], row["slice"], row["model"]) == (metric, slice, model):
                return float(row["value"])
        for column, wanted in (("metric", metric), ("slice", slice), ("model", model)):
            known = {row[column] for row in rows}
            if wanted not in known:
                message = f"The evaluation has no {column} '{wanted}'."
                raise UsageError("evaluation.value", message, did_you_mean(wanted, known))
        message = f"The evaluation has no {metric} of the {model} in {slice}."
        raise UsageError("evaluation.value", message, "Look at `metrics` for the computed ones.")

    def to_pandas(self) -> pd.DataFrame:
        """Return one row per metric."""
        return self.metrics.to_pandas()

    def __str__(self) -> str:
        """Return one line per metric, and the notes."""
        lines = ["  ".join(cell for cell in row if cell) for row in _shown(self.metrics.slice(0, _MOST))]
        return "\n".join([*lines, *_more(self.metrics.num_rows, "metrics"), *self.notes])

    def __repr__(self) -> str:
        """Return the printed form, which a prompt and a failed assertion show instead of the protos."""
        return str(self)

    def _repr_html_(self) -> str:
        """Return a table and the notes, which a notebook shows by itself."""
        header = ("model", "slice", "metric", "value", "bounds", "examples")
        notes = (*_more(self.metrics.num_rows, "metrics"), *self.notes)
        return table(header, _shown(self.metrics.slice(0, _MOST))) + "".join(f"<p>{escape(note)}</p>" for note in notes)


@dataclass(frozen=True, slots=True, repr=False)
class GateReport:
    """What a gate decided, and by what.

    Attributes:
        verdict: The decision with every check, as `verdict.json` has it.
        evaluation: The metrics that decided; with bounds where significance was asked for.
        proto: TFMA's `ValidationResult` of the plain thresholds, which knows nothing of significance and waivers.
        flips: The rows of failing slices where the candidate did most worse than the baseline; None without a failure
            or a baseline.
        blessing: The folder of the blessing that `assay push` takes, where one was written.
    """

    verdict: Verdict
    evaluation: Evaluation
    proto: Any
    flips: pa.Table | None = None
    blessing: Path | None = None

    @property
    def ok(self) -> bool:
        """Whether the model may be released."""
        return self.verdict.ok

    @property
    def checks(self) -> tuple[Check, ...]:
        """Every check, passed and failed."""
        return self.verdict.checks

    def to_markdown(self) -> str:
        """Return a summary fit for a pull request."""
        return to_markdown(self.verdict)

    def to_pandas(self) -> pd.DataFrame:
        """Return one row per check: ok, subject, slice, observed, baseline, limit, severity, sentence."""
        import pandas as pd  # noqa: PLC0415 (a slow import that most callers do not need)

        names = ("ok", "subject", "slice", "observed", "baseline", "limit", "severity", "sentence")
        return pd.DataFrame([[getattr(check, name) for name in names] for check in self.checks], columns=list(names))

    def __str__(self) -> str:
        """Return the decision, and one line per check."""
        lines = [f"{mark_of(check):>4}  {check.sentence}" for check in most_telling(self.checks, _MOST)]
        return "\n".join([self.verdict.summary, *lines, *_more(len(self.checks), "to_pandas()")])

    def __repr__(self) -> str:
        """Return the printed form, which a prompt and a failed assertion show instead of the protos."""
        return str(self)

    def _repr_html_(self) -> str:
        """Return the decision and a table of checks, which a notebook shows by itself."""
        header = ("", "metric", "slice", "observed", "baseline", "check")
        rows = [
            (
                {"FAIL": "failed", "warn": "warning", "-": "not applied"}.get(mark_of(check), "ok"),
                check.subject,
                check.slice,
                _figure(check.observed),
                _figure(check.baseline),
                check.sentence,
            )
            for check in most_telling(self.checks, _MOST)
        ]
        more = "".join(f"<p>{escape(line)}</p>" for line in _more(len(self.checks), "to_pandas()"))
        return page(
            "blessed" if self.ok else "not blessed", self.verdict.summary, table(header, rows), more, ok=self.ok
        )


def _more(number: int, where: str) -> list[str]:
    return [f"... and {number - _MOST:,} more, in {where}"] if number > _MOST else []


def _shown(metrics: pa.Table) -> list[tuple[str, ...]]:
    """Return each row's cells, as texts."""
    return [
        (
            row["model"],
            row["slice"],
            row["metric"],
            _figure(row["value"]),
            f"[{row['lower']:.6g}, {row['upper']:.6g}]" if row.get("lower") is not None else "",
            f"{row['examples']:,}" if row["examples"] is not None else "",
        )
        for row in metrics.to_pylist()
    ]


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"
