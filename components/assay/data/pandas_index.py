"""The index of a pandas data frame, which its tables carry as columns and which is not a column of the data."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

_UNNAMED = re.compile(r"__index_level_\d+__")


def index_columns(schema: pa.Schema) -> frozenset[str]:
    """Return the columns of a schema that hold the index of a pandas data frame.

    pandas writes an index without a name as `__index_level_0__`, which keeps its name when other libraries write the
    table again, and lists a named one in the metadata of the schema. A RangeIndex is metadata alone.
    """
    found = {name for name in schema.names if _UNNAMED.fullmatch(name)}
    described = (schema.metadata or {}).get(b"pandas")
    if described is not None:
        try:
            listed = json.loads(described).get("index_columns", [])
        except (ValueError, AttributeError):  # another writer's note, which pandas would not read either
            listed = []
        found |= {name for name in listed if isinstance(name, str)} & set(schema.names)
    return frozenset(found)
