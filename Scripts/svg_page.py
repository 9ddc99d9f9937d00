"""What the scripts that draw a benchmark case's figures have in common: the page, and their command line."""

import argparse
import json
import pathlib
from xml.sax.saxutils import escape

ROOT = pathlib.Path(__file__).resolve().parent.parent


def page(title, width, height, style, elements):
    """An SVG picture on a card."""
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
            f'viewBox="0 0 {width} {height}" role="img">',
            f"<title>{escape(title)}</title>",
            f"<style>{style}</style>",
            f'<rect class="card" x="0.5" y="0.5" width="{width - 1}" height="{height - 1}" rx="8"/>',
            *elements,
            "</svg>",
            "",
        ]
    )


def draw(case, description, machine, plot):
    """Writes what `plot` makes of the figures of a case and of the machine they are of."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("figures", type=pathlib.Path, help=f"what `meshwork-bench {case} --json FILE` has written")
    parser.add_argument("--machine", default=machine, help="what they were measured on")
    parser.add_argument("--output", type=pathlib.Path, default=ROOT / f"Documentation/Images/{case}.svg")
    arguments = parser.parse_args()
    lines = arguments.figures.read_text(encoding="utf-8").splitlines()
    figures = [figure for figure in map(json.loads, lines) if figure["case"] == case]
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text(plot(figures, arguments.machine), encoding="utf-8")
    print(arguments.output)
