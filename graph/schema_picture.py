"""A graph's schema as an SVG picture: labels as circles, relationship types as arrows, both with their counts. Pure.

The layout is fixed, so that the same graph always gives the same picture, and two graphs can be compared. Colours
follow the reader's light or dark scheme.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from graph.description import GraphDescription, LabelDescription, RelationshipDescription

_WIDTH, _HEIGHT = 1120, 680
_PLACES = {
    "Customer": (330, 330), "Product": (745, 330), "Category": (985, 205), "Brand": (985, 500),
    "Campaign": (120, 560), "PropertyValue": (535, 575), "Audience": (105, 205),
}  # fmt: skip
_HUES = {
    "Customer": ("#2f6fde", "#6ea0ff"), "Product": ("#c2571a", "#f0955c"), "Category": ("#8a6d1f", "#d6b656"),
    "Brand": ("#8a3f8f", "#cf8bd4"), "Campaign": ("#1f8a6d", "#5cc9a7"), "PropertyValue": ("#5b6472", "#a3adba"),
    "Audience": ("#b3304f", "#f07d97"),
}  # fmt: skip
_APART = 42  # pixels between parallel arrows
_STYLE = """\
.ground{fill:#fff}.line{fill:none;stroke:#8b95a3}.tip{fill:#8b95a3}.name{fill:#fff;font-weight:600}
.count{fill:#fff}.type{fill:#333b46}.halo{fill:none;stroke:#fff;stroke-width:7px;stroke-linejoin:round}
.title{fill:#333b46;font-weight:600}.note{fill:#6b7480}
@media (prefers-color-scheme:dark){.ground{fill:#14181d}.line{stroke:#66717f}.tip{fill:#66717f}
.name,.count{fill:#14181d}.type{fill:#d5dbe3}.halo{stroke:#14181d}.title{fill:#d5dbe3}.note{fill:#97a1ae}"""
_FONT = "font-family=\"system-ui,-apple-system,'Segoe UI',Roboto,'DejaVu Sans',sans-serif\""


@dataclass(frozen=True)
class _Circle:
    x: float
    y: float
    radius: float


def draw_schema(description: GraphDescription) -> str:
    """The picture as the text of an SVG document.

    Args:
        description: What is in the graph; versions replaced by corrections are left out.
    """
    circles = {each.label: _circle(each) for each in description.labels if each.label in _PLACES}
    drawn = [
        each
        for each in description.relationships
        if each.type != "SUPERSEDED" and each.source in circles and each.target in circles
    ]
    joined: dict[tuple[str, str], list[RelationshipDescription]] = {}
    for each in drawn:
        joined.setdefault((each.source, each.target), []).append(each)
    lines, names = [], []
    for (source, target), links in joined.items():
        for place, link in enumerate(links):
            if source == target:
                line, name = _loop(link, circles[source], -90.0 + 60 * place)
            else:
                line, name = _arrow(link, circles[source], circles[target], place - (len(links) - 1) / 2)
            lines.append(line)
            names.append(name)
    colours = "".join(f".{label}{{fill:{light}}}" for label, (light, _) in _HUES.items())
    dark = "".join(f".{label}{{fill:{shade}}}" for label, (_, shade) in _HUES.items())
    title = escape(description.dataset)
    facts = f"{sum(each.count for each in description.labels):,} nodes, {sum(each.count for each in drawn):,} " + (
        "relationships" + _dates(drawn)
    )
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}" '
        f'height="{_HEIGHT}" role="img" aria-label="{escape(title, {chr(34): "&quot;"})}: {facts}" {_FONT}>',
        f"<style>{colours}{_STYLE}{dark}}}</style>",
        f'<rect class="ground" width="{_WIDTH}" height="{_HEIGHT}" rx="12"/>',
        f'<text class="title" x="32" y="44" font-size="20">{title}</text>',
        f'<text class="note" x="32" y="66" font-size="13">{facts}</text>',
        *lines,
        *(_node(each, circles[each.label]) for each in description.labels if each.label in circles),
        *names,
        "</svg>\n",
    ])  # fmt: skip


def _circle(label: LabelDescription) -> _Circle:
    x, y = _PLACES[label.label]
    return _Circle(x, y, 37 + 5 * math.log10(label.count + 1))


def _node(label: LabelDescription, circle: _Circle) -> str:
    size = min(15.0, 2 * circle.radius * 0.86 / (0.66 * len(label.label)))
    return (
        f'<g text-anchor="middle"><circle class="{label.label}" cx="{circle.x:g}" cy="{circle.y:g}" '
        f'r="{circle.radius:.1f}"/>'
        f'<text class="name" x="{circle.x:g}" y="{circle.y - 2:g}" font-size="{size:.1f}">{label.label}</text>'
        f'<text class="count" x="{circle.x:g}" y="{circle.y + 15:g}" font-size="12">{label.count:,}</text></g>'
    )


def _arrow(link: RelationshipDescription, one: _Circle, other: _Circle, place: float) -> tuple[str, str]:
    """A bent line from one circle to another, the `place`-th from the middle, and its name."""
    dx, dy = other.x - one.x, other.y - one.y
    length = math.hypot(dx, dy)
    across = (-dy / length, dx / length)
    bend = 2 * place * _APART
    control = ((one.x + other.x) / 2 + across[0] * bend, (one.y + other.y) / 2 + across[1] * bend)
    start, end = _rim(one, control, 2), _rim(other, control, 10)
    # Names on steep lines stand one above the other rather than side by side.
    share = 0.5 + place * 0.4 * abs(dy) / length
    points = (start, control, end)
    at = [(1 - share) ** 2 * a + 2 * share * (1 - share) * b + share**2 * c for a, b, c in zip(*points, strict=True)]
    path = "M{:.1f} {:.1f}Q{:.1f} {:.1f} {:.1f} {:.1f}".format(*(value for point in points for value in point))
    return _line(link, path, control, other), _name(link, at[0], at[1])


def _loop(link: RelationshipDescription, circle: _Circle, angle: float) -> tuple[str, str]:
    """A line from a circle to itself, on the side that the angle says, and its name."""
    reach = circle.radius + 78
    ends = [math.radians(angle + turn) for turn in (-26, 26)]
    far = [(circle.x + reach * 1.12 * math.cos(each), circle.y + reach * 1.12 * math.sin(each)) for each in ends]
    start, end = _rim(circle, far[0], 2), _rim(circle, far[1], 10)
    path = "M{:.1f} {:.1f}C{:.1f} {:.1f} {:.1f} {:.1f} {:.1f} {:.1f}".format(
        *(value for point in (start, *far, end) for value in point)
    )
    middle = math.radians(angle)
    distance = circle.radius + 66
    return _line(link, path, far[1], circle), _name(
        link, circle.x + distance * math.cos(middle), circle.y + distance * math.sin(middle)
    )


def _rim(circle: _Circle, towards: tuple[float, float], gap: float) -> tuple[float, float]:
    angle = math.atan2(towards[1] - circle.y, towards[0] - circle.x)
    distance = circle.radius + gap
    return circle.x + distance * math.cos(angle), circle.y + distance * math.sin(angle)


def _line(link: RelationshipDescription, path: str, before: tuple[float, float], circle: _Circle) -> str:
    """A curve that comes from the point `before` to a circle, with its tip at the rim."""
    width = 1 + 0.35 * math.log10(link.count + 1)
    angle = math.atan2(before[1] - circle.y, before[0] - circle.x)
    corners = [_rim(circle, before, 3)]
    foot = _rim(circle, before, 13)
    for side in (-4.5, 4.5):
        corners.append((foot[0] - side * math.sin(angle), foot[1] + side * math.cos(angle)))
    tip = " ".join(f"{x:.1f},{y:.1f}" for x, y in corners)
    return f'<path class="line" d="{path}" stroke-width="{width:.2f}"/><polygon class="tip" points="{tip}"/>'


def _name(link: RelationshipDescription, x: float, y: float) -> str:
    """A type and its count, with a rim in the colour of the ground so that lines do not cross the letters."""
    place = f'x="{x:.1f}" y="{y:.1f}" font-size="11.5" text-anchor="middle"'
    words = f'{link.type}<tspan x="{x:.1f}" dy="14">{link.count:,}</tspan>'
    return f'<text class="halo" aria-hidden="true" {place}>{words}</text><text class="type" {place}>{words}</text>'


def _dates(links: Sequence[RelationshipDescription]) -> str:
    first = _ordered(each.first_at for each in links)
    last = _ordered(each.last_at for each in links)
    return f", {first[0]:%Y-%m-%d} to {last[-1]:%Y-%m-%d}" if first and last else ""


def _ordered(times: Iterable[object]) -> list[object]:
    return sorted((each for each in times if each is not None), key=str)
