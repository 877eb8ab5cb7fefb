"""`assay schema`: infer, suggest, compare, patch, relax and check schemas."""

from __future__ import annotations

import typer

from assay.cli.schema_change import apply, relax
from assay.cli.schema_compare import check, diff
from assay.cli.schema_infer import infer, suggest

schema = typer.Typer(
    name="schema",
    no_args_is_help=True,
    help="Infer a schema, and keep what people decided about it as a patch in git.",
    context_settings={"help_option_names": ["-h", "--help"]},
)

for command in (infer, suggest, diff, apply, relax, check):
    schema.command()(command)
