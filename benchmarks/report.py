"""The results as text for a terminal, and as values for JSON."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from .gateways import APACHE, NGINX
from .measurement import Metric, Row, Table

REFERENCES = {APACHE: "/Apa.", NGINX: "/ngx."}
"""The gateways to whose numbers the others are related, and the headings of these columns."""

_NAME_WIDTH = 38
_VALUE_WIDTH = 9
_RATIO_WIDTH = 6
_SPREAD_WIDTH = 8


@dataclass(frozen=True, slots=True)
class Results:
    """One run."""

    environment: Mapping[str, str]
    tables: Sequence[Table]


def ratios(table: Table, row: Row, metric: Metric) -> dict[str, float | None]:
    """Return ``row`` as a multiple of each reference, by its name."""
    found = {}
    for name in REFERENCES:
        reference = table.row(name)
        found[name] = row.ratio(metric, reference) if reference is not None else None
    return found


def as_json(results: Results) -> dict[str, object]:
    """Return everything: medians, ratios, and each sample of which they are made."""
    return {
        "environment": dict(results.environment),
        "scenarios": [
            {
                "name": table.scenario,
                "title": table.title,
                "rows": [_row_as_json(table, row) for row in table.rows],
            }
            for table in results.tables
        ],
    }


def _row_as_json(table: Table, row: Row) -> dict[str, object]:
    if not row.samples:
        return {
            "gateway": row.gateway,
            "title": row.title,
            "note": row.note,
            "failed": row.failed,
        }
    return {
        "gateway": row.gateway,
        "title": row.title,
        "lost": row.lost,
        "median": {metric.key: row.median(metric) for metric in table.metrics},
        "ratio": {metric.key: ratios(table, row, metric) for metric in table.metrics},
        "spread": {metric.key: row.spread(metric) for metric in table.metrics},
        "rounds": [
            {metric.key: sample[metric] for metric in table.metrics} for sample in row.samples
        ],
    }


def as_text(table: Table) -> Iterator[str]:
    """Yield the lines of a table: each number, then its ratio to Apache and to nginx."""
    yield table.title
    width = _VALUE_WIDTH + len(REFERENCES) * _RATIO_WIDTH
    ratio_heads = "".join(f"{head:>{_RATIO_WIDTH}}" for head in REFERENCES.values())
    metrics = "".join(f"{metric.heading:>{width}}" for metric in table.metrics)
    yield f"{'':{_NAME_WIDTH}}{metrics}{'CPU':>{_SPREAD_WIDTH}}"
    heads = f"{'median':>{_VALUE_WIDTH}}{ratio_heads}" * len(table.metrics)
    yield f"{'':{_NAME_WIDTH}}{heads}{'spread':>{_SPREAD_WIDTH}}"
    for row in table.rows:
        yield f"{row.title:{_NAME_WIDTH}}" + (_numbers(table, row) if row.samples else row.note)


def _numbers(table: Table, row: Row) -> str:
    text = ""
    for metric in table.metrics:
        text += f"{format_number(row.median(metric)):>{_VALUE_WIDTH}}"
        for ratio in ratios(table, row, metric).values():
            text += f"{'-' if ratio is None else format_number(ratio):>{_RATIO_WIDTH}}"
    spread = f"{row.spread(Metric.CPU):.0%}" if len(row.samples) > 1 else "-"
    text += f"{spread:>{_SPREAD_WIDTH}}"
    return f"{text}  {row.lost:,} requests lost" if row.lost else text


def format_number(value: float) -> str:
    """Write a number with three digits that count, thousands with commas."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"
