"""Contradictions in a schema, most of which TFDV loads in silence."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from tensorflow_metadata.proto.v0 import schema_pb2

from assay.curation.contradictions_of_features import Shared, of_feature
from assay.curation.findings import Finding
from assay.curation.limits import impossible_bounds
from assay.curation.subjects import Place, Subject, walk
from assay.curation.text_lines import Location, field_lines
from assay.documents import parse_text_proto
from assay.errors import DataError
from assay.kernels.feature_path import join_path


def check(schema: schema_pb2.Schema) -> tuple[Finding, ...]:
    """Finds what is wrong with a schema without looking at data; errors before warnings, else in the schema's order."""
    findings = [finding for _, finding in _findings(schema)]
    return tuple(sorted(findings, key=lambda finding: finding.severity))


def check_text(text: str, source: str = "schema") -> tuple[Finding, ...]:
    """Finds what is wrong with a schema in a text proto; each finding has its line.

    Raises:
        DataError: The text is no schema; the message names `source` and the line.
    """
    schema = parse_text_proto(text, schema_pb2.Schema(), source, code="schema.syntax", refusal=DataError)
    lines = field_lines(text)
    located = [
        replace(finding, line=_line(place.location, finding.path, lines)) for place, finding in _findings(schema)
    ]
    return tuple(sorted(located, key=lambda finding: (finding.severity, finding.line or 0)))


def _findings(schema: schema_pb2.Schema) -> Iterator[tuple[Place, Finding]]:
    places = list(walk(schema))
    yield from _named_twice(places)
    yield from _domains(schema, places)
    yield from _composites(places)
    shared = Shared(
        frozenset(schema.default_environment), {domain.name: domain for domain in reversed(schema.string_domain)}
    )
    for place in places:
        for finding in (*impossible_bounds(place), *of_feature(place, shared)):
            yield place, finding


def _named_twice(places: list[Place]) -> Iterator[tuple[Place, Finding]]:
    """Features that share a name, of whatever kind, in one message; and domains of one name."""
    seen: dict[tuple[str, str], Place] = {}
    for place in places[1:]:
        name = place.subject.name
        group = "domain" if place.subject.kind.endswith("domain") else "feature"
        if not place.message.name:
            yield place, _error("no_name", place.subject, "name", f"A {place.subject.kind} has no name.")
        elif (group, name) in seen:
            first = seen[group, name].subject
            sentence = f"{place.subject} has the name of another {first.kind}: only one of them counts."
            yield place, _error("named_twice", place.subject, "name", f"{sentence[0].upper()}{sentence[1:]}")
        else:
            seen[group, name] = place


def _domains(schema: schema_pb2.Schema, places: list[Place]) -> Iterator[tuple[Place, Finding]]:
    """Shared domains that nothing uses, and features that name one that is not there."""
    names = {domain.name for kind in ("string", "int", "float") for domain in getattr(schema, f"{kind}_domain")}
    strings = {domain.name for domain in schema.string_domain}
    used: set[str] = set()
    for place in places:
        if place.subject.kind != "feature" or not place.message.HasField("domain"):
            continue
        domain = place.message.domain
        used.add(domain)
        if domain not in names:
            sentence = f"Feature '{place.subject.name}' names the domain '{domain}', which the schema does not have."
            yield place, _error("domain_missing", place.subject, "domain", sentence)
        elif domain not in strings:
            sentence = (
                f"Feature '{place.subject.name}' names '{domain}', which is no string domain: TFDV validates no shared "
                "int or float domains. Write the range into the feature."
            )
            yield place, _error("domain_not_validated", place.subject, "domain", sentence)
    for place in places:
        if place.subject.kind.endswith("domain") and place.subject.name not in used:
            yield (
                place,
                Finding(
                    code="domain_unused",
                    severity="warning",
                    subject=place.subject,
                    sentence=f"No feature names the {place.subject}.",
                ),
            )


def _composites(places: list[Place]) -> Iterator[tuple[Place, Finding]]:
    """Sparse and weighted features whose parts are not there."""
    features = {place.subject.steps for place in places if place.subject.kind == "feature"}
    for place in places:
        above = place.subject.steps[:-1]
        for path, steps in _parts(place, above):
            if steps not in features:
                sentence = f"The {place.subject} is made of '{join_path(steps)}', which the schema does not have."
                yield place, _error("part_missing", place.subject, path, sentence)


def _parts(place: Place, above: tuple[str, ...]) -> Iterator[tuple[str, tuple[str, ...]]]:
    message = place.message
    if place.subject.kind == "sparse_feature":
        for part in message.index_feature:
            yield "index_feature", (*above, part.name)
        yield "value_feature", (*above, message.value_feature.name)
    elif place.subject.kind == "weighted_feature":
        yield "feature", tuple(message.feature.step)
        yield "weight_feature", tuple(message.weight_feature.step)


def _error(code: str, subject: Subject, path: str, sentence: str) -> Finding:
    return Finding(code=code, severity="error", subject=subject, path=path, sentence=sentence)


def _line(location: Location, path: str, lines: dict[Location, int]) -> int | None:
    """The line of a field, or of the innermost message around it that the text has."""
    steps = tuple((name, 0) for name in path.split(".")) if path else ()
    for depth in range(len(steps), -1, -1):
        if (line := lines.get((*location, *steps[:depth]))) is not None:
            return line
    return None
