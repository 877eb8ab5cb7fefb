"""The names of `tfx.v1.dsl.components`: what declares a custom component.

A TFX component function ports as it is: `InputArtifact[T]` is `assay.Input[T]`, `OutputArtifact[T]` is
`assay.Output[T]`, and a parameter's `Parameter[T]` is plain `T`.
"""

from __future__ import annotations

from typing import Annotated, Any, TypedDict, TypeVar

from assay.spec import Input as InputArtifact
from assay.spec import Output as OutputArtifact
from assay.spec import component
from assay.v1.lazy import refused_names

T = TypeVar("T")

Parameter = Annotated[T, "parameter"]

__all__ = ["InputArtifact", "OutputArtifact", "OutputDict", "Parameter", "component"]

__getattr__ = refused_names(__name__)


def OutputDict(**types: Any) -> Any:
    """Declare the values that a component returns.

    Example:
        ```python
        def Train(model: OutputArtifact[Model]) -> OutputDict(loss=float): ...
        ```
    """
    # The functional form takes its fields at run time, which no type checker follows.
    return TypedDict("OutputDict", types)  # type: ignore[operator]
