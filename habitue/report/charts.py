"""The report's charts, each a pure function from figures to one `<svg>`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import numpy.typing as npt
from markupsafe import Markup

from habitue.report.names import METRICS, SUBJECT, in_order, model_name
from habitue.report.numbers import SPACE, number, percent
from habitue.report.svg import Area, area, axes, drawing, element, marker, path, ticks
from habitue.report.verdict import Comparison, difference_text

Curves = Mapping[str, Any]
_SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)


def curve_chart(
    name: str,
    curves: Curves,
    kind: str,
    *,
    x: str,
    y: str,
    x_title: str,
    y_title: str,
    title: str,
    description: str,
) -> Markup | None:
    """A line for each model that has the curve `kind`, both axes shares from 0 to 1, and the line of pure chance.

    Args:
        name: Unique on the page.
        curves: The `models` of `curves.json`.
        kind: Which curve: `roc`, `lift` or `gains_value`.
        x: Key of the curve's horizontal values.
        y: Key of its vertical values.
        x_title: Title of the horizontal axis.
        y_title: Title of the vertical axis.
        title: The chart's name for those who hear it.
        description: What is to be seen, in words.

    Returns:
        The drawing; None when no model has that curve.
    """
    having = [key for key in in_order(list(curves)) if curves[key].get(kind)]
    if not having:
        return None
    plot = area((0, 1), (0, 1))
    parts = axes(
        plot, x_title=x_title, y_title=y_title, x_text=percent, y_text=percent, x_ticks=_SHARES, y_ticks=_SHARES
    )
    parts.append(_chance(plot))
    for key in _subject_last(having):
        shown = curves[key][kind]
        points = [(plot.x(a), plot.y(b)) for a, b in zip(shown[x], shown[y], strict=True)]
        parts.append(_series(path(points, f"line series-{model_name(key).style}"), model_name(key).label))
    return drawing(name, title, description, plot.width, plot.height, parts)


def reliability_chart(name: str, curves: Curves, models: Sequence[str]) -> Markup | None:
    """Observed share of churners against stated risk, in bins, with intervals; the diagonal is a model that is right.

    Args:
        name: Unique on the page.
        curves: The `models` of `curves.json`.
        models: Which of them to draw; more than two would hide each other.

    Returns:
        The drawing; None when none of them has the curve.
    """
    having = [key for key in models if curves.get(key, {}).get("reliability")]
    if not having:
        return None
    bins = [curves[key]["reliability"] for key in having]
    top = min(1.0, 1.08 * max(max(max(each["high"]), max(each["predicted"])) for each in bins))
    plot = area((0, top), (0, top))
    parts = axes(plot, x_title="stated risk", y_title="observed share of churners", x_text=percent, y_text=percent)
    parts.append(_chance(plot))
    for key, each in reversed(list(zip(having, bins, strict=True))):
        model = model_name(key)
        series = f"series-{model.style}"
        for predicted, observed, low, high, count in zip(
            each["predicted"], each["observed"], each["low"], each["high"], each["count"], strict=True
        ):
            at = plot.x(predicted)
            parts.append(element("line", class_=f"whisker {series}", x1=at, x2=at, y1=plot.y(low), y2=plot.y(high)))
            tooltip = (
                f"{model.label}: stated {percent(predicted, 1)}, observed {percent(observed, 1)} "
                f"({percent(low, 1)} to {percent(high, 1)}), {number(count)} customers"
            )
            parts.append(marker(model.marker, at, plot.y(observed), f"point {series}", tooltip))
    return drawing(
        name,
        "Reliability of churn risk",
        "Groups of customers by stated risk, against the share of them who left; on the diagonal both agree.",
        plot.width,
        plot.height,
        parts,
    )


def forest_chart(name: str, metric: str, rows: Sequence[Comparison]) -> Markup | None:
    """Habitué's improvement over each other model with its 95 % interval; right of zero Habitué is better.

    Args:
        name: Unique on the page.
        metric: Key of the metric.
        rows: Paired differences; those of other metrics are passed over.

    Returns:
        The drawing; None when there is no difference of that metric.
    """
    by_model = {row.versus: row for row in rows if row.metric == metric}
    if not by_model:
        return None
    low, high = _around_zero([end for row in by_model.values() for end in row.gain])
    width, line = 400.0, 27.0
    height = 58 + line * len(by_model)
    plot = area((low, high), (0, 1), width=width, height=height, left=190, right=14, top=24, bottom=34)
    zero = plot.x(0)
    parts = [
        element("line", class_="zero", x1=zero, x2=zero, y1=plot.y.end - 4, y2=plot.y.start),
        element("text", "Habitué worse", class_="axis-title", x=zero - 8, y=12, text_anchor="end"),
        element("text", "better", class_="axis-title", x=zero + 8, y=12),
    ]
    decimals = METRICS[metric].decimals
    for value in ticks(low, high, 3):
        at = plot.x(value)
        text = number(value, _tick_decimals(high - low, decimals), signed=True)
        parts.append(element("text", text, class_="tick", x=at, y=height - 12, text_anchor="middle"))
        parts.append(element("line", class_="axis", x1=at, x2=at, y1=plot.y.start, y2=plot.y.start + 4))
    parts.append(element("line", class_="axis", x1=plot.x.start, x2=plot.x.end, y1=plot.y.start, y2=plot.y.start))
    for index, key in enumerate(in_order(list(by_model))):
        row, model = by_model[key], model_name(key)
        y = plot.y.end + line * (index + 0.5)
        gain, low, high = row.gain
        emphasis = {"better": " decided", "worse": " decided worse", "undecided": ""}[row.outcome]
        parts.append(element("text", model.label, class_=f"label{emphasis}", x=0, y=y + 4))
        parts.append(element("line", class_=f"difference{emphasis}", x1=plot.x(low), x2=plot.x(high), y1=y, y2=y))
        tooltip = f"Habitué minus {model.label}: {difference_text(row)}"
        parts.append(marker("circle", plot.x(gain), y, f"estimate{emphasis}", tooltip))
    return drawing(
        name,
        f"{METRICS[metric].label}: Habitué against each other model",
        "Paired differences with 95 % intervals. " + " ".join(_said(by_model[key]) for key in in_order(list(by_model))),
        width,
        height,
        parts,
    )


def score_histogram(name: str, scores: npt.NDArray[np.float64], active: npt.NDArray[np.bool_]) -> Markup | None:
    """How the HyperScore is distributed, active customers below, inactive ones stacked upon them.

    Args:
        name: Unique on the page.
        scores: One HyperScore per customer; those that are not finite are left out.
        active: Whether the customer bought within the active window; the same length.

    Returns:
        The drawing; None when there is no score.
    """
    finite = np.isfinite(scores)
    if not finite.any():
        return None
    scores, active = scores[finite], active[finite]
    low, high = float(scores.min()), float(scores.max())
    if high - low < 1e-9:
        low, high = low - 0.5, high + 0.5
    edges = np.linspace(low, high, 37)
    lower, upper = np.histogram(scores[active], edges)[0], np.histogram(scores[~active], edges)[0]
    plot = area((low, high), (0, 1.06 * float((lower + upper).max())), bottom=44, top=44)
    parts = axes(
        plot,
        x_title="HyperScore",
        y_title="customers",
        x_text=lambda value: number(value, _tick_decimals(high - low, 2)),
        y_text=number,
    )
    for left, right, below, above in zip(edges[:-1], edges[1:], lower, lower + upper, strict=True):
        x, width = plot.x(left) + 0.6, plot.x(right) - plot.x(left) - 1.2
        for start, end, kind in ((0, below, "active"), (below, above, "inactive")):
            if end > start:
                top, bottom = plot.y(float(end)), plot.y(float(start))
                parts.append(element("rect", class_=f"bar {kind}", x=x, y=top, width=width, height=bottom - top))
    parts.extend(_percentile_marks(plot, scores))
    median = number(float(np.median(scores)), 2)
    return drawing(
        name,
        "Distribution of the HyperScore",
        f"Histogram of {number(len(scores))} customers between {number(low, 2)} and {number(high, 2)}; the median "
        f"is {median}.",
        plot.width,
        plot.height,
        parts,
    )


def legend_sample(key: str) -> Markup:
    """A short stroke with the model's marker, as it is drawn in the charts; decoration, so hidden from readers."""
    model = model_name(key)
    root = element("svg", class_="sample", viewBox="0 0 34 12", aria_hidden="true")
    root.append(path([(0, 6), (34, 6)], f"line series-{model.style}"))
    root.append(marker(model.marker, 17, 6, f"point series-{model.style}"))
    return Markup(ET.tostring(root, encoding="unicode"))  # noqa: S704


def share_reached(curve: Mapping[str, Sequence[float]], contacted: float, reached: str) -> float:
    """Height of a lift or gains curve where `contacted` of the customers are contacted, by linear interpolation."""
    return float(np.interp(contacted, curve["share_contacted"], curve[reached]))


def _percentile_marks(plot: Area, scores: npt.NDArray[np.float64]) -> list[ET.Element]:
    parts = []
    for share, text, lift in ((10, f"10{SPACE}%", 0), (50, "median", 13), (90, f"90{SPACE}%", 0)):
        at, top = plot.x(float(np.percentile(scores, share))), plot.y.end - 6 - lift
        parts.append(element("line", class_="percentile", x1=at, x2=at, y1=top, y2=plot.y.start))
        parts.append(element("text", text, class_="tick", x=at, y=top - 4, text_anchor="middle"))
    return parts


def _around_zero(ends: Sequence[float]) -> tuple[float, float]:
    """A range that holds all ends and zero, with room on both sides of it."""
    low, high = min(0.0, *ends), max(0.0, *ends)
    span = high - low or 1.0
    return low - max(0.06 * span, 0.18 * span + low), high + max(0.06 * span, 0.18 * span - high)


def _series(line: ET.Element, label: str) -> ET.Element:
    line.append(element("title", label))
    return line


def _chance(plot: Area) -> ET.Element:
    return path([(plot.x.start, plot.y.start), (plot.x.end, plot.y.end)], "chance")


def _subject_last(keys: Sequence[str]) -> list[str]:
    """Drawn last, Habitué's line lies on top."""
    return [key for key in reversed(keys) if key != SUBJECT] + [key for key in keys if key == SUBJECT]


def _said(row: Comparison) -> str:
    outcome = {"better": "better", "worse": "worse", "undecided": "not distinguishable"}[row.outcome]
    return f"{model_name(row.versus).label}: {difference_text(row)}, {outcome}."


def _tick_decimals(span: float, most: int) -> int:
    """As many decimals as a tick's step over `span` needs, at most `most`."""
    return int(min(most, max(0, np.ceil(-np.log10(span / 5)))))
