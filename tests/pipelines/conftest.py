"""TFX's own wheels, and the rewriting of TFX's import lines by the table of docs/guides/porting.md."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import subprocess
import sys
import venv
from collections.abc import Callable
from pathlib import Path
from zipfile import ZipFile

import pytest

SHA256 = {
    "1.16.0": "967edcb295abd566e494f5dfe89810130ceb16180f34d0eb009b284a5ece22b8",
    "1.21.0": "51032ac740ac6d28185c2814ada5a7e917f3016bcd2043f03ba98e7e674e4165",
}
LINE = "1.16.0" if sys.version_info < (3, 12) else "1.21.0"
_ROW = re.compile(r"^\| `(?P<tfx>(?:from|import) [^`]+)` \| `(?P<assay>[^`]+)` \|$", re.MULTILINE)


def _download(version: str, folder: Path) -> Path:
    """Downloads a wheel of tfx with pip, without what it depends on, and checks it."""
    wheel = folder / f"tfx-{version}-py3-none-any.whl"
    if not (wheel.is_file() and hashlib.sha256(wheel.read_bytes()).hexdigest() == SHA256[version]):
        folder.mkdir(parents=True, exist_ok=True)
        python = sys.executable
        if importlib.util.find_spec("pip") is None:
            venv.create(folder / "pip", with_pip=True)
            python = str(folder / "pip" / "bin" / "python")
        command = [python, "-m", "pip", "download", "--quiet", "--no-deps", "--ignore-requires-python"]
        subprocess.run([*command, "--only-binary=:all:", "--dest", str(folder), f"tfx=={version}"], check=True)
        assert hashlib.sha256(wheel.read_bytes()).hexdigest() == SHA256[version]
    return wheel


@pytest.fixture(scope="session")
def tfx_wheel(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Gives the unpacked files of a tfx release, which is not installed; the wheel is kept between test runs."""
    caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "assay" / "wheels"

    def unpacked(version: str) -> Path:
        folder = tmp_path_factory.getbasetemp() / f"tfx-{version}"
        if not folder.is_dir():
            with ZipFile(_download(version, caches)) as wheel:
                wheel.extractall(folder)
        return folder / "tfx"

    return unpacked


@pytest.fixture(scope="session")
def matching_tfx(tfx_wheel: Callable[[str], Path]) -> Path:
    """The unpacked tfx release of the version line that the running Python belongs to."""
    return tfx_wheel(LINE)


@pytest.fixture(scope="session")
def import_lines(project_root: Path) -> list[tuple[str, str]]:
    """The table of docs/guides/porting.md: TFX's import line, and assay's."""
    return _ROW.findall((project_root / "docs/guides/porting.md").read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def port(import_lines: list[tuple[str, str]]) -> Callable[[str], str]:
    """Gives a function that rewrites the table's import lines, and nothing else; a tfx line that it lacks fails."""
    rules = [
        (re.compile(re.escape(tfx).replace(r"import\ X", r"import\ (?P<names>[\w, ]+)") + "$"), assay)
        for tfx, assay in import_lines
    ]

    def rewritten(line: str) -> str:
        for pattern, assay in rules:
            match = pattern.match(line)
            if match:
                return assay.replace("import X", f"import {match['names']}") if "names" in match.groupdict() else assay
        if re.match(r"(from|import) tfx\b", line):
            pytest.fail(f"docs/guides/porting.md has no row for: {line}")
        return line

    return lambda source: "\n".join(rewritten(line) for line in source.split("\n"))
