"""Finds the lineage store that a command asks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from assay.errors import LineageError, UsageError
from assay.lineage import SqlLineageStore
from assay.runners.local.layout import RootLayout
from assay.runners.local.standing import Standing

# Where the local runner puts the roots of pipelines that name none.
_ROOTS = Path("assay-root")


@contextmanager
def open_lineage(root: Path | None) -> Iterator[Standing]:
    """Opens the store below a root, without making one.

    Yields:
        The store, and a way to tell a killed run from one that runs.

    Raises:
        UsageError: If no root is given and there is not just one below `assay-root/`.
        LineageError: If the root holds no lineage store.
    """
    place = chosen_root(root)
    layout = RootLayout(place)
    file = layout.own_lineage
    if not file.is_file():
        raise LineageError(
            "lineage.none", f"{place} holds no lineage store ({file.name}).", "Give the --root of a pipeline's runs."
        )
    with SqlLineageStore.open(file, root=place, create=False) as store:
        yield Standing(store, layout.locks)


def chosen_root(root: Path | None) -> Path:
    """The root that a command is about: the one that was given, else the only one below `assay-root/`.

    Raises:
        UsageError: If none is given and there is not just one.
    """
    return (root if root is not None else _only_root()).resolve()


def _only_root() -> Path:
    roots = sorted(folder for folder in _ROOTS.glob("*") if RootLayout(folder).own_lineage.is_file())
    if len(roots) == 1:
        return roots[0]
    found = f"several: {', '.join(map(str, roots))}" if roots else "none"
    raise UsageError(
        "lineage.root", f"Expected one root with a lineage store in {_ROOTS}/, found {found}.", "Name it: --root DIR."
    )
