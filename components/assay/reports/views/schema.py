"""A schema as a table of expectations, and the difference of two."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tensorflow_metadata.proto.v0 import schema_pb2

from assay.artifacts import Schema
from assay.artifacts.schema import format_schema
from assay.reports.blocks import Code, Column, DataTable, Detail, Section
from assay.reports.figures import number, plural, share
from assay.reports.views.shown import Shown
from assay.schema.differences import differences
from assay.schema.leaf_fields import leaves
from assay.schema.subjects import own_fields, walk

if TYPE_CHECKING:
    from tensorflow_metadata.proto.v0.schema_pb2 import Feature

_SHOWN_VALUES = 400
_LONGEST_TEXT = 200_000
_PLAIN_FIELDS = frozenset({"name", "type"})


def show_schema(artifact: Schema) -> Shown:
    """Return the page of a schema."""
    schema = artifact.read()
    return Shown(sections=schema_sections(schema), summary=f"{plural(len(schema.feature), 'feature')} expected.")


def schema_sections(schema: schema_pb2.Schema) -> list[Section]:
    """Return features with type, presence and domain; shared domains; the text proto."""
    shared = {domain.name: list(domain.value) for domain in schema.string_domain}
    sections = [Section(title="Features", blocks=[_features(schema, shared)])]
    if schema.string_domain:
        sections.append(Section(title="Domains", blocks=[_domains(schema)]))
    others = [each for each in walk(schema) if each.subject.kind not in {"feature", "string_domain"}]
    rows = [
        [str(each.subject), f"{path} = {_value(value)}"]
        for each in others
        for path, value in leaves(own_fields(each.message)).items()
    ]
    if rows:
        table = DataTable(
            name="constraints",
            caption="Other expectations",
            columns=[
                Column(label="Of", kind="name", search=True),
                Column(label="Expectation", kind="long", search=True),
            ],
            rows=rows,
            counted=("expectation", "expectations"),
        )
        sections.append(Section(title="Other expectations", blocks=[table]))
    text = format_schema(schema)
    if len(text) > _LONGEST_TEXT:
        text = text[:_LONGEST_TEXT] + "\n… cut here; schema.pbtxt has the whole"
    sections.append(Section(title="Text", blocks=[Code("schema.pbtxt", text)]))
    return sections


def _features(schema: schema_pb2.Schema, shared: Mapping[str, list[str]]) -> DataTable:
    rows = []
    for place in walk(schema):
        if place.subject.kind != "feature":
            continue
        feature: Any = place.message
        expected = [
            [path, _value(value)]
            for path, value in leaves(own_fields(feature)).items()
            if path not in _PLAIN_FIELDS and not path.endswith("domain.value")
        ]
        rows.append(
            [
                place.subject.name,
                [schema_pb2.FeatureType.Name(feature.type).lower().removeprefix("type_"), "plain"],
                _presence(feature),
                _valency(feature),
                _domain(feature, shared),
                _stage(feature),
                [
                    expected or None,
                    [" · ".join(_domain_values(feature, shared))] if _domain_values(feature, shared) else None,
                ],
            ]
        )
    return DataTable(
        name="features",
        caption="Features of the schema",
        columns=[
            Column(label="Feature", kind="name", search=True),
            Column(label="Type", kind="pill"),
            Column(label="Presence"),
            Column(label="Values"),
            Column(label="Domain", kind="long", search=True),
            Column(label="Stage"),
        ],
        rows=rows,
        details=[
            Detail(kind="table", title="Everything that is set", labels=("field", "value")),
            Detail(kind="text", title="Values of the domain"),
        ],
        filters=(1,),
        counted=("feature", "features"),
        empty="The schema has no features.",
    )


def _presence(feature: Feature) -> str:
    if not feature.HasField("presence"):
        return "optional"
    least = feature.presence.min_fraction
    if least >= 1:
        return "required"
    return f"at least {share(least)}" if least else "optional"


def _valency(feature: Feature) -> str:
    if feature.HasField("shape"):
        sizes = [str(dim.size) for dim in feature.shape.dim]
        return "single" if sizes in ([], ["1"]) else f"shape {' by '.join(sizes)}"
    if feature.HasField("value_count"):
        low, high = feature.value_count.min, feature.value_count.max
        return "single" if low == high == 1 else f"{low} to {high or 'any'}"
    return "any number"


def _domain(feature: Feature, shared: Mapping[str, list[str]]) -> str:
    kind = feature.WhichOneof("domain_info")
    if kind in {"int_domain", "float_domain"}:
        domain = getattr(feature, kind)
        low = number(domain.min) if domain.HasField("min") else number(-math.inf)
        high = number(domain.max) if domain.HasField("max") else number(math.inf)
        return f"{low} to {high}{', categories' if domain.is_categorical else ''}"
    values = _domain_values(feature, shared)
    if kind == "domain":
        return f"{feature.domain}: {plural(len(values), 'value')}"
    if values:
        return plural(len(values), "value")
    return kind.replace("_", " ") if kind else ""


def _domain_values(feature: Feature, shared: Mapping[str, list[str]]) -> list[str]:
    kind = feature.WhichOneof("domain_info")
    if kind == "domain":
        return shared.get(feature.domain, [])[:_SHOWN_VALUES]
    if kind == "string_domain":
        return list(feature.string_domain.value)[:_SHOWN_VALUES]
    return []


def _stage(feature: Feature) -> str:
    if feature.deprecated:
        return "deprecated"
    stage: str = schema_pb2.LifecycleStage.Name(feature.lifecycle_stage)
    return "" if stage == "UNKNOWN_STAGE" else stage.lower()


def _domains(schema: schema_pb2.Schema) -> DataTable:
    rows = []
    for domain in schema.string_domain:
        values = list(domain.value)
        users = [feature.name for feature in schema.feature if feature.domain == domain.name]
        rows.append([domain.name, len(values), ", ".join(users), [[" · ".join(values[:_SHOWN_VALUES])]]])
    return DataTable(
        name="domains",
        caption="Shared domains",
        columns=[
            Column(label="Domain", kind="name", search=True),
            Column(label="Values", kind="int"),
            Column(label="Used by", kind="long"),
        ],
        rows=rows,
        details=[Detail(kind="text", title="Values")],
        counted=("domain", "domains"),
    )


def difference_table(before: schema_pb2.Schema, after: schema_pb2.Schema) -> DataTable:
    """Return the changes that lead from one schema to another, leaf by leaf."""
    rows = []
    for each in differences(before, after):
        word = "changed"
        if not each.path:
            word = "added" if each.before is None else "removed"
        elif each.before is None:
            word = "set" if not each.is_edit else "added"
        elif each.after is None:
            word = "cleared" if not each.is_edit else "removed"
        tone = {"added": "ok", "set": "ok", "removed": "bad", "cleared": "bad"}.get(word, "warn")
        rows.append([str(each.subject), [word, tone], each.path, _side(each.before), _side(each.after)])
    return DataTable(
        name="differences",
        caption="Differences of the schemas",
        columns=[
            Column(label="Of", kind="name", search=True),
            Column(label="What", kind="pill"),
            Column(label="Field", search=True),
            Column(label="Before", kind="long"),
            Column(label="After", kind="long"),
        ],
        rows=rows,
        filters=(1,),
        counted=("difference", "differences"),
        empty="The schemas say the same.",
    )


def _side(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, dict):
        return ", ".join(f"{path} = {_value(leaf)}" for path, leaf in value.items())[:600]
    return _value(value)


def _value(value: Any) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    return text if len(text) <= 600 else text[:600] + "…"
