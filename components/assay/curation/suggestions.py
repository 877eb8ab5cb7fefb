"""What a schema could say besides, by the evidence of statistics; nobody has to take it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from tensorflow_metadata.proto.v0.schema_pb2 import Schema
from tensorflow_metadata.proto.v0.statistics_pb2 import DatasetFeatureStatisticsList

from assay.curation import suggested_domains, suggested_limits
from assay.curation.evidence import Observed
from assay.curation.patch import Entry, Patch
from assay.curation.subjects import Subject, index
from assay.curation.suggest_options import Suggestion, SuggestOptions
from assay.kernels.default_slice import default_dataset
from assay.kernels.feature_path import path_of, split_path
from assay.kernels.schema import infer_schema

_MAKERS: Final[dict[Suggestion, Callable[[Observed, Any], Entry | None]]] = {
    "time": suggested_domains.time,
    "categories": suggested_domains.categories,
    "ranges": suggested_domains.numeric_range,
    "domains": suggested_domains.unseen_values,
    "uniqueness": suggested_limits.uniqueness,
    "presence": suggested_limits.presence,
    "drift": suggested_limits.drift,
}


def suggest(
    statistics: DatasetFeatureStatisticsList,
    schema: Schema | None = None,
    options: SuggestOptions | None = None,
    *,
    ascending: Mapping[str, bool] | None = None,
    date: dt.date | None = None,
) -> Patch:
    """Gives suggestions as a patch whose entries are marked as suggested, each with its evidence.

    Where it is applied, the schema shows what was suggested: by the tag `assay.suggested` and a comment. To accept an
    entry, take `suggested: true` out of it; to reject it, delete it.

    Args:
        statistics: Of one data set, or of slices that include `All Examples`.
        schema: What is decided already, and is not suggested again; by default the inferred schema.
        options: What to suggest.
        ascending: Whether the values of a feature never fall from one row to the next, as
            `assay.curation.ascending.AscendingColumns` finds in the data; statistics do not know.
        date: The date of the entries.

    Raises:
        ArtifactError: Statistics of several slices have none of all examples.
    """
    options = options or SuggestOptions()
    schema = schema if schema is not None else infer_schema(statistics)
    entries = tuple(_entries(statistics, schema, options, ascending or {}, date))
    return Patch(entries=entries)


def _entries(
    statistics: DatasetFeatureStatisticsList,
    schema: Schema,
    options: SuggestOptions,
    ascending: Mapping[str, bool],
    date: dt.date | None,
) -> Iterator[Entry]:
    dataset = default_dataset(statistics)
    places = index(schema)
    for feature in dataset.features:
        steps = split_path(path_of(feature))
        place = places.get(Subject("feature", path_of(feature)))
        if place is None:
            continue
        observed = Observed(
            name=place.subject.name,
            statistics=feature,
            feature=place.message,
            schema=schema,
            num_examples=int(dataset.num_examples),
            ascending=ascending.get(steps[0]) if len(steps) == 1 else None,
            date=date,
        )
        if not observed.is_validated:
            continue
        taken: set[str] = set()
        for kind, make in _MAKERS.items():
            # A feature has one domain: what is a time gets no range, and what is a category neither. Time goes on: it
            # drifts, and nobody wants to hear so.
            if (kind in {"categories", "ranges"} and taken & {"time", "categories"}) or (
                kind == "drift" and "time" in taken
            ):
                continue
            entry = make(observed, options) if kind in options.kinds or kind in {"time", "categories"} else None
            if entry is None:
                continue
            taken.add(kind)
            # A comparator that counts categories needs the domain that is suggested beside it.
            if kind == "categories" and kind in options.kinds:
                observed = replace(observed, is_category=True)
            if kind in options.kinds:
                yield entry
