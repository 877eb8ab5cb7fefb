"""What a person is told where classes have names: sentences, rows and columns by name; ids of checks as ever."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from assay.engines.embedded import EmbeddedEngine
from assay.evaluation.decision import Rules
from assay.evaluation.judgement import Judgement, Tables, judge
from assay.gating.junit import to_junit
from assay.gating.markdown import to_markdown
from assay.gating.verdict import Verdict, to_json

WORSE = {"change_threshold": {"direction": "HIGHER_IS_BETTER", "absolute": 0.0}}
ROWS = {"id": [7, 8, 9], "y": ["cat", "dog", "cat"], "site": ["a", "a", "b"]}
OURS = {"p.cat": [0.25, 0.5, 0.75], "p.dog": [0.75, 0.5, 0.25]}
THEIRS = {"p.dog": [0.25, 0.625, 0.25], "p.cat": [0.75, 0.375, 0.75]}


def judged(ours: Any, theirs: Any, slices: Any = ({},), **more: Any) -> Judgement:
    config = {
        "model_specs": [{"label_key": "y", "prediction_key": "p"}],
        "slicing_specs": list(slices),
        "metrics_specs": [
            {"metrics": [{"class_name": "SparseCategoricalAccuracy", "threshold": WORSE}]},
            {
                "metrics": [{"class_name": "Recall", "threshold": {"value_threshold": {"lower_bound": 0.75}}}],
                "binarize": {"class_ids": {"values": [0, 1]}},
            },
        ],
    }
    tables = Tables(config=config, predictions=ours, baseline_predictions=theirs, **more)
    return judge(tables, EmbeddedEngine(), Rules())


def lines(verdict: Verdict) -> list[str]:
    return [check.sentence for check in verdict.checks]


def test_sentences_name_classes_and_one_line_says_their_numbers() -> None:
    verdict = judged(pa.table(ROWS | OURS), pa.table(ROWS | THEIRS), join_on="id").verdict
    assert lines(verdict)[1:] == [
        "recall [classId:0 (cat)] on Overall is 0.5; the threshold is at least 0.75.",
        "recall [classId:1 (dog)] on Overall is 0; the threshold is at least 0.75.",
        "The classes of 'y' by number: 0 cat, 1 dog.",
    ]
    *checks, told = verdict.checks
    assert [check.subject for check in checks] == [
        *("sparse_categorical_accuracy", "recall [classId:0]", "recall [classId:1]")
    ]
    assert all("(" not in check.id for check in checks)
    assert (told.id, told.kind, told.ok, told.applied, told.severity) == ("classes:y", "classes", True, False, "info")
    for file in (to_json(verdict), to_junit(verdict)):
        assert b"recall [classId:1 (dog)] on Overall is 0;" in file
    assert "(dog)" in to_markdown(verdict)
    assert told.details == {"classes": ["cat", "dog"]}


def test_what_is_said_first_names_the_class_too() -> None:
    better = OURS | {"p.cat": [0.75, 0.5, 0.75], "p.dog": [0.25, 0.5, 0.25]}
    verdict = judged(pa.table(ROWS | better), None).verdict
    assert verdict.summary == ("Not blessed: recall [classId:1 (dog)] on Overall is 0; the threshold is at least 0.75.")


@pytest.mark.parametrize("slices", [({},), ({}, {"feature_keys": ["y"]})], ids=["all", "by label"])
def test_rows_have_the_datas_own_labels_and_the_classes_of_predictions(slices: Any) -> None:
    found = judged(pa.table(ROWS | OURS), pa.table(ROWS | THEIRS), slices, join_on="id")
    assert found.flips is not None
    overall = found.flips.filter(pa.array([name == "Overall" for name in found.flips.column("slice").to_pylist()]))
    first, *_ = overall.to_pylist()
    assert first == {
        "slice": "Overall",
        "rank": 1,
        "row": 0,
        "worse_by": 0.5,
        "id": 7,
        "y": "cat",
        "site": "a",
        "p.cat": 0.25,
        "p.dog": 0.75,
        "p of the baseline": {"cat": 0.75, "dog": 0.25},
    }
    [check] = [one for one in found.verdict.failed if one.id.startswith("sparse_categorical_accuracy@Overall")]
    assert check.details["flips"] == [
        "id=7: label cat, candidate [cat 0.25, dog 0.75], baseline [cat 0.75, dog 0.25]",
        "id=8: label dog, candidate [cat 0.5, dog 0.5], baseline [cat 0.375, dog 0.625]",
    ]
    assert {name for name in found.flips.column("slice").to_pylist() if name.startswith("y=")} <= {"y=cat", "y=dog"}


def test_a_plain_baseline_and_one_hot_labels_are_shown_as_they_are() -> None:
    ours = pa.table(ROWS | OURS | {"y": [[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]]})
    theirs = pa.table({"id": ROWS["id"], "p": [[0.75, 0.25], [0.375, 0.625], [0.75, 0.25]]})
    found = judged(ours, theirs, join_on="id")
    check = next(one for one in found.verdict.failed if "flips" in one.details)
    flips = check.details["flips"]
    assert isinstance(flips, list)
    assert flips[0] == "id=7: label [1, 0], candidate [cat 0.25, dog 0.75], baseline [cat 0.75, dog 0.25]"
    assert found.flips is not None
    assert found.flips.column("y")[0].as_py() == [1.0, 0.0]
