"""`eval_config.json`: the configuration as it was run, and what it was run on.

Equal inputs give an equal file, on every machine and in every run: user code is named by what it holds, since its path
may be a step's temporary folder, and another one each time. TFMA's loaders take all of these names for display only.
"""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Final

from google.protobuf import json_format

from assay.artifacts.store import write_durably
from assay.components.evaluator.tfma_output.prepared import BASELINE_NAME, CANDIDATE_NAME, baseline_of, candidate_of
from assay.native import eval_config_pb2
from assay.spec.source_digest import module_digest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from assay.gating.limits import EvalConfig

EVAL_RUN_FILE: Final = "eval_config.json"
_PACKAGE: Final = "tensorflow-model-analysis"


def write_eval_run(
    folder: Path, prepared: EvalConfig, *, data_location: str = "", model_locations: Mapping[str, str] | None = None
) -> None:
    """Writes the file.

    Args:
        folder: Where to.
        prepared: The configuration with TFMA's defaults.
        data_location: What was evaluated.
        model_locations: The models by their part in it, `candidate` and `baseline`; TFMA's loaders look for them by the
            names that the configuration gives them.
    """
    given = model_locations or {}
    names = {candidate_of(prepared): given.get(CANDIDATE_NAME, "<unknown>")}
    baseline = baseline_of(prepared)
    if baseline is not None:
        names[baseline] = given.get(BASELINE_NAME, "<unknown>")
    run = eval_config_pb2().EvalRun(
        eval_config=_by_content(prepared),
        version=_tfma_version(),
        data_location=data_location or "<user provided PCollection>",
        file_format="<unknown>",
        model_locations=names,
    )
    # Sorted, for protobuf's maps come in any order.
    write_durably(folder / EVAL_RUN_FILE, json_format.MessageToJson(run, sort_keys=True).encode())


def _by_content(prepared: EvalConfig) -> EvalConfig:
    """Gives the configuration with name and digest of each Python file in place of its path."""
    named = type(prepared)()
    named.CopyFrom(prepared)
    for spec in named.metrics_specs:
        for metric in spec.metrics:
            module = Path(metric.module)
            if module.suffix == ".py" and module.is_file():
                metric.module = f"{module.name}@{module_digest(module)}"
    return named


def _tfma_version() -> str:
    try:
        return version(_PACKAGE)
    except PackageNotFoundError:
        return "0.0.0"  # TFMA refuses a file without a version, and looks no further
