"""What Kubeflow may take from an earlier run: it compares values, and sees none of the files that they name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from assay.components import Evaluator, ParquetExampleGen, StatisticsGen
from assay.kernels.statistics import StatisticsOptions
from assay.runners.kfp.graph import is_cacheable


def test_statistics_without_vocabularies() -> None:
    examples = ParquetExampleGen(input_base="data").outputs["examples"]
    assert is_cacheable(StatisticsGen(examples=examples))
    assert is_cacheable(StatisticsGen(examples=examples, stats_options=StatisticsOptions(num_top_values=3)))
    of_words = StatisticsOptions(vocab_paths={"companies": "elsewhere/words.txt"})
    assert not is_cacheable(StatisticsGen(examples=examples, stats_options=of_words))


def test_evaluations_whose_configuration_is_a_value(tmp_path: Path) -> None:
    def cacheable(config: Any, **more: Any) -> bool:
        examples = ParquetExampleGen(input_base="data").outputs["examples"]
        return is_cacheable(Evaluator(examples=examples, eval_config=config, **more))

    plain = {"metrics_specs": [{"metrics": [{"class_name": "AUC"}]}]}
    assert cacheable(plain)
    own = {"class_name": "Cost", "module": str(tmp_path / "costs.py")}
    assert not cacheable({"metrics_specs": [{"metrics": [own]}]})
    (tmp_path / "waivers.yaml").write_text("[]")
    assert not cacheable(plain, waivers_file=str(tmp_path / "waivers.yaml"))
