"""A fresh process under a limit of time and of memory.

The memory is what the process really holds (its resident set): TensorFlow maps many gigabytes of addresses that it
never touches, so that a limit on addresses (`RLIMIT_AS`) stops it before it has done anything.
"""

from __future__ import annotations

import faulthandler
import math
import os
import re
import resource
import runpy
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import assay

_POLL_SECONDS = 0.02
_MEGABYTE = 1 << 20
_PROGRAM = f"import sys; from {__name__} import run_module; run_module(*sys.argv[1:])"
_GRACE_SECONDS = 5  # so that the parent, which says why, is the first to end a process that takes too long


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessEnd:
    """How a process ended.

    Attributes:
        reason: `done`, `time`, `memory`, `signal` or `error`.
        seconds: How long it ran.
        peak_megabytes: The most memory that it held.
        code: Its exit code, or the signal that killed it.
        said: The end of what it wrote.
    """

    reason: str
    seconds: float
    peak_megabytes: int
    code: int
    said: str


def run_limited(arguments: list[str], folder: Path, *, seconds: float, megabytes: int | None) -> ProcessEnd:
    """Run a module of this Python in a process of its own and stop it when it goes over a limit.

    Args:
        arguments: The module and its arguments.
        folder: Its working folder, which also takes what it writes.
        seconds: The time that it may take.
        megabytes: The memory that it may hold; None sets no limit.
    """
    output = folder / "output.txt"
    begun = time.monotonic()
    with output.open("wb") as stream:
        process = subprocess.Popen(  # noqa: S603 (this Python, and a module of ours)
            [sys.executable, "-c", _PROGRAM, str(seconds + _GRACE_SECONDS), *arguments],
            cwd=folder,
            env=_environment(),
            stdin=subprocess.PIPE,  # closed by the system when this process ends, however it ends
            stdout=stream,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # what it starts itself ends with it
        )
    reason, peak = "", 0
    try:
        while True:
            pid, status, usage = os.wait4(process.pid, os.WNOHANG)
            if pid:
                break
            peak = max(peak, _peak(process.pid))
            if time.monotonic() - begun > seconds:
                reason = "time"
            elif megabytes is not None and peak > megabytes * _MEGABYTE:
                reason = "memory"
            if reason:
                _kill(process.pid)
                _, status, usage = os.wait4(process.pid, 0)
                break
            time.sleep(_POLL_SECONDS)
    except BaseException:
        _kill(process.pid)
        process.wait()
        raise
    finally:
        assert process.stdin is not None, "it is a pipe"
        process.stdin.close()
    process.returncode = os.waitstatus_to_exitcode(status)
    # Linux counts what this process held when it started the other one as that one's peak, too: a figure beyond that is
    # its own.
    if usage.ru_maxrss > resource.getrusage(resource.RUSAGE_SELF).ru_maxrss:
        peak = max(peak, usage.ru_maxrss * 1024)
    if not reason and megabytes is not None and peak > megabytes * _MEGABYTE:
        reason = "memory"  # a peak between two looks
    code = process.returncode
    return ProcessEnd(
        reason=reason or ("done" if code == 0 else "signal" if code < 0 else "error"),
        seconds=round(time.monotonic() - begun, 3),
        peak_megabytes=math.ceil(peak / _MEGABYTE),
        code=abs(code),
        said=output.read_bytes()[-2000:].decode(errors="replace").strip(),
    )


def run_module(seconds: str, module: str, *arguments: str) -> None:
    """Run a module, and end with it, with the parent process, or when the time is over, whichever comes first.

    This is what the fresh process does. The parent enforces the limits as long as it lives. When it is killed, a thread
    sees the end of standard input; a model that never releases Python's lock is ended by faulthandler's watchdog, which
    does not need it.
    """
    faulthandler.dump_traceback_later(float(seconds), exit=True)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def _end_with_parent() -> None:
    with suppress(OSError):
        os.read(0, 1)
    os.killpg(os.getpgid(0), signal.SIGKILL)


def _environment() -> dict[str, str]:
    ours = str(Path(assay.__file__).parents[1])
    paths = [ours, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    return os.environ | {"PYTHONPATH": os.pathsep.join(paths), "TF_CPP_MIN_LOG_LEVEL": "2"}


def _peak(pid: int) -> int:
    """Return the peak resident memory in bytes; 0 if the system does not report it or the process is gone."""
    with suppress(OSError):
        found = re.search(r"^VmHWM:\s+(\d+) kB$", Path(f"/proc/{pid}/status").read_text(encoding="utf-8"), re.MULTILINE)
        return int(found[1]) * 1024 if found else 0
    return 0


def _kill(pid: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
