"""The JSON Schemas of what the gate reads and writes, held against real files of each."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from jsonschema import Draft202012Validator, ValidationError
from typer.testing import CliRunner

from assay.cli.main import app
from assay.evaluation.config import parse_eval_config, read_config
from assay.gating import config_schema, verdict, waivers
from raising import raises

CONFIG = """
model_specs:
- {name: new, label_key: label, prediction_key: new}
- {name: old, label_key: label, prediction_key: old, is_baseline: true}
slicing_specs: [{}, {feature_keys: [side]}]
options: {min_slice_size: {value: 5}}
metrics_specs:
- metrics:
  - class_name: AUC
    threshold:
      change_threshold: {direction: HIGHER_IS_BETTER, absolute: {value: -0.01}, significant: regression}
    cross_slice_thresholds:
    - cross_slicing_specs: [{baseline_spec: {}, slicing_specs: [{feature_keys: [side]}]}]
      threshold: {value_threshold: {upper_bound: 0.3, significant: true}}
  - {class_name: BinaryAccuracy, config: {threshold: 0.4}, threshold: {value_threshold: {lower_bound: 0.99}}}
  - {class_name: Precision, config: '{"thresholds": [0.7]}'}
policy: {first_run: block, significant: off, alpha: 0.1, min_examples: 10}
"""


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("verdict", verdict.json_schema),
        ("waivers", waivers.json_schema),
        ("eval_config", config_schema.json_schema),
    ],
)
def test_what_is_shipped_is_what_the_code_gives(project_root: Path, name: str, make: Callable[[], Any]) -> None:
    shipped = json.loads((project_root / "schemas" / f"{name}.schema.json").read_text(encoding="utf-8"))
    assert shipped == json.loads(json.dumps(make())), f"schemas/{name}.schema.json is out of step with the code"
    Draft202012Validator.check_schema(shipped)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 400)
    old = np.clip(0.3 * labels + 0.7 * rng.uniform(size=400), 0, 1)
    new = rng.uniform(size=400)
    new[3] = np.nan
    table = pa.table({"label": labels, "old": old, "new": new, "side": rng.choice(["l", "r"], 400)})
    pq.write_table(table, tmp_path / "predictions.parquet")
    (tmp_path / "gate.yaml").write_text(CONFIG)
    return tmp_path


def gate(folder: Path, *more: str) -> Any:
    files = ["--predictions", str(folder / "predictions.parquet"), "--config", str(folder / "gate.yaml")]
    done = CliRunner().invoke(app, ["gate", *files, "--replicates", "100", "-o", str(folder / "out"), *more])
    assert done.exit_code == 4, done.output
    return json.loads((folder / "out" / "verdict.json").read_text(encoding="utf-8"))


def test_verdicts_fit_their_schema(folder: Path) -> None:
    (folder / "waivers.yaml").write_text(
        "- {check: auc, slice: Overall, who: ann, why: known, expires: 2999-01-01}\n"
        "- {check: auc, slice: side=l, who: bob, why: old, expires: 2001-01-01}\n"
    )
    checker = Draft202012Validator(verdict.json_schema())
    broken = gate(folder, "--waivers", str(folder / "waivers.yaml"))
    table = pq.read_table(folder / "predictions.parquet")
    column = table.column("new").to_numpy()
    whole = table.set_column(2, "new", pa.array(np.nan_to_num(column)))
    pq.write_table(whole, folder / "predictions.parquet")
    judged = gate(folder)
    kinds = {check["kind"] for document in (broken, judged) for check in document["checks"]}
    assert kinds == {"change_threshold", "value_threshold", "waiver", "missing_values"}
    assert {check["observed"] for check in broken["checks"]} >= {"NaN"}
    assert any("flips" in check["details"] for check in judged["checks"])
    for document in (broken, judged):
        checker.validate(document)
    with pytest.raises(ValidationError, match="'yes' is not of type 'boolean'"):
        checker.validate(judged | {"ok": "yes"})


def test_every_check_says_what_it_was_held_by(folder: Path) -> None:
    table = pq.read_table(folder / "predictions.parquet")
    whole = np.nan_to_num(table.column("new").to_numpy())
    pq.write_table(table.set_column(2, "new", pa.array(whole)), folder / "predictions.parquet")
    for check in gate(folder)["checks"]:
        assert check["observed"] is not None
        assert (check["baseline"] is not None) == (check["kind"] == "change_threshold")
        assert check["limit"] is not None
        assert check["limit_origin"].startswith("eval_config.metrics_specs[0].metrics[")
        assert check["details"]["bound"] in {"lower", "upper", "absolute", "relative"}
        assert check["details"]["lower"] <= check["details"]["upper"]
        assert check["slice"] in check["sentence"] or " vs " in check["slice"]


def test_waivers_fit_their_schema(tmp_path: Path) -> None:
    checker = Draft202012Validator(waivers.json_schema())
    good = {"check": "auc", "slice": "a=x", "who": "ann", "why": "known", "expires": "2026-12-01"}
    for document in ([good], [], None, [{key: value for key, value in good.items() if key != "slice"}]):
        path = tmp_path / "waivers.yaml"
        path.write_text(yaml.safe_dump(document))
        waivers.read_waivers(path)
        checker.validate(document)
    for wrong in ({"slise": "a"}, {"who": " "}, {"why": None}):
        path.write_text(yaml.safe_dump([good | wrong]))
        with raises("waivers.*"):
            waivers.read_waivers(path)
        assert not checker.is_valid([good | wrong])


def test_configurations_fit_their_schema(project_root: Path) -> None:
    checker = Draft202012Validator(config_schema.json_schema())
    taxi = (project_root / "examples" / "chicago_taxi" / "eval_config.yaml").read_text(encoding="utf-8")
    for text in (CONFIG, taxi):
        plain = yaml.safe_load(text)
        checker.validate(plain)
        checker.validate(parse_eval_config(plain))  # the canonical form, which artifacts record


@pytest.mark.parametrize(
    "wrong",
    [
        {"metric_specs": []},
        {"policy": {"first_run": "maybe"}},
        {"policy": {"alpha": 0.7}},
        {"policy": {"frist_run": "block"}},
        {"metrics_specs": [{"metrics": [{"class_name": "AUC", "threshold": {"value_threshold": {"lower": 1}}}]}]},
        {"metrics_specs": [{"metrics": [{"class_name": "AUC", "treshold": {}}]}]},
        {"model_specs": [{"label_key": 3}]},
        {"slicing_specs": {}},
    ],
)
def test_what_cannot_be_read_does_not_fit(wrong: dict[str, Any]) -> None:
    assert not Draft202012Validator(config_schema.json_schema()).is_valid(wrong)
    with raises("eval_config.*"):
        read_config(wrong)


def test_camel_case_fits_as_protobuf_reads_it() -> None:
    plain = {"modelSpecs": [{"labelKey": "label"}], "metricsSpecs": [{"metrics": [{"className": "AUC"}]}]}
    Draft202012Validator(config_schema.json_schema()).validate(plain)
    assert read_config(plain).eval_config.model_specs[0].label_key == "label"
