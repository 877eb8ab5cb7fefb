"""`assay evaluate`: the metrics of predictions, overall and by slice, beside the baseline's."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def evaluate(
    context: typer.Context,
    predictions: Annotated[
        Path, typer.Option(metavar="TABLE", help="CSV or Parquet with labels, predictions and slicing features.")
    ],
    config: Annotated[Path, typer.Option(metavar="FILE", help="EvalConfig as JSON, YAML or text proto.")],
    *,
    baseline_predictions: Annotated[
        Path | None, typer.Option(metavar="TABLE", help="The baseline's predictions on the same rows.")
    ] = None,
    join_on: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="Join the tables by this column; default: by row order.")
    ] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", metavar="DIR", help="Write metrics.parquet.")] = None,
    replicates: Annotated[int, typer.Option(min=100, help="Bootstrap samples.")] = 1000,
    seed: Annotated[int, typer.Option(min=0, help="Of the bootstrap.")] = 0,
    bounds: Annotated[bool, typer.Option("--bounds", help="Add 95 % bounds by a paired bootstrap.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the metrics as JSON on standard output.")] = False,
) -> None:
    """Compute the metrics that a configuration names, without deciding anything.

    Exit codes: 0 done, 1 error, 2 wrong usage.
    """
    import msgspec

    from assay.cli.data.quick_arrow import keep_pandas_out

    keep_pandas_out(context)

    from assay.cli.gate_files import clear_outputs
    from assay.components.evaluator.kernel_engine.evaluation import bounds_of
    from assay.components.evaluator.kernel_engine.judgement import Sampling, Tables, evaluate_tables, write_metrics
    from assay.components.evaluator.metrics_table import metrics_table
    from assay.engines.embedded.engine import EmbeddedEngine

    clear_outputs(output)
    engine = EmbeddedEngine()
    sampling = Sampling(num_replicates=replicates, seed=seed, threads=engine.threads) if bounds else None
    _, evaluation, warnings = evaluate_tables(
        Tables(config=config, predictions=predictions, baseline_predictions=baseline_predictions, join_on=join_on),
        engine,
        sampling,
    )
    for warning in warnings:
        typer.echo(f"warning: {warning.sentence}", err=True)
    if output is not None:
        output.mkdir(parents=True, exist_ok=True)
        write_metrics(output, evaluation)
    rows = metrics_table(evaluation.figures, bounds_of(evaluation) if bounds else None).to_pylist()
    if as_json:
        document = {"rows": evaluation.rows, "metrics": rows}
        typer.echo(msgspec.json.format(msgspec.json.encode(document), indent=2).decode())
        return
    for row in rows:
        shown = f" [{row['lower']:.6g}, {row['upper']:.6g}]" if row.get("lower") is not None else ""
        typer.echo(f"{row['model']:9}  {row['slice']}  {row['metric']} = {row['value']:.6g}{shown}")
