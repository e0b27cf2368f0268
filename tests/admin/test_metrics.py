"""What Prometheus reads, checked with its own parser."""

from collections.abc import Mapping

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_open
from prometheus_client.parser import text_string_to_metric_families

from tests.admin.balancers import make_balancer
from wsgi_scgi.admin.metrics import LABELS, exposition
from wsgi_scgi.admin.view import view
from wsgi_scgi.balancer.balancer import Balancer
from wsgi_scgi.scoreboard.layout import BUCKETS
from wsgi_scgi.scoreboard.status import Status

OPEN_METRICS = "application/openmetrics-text; version=1.0.0"


def samples(*balancers: Balancer, accept: str = "") -> dict[tuple[str, tuple[str, ...]], float]:
    """Return the values by name and labels (balancer, member, and class or bound)."""
    body, media_type = exposition(view(balancers), accept)
    is_open = media_type.startswith("application/openmetrics-text")
    parse = parse_open if is_open else text_string_to_metric_families
    assert is_open == (accept == OPEN_METRICS)
    return {
        (sample.name, tuple(sample.labels[name] for name in _in_order(sample.labels))): sample.value
        for family in parse(body.decode())
        for sample in family.samples
    }


def _in_order(labels: Mapping[str, str]) -> list[str]:
    return sorted(labels, key=lambda name: (name not in LABELS, name))


@pytest.mark.parametrize("accept", ["", "text/plain;version=0.0.4", "*/*", OPEN_METRICS])
def test_the_metrics_are_the_counts_of_the_board(accept: str) -> None:
    balancer = make_balancer()
    row = balancer.pool.row
    row.elected[1], row.failed[1], row.busy[1] = 7, 2, 1
    row.sent[1], row.received[1] = 100, 2**40
    row.statuses[1][1], row.statuses[4][1] = 4, 1
    row.seconds[1] = 1.5
    row.buckets[0][1], row.buckets[2][1], row.buckets[len(BUCKETS)][1] = 1, 2, 3
    balancer.pool.status[1] |= Status.DRAIN
    balancer.pool.weight[1] = 250
    found = samples(balancer, accept=accept)
    at = ("app", "scgi://b")
    assert found["wsgi_scgi_requests_total", at] == 7
    assert found["wsgi_scgi_requests_total", ("app", "scgi://a")] == 0
    assert found["wsgi_scgi_failures_total", at] == 2
    assert found["wsgi_scgi_busy", at] == 1
    assert found["wsgi_scgi_usable", at] == 0
    assert found["wsgi_scgi_usable", ("app", "scgi://a")] == 1
    assert found["wsgi_scgi_weight", at] == 2.5
    assert found["wsgi_scgi_sent_bytes_total", at] == 100
    assert found["wsgi_scgi_received_bytes_total", at] == 2**40
    assert found["wsgi_scgi_responses_total", (*at, "2xx")] == 4
    assert found["wsgi_scgi_responses_total", (*at, "5xx")] == 1
    assert found["wsgi_scgi_response_seconds_sum", at] == 1.5
    assert found["wsgi_scgi_response_seconds_count", at] == 6
    bounds = [labels[2] for name, labels in found if name == "wsgi_scgi_response_seconds_bucket"]
    assert len(set(bounds)) == len(BUCKETS) + 1
    values = [
        value
        for (name, labels), value in found.items()
        if name == "wsgi_scgi_response_seconds_bucket" and labels[:2] == at
    ]
    assert values == sorted(values) and values[0] == 1 and values[-2:] == [3, 6]


def test_a_backend_without_a_balancer_has_an_empty_name() -> None:
    lone = make_balancer("scgi://x", ["scgi://x"], is_named=False)
    assert samples(lone)["wsgi_scgi_requests_total", ("", "scgi://x")] == 0


def test_labels_cannot_forge_lines() -> None:
    url = 'scgi://a/"}1\\n'
    assert ("wsgi_scgi_busy", ("app", url)) in samples(make_balancer(urls=[url]))


def test_without_balancers_there_are_no_values() -> None:
    assert samples() == {}
