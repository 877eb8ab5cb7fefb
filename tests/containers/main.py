"""Builds the images, tests inside them, and runs the compiled taxi pipeline step by step: `make test-containers`.

Needs root, a Debian or Ubuntu and a network, and nothing else: buildah and debootstrap are installed where they are
missing, and this program uses Python's own library alone.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from beam_workers import BeamTrial
from pipeline_ir import Step, run_pipeline
from trial import Trial, compare, digest, digests
from workshop import (
    BASE,
    CERTIFICATES,
    ImpossibleHereError,
    Taken,
    TrialError,
    Workshop,
    check_machine,
    measured,
    say,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

PROJECT = Path(__file__).resolve().parents[2]
# One bucket, mounted as KFP mounts it; a step sees nothing else of this machine.
BUCKET, URI = "/minio/assay", "minio://assay/pipelines"
TRUSTED = "/run/secrets/certificates"  # where containers/install.sh looks for them
PIPELINE = "/src/examples/chicago_taxi/pipeline.py"
SHARED = ("tests/unit", "tests/property")  # the folders of tests that run in both images
NO_BROWSER, NO_STACK = ("playwright", "nbclient"), ("pandas", "kfp", "tensorflow")
FAST = "not slow and not tensorflow and not network"
SAME = {"statistics": "StatisticsGen", "schema": "SchemaGen", "anomalies": "ExampleValidator"}
SAME_ON_BEAM = SAME | {"transformed_examples": "Transform", "blessing": "Evaluator"}
LIMITS = {"data": 600}  # MB
HELP_LIMIT, STEP_LIMIT = 0.5, 2.0  # seconds

# The shortest of several attempts, and of more where it was too long: other stages take the caches and turns of a
# processor.
HELP_SECONDS = """
import os, subprocess, sys, time
def seconds():
    started, before = time.perf_counter(), os.times()
    subprocess.run(["assay", "validate", "--help"], check=True, stdout=subprocess.DEVNULL)
    after = os.times()
    used = after.children_user + after.children_system - before.children_user - before.children_system
    return time.perf_counter() - started, used
measured = [seconds() for _ in range(5)]
while min(used for _, used in measured) > float(sys.argv[1]) and len(measured) < 30:
    measured.append(seconds())
print(*map(min, zip(*measured)))
"""
NO_TOOLS = (
    "! command -v pip pip3 uv gcc g++ cc make hatchling && test $(id -u) -ne 0 && ! touch /opt/assay/x 2>/dev/null"
)
# The data image's lock leaves out much of what its packages declare: what its extras need must not be among that.
EXTRAS = "import cryptography, fsspec, psycopg, s3fs"
TO_JSON = "import json, sys, yaml; json.dump(yaml.safe_load(open(sys.argv[1])), open(sys.argv[2], 'w'))"


def make_base(trial: Trial) -> None:
    """Make the base image, unless the folder has one, and start a container on it.

    Raises:
        ImpossibleHereError: If no container runs: for a Debian that cannot be fetched, a kernel that forbids mounts.
    """
    try:
        if not trial.workshop.has(BASE):
            with trial.stage("base image"):
                trial.workshop.build_base()
        with trial.workshop.container(BASE) as container:
            container.run(["python3", "--version"])
    except TrialError as error:
        raise ImpossibleHereError(f"No container runs here.\n{error}") from error


def build(trial: Trial, name: str) -> None:
    """Build an image, unless the folder has it, and check its size and what it contains."""
    if not trial.workshop.has(trial.image(name)):
        with trial.stage(f"{name} image"):
            trial.workshop.build(name, PROJECT)
    size = trial.workshop.size(trial.image(name)) / 1e6
    trial.note(f"size of the {name} image", f"{size:.0f} MB")
    if size > LIMITS.get(name, size):
        raise TrialError(f"The {name} image has {size:.0f} MB, more than {LIMITS[name]}.")
    with trial.workshop.container(trial.image(name)) as container:
        container.run(["sh", "-c", NO_TOOLS])
        container.run(["python3", "-c", EXTRAS])


def copy_project(trial: Trial) -> None:
    """Copy what tests read into a folder that containers mount, without the package: that is in the images."""
    shutil.rmtree(trial.source, ignore_errors=True)
    trial.source.mkdir()
    for path in PROJECT.iterdir():
        if path.is_dir() and path.name not in {"components", "build", "dist"} and not path.name.startswith("."):
            shutil.copytree(path, trial.source / path.name, ignore=shutil.ignore_patterns("__pycache__", "_build"))
        elif path.is_file():
            shutil.copy2(path, trial.source)
    for folder in (trial.bucket, trial.tools):
        folder.mkdir(exist_ok=True)
        folder.chmod(0o777)


def mounts_of(trial: Trial) -> dict[Path, str]:
    """What a container sees that prepares the trial."""
    certificates = {CERTIFICATES: TRUSTED} if CERTIFICATES.is_file() else {}
    return {trial.source: "/src", trial.bucket: BUCKET, trial.tools: "/tools", **certificates}


def install_tools(trial: Trial) -> None:
    """Install what runs the tests into a folder that containers mount."""
    with trial.stage("tools of the tests"), trial.workshop.container(BASE) as container:
        container.run(["sh", "-c", "cd /src && sh containers/install.sh tools /tools"], mounts=mounts_of(trial))


def fetch_data(trial: Trial) -> None:
    """Download the taxi trips into the bucket."""
    trust = f"PIP_CERT={TRUSTED}" if CERTIFICATES.is_file() else "A=B"
    fetch = ["env", trust, f"XDG_CACHE_HOME={BUCKET}/data", "python3", "/src/examples/chicago_taxi/data.py"]
    with trial.stage("taxi trips"), trial.workshop.container(trial.image("data")) as container:
        container.run(fetch, mounts=mounts_of(trial))


def time_help(trial: Trial) -> None:
    """Measure how long the help takes in the data image."""
    with trial.workshop.container(trial.image("data")) as container:
        seconds, used = map(float, container.run(["python3", "-c", HELP_SECONDS, str(HELP_LIMIT)]).split())
    trial.within("assay validate --help", seconds, used, HELP_LIMIT)


def places(source: Path, *packages: str) -> set[Path]:
    """The tests that import one of the packages: files, and folders whose conftest does."""
    needs = re.compile(rf"^\s*(?:from|import) (?:{'|'.join(packages)})\b", re.MULTILINE)
    files = [path for path in (source / "tests").rglob("*.py") if needs.search(path.read_text("utf-8"))]
    # Without its conftest, no test of a folder runs.
    folders = {path.parent for path in files if path.name == "conftest.py"}
    return folders | {path for path in files if not folders & {*path.parents}}


def without(source: Path, *packages: str) -> list[str]:
    """Options that leave out the tests which import packages that an image does without."""
    return [f"--ignore={place.relative_to(source)}" for place in sorted(places(source, *packages))]


def run_tests(trial: Trial, name: str, *arguments: str) -> None:
    """Run the tests that need neither TensorFlow nor a network inside an image, with pytest's arguments."""
    log = trial.workshop.folder / f"tests-{name}.log"
    log.unlink(missing_ok=True)
    mounts = {trial.source: "/src", trial.tools: "/tools"}
    workers = ["-n", "2", "--dist", "loadfile", "--no-loadscope-reorder"]
    command = ["-m", "pytest", "-q", *workers, "-m", FAST, "-p", "no:cacheprovider", *arguments]
    settings = "PYTHONPATH=/tools PYTHONDONTWRITEBYTECODE=1 HYPOTHESIS_STORAGE_DIRECTORY=/tmp/hypothesis"
    with trial.stage(f"tests inside the {name} image"), trial.workshop.container(trial.image(name)) as container:
        shell = f'cd /src && exec env {settings} python3 "$@"'
        container.run(["sh", "-c", shell, "sh", *command], mounts=mounts, log=log)
    summary = re.findall(r"^(?:=+ )?(\d+ passed.*?) in ", log.read_text(encoding="utf-8"), re.MULTILINE)
    if not summary:
        raise TrialError(f"No test ran in the {name} image; see {log}.")
    trial.note(f"tests inside the {name} image", summary[-1])


def run_step(trial: Trial, step: Step, taken: dict[str, Taken]) -> Mapping[str, Any]:
    """Run a step in a container of its own, with the mounted root and nothing else; return what it wrote.

    `taken` gets the shortest times of several attempts.
    """
    log = trial.workshop.folder / f"step-{step.name}.log"
    # The first look at a file system is slow; a step that is timed is run again, as KFP tries a task again.
    for attempt in range(6 if step.name == "statistics-gen" else 1):
        if attempt > 1 and taken[step.name].used <= STEP_LIMIT:
            break
        with trial.workshop.container(step.image) as container:
            with measured() as now:
                container.run(step.command, mounts={trial.bucket: BUCKET}, log=log)
            best = taken.setdefault(step.name, now)
            best.seconds, best.used = min(best.seconds, now.seconds), min(best.used, now.used)
            written: Mapping[str, Any] = json.loads(container.file(step.output_file).read_text(encoding="utf-8"))
    say(f"  {step.name:<40} {step.image:<24} {taken[step.name].seconds:6.1f} s")
    return written


def run_compiled_pipeline(trial: Trial) -> None:
    """The compiled pipeline, step by step in containers; then as a whole in one; the artifacts must be the same."""
    places = {trial.source: "/src", trial.bucket: BUCKET}
    shell = f"cd /tmp && XDG_CACHE_HOME={BUCKET}/data"
    with trial.stage("taxi pipeline, compile"), trial.workshop.container(trial.image("full")) as container:
        made = f"{shell} assay compile {PIPELINE} --registry {BUCKET}/registry -o p.yaml"
        container.run(["sh", "-c", f'{made} && python3 -c "$1" p.yaml {BUCKET}/p.json', "sh", TO_JSON], mounts=places)
    ir = json.loads((trial.bucket / "p.json").read_text(encoding="utf-8"))
    taken: dict[str, Taken] = {}
    values = {"serving_dir": f"{BUCKET}/serving", "train_steps": 50}
    with trial.stage("compiled taxi pipeline, in containers"):
        done = run_pipeline(ir, values, URI, lambda step: run_step(trial, step, taken))
    total = sum(each.seconds for each in taken.values())
    trial.note("compiled taxi pipeline", f"{len(done)} steps, each in its container, in {total:.0f} s")
    least = taken["statistics-gen"]
    trial.within("StatisticsGen on 15 k rows, with start", least.seconds, least.used, STEP_LIMIT)
    if not [*(trial.bucket / "serving").glob("*/saved_model.pb")]:
        raise TrialError(f"The pipeline pushed no model to {trial.bucket / 'serving'}.")
    with trial.workshop.container(trial.image("full")) as container:
        options = f"--root {BUCKET}/local --param serving_dir={BUCKET}/local-serving --param train_steps=50"
        with trial.stage("taxi pipeline, in one container"):
            container.run(["sh", "-c", f"{shell} assay run {PIPELINE} {options}"], mounts=places)
    local = digests(trial.bucket / "local", SAME)
    for key, task in zip(SAME, ("statistics-gen", "schema-gen", "example-validator"), strict=True):
        uri = done[task].artifacts[key]["uri"]
        found = digest(trial.bucket / uri.removeprefix("minio://assay/"))
        compare(trial, f"{key}, in containers and local", found, local[key])


def run_on_beam(trial: Trial) -> None:
    """The pipeline on three runners of Beam, with workers in the beam image on one: the same artifacts."""
    model = max((trial.bucket / "local" / "Trainer" / "model").iterdir(), key=lambda path: int(path.name))
    beam = BeamTrial(
        workshop=trial.workshop,
        full=trial.image("full"),
        beam=trial.image("beam"),
        source=trial.source,
        bucket=trial.bucket,
        model=f"{BUCKET}/{model.relative_to(trial.bucket)}",
    )
    local = digests(trial.bucket / "local", SAME_ON_BEAM)
    several = ["--runner=DirectRunner", "--direct_running_mode=multi_processing", "--direct_num_workers=2"]
    one = ["--runner=DirectRunner", "--direct_running_mode=in_memory"]
    runs: dict[str, Callable[[], Path]] = {
        "in_memory": lambda: beam.run("in_memory", one),
        "multi_processing": lambda: beam.run("multi_processing", several),
        "portable": lambda: beam.run_on_workers("portable"),
    }
    for name, run in runs.items():
        with trial.stage(f"taxi pipeline on Beam, {name}"):
            root = run()
        for key, found in digests(root, SAME_ON_BEAM).items():
            compare(trial, f"{key}, {name} and embedded", found, local[key])


def run_all(trial: Trial, *, whole: bool) -> list[TrialError]:
    """Run every stage as soon as what it needs is there, so that two processors are busy; return what failed."""
    make_base(trial)
    copy_project(trial)
    with ThreadPoolExecutor(max_workers=8) as pool:

        def start(
            stage: Callable[[], None], *needed: Future[None], after: tuple[Future[None], ...] = ()
        ) -> Future[None]:
            """Start a stage in a thread of its own once others have ended; where a needed one failed, so does this."""

            def run() -> None:
                wait(after)
                for each in needed:
                    each.result()
                stage()

            return pool.submit(run)

        full = start(lambda: build(trial, "full"))
        data = start(lambda: build(trial, "data"))
        tools = start(lambda: install_tools(trial), data)
        trips = start(lambda: fetch_data(trial), data)
        beam = start(lambda: build(trial, "beam"), full)
        pipeline = start(lambda: run_compiled_pipeline(trial), full, trips)
        on_beam = start(lambda: run_on_beam(trial), beam, pipeline)
        in_data = start(lambda: check_data_image(trial, whole=whole), tools, trips)
        in_full = start(lambda: check_full_image(trial, whole=whole), full, after=(in_data,))
    stages = (full, data, tools, trips, beam, pipeline, on_beam, in_data, in_full)
    failures = dict.fromkeys(failure for stage in stages if (failure := stage.exception()) is not None)
    for failure in failures:
        if not isinstance(failure, TrialError):
            raise failure
    return [failure for failure in failures if isinstance(failure, TrialError)]


def check_data_image(trial: Trial, *, whole: bool) -> None:
    """Measure the start of the command line in the data image, and run tests in it."""
    time_help(trial)
    profile = "default" if whole else "fast"
    left_out = without(trial.source, *NO_BROWSER, *NO_STACK)
    run_tests(trial, "data", f"--hypothesis-profile={profile}", *SHARED, *left_out)


def check_full_image(trial: Trial, *, whole: bool) -> None:
    """Run tests in the full image: those that the data image left out, or all of them.

    Both images have the same Python and the same versions of what both contain (`test_the_images_hold_what_is_tested`).
    """
    tests = [*SHARED, "--hypothesis-profile=default"]
    if not whole:
        browser, needed = places(trial.source, *NO_BROWSER), places(trial.source, *NO_STACK)
        shared = [trial.source / folder for folder in SHARED]
        chosen = sorted(place for place in needed - browser if any(each in place.parents for each in shared))
        tests = [*(str(place.relative_to(trial.source)) for place in chosen), "--hypothesis-profile=fast"]
    run_tests(trial, "full", "tests/pipelines", "tests/engines", *tests, *without(trial.source, *NO_BROWSER))


@contextmanager
def folder_for(given: Path | None) -> Iterator[Path]:
    """A folder on a disk with room, removed at the end; the given one is kept."""
    if given is not None:
        given.mkdir(parents=True, exist_ok=True)
        yield given.resolve()
        return
    place = Path(os.environ.get("TMPDIR", "/var/tmp"))
    if (free := shutil.disk_usage(place).free / 1e9) < 20:
        needs = f"{place} has {free:.0f} GB free; 20 are needed. Set TMPDIR to a folder on a larger disk."
        raise ImpossibleHereError(needs)
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="assay-containers-", dir=place))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        # Containers of a run that failed may still be mounted.
        stack.callback(lambda: Workshop(folder).buildah("rm", "--all"))
        yield folder


def main() -> int:
    """Runs the trial; 0 where everything holds, 75 (as `EX_TEMPFAIL`) where this machine cannot run it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, help="keep images and logs here, and use what is there already")
    parser.add_argument("--whole", action="store_true", help="repeat in the full image what passed in the data image")
    given = parser.parse_args()
    try:
        check_machine()
        found = re.search(r'__version__ = "(.+)"', (PROJECT / "components/assay/__init__.py").read_text("utf-8"))
        assert found is not None
        with folder_for(given.folder) as folder:
            trial = Trial(Workshop(folder), found[1])
            failures = run_all(trial, whole=given.whole)
    except TrialError as error:
        sys.stderr.write(f"make test-containers: {error}\n")
        return os.EX_TEMPFAIL if isinstance(error, ImpossibleHereError) else 1
    for failure in failures:
        sys.stderr.write(f"make test-containers: {failure}\n")
    say("\n" + "\n".join(f"  {what:<42} {found}" for what, found in trial.report))
    say(f"  {'all of it':<42} {time.monotonic() - trial.started:.0f} s")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
