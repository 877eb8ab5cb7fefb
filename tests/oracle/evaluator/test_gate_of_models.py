"""`assay gate --model` in processes of its own: what the kernels lack is TFMA's, and the blessing opens the push."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

pytestmark = [pytest.mark.tensorflow, pytest.mark.slow]

CONFIG = """
model_specs:
- {signature_name: serving_default, label_key: benign_xf, preprocessing_function_names: [transform_features]}
slicing_specs: [{}, {feature_keys: [site]}]
metrics_specs:
- metrics:
  - class_name: AUC
    threshold: {change_threshold: {direction: HIGHER_IS_BETTER, absolute: ABSOLUTE}}
  - class_name: Hinge
    threshold: {value_threshold: {upper_bound: 10}}
policy: {significant: regression, insufficient: pass}
"""


def assay(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "assay", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_what_the_kernels_lack_is_tfmas_and_the_push_follows_the_verdict(judged: Any, tmp_path: Path) -> None:
    config = tmp_path / "gate.yaml"
    config.write_text(CONFIG.replace("ABSOLUTE", "-0.5"))
    models = ["--model", judged.candidate, "--baseline", judged.baseline, "--data", judged.file, "--config", config]
    done = assay("gate", *models, "-o", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert "TFMA computed Hinge, which have no kernel." in done.stderr
    assert json.loads((tmp_path / "out" / "computed_by.json").read_text()) == {"kernel": ["AUC"], "tfma": ["Hinge"]}
    figures = {row["metric"] for row in pq.read_table(tmp_path / "out" / "metrics.parquet").to_pylist()}
    assert figures == {"auc", "hinge"}
    verdict = json.loads((tmp_path / "out" / "verdict.json").read_text())
    [hinge, *_] = [check for check in verdict["checks"] if check["subject"] == "hinge"]
    assert hinge["sentence"].startswith("Insufficient evidence (there are no bounds for this metric here)")
    serving, blessing = tmp_path / "serving", tmp_path / "out" / "blessing"
    assert assay("push", judged.baseline, "--to", serving, "--blessing", blessing).returncode == 4
    assert not list(serving.glob("*/saved_model.pb"))
    assert assay("push", judged.candidate, "--to", serving, "--blessing", blessing).returncode == 0
    [version] = serving.glob("[0-9]*")
    assert assay("verify", blessing, version).returncode == 0

    config.write_text(CONFIG.replace("ABSOLUTE", "0.5").replace("Hinge", "BinaryCrossEntropy"))
    refused = assay("gate", *models, "-o", tmp_path / "out")
    assert refused.returncode == 4, refused.stderr
    flips = pq.read_table(tmp_path / "out" / "flips.parquet")
    assert {"size", "site"} <= set(flips.column_names)  # all columns of the data, not only those of the configuration
    assert assay("verify", blessing, judged.candidate).returncode == 4
