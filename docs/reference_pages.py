"""Writes the pages of the reference that follow from the code: commands, components, and the schemas of files."""

from __future__ import annotations

import json
import re
import types
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer
from typer.main import get_command

from assay import components
from assay.cli.main import app
from assay.spec.signature import ComponentSpec

DECISIONS = Path(__file__).resolve().parent / "decisions"
SCHEMAS = Path(__file__).resolve().parent.parent / "schemas"


def write_reference(folder: Path) -> None:
    """Write the generated pages into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, lines in (
        ("cli", _commands()),
        ("components", _components()),
        ("files", _files()),
        ("decisions", _decisions()),
    ):
        text = "\n".join(lines) + "\n"
        page = folder / f"{name}.md"
        if not page.is_file() or page.read_text() != text:  # Sphinx reads anew only what has changed
            page.write_text(text)


def _commands() -> Iterator[str]:
    root = get_command(app)
    yield "# Command line\n"
    yield from _command(root, "assay", 2)


def _command(command: Any, name: str, level: int) -> Iterator[str]:
    context = typer.Context(command, info_name=name)
    yield f"{'#' * level} `{name}`\n"
    yield (command.help or "").replace("\f", "") + "\n"
    if command.examples:
        yield f"```sh\n{command.examples}\n```\n"
    options = [record for parameter in command.get_params(context) if (record := parameter.get_help_record(context))]
    if options:
        yield "| option | |\n|---|---|"
        for option, text in options:
            yield f"| `{_cell(option)}` | {_cell(text)} |"
        yield ""
    for each in getattr(command, "commands", {}).values():
        yield from _command(each, f"{name} {each.name}", min(level + 1, 4))


def _components() -> Iterator[str]:
    yield "# Components\n"
    for name in sorted(components.__all__):
        spec = getattr(getattr(components, name), "spec", None)
        if isinstance(spec, ComponentSpec):
            yield from _component(spec)


def _component(spec: ComponentSpec) -> Iterator[str]:
    yield f"## {spec.name}\n"
    yield f"{spec.description}\n"
    yield "| | name | type | |\n|---|---|---|---|"
    for each in spec.inputs.values():
        yield f"| input | `{each.name}` | {each.artifact.__name__} | {_cell(each.description)} |"
    for parameter in spec.parameters.values():
        default = "" if parameter.required else f" Default: `{_cell(repr(parameter.default))}`."
        of = _cell(_type(parameter.type))
        yield f"| parameter | `{parameter.name}` | `{of}` | {_cell(parameter.description)}{default} |"
    for output in spec.outputs.values():
        yield f"| output | `{output.name}` | {output.artifact.__name__} | {_cell(output.description)} |"
    for value in spec.output_parameters.values():
        yield f"| output parameter | `{value.name}` | `{_cell(_type(value.type))}` | {_cell(value.description)} |"
    yield ""


def _type(of: Any) -> str:
    """A type as people write it: without what marks it for the fingerprint, and without the modules' names."""
    if typing.get_origin(of) is typing.Annotated:
        return _type(typing.get_args(of)[0])
    if typing.get_origin(of) in {typing.Union, types.UnionType}:
        return " | ".join(_type(each) for each in typing.get_args(of))
    if of is type(None):
        return "None"
    if isinstance(of, type) and not typing.get_args(of):
        return of.__name__
    return str(of).replace("typing.", "").replace("collections.abc.", "")


def _files() -> Iterator[str]:
    yield "# Files\n\nThe JSON Schemas of what assay reads and writes; all are in the wheel, under `assay/schemas/`.\n"
    for path in sorted(SCHEMAS.rglob("*.json")):
        schema = json.loads(path.read_text())
        yield f"## {schema.get('title', path.stem)}\n\n`{path.relative_to(SCHEMAS)}`\n"
        yield f"{schema.get('description', '')}\n"
        if schema.get("properties"):
            yield "| field | |\n|---|---|"
            for name, field in schema["properties"].items():
                yield f"| `{name}` | {_cell(field.get('description', field.get('type', '')))} |"
            yield ""


def _decisions() -> Iterator[str]:
    yield "| decision | date | status |\n|---|---|---|"
    for path in sorted(DECISIONS.glob("[0-9]*.md")):
        title, _, rest = path.read_text(encoding="utf-8").partition("\n")
        header = dict(re.findall(r"^(Date|Status): (.*)$", rest, re.MULTILINE))
        status = re.sub(r"\b(\d{4})\b", _decision_link, header["Status"])
        yield f"| [{title.lstrip('# ')}](/decisions/{path.name}) | {header['Date']} | {status} |"


def _decision_link(number: re.Match[str]) -> str:
    return f"[{number[1]}](/decisions/{next(DECISIONS.glob(number[1] + '-*.md')).name})"


def _cell(text: object) -> str:
    return " ".join(str(text).split()).replace("|", "\\|")
