"""What `assay gate` and `assay evaluate` are told to judge: tables of predictions, or models on data."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assay.errors import UsageError

if TYPE_CHECKING:
    from assay.components.evaluator.inference.predicting import Predict
    from assay.components.evaluator.kernel_engine.deciding import Rules
    from assay.components.evaluator.kernel_engine.judgement import Models, Tables
    from assay.components.evaluator.work import Evaluated, MetricsEngine
    from assay.gating.verdict import Verdict

_FUNCTION = ".py:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """The options that say what is judged.

    Attributes:
        config: The configuration's file.
        predictions: `--predictions`.
        baseline_predictions: `--baseline-predictions`.
        join_on: `--join-on`.
        model: `--model`.
        baseline: `--baseline`.
        data: `--data`.
        split: `--split`.
    """

    config: Path
    predictions: Path | None = None
    baseline_predictions: Path | None = None
    join_on: str | None = None
    model: str | None = None
    baseline: str | None = None
    data: Path | None = None
    split: str | None = None

    def judged(self) -> Tables | Models:
        """Gives the tables or the models.

        Raises:
            UsageError: It is neither, both or half of one.
        """
        from assay.components.evaluator.kernel_engine.judgement import Models, Tables

        of_tables = {"--baseline-predictions": self.baseline_predictions, "--join-on": self.join_on}
        of_models = {"--baseline": self.baseline, "--data": self.data, "--split": self.split}
        if (self.model is None) == (self.predictions is None):
            raise UsageError(
                "gate.what",
                f"Expected either --predictions TABLE or --model M; got {'neither' if self.model is None else 'both'}.",
            )
        strange = of_tables if self.model is not None else of_models
        for option, value in strange.items():
            if value is not None:
                goes = "--predictions" if self.model is not None else "--model"
                raise UsageError("gate.what", f"{option} goes with {goes}, which is not given.")
        if self.model is None:
            return Tables(
                config=self.config,
                predictions=self.predictions,
                baseline_predictions=self.baseline_predictions,
                join_on=self.join_on,
            )
        if self.data is None:
            raise UsageError("gate.data", "--model needs the examples to judge it on.", "Give --data D.")
        return Models(
            config=self.config,
            data=self.data,
            model=model_of(self.model),
            baseline=None if self.baseline is None else model_of(self.baseline),
            split=self.split,
        )


def judged_by(given: Given, rules: Rules, output: Path | None) -> tuple[Verdict, tuple[str, ...]]:
    """Evaluates and decides, as the Evaluator does, and gives the verdict with what to say of how it was computed.

    Args:
        given: What is judged.
        rules: What the gate is told besides the configuration.
        output: Where `metrics.parquet`, TFMA's files, `summary.md` and `flips.parquet` go, if anywhere.
    """
    import tempfile

    from assay.components.evaluator.kernel_engine.judgement import Models

    judged = given.judged()
    with tempfile.TemporaryDirectory(prefix="assay-gate-") as scratch:
        folder = output or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        if isinstance(judged, Models):
            evaluated = evaluated_models(judged, folder, rules)
            return evaluated.verdict, evaluated.notes
        return _judged_tables(judged, folder, rules)


def _judged_tables(tables: Tables, folder: Path, rules: Rules) -> tuple[Verdict, tuple[str, ...]]:
    from dataclasses import replace

    from assay.components.evaluator.evaluation_files import write_for_people, write_metrics, write_tfma_files
    from assay.components.evaluator.kernel_engine.judgement import judge
    from assay.engines.embedded.engine import EmbeddedEngine

    engine = EmbeddedEngine()
    found = judge(tables, engine, replace(rules, sampling=replace(rules.sampling, threads=engine.threads)))
    write_tfma_files(folder, found.evaluation)
    write_metrics(folder, found.evaluation, 1 - 2 * found.level)
    write_for_people(folder, found.verdict, found.flips)
    return found.verdict, tuple(f"warning: {warning.sentence}" for warning in found.warnings)


def evaluated_models(
    models: Models, folder: Path, rules: Rules | None = None, metrics_engine: MetricsEngine = "auto"
) -> Evaluated:
    """Evaluates as the Evaluator does; metrics without a kernel are TFMA's.

    Args:
        models: What is judged.
        folder: Where the files go.
        rules: What the gate is told besides the configuration.
        metrics_engine: Who computes.
    """
    from assay.artifacts.sources import rows_of
    from assay.components.evaluator.compute import evaluate
    from assay.components.evaluator.config import read_config
    from assay.components.evaluator.work import Evaluation

    read = read_config(models.config)
    work = Evaluation(
        config=read.eval_config,
        additions=read.additions,
        rows=rows_of(models.data, split=models.split),
        model=models.model,
        baseline=models.baseline,
        data_location=str(models.data),
        metrics_engine=metrics_engine,
    )
    return evaluate(work, folder, rules)


def model_of(given: str) -> Path | Predict:
    """Gives the model of an argument: a Model artifact, a SavedModel, a Keras file, or `file.py:function`.

    Raises:
        UsageError: There is nothing there, or the file has no such function.
    """
    from assay.gating.served_model import serving_folder
    from assay.spec.user_code import load_function

    if _FUNCTION in given:
        file, _, name = given.rpartition(":")
        return load_function(file, None, name)
    path = Path(given)
    if not path.exists():
        raise UsageError(
            "gate.model",
            f"Expected a model at {path}; there is nothing.",
            "A SavedModel's folder, a .keras file, or file.py:function.",
        )
    return path if path.is_file() else serving_folder(path)


def write_blessing(folder: Path, given: Given, verdict: Verdict, config: Any) -> Path | None:
    """Writes the blessing of a model, which `assay verify` and `assay push` take, and gives its folder.

    A table of predictions and a function are no model that could be pushed: they get none.

    Args:
        folder: The output folder; the blessing goes below it.
        given: What was judged.
        verdict: The decision.
        config: The configuration and the policies, as plain values.
    """
    import msgspec

    from assay.artifacts.blessing import ModelBlessing
    from assay.gating.blessing import Judged, bless
    from assay.gating.served_model import served_digest

    models = [model_of(one) if one is not None else None for one in (given.model, given.baseline)]
    model, baseline = models
    if not isinstance(model, Path) or model.is_file():
        return None
    path = folder / "blessing"
    path.mkdir(parents=True, exist_ok=True)
    plain = msgspec.json.encode(config, order="deterministic")
    judged = Judged(
        model=served_digest(model),
        baseline=served_digest(baseline) if isinstance(baseline, Path) and baseline.is_dir() else "",
        examples=tuple(_digests(given.data)),
        splits=(given.split,) if given.split is not None else (),
        config=f"sha256:{sha256(plain).hexdigest()}",
    )
    bless(judged, verdict, ModelBlessing(path), model=None)
    return path


def _digests(data: Path | None) -> list[str]:
    if data is None:
        return []
    files = sorted(path for path in data.rglob("*") if path.is_file()) if data.is_dir() else [data]
    found = []
    for path in files:
        if path.is_file():  # a pattern names several
            with path.open("rb") as stream:
                digest = sha256()
                while block := stream.read(1 << 20):
                    digest.update(block)
            found.append(f"sha256:{digest.hexdigest()}")
    return found
