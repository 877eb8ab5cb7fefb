"""One trial of the images: where everything is, what was found, and whether artifacts are the same."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from workshop import Taken, TrialError, Workshop, measured, say


@dataclass
class Trial:
    """One trial of the images.

    Attributes:
        workshop: Where they are.
        version: Their tag.
        report: What is printed at the end.
        started: When it began, by the monotonic clock.
    """

    workshop: Workshop
    version: str
    report: list[tuple[str, str]] = field(default_factory=list)
    started: float = field(default_factory=time.monotonic)

    def image(self, name: str) -> str:
        """The tag that the compiled pipeline names, too."""
        return f"assay/{name}:{self.version}"

    @property
    def bucket(self) -> Path:
        """The mounted root."""
        return self.workshop.folder / "bucket"

    @property
    def source(self) -> Path:
        """The project without its package: what is tested is in the image."""
        return self.workshop.folder / "src"

    @property
    def tools(self) -> Path:
        """What runs the tests inside images."""
        return self.workshop.folder / "tools"

    def note(self, what: str, found: str) -> None:
        """Prints a line now, and again at the end."""
        self.report.append((what, found))
        say(f"{what:<42} {found}")

    @contextmanager
    def stage(self, name: str) -> Iterator[Taken]:
        """Measure a stage of the trial and note its times, also in `times.log` in the folder."""
        began = time.monotonic() - self.started
        taken, outcome = Taken(), "failed"
        try:
            with measured() as taken:
                yield taken
            outcome = "done"
        finally:
            self.note(name, f"{outcome} in {taken.seconds:.0f} s, {taken.used:.0f} s of CPU")
            with (self.workshop.folder / "times.log").open("a", encoding="utf-8") as log:
                times = f"{began:6.0f} to {began + taken.seconds:6.0f} s  {taken.used:6.0f} s of CPU"
                log.write(f"{times}  {name}, {outcome}\n")

    def within(self, what: str, seconds: float, used: float, limit: float) -> None:
        """Notes how long something took, by the clock and of the processors.

        Raises:
            TrialError: If the processors alone took longer than the limit: the clock counts what else the machine does.
        """
        self.note(what, f"{seconds:.2f} s, {used:.2f} s of CPU (limit {limit:g})")
        if used > limit:
            raise TrialError(f"{what}: {used:.2f} s of CPU are more than {limit:g}.")


def digest(folder: Path) -> str:
    """The digest in an artifact's manifest."""
    return str(json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["digest"])


def digests(root: Path, outputs: Mapping[str, str]) -> dict[str, str]:
    """The digests of the latest artifacts of a root of the local runner; `outputs` names them and their steps."""
    return {
        key: digest(max((root / node / key).iterdir(), key=lambda path: int(path.name)))
        for key, node in outputs.items()
    }


def compare(trial: Trial, what: str, found: str, expected: str) -> None:
    """Notes that two digests are equal.

    Raises:
        TrialError: If they are not.
    """
    if found != expected:
        raise TrialError(f"{what}: {found} is not {expected}.")
    trial.note(what, f"{found[:23]}… equal")
