"""The results as a picture: SVG, one panel for each scenario, a bar for each gateway.

The bars are the CPU time of a request.  The picture brings its own background, light or dark as
the reader's system is, so that it can be read on any page.
"""

from collections.abc import Iterator, Sequence
from html import escape

from .gateways import APACHE, OURS
from .measurement import Metric, Row, Table
from .report import Results, format_number

_WIDTH = 840
_MARGIN = 24
_NAMES = 280
"""Where the bars begin: the names stand left of that."""
_BARS = 320
"""The width of the longest bar; its number stands right of it."""
_LINE = 22
_BAR = 14
_PANEL_HEAD = 34
_PANEL_GAP = 18
_HEAD = 64

_STYLE = """
  svg { font: 13px system-ui, "Segoe UI", "DejaVu Sans", sans-serif }
  .page { fill: #ffffff } .text { fill: #1f2328 } .quiet { fill: #59636e }
  .title { font-size: 18px; font-weight: 600 } .scenario { font-weight: 600 }
  .bar { fill: #9aa4af } .ours { fill: #0a67c7 } .number { text-anchor: start }
  .name { text-anchor: end }
  @media (prefers-color-scheme: dark) {
    .page { fill: #12161c } .text { fill: #e8edf3 } .quiet { fill: #a3adb8 }
    .bar { fill: #66717d } .ours { fill: #4c9bf5 }
  }
"""


def as_svg(results: Results) -> str:
    """Return the text of an SVG file."""
    panels = [table for table in results.tables if any(row.samples for row in table.rows)]
    height = _HEAD + sum(_height(table) for table in panels) + _MARGIN
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height}"'
        f' viewBox="0 0 {_WIDTH} {height}" role="img" aria-labelledby="title description">',
        '<title id="title">CPU time of a request in each gateway</title>',
        f'<desc id="description">{escape(_description(panels))}</desc>',
        f"<style>{_STYLE}</style>",
        f'<rect class="page" width="{_WIDTH}" height="{height}" rx="8"/>',
        _text(_MARGIN, 30, "title text", "CPU time of a request in each gateway"),
        _text(_MARGIN, 50, "quiet", f"shorter is better; {_conditions(results)}"),
    ]
    top = _HEAD
    for table in panels:
        lines += _panel(table, top)
        top += _height(table)
    return "\n".join([*lines, "</svg>", ""])


def _panel(table: Table, top: int) -> Iterator[str]:
    yield _text(_MARGIN, top + 22, "scenario text", table.title)
    rows = [row for row in table.rows if row.samples]
    longest = max(row.median(Metric.CPU) for row in rows)
    for number, row in enumerate(rows):
        y = top + _PANEL_HEAD + number * _LINE
        length = max(1.0, row.median(Metric.CPU) / longest * _BARS)
        kind = "bar ours" if row.gateway.startswith(OURS) else "bar"
        yield _text(_NAMES - 10, y + _BAR - 2, "name text", row.title)
        yield f'<rect class="{kind}" x="{_NAMES}" y="{y}" width="{length:.1f}" height="{_BAR}"/>'
        yield _text(round(_NAMES + length + 8), y + _BAR - 2, "number text", _number(table, row))


def _height(table: Table) -> int:
    return _PANEL_HEAD + _LINE * sum(1 for row in table.rows if row.samples) + _PANEL_GAP


def _number(table: Table, row: Row) -> str:
    text = format_time(row.median(Metric.CPU))
    apache = table.row(APACHE)
    if apache is not None and row is not apache:
        ratio = row.ratio(Metric.CPU, apache)
        text += f", {format_number(ratio)} of Apache's" if ratio is not None else ""
    if Metric.STREAM_MEMORY in table.metrics:
        text += f"; {format_number(row.median(Metric.STREAM_MEMORY))} KiB a stream"
    return text


def format_time(microseconds: float) -> str:
    """Write a time in the unit that suits it."""
    if microseconds >= 10_000:
        return f"{format_number(microseconds / 1000)} ms"
    return f"{format_number(microseconds)} us"


def _conditions(results: Results) -> str:
    found = results.environment
    python = found["python"].partition(",")[0]
    return f"Python {python}, {found['processor']}, {found['cores']} cores, {found['plan']}"


def _description(tables: Sequence[Table]) -> str:
    """Say in words what the picture shows."""
    sentences = []
    for table in tables:
        rows = [row for row in table.rows if row.samples]
        times = [f"{row.title} {format_time(row.median(Metric.CPU))}" for row in rows]
        sentences.append(f"{table.title}: {', '.join(times)}.")
    return " ".join(sentences)


def _text(x: int, y: int, kind: str, text: str) -> str:
    return f'<text x="{x}" y="{y}" class="{kind}">{escape(text)}</text>'
