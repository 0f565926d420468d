"""Bars as SVG, readable on light and dark ground."""

from html import escape

WIDTH, LABEL, BAR, GAP, TOP = 760, 170, 16, 5, 34
# A contestant far behind is cut, so that the others can be told apart.
CUT = 4.0
STYLE = """
text { font: 12px system-ui, sans-serif; fill: #24292f }
.title { font-weight: 600; font-size: 14px }
.ours { fill: #1a7f37 } .other { fill: #8c959f } .line { stroke: #cf222e }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3 } .ours { fill: #3fb950 } .other { fill: #6e7681 }
.line { stroke: #ff7b72 } }
"""


def bar(name, value, scale, y, digits):
    """One row; a bar that is cut ends in two strokes."""
    limit = WIDTH - LABEL - 80
    width = min(value * scale, limit)
    kind = "ours" if name == "scrapegate" else "other"
    middle = y + BAR - 4
    parts = [f'<text x="{LABEL - 8}" y="{middle}" text-anchor="end">'
             f'{escape(name)}</text>',
             f'<rect class="{kind}" x="{LABEL}" y="{y}" rx="2" '
             f'width="{max(width, 1):.1f}" height="{BAR}"/>']
    if value * scale > limit:
        for shift in (14, 8):
            x = LABEL + width - shift
            parts.append(f'<path class="line" stroke-width="2" d="M{x:.0f} '
                         f'{y + BAR} l4 -{BAR}"/>')
    parts.append(f'<text x="{LABEL + width + 6:.1f}" y="{middle}">'
                 f'{digits(value)}</text>')
    return parts


def draw(title, groups, digits):
    """Groups: pairs of a heading and (name, value) pairs."""
    parts, y = [], TOP
    for heading, bars in groups:
        values = sorted(value for _, value in bars)
        reach = min(values[-1], values[len(values) // 2] * CUT)
        scale = (WIDTH - LABEL - 80) / (reach or 1)
        parts.append(f'<text x="{LABEL}" y="{y + 12}">{escape(heading)}'
                     "</text>")
        y += BAR + GAP
        for name, value in bars:
            parts += bar(name, max(value, 0), scale, y, digits)
            y += BAR + GAP
        y += GAP * 2
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" '
        f'height="{y}" viewBox="0 0 {WIDTH} {y}" role="img">',
        f"<title>{escape(title)}</title>", f"<style>{STYLE}</style>",
        f'<text class="title" x="8" y="20">{escape(title)}</text>',
        *parts, "</svg>"]) + "\n"


# File, title, and the rows that are its groups.
CHARTS = [
    ("cpu", "CPU per cached TLS scrape", ["cpu_identity", "cpu_gzip"]),
    ("rate", "Cached TLS scrapes a second, one core",
     ["rate_identity", "rate_gzip"]),
    ("latency", "Added to an uncached TLS scrape",
     ["added_p50_plain", "added_p99_plain", "added_p50_gzip"]),
    ("memory", "Memory", ["rss", "pss", "idle_connection"]),
    ("large", "A large exposition",
     ["large_seconds_identity", "large_seconds_gzip",
      "large_peak_identity", "large_peak_gzip"]),
    ("pod", "The bill of one pod", ["pod", "idle_wakeups"]),
    ("handshakes", "Full TLS handshakes a second, one core",
     ["handshakes_1.3", "handshakes_1.2"]),
]


def write_charts(rows, folder, digits):
    by_key = {row["key"]: row for row in rows}
    for name, title, keys in CHARTS:
        groups = []
        for key in keys:
            cells = by_key.get(key, {"cells": {}})["cells"]
            bars = [(who, value) for who, value in cells.items()
                    if isinstance(value, (int, float))]
            bars.sort(key=lambda each: each[0] != "scrapegate")
            if bars:
                row = by_key[key]
                groups.append((f"{row['what']}, {row['unit']}", bars))
        if groups:
            (folder / f"{name}.svg").write_text(draw(title, groups, digits))
