from __future__ import annotations

from pathlib import Path

import pytest

from assay.files import local_path
from raising import raises


@pytest.mark.parametrize(
    "name", ["Split-train/data.parquet", "/Split-train/data.parquet", "./Split-train//data.parquet"]
)
def test_a_file_below_the_folder(tmp_path: Path, name: str) -> None:
    assert local_path(tmp_path, name) == tmp_path / "Split-train" / "data.parquet"


@pytest.mark.parametrize("name", ["../evil", "Split-train/../../evil", "/.."])
def test_a_name_that_leads_out_of_the_folder_is_refused(tmp_path: Path, name: str) -> None:
    with raises("artifact.outside"):
        local_path(tmp_path, name)
