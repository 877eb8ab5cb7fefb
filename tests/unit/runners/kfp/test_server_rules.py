"""Compiled pipelines hold to what Kubeflow's servers do, which the compiler does not check; see `kfp_rules`."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from google.protobuf import json_format
from hypothesis import given
from hypothesis import strategies as st
from kfp import dsl
from kfp.dsl import graph_component

from assay.artifacts import ExampleStatistics, Model, Schema
from assay.components import ExampleValidator as Validator
from assay.components import ImportSchemaGen
from assay.runners.kfp import CsvExampleGen, SecretKey, StatisticsGen, StepOptions, component_of, kfp_pipeline
from assay.runners.kfp.embedded_files import MOST_BYTES
from assay.spec import Cond, Importer, Inputs, Output, Pipeline, RuntimeParameter, component, latest_blessed_model
from assay.spec.node import Node
from raising import raises

DOCS = ["guides/kfp.md", "guides/porting.md"]
rules = import_module("kfp_rules")  # by name: the components below travel with what this module imports
faults = rules.faults


class Outcome(NamedTuple):
    """What conditions read."""

    good: bool
    count: int


@component
def Make(schema: Output[Schema], *, text: str = "a", size: dict[str, Any] | None = None) -> Outcome:  # noqa: N802
    """Makes one."""
    schema.file.write_text(text)
    return Outcome(good=True, count=len(size or {}))


@component
def Take(schemas: Inputs[Schema], model: Inputs[Model] | None = None, *, count: int = 0) -> Outcome:  # noqa: N802
    """Takes some."""
    return Outcome(good=True, count=count)


def ir_of(made: Any) -> dict[str, Any]:
    return json_format.MessageToDict(made.pipeline_spec)


def ir(nodes: list[Node], **options: Any) -> dict[str, Any]:
    return ir_of(kfp_pipeline(Pipeline("p", components=nodes), **options))


def noise(count: int) -> str:
    chance = random.Random(1)
    return "".join(f"{chance.getrandbits(32):08x}" for _ in range(count))


class TestListedCases:
    def test_an_importer(self) -> None:
        found = Importer("s3://bucket/examples", Schema)
        document = ir([found, Take(schemas=found.outputs["result"])])
        assert document["root"]["dag"]["tasks"]["importer"]["taskInfo"]["name"] == "importer"
        assert faults(document) == []

    def test_two_conditions_that_read_the_same(self) -> None:
        """Nor do two groups have the same name, which KFP before 2.14 fails on."""
        one = Make()
        nodes: list[Node] = [one]
        for name in ("a", "b"):
            with Cond(one.outputs["good"] == 1):
                nodes.append(Make().with_id(name))
        assert faults(ir(nodes)) == []

    def test_a_component_twice(self) -> None:
        def twice(folder, word, other):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202 (KFP reads real types)
            made = dsl.importer(artifact_uri="s3://bucket/csv", artifact_class=dsl.Dataset)
            examples = CsvExampleGen(input_base=folder).outputs["examples"]
            CsvExampleGen(input_base_artifact=made.output)
            CsvExampleGen(
                input_base=folder, range_config={"static_range": {"start_span_number": 1, "end_span_number": 1}}
            )
            StatisticsGen(examples=examples, exclude_splits=[word])
            StatisticsGen(examples=examples, exclude_splits=[other])
            StatisticsGen(examples=examples, exclude_splits=[word, other])
            StatisticsGen(examples=examples)
            StatisticsGen(examples=examples)

        twice.__annotations__ = dict.fromkeys(["folder", "word", "other"], str)
        document = ir_of(dsl.pipeline(name="twice")(twice))
        assert faults(document) == []
        executors = document["deploymentSpec"]["executors"].values()
        containers = [json.dumps(each["container"]) for each in executors if "container" in each]
        assert (len(containers), len({*containers})) == (8, 7), "only the two that are alike are the same"

    def test_files_that_are_too_large_together(self, tmp_path: Path) -> None:
        (tmp_path / "big.pbtxt").write_text(noise(8000))
        steps = [ImportSchemaGen(schema_file=str(tmp_path / "big.pbtxt")).with_id(name) for name in ("One", "Two")]
        assert faults(ir([steps[0]])) == []
        with raises("kfp.too_large", "p", "one.schema_file", "KiB"):
            ir(steps)

    def test_values_that_are_too_large_together(self) -> None:
        steps = [Make(text=noise(2000)).with_id(f"n{number}") for number in range(4)]
        with raises("kfp.too_large", "n0.text", "16", "KiB", "n1.text", "n2.text"):
            ir(steps)

    @pytest.mark.parametrize("character", ['"', "\\", "<", "é"])
    def test_what_grows_on_its_way(self, character: str) -> None:
        with raises("kfp.too_large", "n"):
            ir([Make(size={"a": character * (MOST_BYTES // 2 + 10)}).with_id("n")])

    def test_defaults_of_the_pipeline(self) -> None:
        """The server hands them to the first driver twice: in the pipeline, and as its parameters."""
        text = RuntimeParameter("text", str, noise(MOST_BYTES // 16))
        with raises("kfp.too_large", "KiB"):
            ir([Make(text=text)])

    @pytest.mark.parametrize("name", ["*", "ExampleValidator"])
    def test_gates_run_where_their_step_runs(self, name: str) -> None:
        statistics = Importer("s3://b/statistics", ExampleStatistics)
        schema = Importer("s3://b/schema", Schema).with_id("schema")
        check = Validator(statistics=statistics.outputs["result"], schema=schema.outputs["result"])
        made = kfp_pipeline(
            Pipeline("p", components=[statistics, schema, check]),
            steps={
                name: StepOptions(
                    image="mine:1", env={"A": "b"}, secrets={"K": SecretKey(secret="s", key="k")}, retries=2
                )
            },
        )
        document, platform = ir_of(made), json_format.MessageToDict(made.platform_spec)
        for label in ("exec-example-validator", "exec-example-validator-gate"):
            container = document["deploymentSpec"]["executors"][label]["container"]
            assert container["image"] == "mine:1"
            assert container["env"] == [{"name": "A", "value": "b"}]
            assert "secretAsEnv" in platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"][label]
        tasks = document["root"]["dag"]["tasks"]
        assert tasks["example-validator-gate"]["retryPolicy"]["maxRetryCount"] == 2
        assert not tasks["example-validator-gate"]["cachingOptions"]

    def test_decisions_have_the_options_of_all(self) -> None:
        one = Make()
        with Cond(one.outputs["good"] == 1):
            two = Make().with_id("two")
        document = ir([one, two], steps={"*": StepOptions(image="mine:1", env={"A": "b"}, caching=False)})
        for executor in document["deploymentSpec"]["executors"].values():
            assert (executor["container"]["image"], "env" in executor["container"]) == ("mine:1", True)

    def test_a_resolver_has_options_of_its_own(self) -> None:
        baseline = latest_blessed_model()
        schema = Importer("s3://b/schema", Schema)
        take = Take(schemas=schema.outputs["result"], model=baseline.outputs["model"])
        steps = {baseline.id: StepOptions(image="mine:1")}
        executors = ir([schema, baseline, take], steps=steps, registry="s3://b/r")["deploymentSpec"]["executors"]
        assert [each["container"]["image"] for name, each in executors.items() if "resolver" in name] == ["mine:1"]

    def test_a_retry_has_no_deadline(self) -> None:
        document = ir([Make()], steps={"*": StepOptions(retries=2, retry_backoff="30s")})
        policy = document["root"]["dag"]["tasks"]["make"]["retryPolicy"]
        assert policy == {
            "maxRetryCount": 2,
            "backoffDuration": "30s",
            "backoffFactor": 2.0,
            "backoffMaxDuration": "31536000s",
        }


@pytest.mark.parametrize(
    "name", ["condition-1", "Condition 1", "For Loop 1", "ключ", "!!", "a" * 200, "root", "importer"]
)
def test_any_id_of_a_node(name: str) -> None:
    """KFP's compiler drops a task whose key is that of a group; and what comes of a task has a name, too."""
    one = Make().with_id(name)
    with Cond(one.outputs["good"] == 1):
        two = Make().with_id("condition-1" if name != "condition-1" else "condition-2")
    with Cond(one.outputs["good"] == True):  # noqa: E712
        three = Make().with_id("three")
    schema = Importer("s3://b/schema", Schema).with_id("schema")
    document = ir([one, two, three, schema, Take(schemas=schema.outputs["result"])])
    assert faults(document) == []
    listed = [
        each["container"]["args"] for each in document["deploymentSpec"]["executors"].values() if "container" in each
    ]
    nodes = [args[args.index("--node") + 1] for args in listed]
    assert {one.id, two.id, "three", "Take"} < {*nodes}
    assert sum(len(dag["tasks"]) for _, dag in rules.dags(document)) == len(listed) + 3, "an importer, two groups"


def test_a_name_that_is_too_long() -> None:
    with raises("kfp.pipeline_name", "200"):
        kfp_pipeline(Pipeline("p" * 200, components=[Make()]))


def _text(document: dict[str, Any], old: str, new: str) -> dict[str, Any]:
    changed: dict[str, Any] = json.loads(json.dumps(document).replace(old, new))
    return changed


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda ir: _text(ir, '{"name": "importer"}', '{"name": "Importer"}'), "under which its consumers"),
        (lambda ir: _text(ir, "s3://b/schema", "/data/schema"), "the importer takes no '/data/schema'"),
        (lambda ir: _text(ir, "31536000s", "3600s"), "what fails after 3600s is not retried"),
        (lambda ir: _text(ir, '"constant": "some"', f'"constant": "{"x" * 70_000}"'), "before 3.6 cannot"),
        (lambda ir: _text(ir, '"constant": "some"', f'"constant": "{"x" * 140_000}"'), "before 2.17 cannot"),
        (lambda ir: _text(ir, '"producerTask": "importer"', '"producerTask": "other"'), "not in its group"),
        (lambda ir: _text(ir, '"image": "', '"picture": "'), "no image"),
    ],
)
def test_the_rules_find_faults(change: Callable[[dict[str, Any]], dict[str, Any]], fault: str) -> None:
    schema = Importer("s3://b/schema", Schema)
    steps = {"*": StepOptions(retries=2)}
    document = ir([schema, Take(schemas=schema.outputs["result"]), Make(text="some")], steps=steps)
    assert faults(document) == []
    assert [each for each in faults(change(document)) if fault in each]


PARTS = st.tuples(
    st.sampled_from(["make", "take", "import", "check"]), st.integers(0, 5), st.integers(0, 5), st.booleans()
)
GUARDS = st.sampled_from(["none", "plain", "number", "either", "both"])


@given(st.lists(PARTS, max_size=6), GUARDS)
def test_any_pipeline(parts: list[tuple[str, int, int, bool]], guard: str) -> None:
    first = Make(text=RuntimeParameter("text", str, "a"))
    statistics = Importer("s3://b/statistics", ExampleStatistics).with_id("statistics")
    schemas, outcomes, nodes = [first.outputs["schema"]], [first], [first, statistics]
    for number, (kind, one, two, ordered) in enumerate(parts):
        schema, outcome = schemas[one % len(schemas)], outcomes[two % len(outcomes)]
        node: Any = {
            "make": lambda outcome=outcome: Make(size={"a": [outcome.outputs["count"]]}),
            "take": lambda schema=schema: Take(schemas=[schema, first.outputs["schema"]]),
            "import": lambda number=number: Importer(f"s3://b/{number}", Schema),
            "check": lambda schema=schema, two=two: Validator(
                statistics=statistics.outputs["result"], schema=schema, fail_on="never" if two % 2 else "error"
            ),
        }[kind]()
        node.with_id(f"{kind}{number}")
        if ordered:
            node.after(nodes[two % len(nodes)])
        nodes.append(node)
        schemas += [node.outputs["schema" if kind == "make" else "result"]] if kind in {"make", "import"} else []
        outcomes += [node] if kind in {"make", "take"} else []
    good, count = outcomes[-1].outputs["good"], first.outputs["count"]
    predicates = {"plain": good == True, "number": good == 1, "either": (good == 1) | (count > 1)}  # noqa: E712
    predicate = {**predicates, "both": (count > 1) & ~(good == 1)}.get(guard)
    if predicate is not None:
        with Cond(predicate):
            nodes += [Take(schemas=schema).with_id(f"last{number}") for number, schema in enumerate(schemas)]
    assert faults(ir(nodes, steps={"*": StepOptions(retries=1)})) == []


@pytest.mark.parametrize("page", DOCS)
def test_pipelines_of_the_documentation(
    page: str, project_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "schema.pbtxt").write_text('feature { name: "n" type: INT }')
    text = (project_root / "docs" / page).read_text(encoding="utf-8")
    blocks = [
        code
        for code in re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
        if "@dsl.pipeline" in code
    ]
    for code in blocks:
        names: dict[str, Any] = {}
        exec(compile(code, page, "exec", dont_inherit=True), names)
        made = [each for each in names.values() if isinstance(each, graph_component.GraphComponent)]
        assert made
        for each in made:
            assert faults(ir_of(each)) == []


def test_a_component_whose_source_is_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = (
        "from assay.spec import component\n\n@component\ndef Large(*, text: str) -> None:\n    '''Does nothing.'''\n"
    )
    (tmp_path / "large_step.py").write_text(f"{source}NOISE = '{noise(5000)}'\n")
    monkeypatch.syspath_prepend(tmp_path)
    large = component_of(import_module("large_step").Large)
    declared = dsl.pipeline(name="p")

    def small():  # type: ignore[no-untyped-def]  # noqa: ANN202 (KFP reads real types)
        large(text="a")

    def both():  # type: ignore[no-untyped-def]  # noqa: ANN202 (as above)
        large(text=noise(5000))

    declared(small)
    with raises("kfp.too_large", "large.text", "39", "KiB"):
        declared(both)
