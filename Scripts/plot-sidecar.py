#!/usr/bin/env python3
"""Draws what the benchmark case `sidecar` has measured as Documentation/Images/sidecar.svg.

The figures are the lines of JSON that `meshwork-bench sidecar --json FILE` writes. Needs nothing but Python."""

import sys
from xml.sax.saxutils import escape

from svg_page import draw, page

HAPROXY, ENVOY_TCP, ENVOY_HTTP = "HAProxy pair, TCP", "Envoy pair, TCP", "Envoy pair, HTTP/2"
PAIRS = [HAPROXY, ENVOY_TCP, ENVOY_HTTP]

# A panel: what it says, the figure's name, what stands before and behind a value, and the peers, as they are named in
# the figures and in the plot.
PANELS = [
    (
        "Added to a round trip of 64 B",
        "p50, µs, one call at a time; less is better",
        "added to the direct echo's p50, one call at a time",
        "+{:.0f} µs",
        [(peer, peer) for peer in PAIRS],
    ),
    (
        "Payloads of 16 MiB",
        "GB/s, one at a time; more is better",
        "payloads of 16 MiB, one at a time",
        "{:.2f} GB/s",
        [("NIO, direct", "no proxy, no TLS")] + [(peer, peer) for peer in PAIRS],
    ),
    (
        "Processor time of a call",
        "µs in all processes, application's included, one at a time; less is better",
        "processor time of all processes for a million calls, one at a time",
        "{:.0f} µs",
        [("NIO echo, direct", "no proxy, no TLS")] + [(peer, peer) for peer in PAIRS],
    ),
    (
        "Memory added",
        "MiB resident, client's and server's side together; less is better",
        "resident memory that is added, client's and server's side together",
        "{:.0f} MiB",
        [(peer, peer) for peer in PAIRS],
    ),
]

WIDTH, MARGIN, GAP = 880, 28, 40
PANEL = (WIDTH - 2 * MARGIN - GAP) // 2
LABEL, VALUE, ROW, BAR = 132, 78, 26, 16

STYLE = """
  .card { fill: #ffffff; stroke: #d0d7de }
  text { font-family: -apple-system, 'Segoe UI', 'Noto Sans', Helvetica, Arial, sans-serif; fill: #1f2328; font-size: 12px }
  .head { font-size: 14px; font-weight: 600 }
  .note { fill: #59636e; font-size: 11px }
  .strong { font-weight: 600 }
  .ours { fill: #0969da }
  .peer { fill: #8c959f }
  .base { fill: #c8cfd6 }
  .axis { stroke: #d0d7de }
  @media (prefers-color-scheme: dark) {
    .card { fill: #0d1117; stroke: #30363d }
    text { fill: #e6edf3 }
    .note { fill: #9198a1 }
    .ours { fill: #4493f8 }
    .peer { fill: #6e7681 }
    .base { fill: #3d444d }
    .axis { stroke: #30363d }
  }
"""


def values(figures, name, peers):
    """The rows of a panel: label, value, class; ours first."""
    found = {figure["peer_name"]: figure for figure in figures if figure["name"] == name}
    missing = [peer for peer, _ in peers if peer not in found]
    if missing:
        sys.exit(f'no figure "{name}" beside {", ".join(missing)}')
    rows = [("Meshwork", found[peers[0][0]]["ours"], "ours")]
    for peer, label in peers:
        rows.append((label, found[peer]["peer"], "base" if peer.endswith("direct") else "peer"))
    return rows


def panel(figures, x, y, head, note, name, form, peers):
    """The elements of a panel whose upper left corner is (x, y)."""
    rows = values(figures, name, peers)
    largest = max(value for _, value, _ in rows)
    scale = (PANEL - LABEL - VALUE) / largest
    yield f'<text class="head" x="{x}" y="{y + 12}">{escape(head)}</text>'
    yield f'<text class="note" x="{x}" y="{y + 29}">{escape(note)}</text>'
    top = y + 42
    for index, (label, value, kind) in enumerate(rows):
        middle = top + index * ROW + ROW / 2
        strong = ' class="strong"' if kind == "ours" else ""
        width = max(1.5, value * scale)
        yield f'<text{strong} x="{x + LABEL - 8}" y="{middle + 4}" text-anchor="end">{escape(label)}</text>'
        yield (
            f'<rect class="{kind}" x="{x + LABEL}" y="{middle - BAR / 2}" width="{width:.1f}" height="{BAR}" rx="2"/>'
        )
        yield f'<text{strong} x="{x + LABEL + width + 6:.1f}" y="{middle + 4}">{escape(form.format(value))}</text>'
    bottom = top + len(rows) * ROW
    yield f'<line class="axis" x1="{x + LABEL}" y1="{top}" x2="{x + LABEL}" y2="{bottom}"/>'


def plot(figures, machine):
    """The picture."""
    elements, y = [], 24
    for first in range(0, len(PANELS), 2):
        pair = PANELS[first : first + 2]
        for column, one in enumerate(pair):
            elements += panel(figures, MARGIN + column * (PANEL + GAP), y, *one)
        y += 42 + ROW * max(len(values(figures, one[2], one[4])) for one in pair) + 26
    notes = [
        "Meshwork has everything on: a policy of 1,000 rules, retries, balancing over 100 endpoints, metrics, tap, tracing.",
        f"Mutual TLS 1.3 between the sides, a process each; {machine}; medians of one run, all sides in turn.",
    ]
    for number, note in enumerate(notes):
        elements.append(f'<text class="note" x="{MARGIN}" y="{y + 2 + 16 * number}">{escape(note)}</text>')
    height = y + 36
    return page("What Meshwork adds to a call, beside pairs of Envoy and HAProxy", WIDTH, height, STYLE, elements)


if __name__ == "__main__":
    draw("sidecar", __doc__, "2 cores of an x86-64 virtual machine", plot)
