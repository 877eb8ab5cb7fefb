"""A check beside what it holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from assay.gating.figures import Place
    from assay.gating.limits import Limit
    from assay.gating.verdict import Check


@dataclass(frozen=True, slots=True)
class Held:
    """One limit in one slice.

    Attributes:
        limit: The limit.
        key: The slice, or pair of slices; None where the limit's slices were not computed.
        check: How the point estimate stands to the limit.
    """

    limit: Limit
    key: Place | None
    check: Check
