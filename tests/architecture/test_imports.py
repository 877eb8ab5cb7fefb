"""Imports go down only, and heavy libraries stay behind their fences (contracts in pyproject.toml)."""

from __future__ import annotations

import os
import subprocess
import sysconfig
from pathlib import Path


def test_import_contracts_hold(project_root: Path) -> None:
    linter = Path(sysconfig.get_path("scripts")) / "lint-imports"
    environment = os.environ | {"PYTHONPATH": str(project_root / "components")}
    done = subprocess.run(
        [linter, "--no-logo", "--no-cache"],
        cwd=project_root,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout + done.stderr
