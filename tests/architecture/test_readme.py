"""What the README shows runs as it stands there."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

RunPython = Callable[..., "subprocess.CompletedProcess[str]"]


def test_the_first_example_runs(project_root: Path, tmp_path: Path, run_python: RunPython) -> None:
    data = tmp_path / "data"
    data.mkdir()
    rows = [f"{number},{'cash' if number % 2 else 'card'}" for number in range(60)]
    (data / "trips.csv").write_text("\n".join(["fare,payment_type", *rows]), encoding="utf-8")
    readme = (project_root / "README.md").read_text(encoding="utf-8")
    example = re.search(r"```python\n(.*?)```", readme, re.DOTALL)
    assert example is not None
    # Through a file, since a component's source is part of its fingerprint.
    (tmp_path / "example.py").write_text(example[1], encoding="utf-8")
    run_python("import runpy; runpy.run_path('example.py', run_name='__main__')", cwd=tmp_path)
    report = next((tmp_path / "runs/taxi/CountRows/report").glob("*/rows.txt"))
    counts = [int(number) for number in re.findall(r"\d+", report.read_text(encoding="utf-8"))]
    assert sum(counts) == len(rows)
