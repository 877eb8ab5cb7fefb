"""Writes the pages of the reference that follow from the code.

Commands come from the command line's own declaration, components from their signatures, Python names from `__all__`,
fields of files from the JSON Schemas, artifact types from their YAML, and errors from the tests' snapshot of messages.
"""

from __future__ import annotations

import inspect
import json
import re
import types
import typing
from collections.abc import Iterator
from importlib import import_module
from itertools import groupby
from pathlib import Path
from typing import Any

import typer
from typer.main import get_command

import assay
from assay import components
from assay.artifacts.types import builtin_types
from assay.cli.main import app
from assay.spec.signature import ComponentSpec

ROOT = Path(__file__).resolve().parent.parent
DECISIONS = ROOT / "docs" / "decisions"
SCHEMAS = ROOT / "schemas"

# Annotations of a component's parameters, which have no docstring that Python keeps.
_ANNOTATIONS = {
    "Input": "`Input[Type]` annotates an input: one artifact of the type. `Input[Type] | None = None` is optional.",
    "Inputs": "`Inputs[Type]` annotates an input that accepts several artifacts of the type.",
    "Output": "`Output[Type]` annotates an output: an empty artifact of the type, to fill below its `.path`.",
    "UserModule": "A parameter that is the path of a user's Python file. Its source is part of the fingerprint.",
    "UserFunction": "A parameter that is the dotted name of a user's function. Its source is part of the fingerprint.",
    "FilePath": "A parameter that is the path of a file. Its content is part of the fingerprint.",
}
# Modules beside the root whose names are public.
_MODULES = {
    "spec": "Names for authors of components and pipelines that are not in `assay` itself.",
    "artifacts": "Artifacts as components receive them; [artifact types](artifacts.md) lists their files.",
    "reports": "Pages for artifacts, runs and pipelines.",
    "lineage": "Records of runs, executions and artifacts.",
    "errors": "All exceptions that assay raises on purpose; [errors](errors.md) lists the codes.",
}
_CONFIGURATIONS = {
    "eval_config.schema.json": "Configuration of `assay evaluate`, `assay gate` and Evaluator, as YAML or JSON. The "
    "names of fields are TFMA's (`EvalConfig`), in snake_case or camelCase, with `significant` and `policy` added; "
    "see [Gate a release](/guides/gate.md).",
    "waivers.schema.json": "A file of waivers (`--waivers`, `Evaluator(waivers_file=…)`), as YAML or JSON.",
    "row_rules.schema.json": "A file of row rules (`--checks`, `ExampleValidator(row_rules_file=…)`), as YAML or JSON; "
    "see [Validate data](/guides/data.md).",
    "schema_patch.schema.json": "A schema patch (`assay schema apply`, `SchemaGen(patch_file=…)`), as YAML. The names "
    "of fields are those of tensorflow-metadata's `Schema`.",
}


def write_reference(folder: Path) -> None:
    """Write the generated pages into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, lines in (
        ("cli", _commands()),
        ("python", _python()),
        *((f"python_{name}", _module(name)) for name in _MODULES),
        ("components", _components()),
        ("artifacts", _artifacts()),
        ("configuration", _configuration()),
        ("files", _files()),
        ("errors", _errors()),
        ("decisions", _decisions()),
        ("changelog", _changelog()),
    ):
        text = "\n".join(lines) + "\n"
        page = folder / f"{name}.md"
        if not page.is_file() or page.read_text(encoding="utf-8") != text:  # Sphinx reads only what has changed
            page.write_text(text, encoding="utf-8")


# ------------------------------------------------------------------------------------------------------------ commands


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


# -------------------------------------------------------------------------------------------------------------- Python


def _python() -> Iterator[str]:
    names = [name for name in assay.__all__ if not name.startswith("_")]
    pipelines = [name for name in names if _home(getattr(assay, name)).startswith(("assay.spec", "assay.runners"))]
    functions = [name for name in names if inspect.isfunction(getattr(assay, name)) and name not in pipelines]
    annotations = [name for name in names if name in _ANNOTATIONS]
    classes = [name for name in names if name not in {*pipelines, *functions, *annotations, "AssayError"}]
    yield "# Python\n"
    yield "Names of `assay` are loaded when they are first used, so that `import assay` is cheap.\n"
    yield "## Functions\n"
    yield from _documented("assay", functions)
    yield "## Results and options\n"
    yield from _documented("assay", classes)
    yield "## Pipelines and components\n"
    yield from _documented("assay", pipelines)
    yield from _marks("assay", annotations)
    yield "`assay.AssayError` is the parent of all [errors](python_errors.md).\n"
    yield "## Further modules\n\n```{toctree}\n:maxdepth: 1\n"
    yield from (f"python_{name}" for name in _MODULES)
    yield "```\n"


def _module(name: str) -> Iterator[str]:
    module = import_module(f"assay.{name}")
    yield f"# `assay.{name}`\n\n{_MODULES[name]}\n"
    named = getattr(module, "__all__", None) or [
        each for each, value in vars(module).items() if inspect.isclass(value) and issubclass(value, Exception)
    ]
    more = [each for each in named if name == "errors" or each not in assay.__all__]
    yield from _documented(f"assay.{name}", [each for each in more if each not in _ANNOTATIONS])
    if marks := [each for each in more if each in _ANNOTATIONS]:
        yield from _marks(f"assay.{name}", marks)


def _home(value: Any) -> str:
    return str(getattr(value, "__module__", ""))


def _documented(module: str, names: list[str]) -> Iterator[str]:
    home = import_module(module)
    yield "```{eval-rst}"
    for name in names:
        value = getattr(home, name)
        if inspect.isclass(value):
            yield f".. autoclass:: {module}.{name}\n   :members:"
        elif inspect.isfunction(value) or hasattr(value, "__wrapped__"):
            yield f".. autofunction:: {module}.{name}"
        else:
            yield f".. autodata:: {module}.{name}"
    yield "```\n"


def _marks(module: str, names: list[str]) -> Iterator[str]:
    yield f"| annotation of `{module}` | |\n|---|---|"
    for name in names:
        yield f"| `{name}` | {_ANNOTATIONS[name]} |"
    yield ""


# ---------------------------------------------------------------------------------------------------------- components


def _components() -> Iterator[str]:
    yield "# Components\n"
    for name in sorted(components.__all__):
        declared = getattr(getattr(components, name), "spec", None)
        if isinstance(declared, ComponentSpec):
            yield from _component(declared)


def _component(declared: ComponentSpec) -> Iterator[str]:
    yield f"## {declared.name}\n"
    yield f"{declared.description}\n"
    yield "| | name | type | |\n|---|---|---|---|"
    for each in declared.inputs.values():
        yield f"| input | `{each.name}` | {each.artifact.__name__} | {_cell(each.description)} |"
    for parameter in declared.parameters.values():
        default = "" if parameter.required else f" Default: `{_cell(repr(parameter.default))}`."
        of = _cell(_type(parameter.type))
        yield f"| parameter | `{parameter.name}` | `{of}` | {_cell(parameter.description)}{default} |"
    for output in declared.outputs.values():
        yield f"| output | `{output.name}` | {output.artifact.__name__} | {_cell(output.description)} |"
    for value in declared.output_parameters.values():
        yield f"| output parameter | `{value.name}` | `{_cell(_type(value.type))}` | {_cell(value.description)} |"
    yield ""


def _type(of: Any) -> str:
    """Return a type as people write it: without marks for the fingerprint, and without the modules' names."""
    if typing.get_origin(of) is typing.Annotated:
        return _type(typing.get_args(of)[0])
    if typing.get_origin(of) in {typing.Union, types.UnionType}:
        return " | ".join(_type(each) for each in typing.get_args(of))
    if of is type(None):
        return "None"
    if isinstance(of, type) and not typing.get_args(of):
        return of.__name__
    return str(of).replace("typing.", "").replace("collections.abc.", "")


def _artifacts() -> Iterator[str]:
    yield "# Artifact types\n"
    yield "An artifact is a folder with these files and a manifest of type, properties, digest, rows and producer.\n"
    for name, declared in sorted(builtin_types().items()):
        yield f"## {name}\n\n{declared.description}\n"
        yield f"Version {declared.version}; on Kubeflow Pipelines `{declared.wire_type}`. Files: "
        yield ", ".join(f"`{pattern}`" for pattern in declared.layout) + ".\n"
        if declared.properties:
            yield "| property | type | |\n|---|---|---|"
            for key, each in declared.properties.items():
                yield f"| `{key}` | `{each.type}` | {_cell(each.description)} |"
            yield ""


# --------------------------------------------------------------------------------------------------------------- files


def _configuration() -> Iterator[str]:
    yield "# Configuration files\n"
    yield "The JSON Schemas are in the wheel, under `assay/schemas/`; editors use them to check and complete a file.\n"
    yield "Defaults of the commands' options are kept in [`pyproject.toml`](#project-defaults).\n"
    for name, text in _CONFIGURATIONS.items():
        yield from _file(SCHEMAS / name, text)


def _files() -> Iterator[str]:
    yield "# Output files\n"
    yield "What assay writes as JSON. The JSON Schemas are in the wheel, under `assay/schemas/`.\n"
    for path in sorted(SCHEMAS.rglob("*.json")):
        if path.name not in _CONFIGURATIONS:
            yield from _file(path, "")


def _file(path: Path, text: str) -> Iterator[str]:
    schema = json.loads(path.read_text(encoding="utf-8"))
    name = path.name.removesuffix(".schema.json")
    yield f"## {schema['title']}\n\n{text}\n"
    yield f"Schema: `{path.relative_to(SCHEMAS)}`. Content: {_kind(schema, name)}.\n"
    for key, definition in _definitions(schema):
        summary, fields = _documentation(definition.get("description", ""))
        yield f"({_label(name, key)})=\n\n### `{key}`\n\n{_escape(summary)}\n"
        properties = {
            field: value
            for field, value in definition.get("properties", {}).items()
            if not re.search("[A-Z]", field) or _snake(field) not in definition["properties"]  # TFMA's other spelling
        }
        if not properties:
            yield f"{_kind(definition, name)}\n"
            continue
        yield "| field | type | description |\n|---|---|---|"
        for field, value in properties.items():
            said = [_escape(fields.get(field, value.get("description", "")))]
            if field in definition.get("required", ()):
                said.append("Required.")
            elif value.get("default") not in (None, "", [], {}):
                said.append(f"Default: `{json.dumps(value['default'])}`.")
            yield f"| `{field}` | {_kind(value, name)} | {_cell(' '.join(filter(None, said)))} |"
        yield ""


def _definitions(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the definitions of a schema in the order in which a reader meets them, from the whole file down."""
    definitions = dict(schema.get("$defs", {}))
    waiting: list[Any] = [schema | {"$defs": None}]
    while waiting:
        for key in re.findall(r'"#/\$defs/(\w+)"', json.dumps(waiting.pop(0))):
            if key in definitions:
                definition = definitions.pop(key)
                waiting.append(definition)
                yield key, definition
    yield from definitions.items()


def _documentation(text: str) -> tuple[str, dict[str, str]]:
    """Return a docstring's summary, and the description of each of its attributes."""
    summary, _, attributes = text.partition("Attributes:")
    described = re.findall(r"^ {4}(\w+): (.*(?:\n {8}.*)*)", attributes, re.MULTILINE)
    return " ".join(summary.split()), {name: " ".join(said.split()) for name, said in described}


def _kind(schema: Any, file: str) -> str:
    """Return a JSON Schema's type in a few words of Markdown."""
    if not isinstance(schema, dict) or not schema:
        return "any value"
    if "$ref" in schema:
        key = schema["$ref"].rpartition("/")[2]
        return f"[{key}](#{_label(file, key)})"
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(_kind(each, file) for each in schema["anyOf"]))
    if "enum" in schema:
        return ", ".join(f"`{json.dumps(each)}`" for each in schema["enum"])
    if "const" in schema:
        return f"`{json.dumps(schema['const'])}`"
    if schema.get("type") == "array" and "items" in schema:
        return f"list of {_kind(schema['items'], file)}"
    if schema.get("type") == "object":
        values = schema.get("additionalProperties")
        return f"mapping to {_kind(values, file)}" if values else "mapping"
    kinds = schema.get("type", "any value")
    return " or ".join(kinds) if isinstance(kinds, list) else str(kinds)


def _label(file: str, key: str) -> str:
    return f"{file}-{key}".lower().replace("_", "-")


def _snake(name: str) -> str:
    return re.sub("([A-Z])", r"_\1", name).lower()


# -------------------------------------------------------------------------------------------------------------- errors


def _errors() -> Iterator[str]:
    yield "# Errors\n"
    yield "Every error has a stable code, a message and, where one helps, a hint. In Python they are `error.code`, "
    yield "`error.message` and `error.hint`; the command line prints message and hint. Names in braces are values, `*` "
    yield "in a code stands for a format or an argument. The exit code is 2 for `UsageError` and 1 for all others. "
    yield "`LintFinding` is what `assay gate lint` prints; the gate rejects those of severity error.\n"
    for area, group in groupby(sorted(_reviewed_errors()), key=lambda error: error[0].partition(".")[0]):
        heading = "Several formats" if area == "*" else f"`{area}`"
        yield f"## {heading}\n\n| code | message and hint |\n|---|---|"
        for code, places in groupby(group, key=lambda error: error[0]):
            kinds, said = zip(*((kind, text) for _, kind, text in places), strict=True)
            texts = "<br>".join(filter(None, dict.fromkeys(said)))
            yield f"| `{code}`<br>{', '.join(dict.fromkeys(kinds))} | {_cell(texts)} |"
        yield ""


def _reviewed_errors() -> Iterator[tuple[str, str, str]]:
    """Yield code, class, and message and hint of every error in the snapshot of the tests."""
    text = (ROOT / "tests" / "architecture" / "messages.txt").read_text(encoding="utf-8")
    for entry in re.split(r"\n(?=\S)", text.partition("\n# Parts of errors")[0])[1:]:
        first, *lines = entry.splitlines()
        code, _, kind = first.rpartition(" ")
        message, hint, *_ = [line.strip() for line in lines if not re.match(r" +\w+ = ", line)] + ["", ""]
        said = (
            f"{_escape(_values(message))} {f'*{_escape(_values(hint))}*' if _values(hint).strip('{…}') else ''}".strip()
        )
        for one in code.strip("[]").split(" | "):
            name = re.sub(r"\{[^}]*\}", "*", f"eval_config.{one}" if kind == "LintFinding" else one)
            if re.fullmatch(r"[a-z_*]+\.[a-z_0-9*]+", name) and name.strip("*."):
                yield name, kind, said


def _values(text: str) -> str:
    """Return a message with names for the expressions in braces: `{self.path}` is `{path}`, others are `{…}`."""
    written, depth, inside = "", 0, ""
    for character in text:
        depth += character == "{"
        if depth:
            inside += character
        else:
            written += character
        depth -= character == "}"
        if inside and not depth:
            name = re.search(r"(\w+)\}$", inside)
            written += f"{{{name[1].replace('__name__', 'type')}}}" if name else "{…}"
            inside = ""
    return written


# ----------------------------------------------------------------------------------------------------------- decisions


def _decisions() -> Iterator[str]:
    yield "| decision | date | status |\n|---|---|---|"
    for path in sorted(DECISIONS.glob("[0-9]*.md")):
        title, _, rest = path.read_text(encoding="utf-8").partition("\n")
        header = dict(re.findall(r"^(Date|Status): (.*)$", rest, re.MULTILINE))
        status = re.sub(r"\b(\d{4})\b", _decision_link, header["Status"])
        yield f"| [{title.lstrip('# ')}](/decisions/{path.name}) | {header['Date']} | {status} |"


def _decision_link(number: re.Match[str]) -> str:
    return f"[{number[1]}](/decisions/{next(DECISIONS.glob(number[1] + '-*.md')).name})"


# ----------------------------------------------------------------------------------------------------------- changelog


def _changelog() -> Iterator[str]:
    """Yield CHANGELOG.md with the fragments of the next version, as towncrier will join them."""
    marker = "<!-- towncrier release notes start -->\n"
    before, _, after = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8").partition(marker)
    yield before
    fragments = sorted((ROOT / "changelog.d").glob("*.*.md"))
    if fragments:
        yield "## Unreleased\n"
    for kind in ("added", "changed", "removed", "fixed"):
        texts = [path.read_text(encoding="utf-8") for path in fragments if path.name.endswith(f".{kind}.md")]
        if texts:
            yield f"### {kind.title()}\n"
            yield from (f"- {' '.join(text.split())}" for text in texts)
            yield ""
    yield after


def _escape(text: str) -> str:
    """Return a text of ours as Markdown that shows it: code in backticks stays code."""
    parts = re.split(r"(`[^`]+`)", " ".join(text.split()))
    return "".join(part if part.startswith("`") else re.sub(r"([\\*_<>\[\]#$])", r"\\\1", part) for part in parts)


def _cell(text: object) -> str:
    return " ".join(str(text).split()).replace("|", "\\|")
