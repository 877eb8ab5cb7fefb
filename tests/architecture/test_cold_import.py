"""The data path starts fast because it loads little: modules are counted, since time depends on the machine."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

import pytest

RunPython = Callable[..., "subprocess.CompletedProcess[str]"]

HEAVY = (
    "apache_beam",
    "jinja2",
    "keras",
    "kfp",
    "pandas",
    "sqlalchemy",
    "tensorflow",
    "tensorflow_data_validation",
    "tensorflow_model_analysis",
    "tensorflow_transform",
    "tf_keras",
    "tfx_bsl",
)
# Modules with a dot are single files that assay.native loads by path under their full names.
TENSORFLOW = tuple(name for name in HEAVY if name not in {"jinja2", "sqlalchemy"})

REPORT = "\nimport sys; print(len(sys.modules)); print('\\n'.join(name for name in sys.modules if '.' not in name))"

# Stands for an environment where none of these libraries is installed.
BLOCK = """
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name in {names!r}:
            raise ModuleNotFoundError("No module named " + repr(name), name=name)
sys.meta_path.insert(0, Absent())
"""


def loaded(run_python: RunPython, code: str) -> tuple[int, set[str]]:
    count, *names = run_python(code + REPORT).stdout.splitlines()
    return int(count), set(names)


def test_import_assay_loads_no_library(run_python: RunPython) -> None:
    bare_count, bare = loaded(run_python, "")
    count, names = loaded(run_python, "import assay")
    assert not (names - bare) & {*HEAVY, "numpy", "pyarrow", "msgspec", "google", "typer"}
    assert count - bare_count < 20


@pytest.mark.parametrize(
    "name", ["assay.spec", "assay.artifacts", "assay.gating", "assay.lineage", "assay.kernels", "assay.protos"]
)
def test_a_data_package_loads_no_tensorflow(run_python: RunPython, name: str) -> None:
    _, names = loaded(run_python, f"import {name}")
    assert not names & set(TENSORFLOW)


def test_the_declarations_of_all_components_load_no_tensorflow(run_python: RunPython) -> None:
    code = "import assay.components as c\nfor name in c.__all__: getattr(c, name)"
    _, names = loaded(run_python, code)
    assert not names & set(TENSORFLOW)


def test_schemas_and_anomalies_need_no_wheel_of_tfdv(run_python: RunPython) -> None:
    """The statistics are made up: computing them takes tfx-bsl's sketches."""
    code = """
from tensorflow_metadata.proto.v0 import statistics_pb2
from assay.schema.inference import infer_schema
from assay.validation.examination import validate_statistics
statistics = statistics_pb2.DatasetFeatureStatisticsList()
feature = statistics.datasets.add(num_examples=3).features.add(type=statistics_pb2.FeatureNameStatistics.FLOAT)
feature.path.step.append("x")
feature.num_stats.common_stats.num_non_missing = 3
schema = infer_schema(statistics)
feature.type = statistics_pb2.FeatureNameStatistics.INT
assert set(validate_statistics(statistics, schema).anomaly_info) == {"x"}
"""
    _, names = loaded(run_python, BLOCK.format(names=set(TENSORFLOW)) + code)
    assert not names & set(TENSORFLOW)


def test_the_native_cores_load_where_tensorflow_and_beam_are_absent(run_python: RunPython) -> None:
    absent = ("apache_beam", "pandas", "tensorflow", "tf_keras")
    code = (
        BLOCK.format(names=set(absent))
        + """
from assay import native
assert native.sketches().QuantilesSketch
assert native.coders().ExamplesToRecordBatchDecoder
"""
    )
    _, names = loaded(run_python, code)
    assert not names & set(absent)
