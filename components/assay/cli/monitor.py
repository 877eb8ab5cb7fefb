"""`assay monitor`: checks new spans of data against what is known."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from assay.cli.console import Quiet, open_console, print_result
from assay.cli.csv_options import Csv, reads_csv

if TYPE_CHECKING:
    from assay.cli.monitoring.record import SpanRecord
    from assay.cli.monitoring.watching import MonitorResult
    from assay.reports.monitor_page import WatchedSpan


@reads_csv
def monitor(
    context: typer.Context,
    data: Annotated[
        str,
        typer.Argument(metavar="PATTERN", help="Files of a span: 'in/{YYYY}-{MM}-{DD}.csv' or 'in/{SPAN}/*.parquet'."),
    ],
    schema: Annotated[Path, typer.Option(metavar="FILE", help="Schema, as a text proto.")],
    *,
    training: Annotated[
        Path | None, typer.Option(metavar="DATA|STATS", help="Training data of the model, to check for drift from it.")
    ] = None,
    predictions: Annotated[
        str | None,
        typer.Option(metavar="PATTERN", help="Tables with labels and predictions of a span, which may arrive later."),
    ] = None,
    config: Annotated[
        Path | None, typer.Option(metavar="FILE", help="EvalConfig with the thresholds for the predictions.")
    ] = None,
    root: Annotated[Path, typer.Option(metavar="DIR", help="Folder of the records and the history page.")] = Path(
        "monitor"
    ),
    environment: Annotated[str | None, typer.Option(help="Environment of the schema to validate in.")] = None,
    threshold: Annotated[
        list[str] | None,
        typer.Option(
            "--threshold", metavar="[FEATURE:]MEASURE=X", help="Drift threshold, in the form of `assay drift`."
        ),
    ] = None,
    alpha: Annotated[
        float, typer.Option(help="Significance level of the sample-size-aware part of a threshold.")
    ] = 0.001,
    fail_on: Annotated[
        Literal["error", "warning", "never"], typer.Option(help="Minimum severity that fails the validation.")
    ] = "error",
    csv: Csv,
    as_json: Annotated[bool, typer.Option("--json", help="Print the new records as JSON on standard output.")] = False,
    quiet: Quiet = False,
) -> None:
    r"""Check new spans for anomalies and drift, and model quality once labels arrive.

    Exit codes: 0 no problems or no new spans, 1 error, 2 wrong usage, 3 anomalies or drift, 4 the model does not meet
    its thresholds.

    Examples:
      # From cron: what is new since the last time, and did it drift?
      assay monitor 'in/{YYYY}-{MM}-{DD}.csv' --schema schema.pbtxt -q

      # Drift from the training data, and the model's quality where labels came.
      assay monitor 'in/{SPAN}.csv' --schema schema.pbtxt --training train.csv \
        --predictions 'out/{SPAN}.parquet' --config gate.yaml
    """
    from assay.cli.data.quick_arrow import keep_pandas_out
    from assay.cli.data.thresholds import parse_thresholds
    from assay.errors import UsageError

    if (predictions is None) != (config is None):
        raise UsageError(
            "monitor.quality", "--predictions and --config must be used together.", "Give both, or neither."
        )
    keep_pandas_out(context)
    from assay.cli.monitoring.arrivals import arrivals
    from assay.cli.monitoring.examination import Watch
    from assay.cli.monitoring.watching import watch_spans
    from assay.files import write_durably
    from assay.reports.monitor_page import monitor_page

    watch = Watch(
        root=root,
        schema=schema,
        environment=environment,
        training=training,
        thresholds=parse_thresholds(threshold or (), alpha),
        fail_on=fail_on,
        config=config,
        csv=csv,
    )
    with open_console(stderr=as_json, quiet=quiet) as console:
        seen = watch_spans(
            watch,
            arrivals(data),
            arrivals(predictions) if predictions is not None else [],
            tell=lambda record: console.print(_told(record), soft_wrap=True),
        )
        page = root / "history.html"
        write_durably(page, monitor_page(data, [_row(record) for record in seen.all]).encode())
        print_result(console, _ending(seen, page))
    if as_json:
        import msgspec

        document = {"new": seen.new, "known": len(seen.all), "missing": seen.missing, "exit_code": seen.exit_code}
        typer.echo(msgspec.json.format(msgspec.json.encode(document), indent=2).decode())
    raise typer.Exit(seen.exit_code)


def _told(record: SpanRecord) -> str:
    """Return a line for the span, and one for each problem."""
    lines = [f"{record.name}: {record.rows:,} rows, {_count(len(record.anomalies), 'anomaly', 'anomalies')}"]
    lines += [f"  {sentence}" for sentence in record.anomalies]
    lines += [f"  from {found.compared_with}: {found.summary}" for found in record.drift if found.drifted]
    if record.quality is not None:
        lines.append(f"  model: {record.quality.summary}")
        lines += [f"    {sentence}" for sentence in record.quality.failed[1:]]  # the summary tells the first
    return "\n".join(lines)


def _ending(seen: MonitorResult, page: Path) -> str:
    new = _count(len(seen.new), "span is new", "spans are new") if seen.new else "Nothing new"
    gone = f" The data of {', '.join(seen.missing)} is no longer there." if seen.missing else ""
    return f"{new}, {len(seen.all)} known: {page}.{gone}"


def _count(number: int, one: str, several: str) -> str:
    return f"{number:,} {one if number == 1 else several}"


def _row(record: SpanRecord) -> WatchedSpan:
    """Return a record as the history page shows it."""
    quality = record.quality
    return {
        "name": record.name,
        "rows": record.rows,
        "anomalies": list(record.anomalies),
        "drifted": {found.compared_with: list(found.drifted) for found in record.drift},
        "metrics": dict(quality.metrics) if quality else {},
        "quality": quality.summary if quality else "",
        "outcome": {0: "ok", 3: "anomalies", 4: "model"}[record.exit_code],
        "examined": record.examined,
    }
