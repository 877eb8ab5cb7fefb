"""`assay submit`: runs a compiled pipeline on a Kubeflow Pipelines server, once or on a schedule."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from assay.errors import UsageError


def submit(
    package: Annotated[
        Path,
        typer.Argument(
            metavar="PIPELINE.yaml", help="Compiled pipeline, written by `assay compile`.", show_default=False
        ),
    ],
    *,
    host: Annotated[
        str, typer.Option(envvar="KF_PIPELINES_ENDPOINT", help="The server's address; default: the cluster's own.")
    ] = "",
    experiment: Annotated[str, typer.Option(help="Experiment; created if it does not exist.")] = "Default",
    run: Annotated[str, typer.Option("--run-name", help="The run's name; default: the pipeline's and the time.")] = "",
    param: Annotated[
        list[str] | None,
        typer.Option("--param", "-p", metavar="NAME=VALUE", help="Value of a runtime parameter; may be repeated."),
    ] = None,
    root: Annotated[str, typer.Option("--root", help="Root folder of artifacts, such as s3://bucket/root.")] = "",
    namespace: Annotated[str, typer.Option(help="Namespace, on a multi-user server.")] = "",
    service_account: Annotated[str, typer.Option(help="The Kubernetes service account of the steps.")] = "",
    cron: Annotated[str, typer.Option(help="Run on a cron schedule, seconds first: '0 0 6 * * *'.")] = "",
    every: Annotated[int, typer.Option(help="Run repeatedly, at this interval in seconds.")] = 0,
    no_cache: Annotated[bool, typer.Option("--no-cache", help="Do not reuse steps of earlier runs.")] = False,
    wait: Annotated[int, typer.Option(help="Wait for the run to end, for at most this many seconds.")] = 0,
    token: Annotated[
        str, typer.Option(envvar="KF_PIPELINES_TOKEN", help="Bearer token, if the server requires one.")
    ] = "",
) -> None:
    """Run a compiled pipeline on a Kubeflow Pipelines server.

    Exit codes: 0 submitted (with --wait: succeeded), 1 error or failed run, 2 wrong usage.

    Examples:
      # Once, and wait up to an hour for its end.
      assay submit taxi.yaml --host http://localhost:8080 --wait 3600

      # Every day at six, with a value of the pipeline's.
      assay submit taxi.yaml --cron '0 0 6 * * *' --param train_steps=500
    """
    from assay.runners.kfp import check_sdk

    check_sdk()
    from assay.runners.kfp.submission import Submission, connect, schedule, start, wait_for

    if (cron or every) and wait:
        raise UsageError("submit.wait", "--wait waits for one run; a schedule has no end.", "Remove one of them.")
    submission = Submission(
        package=package,
        experiment=experiment,
        name=run,
        parameters=param or [],
        root=root,
        namespace=namespace,
        service_account=service_account,
        caching=False if no_cache else None,
    )
    server = connect(host, token=token, namespace=namespace)
    if cron or every:
        typer.echo(f"Scheduled: recurring run {schedule(server, submission, cron=cron, seconds=every)}.")
        return
    run_id = start(server, submission)
    typer.echo(f"Submitted: run {run_id}.")
    if wait:
        state = wait_for(server, run_id, seconds=wait)
        typer.echo(f"Run {run_id}: {state}.")
        raise typer.Exit(0 if state == "SUCCEEDED" else 1)
