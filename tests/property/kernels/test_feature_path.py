"""The path of a feature: one text for each feature, and the text that TFDV's core writes."""

from __future__ import annotations

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

import assay
from assay.kernels.feature_path import join_path, resolve_path, split_path

STEPS = st.lists(st.text(alphabet=st.sampled_from("ab.'() /ключ\n"), max_size=6), min_size=1, max_size=3).map(tuple)
NAMES = st.lists(
    st.text(alphabet=st.sampled_from("ab.'() /кл"), min_size=1, max_size=5), min_size=1, max_size=4, unique=True
)


@given(STEPS)
def test_steps_come_back_from_their_path(steps: tuple[str, ...]) -> None:
    assert split_path(join_path(steps)) == steps


@given(STEPS, STEPS)
def test_two_features_have_two_paths(one: tuple[str, ...], other: tuple[str, ...]) -> None:
    assert (join_path(one) == join_path(other)) == (one == other)


@given(st.text(max_size=8))
def test_any_text_has_steps(text: str) -> None:
    assert split_path(join_path(split_path(text))) == split_path(text)


@given(NAMES)
def test_findings_name_columns_and_fields_as_the_core_does(names: list[str]) -> None:
    rows = 12
    expected = pa.table({**{name: ["x", "y"] * (rows // 2) for name in names}, "s": [dict.fromkeys(names, "x")] * rows})
    schema = assay.infer_schema(assay.statistics(expected))
    data = pa.table({**{name: ["x", "z"] * (rows // 2) for name in names}, "s": [dict.fromkeys(names, "z")] * rows})
    found = {finding.feature: finding.evidence for finding in assay.validate(data, schema).findings}
    paths = [join_path(steps) for name in names for steps in ((name,), ("s", name)) if steps != ("s",)]
    for path in paths:
        assert (found[path].observed, found[path].values) == (1.0, ("z",))
        assert found[path].schema_field == f"string_domain[{path}]"


def test_a_path_comes_before_the_plain_name_of_a_column() -> None:
    assert resolve_path("a.b", ["a.b", "'a.b'"]) == "a.b"
    assert resolve_path("a.b", ["'a.b'"]) == "'a.b'"
    assert resolve_path("'a.b'", ["a.b", "'a.b'"]) == "'a.b'"
    assert resolve_path("c", ["a.b"]) == "c"
