"""PushedModel: what was pushed, where, and on whose word."""

from __future__ import annotations

import json
from typing import Any

from assay.artifacts.base import Artifact

RECEIPT = "receipt.json"


class PushedModel(Artifact):
    """A copy of the pushed model, and the receipt of the push."""

    def receipt(self) -> dict[str, Any]:
        """Read the receipt."""
        content: dict[str, Any] = json.loads(self.require(RECEIPT).read_text(encoding="utf-8"))
        return content
