from __future__ import annotations

import subprocess
import sys

import pytest

pytestmark = pytest.mark.tensorflow


def test_a_function_that_outlives_the_script_says_nothing() -> None:
    code = """
import tensorflow as tf
from assay.native import end_tensorflow_quietly

end_tensorflow_quietly()
tf.kept = tf.function(lambda x: x + 1)  # alive until the modules are taken apart
tf.kept(tf.constant(1))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert "Exception ignored" not in done.stderr
