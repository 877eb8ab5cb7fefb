"""Every argument of TFX's components, and every name of tfx.v1, is accepted or listed in docs/guides/porting.md."""

from __future__ import annotations

import ast
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import pytest

from assay import components
from assay.v1.refused import REFUSED
from raising import raises

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
    text = (project_root / "docs/guides/porting.md").read_text(encoding="utf-8")
    theirs = arguments_of_tfx(tfx, name)
    if name == "Trainer":
        assert not spec.positional, "TFX's order is not the same in both releases"
    else:
        assert spec.positional[: len(theirs)] == theirs
    ours = spec.inputs.keys() | spec.parameters.keys()
    assert set(theirs) - ours <= spec.refused.keys(), f"{name}: neither accepted nor refused"
    for argument, instead in spec.refused.items():
        assert f"`{name}({argument}=…)`" in text
        with raises("component.refused_argument", name, argument) as caught:
            spec.check_argument_names([argument])
        assert caught.value.hint == instead


def names_of_tfx(tfx: Path) -> dict[str, set[str]]:
    """The public names of each module of tfx.v1, by the module that stands for it here."""
    found: dict[str, set[str]] = {}
    for path in sorted((tfx / "v1").rglob("*.py")):
        parts = [part for part in path.relative_to(tfx / "v1").with_suffix("").parts if part != "__init__"]
        tree = ast.parse(path.read_text(encoding="utf-8"))
        lists = [
            node.value
            for node in tree.body
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
        ]
        found[".".join(["assay.v1", *parts])] = {name for names in lists for name in ast.literal_eval(names)}
    return found


def is_refused(module: str) -> bool:
    """Whether a module, or one that it lies in, is among the refused names."""
    parts = module.split(".")
    return any(parts[at] in REFUSED.get(".".join(parts[:at]), {}) for at in range(2, len(parts)))


def test_every_name_is_there_or_refused_with_a_reason(tfx: Path, project_root: Path) -> None:
    text = (project_root / "docs/guides/porting.md").read_text(encoding="utf-8")
    modules = names_of_tfx(tfx)
    assert sum(map(len, modules.values())) > 100
    for module, names in modules.items():
        if is_refused(module):
            continue
        for name in sorted(names):
            if name not in REFUSED.get(module, {}):
                assert getattr(import_module(module), name) is not None
                continue
            with raises("v1.refused", module, name):
                exec(f"from {module} import {name}", {})
            assert f"`{name}`" in text, f"docs/guides/porting.md does not name {module}.{name}"


def test_nothing_is_refused_that_tfx_does_not_have(tfx_wheel: Callable[[str], Path]) -> None:
    both = [names_of_tfx(tfx_wheel(version)) for version in ("1.16.0", "1.21.0")]
    for module, names in REFUSED.items():
        known = set().union(*(modules[module] for modules in both), *(modules.keys() for modules in both))
        assert {name for name in names if name not in known and f"{module}.{name}" not in known} == set()
