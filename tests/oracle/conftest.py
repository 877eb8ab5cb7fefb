"""Real data for the oracles."""

from __future__ import annotations

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def taxi_csv(project_root: Path) -> Path:
    """Gives the Chicago taxi trips as the example fetches them: downloaded once, checked, cached."""
    spec = spec_from_file_location("chicago_taxi_data", project_root / "examples" / "chicago_taxi" / "data.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    folder: Path = module.taxi_trips()
    return folder / "data.csv"
