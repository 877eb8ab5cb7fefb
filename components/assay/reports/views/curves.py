"""ROC, precision and recall, calibration and confusion, from TFMA's plots."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from assay.reports.blocks import Chart, Charts, Matrix, Section
from assay.reports.charts import Points, line_chart, unit_chart
from assay.reports.figures import number
from assay.reports.sources.evaluation_files import CANDIDATE, OVERALL, Plot

_MOST_SLICES = 8
_MOST_CLASSES = 40
_MIDDLE = 0.5


def plot_sections(plots: Sequence[Plot]) -> list[Section]:
    """Sections with the curves of all examples, both models over each other, and of the slices."""
    by_slice: dict[str, list[Plot]] = {}
    for plot in plots:
        by_slice.setdefault(plot.slice, []).append(plot)
    sections = []
    of_all = by_slice.pop(OVERALL, [])
    charts = list(_charts(of_all))
    if charts:
        sections.append(Section(title="Curves", blocks=[Charts(charts)]))
    matrices = list(_matrices(of_all))
    if matrices:
        sections.append(Section(title="Confusion", blocks=[Charts(matrices)]))
    largest = sorted(by_slice, key=lambda name: -_examples(by_slice[name]))[:_MOST_SLICES]
    curves = {
        name: _roc(plot) for name in largest for plot in by_slice[name] if plot.model == CANDIDATE and plot.thresholds
    }
    if curves:
        charts = [
            unit_chart(
                "ROC of slices",
                dict(list(curves.items())[at : at + 4]),
                x_label="false positives",
                y_label="true positives",
                diagonal=True,
            )
            for at in range(0, len(curves), 4)
        ]
        sections.append(
            Section(
                title="Curves of slices", blocks=[Charts(charts)], note="Of the candidate, the largest slices first."
            )
        )
    return sections


def _examples(plots: Sequence[Plot]) -> float:
    return max((sum(each.thresholds[0][1:]) for each in plots if each.thresholds), default=0.0)


def _charts(plots: Sequence[Plot]) -> Iterator[Chart]:
    for name in dict.fromkeys(plot.name for plot in plots):
        of_name = [plot for plot in plots if plot.name == name]
        mark = f", {name}" if name else ""
        with_thresholds = {plot.model: plot for plot in of_name if plot.thresholds}
        if with_thresholds:
            roc = {model: _roc(plot) for model, plot in with_thresholds.items()}
            yield unit_chart(
                f"ROC{mark}", roc, x_label="false positive rate", y_label="true positive rate", diagonal=True
            )
            recall = {model: _precision_recall(plot) for model, plot in with_thresholds.items()}
            yield unit_chart(f"Precision and recall{mark}", recall, x_label="recall", y_label="precision")
        calibrated: Mapping[str, Plot] = {plot.model: plot for plot in of_name if plot.calibration}
        inside = {
            model: [(p, label) for low, high, _, label, p in plot.calibration if 0 <= p <= 1 and 0 <= label <= 1]
            for model, plot in calibrated.items()
        }
        if any(inside.values()):
            lines = {model: _binned(points) for model, points in inside.items()}
            yield unit_chart(
                f"Calibration{mark}", lines, x_label="mean prediction", y_label="mean label", diagonal=True
            )
            counts = {
                model: _counted([(max(0.0, low), count) for low, _, count, *_ in plot.calibration])
                for model, plot in calibrated.items()
            }
            yield line_chart(f"Predictions{mark}", counts, x_label="prediction", y_label="examples")


def _roc(plot: Plot) -> Points:
    points = {(fp / (fp + tn), tp / (tp + fn)) for _, fn, tn, fp, tp in plot.thresholds if fp + tn and tp + fn}
    return sorted({(0.0, 0.0), (1.0, 1.0)} | points) if points else []


def _precision_recall(plot: Plot) -> Points:
    points = {(tp / (tp + fn), tp / (tp + fp)) for _, fn, _, fp, tp in plot.thresholds if tp + fn and tp + fp}
    return sorted(points, key=lambda point: (point[0], -point[1]))


def _binned(points: Points, bins: int = 10) -> Points:
    """The mean in each tenth of the predictions: TFMA's thousand buckets are too few examples each to be read."""
    cells: dict[int, list[tuple[float, float]]] = {}
    for x, y in points:
        cells.setdefault(min(bins - 1, int(x * bins)), []).append((x, y))
    return [
        (sum(x for x, _ in cell) / len(cell), sum(y for _, y in cell) / len(cell)) for _, cell in sorted(cells.items())
    ]


def _counted(points: Points, bins: int = 10) -> Points:
    cells = [0.0] * bins
    for x, count in points:
        cells[min(bins - 1, int(x * bins + 1e-9))] += count
    return [((at + 0.5) / bins, count) for at, count in enumerate(cells)]


def _matrices(plots: Sequence[Plot]) -> Iterator[Matrix]:
    for plot in plots:
        title = f"{plot.model}{f', {plot.name}' if plot.name else ''}"
        if plot.thresholds:
            at, fn, tn, fp, tp = min(plot.thresholds, key=lambda row: abs(row[0] - _MIDDLE))
            words = f"{title}, at the threshold {number(at)}"
            yield Matrix(title=words, labels=("negative", "positive"), counts=((tn, fp), (fn, tp)))
        if plot.classes:
            ids = sorted({one for pair in plot.classes for one in pair})
            shown = ids[:_MOST_CLASSES]
            counts = [[plot.classes.get((actual, predicted), 0.0) for predicted in shown] for actual in shown]
            labels = [plot.class_name(one) for one in shown]
            note = f"The first {_MOST_CLASSES} of {len(ids)} classes." if len(ids) > len(shown) else ""
            yield Matrix(title=f"{title}, by class", labels=labels, counts=counts, note=note)
