"""Figures, ticks, paths and the places of nodes."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.reports import figures
from assay.reports.blocks import Graph, GraphNode
from assay.reports.charts import line_chart, round_ticks
from assay.reports.rendering import embedded_json, laid_out


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "\u2013"),
        (math.nan, "\u2013"),
        (math.inf, "\u221e"),
        (0, "0"),
        (1234567, "1,234,567"),
        (-3.5, "\u22123.5"),
        (0.123456, "0.1235"),
        (1234.5678, "1,234.6"),
        (0.00001234, "1.23e\u221205"),
        (1e20, "1.00e+20"),
    ],
)
def test_a_figure_has_five_digits_at_most(value: float | None, text: str) -> None:
    assert figures.number(value) == text


def test_shares_sizes_and_durations_fit_their_unit() -> None:
    assert [figures.share(value) for value in (0.0, 0.00001, 0.25, 1.0)] == ["0%", "<0.01%", "25%", "100%"]
    assert [figures.size(value) for value in (12, 1500, 2_500_000, 123_000)] == ["12 B", "1.5 kB", "2.5 MB", "123 kB"]
    assert [figures.seconds(value) for value in (0.012, 3.25, 125.0)] == ["12 ms", "3.2 s", "2 min 5 s"]
    assert figures.change(0.5) == "+0.5"


@given(st.floats(-1e12, 1e12), st.floats(0, 1e12))
def test_ticks_are_few_and_enclose_the_data(low: float, width: float) -> None:
    ticks = round_ticks(low, low + width)
    slack = 1e-6 * max(abs(low), width, 1.0)
    assert 2 <= len(ticks) <= 8
    assert ticks[0] <= low + slack
    assert ticks[-1] >= low + width - slack
    assert ticks == sorted(set(ticks))


def test_a_line_is_drawn_inside_of_its_box_and_leaves_out_what_is_no_number() -> None:
    chart = line_chart("loss", {"train": [(0, 1.0), (1, math.nan), (2, 3.0)], "once": [(1, 2.0)]})
    assert chart.series[0].path == "M0 1000L1000 0"
    assert chart.series[1].path == "M500 500h0"
    assert chart.description == "loss: train ends at 3, once ends at 2."


names = st.integers(0, 14).map(str)


@given(st.lists(st.tuples(names, names), max_size=40))
def test_every_edge_of_a_graph_leads_to_the_right_and_no_nodes_overlap(pairs: list[tuple[str, str]]) -> None:
    edges = [(tail, head) for tail, head in pairs if int(tail) < int(head)]
    drawn = laid_out(Graph(caption="g", nodes=[GraphNode(id=str(n), label=str(n)) for n in range(15)], edges=edges))
    place = {each.node.id: (each.left, each.top) for each in drawn.places}
    assert len(place) == 15
    assert all(place[tail][0] < place[head][0] for tail, head in edges)
    assert len(set(place.values())) == 15
    assert max(left for left, _ in place.values()) + drawn.node_width == drawn.width
    assert max(top for _, top in place.values()) + drawn.node_height <= drawn.height


def test_a_graph_that_leads_back_is_drawn_all_the_same() -> None:
    nodes = [GraphNode(id=name, label=name) for name in "abc"]
    drawn = laid_out(Graph(caption="g", nodes=nodes, edges=[("a", "b"), ("b", "c"), ("c", "a"), ("a", "gone")]))
    assert {each.node.id for each in drawn.places} == {"a", "b", "c"}


def test_a_graph_of_a_thousand_steps_in_a_row_is_drawn() -> None:
    nodes = [GraphNode(id=str(at), label=str(at)) for at in range(1000)]
    drawn = laid_out(Graph(caption="g", nodes=nodes, edges=[(str(at), str(at + 1)) for at in range(999)]))
    assert len(drawn.paths) == 999


@given(st.text())
def test_embedded_json_never_ends_its_element(text: str) -> None:
    html = str(embedded_json({"value": text, "number": math.nan}))
    assert not set("<>&\u2028\u2029") & set(html)
