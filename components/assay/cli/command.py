"""The help of every command: plain text that nothing cuts off, and at its end examples that can be copied."""

from __future__ import annotations

from dataclasses import dataclass
from inspect import cleandoc, unwrap
from pathlib import Path
from typing import Any, ClassVar, get_type_hints

from typer.core import TyperCommand, TyperGroup

from assay.cli.csv_options import CSV_OPTIONS
from assay.errors import check_arrow_and_numpy, check_not_url

_TITLES = ("Examples:\n", "Example:\n")
_WHOLE_SENTENCE = 200
_HELP = {"-h", "--help"}
STANDARD_OUTPUT = "-"


@dataclass(frozen=True, slots=True)
class Writes:
    """Marks, in a parameter's annotation, the file or folder that a command writes.

    Attributes:
        folder: Whether it is a folder of results.
        endings: The endings of the formats that can be written; empty: any.
        in_place_of: The parameter whose file may be this one: it is read whole, and replaced by its new form.
    """

    folder: bool = False
    endings: tuple[str, ...] = ()
    in_place_of: str = ""


class Command(TyperCommand):
    """A command whose help ends with the `Examples:` of its docstring, line by line as they are written there.

    Attributes:
        examples: Comments and commands; a command may go on over lines that end with a backslash.
    """

    def __init__(self, *args: Any, help: str | None = None, **settings: Any) -> None:  # noqa: A002 - Typer's name
        prose, self.examples = parted(help)
        super().__init__(*args, help=prose, **settings)

    def invoke(self, ctx: Any) -> Any:
        """Run the command, unless one of its outputs is one of its inputs or another of its outputs."""
        if self.name != "doctor":  # which says what does not fit on a machine where nothing else runs
            check_arrow_and_numpy()
        for parameter in self.params:
            value = ctx.params.get(str(parameter.name))
            shown = max(parameter.opts, key=len) if parameter.param_type_name == "option" else parameter.metavar
            for each in value if isinstance(value, list | tuple) else [value]:
                if isinstance(each, Path):
                    check_not_url(each, shown or str(parameter.name).upper())
        names = {str(parameter.name): max(parameter.opts, key=len) for parameter in self.params}
        for name, mark in self.written().items():
            path = ctx.params.get(name)
            if isinstance(path, Path) and str(path) != STANDARD_OUTPUT:
                from assay.artifacts.outputs import refuse_ending, refuse_inputs

                own = {name, mark.in_place_of, *CSV_OPTIONS}  # '.' as a decimal mark is not the working directory
                others = {names[key]: value for key, value in ctx.params.items() if key not in own}
                if mark.endings:
                    refuse_ending(path, names[name], mark.endings)
                refuse_inputs(path, names[name], others, folder=mark.folder)
        return super().invoke(ctx)

    def written(self) -> dict[str, Writes]:
        """Return the parameters that name what the command writes."""
        hints = get_type_hints(unwrap(self.callback), include_extras=True) if self.callback else {}
        marked = ((name, mark) for name, hint in hints.items() for mark in getattr(hint, "__metadata__", ()))
        return {name: mark for name, mark in marked if isinstance(mark, Writes)}

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write usage, what the command does, its options, and the examples."""
        super().format_help(ctx, formatter)
        write_examples(formatter, self.examples)

    def get_short_help_str(self, limit: int = 0) -> str:
        """Return the whole first sentence: the list of commands wraps what does not fit."""
        return super().get_short_help_str(max(limit, _WHOLE_SENTENCE))


class Group(TyperGroup):
    """A group of commands whose help ends with the `Examples:` of its text.

    Attributes:
        examples: As of a command.
    """

    def __init__(self, *args: Any, help: str | None = None, **settings: Any) -> None:  # noqa: A002 - Typer's name
        prose, self.examples = parted(help)
        super().__init__(*args, help=prose, **settings)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write usage, what the group is for, its commands, and the examples."""
        super().format_help(ctx, formatter)
        write_examples(formatter, self.examples)

    def get_short_help_str(self, limit: int = 0) -> str:
        """Return the short help, as for a command."""
        return super().get_short_help_str(max(limit, _WHOLE_SENTENCE))


class GroupWithDefault(Group):
    """A group whose first command needs no name: `assay stats DATA` computes, `assay stats merge` merges.

    A first word that names a subcommand is that; anything else belongs to the command of the name `default`.
    """

    default: ClassVar[str] = ""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Insert the default subcommand's name unless the arguments name a subcommand or ask for help."""
        if args and args[0] not in self.commands and args[0] not in _HELP:
            args = [self.default, *args]
        return super().parse_args(ctx, args)

    def shell_complete(self, ctx: Any, incomplete: str) -> list[Any]:
        """Offers the subcommands, and the options of the default."""
        offered = super().shell_complete(ctx, incomplete)
        known = {item.value for item in offered}
        of_default = self.commands[self.default].shell_complete(ctx, incomplete)
        return [*offered, *(item for item in of_default if item.value not in known)]

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the default's help as the group's own, and the other commands before its examples."""
        command = self.commands[self.default]
        TyperCommand.format_help(command, ctx, formatter)  # type: ignore[arg-type]  # every command of ours is one
        others = [(name, each.get_short_help_str()) for name, each in self.commands.items() if name != self.default]
        with formatter.section("Other commands"):
            formatter.write_dl([(f"{ctx.command_path} {name}", text) for name, text in others])
        write_examples(formatter, getattr(command, "examples", ""))


def parted(text: str | None) -> tuple[str | None, str]:
    """Return a docstring without its examples, and the examples, dedented."""
    for title in _TITLES if text is not None else ():
        prose, found, examples = cleandoc(str(text)).partition(f"\n{title}")
        if found:
            return prose.rstrip(), cleandoc(f"\n{examples}")
    return text, ""


def write_examples(formatter: Any, examples: str) -> None:
    """Write examples below the options; their lines are never wrapped, so that they can be copied."""
    if examples:
        formatter.write_paragraph()
        formatter.write("Examples:\n")
        formatter.write("".join(f"  {line}\n" if line else "\n" for line in examples.splitlines()))
