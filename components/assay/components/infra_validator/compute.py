"""From what was seen of a model in a fresh process to checks with sentences."""

from __future__ import annotations

import signal
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from assay.errors import did_you_mean
from assay.gating.verdict import Check, Verdict, blocking

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from assay.components.infra_validator.config import ValidationSpec
    from assay.components.infra_validator.fresh_process import ProcessEnd
    from assay.components.infra_validator.probe import ProbeReport, ServedOutput

_DOING = {"starting": "starting", "loading": "loading the model", "asking": "answering", "done": "ending"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One try of a model.

    Attributes:
        ended: How its process ended.
        report: What it had seen by then.
        signatures: The signatures that were to be called.
    """

    ended: ProcessEnd
    report: ProbeReport
    signatures: Sequence[str]

    @property
    def worth_another(self) -> bool:
        """Tells whether the machine, not the model, may be at fault."""
        return self.ended.reason in {"time", "signal"}


def judge(trials: Mapping[str, Trial], limits: ValidationSpec, *, subjects: Mapping[str, str]) -> Verdict:
    """Return the verdict on the trials of a model.

    Args:
        trials: What was seen, by where the model was loaded (`a fresh process`).
        limits: The limits that it ran under.
        subjects: The digests of the model and of the examples.
    """
    checks: list[Check] = []
    for place, trial in trials.items():
        held = [*_process_checks(trial, limits)]
        if not blocking(held):
            held += _answer_checks(trial)
        # The first place is the usual one, and its checks need no further name.
        checks += held if not checks else [replace(check, id=f"{check.id}@{place}") for check in held]
    failed = blocking(checks)
    rows = max((trial.report.rows for trial in trials.values()), default=0)
    asked = f" and answers {rows} examples" if rows else ""
    return Verdict(
        ok=not failed,
        summary=failed[0].sentence if failed else f"The model loads{asked} in {' and in '.join(trials)}.",
        checks=tuple(checks),
        policy={
            "max_loading_time_seconds": str(limits.max_loading_time_seconds),
            "max_memory_megabytes": str(limits.max_memory_megabytes or "no limit"),
        },
        subjects=dict(subjects),
    )


def _process_checks(trial: Trial, limits: ValidationSpec) -> Iterator[Check]:
    ended, report, doing = trial.ended, trial.report, _DOING[trial.report.stage]
    seconds, megabytes = limits.max_loading_time_seconds, limits.max_memory_megabytes
    yield _check(
        "time",
        ended.reason != "time",
        f"It took more than {seconds} s: it was still {doing}."
        if ended.reason == "time"
        else f"It took {ended.seconds:.1f} s in all, {report.load_seconds:.1f} s to load.",
        limit=float(seconds),
        observed=ended.seconds,
    )
    yield _check(
        "memory",
        ended.reason != "memory",
        f"It held {ended.peak_megabytes} MB while {doing}, more than {megabytes} MB."
        if ended.reason == "memory" and ended.peak_megabytes
        else f"It was stopped while {doing}: it took more than {megabytes} MB."
        if ended.reason == "memory"
        else f"It held {ended.peak_megabytes} MB at most."
        if ended.peak_megabytes
        else "It stayed within the container's limit.",
        limit=None if megabytes is None else float(megabytes),
        observed=float(ended.peak_megabytes) if ended.peak_megabytes else None,
    )
    if ended.reason in {"signal", "error"}:
        how = f"was killed by {_signal(ended.code)}" if ended.reason == "signal" else f"ended with code {ended.code}"
        last = ended.said.splitlines()[-1] if ended.said else "it said nothing"
        yield _check("process", False, f"The process {how} while {doing}: {last}")
    if "" in report.failures:
        yield _check("load", False, f"The model cannot be loaded: {report.failures['']}")
    elif ended.reason == "done":
        yield _check("load", True, "The model was loaded.")


def _answer_checks(trial: Trial) -> Iterator[Check]:
    report = trial.report
    for name in trial.signatures:
        known = name in report.signatures
        sentence = f"The model has the signature '{name}'."
        if not known:
            sentence = f"The model has no signature '{name}'. {did_you_mean(name, report.signatures)}".rstrip()
        yield _check(f"signature:{name}", known, sentence)
        if name in report.failures:
            yield _check(f"answers:{name}", False, f"'{name}' cannot answer: {report.failures[name]}")
        elif known and report.rows and not any(answer.signature == name for answer in report.answers):
            yield _check(f"answers:{name}", False, f"'{name}' gives nothing.")
    for answer in report.answers:
        yield from _output_checks(answer, report.rows)


def _output_checks(answer: ServedOutput, rows: int) -> Iterator[Check]:
    where = f"Output '{answer.output}' of '{answer.signature}'"
    key = f"{answer.signature}.{answer.output}"
    enough = bool(answer.shape) and answer.shape[0] == rows
    yield _check(f"rows:{key}", enough, f"{where} has shape {answer.shape} for {rows} examples.")
    fits = answer.declared is None or (
        len(answer.declared) == len(answer.shape)
        and all(size in {-1, found} for size, found in zip(answer.declared, answer.shape, strict=True))
    )
    yield _check(f"shape:{key}", fits, f"{where} has shape {answer.shape}; its signature declares {answer.declared}.")
    yield _check(
        f"finite:{key}",
        not answer.not_finite,
        f"{where} holds {answer.not_finite} values that are NaN or infinite."
        if answer.not_finite
        else f"{where} is finite.",
    )


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _check(
    name: str,
    ok: bool,  # noqa: FBT001 (what the check is about)
    sentence: str,
    *,
    limit: float | None = None,
    observed: float | None = None,
) -> Check:
    return Check(
        id=name,
        kind="infra",
        ok=ok,
        subject=name.partition(":")[2] or name,
        sentence=sentence,
        limit=limit,
        observed=observed,
        limit_origin="" if limit is None else "validation_spec",
    )
