"""The kinds of load: small requests, one long body, many responses that stay open."""

import contextlib
import enum
import posixpath
import time
from dataclasses import dataclass
from typing import Protocol

from .backend import end_streams
from .http_client import Exchange, write_pattern
from .measurement import (
    COMMON,
    Exchanges,
    Metric,
    Sample,
    WrongResponse,
    quantile,
    sample_of,
)
from .processes import Server, pinned
from .site import Site
from .wrk import BODY, Wrk

_STREAM_BEGINS = b"open\n"
_WARM_UP_SIZE = 1 << 20
_OPENED_TOGETHER = 64
"""Streams that are asked for before the first of them is looked at: fewer than a backlog."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How long everything takes.

    ``seconds`` is for each round of small requests, ``transfers`` the number of long bodies in
    each round, ``streams`` the number of responses that stay open.  ``core`` is that of the load.
    """

    rounds: int
    seconds: float
    warm_up: float
    transfers: int
    streams: int
    core: int | None

    def __str__(self) -> str:
        """Say it in words."""
        return (
            f"{self.rounds} rounds of {self.seconds:g} s or {self.transfers} transfers,"
            f" {self.streams} open streams"
        )


@dataclass(frozen=True, slots=True)
class Target:
    """A gateway that runs, and what it serves.

    ``idle_memory`` is what it takes, in bytes, after the warm-up.
    """

    server: Server
    site: Site
    idle_memory: int = 0

    def expect_right_answer(self) -> None:
        """Wait for one response: a worker may still be starting.  Raises WrongResponse."""
        with self.exchange("small") as exchange:
            exchange.ask()
            text = exchange.text()
        if text != BODY:
            raise WrongResponse(f"the first response is {text!r}")

    def url(self, name: str) -> str:
        """Return the address of something that the backend has, or below "/" of what it has not."""
        return f"http://127.0.0.1:{self.server.port}{posixpath.join(self.site.asked, name)}"

    def exchange(self, name: str) -> Exchange:
        """Return a connection to ask for it."""
        return Exchange(self.server.port, self.site.asked + name)


class Load(Protocol):
    """What is done to a gateway."""

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """Return what a sample has."""

    def warm_up(self, target: Target, plan: Plan) -> None:
        """Let it reach its usual state; look at every byte.  Raises WrongResponse."""

    def measure(self, target: Target, plan: Plan) -> Sample:
        """Do one round.  Raises WrongResponse if a response is not right."""


@dataclass(frozen=True, slots=True)
class SmallRequests:
    """GET of 13 bytes, again and again, on each connection as soon as the last is answered.

    ``name`` is what the backend is asked for.
    """

    wrk: Wrk
    name: str = "small"
    metrics: tuple[Metric, ...] = COMMON

    def warm_up(self, target: Target, plan: Plan) -> None:
        """See Load."""
        url = target.url(self.name)
        self.wrk.run(url, seconds=plan.warm_up, core=plan.core, verify=True)

    def measure(self, target: Target, plan: Plan) -> Sample:
        """See Load."""
        before = target.server.cpu_seconds()
        exchanges = self.wrk.run(target.url(self.name), seconds=plan.seconds, core=plan.core)
        return sample_of(
            exchanges,
            cpu_seconds=target.server.cpu_seconds() - before,
            memory_bytes=target.server.memory_bytes(),
        )


class Body(enum.Enum):
    """Where the bytes of a long body come from, and where they go."""

    RESPONSE = "from the backend to the client"
    UPLOAD = "from the client to the backend"
    FILE = "from a file that the backend names to the client"


@dataclass(frozen=True, slots=True)
class LongBodies:
    """Bodies of ``size`` bytes, one after another."""

    size: int
    body: Body
    metrics: tuple[Metric, ...] = COMMON

    def warm_up(self, target: Target, plan: Plan) -> None:
        """See Load."""
        if self.body is Body.FILE:
            for size in (_WARM_UP_SIZE, self.size):
                write_pattern(target.site.backend.files / str(size), size)
        with pinned(plan.core):
            self._transfer(target, _WARM_UP_SIZE)

    def measure(self, target: Target, plan: Plan) -> Sample:
        """See Load."""
        times = []
        before = target.server.cpu_seconds()
        with pinned(plan.core):
            for _ in range(plan.transfers):
                start = time.perf_counter()
                self._transfer(target, self.size)
                times.append(time.perf_counter() - start)
        return sample_of(
            Exchanges(len(times), sum(times), quantile(times, 0.5), quantile(times, 0.99)),
            cpu_seconds=target.server.cpu_seconds() - before,
            memory_bytes=target.server.memory_bytes(),
        )

    def _transfer(self, target: Target, size: int) -> None:
        if self.body is Body.UPLOAD:
            with target.exchange("upload") as exchange:
                exchange.upload_pattern(size)
                text = exchange.text()
            if text != f"{size} right\n":
                raise WrongResponse(f"the backend says {text!r} of {size} bytes")
        else:
            name = f"file/{size}" if self.body is Body.FILE else f"size/{size}"
            with target.exchange(name) as exchange:
                exchange.ask()
                exchange.expect_pattern(size)


@dataclass(frozen=True, slots=True)
class OpenStreams:
    """Responses that have begun and then say nothing, and small requests beside them."""

    beside: SmallRequests
    metrics: tuple[Metric, ...] = (*COMMON, Metric.STREAM_MEMORY)

    def warm_up(self, target: Target, plan: Plan) -> None:
        """See Load."""
        self.beside.warm_up(target, plan)
        # The first of them pays for what all share.
        self._open(target, 1)[0].close()
        end_streams(target.site.backend)

    def measure(self, target: Target, plan: Plan) -> Sample:
        """See Load."""
        with contextlib.ExitStack() as stack:
            with pinned(plan.core):
                for exchange in self._open(target, plan.streams):
                    stack.callback(exchange.close)
            taken = target.server.memory_bytes() - target.idle_memory
            sample = self.beside.measure(target, plan)
        # Not every gateway notices clients that leave.
        end_streams(target.site.backend)
        each = taken / plan.streams
        return {**sample, Metric.STREAM_MEMORY: each * Metric.STREAM_MEMORY.scale}

    def _open(self, target: Target, count: int) -> list[Exchange]:
        exchanges: list[Exchange] = []
        try:
            while len(exchanges) < count:
                begun = []
                for _ in range(min(_OPENED_TOGETHER, count - len(exchanges))):
                    begun.append(target.exchange("stream"))
                    exchanges.append(begun[-1])
                    begun[-1].ask()
                for exchange in begun:
                    data = exchange.response().read(len(_STREAM_BEGINS))
                    if data != _STREAM_BEGINS:
                        raise WrongResponse(f"a stream begins with {data!r}")
        except BaseException:
            for exchange in exchanges:
                exchange.close()
            raise
        return exchanges
