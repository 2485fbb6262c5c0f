"""The few things that all charts are drawn with: scales, round tick values, a plot area with axes, and text.

A chart is an `<svg>` element of its own with a title and a description. Colours, dashes and fonts come from the
page's style sheet through classes, so that one drawing serves light and dark.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from xml.etree import ElementTree as ET

from markupsafe import Markup

Point = tuple[float, float]


@dataclass(frozen=True)
class Scale:
    """A linear map from data to drawing units.

    Attributes:
        low: Data value drawn at `start`.
        high: Data value drawn at `end`; greater than `low`.
        start: Drawing coordinate of `low`.
        end: Drawing coordinate of `high`.
    """

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """The drawing coordinate of a data value."""
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)


def ticks(low: float, high: float, about: int = 5) -> list[float]:
    """Round values (1, 2 or 5 times a power of ten apart) within [low, high], about as many as asked for."""
    span = high - low
    if span <= 0 or not math.isfinite(span):
        return [low]
    power = 10 ** math.floor(math.log10(span / about))
    step = min((1, 2, 5, 10), key=lambda factor: abs(span / (factor * power) - about)) * power
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [index * step for index in range(first, last + 1)]


def element(tag: str, text: str | None = None, **attributes: float | str) -> ET.Element:
    """An SVG element. `class_` becomes `class`, an underscore within a name a hyphen; floats get two decimals."""
    made = ET.Element(tag)
    for name, value in attributes.items():
        written = f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
        made.set(name.rstrip("_").replace("_", "-"), "0" if written == "-0" else written)
    made.text = text
    return made


def path(points: Sequence[Point], class_: str) -> ET.Element:
    """A line through points given in drawing units."""
    return element("path", class_=class_, d="M" + "L".join(f"{x:.2f},{y:.2f}" for x, y in points))


def marker(shape: str, x: float, y: float, class_: str, tooltip: str = "") -> ET.Element:
    """A point's marker: shapes differ, so that colour is never the only difference."""
    size = 4.0
    if shape == "circle":
        made = element("circle", class_=class_, cx=x, cy=y, r=size)
    elif shape == "cross":
        made = element("path", class_=f"{class_} open", d=_polyline(x, y, [(-3, -3), (3, 3)], [(-3, 3), (3, -3)]))
    else:
        corners: dict[str, list[Point]] = {
            "square": [(-3.6, -3.6), (3.6, -3.6), (3.6, 3.6), (-3.6, 3.6)],
            "diamond": [(0, -5), (5, 0), (0, 5), (-5, 0)],
            "triangle": [(0, -4.8), (4.6, 3.6), (-4.6, 3.6)],
            "wedge": [(0, 4.8), (4.6, -3.6), (-4.6, -3.6)],
        }
        made = element("path", class_=class_, d=_polyline(x, y, corners[shape]) + "Z")
    if tooltip:
        made.append(element("title", tooltip))
    return made


@dataclass(frozen=True)
class Area:
    """The plot area: an x and a y scale in a drawing of `width` by `height` units."""

    x: Scale
    y: Scale
    width: float
    height: float


def area(
    x: tuple[float, float],
    y: tuple[float, float],
    *,
    width: float = 400,
    height: float = 300,
    left: float = 40,
    right: float = 12,
    top: float = 26,
    bottom: float = 42,
) -> Area:
    """A plot area for the data ranges `x` and `y`, with margins in drawing units."""
    return Area(Scale(*x, left, width - right), Scale(*y, height - bottom, top), width, height)


def axes(
    plot: Area,
    *,
    x_title: str,
    y_title: str,
    x_text: Callable[[float], str],
    y_text: Callable[[float], str],
    x_ticks: Sequence[float] | None = None,
    y_ticks: Sequence[float] | None = None,
) -> list[ET.Element]:
    """Horizontal grid lines, tick labels and titles; the y title stands above the plot, where it reads level."""
    drawn = []
    for value in ticks(plot.y.low, plot.y.high) if y_ticks is None else y_ticks:
        y = plot.y(value)
        drawn.append(element("line", class_="grid", x1=plot.x.start, x2=plot.x.end, y1=y, y2=y))
        drawn.append(element("text", y_text(value), class_="tick", x=plot.x.start - 6, y=y + 4, text_anchor="end"))
    base = plot.y.start
    drawn.append(element("line", class_="axis", x1=plot.x.start, x2=plot.x.end, y1=base, y2=base))
    for value in ticks(plot.x.low, plot.x.high) if x_ticks is None else x_ticks:
        x = plot.x(value)
        drawn.append(element("line", class_="axis", x1=x, x2=x, y1=base, y2=base + 4))
        drawn.append(element("text", x_text(value), class_="tick", x=x, y=base + 17, text_anchor="middle"))
    drawn.append(element("text", y_title, class_="axis-title", x=0, y=12))
    drawn.append(element("text", x_title, class_="axis-title", x=plot.x.end, y=plot.height - 6, text_anchor="end"))
    return drawn


def drawing(
    name: str, title: str, description: str, width: float, height: float, parts: Sequence[ET.Element]
) -> Markup:
    """The finished `<svg>`; `name` makes its ids unique on the page, `description` says in words what is seen."""
    root = element(
        "svg",
        class_="chart",
        viewBox=f"0 0 {width:g} {height:g}",
        role="img",
        aria_labelledby=f"{name}-title {name}-description",
    )
    root.append(element("title", title, id=f"{name}-title"))
    root.append(element("desc", description, id=f"{name}-description"))
    root.extend(parts)
    # ElementTree has escaped every text and attribute.
    return Markup(ET.tostring(root, encoding="unicode"))  # noqa: S704


def _polyline(x: float, y: float, *strokes: Sequence[Point]) -> str:
    return "".join("M" + "L".join(f"{x + dx:.2f},{y + dy:.2f}" for dx, dy in stroke) for stroke in strokes)
