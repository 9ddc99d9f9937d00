#!/usr/bin/env python3
"""Draws what the benchmark case `scaling` has measured as Documentation/Images/scaling.svg, each law beside it.

The figures are the lines of JSON that `meshwork-bench scaling --json FILE` writes. Needs nothing but Python."""

import math
import re
from xml.sax.saxutils import escape

from svg_page import draw, page

WIDTH, MARGIN, GAP, COLUMNS = 880, 28, 44, 3
PANEL = (WIDTH - 2 * MARGIN - (COLUMNS - 1) * GAP) / COLUMNS
PLOT, HEAD, FOOT = 120, 40, 34

STYLE = """
  .card { fill: #ffffff; stroke: #d0d7de }
  text { font-family: -apple-system, 'Segoe UI', 'Noto Sans', Helvetica, Arial, sans-serif; fill: #1f2328; font-size: 11px }
  .head { font-size: 12px; font-weight: 600 }
  .note { fill: #59636e; font-size: 10px }
  .ours { fill: #0969da }
  .missed { fill: #cf222e }
  .law { stroke: #8c959f; stroke-dasharray: 4 3; fill: none }
  .axis { stroke: #d0d7de }
  @media (prefers-color-scheme: dark) {
    .card { fill: #0d1117; stroke: #30363d }
    text { fill: #e6edf3 }
    .note { fill: #9198a1 }
    .ours { fill: #4493f8 }
    .missed { fill: #f85149 }
    .law { stroke: #6e7681 }
    .axis { stroke: #30363d }
  }
"""


def series(figures):
    """The points of each series: count, measured, law, whether it is within its bound; by name, unit and what is counted."""
    found = {}
    for figure in figures:
        place = re.fullmatch(r"(.*), (\d+) (.*)", figure["name"])
        if not place:
            continue
        name, count, of = place.groups()
        point = (int(count), figure["ours"], figure["peer"], figure["met"] is not False)
        found.setdefault((name, figure["unit"], of), []).append(point)
    return found


def number(value):
    """A value in few characters."""
    return f"{value:.3g}" if value < 1e4 else f"{value:.0f}"


def panel(key, points, x, y):
    """The elements of a panel whose upper left corner is (x, y): logarithms on both axes."""
    name, unit, of = key
    values = [value for point in points for value in point[1:3] if value > 0] or [1]
    low, high = min(values) / 2, max(values) * 2
    last = max(2, points[-1][0])

    def place(count, value):
        right = math.log(count) / math.log(last) * PANEL
        up = math.log(max(value, low) / low) / math.log(high / low) * PLOT
        return x + right, y + HEAD + PLOT - up

    yield f'<text class="head" x="{x:.1f}" y="{y + 12}">{escape(name)}</text>'
    yield f'<text class="note" x="{x:.1f}" y="{y + 27}">{escape(unit or "number")}, by {escape(of)}</text>'
    bottom = y + HEAD + PLOT
    yield f'<line class="axis" x1="{x:.1f}" y1="{bottom}" x2="{x + PANEL:.1f}" y2="{bottom}"/>'
    line = " ".join(f"{a:.1f},{b:.1f}" for a, b in (place(count, law) for count, _, law, _ in points))
    yield f'<polyline class="law" points="{line}"/>'
    for count, measured, _, is_met in points:
        a, b = place(count, measured)
        yield f'<circle class="{"ours" if is_met else "missed"}" cx="{a:.1f}" cy="{b:.1f}" r="3"/>'
    for (count, measured, _, _), anchor in [(points[0], "start"), (points[-1], "end")]:
        a, b = place(count, measured)
        yield f'<text x="{a:.1f}" y="{b - 7:.1f}" text-anchor="{anchor}">{number(measured)}</text>'
        yield f'<text class="note" x="{a:.1f}" y="{bottom + 14}" text-anchor="{anchor}">{count:,}</text>'


def plot(figures, machine):
    """The picture."""
    found = list(series(figures).items())
    elements, height = [], HEAD + PLOT + FOOT
    for index, (key, points) in enumerate(found):
        x, y = MARGIN + index % COLUMNS * (PANEL + GAP), 24 + index // COLUMNS * height
        elements += panel(key, points, x, y)
    y = 24 + (len(found) + COLUMNS - 1) // COLUMNS * height
    note = f"Dashes: the law, by the first points. Both axes are logarithmic. Simulations on {machine}."
    elements.append(f'<text class="note" x="{MARGIN}" y="{y}">{escape(note)}</text>')
    height = y + 16
    return page("What grows with workers, servers, parameters and bytes, beside its law", WIDTH, height, STYLE, elements)


if __name__ == "__main__":
    draw("scaling", __doc__, "one core of an x86-64 virtual machine", plot)
