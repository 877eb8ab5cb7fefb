"""Accepting named anomalies: the schema is widened just so far that they are gone, and the patch says so."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from tensorflow_metadata.proto.v0.anomalies_pb2 import Anomalies, AnomalyInfo
from tensorflow_metadata.proto.v0.schema_pb2 import Schema
from tensorflow_metadata.proto.v0.statistics_pb2 import DatasetFeatureStatisticsList

from assay.errors import DataError, UsageError, did_you_mean
from assay.kernels.default_slice import default_dataset
from assay.kernels.feature_path import join_path, path_of
from assay.schema.application import apply
from assay.schema.differences import patch_from
from assay.schema.inference import MAX_STRING_DOMAIN_SIZE, update_schema
from assay.schema.patch import Entry, Evidence, Patch
from assay.schema.subjects import SchemaSubject, index

_METRICS: Final = {
    "COMPARATOR_L_INFTY_HIGH": ("L_INFTY", "infinity_norm"),
    "COMPARATOR_JENSEN_SHANNON_DIVERGENCE_HIGH": ("JENSEN_SHANNON_DIVERGENCE", "jensen_shannon_divergence"),
    "COMPARATOR_NORMALIZED_ABSOLUTE_DIFFERENCE_HIGH": ("NORMALIZED_ABSOLUTE_DIFFERENCE", "normalized_abs_difference"),
}


def set_measured_limit(
    schema: Schema, name: str, kind: str, anomalies: Anomalies, num_examples: int, dataset: str
) -> None:
    """Set, in `schema`, the limit that an anomaly broke to what was measured; other anomalies leave it as it is."""
    if name == dataset:
        if kind == "DATASET_LOW_NUM_EXAMPLES":
            schema.dataset_constraints.min_examples_count = num_examples
        elif kind == "DATASET_HIGH_NUM_EXAMPLES":
            schema.dataset_constraints.max_examples_count = num_examples
    elif kind in _METRICS:
        place = index(schema).get(SchemaSubject("feature", name))
        if place is not None:
            _raise_thresholds(place.message, name, kind, anomalies)


def _raise_thresholds(feature: Any, name: str, kind: str, anomalies: Anomalies) -> None:
    measure, metric = _METRICS[kind]
    for info in anomalies.drift_skew_info:
        if path_of(info) != name:
            continue
        for comparator, measurements in (
            ("drift_comparator", info.drift_measurements),
            ("skew_comparator", info.skew_measurements),
        ):
            for found in measurements:
                if type(found).Type.Name(found.type) == measure and found.value > found.threshold:
                    getattr(getattr(feature, comparator), metric).threshold = found.value


DATASET: Final = "the dataset"
"""What stands for a feature's name in the id of an anomaly of the dataset as a whole."""

# The fields that each kind of anomaly is about. An anomaly that is not here takes the whole feature.
_FIELDS: Final = {
    "ENUM_TYPE_UNEXPECTED_STRING_VALUES": ("domain", "string_domain", "distribution_constraints"),
    "ENUM_TYPE_INVALID_UTF8": ("domain", "string_domain"),
    "FEATURE_TYPE_LOW_FRACTION_PRESENT": ("presence",),
    "FEATURE_TYPE_LOW_NUMBER_PRESENT": ("presence",),
    "FEATURE_TYPE_NOT_PRESENT": ("presence",),
    "FEATURE_TYPE_LOW_NUMBER_VALUES": ("value_count", "value_counts"),
    "FEATURE_TYPE_HIGH_NUMBER_VALUES": ("value_count", "value_counts"),
    "FEATURE_TYPE_LOW_UNIQUE": ("unique_constraints",),
    "FEATURE_TYPE_HIGH_UNIQUE": ("unique_constraints",),
    "FEATURE_TYPE_NO_UNIQUE": ("unique_constraints",),
    "INVALID_FEATURE_SHAPE": ("shape",),
    "INT_TYPE_BIG_INT": ("int_domain",),
    "INT_TYPE_SMALL_INT": ("int_domain",),
    "FLOAT_TYPE_BIG_FLOAT": ("float_domain",),
    "FLOAT_TYPE_SMALL_FLOAT": ("float_domain",),
    "FLOAT_TYPE_HAS_NAN": ("float_domain",),
    "FLOAT_TYPE_HAS_INF": ("float_domain",),
    "COMPARATOR_L_INFTY_HIGH": ("drift_comparator", "skew_comparator"),
    "COMPARATOR_JENSEN_SHANNON_DIVERGENCE_HIGH": ("drift_comparator", "skew_comparator"),
    "COMPARATOR_NORMALIZED_ABSOLUTE_DIFFERENCE_HIGH": ("drift_comparator", "skew_comparator"),
}


@dataclass(frozen=True, slots=True)
class Relaxation:
    """What accepting anomalies comes to.

    Attributes:
        schema: The widened schema.
        patch: The decisions, to be kept with the others.
        ids: The ids of the anomalies that were accepted.
    """

    schema: Schema
    patch: Patch
    ids: tuple[str, ...]


def anomaly_ids(anomalies: Anomalies) -> tuple[str, ...]:
    """Return the ids by which anomalies are accepted, such as `payment_type/ENUM_TYPE_UNEXPECTED_STRING_VALUES`."""
    return tuple(f"{name}/{kind}" for name, kind, _ in _reasons(anomalies))


def relax(
    schema: Schema,
    anomalies: Anomalies,
    names: Sequence[str],
    statistics: DatasetFeatureStatisticsList,
    *,
    max_string_domain_size: int = MAX_STRING_DOMAIN_SIZE,
    owner: str = "",
    reason: str = "",
    date: dt.date | None = None,
) -> Relaxation:
    """Accept named anomalies: what `tfdv.update_schema` does, for these columns and these anomalies only.

    Args:
        schema: What the data was validated against.
        anomalies: What validation found.
        names: Ids as `anomaly_ids` gives them, or names of features, which stand for all their anomalies.
        statistics: Those of the validated data: anomalies do not hold the values themselves.
        max_string_domain_size: A string feature that comes to have more distinct values loses its domain.
        owner: Who accepts.
        reason: Why; by default what the anomaly says.
        date: When.

    Raises:
        UsageError: An id is not among the anomalies.
        DataError: The schema cannot be widened so far that an anomaly is gone; it has to be edited.
    """
    accepted = _accepted(anomalies, names)
    target = _widened(schema, anomalies, accepted, statistics, max_string_domain_size)
    patch = patch_from(schema, target, owner=owner, date=date)
    patch = Patch(entries=tuple(_explained(entry, target, accepted, reason) for entry in patch.entries))
    _refuse_unmet(accepted, patch)
    return Relaxation(apply(schema, patch), patch, tuple(f"{name}/{kind}" for name, kind, _ in accepted))


_Reason = tuple[str, str, str]


def _reasons(anomalies: Anomalies) -> Iterator[_Reason]:
    """Feature, type and description of every anomaly."""
    infos = [(name, anomalies.anomaly_info[name]) for name in sorted(anomalies.anomaly_info)]
    if anomalies.HasField("dataset_anomaly_info"):
        infos.append((DATASET, anomalies.dataset_anomaly_info))
    for name, info in infos:
        for reason in info.reason:
            yield name, AnomalyInfo.Type.Name(reason.type), reason.description.strip()


def _accepted(anomalies: Anomalies, names: Sequence[str]) -> list[_Reason]:
    known = list(_reasons(anomalies))
    accepted: list[_Reason] = []
    for name in names:
        # A verdict puts the split before: `eval/payment_type/ENUM_TYPE_UNEXPECTED_STRING_VALUES`.
        found = [item for item in known if name in {item[0], f"{item[0]}/{item[1]}"} or _ends(name, item)]
        if not found:
            ids = [f"{feature}/{kind}" for feature, kind, _ in known]
            raise UsageError(
                "schema.unknown_anomaly",
                f"'{name}' is not among the anomalies.",
                did_you_mean(name, ids) or "There are no anomalies.",
            )
        accepted.extend(item for item in found if item not in accepted)
    return accepted


def _ends(name: str, item: _Reason) -> bool:
    return name.partition("/")[2] == f"{item[0]}/{item[1]}"


def _widened(
    schema: Schema,
    anomalies: Anomalies,
    accepted: list[_Reason],
    statistics: DatasetFeatureStatisticsList,
    max_string_domain_size: int,
) -> Schema:
    """Return the schema with what the core would change, as far as an accepted anomaly is about it."""
    features = {name for name, _, _ in accepted}
    updated = update_schema(schema, _only(statistics, features), max_string_domain_size)
    result = Schema()
    result.CopyFrom(schema)
    olds, news = index(result), index(updated)
    for name in features - {DATASET}:
        subject = SchemaSubject("feature", name)
        kinds = {kind for feature, kind, _ in accepted if feature == name}
        _take_over(subject, result, olds, news, kinds)
    for name, kind, _ in accepted:
        set_measured_limit(result, name, kind, anomalies, default_dataset(statistics).num_examples, DATASET)
    return result


def _only(statistics: DatasetFeatureStatisticsList, features: set[str]) -> DatasetFeatureStatisticsList:
    """Return the statistics of some features, so that a domain they share with others grows by their values only."""
    result = DatasetFeatureStatisticsList()
    dataset = result.datasets.add()
    dataset.CopyFrom(default_dataset(statistics))
    kept = [feature for feature in dataset.features if path_of(feature) in features]
    del dataset.features[:]
    dataset.features.extend(kept)
    return result


def _take_over(subject: SchemaSubject, result: Schema, olds: Any, news: Any, kinds: set[str]) -> None:
    """Copy what changed of one feature, and of the domain that it names."""
    new = news.get(subject)
    if new is None:
        return
    old = olds.get(subject)
    if old is None:
        if len(subject.steps) > 1:
            holder = olds[SchemaSubject("feature", join_path(subject.steps[:-1]))].message.struct_domain
        else:
            holder = result
        holder.feature.add().CopyFrom(new.message)
        fields = {"domain"}
    elif kinds <= _FIELDS.keys():
        fields = {field for kind in kinds for field in _FIELDS[kind]}
        for field in fields:
            _copy_field(new.message, old.message, field)
    else:
        old.message.CopyFrom(new.message)
        fields = {"domain"}
    domain = news.get(SchemaSubject("string_domain", new.message.domain)) if "domain" in fields else None
    if domain is not None:
        known = olds.get(domain.subject)
        (known.message if known is not None else result.string_domain.add()).CopyFrom(domain.message)


def _copy_field(source: Any, target: Any, field: str) -> None:
    target.ClearField(field)
    if not source.HasField(field):
        return
    if field == "domain":
        target.domain = source.domain
    else:
        getattr(target, field).CopyFrom(getattr(source, field))


def _explained(entry: Entry, target: Schema, accepted: list[_Reason], reason: str) -> Entry:
    """Return an entry with the anomalies that it accepts as its evidence."""
    names = {DATASET} if entry.subject.kind == "schema" else {entry.subject.name}
    if entry.subject.kind == "string_domain":
        names = {
            place.subject.name
            for place in index(target).values()
            if place.subject.kind == "feature" and place.message.domain == entry.subject.name
        }
    changed = {
        path.split(".", maxsplit=1)[0] for part in (entry.unset, entry.set, entry.add, entry.remove) for path in part
    }
    if entry.subject.kind == "string_domain":
        changed = {"domain"}
    mine = [item for item in accepted if item[0] in names]
    about = [item for item in mine if item[1] not in _FIELDS or changed & set(_FIELDS[item[1]])]
    evidence: dict[str, Evidence] = {f"{name}/{kind}": description for name, kind, description in about or mine}
    return replace(entry, reason=reason or f"Accepted {', '.join(evidence)}.", evidence=evidence)


def _refuse_unmet(accepted: list[_Reason], patch: Patch) -> None:
    """Refuse to accept an anomaly that no change of the schema can resolve."""
    met = {name for entry in patch.entries for name in entry.evidence}
    for name, kind, description in accepted:
        if f"{name}/{kind}" not in met:
            raise DataError(
                "schema.cannot_relax",
                f"{name}/{kind} cannot be accepted by widening the schema: {description}",
                "Edit the schema, or write a patch entry.",
            )
