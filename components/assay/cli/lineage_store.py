"""Finds the lineage store that a command asks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from assay.errors import LineageError, UsageError
from assay.lineage import LineageStore
from assay.runners.local.liveness import Standing
from assay.runners.local.session import RootLayout, layout_at

# Where the local runner puts the roots of pipelines that name none.
_ROOTS = Path("assay-root")


@contextmanager
def open_lineage(root: Path | None, store: str | None = None) -> Iterator[Standing]:
    """Open the lineage store of a root, without making one.

    Args:
        root: The root; by default the only one below `assay-root/`.
        store: The store's file or URL; by default the one in the root, or the one that the root records.

    Yields:
        The store, and a way to tell a killed run from one that runs.

    Raises:
        UsageError: If no root is given and there is not just one below `assay-root/`.
        LineageError: If there is no lineage store.
    """
    place = Path.cwd() if root is None and store is not None else chosen_root(root)
    layout = layout_at(place, store)
    if layout is None:
        raise LineageError(
            "lineage.none",
            f"{place} has no lineage store: found neither {RootLayout(place).own_lineage.name} nor a record of one.",
            "Give the --root of a pipeline's runs, or name the store: --store PATH|URL.",
        )
    # A store that several roots share has absolute paths, or paths relative to its own folder.
    root_of_paths = place if layout.metadata is None else None
    with LineageStore.open(layout.lineage, root=root_of_paths, create=False) as opened:
        yield Standing(opened, layout.locks)


def chosen_root(root: Path | None) -> Path:
    """Return the root that a command is about: the one that was given, else the only one below `assay-root/`.

    Raises:
        UsageError: If none is given and there is not just one.
    """
    return (root if root is not None else _only_root()).resolve()


def _only_root() -> Path:
    roots = sorted(folder for folder in _ROOTS.glob("*") if layout_at(folder) is not None)
    if len(roots) == 1:
        return roots[0]
    found = f"several: {', '.join(map(str, roots))}" if roots else "none"
    raise UsageError(
        "lineage.root", f"Expected one root with a lineage store in {_ROOTS}/, found {found}.", "Name it: --root DIR."
    )
