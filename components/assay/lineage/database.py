"""A database connection that is safe with several processes: one writer at a time, and readers that see one state."""

from __future__ import annotations

import json
import os
import time
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from sqlalchemy import URL, Engine, create_engine, event, insert, inspect, make_url, select
from sqlalchemy.exc import DBAPIError, SQLAlchemyError, StatementError

from assay.errors import LineageError
from assay.lineage import tables

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection
    from sqlalchemy.engine.interfaces import DBAPIConnection
    from sqlalchemy.pool import ConnectionPoolEntry

_NOT_A_DATABASE = (
    "lineage.not_a_database",
    "{where} is not a lineage store: the file is not an SQLite database, or it is damaged.",
    "Move it away, or choose another --root.",
)
_READ_ONLY = (
    "lineage.read_only",
    "The lineage store {where} cannot be written: it, or its folder, is read-only.",
    "Make it writable, or choose another --root.",
)
_LOCKED = (
    "lineage.locked",
    "The lineage store {where} stayed locked by another process for {timeout:g} s.",
    "Wait for the other run to end (or stop the program that holds the file open), then run again.",
)
_CANNOT_OPEN = (
    "lineage.cannot_open",
    "The lineage store {where} cannot be opened: expected a file in a folder that can be written.",
    "Check the path and its permissions; from a read-only mount, copy it with the files beside it.",
)
_DISK_FULL = (
    "lineage.write_failed",
    "The lineage store {where} could not be written: the disk is full.",
    "Free space, then run again: finished steps are kept.",
)

_CANNOT_REACH = (
    "lineage.cannot_reach",
    "The server of the lineage store {where} cannot be reached, or lets nobody in: {reason}.",
    "Check host, port, database, user and password of the URL, and that the server runs.",
)

# Parts of PostgreSQL's own messages, and of its client's.
_BY_SERVER_MESSAGE = {
    "canceling statement due to lock timeout": _LOCKED,
    "read-only transaction": _READ_ONLY,
    "permission denied for": _READ_ONLY,
    "No space left on device": _DISK_FULL,
    "connection failed": _CANNOT_REACH,
    "connection is bad": _CANNOT_REACH,
    "failed to resolve host": _CANNOT_REACH,
    "connection timeout expired": _CANNOT_REACH,
}
# Parts of SQLite's own messages (sqlite3.c: sqlite3ErrStr); Python names error codes only from 3.11 on.
_BY_MESSAGE = {
    "file is not a database": _NOT_A_DATABASE,
    "database disk image is malformed": _NOT_A_DATABASE,
    "readonly database": _READ_ONLY,
    "database is locked": _LOCKED,
    "database table is locked": _LOCKED,
    "unable to open database file": _CANNOT_OPEN,
    "database or disk is full": _DISK_FULL,
}


def is_locked(error: SQLAlchemyError) -> bool:
    """Return whether another connection holds the lock that the statement needed."""
    return isinstance(error, DBAPIError) and "is locked" in str(error.orig)


def lineage_error(error: SQLAlchemyError, where: str, timeout: float) -> LineageError:
    """Return the error that a user sees for `error`, raised by the store at `where`."""
    if isinstance(error, DBAPIError):
        reason = str(error.orig)
        for part, (code, message, hint) in (_BY_MESSAGE | _BY_SERVER_MESSAGE).items():
            if part in reason:
                shown = reason.splitlines()[0].rstrip(".")
                return LineageError(code, message.format(where=where, timeout=timeout, reason=shown), hint)
        return LineageError("lineage.database", f"The lineage store {where} rejected a statement: {reason}.")
    if isinstance(error, StatementError) and isinstance(error.orig, TypeError | ValueError):
        return LineageError(
            "lineage.not_json",
            f"Parameters, properties and rows must be JSON values to be recorded: {error.orig}.",
            "Use strings, finite numbers, booleans, None, lists and dicts with string keys.",
        )
    return LineageError("lineage.database", f"The lineage store {where} failed: {error}.")


def bad_url(error: Exception) -> LineageError:
    """Return the error for a URL that names no database; the URL itself may hold a password and is not repeated."""
    return LineageError(
        "lineage.bad_url",
        f"The URL of the lineage store cannot be read: {error}.",
        "Give a path, or a URL such as postgresql+psycopg://user:password@host/database.",
    )


def no_driver(backend: str, error: ModuleNotFoundError) -> LineageError:
    """Return the error for a database whose driver is not installed."""
    return LineageError(
        "lineage.no_driver",
        f"A lineage store in {backend} needs the Python package '{error.name}', which is not installed.",
        "For PostgreSQL: pip install 'assay[postgres]'.",
    )


def not_a_store(where: str) -> LineageError:
    """Return the error for a database that holds somebody else's tables."""
    return LineageError(
        "lineage.not_a_store",
        f"{where} is a database, but not a lineage store of assay: it contains other tables.",
        "Choose another file, or another --root.",
    )


def wrong_version(where: str, found: int | None, known: int) -> LineageError:
    """Return the error for a store whose schema this release does not know."""
    return LineageError(
        "lineage.schema_version",
        f"The lineage store {where} has schema version {found}; this release of assay reads version {known}.",
        "Upgrade assay, or choose another --root.",
    )


def no_such_store(where: str) -> LineageError:
    """Return the error for reading a store that does not exist."""
    return LineageError(
        "lineage.no_store", f"No lineage store exists at {where}.", "Run a pipeline first, or give its --root."
    )


def unknown(kind: str, identity: object, where: str) -> LineageError:
    """Return the error for a run, an execution or an artifact that is not in the store."""
    return LineageError(
        f"lineage.unknown_{kind}",
        f"The lineage store {where} holds no {kind} {identity!r}.",
        "List its contents with `assay lineage`.",
    )


_OUR_TABLES = frozenset({"schema_version", "runs", "executions", "events"})
# The name of the write lock among those of a PostgreSQL database; any number that no other program takes.
_WRITE_LOCK = 0x6173736179


@dataclass(frozen=True, slots=True)
class Database:
    """Transactions on one lineage database; every database error leaves as a `LineageError`.

    Attributes:
        where: Path or URL, for messages.
        lock_timeout: Seconds to wait for another process's write.
    """

    engine: Engine
    where: str
    lock_timeout: float

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Return a transaction that sees one state of the store throughout, whatever others write meanwhile."""
        # SQLite's readers see the state of their first statement in any case.
        level = "REPEATABLE READ" if self.engine.dialect.name == "postgresql" else None
        reader = self.engine.execution_options(isolation_level=level) if level else self.engine
        with self._translated(), reader.begin() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Return a transaction that holds the write lock from its start, and commits whole or not at all.

        A deferred SQLite transaction that turns from reading to writing fails at once where another process wrote in
        between; no timeout helps. BEGIN IMMEDIATE waits its turn instead. PostgreSQL would let writers go on side by
        side; one lock for all gives them SQLite's order, so that "look, then write" means the same in both.
        """
        writer = self.engine.execution_options(sqlite_begin="IMMEDIATE")
        with self._translated(), writer.begin() as connection:
            if self.engine.dialect.name == "postgresql":
                connection.exec_driver_sql(f"SET LOCAL lock_timeout = {max(1, round(self.lock_timeout * 1000))}")
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_WRITE_LOCK})")
            yield connection

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except SQLAlchemyError as error:
            raise lineage_error(error, self.where, self.lock_timeout) from error


def open_database(url_or_path: str | Path, *, create: bool, lock_timeout: float) -> Database:
    """Open the lineage database, and make it where there is none.

    Args:
        url_or_path: A file, or a database URL.
        create: Whether to make a missing store; otherwise a missing one is an error.
        lock_timeout: Seconds that a statement waits for another process.

    Raises:
        LineageError: If it is not a lineage store, is of another schema version, or cannot be opened or written.
    """
    url = _url(str(url_or_path))
    where = url.render_as_string(hide_password=True)
    file = _sqlite_file(url)
    if file is not None:
        where = str(file)
        if not create and not file.exists():
            raise no_such_store(where)
        if create:
            _make_folder(file.parent)
        elif _cannot_change(file):
            url = URL.create("sqlite", database=f"file:{quote(str(file))}", query={"immutable": "1", "uri": "true"})
    database = Database(_engine(url, lock_timeout), where, lock_timeout)
    try:
        _prepare(database, create=create)
    except BaseException:
        database.engine.dispose()
        raise
    return database


def without_password(url_or_path: str | Path) -> str:
    """Return a store's URL without its password, which the driver may find elsewhere; a path as it is."""
    text = str(url_or_path)
    if "://" not in text:
        return text
    url = _url(text)
    return URL.create(url.drivername, url.username, None, url.host, url.port, url.database, url.query).render_as_string(
        hide_password=False
    )


def default_root(url_or_path: str) -> Path:
    """Return the folder that a store's artifact paths are relative to where none is given."""
    if "://" not in url_or_path:
        return Path(url_or_path).parent
    return Path.cwd() if url_or_path.startswith("sqlite") else Path("/")


def _url(url_or_path: str) -> URL:
    if "://" not in url_or_path:
        return URL.create("sqlite", database=url_or_path)
    try:
        return make_url(url_or_path)
    except (SQLAlchemyError, ValueError) as error:
        raise bad_url(error) from error


def _engine(url: URL, lock_timeout: float) -> Engine:
    try:
        engine = create_engine(
            url,
            connect_args={"timeout": lock_timeout} if url.get_backend_name() == "sqlite" else {},
            json_serializer=partial(json.dumps, allow_nan=False, ensure_ascii=False),
        )
    except SQLAlchemyError as error:
        raise bad_url(error) from error
    except ModuleNotFoundError as error:
        raise no_driver(url.get_backend_name(), error) from error
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _configure_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    return engine


def _sqlite_file(url: URL) -> Path | None:
    """Return the file of a plain SQLite path; None for other databases, memory, and `file:` names."""
    name = url.database
    if url.get_backend_name() != "sqlite" or not name or name == ":memory:" or name.startswith("file:"):
        return None
    return Path(name)


def _cannot_change(file: Path) -> bool:
    """Return whether a database is on a read-only mount, complete with all that was committed to it.

    SQLite opens no file in WAL mode where it cannot write its log beside it, unless told that nobody can change it.
    """
    log = file.with_name(f"{file.name}-wal")
    try:
        return bool(os.statvfs(file).f_flag & os.ST_RDONLY) and not (log.exists() and log.stat().st_size)
    except OSError:
        return False


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        # SQLite reports the same obstacle when it opens the file, and there it becomes a LineageError.
        return


def _configure_sqlite(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    # None: the driver starts no transaction of its own; _begin_sqlite does.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute("PRAGMA foreign_keys = ON")
    # In WAL mode NORMAL may lose the newest commits when the power fails; a sealed artifact must not lose its record.
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    mode = connection.get_execution_options().get("sqlite_begin", "DEFERRED")
    if mode is not None:
        connection.exec_driver_sql(f"BEGIN {mode}")


def _prepare(database: Database, *, create: bool) -> None:
    """Check that the database is ours, or make the tables in an empty one."""
    if _is_ready(database):
        return
    if not create:
        raise no_such_store(database.where)
    if database.engine.dialect.name == "sqlite":
        _switch_to_wal(database)
    with database.writing() as connection:
        if not _has_our_tables(connection, database.where):
            tables.METADATA.create_all(connection)
            connection.execute(insert(tables.schema_version).values(version=tables.SCHEMA_VERSION))
    _is_ready(database)


def _is_ready(database: Database) -> bool:
    with database.reading() as connection:
        if not _has_our_tables(connection, database.where):
            return False
        found = connection.execute(select(tables.schema_version.c.version)).scalar()
    if found != tables.SCHEMA_VERSION:
        raise wrong_version(database.where, found, tables.SCHEMA_VERSION)
    return True


def _has_our_tables(connection: Connection, where: str) -> bool:
    found = set(inspect(connection).get_table_names())
    if found and not found >= _OUR_TABLES:
        raise not_a_store(where)
    return bool(found)


def _switch_to_wal(database: Database) -> None:
    """Lets readers and one writer work at once; the mode stays in the file.

    The switch needs the file for itself, and SQLite answers "locked" without waiting when two processes try at once.
    """
    outside_transactions = database.engine.execution_options(sqlite_begin=None)
    deadline = time.monotonic() + database.lock_timeout
    while True:
        try:
            with outside_transactions.connect() as connection:
                connection.exec_driver_sql("PRAGMA journal_mode = WAL")
                return
        except SQLAlchemyError as error:
            if not is_locked(error) or time.monotonic() > deadline:
                raise lineage_error(error, database.where, database.lock_timeout) from error
        time.sleep(0.02)
