"""A collection of attacks, each with the reason for which it is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from release_scene import Scene

Attack: TypeAlias = Callable[[Scene], None]


class Refusals(dict[str, tuple[Attack, str]]):
    """Attacks on a release by name: what is done, and what the refusal says of it."""

    def refused(self, reason: str) -> Callable[[Attack], Attack]:
        """Adds the function below to the collection."""

        def add(function: Attack) -> Attack:
            self[function.__name__] = (function, reason)
            return function

        return add
