"""The decorator that makes an annotated function a component."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, overload

from assay.errors import UsageError
from assay.spec.channel import Foreseen
from assay.spec.node import ComponentNode
from assay.spec.signature import ComponentSpec, read_signature


class Component:
    """A component: call it with channels and parameter values to add a step to a pipeline.

    Attributes:
        spec: The declaration.
    """

    def __init__(self, spec: ComponentSpec) -> None:
        self.spec = spec
        functools.update_wrapper(self, spec.function)

    def __repr__(self) -> str:
        return f"<component {self.spec.name}>"

    def __call__(self, *positional: Any, **arguments: Any) -> ComponentNode:
        """Declare a step.

        Args:
            *positional: Arguments in TFX's order, where the component is one of TFX's; others take named ones only.
            **arguments: A channel for each input, a value or placeholder for each parameter.

        Raises:
            UsageError: For an unknown, missing or ill-typed argument.
        """
        return ComponentNode(self.spec, {**self._named(positional, arguments), **arguments})

    def _named(self, positional: Sequence[Any], arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Bind positional arguments to their names."""
        names = self.spec.positional
        if len(positional) > len(names):
            known = names or (*self.spec.inputs, *self.spec.parameters)
            form = ", ".join(f"{name}=…" for name in known[: len(positional)])
            takes = f"takes at most {len(names)} arguments by position" if names else "takes named arguments only"
            raise UsageError(
                "component.positional",
                f"{self.spec.name} {takes}, got {', '.join(map(repr, positional))}.",
                f"Write {self.spec.name}({form}).",
            )
        named = dict(zip(names, positional, strict=False))
        for name in named:
            if name in arguments:
                raise UsageError(
                    "component.argument_twice", f"{self.spec.name} got '{name}' twice: by position and by name."
                )
        return named


@overload
def component(function: Callable[..., Any], /) -> Component: ...


@overload
def component(
    *,
    name: str | None = None,
    libraries: tuple[str, ...] = (),
    requires: tuple[str, ...] = (),
    reads: Callable[[Mapping[str, Any]], Sequence[Any]] | None = None,
    depends_on: Callable[[Mapping[str, Any]], Mapping[str, Any]] | None = None,
    still_valid: Callable[[Mapping[str, Any], Mapping[str, Any]], str | None] | None = None,
    positional: tuple[str, ...] = (),
    refused: Mapping[str, str] | None = None,
    check: Callable[[Mapping[str, Any]], None] | None = None,
    foresee: Callable[[Mapping[str, Any]], Mapping[str, Foreseen]] | None = None,
) -> Callable[[Callable[..., Any]], Component]: ...


def component(
    function: Callable[..., Any] | None = None,
    /,
    *,
    name: str | None = None,
    libraries: tuple[str, ...] = (),
    requires: tuple[str, ...] = (),
    reads: Callable[[Mapping[str, Any]], Sequence[Any]] | None = None,
    depends_on: Callable[[Mapping[str, Any]], Mapping[str, Any]] | None = None,
    still_valid: Callable[[Mapping[str, Any], Mapping[str, Any]], str | None] | None = None,
    positional: tuple[str, ...] = (),
    refused: Mapping[str, str] | None = None,
    check: Callable[[Mapping[str, Any]], None] | None = None,
    foresee: Callable[[Mapping[str, Any]], Mapping[str, Foreseen]] | None = None,
) -> Component | Callable[[Callable[..., Any]], Component]:
    """Make an annotated function a component.

    Args:
        function: The function; its annotations are the declaration, its docstring the documentation.
        name: The component's name; the function's by default.
        libraries: Distributions whose installed versions are part of the fingerprint.
        requires: Optional packages, by the names that Python imports, without which the component cannot run: a run
            that lacks one of them is rejected before its first node.
        reads: Given the parameter values, the files outside of artifacts that the component would read; their names
            and contents are part of the fingerprint.
        depends_on: Given the parameter values, whatever else a result depends on that they only name (user code named
            within a configuration, for example): values that are part of the fingerprint. Nothing lets Kubeflow cache
            the step.
        still_valid: Given the parameter values and the output artifacts of a cached execution, a sentence why its
            effect on the outside world no longer stands, or None.
        positional: The arguments that may also be given by position, in order; none by default.
        refused: Arguments that a component of this name has elsewhere (in TFX), each with what to do instead.
        check: Given arguments by name, raises UsageError for what cannot work; called at the declaration with all but
            those that only the run will know, and again before the function is called.
        foresee: Given the same arguments at the declaration, what is known of outputs before the run, by key.

    Example:
        ```python
        @component
        def CountRows(examples: Input[Examples], report: Output[Report], split: str = "train") -> None:
            (report.path / "rows.txt").write_text(str(examples.num_rows(split)))
        ```

    Raises:
        UsageError: If the signature is not a component's.
    """

    def declare(function: Callable[..., Any]) -> Component:
        spec = read_signature(function, name=name, libraries=libraries, reads=reads, still_valid=still_valid)
        spec = replace(
            spec,
            requires=requires,
            depends_on=depends_on,
            positional=positional,
            refused=refused or {},
            check=check,
            foresee=foresee,
        )
        return Component(spec)

    return declare if function is None else declare(function)
