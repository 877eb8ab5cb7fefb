"""Rules that a row keeps or breaks: from a schema, from a file, or from a user's function; on batches and on records.

Modules are imported one by one: `record_validator` must not load Arrow.
"""

from __future__ import annotations
