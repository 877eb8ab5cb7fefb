"""`assay verify`: whether a blessing vouches for a model, and what is wrong where it does not."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from assay.cli.console import Quiet, open_console, print_result
from assay.errors import ArtifactError


def verify(
    blessing: Annotated[Path, typer.Argument(metavar="BLESSING", help="Folder of a blessing.", show_default=False)],
    model: Annotated[
        Path,
        typer.Argument(
            metavar="MODEL", help="A Model artifact, a SavedModel, or a pushed version.", show_default=False
        ),
    ],
    public_key: Annotated[
        Path | None, typer.Option(metavar="FILE", help="PEM public keys; one of them must have signed the blessing.")
    ] = None,
    *,
    infra_blessing: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="InfraValidator's blessing, which must belong to the model as well."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the checks as JSON.")] = False,
    quiet: Quiet = False,
) -> None:
    """Check that a blessing is intact and belongs to this model.

    Exit codes: 0 it does, 1 error, 2 wrong usage, 4 it does not.

    Examples:
      assay verify runs/taxi/Evaluator/blessing/4 runs/taxi/Trainer/model/3

      # Was this version, as it is served now, blessed and signed by our CI?
      assay verify blessing/ serving/taxi/1712345678 --public-key ci.pem
    """
    from assay.gating.blessing import served_files, serving_folder
    from assay.gating.verdict import to_json
    from assay.gating.verification import Claim, verify_all

    for folder in filter(None, (blessing, infra_blessing)):
        if not folder.is_dir():
            raise ArtifactError("blessing.none", f"Expected a blessing at {folder}; there is no such folder.")
    claims = [Claim(folder=blessing, public_key_file=public_key)]
    if infra_blessing is not None:
        claims.append(Claim(folder=infra_blessing, kind="infra", public_key_file=public_key))
    verdict = verify_all(claims, served_files(serving_folder(model)))
    if as_json:
        typer.echo(to_json(verdict).decode(), nl=False)
    else:
        with open_console(quiet=quiet) as console:
            for check in verdict.checks:
                mark = "-" if not check.applied else "ok" if check.ok else "NO"
                console.print(f"{mark:>2}  {check.sentence}", soft_wrap=True)
            vouches = "vouches" if verdict.ok else "does not vouch"
            print_result(console, f"{blessing} {vouches} for {model}.")
    raise typer.Exit(0 if verdict.ok else 4)
