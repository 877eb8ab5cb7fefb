"""The wheel holds the package and its schemas, and nothing else; the locks agree with what pyproject.toml asks for."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import assay

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

RunPython = Callable[..., "subprocess.CompletedProcess[str]"]
OURS = ("components/assay", "contrib", "tests", "examples", "benchmarks")
PYTHONS = ("3.10", "3.11", "3.12", "3.13")


@pytest.fixture(scope="module")
def wheel(project_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    done = subprocess.run(command, cwd=project_root, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, done.stderr
    return next(folder.glob("assay-*.whl"))


def test_the_wheel_holds_every_module_and_schema(wheel: Path, project_root: Path) -> None:
    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    sources = {path for path in (project_root / "components/assay").rglob("*") if path.is_file()}
    expected = {
        f"assay/{path.relative_to(project_root / 'components/assay').as_posix()}"
        for path in sources
        if "__pycache__" not in path.parts
    } | {
        path.relative_to(project_root).as_posix().replace("schemas/", "assay/schemas/", 1)
        for path in (project_root / "schemas").rglob("*")
        if path.is_file()
    }
    assert names == expected
    assert assay.__version__ in wheel.name


def test_the_installed_wheel_finds_its_schemas(wheel: Path, tmp_path: Path, run_python: RunPython) -> None:
    zipfile.ZipFile(wheel).extractall(tmp_path)
    code = """
import sys
sys.path.insert(0, sys.argv[1])
import assay
from assay.artifacts.types import builtin_types
assert assay.__file__.startswith(sys.argv[1]), assay.__file__
print(sorted(builtin_types()))
"""
    assert "'Examples'" in run_python(code, str(tmp_path)).stdout


def locked(path: Path) -> dict[str, str]:
    lines = path.read_text(encoding="utf-8").splitlines()
    pins = (re.match(r"([A-Za-z0-9._-]+)==(\S+)", line) for line in lines)
    return {canonicalize_name(pin[1]): pin[2] for pin in pins if pin}


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("kind", ["full", "data"])
def test_a_lock_satisfies_pyproject(project_root: Path, kind: str, python: str) -> None:
    project = tomllib.loads((project_root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = list(project["dependencies"])
    if kind == "full":
        wanted += [line for lines in project["optional-dependencies"].values() for line in lines]
    pins = locked(project_root / "requirements" / f"{kind}-py{python.replace('.', '')}.txt")
    environment = {"python_version": python, "python_full_version": f"{python}.0"}
    for line in wanted:
        requirement = Requirement(line)
        if requirement.marker and not requirement.marker.evaluate(environment):
            continue
        version = pins.get(canonicalize_name(requirement.name))
        assert version is not None, f"{line} is not locked: make lock"
        assert requirement.specifier.contains(version, prereleases=True), f"{line} is locked at {version}: make lock"


@pytest.mark.parametrize("python", PYTHONS)
def test_the_data_lock_holds_the_native_cores_but_no_tensorflow(project_root: Path, python: str) -> None:
    tag = python.replace(".", "")
    data = locked(project_root / "requirements" / f"data-py{tag}.txt")
    full = locked(project_root / "requirements" / f"full-py{tag}.txt")
    assert {"tfx-bsl", "pyarrow"} <= data.keys()
    assert not data.keys() & {"tensorflow", "tensorflow-data-validation", "apache-beam", "keras", "kfp"}
    assert data.items() <= full.items()


def test_the_images_hold_what_is_tested(project_root: Path) -> None:
    folder = project_root / "requirements"
    full, data = locked(folder / "full-py313.txt"), locked(folder / "data-py313.txt")
    image, slim = locked(folder / "image-full-py313.txt"), locked(folder / "image-data-py313.txt")
    assert image.items() <= full.items()
    assert data.items() <= slim.items() <= full.items()
    assert slim.items() <= image.items()  # so that what passed in the one image need not run again in the other
    assert not slim.keys() & {"tensorflow", "apache-beam", "keras", "kfp", "pandas"}
    assert not image.keys() & {"pytest", "mypy", "ruff", "hypothesis", "hatchling"}


def uses_tfx(path: Path) -> bool:
    """Whether a file is TFX's own, kept as it is to be ported or run by a test."""
    return re.search(r"^(from|import) tfx\b", path.read_text(encoding="utf-8"), re.MULTILINE) is not None


def imported(project_root: Path) -> set[str]:
    """Top-level names that our modules import; of `google`, one level more, since it is shared."""
    names: set[str] = set()
    files = [path for folder in OURS for path in (project_root / folder).rglob("*.py") if not uses_tfx(path)]
    for path in files:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
                names.add(node.module)
    return {".".join(name.split(".")[: 2 if name.startswith("google.") else 1]) for name in names}


def test_every_imported_library_is_declared(project_root: Path) -> None:
    project = tomllib.loads((project_root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = project["dependencies"] + [line for extra in project["optional-dependencies"].values() for line in extra]
    declared = {canonicalize_name(Requirement(line).name) for line in lines}
    # Beam comes with TFT and TFMA, gRPC with Beam, Keras with TensorFlow; the line of each decides the version.
    declared |= {"apache-beam", "grpcio", "keras"}
    homes = packages_distributions() | {"google.protobuf": ["protobuf"]}
    if sys.version_info < (3, 11):  # packages_distributions() knows only those that list their own names
        homes |= {"PIL": ["pillow"], "sklearn": ["scikit-learn"], "yaml": ["pyyaml"]}
    own = {"assay", "tomllib", *(path.stem for folder in OURS[1:] for path in (project_root / folder).rglob("*.py"))}
    for name in sorted(imported(project_root) - set(sys.stdlib_module_names) - own):
        distributions = {canonicalize_name(home) for home in homes.get(name, [name])}
        assert distributions & declared, f"{name} is imported, but pyproject.toml does not declare it"


def test_every_locked_package_carries_a_hash_and_no_address(project_root: Path) -> None:
    for path in (project_root / "requirements").glob("*-py*.txt"):
        text = path.read_text(encoding="utf-8")
        assert "://" not in text, path.name
        if not path.name.startswith("protobuf"):  # that one corrects a lock; nothing is installed from it
            assert len(re.findall(r"^\S+==\S+ \\\n    --hash=sha256:", text, re.MULTILINE)) == len(locked(path))
