"""`assay schema`: infer, suggest, compare, patch, relax and check schemas."""

from __future__ import annotations

import typer

from assay.cli.command import Command, Group
from assay.cli.schema_change import apply, relax
from assay.cli.schema_compare import check, diff
from assay.cli.schema_infer import infer, suggest

_HELP = """Infer a schema, and keep what people decided about it as a patch in git.

Examples:
  assay schema infer train.csv -o schema.pbtxt

  # Ranges, times, drift thresholds: each with its evidence, for you to accept.
  assay schema suggest train.csv -o schema_patch.yaml
  assay schema apply schema.pbtxt schema_patch.yaml -o schema.pbtxt

  # What changed, and whom it can break.
  assay schema diff main/schema.pbtxt schema.pbtxt --breaking
"""

schema = typer.Typer(
    name="schema",
    no_args_is_help=True,
    cls=Group,
    help=_HELP,
    context_settings={"help_option_names": ["-h", "--help"]},
)

for command in (infer, suggest, diff, apply, relax, check):
    schema.command(cls=Command)(command)
