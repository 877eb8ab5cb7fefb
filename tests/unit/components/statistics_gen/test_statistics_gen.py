from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa

from assay.components.statistics_gen import StatisticsGen
from assay.engines.embedded import EmbeddedEngine
from assay.kernels.statistics import SlicingSpec, StatisticsOptions
from assay.runners.local import RunResult
from assay.spec import ExecutionContext, Importer
from raising import raises

TABLE = pa.table({"fare": [1.5, None, 3.0], "company": ["a", "b", "a"]})

RunSteps = Callable[..., RunResult]
WriteExamples = Callable[..., Importer]


def test_every_split_gets_statistics_of_all_its_rows(write_examples: WriteExamples, run_steps: RunSteps) -> None:
    examples = write_examples(span=7, train=TABLE, eval=TABLE.slice(0, 1))
    step = StatisticsGen(examples=examples.outputs["result"])
    result = run_steps(examples, step)
    statistics = result.output("StatisticsGen", "statistics")
    assert result.exit_code == 0
    assert statistics.split_names == ("train", "eval")
    assert statistics.properties["span"] == 7
    assert [statistics.read(split).datasets[0].num_examples for split in ("train", "eval")] == [3, 1]
    fare = statistics.read("train").datasets[0].features[0]
    assert (fare.num_stats.common_stats.num_missing, fare.num_stats.max) == (1, 3.0)


def test_excluded_splits_and_options_are_honoured(write_examples: WriteExamples, run_steps: RunSteps) -> None:
    examples = write_examples(train=TABLE, eval=TABLE)
    step = StatisticsGen(
        examples=examples.outputs["result"],
        exclude_splits=["eval"],
        stats_options=StatisticsOptions(feature_allowlist=("company",)),
    )
    statistics = run_steps(examples, step).output("StatisticsGen", "statistics")
    assert statistics.split_names == ("train",)
    assert [feature.path.step[0] for feature in statistics.read("train").datasets[0].features] == ["company"]


def test_a_misspelt_split_is_not_silently_included(write_examples: WriteExamples, run_steps: RunSteps) -> None:
    examples = write_examples(train=TABLE, eval=TABLE)
    result = run_steps(examples, StatisticsGen(examples=examples.outputs["result"], exclude_splits=["evl"]))
    assert result.exit_code == 1
    assert "Did you mean 'eval'?" in result.step("StatisticsGen").reason


def test_a_row_count_that_does_not_agree_fails_the_step(
    write_examples: WriteExamples, run_steps: RunSteps, tmp_path: Path
) -> None:
    examples = write_examples(train=TABLE)
    first = run_steps(examples)
    artifact = first.output(examples.id, "result")
    artifact.rows["train"] = 4
    context = ExecutionContext(engine=EmbeddedEngine(), temp_dir=tmp_path)
    with raises("rows.do_not_add_up", "4", "3"):
        StatisticsGen.spec.function(
            context=context, examples=artifact, statistics=type(artifact)(tmp_path / "out"), schema=None
        )


def test_a_sample_is_of_rows_that_were_all_read(write_examples: WriteExamples, run_steps: RunSteps) -> None:
    examples = write_examples(train=pa.table({"x": range(1000)}))
    options = StatisticsOptions(sample_rate=0.5)
    result = run_steps(examples, StatisticsGen(examples=examples.outputs["result"], stats_options=options))
    assert result.exit_code == 0
    (dataset,) = result.output("StatisticsGen", "statistics").read("train").datasets
    assert 400 < dataset.num_examples < 600


def test_slices_are_configured_with_the_step(write_examples: WriteExamples, run_steps: RunSteps) -> None:
    examples = write_examples(train=TABLE)
    options = StatisticsOptions(slices=(SlicingSpec(feature_keys=("company",)), SlicingSpec(where="fare > 2")))
    result = run_steps(examples, StatisticsGen(examples=examples.outputs["result"], stats_options=options))
    assert result.exit_code == 0
    datasets = result.output("StatisticsGen", "statistics").read("train").datasets
    assert [dataset.name for dataset in datasets] == ["All Examples", "company_a", "company_b", "fare > 2"]


def test_another_vocabulary_is_another_result(
    write_examples: WriteExamples, run_steps: RunSteps, tmp_path: Path
) -> None:
    """The options name the file only; statistics of its former words must not be taken from the cache."""
    examples, words = write_examples(train=TABLE), tmp_path / "words.txt"
    options = StatisticsOptions(enable_semantic_domain_stats=True, vocab_paths={"companies": str(words)})

    def status() -> str:
        step = StatisticsGen(examples=examples.outputs["result"], stats_options=options)
        return run_steps(examples, step).step("StatisticsGen").status

    words.write_text("a\n")
    assert [status(), status()] == ["complete", "cached"]
    words.write_text("a\nb\n")
    assert [status(), status()] == ["complete", "cached"]
