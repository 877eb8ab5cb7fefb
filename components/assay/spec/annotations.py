"""How a component's signature says what is an input, an output and a parameter.

    def StatisticsGen(examples: Input[Examples], statistics: Output[ExampleStatistics], sample_rate: float = 1.0): ...

`Input[T]` is one artifact, `Inputs[T]` one or more, `Output[T]` a folder to fill; each is plain `T` (or a tuple of `T`)
to a type checker. Everything else but the `ExecutionContext` is a parameter.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class InputMark:
    """Marks an input; `many` where a channel may carry several artifacts."""

    many: bool = False


@dataclass(frozen=True, slots=True)
class OutputMark:
    """Marks an output."""


@dataclass(frozen=True, slots=True)
class UserModuleMark:
    """Marks a path of a user's Python module: its source, with the modules beside it, is part of the fingerprint.

    Attributes:
        function: The function that the module must define, such as `run_fn`; none where empty.
    """

    function: str = ""


@dataclass(frozen=True, slots=True)
class UserModuleNameMark:
    """Marks a dotted name of a user's module: its source, with its package's modules, is part of the fingerprint."""


@dataclass(frozen=True, slots=True)
class UserFunctionMark:
    """Marks a dotted path of a user's function: the source of its module is part of the fingerprint."""


@dataclass(frozen=True, slots=True)
class FileMark:
    """Marks a path of a file whose content is part of the fingerprint."""


@dataclass(frozen=True, slots=True)
class DataMark:
    """Marks a path of data that come from outside: a runner that works in containers brings them there."""


@dataclass(frozen=True, slots=True)
class ParsedBy:
    """Marks a parameter that users may give in several forms.

    Attributes:
        parse: Turns what the user gave into the one JSON-compatible form that the component receives; raises
            UsageError for what it cannot read.
        files: Gives a value with the path of each of the user's files in it replaced by what a function gives for it: a
            runner that works in containers brings them there.
    """

    parse: Callable[[Any], Any]
    files: Callable[[Any, Callable[[str], str]], Any] | None = None


Input = Annotated[T, InputMark()]
Inputs = Annotated[tuple[T, ...], InputMark(many=True)]
Output = Annotated[T, OutputMark()]
UserModule = Annotated[str, UserModuleMark()]
UserModuleName = Annotated[str, UserModuleNameMark()]
UserFunction = Annotated[str, UserFunctionMark()]
FilePath = Annotated[str, FileMark()]
DataPath = Annotated[str, DataMark()]
