"""Numbers to paths: lines, areas and points in a box of 1000 by 1000, and ticks at round numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from assay.reports.blocks import Chart, Series
from assay.reports.figures import number

Points = Sequence[tuple[float, float]]
_MOST_POINTS = 400
_COLOURS = 5


def line_chart(
    title: str,
    lines: Mapping[str, Points],
    *,
    x_label: str = "",
    y_label: str = "",
    x_names: Sequence[str] = (),
    bounds: Mapping[str, Sequence[tuple[float, float, float]]] | None = None,
) -> Chart:
    """Draws lines over a common scale.

    Args:
        title: The heading.
        lines: (x, y) points by name, in order of x; points that are no number are left out.
        x_label: What x is.
        y_label: What y is.
        x_names: Where x counts places (runs, spans): the name of each place.
        bounds: Bands of (x, lower, upper) by the name of their line.
    """
    finite = {name: _finite(points) for name, points in lines.items()}
    bands = {name: [b for b in band if all(map(math.isfinite, b))] for name, band in (bounds or {}).items()}
    xs = [x for points in finite.values() for x, _ in points]
    ys = [y for points in finite.values() for _, y in points]
    ys += [edge for band in bands.values() for _, low, high in band for edge in (low, high)]
    x_low, x_high = (min(xs), max(xs)) if xs else (0.0, 1.0)
    y_ticks = round_ticks(min(ys, default=0.0), max(ys, default=1.0))
    y_low, y_high = y_ticks[0], y_ticks[-1]
    scale = _Scale(x_low, x_high, y_low, y_high)
    series = []
    for at, (name, points) in enumerate(finite.items()):
        colour = at % _COLOURS
        if bands.get(name):
            series.append(Series("", scale.band(bands[name]), colour, "area"))
        style = "points" if len(points) == 1 else "line"
        series.append(Series(name, scale.line(_thinned(points)), colour, "points" if style == "points" else "line"))
    if x_names:
        every = max(1, math.ceil(len(x_names) / 6))
        x_ticks = [(scale.x(float(at)) / 10, name) for at, name in enumerate(x_names) if at % every == 0]
    else:
        x_ticks = [(scale.x(x) / 10, number(x)) for x in round_ticks(x_low, x_high) if x_low <= x <= x_high]
    last = ", ".join(f"{name} ends at {number(points[-1][1])}" for name, points in finite.items() if points)
    return Chart(
        title=title,
        series=series,
        x_ticks=x_ticks,
        y_ticks=[(100 - scale.y(y) / 10, number(y)) for y in y_ticks],
        x_label=x_label,
        y_label=y_label,
        description=f"{title}: {last}." if last else title,
    )


def unit_chart(title: str, lines: Mapping[str, Points], *, x_label: str, y_label: str, diagonal: bool = False) -> Chart:
    """Draws curves of shares, such as ROC, on a square from 0 to 1; the diagonal is what chance would give."""
    scale = _Scale(0.0, 1.0, 0.0, 1.0)
    series = [Series("", "M0 1000L1000 0", 4, "dashed")] if diagonal else []
    series += [
        Series(name, scale.line(_thinned(_finite(points))), at % _COLOURS)
        for at, (name, points) in enumerate(lines.items())
    ]
    ticks = [(25.0 * quarter, number(quarter / 4)) for quarter in range(5)]
    return Chart(
        title=title,
        series=series,
        x_ticks=ticks,
        y_ticks=ticks,
        x_label=x_label,
        y_label=y_label,
        description=f"{title}: {y_label} over {x_label} for {', '.join(lines)}.",
        aspect=1.25,
    )


def round_ticks(low: float, high: float, wanted: int = 4) -> list[float]:
    """Round numbers at even steps that enclose `low` and `high` (Heckbert 1990, "Nice numbers for graph labels")."""
    if not high - low > 1e-9 * max(abs(low), abs(high)):  # one value, as far as a picture can tell
        pad = abs(low) * 0.1 or 1.0
        low, high = low - pad, high + pad
    raw = (high - low) / wanted
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= raw * (1 - 1e-9))
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [float(f"{at * step:.14g}") for at in range(first, last + 1)]


class _Scale:
    """Positions in the box; y grows downwards."""

    def __init__(self, x_low: float, x_high: float, y_low: float, y_high: float) -> None:
        self._x, self._y = x_low, y_low
        self._width, self._height = (x_high - x_low), (y_high - y_low) or 1.0

    def x(self, value: float) -> float:
        return 1000 * (value - self._x) / self._width if self._width else 500.0

    def y(self, value: float) -> float:
        return 1000 - 1000 * (value - self._y) / self._height

    def line(self, points: Points) -> str:
        if len(points) == 1:  # a line of no length with round ends is a dot
            return f"M{self.x(points[0][0]):.0f} {self.y(points[0][1]):.0f}h0"
        return "".join(f"{'L' if at else 'M'}{self.x(x):.0f} {self.y(y):.0f}" for at, (x, y) in enumerate(points))

    def band(self, bounds: Sequence[tuple[float, float, float]]) -> str:
        there = [(x, high) for x, _, high in bounds]
        back = [(x, low) for x, low, _ in reversed(bounds)]
        return self.line([*there, *back]) + "Z"


def _finite(points: Points) -> list[tuple[float, float]]:
    return [(x, y) for x, y in points if math.isfinite(x) and math.isfinite(y)]


def _thinned(points: Points) -> Points:
    """Thin a curve to a few hundred points: more than a picture has pixels would waste bytes."""
    if len(points) <= _MOST_POINTS:
        return points
    step = len(points) / _MOST_POINTS
    kept = sorted({int(at * step) for at in range(_MOST_POINTS)} | {len(points) - 1})
    return [points[at] for at in kept]
