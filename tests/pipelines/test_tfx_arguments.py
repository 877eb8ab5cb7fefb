"""Every argument of TFX's components, and every name of tfx.v1, is accepted here or listed in docs/porting.md."""

from __future__ import annotations

import ast
from collections.abc import Callable
from pathlib import Path

import pytest

from assay import components
from assay.errors import UsageError

pytestmark = pytest.mark.network

HOMES = {
    "BulkInferrer": "bulk_inferrer",
    "CsvExampleGen": "example_gen/csv_example_gen",
    "Evaluator": "evaluator",
    "ExampleValidator": "example_validator",
    "ImportExampleGen": "example_gen/import_example_gen",
    "ImportSchemaGen": "schema_gen/import_schema_gen",
    "InfraValidator": "infra_validator",
    "Pusher": "pusher",
    "SchemaGen": "schema_gen",
    "StatisticsGen": "statistics_gen",
    "Trainer": "trainer",
    "Transform": "transform",
}


@pytest.fixture(scope="module", params=["1.16.0", "1.21.0"])
def tfx(request: pytest.FixtureRequest, tfx_wheel: Callable[[str], Path]) -> Path:
    return tfx_wheel(request.param)


def arguments_of_tfx(tfx: Path, name: str) -> tuple[str, ...]:
    """The arguments of a TFX component's constructor, in order; TFX itself is not imported."""
    tree = ast.parse((tfx / "components" / HOMES[name] / "component.py").read_text(encoding="utf-8"))
    classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
    inits = {node.name: node for node in classes[name].body if isinstance(node, ast.FunctionDef)}
    arguments = inits["__init__"].args
    assert not arguments.kwonlyargs
    assert not arguments.kwarg
    return tuple(argument.arg for argument in arguments.args[1:])


@pytest.mark.parametrize("name", sorted(HOMES))
def test_every_argument_is_accepted_or_refused_with_a_reason(tfx: Path, name: str, project_root: Path) -> None:
    spec = getattr(components, name).spec
    text = (project_root / "docs" / "porting.md").read_text(encoding="utf-8")
    theirs = arguments_of_tfx(tfx, name)
    if name == "Trainer":
        assert not spec.positional, "TFX's order is not the same in both releases"
    else:
        assert spec.positional[: len(theirs)] == theirs
    ours = spec.inputs.keys() | spec.parameters.keys()
    assert set(theirs) - ours <= spec.refused.keys(), f"{name}: neither accepted nor refused"
    for argument, instead in spec.refused.items():
        assert f"`{name}({argument}=…)`" in text
        with pytest.raises(UsageError, match=f"{name} has no argument '{argument}', which TFX's has") as caught:
            spec.check_argument_names([argument])
        assert caught.value.hint == instead
