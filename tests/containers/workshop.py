"""Images and containers without a container engine: buildah with chroot isolation, on a base made with debootstrap."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import IO

BASE = "localhost/assay-base:trixie"
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
# What an image of Python has no use for.
_TRIM = ("var/cache/apt", "var/lib/apt/lists", "usr/share/doc", "usr/share/man", "usr/share/locale", "usr/share/info")


class TrialError(Exception):
    """A step that did not do what it must; the message is for people."""


class ImpossibleHereError(TrialError):
    """A machine that cannot build images at all, which says nothing about the images."""


def check_machine() -> None:
    """Installs what is missing.

    Raises:
        ImpossibleHereError: If this is not root's shell on a Debian or Ubuntu with a network.
    """
    if os.geteuid() != 0:
        raise ImpossibleHereError(
            "Building images here needs root: debootstrap makes a file system, buildah mounts it."
        )
    missing = [name for name in ("buildah", "debootstrap") if shutil.which(name) is None]
    if missing and shutil.which("apt-get") is None:
        raise ImpossibleHereError(
            f"{' and '.join(missing)} not found, and this is no Debian or Ubuntu to install them on."
        )
    try:
        socket.getaddrinfo("deb.debian.org", 80)
    except OSError as error:
        raise ImpossibleHereError(
            f"No network: deb.debian.org cannot be looked up ({error}). The images are built online."
        ) from None
    if missing:
        quiet = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        try:
            checked(["apt-get", "update", "-qq"], env=quiet)
            checked(["apt-get", "install", "-qq", "-y", "--no-install-recommends", *missing], env=quiet)
        except TrialError as error:
            raise ImpossibleHereError(f"{' and '.join(missing)} cannot be installed.\n{error}") from error


@dataclass
class Taken:
    """How long something took: seconds by the clock, and seconds of the processors in the commands that it ran."""

    seconds: float = 0.0
    used: float = 0.0


# What is being measured, in this thread; the processors' seconds of a command count for all of it.
_MEASURED: ContextVar[tuple[Taken, ...]] = ContextVar("measured", default=())


@contextmanager
def measured() -> Iterator[Taken]:
    """Measure what `checked` runs inside the block, in this thread."""
    taken, started = Taken(), time.monotonic()
    token = _MEASURED.set((*_MEASURED.get(), taken))
    try:
        yield taken
    finally:
        taken.seconds = time.monotonic() - started
        _MEASURED.reset(token)


def checked(
    command: Sequence[str], *, cwd: Path | None = None, env: Mapping[str, str] | None = None, log: Path | None = None
) -> str:
    """Run a command and return its output, which goes to `log` instead where one is given.

    Raises:
        TrialError: If it ends with anything but 0; with the last lines of what it said.
    """
    with ExitStack() as stack:
        if log is None:
            output: IO[bytes] = stack.enter_context(tempfile.TemporaryFile())
            errors: IO[bytes] = stack.enter_context(tempfile.TemporaryFile())
        else:
            output = errors = stack.enter_context(log.open("ab"))
        try:
            process = subprocess.Popen(command, stdout=output, stderr=errors, cwd=cwd, env=env)
        except FileNotFoundError:
            raise TrialError(f"{command[0]} not found.") from None
        try:
            _, status, usage = os.wait4(process.pid, 0)
        except BaseException:
            process.kill()
            raise
        process.returncode = os.waitstatus_to_exitcode(status)
        for taken in _MEASURED.get():
            taken.used += usage.ru_utime + usage.ru_stime
        said = [] if log is not None else [_text(output), _text(errors)]
    if process.returncode != 0:
        whole = "".join(said) if log is None else log.read_text(encoding="utf-8", errors="replace")
        last = "\n".join(whole.strip().splitlines()[-25:])
        raise TrialError(f"{' '.join(command)[:300]}\nended with {process.returncode}:\n{last}")
    return said[0] if said else ""


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode("utf-8", "replace")


@dataclass(frozen=True)
class Container:
    """A container that lives until it is removed, with the files that its processes leave."""

    workshop: Workshop
    name: str

    def run(
        self,
        command: Sequence[str],
        *,
        mounts: Mapping[Path, str] | None = None,
        log: Path | None = None,
        root: bool = False,
    ) -> str:
        """Runs a command in it; `mounts` gives the place of each folder, which may be written."""
        options = [word for folder, place in (mounts or {}).items() for word in ("--volume", f"{folder}:{place}")]
        if root:
            options += ["--user", "root"]
        return self.workshop.buildah("run", *options, self.name, "--", *command, log=log)

    def file(self, path: str) -> Path:
        """A file of the container, seen from here."""
        return Path(self.workshop.buildah("mount", self.name).strip()) / path.lstrip("/")


@dataclass(frozen=True)
class Workshop:
    """A folder with images and containers of its own."""

    folder: Path

    @property
    def options(self) -> list[str]:
        """Keeps everything of buildah's in the folder."""
        return ["--root", str(self.folder / "storage"), "--runroot", str(self.folder / "run")]

    @property
    def environment(self) -> dict[str, str]:
        """For buildah, and for what starts it."""
        scratch = self.folder / "scratch"
        scratch.mkdir(parents=True, exist_ok=True)
        return os.environ | {"BUILDAH_ISOLATION": "chroot", "TMPDIR": str(scratch)}

    def buildah(self, *arguments: str, log: Path | None = None) -> str:
        """Runs buildah and gives its output.

        Raises:
            TrialError: If it fails.
        """
        return checked(["buildah", *self.options, *arguments], env=self.environment, log=log)

    def has(self, image: str) -> bool:
        """Whether an image is here."""
        known = json.loads(self.buildah("images", "--json") or "null") or []
        return any(
            name.removeprefix("localhost/") == image.removeprefix("localhost/")
            for each in known
            for name in each["names"] or ()
        )

    def build_base(self) -> None:
        """Makes the base image, as Docker Hub's python:3.13-slim-trixie: Debian 13 with its Python 3.13."""
        tree = self.folder / "trixie"
        shutil.rmtree(tree, ignore_errors=True)  # of a trial that was stopped
        packages = "--include=python3,python3-venv,ca-certificates"
        checked(
            ["debootstrap", "--variant=minbase", packages, "trixie", str(tree)], log=self.folder / "debootstrap.log"
        )
        for name in _TRIM:
            for path in (tree / name).glob("*"):
                shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
        name = self.buildah("from", "scratch").strip()
        self.buildah("add", "--quiet", name, str(tree), "/")
        self.buildah("config", "--cmd", "python3", "--env", "PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", name)
        self.buildah("commit", "--quiet", "--rm", name, BASE)
        shutil.rmtree(tree)

    def build(self, image: str, project: Path) -> None:
        """Build one of the project's images as `make containers` does."""
        variables = {"BUILDER": "buildah", "BUILDAH_OPTIONS": " ".join(self.options), "BASE": BASE}
        if CERTIFICATES.is_file():
            variables["CERTS"] = str(CERTIFICATES)
        command = ["sh", str(project / "containers" / "build.sh"), image]
        checked(command, env=self.environment | variables, log=self.folder / f"build-{image}.log")

    @contextmanager
    def container(self, image: str) -> Iterator[Container]:
        """A new container, removed at the end of the block."""
        # A name as Kubernetes would take it from Docker Hub is of an image of this folder, or nothing.
        local = image if image.startswith("localhost/") else f"localhost/{image}"
        name = self.buildah("from", "--pull-never", local).strip()
        try:
            yield Container(self, name)
        finally:
            self.buildah("rm", name)

    def size(self, image: str) -> int:
        """The bytes of an image's files."""
        with self.container(image) as container:
            counted = checked(["du", "-s", "--block-size=1", str(container.file("/"))])
        return int(counted.split()[0])


def say(line: str) -> None:
    """Prints at once, also into a pipe."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
