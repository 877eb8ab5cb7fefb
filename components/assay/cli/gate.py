"""`assay gate`: whether a model may be released, by its predictions; `assay gate lint`: whether a config can say so."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

import typer

from assay.cli.command import Command, GroupWithDefault, Writes
from assay.cli.console import Quiet, open_console, print_result, waiting
from assay.cli.csv_options import Csv, reads_csv
from assay.cli.judged_models import Baseline, BaselinePredictions, Config, Data, JoinOn, Model, Predictions, Split

if TYPE_CHECKING:
    from collections.abc import Iterator

    from assay.gating.verdict import Verdict

_DECIDE = "decide"
_MOST = 200  # lines: a log of thousands hides the one that matters


class GateGroup(GroupWithDefault):
    """`assay gate --predictions …` decides; a first word that names a subcommand is that."""

    default: ClassVar[str] = _DECIDE


gate = typer.Typer(
    cls=GateGroup,
    no_args_is_help=True,
    help="Decide whether a model may be released, from predictions or from models and data.",
)


@gate.command(_DECIDE, cls=Command)
@reads_csv
def decide(
    context: typer.Context,
    config: Config,
    *,
    predictions: Predictions = None,
    baseline_predictions: BaselinePredictions = None,
    join_on: JoinOn = None,
    model: Model = None,
    baseline: Baseline = None,
    data: Data = None,
    split: Split = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="DIR", help="Write verdict.json, metrics.parquet, summary.md; flips.parquet."
        ),
        Writes(folder=True),
    ] = None,
    first_run: Annotated[
        Literal["bless", "block", "values_only"] | None,
        typer.Option(help="How to decide if change thresholds have no baseline; default: values_only."),
    ] = None,
    significant: Annotated[
        Literal["off", "regression", "not_worse"] | None,
        typer.Option(
            help="Block only significant regressions (regression), or bless only proven "
            "non-inferiority (not_worse); 'off' shows bounds only."
        ),
    ] = None,
    alpha: Annotated[
        float | None, typer.Option(min=0.0001, max=0.5, help="Significance level (one-sided); default: 0.05.")
    ] = None,
    correction: Annotated[
        Literal["none", "holm", "benjamini_hochberg"] | None,
        typer.Option(help="Correction for multiple checks; default: holm."),
    ] = None,
    min_examples: Annotated[
        int | None, typer.Option(min=1, help="Minimum number of examples for a check; default: 30.")
    ] = None,
    insufficient: Annotated[
        Literal["block", "pass"] | None,
        typer.Option(help="Outcome of a check with too few examples; default: block."),
    ] = None,
    replicates: Annotated[int, typer.Option(min=100, help="Number of bootstrap samples.")] = 1000,
    seed: Annotated[int, typer.Option(min=0, help="Random seed of the bootstrap.")] = 0,
    waivers: Annotated[Path | None, typer.Option(metavar="FILE", help="YAML file of waived checks.")] = None,
    junit: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write every check as JUnit XML."), Writes()
    ] = None,
    markdown: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write a summary as Markdown, for a pull request."),
        Writes(),
    ] = None,
    csv: Csv,
    as_json: Annotated[bool, typer.Option("--json", help="Print the verdict as JSON on standard output.")] = False,
    quiet: Quiet = False,
) -> None:
    r"""Evaluate predictions, or models on data, and decide whether the model may be released.

    Exit codes: 0 blessed, 1 error, 2 wrong usage, 4 not blessed.

    Examples:
      # Predictions of both models on the same rows; only real losses block.
      assay gate --config gate.yaml --predictions candidate.parquet \
        --baseline-predictions baseline.parquet --join-on id \
        --significant regression -o verdict/

      # Models on data; a blessing in verdict/ if the model is good enough.
      assay gate --config gate.yaml --model new/ --baseline old/ \
        --data eval.parquet -o verdict/

      # In CI: one line on the screen, checks as tests, a comment for review.
      assay gate --config gate.yaml --predictions candidate.parquet -q \
        --junit junit.xml --markdown comment.md
    """
    from assay.cli.data.quick_arrow import keep_pandas_out

    if model is None:  # TFMA, which may be asked about a model, needs pandas, and so may a user's function
        keep_pandas_out(context)
    import tempfile
    from datetime import datetime, timezone

    from assay.artifacts.outputs import output_folder
    from assay.display import visible
    from assay.evaluation.decision import Rules, Sampling
    from assay.evaluation.remarks import REMARKS
    from assay.evaluation.standalone import OUTPUTS, judge_into, tables_or_models, write_blessing
    from assay.files import is_stream, write_durably
    from assay.gating.junit import to_junit
    from assay.gating.markdown import to_markdown
    from assay.gating.policy import WrittenPolicy
    from assay.gating.verdict import to_json
    from assay.gating.waivers import read_waivers
    from assay.spec.user_code import output_to_stderr

    for stale in (path for path in (junit, markdown) if path is not None and not is_stream(path)):
        stale.unlink(missing_ok=True)  # a command that fails must not leave an earlier pass behind
    given = tables_or_models(
        config,
        predictions=predictions,
        baseline_predictions=baseline_predictions,
        join_on=join_on,
        model=model,
        baseline=baseline,
        data=data,
        split=split,
        csv=csv,
    )
    policy = WrittenPolicy(
        first_run=first_run,
        significant=significant,
        alpha=alpha,
        correction=correction,
        min_examples=min_examples,
        insufficient=insufficient,
    )
    rules = Rules(
        policy=policy,
        waivers=read_waivers(waivers) if waivers is not None else (),
        today=datetime.now(tz=timezone.utc).date(),
        sampling=Sampling(num_replicates=replicates, seed=seed),
    )
    with (
        tempfile.TemporaryDirectory(prefix="assay-gate-") as scratch,
        output_folder(output or Path(scratch), OUTPUTS) as folder,
    ):
        with waiting("Evaluating", quiet=quiet), output_to_stderr():
            found = judge_into(folder, given, rules)
        verdict = found.verdict
        if output is not None:
            write_blessing(folder, given, verdict, rules)
            write_durably(folder / "verdict.json", to_json(verdict))  # the last: where it is, all is
    remarks = [f"warning: {check.sentence}" for check in verdict.checks if quiet and check.kind in REMARKS]
    for note in (*found.notes, *remarks):
        typer.echo(visible(note), err=True)
    files = {junit: to_junit(verdict), markdown: to_markdown(verdict).encode()}
    for path, content in files.items():
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_durably(path, content)
    if as_json:
        typer.echo(to_json(verdict).decode(), nl=False)
    else:
        with open_console(quiet=quiet) as console:
            for line in _lines(verdict, "verdict.json" if output is not None else "what --json prints"):
                console.print(line, soft_wrap=True)
            print_result(console, verdict.summary)
    raise typer.Exit(0 if verdict.ok else 4)


def _lines(verdict: Verdict, more: str) -> Iterator[str]:
    """Return one line per check; of thousands of slices the first that failed, and how many others there are."""
    from assay.display import visible
    from assay.gating.verdict import mark_of, most_telling

    shown = most_telling(verdict.checks, _MOST)
    for check in shown:
        yield f"{mark_of(check):>4}  {visible(check.sentence)}"
    if len(verdict.checks) > len(shown):
        rest = len(verdict.checks) - len(shown)
        failed = len(verdict.failed) - sum(not check.ok for check in shown)
        yield f" ...  {rest:,} more checks, of which {failed:,} did not pass: see {more}."


@gate.command(cls=Command)
@reads_csv
def lint(
    config: Annotated[Path, typer.Argument(metavar="CONFIG", help="EvalConfig as JSON, YAML or text proto.")],
    data: Annotated[Path | None, typer.Option(metavar="TABLE", help="Predictions to check the config against.")] = None,
    *,
    csv: Csv,
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON on standard output.")] = False,
    quiet: Quiet = False,
) -> None:
    """Check an evaluation config without running it.

    Exit codes: 0 no errors, 1 error, 2 wrong usage, 3 the config has errors.

    Examples:
      assay gate lint gate.yaml

      # Does the table have the columns that it names?
      assay gate lint gate.yaml --data candidate.parquet
    """
    import msgspec

    from assay.data.sources import rows_of
    from assay.errors import UsageError
    from assay.evaluation.config import read_config
    from assay.evaluation.lint import LintFinding, lint_rows
    from assay.evaluation.lint import lint as lint_config
    from assay.evaluation.tables import columns_of

    rows = rows_of(data, csv=csv) if data is not None else None
    columns = columns_of(rows) if rows is not None else None
    try:
        read = read_config(config).eval_config
        findings = lint_config(read, columns)
        if rows is not None and not any(finding.code == "no_such_column" for finding in findings):
            findings += lint_rows(read, rows)
    except UsageError as error:
        code = error.code.removeprefix("eval_config.")
        findings = [LintFinding(code=code, place=str(config), message=error.message, hint=error.hint)]
    ok = not any(finding.severity == "error" for finding in findings)
    if as_json:
        document = {"ok": ok, "findings": msgspec.to_builtins(findings)}
        typer.echo(msgspec.json.format(msgspec.json.encode(document), indent=2).decode())
    else:
        with open_console(quiet=quiet) as console:
            for finding in findings:
                print_result(console, f"{finding.severity}: {finding.sentence}")
            print_result(console, f"The configuration {'can' if ok else 'cannot'} be evaluated.")
    raise typer.Exit(0 if ok else 3)
