"""The Chicago taxi trips, taken from the tfx 1.21.0 wheel on the package index.

The wheel is downloaded once with pip, without its dependencies and without installing it. Wheel and CSV are checked by
SHA-256; the CSV is kept in `$XDG_CACHE_HOME/assay/chicago_taxi` (`~/.cache/assay/chicago_taxi` by default).
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import subprocess
import sys
import tempfile
import venv
import zipfile
from pathlib import Path

from assay.errors import AssayError, DataError

REQUIREMENT = "tfx==1.21.0"
MEMBER = "tfx/examples/chicago_taxi_pipeline/data/simple/data.csv"
WHEEL_SHA256 = "51032ac740ac6d28185c2814ada5a7e917f3016bcd2043f03ba98e7e674e4165"
CSV_SHA256 = "cdaf0b5931442ef47693f408f25a37af710aca23fccb90a78f00930e89548805"


def cache_folder() -> Path:
    """Return the folder that contains only the CSV, so that it can be ExampleGen's `input_base`."""
    caches = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(caches) / "assay" / "chicago_taxi"


def taxi_trips() -> Path:
    """Return the folder of `data.csv`, after downloading it where it is not cached or was changed.

    Raises:
        DataError: If the package index cannot be reached, or what it gives is not the expected file.
    """
    target = cache_folder() / "data.csv"
    if not (target.is_file() and _sha256(target.read_bytes()) == CSV_SHA256):
        with tempfile.TemporaryDirectory(prefix="assay-taxi-") as scratch:
            _replace(target, _member(_download(Path(scratch))))
    return target.parent


def _download(scratch: Path) -> Path:
    """Download the wheel with the pip of this Python, or with a throw-away pip where uv made the environment."""
    python = sys.executable
    if importlib.util.find_spec("pip") is None:
        venv.create(scratch / "pip", with_pip=True)
        python = str(scratch / "pip" / "bin" / "python")
    command = [python, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    # The wheel is only unpacked, so it does not matter which Pythons tfx itself runs on.
    command += ["--only-binary=:all:", "--ignore-requires-python", "--dest", str(scratch), REQUIREMENT]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 (fixed words and our Python)
    wheels = list(scratch.glob("tfx-*.whl"))
    if done.returncode != 0 or not wheels:
        reason = (done.stderr.strip() or "pip gave no reason").splitlines()[-1]
        raise DataError(
            "taxi.download",
            f"The taxi data comes in the wheel {REQUIREMENT}, which pip could not download: {reason}",
            "Check the network and pip's index settings (pip config list), then run this again. Without a network: on "
            f"another machine run `pip download --no-deps {REQUIREMENT}`, unzip {MEMBER} from the wheel, and copy it "
            f"to {cache_folder() / 'data.csv'}.",
        )
    return wheels[0]


def _member(wheel: Path) -> bytes:
    """Extract the CSV from the wheel, checking both."""
    _check("the tfx wheel", wheel.read_bytes(), WHEEL_SHA256)
    with zipfile.ZipFile(wheel) as archive:
        content = archive.read(MEMBER)
    _check(MEMBER, content, CSV_SHA256)
    return content


def _check(what: str, content: bytes, expected: str) -> None:
    found = _sha256(content)
    if found != expected:
        raise DataError(
            "taxi.digest",
            f"Expected {what} with SHA-256 {expected}, got {found}.",
            "The package index served another file; check which index pip uses (pip config list).",
        )


def _replace(target: Path, content: bytes) -> None:
    """Write the file atomically: two runs may download at once."""
    target.parent.mkdir(parents=True, exist_ok=True)
    # Beside the folder, not in it: ExampleGen reads every file of the folder.
    partial = target.parent.with_name(f"chicago_taxi-{os.getpid()}.partial")
    partial.write_bytes(content)
    partial.replace(target)


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


if __name__ == "__main__":
    try:
        print(taxi_trips() / "data.csv")
    except AssayError as error:
        sys.exit(str(error))
