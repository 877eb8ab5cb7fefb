"""Defaults of the commands' options that a project keeps in `[tool.assay]` of its pyproject.toml."""

from __future__ import annotations

import sys
from inspect import unwrap
from pathlib import Path
from typing import Any, Final, get_type_hints

from assay.errors import UsageError, did_you_mean

FILE_NAME: Final = "pyproject.toml"
_MARK: Final = b"tool.assay"
_HELP: Final = {"help", "version", "debug", "install_completion", "show_completion"}


def project_file(folder: Path) -> Path | None:
    """Return the pyproject.toml with a `[tool.assay]` table that is nearest above a folder."""
    for place in (folder, *folder.parents):
        path = place / FILE_NAME
        if path.is_file():
            return path if _MARK in path.read_bytes() else None
    return None


def read_defaults(path: Path, commands: Any) -> dict[str, Any]:
    """Return the defaults by command and parameter, as a context's `default_map`; paths are relative to the file.

    Raises:
        UsageError: The file is not TOML, or it names a command or an option that does not exist.
    """
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib

    try:
        table = tomllib.loads(path.read_text(encoding="utf-8")).get("tool", {}).get("assay", {})
    except ValueError as error:  # TOMLDecodeError, UnicodeDecodeError
        raise UsageError("project.malformed", f"{path} is not valid TOML: {error}.", "Correct the file.") from error
    return _of_group(table, commands, path, "tool.assay")


def _of_group(table: Any, group: Any, path: Path, place: str) -> dict[str, Any]:
    if not isinstance(table, dict):
        raise UsageError("project.table", f"{path}: {place} must be a table, got {table!r}.", f"Write [{place}].")
    found: dict[str, Any] = {}
    own: dict[str, Any] = {}
    for name, value in table.items():
        command = group.commands.get(name)
        if command is None:
            own[name] = value
        elif hasattr(command, "commands"):
            found[name] = _of_group(value, command, path, f"{place}.{name}")
        else:
            found[name] = _of_command(value, command, path, f"{place}.{name}")
    default = getattr(group, "default", "")
    if own and not default:
        name = next(iter(own))
        raise UsageError(
            "project.command",
            f"{path}: {place}.{name} is not a command of assay.",
            did_you_mean(name, group.commands),
        )
    if own:
        found[default] = _of_command(own, group.commands[default], path, place)
    return found


def _of_command(table: Any, command: Any, path: Path, place: str) -> dict[str, Any]:
    if not isinstance(table, dict):
        raise UsageError("project.table", f"{path}: {place} must be a table, got {table!r}.", f"Write [{place}].")
    options = {
        opt.removeprefix("--"): parameter
        for parameter in command.params
        if parameter.param_type_name == "option" and parameter.name not in _HELP
        for opt in parameter.opts
        if opt.startswith("--")
    }
    annotations = get_type_hints(unwrap(command.callback))
    found: dict[str, Any] = {}
    for name, value in table.items():
        if name not in options:
            raise UsageError(
                "project.option",
                f"{path}: {place}.{name} is not an option of assay {place.removeprefix('tool.assay.')}.",
                did_you_mean(name, options),
            )
        parameter = options[name]
        several = parameter.multiple
        values = value if isinstance(value, list) else [value]
        if any(isinstance(each, dict | list) for each in values) or (isinstance(value, list) and not several):
            wanted = "a value or a list of values" if several else "one value"
            raise UsageError("project.value", f"{path}: {place}.{name} must be {wanted}, got {value!r}.")
        if "Path" in str(annotations[parameter.name]):
            values = [str(path.parent / each) if isinstance(each, str) else each for each in values]
        found[parameter.name] = values if several else values[0]
    return found
