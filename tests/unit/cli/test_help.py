"""Help teaches: every command shows examples that its own parser takes, in lines that can be copied."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from assay.cli.command import parted
from assay.cli.main import app


def walk(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    yield path, command
    for name, each in getattr(command, "commands", {}).items():
        yield from walk(each, (*path, name))


COMMANDS = dict(walk(get_command(app)))


def example_lines(text: str) -> list[str]:
    """The commands of examples: continued lines are one, comments are none."""
    lines = text.replace("\\\n", " ").splitlines()
    return [line for line in lines if line.strip() and not line.lstrip().startswith("#")]


def parse(line: str) -> None:
    """Parses a command as the real command line does, up to what it would run.

    Raises:
        Exception: The parser's, of wrong usage.
    """
    program, *words = shlex.split(line)
    assert program == "assay", line
    command: Any = COMMANDS[()]
    while hasattr(command, "commands") and words and not words[0].startswith("-"):
        command = command.commands[words.pop(0) if words[0] in command.commands else command.default]
    if hasattr(command, "default"):
        command = command.commands[command.default]
    if words != ["--install-completion"]:  # which would change a user's files
        command.make_context("assay", words)


def help_of(path: tuple[str, ...], width: int) -> str:
    done = CliRunner().invoke(app, [*path, "--help"], env={"COLUMNS": str(width)})
    assert done.exit_code == 0
    return done.stdout


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_help_has_examples_that_parse(path: tuple[str, ...]) -> None:
    _, found, examples = help_of(path, 80).partition("\nExamples:\n")
    assert found
    lines = example_lines(examples)
    assert any(
        line.lstrip().startswith(" ".join(("assay", *path)).removesuffix(" decide").removesuffix(" of"))
        for line in lines
    )
    for line in lines:
        parse(line)


def commands_of(text: str) -> list[str]:
    """The commands of assay in the code blocks of a page."""
    code = "\n".join(re.findall(r"^ *```(?:sh)?\n(.*?)^ *```$", text, re.MULTILINE | re.DOTALL)).replace("\\\n", " ")
    lines = [line.partition(" #")[0].rstrip() for line in code.splitlines() if line.startswith("assay ")]
    return [re.sub(r" > [\w.]+$", "", line) for line in lines]


def test_commands_in_documents_parse(project_root: Path) -> None:
    pages = [project_root / "README.md", *(project_root / "docs").rglob("*.md")]
    found = [line for page in pages for line in commands_of(page.read_text(encoding="utf-8"))]
    assert len(found) > 40
    for line in found:
        for command in line.split(" && "):
            parse(command)


def test_the_parser_of_this_test_refuses_what_the_command_line_refuses() -> None:
    for wrong in ("assay drift a.csv", "assay drift a b --limt x=1", "assay gate --predictions p.csv", "assay run"):
        with pytest.raises(Exception, match=r"Missing|No such option"):
            parse(wrong)


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_examples_are_written_as_they_stand_at_any_width(path: tuple[str, ...]) -> None:
    wide, narrow = (help_of(path, width).partition("\nExamples:\n")[2] for width in (200, 40))
    assert wide == narrow
    assert max(map(len, wide.splitlines())) <= 80


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_nothing_of_an_option_is_cut_off(path: tuple[str, ...]) -> None:
    text = help_of(path, 80)
    assert "…  " not in text
    options = [option for each in COMMANDS[path].params for option in each.opts if option.startswith("--")]
    if hasattr(COMMANDS[path], "default"):
        options = []  # those of its default are shown, and looked at there
    for option in options:
        assert re.search(rf"{re.escape(option)}\b", text), option


@pytest.mark.parametrize(("group", "default"), [("gate", "decide"), ("stats", "of")])
def test_the_help_of_a_group_is_that_of_what_it_does_without_a_name(group: str, default: str) -> None:
    text = help_of((group,), 80)
    for line in help_of((group, default), 80).splitlines():
        if line.startswith("  -"):
            assert line in text
    assert text.index("Other commands:") < text.index("Examples:")
    assert f" {group} [OPTIONS]" in text.splitlines()[0]


def test_help_of_all_commands_is_listed_by_subject() -> None:
    text = help_of((), 80)
    for (name,) in (path for path in COMMANDS if len(path) == 1):
        assert re.search(rf"^  {name} ", text, re.MULTILINE), name
    assert "..." not in text.replace("[ARGS]...", "")


def test_examples_are_parted_from_prose() -> None:
    assert parted("Says.\n\n    More.\n\n    Examples:\n      one\n\n        two\n    ") == (
        "Says.\n\nMore.",
        "one\n\n  two",
    )
    assert parted("Says.") == ("Says.", "")
    assert parted(None) == (None, "")


COMPLETE = """
source {script}
COMP_WORDS=({words})
COMP_CWORD={position}
_assay_completion assay
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory, project_root: Path) -> Any:
    """Asks a real bash what it would complete, with the script that `assay --show-completion bash` gives."""
    folder = tmp_path_factory.mktemp("shell")
    command = folder / "assay"
    main = "from assay.cli.main import main; import sys; sys.argv[0] = 'assay'; main()"
    command.write_text(f'#!/bin/sh\nPYTHONPATH={project_root / "components"} exec {sys.executable} -c "{main}" "$@"\n')
    command.chmod(0o755)
    environment = os.environ | {"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}", "SHELL": "/bin/bash"}

    def ask(code: str) -> str:
        # With a line after it, bash does not give its place to the command, which asks which shell started it.
        done = subprocess.run(
            ["bash", "-c", f"{code}\nexit"], env=environment, cwd=folder, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    script = folder / "completion.sh"
    script.write_text(ask("assay --show-completion"))
    ask.script = script  # type: ignore[attr-defined]
    return ask


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        (("assay", "va"), {"validate"}),
        (("assay", "schema", ""), {"infer", "suggest", "diff", "apply", "relax", "check"}),
        (("assay", "validate", "--fail"), {"--fail-on"}),
        (("assay", "validate", "--fail-on", ""), {"error", "warning", "never"}),
        (("assay", "gate", "li"), {"lint"}),
        (("assay", "gate", "--base"), {"--baseline", "--baseline-predictions"}),
    ],
)
def test_bash_completes_commands_options_and_choices(shell: Any, typed: tuple[str, ...], offered: set[str]) -> None:
    words = " ".join(shlex.quote(word) for word in typed)
    said = shell(COMPLETE.format(script=shell.script, words=words, position=len(typed) - 1))
    assert set(said.split()) == offered


def test_completion_is_installed_for_a_shell_that_reads_it(shell: Any, tmp_path: Path) -> None:
    home = shlex.quote(str(tmp_path))
    assert "completion installed" in shell(f"HOME={home} assay --install-completion")
    assert ".bash_completions/assay.sh" in (tmp_path / ".bashrc").read_text()
    words = COMPLETE.format(script=tmp_path / ".bashrc", words="assay dri", position=1)
    assert shell(f"HOME={home}\n{words}").split() == ["drift"]


@pytest.mark.parametrize("name", ["bash", "zsh", "fish"])
def test_each_shell_has_a_script_and_its_questions_are_answered(shell: Any, name: str) -> None:
    unasked = "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION=1"  # the script of a shell that is not this one
    assert f"_ASSAY_COMPLETE=complete_{name}" in shell(f"{unasked} assay --show-completion {name}")
    asked = {
        "bash": "COMP_WORDS='assay dri' COMP_CWORD=1",
        "zsh": "_TYPER_COMPLETE_ARGS='assay dri'",
        "fish": "_TYPER_COMPLETE_ARGS='assay dri' _TYPER_COMPLETE_FISH_ACTION=get-args",
    }
    assert "drift" in shell(f"{asked[name]} _ASSAY_COMPLETE=complete_{name} assay")
