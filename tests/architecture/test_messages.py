"""The words of every error and of every help text are snapshot files, so that tests need not repeat them.

A test of an error asserts its code and the things it names (`from raising import raises`); the English is reviewed
here. `pytest tests/architecture/test_messages.py --update` writes both files, of which the diff is then read.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from typer.main import get_command

from assay.cli.main import app

MESSAGES = Path(__file__).with_name("messages.txt")
HELP = Path(__file__).with_name("help.txt")
UPDATE = "the words changed: run this test with --update and review the diff"

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Text:
    """An expression whose value a user reads, where the names that it uses have their meaning."""

    expression: ast.expr
    functions: tuple[Function, ...]
    module: Path


@dataclass(frozen=True)
class Call:
    """A call with the functions around it, the innermost last."""

    node: ast.Call
    functions: tuple[Function, ...]
    module: Path

    @property
    def name(self) -> str:
        return ast.unparse(self.node.func).rpartition(".")[2]


def shown(expression: ast.expr) -> str:
    """Return the text of an expression, with what is computed in braces and alternatives divided by bars."""
    match expression:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=parts):
            return "".join(map(shown, parts))
        case ast.FormattedValue(value=value):
            return "{" + ast.unparse(Plain().visit(deepcopy(value))) + "}"
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return shown(left) + shown(right)
        case ast.IfExp(body=body, orelse=orelse):
            return f"[{shown(body)} | {shown(orelse)}]"
        case ast.BoolOp(op=ast.Or(), values=values):
            return f"[{' | '.join(map(shown, values))}]"
    return "{" + ast.unparse(Plain().visit(deepcopy(expression))) + "}"


class Plain(ast.NodeTransformer):
    """Writes strings within expressions alike in every version of Python."""

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.Constant:
        return ast.Constant(shown(node))


def read(expression: ast.expr) -> Iterator[ast.Constant | ast.Name | ast.Call]:  # noqa: C901  (one case a form)
    """Yield the texts, names and calls whose values an expression shows, and not what these are computed from."""
    match expression:
        case ast.Constant() | ast.Name():
            yield expression
        case ast.Call(func=ast.Attribute(attr="join" | "format" | "capitalize"), args=arguments):
            for each in arguments:
                yield from read(each)
            yield from read(expression.func.value)  # type: ignore[attr-defined]
        case ast.Call():
            yield expression
        case ast.IfExp(body=body, orelse=orelse):
            yield from (*read(body), *read(orelse))
        case (
            ast.Subscript(value=value)
            | ast.FormattedValue(value=value)
            | ast.GeneratorExp(elt=value)
            | ast.ListComp(elt=value)
            | ast.Starred(value=value)
        ):
            yield from read(value)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            yield from (*read(left), *read(right))
        case ast.JoinedStr(values=values) | ast.BoolOp(values=values) | ast.Dict(values=values):
            for each in values:
                yield from read(each)
        case ast.List(elts=values) | ast.Tuple(elts=values):
            for each in values:
                yield from read(each)


def has_words(expression: ast.expr) -> bool:
    constants = [each.value for each in read(expression) if isinstance(each, ast.Constant)]
    return any(isinstance(value, str) and re.search("[A-Za-z]", value) for value in constants)


def parameters(function: Function) -> list[str]:
    return [each.arg for each in (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs)]


def assigned(name: str, function: Function) -> Iterator[ast.expr]:
    for node in ast.walk(function):
        match node:
            case ast.Assign(targets=targets, value=value):
                for target in targets:
                    names = [ast.unparse(each) for each in getattr(target, "elts", [target])]
                    if name in names:
                        parts = getattr(value, "elts", [value]) if isinstance(target, ast.Tuple) else [value]
                        yield parts[names.index(name)] if len(parts) == len(names) else value
            case (
                ast.AnnAssign(target=ast.Name(id=found), value=ast.expr() as value)
                | ast.AugAssign(target=ast.Name(id=found), value=value)
                | ast.NamedExpr(target=ast.Name(id=found), value=value)
            ) if found == name:
                yield value


class Words:
    """What the package says in its errors: the texts of each constructed error, and where their parts come from."""

    def __init__(self, package: Path) -> None:
        self.calls: dict[str, list[Call]] = defaultdict(list)
        self.functions: dict[str, list[tuple[Function, tuple[Function, ...], Path]]] = defaultdict(list)
        self.constants: dict[str, list[tuple[ast.expr, Path]]] = defaultdict(list)
        self.carriers: set[str] = set()
        self.entries: list[tuple[str, ...]] = []
        self.parts: set[tuple[str, ...]] = set()
        self.followed: set[tuple[int, str]] = set()
        for module in sorted(package.rglob("*.py")):
            tree = ast.parse(module.read_text(encoding="utf-8"))
            self._index(tree, (), module)
            for statement in tree.body:
                match statement:
                    case ast.ClassDef(name=name, body=body) if {"code", "message", "hint"} <= {
                        each.target.id
                        for each in body
                        if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name)
                    }:
                        self.carriers.add(name)
                    case (
                        ast.Assign(targets=[ast.Name(id=name)], value=value)
                        | ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value)
                    ):
                        self.constants[name].append((value, module))
        for name in sorted(
            name for name in self.calls if name.endswith("Error") or name in {"refusal", *self.carriers}
        ):
            for call in self.calls[name]:
                self._error(call)

    def _index(self, node: ast.AST, functions: tuple[Function, ...], module: Path) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, Function):
                self.functions[child.name].append((child, functions, module))
                self._index(child, (*functions, child), module)
            else:
                if isinstance(child, ast.Call):
                    call = Call(child, functions, module)
                    self.calls[call.name].append(call)
                self._index(child, functions, module)

    def _error(self, call: Call) -> None:
        texts = [*call.node.args]
        texts += [each.value for each in call.node.keywords if each.arg in {"code", "message", "hint"}]
        if not any(map(has_words, texts)):
            return
        code, *rest = texts if len(texts) > 1 else [ast.Constant(""), *texts]
        lines = [f"{shown(code)} {call.name}".strip(), *map(shown, rest)]
        for each in texts:
            lines.extend(self._sources(Text(each, call.functions, call.module)))
        self.entries.append(tuple(lines))

    def _sources(self, text: Text, seen: frozenset[str] = frozenset()) -> list[str]:
        """Return the texts of the names in a text; those of other functions and modules are parts of their own."""
        found = []
        for node in read(text.expression):
            if isinstance(node, ast.Call):
                self._function(Call(node, text.functions, text.module))
                continue
            if isinstance(node, ast.Constant) or node.id in seen:
                continue
            for function in reversed(text.functions):
                if values := list(assigned(node.id, function)):
                    for value in values:
                        below = self._sources(Text(value, text.functions, text.module), seen | {node.id})
                        found += [f"{node.id} = {shown(value)}"] if has_words(value) else []
                        found += below
                    break
                if node.id in parameters(function):
                    self._parameter(function, node.id)
                    break
            else:
                self._constant(node.id, text.module)
        return list(dict.fromkeys(found))

    def _constant(self, name: str, module: Path) -> None:
        here = [each for each in self.constants[name] if each[1] == module] or self.constants[name]
        for value, home in here:
            if has_words(value) and " " in shown(value) and self._first(value, name):
                self.parts.add((name, shown(value), *self._sources(Text(value, (), home))))

    def _function(self, call: Call) -> None:
        candidates = self.functions[call.name]
        here = [each for each in candidates if each[2] == call.module]
        for function, around, module in here or (candidates if len(candidates) == 1 else []):
            if not self._first(function, "return"):
                continue
            for node in ast.walk(function):
                if isinstance(node, (ast.Return, ast.Yield)) and node.value is not None:
                    sources = self._sources(Text(node.value, (*around, function), module))
                    if has_words(node.value) or sources:
                        self.parts.add((f"{function.name}()", shown(node.value), *sources))

    def _parameter(self, function: Function, name: str) -> None:
        """The texts that callers hand to a function which puts them into an error."""
        annotation = next(
            each.annotation for each in ast.walk(function.args) if isinstance(each, ast.arg) and each.arg == name
        )
        if (annotation is not None and "str" not in ast.unparse(annotation)) or not self._first(function, name):
            return
        names = parameters(function)
        position = names.index(name) - (names[0] in {"self", "cls"})
        for call in self.calls[function.name]:
            given = [each.value for each in call.node.keywords if each.arg == name]
            given += call.node.args[position : position + 1] if 0 <= position < len(call.node.args) else []
            for value in given:
                sources = self._sources(Text(value, call.functions, call.module))
                if has_words(value) or sources:
                    self.parts.add((f"{function.name}({name}=)", shown(value), *sources))

    def _first(self, node: ast.AST, name: str) -> bool:
        fresh = (id(node), name) not in self.followed
        self.followed.add((id(node), name))
        return fresh


def written(entry: tuple[str, ...]) -> str:
    return "\n    ".join(line.replace("\n", "\\n") for line in entry if line)


def messages(package: Path) -> str:
    words = Words(package)
    return "\n".join(
        [
            "# Errors: the code and the class, the message, the hint, and the texts of the names in them",
            *map(written, sorted(words.entries)),
            "",
            "# Parts of errors: constants, what functions return, and what callers pass to a parameter",
            *map(written, sorted(words.parts)),
            "",
        ]
    )


def helps(command: Any, path: str = "assay") -> Iterator[str]:
    yield f"{path}\n{command.help or ''}"
    for each in command.params:
        yield f"{path} {'/'.join([*each.opts, *each.secondary_opts])}\n{getattr(each, 'help', None) or ''}"
    for name, each in getattr(command, "commands", {}).items():
        yield from helps(each, f"{path} {name}")


def check(found: str, snapshot: Path, update: bool) -> None:
    if update:
        snapshot.write_text(found, encoding="utf-8")
    assert found.splitlines() == snapshot.read_text(encoding="utf-8").splitlines(), UPDATE


def test_the_words_of_errors_are_the_reviewed_ones(project_root: Path, update_golden: bool) -> None:
    check(messages(project_root / "components/assay"), MESSAGES, update_golden)


def test_the_words_of_help_are_the_reviewed_ones(update_golden: bool) -> None:
    found = "\n".join(re.sub(r"\n+(?=.)", "\n    ", each.strip()) for each in helps(get_command(app)))
    check(found + "\n", HELP, update_golden)
