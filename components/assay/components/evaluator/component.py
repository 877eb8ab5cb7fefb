"""The Evaluator component."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, NamedTuple

from assay.artifacts.base import Artifact
from assay.artifacts.blessing import ModelBlessing
from assay.artifacts.evaluation import ModelEvaluation
from assay.artifacts.examples import Examples
from assay.artifacts.model import Model
from assay.artifacts.schema import Schema
from assay.data.parquet import open_parquet
from assay.data.splits import TFRECORD_GZIP
from assay.data.tf_example import encode, fits, without_structs
from assay.data.tfrecord import read_records
from assay.errors import UsageError
from assay.evaluation.config import parse_eval_config, read_config, with_modules
from assay.evaluation.plan import is_users
from assay.evaluation.request import MetricsEngine
from assay.files import write_durably
from assay.gating.blessing import bless, judged_by_digest
from assay.gating.junit import to_junit
from assay.gating.policy import FirstRun, NoThresholds, WrittenPolicy
from assay.gating.waivers import read_waivers
from assay.spec import ExecutionContext, FilePath, Input, Inputs, Output, UserModule, component
from assay.spec.annotations import ParsedBy, UserModuleName
from assay.spec.channel import check_splits, foreseen_splits
from assay.spec.source_digest import module_digest, module_name_digest
from assay.spec.user_code import load_function, run_user_code
from assay.spec.values import canonical, placeholders

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from assay.engines.base import Shard

_FILE: Final = ".py"
_BATCH_ROWS = 4096

_DEFAULT_SPLITS = ("eval",)


def depends_on(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return digests of the modules of own metrics, and which waivers have expired.

    Raises:
        UsageError: The configuration or the file of waivers cannot be read.
    """
    config, waivers_file = parameters["eval_config"], parameters.get("waivers_file")
    found: dict[str, Any] = {}
    if any(placeholders(canonical(config, "eval_config"))):
        found["eval_config"] = "given by the run"
    else:
        for spec in read_config(config).eval_config.metrics_specs:
            for module in (metric.module for metric in spec.metrics if is_users(metric.module)):
                found[f"module {module}"] = _digest(module)
    if isinstance(waivers_file, str) and Path(waivers_file).is_file():
        today = datetime.now(tz=timezone.utc).date()
        waivers = read_waivers(Path(waivers_file))
        # Not the day itself: the step must run again when a waiver expires, but not every morning.
        found["waivers in force"] = [one.check for one in waivers if one.expires >= today]
    return found


def _digest(module: str) -> str:
    try:
        return module_digest(Path(module)) if module.endswith(_FILE) else module_name_digest(module)
    except UsageError:
        return "absent"  # the step says so; a pipeline may be compiled where its modules are not


@dataclass(frozen=True, slots=True)
class SeveralSplits:
    """Several splits of several artifacts, one after another: a Source.

    Attributes:
        examples: The artifacts.
        splits: The splits of each.
    """

    examples: Sequence[Examples]
    splits: Sequence[str]

    @property
    def shards(self) -> Sequence[Shard]:
        """The parts, in order."""
        sources = [artifact.source(split) for artifact in self.examples for split in self.splits]
        return [shard for source in sources for shard in source.shards]

    @property
    def bounded(self) -> bool:
        """Whether each part of each split is small enough for a worker to hold."""
        return all(artifact.source(split).bounded for artifact in self.examples for split in self.splits)


class EvaluatorFindings(NamedTuple):
    """What conditions can read.

    Attributes:
        blessed: Whether the model is blessed.
    """

    blessed: bool


def _check(arguments: Mapping[str, Any]) -> None:
    if "example_splits" in arguments:
        splits = arguments["example_splits"] or _DEFAULT_SPLITS
        check_splits(foreseen_splits(arguments["examples"]), splits, "example_splits", "evaluator.unknown_split")
    if "eval_config" in arguments and not (arguments.get("module_file") or arguments.get("module_path")):
        from assay.evaluation.model_evaluation import check_configuration
        from assay.evaluation.request import EvaluationRequest

        model, baseline = (Path() if name in arguments else None for name in ("model", "baseline_model"))
        config = read_config(arguments["eval_config"]).eval_config
        engine = arguments.get("engine", "tfma")  # where only the run knows it, TFMA may compute everything
        check_configuration(EvaluationRequest(config=config, model=model, baseline=baseline, metrics_engine=engine))


@component(
    libraries=("tensorflow", "tensorflow-model-analysis"),
    check=_check,
    depends_on=depends_on,
    positional=(
        "examples",
        "model",
        "baseline_model",
        "feature_slicing_spec",
        "fairness_indicator_thresholds",
        "example_splits",
        "eval_config",
        "schema",
        "module_file",
        "module_path",
    ),
    refused={
        "feature_slicing_spec": "Name the slices in eval_config: slicing_specs.",
        "fairness_indicator_thresholds": 'Add the metric to eval_config: class_name: "FairnessIndicators", config: '
        '{"thresholds": [0.25, 0.5]}.',
    },
)
def Evaluator(
    context: ExecutionContext,
    examples: Inputs[Examples],
    evaluation: Output[ModelEvaluation],
    blessing: Output[ModelBlessing],
    *,
    eval_config: Annotated[dict[str, Any], ParsedBy(parse_eval_config, with_modules)],
    model: Input[Model] | None = None,
    baseline_model: Input[Model] | None = None,
    schema: Input[Schema] | None = None,
    example_splits: list[str] | None = None,
    module_file: UserModule | None = None,
    module_path: UserModuleName | None = None,
    first_run: FirstRun | None = None,
    no_thresholds: NoThresholds | None = None,
    engine: MetricsEngine = "auto",
    waivers_file: FilePath | None = None,
) -> EvaluatorFindings:
    """Compute a model's metrics, overall and by slice, and bless it if every threshold holds.

    A model that is not blessed is not an error: the verdict says which checks failed and by how much, and Pusher does
    not push it. The blessing names the model, and its baseline, by digest.

    Args:
        context: The run that the step is part of.
        examples: The data to evaluate on.
        evaluation: TFMA's files, which `tfma.load_eval_result` reads, `metrics.parquet`, `computed_by.json`, which says
            who computed what, `classes.json` where classes have names, `summary.md` and `junit.xml` for people and CI
            servers, and `flips.parquet`: the rows by which a failing slice became worse.
        blessing: The mark `BLESSED` or `NOT_BLESSED`, and `verdict.json` with every check.
        eval_config: What to compute and to hold: an `EvalConfig` message, a dict, the path of a JSON, YAML or text
            proto file, or such a text.
        model: The model to judge; may be absent where `eval_config` names a `prediction_key`.
        baseline_model: The model that change thresholds compare with.
        schema: The schema of the examples, where a model reads features by their representation in it.
        example_splits: The splits to evaluate on; `eval` by default.
        module_file: A module with `custom_eval_shared_model` or `custom_extractors`, as in TFX.
        module_path: Its dotted name instead, where it is importable.
        first_run: Without a baseline for the change thresholds: `values_only` lets the value thresholds decide, `bless`
            blesses, `block` blocks. Left out, the `policy` section of `eval_config` decides, or else `values_only`.
        no_thresholds: With no threshold at all: `block` or `bless`. Left out, the `policy` section decides, or else
            `block`. Significance and its level are set in `eval_config` alone.
        engine: Who computes: `auto` is assay's kernels and, for metrics that have none, TFMA; `kernel` refuses those;
            `tfma` leaves everything to TFMA.
        waivers_file: A YAML list of failures that somebody answers for until a date, as for `assay gate --waivers`.
            When one expires the step runs again, and Pusher no longer accepts a blessing that depends on it.
    """
    # Declaring a pipeline must not load what only its run needs.
    from assay.evaluation.decision import Rules
    from assay.evaluation.model_evaluation import evaluate
    from assay.evaluation.request import EvaluationRequest

    splits = tuple(example_splits or _DEFAULT_SPLITS)
    read = read_config(eval_config)
    rules = Rules(
        policy=WrittenPolicy(first_run=first_run, no_thresholds=no_thresholds),
        waivers=() if waivers_file is None else read_waivers(Path(waivers_file)),
        today=datetime.now(tz=timezone.utc).date(),
        subjects=_digests(model=model, baseline_model=baseline_model),
    )
    judged = judged_by_digest(
        model=model,
        baseline=baseline_model,
        examples=examples,
        splits=splits,
        config=rules.bound(read),
    )
    batches = SerializedExamples(examples, splits)
    folders = {str(one.split_path(split)): one for one in examples for split in splits}
    if batches.left_out():
        context.log(f"Left out, because a tf.Example cannot hold nested values: {', '.join(batches.left_out())}.")
    evaluated = evaluate(
        EvaluationRequest(
            config=read.eval_config,
            additions=read.additions,
            batches=batches,
            rows=SeveralSplits(tuple(examples), splits),
            model=model.serving_path if model else None,
            baseline=baseline_model.serving_path if baseline_model else None,
            schema=without_structs(schema.read()) if schema else None,
            data_location=", ".join(folders),
            recorded_as={
                ", ".join(folders): ", ".join(_by_digest(Path(path), one) for path, one in folders.items()),
                **{str(one.serving_path): _by_digest(one.serving_path, one) for one in (model, baseline_model) if one},
            },
            **_custom_functions(module_file, module_path),
            beam_pipeline_args=context.beam_pipeline_args,
            metrics_engine=engine,
            engine=context.engine,
        ),
        evaluation.path,
        rules,
    )
    context.count_rows("+".join(splits), read=evaluated.rows, written=evaluated.rows)
    for note in evaluated.notes:
        context.log(note)
    verdict = evaluated.verdict
    write_durably(evaluation.path / "junit.xml", to_junit(verdict, name=context.node_id or "Evaluator"))
    bless(judged, verdict, blessing, model=model)
    _name_models(blessing, model, baseline_model)
    if context.node_id:
        blessing.properties["component_id"] = context.node_id
    context.log(verdict.summary)
    return EvaluatorFindings(blessed=verdict.ok)


@dataclass(frozen=True, slots=True)
class SerializedExamples:
    """Examples as batches of serialised `tf.Example`s; may be gone through more than once.

    Attributes:
        examples: The artifacts.
        splits: The splits of each.
    """

    examples: Sequence[Examples]
    splits: Sequence[str]

    def __iter__(self) -> Iterator[list[bytes]]:
        """Return batches of at most 4,096 examples, split by split, of the columns that an example can hold."""
        for artifact in self.examples:
            for split in self.splits:
                if artifact.file_format == TFRECORD_GZIP:
                    yield from _record_batches(artifact.files(split))
                    continue
                table = open_parquet(artifact.files(split))
                for batch in table.batches([column.name for column in table.schema if fits(column.type)]):
                    for start in range(0, batch.num_rows, _BATCH_ROWS):
                        yield encode(batch.slice(start, _BATCH_ROWS))

    def left_out(self) -> list[str]:
        """Name the nested columns, which a `tf.Example` cannot represent."""
        tables = [
            open_parquet(artifact.files(split))
            for artifact in self.examples
            for split in self.splits
            if artifact.file_format != TFRECORD_GZIP
        ]
        return sorted({column.name for table in tables for column in table.schema if not fits(column.type)})


def _record_batches(files: Sequence[Path]) -> Iterator[list[bytes]]:
    # The records go to TFMA as they are: decoding and encoding them again would cost, and could change them.
    for path in files:
        batch: list[bytes] = []
        for record in read_records(path):
            batch.append(record)
            if len(batch) == _BATCH_ROWS:
                yield batch
                batch = []
        if batch:
            yield batch


def _custom_functions(module_file: str | None, module_path: str | None) -> dict[str, Callable[..., Any]]:
    """Return the functions of TFX's names that the user's module has: at least one."""
    found = {}
    if module_file and module_path:
        raise UsageError("evaluator.module", "Expected one of module_file and module_path, got both.")
    module = module_file or module_path
    for name in ("custom_eval_shared_model", "custom_extractors") if module else ():
        try:
            function = load_function(module_file, f"{module_path}.{name}" if module_path else None, name)
        except UsageError as error:
            if error.code != "user_code.no_function":
                raise
            continue
        found[name] = _showing_user_code(function, name, module_file)
    if module and not found:
        raise UsageError(
            "evaluator.no_custom_function",
            f"{module} has neither custom_eval_shared_model nor custom_extractors.",
            "Define one of them, or name no module.",
        )
    return found


def _showing_user_code(function: Callable[..., Any], name: str, module_file: str | None) -> Callable[..., Any]:
    def call(**arguments: Any) -> Any:
        with run_user_code(name, module_file):
            return function(**arguments)

    return call


def _by_digest(path: Path, artifact: Artifact) -> str:
    """Return a path inside an artifact, with the artifact's digest in place of where it lies."""
    return f"{artifact.digest}/{path.relative_to(artifact.path)}" if artifact.digest else str(path)


def _digests(**models: Model | None) -> dict[str, str]:
    return {role: model.digest for role, model in models.items() if model is not None and model.digest}


def _name_models(blessing: ModelBlessing, model: Model | None, baseline: Model | None) -> None:
    for prefix, one in (("current_model", model), ("baseline_model", baseline)):
        if one is None:
            continue
        blessing.properties[prefix] = one.uri
        if one.id is not None:
            blessing.properties[f"{prefix}_id"] = one.id
        if one.digest:
            blessing.properties[f"{prefix}_digest"] = one.digest
