"""`assay evaluate`: the metrics of predictions or models, overall and by slice, beside the baseline's."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from assay.cli.command import Writes
from assay.cli.console import Quiet, open_console, print_result, waiting
from assay.cli.csv_options import Csv, reads_csv
from assay.cli.judged_models import Baseline, BaselinePredictions, Config, Data, JoinOn, Model, Predictions, Split


@reads_csv
def evaluate(
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
        typer.Option("--output", "-o", metavar="DIR", help="Write metrics.parquet and TFMA's files."),
        Writes(folder=True),
    ] = None,
    metrics_engine: Annotated[
        Literal["auto", "kernel", "tfma"],
        typer.Option("--engine", help="Engine of a model's metrics: assay's kernels, TFMA, or both (auto)."),
    ] = "auto",
    replicates: Annotated[int, typer.Option(min=100, help="Number of bootstrap samples.")] = 1000,
    seed: Annotated[int, typer.Option(min=0, help="Random seed of the bootstrap.")] = 0,
    bounds: Annotated[bool, typer.Option("--bounds", help="Add 95 % confidence bounds by a paired bootstrap.")] = False,
    csv: Csv,
    as_json: Annotated[bool, typer.Option("--json", help="Print the metrics as JSON on standard output.")] = False,
    quiet: Quiet = False,
) -> None:
    r"""Compute the metrics of an evaluation config, without a decision.

    Exit codes: 0 done, 1 error, 2 wrong usage.

    Examples:
      assay evaluate --config gate.yaml --predictions candidate.csv --bounds

      # Models on data, beside each other.
      assay evaluate --config gate.yaml --model new/ --baseline old/ \
        --data eval.parquet -o evaluation/
    """
    import tempfile

    import msgspec

    from assay.cli.data.quick_arrow import keep_pandas_out
    from assay.cli.schema_output import counted
    from assay.display import visible
    from assay.spec.user_code import output_to_stderr

    if model is None:  # TFMA, which may be asked about a model, needs pandas, and so may a user's function
        keep_pandas_out(context)

    from assay.artifacts.outputs import output_folder
    from assay.evaluation.decision import Sampling
    from assay.evaluation.standalone import OUTPUTS, evaluate_into, read_metrics_table, tables_or_models

    judged = tables_or_models(
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
    sampling = Sampling(num_replicates=replicates, seed=seed) if bounds else None
    with (
        tempfile.TemporaryDirectory(prefix="assay-evaluate-") as scratch,
        output_folder(output or Path(scratch), OUTPUTS) as folder,
        waiting("Evaluating", quiet=quiet),
        output_to_stderr(),
    ):
        notes = evaluate_into(folder, judged, sampling, metrics_engine=metrics_engine)
        rows = read_metrics_table(folder).to_pylist()
    for note in notes:
        typer.echo(visible(note), err=True)
    if as_json:
        document = {"rows": max((row["examples"] or 0 for row in rows), default=0), "metrics": rows}
        typer.echo(msgspec.json.format(msgspec.json.encode(document), indent=2).decode())
        return
    with open_console(quiet=quiet) as console:
        for row in rows:
            shown = f" [{row['lower']:.6g}, {row['upper']:.6g}]" if row.get("lower") is not None else ""
            line = f"{row['model']:9}  {row['slice']}  {row['metric']} = {row['value']:.6g}{shown}"
            console.print(line, soft_wrap=True)
        where = "" if output is None else f", in {output}"
        slices = counted(len({row["slice"] for row in rows}), "slice")
        print_result(console, f"{counted(len(rows), 'value')} of {slices}{where}.")
