"""Database errors in the user's words: which store, what went wrong, what to do."""

from __future__ import annotations

from sqlalchemy.exc import DBAPIError, SQLAlchemyError, StatementError

from assay.errors import LineageError

_NOT_A_DATABASE = (
    "lineage.not_a_database",
    "{where} is not a lineage store: the file is no SQLite database, or it is damaged.",
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
    """Whether another connection holds the lock that the statement needed."""
    return isinstance(error, DBAPIError) and "is locked" in str(error.orig)


def lineage_error(error: SQLAlchemyError, where: str, timeout: float) -> LineageError:
    """Gives the error that a user sees for `error`, raised by the store at `where`."""
    if isinstance(error, DBAPIError):
        reason = str(error.orig)
        for part, (code, message, hint) in (_BY_MESSAGE | _BY_SERVER_MESSAGE).items():
            if part in reason:
                shown = reason.splitlines()[0].rstrip(".")
                return LineageError(code, message.format(where=where, timeout=timeout, reason=shown), hint)
        return LineageError("lineage.database", f"The lineage store {where} refused a statement: {reason}.")
    if isinstance(error, StatementError) and isinstance(error.orig, TypeError | ValueError):
        return LineageError(
            "lineage.not_json",
            f"Parameters, properties and rows must be JSON values to be recorded: {error.orig}.",
            "Use strings, finite numbers, booleans, None, lists and dicts with string keys.",
        )
    return LineageError("lineage.database", f"The lineage store {where} failed: {error}.")


def bad_url(error: Exception) -> LineageError:
    """Gives the error for a URL that names no database; the URL itself may hold a password and is not repeated."""
    return LineageError(
        "lineage.bad_url",
        f"The URL of the lineage store cannot be read: {error}.",
        "Give a path, or a URL such as postgresql+psycopg://user:password@host/database.",
    )


def no_driver(backend: str, error: ModuleNotFoundError) -> LineageError:
    """Gives the error for a database whose driver is not installed."""
    return LineageError(
        "lineage.no_driver",
        f"A lineage store in {backend} needs the Python package '{error.name}', which is not installed.",
        "For PostgreSQL: pip install 'assay[postgres]'.",
    )


def not_a_store(where: str) -> LineageError:
    """Gives the error for a database that holds somebody else's tables."""
    return LineageError(
        "lineage.not_a_store",
        f"{where} is a database, but not a lineage store of assay: it holds other tables.",
        "Choose another file, or another --root.",
    )


def wrong_version(where: str, found: int | None, known: int) -> LineageError:
    """Gives the error for a store whose schema this release does not know."""
    return LineageError(
        "lineage.schema_version",
        f"The lineage store {where} has schema version {found}; this release of assay reads version {known}.",
        "Upgrade assay, or choose another --root.",
    )


def no_such_store(where: str) -> LineageError:
    """Gives the error for reading a store that does not exist."""
    return LineageError(
        "lineage.no_store", f"There is no lineage store at {where}.", "Run a pipeline first, or give its --root."
    )


def unknown(kind: str, identity: object, where: str) -> LineageError:
    """Gives the error for a run, an execution or an artifact that the store does not hold."""
    return LineageError(
        f"lineage.unknown_{kind}",
        f"The lineage store {where} holds no {kind} {identity!r}.",
        "`assay lineage` lists what it holds.",
    )
