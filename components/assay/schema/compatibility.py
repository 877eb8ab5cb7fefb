"""Which change of a schema can break whom: those who write the data, or those who read it."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from tensorflow_metadata.proto.v0.schema_pb2 import Schema

from assay.schema.differences import Difference, differences
from assay.schema.subjects import SchemaSubject, SubjectPlace, index

Party: TypeAlias = Literal["producer", "consumer"]
Ruling: TypeAlias = tuple[str, tuple[Party, ...], str]

_BOTH: Final[tuple[Party, ...]] = ("producer", "consumer")
_SAFE: Final[Ruling] = ("safe", (), "")
_NARROWER: Final[Ruling] = ("narrower", ("producer",), "data that was valid may be rejected")
_WIDER: Final[Ruling] = ("wider", ("consumer",), "readers may meet values that they do not expect")
_STRICTER: Final[Ruling] = ("stricter", ("producer",), "data that passed may be rejected")
_LOOSER: Final[Ruling] = ("looser", (), "fewer datasets are rejected")
_READING: Final[Ruling] = ("representation", ("consumer",), "readers get the values in another form")

_UNCHECKED_STAGES: Final = {"PLANNED", "ALPHA", "DEPRECATED", "DEBUG_ONLY", "DISABLED", "VALIDATION_DERIVED"}
"""Features in these stages are not validated; one without a stage is in production."""

# Bounds of what may come: (value where the bound is not set, whether a larger bound lets more data pass).
_BOUNDS: Final[dict[str, tuple[float, bool]]] = {
    "presence.min_fraction": (0, False),
    "presence.min_count": (0, False),
    "value_count.min": (0, False),
    "value_count.max": (math.inf, True),
    "int_domain.min": (-math.inf, False),
    "int_domain.max": (math.inf, True),
    "float_domain.min": (-math.inf, False),
    "float_domain.max": (math.inf, True),
    "min": (-math.inf, False),
    "max": (math.inf, True),
    "unique_constraints.min": (0, False),
    "unique_constraints.max": (math.inf, True),
    "image_domain.minimum_supported_image_fraction": (0, False),
    "image_domain.max_image_byte_size": (math.inf, True),
    "distribution_constraints.min_domain_mass": (1, False),
    "natural_language_domain.coverage.min_coverage": (0, False),
    "natural_language_domain.coverage.min_avg_token_length": (0, False),
    "natural_language_domain.sequence_length_constraints.min_sequence_length": (0, False),
    "natural_language_domain.sequence_length_constraints.max_sequence_length": (math.inf, True),
}

# Limits that only validation holds datasets to; no single row tells whether one was loosened.
_LIMITS: Final[dict[str, tuple[float, bool]]] = {
    f"{comparator}.{metric}.threshold": (math.inf, True)
    for comparator in ("skew_comparator", "drift_comparator")
    for metric in ("infinity_norm", "jensen_shannon_divergence", "normalized_abs_difference")
} | {
    "dataset_constraints.min_examples_count": (0, False),
    "dataset_constraints.max_examples_count": (math.inf, True),
    "dataset_constraints.num_examples_drift_comparator.min_fraction_threshold": (0, False),
    "dataset_constraints.num_examples_drift_comparator.max_fraction_threshold": (math.inf, True),
    "dataset_constraints.num_examples_version_comparator.min_fraction_threshold": (0, False),
    "dataset_constraints.num_examples_version_comparator.max_fraction_threshold": (math.inf, True),
}

_PREFIXES: Final[tuple[tuple[str, Ruling], ...]] = (
    ("annotation", _SAFE),
    ("validation_derived_source", _SAFE),
    ("skew_comparator", _STRICTER),
    ("drift_comparator", _STRICTER),
    ("dataset_constraints", _STRICTER),
    ("natural_language_domain", _STRICTER),
    ("shape", ("shape", _BOTH, "data and readers must agree on the shape")),
    ("value_counts", ("shape", _BOTH, "data and readers must agree on the number of values")),
    ("group_presence", _STRICTER),
    ("sequence_metadata", _READING),
    ("tensor_representation_group", _READING),
    ("represent_variable_length_as_ragged", _READING),
)

_DOMAINS: Final = (
    "int_domain",
    "float_domain",
    "bool_domain",
    "struct_domain",
    "natural_language_domain",
    "image_domain",
    "mid_domain",
    "url_domain",
    "time_domain",
    "time_of_day_domain",
    "audio_domain",
    "video_domain",
    "content_chunk_domain",
)


def ruling(
    difference: Difference, olds: dict[SchemaSubject, SubjectPlace], news: dict[SchemaSubject, SubjectPlace]
) -> Ruling:
    """Return the rule for a change: its name, whom it can break, and why."""
    subject, path = difference.subject, difference.path
    if not path:
        return _whole(subject, olds.get(subject), news.get(subject))
    if subject.kind in {"sparse_feature", "weighted_feature"} and path != "lifecycle_stage":
        return _READING
    if path in _BOUNDS:
        return _bound(difference, _BOUNDS[path], _NARROWER, _WIDER)
    if path in _LIMITS:
        return _bound(difference, _LIMITS[path], _STRICTER, _LOOSER)
    if path in _ALONE:
        return _ALONE[path](difference)
    if subject.kind == "string_domain" and path == "value":
        return _values(difference.before or (), difference.after or ())
    if path == "domain" or path.startswith("string_domain"):
        return _string_domain(difference, olds, news)
    return _other(difference, olds, news)


def _whole(subject: SchemaSubject, old: SubjectPlace | None, new: SubjectPlace | None) -> Ruling:
    """Return a feature or a domain that came or went."""
    if subject.kind in {"string_domain", "int_domain", "float_domain"}:
        return _SAFE  # what it means for a feature shows where the feature names it
    if new is None:
        if old is not None and _unchecked(old.message):
            return ("removed", ("consumer",), "whoever still reads it does not get it")
        return ("removed", _BOTH, "whoever reads it does not get it, and data that still has it has a new column")
    if subject.kind == "feature" and _required(new.message):
        return ("newly_required", ("producer",), "data without it is rejected")
    return ("added", (), "it may be missing, so that earlier data stays valid")


def _required(feature: Any) -> bool:
    presence = feature.presence
    return not _unchecked(feature) and (presence.min_fraction > 0 or presence.min_count > 0)


def _unchecked(message: Any) -> bool:
    if "lifecycle_stage" not in message.DESCRIPTOR.fields_by_name:
        return False
    enum = message.DESCRIPTOR.fields_by_name["lifecycle_stage"].enum_type
    stage = enum.values_by_number.get(message.lifecycle_stage)
    return (stage is not None and stage.name in _UNCHECKED_STAGES) or bool(getattr(message, "deprecated", False))


def _type(_: Difference) -> Ruling:
    return ("type", _BOTH, "data of the one type cannot be read as the other")


def _stage(difference: Difference) -> Ruling:
    return _checking(was=difference.before not in _UNCHECKED_STAGES, now=difference.after not in _UNCHECKED_STAGES)


def _flag(difference: Difference) -> Ruling:
    return _checking(was=not difference.before, now=not difference.after)


def _checking(*, was: bool, now: bool) -> Ruling:
    if was == now:
        return _SAFE
    if now:
        return ("checked", ("producer",), "it is validated from now on")
    return ("unchecked", ("consumer",), "it is no longer validated")


def _bound(difference: Difference, bound: tuple[float, bool], tighter: Ruling, looser: Ruling) -> Ruling:
    unset, larger_is_looser = bound
    before = unset if difference.before is None else difference.before
    after = unset if difference.after is None else difference.after
    if isinstance(before, dict) or isinstance(after, dict) or before == after:
        return _SAFE
    return looser if (after > before) == larger_is_looser else tighter


def _environments(difference: Difference) -> Ruling:
    gone, come = difference.before, difference.after
    if difference.path == "default_environment":
        if gone:
            return ("environment_removed", _BOTH, "nothing can be validated in it any more")
        return ("environment_added", (), "features are expected in it unless they say otherwise")
    leaves, joins = (come, gone) if difference.path == "not_in_environment" else (gone, come)
    breaks: tuple[Party, ...] = (*(("producer",) if joins else ()), *(("consumer",) if leaves else ()))
    where = [f"it is expected in {', '.join(joins)} now"] if joins else []
    where += [f"it may be missing in {', '.join(leaves)} now"] if leaves else []
    return ("environment", breaks, ", and ".join(where))


def _values(gone: Any, come: Any) -> Ruling:
    if gone and come:
        return ("other_values", _BOTH, "earlier values may be rejected, and readers may meet new ones")
    return _NARROWER if gone else (_WIDER if come else _SAFE)


def _string_domain(
    difference: Difference, olds: dict[SchemaSubject, SubjectPlace], news: dict[SchemaSubject, SubjectPlace]
) -> Ruling:
    """Return a feature's string domain, its own or a shared one: only the values count."""
    if difference.path == "string_domain.is_categorical":
        return _READING
    before = _domain_values(olds.get(difference.subject), olds)
    after = _domain_values(news.get(difference.subject), news)
    if before is None or after is None:
        return _SAFE if before is after else (_WIDER if after is None else _NARROWER)
    return _values(before - after, after - before)


def _domain_values(place: SubjectPlace | None, places: dict[SchemaSubject, SubjectPlace]) -> set[str] | None:
    """Return the values a feature may have; None where it has no string domain."""
    if place is None:
        return None
    feature = place.message
    if feature.HasField("string_domain"):
        return set(feature.string_domain.value)
    shared = places.get(SchemaSubject("string_domain", feature.domain)) if feature.HasField("domain") else None
    return None if shared is None else set(shared.message.value)


def _other(
    difference: Difference, olds: dict[SchemaSubject, SubjectPlace], news: dict[SchemaSubject, SubjectPlace]
) -> Ruling:
    path = difference.path
    if path.startswith(_DOMAINS):
        return _domain(difference, olds, news)
    for prefix, ruled in _PREFIXES:
        if path == prefix or path.startswith(f"{prefix}."):
            if ruled is _STRICTER and difference.after is None:
                return _LOOSER
            return ruled
    if path in {"presence", "value_count", "unique_constraints", "distribution_constraints"}:
        return _SAFE  # set, but empty: it bounds nothing
    return ("changed", _BOTH, "no rule knows this field")


def _domain(
    difference: Difference, olds: dict[SchemaSubject, SubjectPlace], news: dict[SchemaSubject, SubjectPlace]
) -> Ruling:
    """Return a domain that is not one of strings: its kind, and what is in it."""
    old, new = olds[difference.subject].message, news[difference.subject].message
    name = difference.path.split(".")[0]
    had, has = old.HasField(name), new.HasField(name)
    if had and has:
        if name == "natural_language_domain":
            return _LOOSER if difference.after is None else _STRICTER
        if difference.path.rsplit(".", 1)[-1].startswith("disallow_"):
            return _NARROWER if difference.after else _WIDER
        if name in {"int_domain", "float_domain"}:
            return _READING
        return ("meaning", _BOTH, "the values mean something else")
    if "." not in difference.path:
        return _SAFE if name in {"int_domain", "float_domain"} else ("meaning", ("producer",), "") if has else _WIDER
    if has:
        return _NARROWER if not difference.path.endswith(("is_categorical", "is_embedding")) else _READING
    return _WIDER if not difference.path.endswith(("is_categorical", "is_embedding")) else _READING


_ALONE: Final[dict[str, Callable[[Difference], Ruling]]] = {
    "type": _type,
    "lifecycle_stage": _stage,
    "deprecated": _flag,
    "in_environment": _environments,
    "not_in_environment": _environments,
    "default_environment": _environments,
}


Kind: TypeAlias = Literal["added", "removed", "changed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change between two schemas.

    Attributes:
        subject: What changed.
        path: The field, such as `presence.min_fraction`; empty where the subject as a whole came or went.
        kind: Whether the field, or the subject, was added, removed or changed.
        before: Its value before; of a list without order, the values that are gone.
        after: Its value after; of a list without order, the values that are new.
        rule: The compatibility rule by its name, such as `narrower`.
        breaks: Whom the change can break. `producer`: data that was valid may be rejected now. `consumer`: data that is
            valid now may be such as a reader of the earlier schema does not expect.
        sentence: The change in words.
    """

    subject: SchemaSubject
    path: str
    kind: Kind
    before: Any
    after: Any
    rule: str
    breaks: tuple[Party, ...]
    sentence: str


def diff(before: Schema, after: Schema) -> tuple[Change, ...]:
    """Name every change between two schemas, and say whom it can break.

    Raises:
        DataError: A schema has a name twice.
    """
    olds, news = index(before), index(after)
    return tuple(_change(difference, olds, news) for difference in differences(before, after))


def _change(
    difference: Difference, olds: dict[SchemaSubject, SubjectPlace], news: dict[SchemaSubject, SubjectPlace]
) -> Change:
    rule, breaks, meaning = ruling(difference, olds, news)
    kind: Kind = "changed"
    if difference.before is None or not (difference.path or difference.subject in olds):
        kind = "added"
    elif difference.after is None:
        kind = "removed"
    sentence = _what(difference, kind)
    sentence = f"{sentence[0].upper()}{sentence[1:]}"
    return Change(
        subject=difference.subject,
        path=difference.path,
        kind=kind,
        before=difference.before,
        after=difference.after,
        rule=rule,
        breaks=breaks,
        sentence=f"{sentence[0].upper()}{sentence[1:]}: {meaning}."
        if meaning
        else f"{sentence[0].upper()}{sentence[1:]}.",
    )


def _what(difference: Difference, kind: Kind) -> str:
    subject, path = difference.subject, difference.path
    if not path:
        return f"{subject} was {kind}"
    if difference.is_edit:
        parts = [
            f"{word} {', '.join(map(_shown, values))}"
            for word, values in (("lost", difference.before), ("gained", difference.after))
            if values
        ]
        return f"{subject}, {path} {' and '.join(parts)}"
    if kind == "added":
        return f"{subject}, {path} is now {_shown(difference.after)}"
    if kind == "removed":
        return f"{subject}, {path} is no longer set (was {_shown(difference.before)})"
    return f"{subject}, {path} went from {_shown(difference.before)} to {_shown(difference.after)}"


def _shown(value: Any) -> str:
    text = value if isinstance(value, str) and value else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:59]}…"
