"""The components in the layout of kubeflow/pipelines-components, ready for a pull request there.

    python contrib/pipelines_components.py FOLDER --approver GITHUB_NAME

That repository wants, for each component, a function decorated with KFP's own decorators in a module that imports kfp
and the standard library only, `metadata.yaml`, `OWNERS` and `README.md` (KEP-913 of kubeflow/community).
"""

from __future__ import annotations

import argparse
import json
import textwrap
from collections.abc import Iterable, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import yaml

from assay import components
from assay.files import write_durably
from assay.runners.kfp.components import WIRE_CLASSES, StepCommand
from assay.runners.kfp.interface import Interface, WireArtifact, WireParameter, interface

_CATEGORIES = {
    "BulkInferrer": "evaluation",
    "Evaluator": "evaluation",
    "InfraValidator": "deployment",
    "Pusher": "deployment",
    "Trainer": "training",
}
_GROUP = "assay"
_WIDTH = 120
# The oldest SDK that the tests run with.
_KFP = ">=2.13.0"


def publish_components(folder: Path, approvers: Sequence[str], *, now: datetime | None = None) -> list[Path]:
    """Write every component below `folder`, which is a checkout of kubeflow/pipelines-components.

    Args:
        folder: The checkout, or an empty folder.
        approvers: GitHub names of Kubeflow members who answer for the components.
        now: When the components were verified; now by default.

    Returns:
        The components' folders.
    """
    verified = (now or datetime.now(timezone.utc)).replace(microsecond=0)
    owners = _yaml({"approvers": list(approvers)})
    made = []
    for name in components.__all__:
        spec = getattr(components, name).spec
        shown = interface(spec)
        group = folder / "components" / _CATEGORIES.get(name, "data_processing") / _GROUP
        target = group / shown.name
        target.mkdir(parents=True, exist_ok=True)
        (group / "__init__.py").touch()
        write_durably(group / "OWNERS", owners.encode())
        package = f'from .component import {shown.name}\n\n__all__ = ["{shown.name}"]\n'
        write_durably(target / "__init__.py", package.encode())
        write_durably(target / "component.py", _module(shown, StepCommand().container(spec)).encode())
        write_durably(target / "metadata.yaml", _metadata(shown.name, group.parent.name, verified).encode())
        write_durably(target / "OWNERS", owners.encode())
        write_durably(target / "README.md", _readme(name, shown).encode())
        made.append(target)
    return made


def _metadata(name: str, category: str, verified: datetime) -> str:
    """Return the fields in the order that the repository's check asks for; the date is a YAML timestamp, not text."""
    fields = {
        "name": name,
        "stability": "alpha",
        "dependencies": {"kubeflow": [{"name": "Pipelines", "version": _KFP}]},
        "tags": ["validation", category],
        "lastVerified": verified,
    }
    return "---\n" + _yaml(fields)


class _Indented(yaml.SafeDumper):
    """Indents lists, as that repository's yamllint wants them."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002 (the base's)
        super().increase_indent(flow, indentless=False)


def _yaml(value: Any) -> str:
    return yaml.dump(value, Dumper=_Indented, sort_keys=False)


def _module(shown: Interface, container: Any) -> str:
    """Return the source of `component.py`."""
    required = [f"{each.name}: {_input(each)}" for each in shown.inputs if not each.optional]
    required += [f"{each.name}: {each.type.__name__}" for each in shown.parameters if each.required]
    required += [f"{each.name}: dsl.Output[{_class(each)}]" for each in shown.outputs]
    required += [f"{each.name}: dsl.OutputPath({each.type.__name__})" for each in shown.output_parameters]
    optional = [f"{each.name}: {_input(each)} = None" for each in shown.inputs if each.optional]
    optional += [_optional_parameter(each) for each in shown.parameters if not each.required]
    signature = "".join(f"    {line},\n" for line in (*required, *optional))
    documentation = textwrap.indent(_documentation(shown), "    ").strip()
    is_wide = any(len(line) > _WIDTH for line in documentation.splitlines())
    arguments = "".join(f"            {_literal(argument)},\n" for argument in container.args)
    command = ", ".join(_literal(word) for word in container.command)
    return (
        ("from typing import Optional\n\n" if "Optional[" in signature else "")
        + "from kfp import dsl\n\n\n@dsl.container_component\n"
        f'def {shown.name}(\n{signature}):\n    """{documentation}\n    """{"  # noqa: E501" if is_wide else ""}\n'
        f"    return dsl.ContainerSpec(\n        image={_literal(container.image)},\n        command=[{command}],\n"
        f"        args=[\n{arguments}        ],\n    )\n"
    )


def _literal(value: Any) -> str:
    """Return a value's source, with the quotes that ruff's formatter wants."""
    return json.dumps(value) if isinstance(value, str) else repr(value)


def _input(declared: WireArtifact) -> str:
    annotation = f"dsl.Input[{_class(declared)}]"
    return f"Optional[{annotation}]" if declared.optional else annotation


def _class(declared: WireArtifact) -> str:
    return f"dsl.{WIRE_CLASSES[declared.schema_title].__name__}"


def _optional_parameter(declared: WireParameter) -> str:
    annotation = declared.type.__name__
    if declared.default is None:
        return f"{declared.name}: Optional[{annotation}] = None"
    return f"{declared.name}: {annotation} = {_literal(declared.default)}"


def _documentation(shown: Interface) -> str:
    given = [*_described(shown.inputs), *_described(shown.parameters)]
    made = [*_described(shown.outputs), *_described(shown.output_parameters)]
    # Outputs are arguments, too, which the repository's pydocstyle wants to see; KFP reads them off the other section.
    return "\n".join([shown.description, "", "Args:", *given, *made, "", "Returns:", *made])


def _described(declared: Iterable[WireArtifact | WireParameter]) -> list[str]:
    return [f"    {each.name}: {each.description or '.'}" for each in declared]


def _readme(name: str, shown: Interface) -> str:
    rows = [f"| `{each.name}` | `{_class(each)}` | {each.description} |" for each in shown.inputs]
    rows += [f"| `{each.name}` | `{each.type.__name__}` | {each.description} |" for each in shown.parameters]
    made = [f"| `{each.name}` | `{_class(each)}` | {each.description} |" for each in shown.outputs]
    made += [f"| `{each.name}` | `{each.type.__name__}` | {each.description} |" for each in shown.output_parameters]
    head = "|---|---|---|"
    lines = [f"# {name}", "", shown.description, "", "## Inputs", "", "| name | type | |", head, *rows]
    lines += ["", "## Outputs", "", "| name | type | |", head, *made, ""]
    return "\n".join(lines)


def main() -> None:
    """Write the components from the command line."""
    parser = argparse.ArgumentParser(description="Write the components as kubeflow/pipelines-components asks.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--approver", action="append", required=True, help="A GitHub name; may be repeated.")
    given = parser.parse_args()
    for target in publish_components(given.folder, given.approver):
        print(target)  # noqa: T201 (a script's output)


if __name__ == "__main__":
    main()
