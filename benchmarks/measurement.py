"""What is measured: one sample for each round of each row, medians and ratios over the rounds."""

import enum
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


class Metric(enum.Enum):
    """A column: the key in JSON, the heading, and how many of its units are in a unit of SI."""

    CPU = ("cpu_us", "CPU us/request", 1e6)
    RATE = ("requests_per_second", "requests/s", 1.0)
    P50 = ("p50_ms", "p50 ms", 1e3)
    P99 = ("p99_ms", "p99 ms", 1e3)
    MEMORY = ("memory_mib", "memory MiB", 1 / 2**20)
    STREAM_MEMORY = ("stream_memory_kib", "KiB/stream", 1 / 2**10)
    LOST = ("lost_requests", "lost", 1.0)

    def __init__(self, key: str, heading: str, scale: float) -> None:
        self.key = key
        self.heading = heading
        self.scale = scale


COMMON = (Metric.CPU, Metric.RATE, Metric.P50, Metric.P99, Metric.MEMORY)

Sample = Mapping[Metric, float]
"""One round of one row, in the units of the metrics."""


class WrongResponse(Exception):
    """A response was not what the backend had sent, so that no number would mean anything."""


@dataclass(frozen=True, slots=True)
class Exchanges:
    """What a load saw: how many requests were answered, in which time, and how late.

    ``lost`` is the number of those that were not, because their connection was closed.
    """

    requests: int
    seconds: float
    p50: float
    p99: float
    lost: int = 0


def sample_of(exchanges: Exchanges, *, cpu_seconds: float, memory_bytes: float) -> Sample:
    """Return the sample for what a load and /proc saw.

    Raises WrongResponse where they contradict each other.
    """
    if cpu_seconds <= 0 or memory_bytes <= 0:
        raise WrongResponse("the gateway used no time or no memory: did another one answer?")
    values = {
        Metric.CPU: cpu_seconds / exchanges.requests,
        Metric.RATE: exchanges.requests / exchanges.seconds,
        Metric.P50: exchanges.p50,
        Metric.P99: exchanges.p99,
        Metric.MEMORY: memory_bytes,
        Metric.LOST: exchanges.lost,
    }
    return {metric: value * metric.scale for metric, value in values.items()}


@dataclass(frozen=True, slots=True)
class Row:
    """One gateway in one scenario: a sample for each round, or why there is none.

    ``failed`` tells a gateway that should have had numbers from one that takes no part.
    """

    gateway: str
    title: str
    samples: Sequence[Sample] = ()
    note: str = ""
    failed: bool = False

    def median(self, metric: Metric) -> float:
        """Return the median over the rounds."""
        return statistics.median(sample[metric] for sample in self.samples)

    def spread(self, metric: Metric) -> float:
        """Return how far the rounds are apart: highest less lowest, as a part of the median."""
        values = [sample[metric] for sample in self.samples]
        middle = statistics.median(values)
        return (max(values) - min(values)) / middle if middle else 0.0

    @property
    def lost(self) -> int:
        """Return the number of requests that got no answer, in all rounds."""
        return int(sum(sample[Metric.LOST] for sample in self.samples))

    def ratio(self, metric: Metric, other: "Row") -> float | None:
        """Return the median of the ratios of each round; None where ``other`` has no numbers.

        A round of two gateways is a few seconds apart, so that drift of the machine cancels.
        """
        ratios = [
            mine[metric] / theirs[metric]
            for mine, theirs in zip(self.samples, other.samples, strict=False)
            if theirs[metric]
        ]
        return statistics.median(ratios) if ratios else None


@dataclass(frozen=True, slots=True)
class Table:
    """One scenario: its columns, a row for each gateway."""

    scenario: str
    title: str
    metrics: Sequence[Metric]
    rows: Sequence[Row]

    def row(self, gateway: str) -> Row | None:
        """Return the row of a gateway; None where it has no numbers."""
        return next((row for row in self.rows if row.gateway == gateway and row.samples), None)


def quantile(values: Sequence[float], share: float) -> float:
    """Return the smallest of ``values`` that ``share`` of them do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
