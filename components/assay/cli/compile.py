"""`assay compile`: a pipeline as a file that Kubeflow Pipelines runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from assay.cli.command import Writes


def compile_file(
    pipeline_file: Annotated[
        Path,
        typer.Argument(
            metavar="PIPELINE.py",
            help="Python file that defines `pipeline` or `create_pipeline()`.",
            show_default=False,
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="File to write; default: <pipeline>.yaml."),
        Writes(),
    ] = None,
    image: Annotated[
        str, typer.Option(help="Image of every step; default: the smallest of assay's images that suffices.")
    ] = "",
    registry: Annotated[
        str,
        typer.Option(
            help="Where runs find the latest blessed model: a folder, URL or database that all steps can reach; "
            "`env` reads ASSAY_REGISTRY from the steps' environment, and with `none` every run is a first run."
        ),
    ] = "",
    steps: Annotated[
        Path | None, typer.Option(help="YAML with options by step: resources, retries, caching, env, secrets.")
    ] = None,
) -> None:
    """Write a pipeline as IR YAML for Kubeflow Pipelines, with the user's modules embedded.

    Exit codes: 0 written, 1 error, 2 wrong usage.

    Examples:
      assay compile pipeline.py -o taxi.yaml

      # Blessed models by a place that all steps reach; memory and retries by step.
      assay compile pipeline.py --registry s3://ml/registry --steps steps.yaml
    """
    from assay.cli.pipeline_file import load_pipeline
    from assay.runners.kfp import check_sdk

    check_sdk()
    from assay.runners.kfp.compiler import compile_pipeline
    from assay.runners.kfp.step_options import read_step_options

    pipeline = load_pipeline(pipeline_file)
    target = output or Path(f"{pipeline.name}.yaml")
    options = read_step_options(steps) if steps else {}
    compile_pipeline(pipeline, target, image=image, registry=registry, steps=options)
    count = len(pipeline.nodes)
    typer.echo(f"Wrote {target} ({count} step{'s' if count > 1 else ''}).")
