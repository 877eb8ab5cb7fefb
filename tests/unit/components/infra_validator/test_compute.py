from __future__ import annotations

from typing import Any

import pytest

from assay.components.infra_validator.compute import Trial, judge
from assay.components.infra_validator.config import ValidationSpec
from assay.components.infra_validator.fresh_process import ProcessEnd
from assay.components.infra_validator.probe import ProbeReport, ServedOutput

LIMITS = ValidationSpec(max_loading_time_seconds=60, max_memory_megabytes=1000)


def ended(**changed: Any) -> ProcessEnd:
    return ProcessEnd(**({"reason": "done", "seconds": 9.0, "peak_megabytes": 600, "code": 0, "said": ""} | changed))


def answer(**changed: Any) -> ServedOutput:
    plain = {"signature": "serving_default", "output": "score", "shape": [3, 1], "declared": [-1, 1], "not_finite": 0}
    return ServedOutput(**(plain | changed))


def report(**changed: Any) -> ProbeReport:
    plain = {"stage": "done", "load_seconds": 2.0, "signatures": ["serving_default"], "rows": 3, "answers": [answer()]}
    return ProbeReport(**(plain | changed))


def placed(seen: ProbeReport) -> dict[str, Trial]:
    return {"a fresh process": Trial(ended=ended(), report=seen, signatures=["serving_default"])}


def failed(trial: Trial) -> dict[str, str]:
    return {
        check.id: check.sentence
        for check in judge({"a fresh process": trial}, LIMITS, subjects={}).checks
        if not check.ok
    }


def test_a_model_that_loads_and_answers_is_good() -> None:
    verdict = judge(placed(report()), LIMITS, subjects={"m": "d"})
    assert verdict.ok
    assert verdict.summary == "The model loads and answers 3 examples in a fresh process."
    assert [check.id for check in verdict.checks] == [
        "time",
        "memory",
        "load",
        "signature:serving_default",
        "rows:serving_default.score",
        "shape:serving_default.score",
        "finite:serving_default.score",
    ]
    assert verdict.policy == {"max_loading_time_seconds": "60", "max_memory_megabytes": "1000"}


def test_a_model_that_is_only_loaded_says_so() -> None:
    loaded = report(rows=0, answers=[])
    verdict = judge(placed(loaded), LIMITS, subjects={})
    assert (verdict.ok, verdict.summary) == (True, "The model loads in a fresh process.")


@pytest.mark.parametrize(
    ("end", "seen", "expected"),
    [
        (
            {"reason": "time", "code": 9},
            {"stage": "loading"},
            {"time": "It took more than 60 s: it was still loading the model."},
        ),
        (
            {"reason": "memory", "peak_megabytes": 1234, "code": 9},
            {"stage": "asking"},
            {"memory": "It held 1234 MB while answering, more than 1000 MB."},
        ),
        (
            {"reason": "signal", "code": 11, "said": "noise\nSegmentation fault"},
            {"stage": "loading"},
            {"process": "The process was killed by SIGSEGV while loading the model: Segmentation fault"},
        ),
        (
            {"reason": "error", "code": 1, "said": "ImportError: x"},
            {"stage": "starting"},
            {"process": "The process ended with code 1 while starting: ImportError: x"},
        ),
        (
            {},
            {"stage": "loading", "failures": {"": "OSError: no saved_model.pb"}},
            {"load": "The model cannot be loaded: OSError: no saved_model.pb"},
        ),
    ],
)
def test_what_stops_a_trial_is_said(end: dict[str, Any], seen: dict[str, Any], expected: dict[str, str]) -> None:
    trial = Trial(ended=ended(**end), report=report(answers=[], **seen), signatures=["serving_default"])
    assert failed(trial) == expected


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        (
            {"signatures": ["serving_defaults"], "answers": []},
            {
                "signature:serving_default": (
                    "The model has no signature 'serving_default'. Did you mean 'serving_defaults'?"
                )
            },
        ),
        (
            {"failures": {"serving_default": "DataError: no 'x'"}, "answers": []},
            {"answers:serving_default": "'serving_default' cannot answer: DataError: no 'x'"},
        ),
        ({"answers": []}, {"answers:serving_default": "'serving_default' gives nothing."}),
        (
            {"answers": [answer(not_finite=2)]},
            {
                "finite:serving_default.score": (
                    "Output 'score' of 'serving_default' holds 2 values that are NaN or infinite."
                )
            },
        ),
        (
            {"answers": [answer(shape=[1, 1])]},
            {"rows:serving_default.score": "Output 'score' of 'serving_default' has shape [1, 1] for 3 examples."},
        ),
        (
            {"answers": [answer(shape=[3, 2])]},
            {
                "shape:serving_default.score": (
                    "Output 'score' of 'serving_default' has shape [3, 2]; its signature declares [-1, 1]."
                )
            },
        ),
        ({"answers": [answer(shape=[3, 2], declared=None)]}, {}),
    ],
)
def test_what_is_wrong_with_an_answer_is_said(seen: dict[str, Any], expected: dict[str, str]) -> None:
    assert failed(Trial(ended=ended(), report=report(**seen), signatures=["serving_default"])) == expected


def test_each_place_that_a_model_is_tried_in_counts() -> None:
    container = Trial(
        ended=ended(peak_megabytes=0), report=report(signatures=["other"], answers=[]), signatures=["serving_default"]
    )
    verdict = judge(placed(report()) | {"tensorflow/serving:2.16": container}, LIMITS, subjects={})
    assert not verdict.ok
    assert [check.id for check in verdict.failed] == ["signature:serving_default@tensorflow/serving:2.16"]
    good = judge(
        placed(report()) | {"tensorflow/serving:2.16": placed(report())["a fresh process"]}, LIMITS, subjects={}
    )
    assert good.summary == "The model loads and answers 3 examples in a fresh process and in tensorflow/serving:2.16."
