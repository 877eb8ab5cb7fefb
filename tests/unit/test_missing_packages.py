from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from assay.errors import missing_package, missing_packages

# A process in which the packages of the extra `tfx` cannot be found, as in the environment without TensorFlow.
_WITHOUT = """
import sys

class Without:
    names = {"tensorflow", "apache_beam", "tensorflow_transform", "keras", "kfp"}

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in self.names:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

import importlib.util
found = importlib.util.find_spec
importlib.util.find_spec = lambda name, package=None: None if name in Without.names else found(name, package)
sys.meta_path.insert(0, Without())
"""


def run_without(code: str, folder: Path) -> subprocess.CompletedProcess[str]:
    program = _WITHOUT + textwrap.dedent(code)
    return subprocess.run([sys.executable, "-c", program], cwd=folder, capture_output=True, text=True, check=False)


def test_what_is_installed_is_not_missing() -> None:
    assert missing_packages("A test", ["numpy", "pyarrow"]) is None
    assert missing_package("A test", ModuleNotFoundError("no such", name="a_module_of_the_user")) is None
    assert missing_package("A test", ValueError("another error")) is None


def test_a_run_without_its_packages_is_rejected_before_its_first_node(tmp_path: Path) -> None:
    (tmp_path / "pipeline.py").write_text(
        textwrap.dedent("""
            from assay import Pipeline
            from assay.components import CsvExampleGen, SchemaGen, StatisticsGen, Trainer, Transform

            rows = CsvExampleGen(input_base="data")
            statistics = StatisticsGen(examples=rows.outputs["examples"])
            schema = SchemaGen(statistics=statistics.outputs["statistics"])
            transform = Transform(
                examples=rows.outputs["examples"], schema=schema.outputs["schema"], module_file="module.py"
            )
            trainer = Trainer(
                examples=rows.outputs["examples"], module_file="module.py", train_args={"num_steps": 1}, eval_args={}
            )
            pipeline = Pipeline("p", components=[rows, statistics, schema, transform, trainer], pipeline_root="root")
        """)
    )
    (tmp_path / "module.py").write_text("")
    done = run_without("sys.argv = ['assay', 'run', 'pipeline.py']; from assay.cli.main import main; main()", tmp_path)
    assert done.returncode == 2
    assert "Transform requires tensorflow, tensorflow-transform and apache-beam, which are not installed" in done.stderr
    assert "Trainer requires tensorflow and tensorflow-transform" in done.stderr
    assert "pip install 'assay[tfx]'" in done.stderr
    assert not (tmp_path / "root").exists()


@pytest.mark.parametrize("raised", ["apache_beam", "tensorflow.python"])
def test_a_component_that_misses_a_package_says_which(tmp_path: Path, raised: str) -> None:
    code = f"""
    from pathlib import Path
    from assay.components.statistics_gen import StatisticsGen
    from assay.errors import UsageError
    from assay.runners.calling import one_error_tree

    try:
        with one_error_tree(StatisticsGen.spec, Path()):
            import {raised}
    except UsageError as error:
        print(error.code, error)
    """
    done = run_without(code, tmp_path)
    assert done.stdout.startswith("package.missing StatisticsGen requires "), done.stderr
    assert "pip install 'assay[tfx]'" in done.stdout


def test_numpy_2_beside_a_pyarrow_for_numpy_1_is_said_with_the_cure(tmp_path: Path) -> None:
    code = "sys.argv = ['assay', 'stats', 'x.csv']; from assay.cli.main import main; main()"
    for name, version in (("numpy", "2.4.6"), ("pyarrow", "10.0.1")):
        metadata = tmp_path / f"{name}-{version}.dist-info" / "METADATA"
        metadata.parent.mkdir()
        metadata.write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    start = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); "
    command = subprocess.run([sys.executable, "-c", start + code], capture_output=True, text=True, check=False)
    assert command.returncode == 2
    assert command.stderr.startswith("Error: pyarrow 10.0.1 is built for NumPy 1, but NumPy 2.4.6 is installed")
    assert "pip install 'numpy<2'" in command.stderr
    script = subprocess.run(
        [sys.executable, "-c", start + "import assay; assay.statistics"], capture_output=True, text=True, check=False
    )
    assert script.stderr.splitlines()[-1].startswith("assay.errors.UsageError: ")


@pytest.mark.parametrize("call", ["evaluate", "gate"])
def test_a_model_without_tensorflow_is_rejected_with_what_to_install(tmp_path: Path, call: str) -> None:
    (tmp_path / "model.keras").write_bytes(b"")
    code = f"""
    import pyarrow as pa
    import assay

    config = {{
        "model_specs": [{{"label_key": "label"}}],
        "metrics_specs": [{{"metrics": [{{"class_name": "MeanSquaredError"}}]}}],
    }}
    try:
        assay.{call}(config, model="model.keras", data=pa.table({{"label": [0.0, 1.0], "x": [1.0, 2.0]}}))
    except assay.errors.UsageError as error:
        print(error.code, error)
    """
    done = run_without(code, tmp_path)
    assert done.stdout.startswith("package.missing Evaluating this model requires "), done.stderr
    assert "pip install 'assay[tfx]'" in done.stdout
