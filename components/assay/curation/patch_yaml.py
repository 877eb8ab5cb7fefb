"""YAML of patches: keys are not given twice in silence, and what is written diffs well."""

from __future__ import annotations

from typing import Any

import yaml

from assay.errors import DataError

_SafeLoader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times as fast, where PyYAML has its C part


class _Loader(_SafeLoader):  # type: ignore[misc]  # one of the two
    """YAML's safe loader, which refuses a key that is given twice instead of keeping the last."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002  (PyYAML's)
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen:
                    raise yaml.constructor.ConstructorError(
                        None, None, f"the key '{key.value}' is given twice", key.start_mark
                    )
                seen.add(key.value)
        mapping: dict[Any, Any] = super().construct_mapping(node, deep=deep)
        return mapping


class _Dumper(yaml.SafeDumper):
    """YAML's safe dumper, with lists indented under their key."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: FBT001, FBT002, ARG002  (PyYAML's)
        super().increase_indent(flow, False)


def load_yaml(text: str, source: str) -> Any:
    """Reads plain values.

    Raises:
        DataError: The text is no YAML, or has a key twice; the message names `source` and the line.
    """
    try:
        return yaml.load(text, _Loader)  # noqa: S506  (a safe loader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"{source}, line {mark.line + 1}" if mark is not None else source
        problem = getattr(error, "problem", None) or str(error)
        raise DataError("schema_patch.syntax", f"{place}: {problem}.") from None


def dump_yaml(plain: Any) -> str:
    """Gives plain values as YAML, in their order."""
    text: str = yaml.dump(plain, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)
    return text
