"""A schema that is edited in Python: every word of tensorflow-metadata's vocabulary, with its names checked."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tensorflow_metadata.proto.v0 import schema_pb2

from assay.errors import UsageError, did_you_mean
from assay.kernels.feature_path import join_path
from assay.schema.compatibility import Change, diff
from assay.schema.contradictions import check
from assay.schema.differences import patch_from
from assay.schema.feature_editor import FeatureEditor, FeatureType, enum_number
from assay.schema.proto_dict import assign
from assay.schema.subjects import Kind, SchemaSubject, index, resolve

if TYPE_CHECKING:
    from assay.schema.contradictions import Contradiction
    from assay.schema.patch import Patch


class SchemaEditor:
    """Edits a copy of a schema; methods give the editor back, so that they chain.

    Args:
        schema: What to start from; an empty schema by default.

    Example:
        ```python
        editor = SchemaEditor(inferred).environments("TRAINING", "SERVING")
        editor.feature("tips").float_domain(min=0, max=500).not_in("SERVING")
        editor.feature("payment_type").add_values("Prcard").drift(infinity_norm=0.05)
        schema = editor.schema
        patch = editor.patch(owner="data-team", reason="Curated after the first look at the data.")
        ```
    """

    def __init__(self, schema: schema_pb2.Schema | None = None) -> None:
        self._original = schema_pb2.Schema()
        if schema is not None:
            self._original.CopyFrom(schema)
        self._schema = schema_pb2.Schema()
        self._schema.CopyFrom(self._original)

    @property
    def schema(self) -> schema_pb2.Schema:
        """A copy of the schema as it is now."""
        copy = schema_pb2.Schema()
        copy.CopyFrom(self._schema)
        return copy

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The paths of all features, those inside structs included."""
        return tuple(subject.name for subject in index(self._schema) if subject.kind == "feature")

    def feature(self, name: str) -> FeatureEditor:
        """Return the editor of a feature; one inside a struct has its path: `trip.fare`.

        Raises:
            DataError: There is none.
        """
        places = index(self._schema)
        subject = resolve(name, places)
        return FeatureEditor(self._schema, places[subject].message, subject.name)

    def add_feature(self, name: str, type: FeatureType, *, inside: str = "") -> FeatureEditor:  # noqa: A002
        """Add a feature, to the schema or inside a struct, and return its editor.

        Raises:
            UsageError: The name is taken, the type unknown, or `inside` is not a struct.
            DataError: There is no feature `inside`.
        """
        holder: Any = self._schema
        steps: tuple[str, ...] = (name,)
        if inside:
            outer = self.feature(inside)
            if outer.proto.type != schema_pb2.STRUCT:
                raise UsageError("schema.no_struct", f"Feature '{inside}' is not a struct.", "Set its type to STRUCT.")
            holder, steps = outer.proto.struct_domain, (*SchemaSubject("feature", outer.name).steps, name)
        if any(feature.name == name for feature in (*holder.feature, *holder.sparse_feature)):
            raise UsageError("schema.name_taken", f"The schema has a feature '{join_path(steps)}' already.")
        number = enum_number(schema_pb2.FeatureType, type, "type")
        made = holder.feature.add(name=name, type=number)
        if number == schema_pb2.STRUCT:
            made.struct_domain.SetInParent()
        return FeatureEditor(self._schema, made, join_path(steps))

    def drop(self, name: str, *, kind: Kind = "feature") -> SchemaEditor:
        """Remove a feature (or a sparse or weighted feature, or a shared domain) from the schema.

        Raises:
            DataError: There is none.
        """
        places = index(self._schema)
        places[resolve(name, places, kind)].remove()
        return self

    def add_sparse_feature(
        self,
        name: str,
        *,
        index_features: Sequence[str],
        value_feature: str,
        is_sorted: bool | None = None,
        **more: Any,
    ) -> SchemaEditor:
        """Add a sparse feature that is made of others; `more` are further fields, as `dense_shape`.

        Raises:
            UsageError: The name is taken, or a field is unknown.
        """
        self._refuse_taken("sparse_feature", name)
        made = self._schema.sparse_feature.add(name=name)
        for part in index_features:
            made.index_feature.add(name=part)
        made.value_feature.name = value_feature
        if is_sorted is not None:
            made.is_sorted = is_sorted
        assign(made, more, f"sparse feature '{name}'")
        return self

    def add_weighted_feature(self, name: str, *, feature: str, weight: str) -> SchemaEditor:
        """Add a weighted feature that is made of two others, given by their paths.

        Raises:
            UsageError: The name is taken.
        """
        self._refuse_taken("weighted_feature", name)
        made = self._schema.weighted_feature.add(name=name)
        made.feature.step.extend(SchemaSubject("feature", feature).steps)
        made.weight_feature.step.extend(SchemaSubject("feature", weight).steps)
        return self

    def _refuse_taken(self, kind: Kind, name: str) -> None:
        places = index(self._schema)
        for taken in (SchemaSubject(kind, name), SchemaSubject("feature", name)):
            if taken in places:
                raise UsageError("schema.name_taken", f"The schema has a {taken} already.")

    def string_domain(self, name: str, values: Sequence[str]) -> SchemaEditor:
        """Set the values of a shared string domain, which is added where it is missing; features name it."""
        domains = [domain for domain in self._schema.string_domain if domain.name == name]
        domain = domains[0] if domains else self._schema.string_domain.add(name=name)
        domain.value[:] = list(dict.fromkeys(values))
        return self

    def environments(self, *names: str) -> SchemaEditor:
        """Add environments that features can be in or not in, such as `TRAINING` and `SERVING`."""
        known = self._schema.default_environment
        known.extend(name for name in dict.fromkeys(names) if name not in known)
        return self

    def remove_environment(self, name: str) -> SchemaEditor:
        """Remove an environment from the schema, and from every feature that names it.

        Raises:
            UsageError: There is none.
        """
        if name not in self._schema.default_environment:
            hint = did_you_mean(name, self._schema.default_environment)
            raise UsageError("schema.unknown_environment", f"The schema has no environment '{name}'.", hint)
        self._schema.default_environment.remove(name)
        for subject, place in index(self._schema).items():
            if subject.kind == "feature":
                for environments in (place.message.in_environment, place.message.not_in_environment):
                    if name in environments:
                        environments.remove(name)
        return self

    def dataset(
        self,
        *,
        min_examples: int | None = None,
        max_examples: int | None = None,
        drift: tuple[float, float] | None = None,
        version: tuple[float, float] | None = None,
    ) -> SchemaEditor:
        """Set constraints of the dataset as a whole; omitted arguments stay unchanged.

        Args:
            min_examples: Fewer rows are an anomaly.
            max_examples: More rows are an anomaly.
            drift: The least and the largest ratio of the number of rows to that of the previous span.
            version: The same, to that of the previous version.
        """
        plain: dict[str, Any] = {"min_examples_count": min_examples, "max_examples_count": max_examples}
        for name, bounds in (("drift", drift), ("version", version)):
            if bounds is not None:
                plain[f"num_examples_{name}_comparator"] = {
                    "min_fraction_threshold": bounds[0],
                    "max_fraction_threshold": bounds[1],
                }
        given = {name: value for name, value in plain.items() if value is not None}
        assign(self._schema, {"dataset_constraints": given}, "schema")
        return self

    def annotate(self, *, tags: Sequence[str] = (), comments: Sequence[str] = ()) -> SchemaEditor:
        """Add tags and comments to the schema itself."""
        self._schema.annotation.tag.extend(tag for tag in tags if tag not in self._schema.annotation.tag)
        self._schema.annotation.comment.extend(comments)
        return self

    def variable_length_as_ragged(self, ragged: bool = True) -> SchemaEditor:  # noqa: FBT001, FBT002  (reads as said)
        """Return whether features of variable length are read as ragged tensors instead of sparse ones."""
        self._schema.represent_variable_length_as_ragged = ragged
        return self

    def tensor_representation(self, name: str, *, group: str = "", **representation: Any) -> SchemaEditor:
        """Return how a tensor is made of columns, as in `varlen_sparse_tensor={"column_name": "tips"}`.

        Raises:
            UsageError: A field is unknown, or its value of another kind.
        """
        tensors = self._schema.tensor_representation_group[group].tensor_representation
        assign(tensors[name], representation, f"tensor '{name}'")
        return self

    def set(self, **fields: Any) -> SchemaEditor:
        """Set fields of the schema by their names in the proto, as plain values.

        Raises:
            UsageError: A field is unknown, or its value of another kind.
        """
        assign(self._schema, fields, "schema")
        return self

    def check(self) -> tuple[Contradiction, ...]:
        """Return what is wrong with the schema as it is now."""
        return check(self._schema)

    def diff(self) -> tuple[Change, ...]:
        """Return what was changed so far, and whom it can break."""
        return diff(self._original, self._schema)

    def patch(self, *, owner: str = "", reason: str = "", date: dt.date | None = None) -> Patch:
        """Return the changes so far as a patch, to be applied to the next inference too."""
        return patch_from(self._original, self._schema, owner=owner, reason=reason, date=date)
