from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from assay.components.infra_validator.fresh_process import run_limited

RunPython = Callable[..., "subprocess.CompletedProcess[str]"]


def module(folder: Path, code: str) -> list[str]:
    (folder / "tried.py").write_text(code)
    return ["tried"]


def test_a_process_that_keeps_its_limits_is_done(tmp_path: Path) -> None:
    # It lives for many looks at its memory: one that is gone before the first has no peak that is its own.
    code = "import time; print('hello', flush=True); time.sleep(0.5)"
    ended = run_limited(module(tmp_path, code), tmp_path, seconds=300, megabytes=500)
    assert (ended.reason, ended.code, ended.said) == ("done", 0, "hello")
    assert 0 < ended.peak_megabytes < 500


@pytest.mark.slow  # it waits
def test_a_process_that_takes_too_long_is_killed_with_what_it_started(tmp_path: Path) -> None:
    code = "import subprocess, time; subprocess.Popen(['sleep', '60']); print('started', flush=True); time.sleep(60)"
    begun = time.monotonic()
    ended = run_limited(module(tmp_path, code), tmp_path, seconds=5, megabytes=None)
    assert ended.reason == "time"
    assert ended.said == "started"
    assert time.monotonic() - begun < 50  # not the minute that it wanted


def test_a_process_that_holds_too_much_is_killed(tmp_path: Path) -> None:
    code = "import time\nheld = bytearray(300 << 20)\nheld[::4096] = b'x' * len(held[::4096])\ntime.sleep(600)"
    ended = run_limited(module(tmp_path, code), tmp_path, seconds=300, megabytes=100)
    assert ended.reason == "memory"
    assert ended.peak_megabytes > 100


TRY = """
import sys
from pathlib import Path
from assay.components.infra_validator.fresh_process import run_limited
print(run_limited(["tried"], Path(sys.argv[1]), seconds=300, megabytes=100).reason)
"""


def test_a_peak_that_is_over_at_once_counts(tmp_path: Path, run_python: RunPython) -> None:
    # Asked from a small process: to one that has held more than the one it tries, only luck shows such a peak.
    module(tmp_path, "bytearray(b'x') * (600 << 20)")
    assert run_python(TRY, str(tmp_path)).stdout == "memory\n"


def test_address_space_that_is_not_touched_is_no_memory(tmp_path: Path) -> None:
    code = "import mmap\nmmap.mmap(-1, 4 << 30)"
    assert run_limited(module(tmp_path, code), tmp_path, seconds=300, megabytes=200).reason == "done"


@pytest.mark.parametrize(
    ("code", "reason", "number"),
    [
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "signal", 11),
        ("raise SystemExit(7)", "error", 7),
    ],
)
def test_how_a_process_died_is_told(tmp_path: Path, code: str, reason: str, number: int) -> None:
    ended = run_limited(module(tmp_path, code), tmp_path, seconds=300, megabytes=None)
    assert (ended.reason, ended.code) == (reason, number)


CALLER = """
import sys
from pathlib import Path
from assay.components.infra_validator.fresh_process import run_limited
run_limited(["tried"], Path(sys.argv[1]), seconds=300, megabytes=None)
"""


@pytest.mark.parametrize("code", ["time.sleep(300)", "while True: pass"])
def test_a_process_ends_with_the_one_that_started_it(tmp_path: Path, code: str) -> None:
    module(tmp_path, f"import os, time; open('pid', 'w').write(str(os.getpid()))\n{code}")
    caller = subprocess.Popen([sys.executable, "-c", CALLER, str(tmp_path)])
    pid = tmp_path / "pid"
    assert within(60, lambda: pid.exists() and pid.read_text() != "")
    caller.kill()
    caller.wait()
    assert within(60, lambda: not Path(f"/proc/{pid.read_text()}").exists())


def within(seconds: float, happens: Callable[[], bool]) -> bool:
    end = time.monotonic() + seconds
    while not happens() and time.monotonic() < end:
        time.sleep(0.05)
    return happens()
