from __future__ import annotations

import subprocess
import sys
from importlib.machinery import PathFinder

import pytest

from assay import native
from raising import raises


def _run(code: str) -> str:
    """Runs code in a fresh process and gives what it printed last."""
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()[-1]


def test_all_modules_load_without_tensorflow_and_with_few_modules() -> None:
    # Modules, not seconds, because a busy machine is slow; importing TFDV's package loads thousands.
    code = """
import sys
from assay import native
native.sketches().QuantilesSketch, native.coders().ExamplesToRecordBatchDecoder
heavy = {"tensorflow", "apache_beam", "tfx_bsl", "tensorflow_data_validation", "tensorflow_model_analysis"}
print("ok" if len(sys.modules) < 250 and not heavy & set(sys.modules) else (len(sys.modules), heavy & set(sys.modules)))
"""
    assert _run(code) == "ok"


def test_a_missing_wheel_is_a_usage_error_with_the_install_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PathFinder, "find_spec", lambda name: None)
    with raises("native.not_installed") as raised:
        native._find("tfx_bsl.cc.tfx_bsl_extension")
    assert raised.value.hint == "Run: pip install tfx-bsl"


def test_a_wheel_without_the_file_is_a_usage_error() -> None:
    with raises("native.incomplete", "tfx_bsl.cc.no_such_thing"):
        native._find("tfx_bsl.cc.no_such_thing")


@pytest.mark.tensorflow
def test_the_real_packages_share_what_was_loaded_by_path() -> None:
    code = """
from assay import native
sketch = native.sketches().QuantilesSketch
import tfx_bsl.sketches
from tfx_bsl.coders import example_coder
print(tfx_bsl.sketches.QuantilesSketch is sketch)
"""
    assert _run(code) == "True"


@pytest.mark.tensorflow
def test_a_package_that_is_already_imported_is_used_as_it_is() -> None:
    code = """
from tfx_bsl.sketches import KmvSketch
from assay import native
print(native.sketches().KmvSketch is KmvSketch)
"""
    assert _run(code) == "True"
