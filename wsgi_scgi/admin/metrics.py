"""What Prometheus reads: the counters of the board, right whichever worker answers.

Nothing is counted for its sake: the numbers are there, and are read when somebody asks.
"""

from collections.abc import Callable, Iterable, Iterator

from prometheus_client import CollectorRegistry
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from ..scoreboard.layout import BUCKETS
from .view import BalancerView, MemberView

LABELS = ("balancer", "member")

_Value = Callable[[MemberView], float]

_COUNTERS: tuple[tuple[str, str, _Value], ...] = (
    ("requests", "Attempts at requests that members were given.", lambda one: one.elected),
    ("failures", "Attempts that failed by the member's fault.", lambda one: one.failed),
    ("sent_bytes", "Bytes sent to members.", lambda one: one.sent),
    ("received_bytes", "Bytes received from members.", lambda one: one.received),
    ("connect_seconds", "Seconds spent connecting.", lambda one: one.connect_seconds),
    (
        "first_byte_seconds",
        "Seconds until response heads were there.",
        lambda one: one.first_byte_seconds,
    ),
)
_GAUGES: tuple[tuple[str, str, _Value], ...] = (
    ("busy", "Requests that a member serves now.", lambda one: one.busy),
    ("usable", "Whether a member may be chosen.", lambda one: one.is_usable),
    ("weight", "The weight of a member.", lambda one: one.weight),
)


class _BoardCollector(Collector):
    def __init__(self, balancers: Iterable[BalancerView]) -> None:
        self._balancers = list(balancers)

    def _members(self) -> Iterator[tuple[tuple[str, str], MemberView]]:
        for balancer in self._balancers:
            for member in balancer.members:
                yield (balancer.name if balancer.is_named else "", member.url), member

    def collect(self) -> Iterator[Metric]:
        for name, text, value in _COUNTERS:
            counter = CounterMetricFamily(f"wsgi_scgi_{name}", text, labels=LABELS)
            for labels, member in self._members():
                counter.add_metric(labels, value(member))
            yield counter
        statuses = CounterMetricFamily(
            "wsgi_scgi_responses", "Answers of members by class.", labels=(*LABELS, "class")
        )
        for labels, member in self._members():
            for number, count in enumerate(member.statuses, 1):
                statuses.add_metric((*labels, f"{number}xx"), count)
        yield statuses
        for name, text, value in _GAUGES:
            gauge = GaugeMetricFamily(f"wsgi_scgi_{name}", text, labels=LABELS)
            for labels, member in self._members():
                gauge.add_metric(labels, value(member))
            yield gauge
        yield self._response_times()

    def _response_times(self) -> HistogramMetricFamily:
        histogram = HistogramMetricFamily(
            "wsgi_scgi_response_seconds", "Seconds until answers had ended.", labels=LABELS
        )
        for labels, member in self._members():
            below = 0
            buckets: list[tuple[str, float]] = []
            for bound, count in zip((*map(str, BUCKETS), "+Inf"), member.buckets, strict=True):
                below += count
                buckets.append((bound, below))
            histogram.add_metric(labels, buckets, member.seconds)
        return histogram


def exposition(balancers: Iterable[BalancerView], accept: str) -> tuple[bytes, str]:
    """Return the metrics in a format that ``accept`` allows, and its media type."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_BoardCollector(balancers))
    encoder, media_type = choose_encoder(accept)
    return encoder(registry), media_type
