"""Pusher: a blessed model to a folder that a model server watches."""

from __future__ import annotations

from assay.components.pusher.component import Pusher
from assay.components.pusher.config import PushDestination

__all__ = ["PushDestination", "Pusher"]
