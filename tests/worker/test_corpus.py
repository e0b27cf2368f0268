"""gunicorn's own corpus of valid and invalid requests has the verdicts of its Python parser.

Each file is sent over a socket to GatewayWorker and to gunicorn's gevent worker, both with the
parser in Python, in several ways; both must say the same, byte for byte but for dates.  The files
come from the source distribution of the installed gunicorn.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest
from gunicorn.http.errors import NoMoreData

from tests.kit.response import End, Response, ResponseReader
from tests.worker import corpus
from tests.worker.corpus import Case
from tests.worker.serving import LEAN, Pair, answers, as_file, exchange, pair

APPLICATION = "tests.worker.telling:application"

# Longer ones in larger pieces, so that the whole does not take minutes.
_SINGLE_BYTES = 400

Workers = Mapping[corpus.Settings, Pair]


def _whole(data: bytes) -> list[bytes]:
    return [data]


def _in_three(data: bytes) -> list[bytes]:
    third = len(data) // 3
    return [data[:third], data[third : 2 * third], data[2 * third :]]


def _by_bytes(data: bytes) -> list[bytes]:
    size = 1 if len(data) <= _SINGLE_BYTES else len(data) // 50
    return [data[start : start + size] for start in range(0, len(data), size)]


def _with_host(data: bytes) -> list[bytes]:
    """With a Host field, where the file has none: many then are plain but for one thing."""
    head, end, rest = data.partition(b"\r\n")
    if head.endswith(b" HTTP/1.1") and not re.search(rb"(?i)\r\nhost:", data):
        head += b"\r\nHost: corpus.test"
    return [head + end + rest]


def _followed(data: bytes) -> list[bytes]:
    """With another request behind it: whether that is answered tells if the connection stays."""
    return [data, b"GET /followed HTTP/1.1\r\nHost: corpus.test\r\n\r\n"]


WAYS: tuple[Callable[[bytes], list[bytes]], ...] = (
    _whole,
    _in_three,
    _by_bytes,
    _with_host,
    _followed,
)


@pytest.fixture(scope="module")
def workers(cases: Sequence[Case]) -> Iterator[Workers]:
    """A pair of workers for each set of settings; they start and end at the same time."""
    stacks = {case.settings: contextlib.ExitStack() for case in cases}

    def start(settings: corpus.Settings) -> Pair:
        started = pair(files=as_file(dict(settings)), application=APPLICATION)
        return stacks[settings].enter_context(started)

    with ThreadPoolExecutor(max_workers=len(stacks)) as threads:
        try:
            yield dict(zip(stacks, threads.map(start, stacks), strict=True))
        finally:
            list(threads.map(contextlib.ExitStack.close, stacks.values()))


def responses(received: bytes) -> list[Response]:
    """Split what a server said."""
    found = []
    while received:
        reader = ResponseReader("GET", received)
        reader.ended(End.EOF)
        response = reader.response()
        assert response is not None and not response.violations, received
        found.append(response)
        received = reader.unread
    return found


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__.strip("_"))
def test_both_workers_say_the_same(
    cases: Sequence[Case], workers: Workers, way: Callable[[bytes], list[bytes]]
) -> None:
    differing = []
    for case in cases:
        both = workers[case.settings]
        pieces = way(case.data)
        theirs = exchange(both.stock, *pieces)
        ours = exchange(both.ours, *pieces)
        if ours != theirs:
            differing.append(f"{case.name}: {theirs!r}, but we: {ours!r}")
    assert not differing, "\n".join(differing)


def test_the_verdicts_are_those_of_the_corpus(cases: Sequence[Case], workers: Workers) -> None:
    wrong = [
        f"{case.name}: {problem}"
        for case in cases
        if (problem := _problem(case, responses(exchange(workers[case.settings].ours, case.data))))
    ]
    assert not wrong, "\n".join(wrong)
    assert len(cases) > 100


def _problem(case: Case, said: Sequence[Response]) -> str:
    """Tell what is wrong with the answers to a file, "" if nothing is."""
    if case.error is not None:
        refused = [answer for answer in said if answer.status >= 400]
        if case.error is NoMoreData:
            return "answered, though it is cut off" if said else ""
        return "" if refused and refused[-1] is said[-1] else f"no {case.error.__name__}"
    if [answer.status for answer in said] != [200] * len(case.requests):
        return f"answered with {[(answer.status, answer.body) for answer in said]}"
    told = [json.loads(answer.body) for answer in said]
    seen = tuple((t["REQUEST_METHOD"], t["RAW_URI"], t["body"].encode("latin-1")) for t in told)
    return "" if seen == case.requests else f"told as {seen}"


def test_the_lean_path_takes_part(cases: Sequence[Case], workers: Workers) -> None:
    lean = [
        case.name
        for case in cases
        if LEAN in answers(workers[case.settings].ours, *_with_host(case.data))
    ]
    assert len(lean) >= 14, lean
    assert not [name for name in lean if name.startswith("invalid/")]
