"""The response reader tells framing, completeness and every departure from the grammar."""

from __future__ import annotations

import pytest

from tests.kit.response import End, Framing, Interim, Response, ResponseReader

LENGTH = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nX-A: 1\r\n\r\nbody"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nbo\r\n2;x\r\ndy\r\n0\r\n\r\n"
CLOSED = b"HTTP/1.0 200 OK\r\n\r\nbody"


def _read(data: bytes, *, method: str = "GET", end: End | None = None, size: int = 0) -> Response:
    reader = ResponseReader(method)
    size = size or len(data)
    for offset in range(0, len(data), size):
        reader.feed(data[offset : offset + size])
    if end is not None:
        reader.ended(end)
    response = reader.response()
    assert response is not None
    return response


@pytest.mark.parametrize("size", [0, 1, 2, 7])
@pytest.mark.parametrize(
    ("data", "framing"),
    [(LENGTH, Framing.LENGTH), (CHUNKED, Framing.CHUNKED), (CLOSED, Framing.CLOSE)],
)
def test_a_complete_response_is_complete_however_it_is_split(
    data: bytes, framing: Framing, size: int
) -> None:
    response = _read(data, end=End.EOF, size=size)
    assert response.body == b"body"
    assert response.framing is framing
    assert response.complete
    assert response.violations == ()


@pytest.mark.parametrize("data", [LENGTH, CHUNKED])
def test_every_shorter_response_is_incomplete(data: bytes) -> None:
    for size in range(1, len(data)):
        for end in (None, End.EOF, End.RESET):
            assert not _read(data[:size] or b"H", end=end).complete


def test_a_body_that_ends_at_the_close_is_not_complete_after_a_reset() -> None:
    assert not _read(CLOSED, end=End.RESET).complete
    assert not _read(CLOSED).complete


def test_bytes_behind_the_response_are_kept_apart() -> None:
    for data in (LENGTH, CHUNKED):
        reader = ResponseReader("GET", data + b"HTTP/1.1 400")
        assert reader.finished
        assert reader.unread == b"HTTP/1.1 400"


def test_interim_responses_are_kept_apart() -> None:
    response = _read(b"HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n" + LENGTH)
    assert response.interim == (Interim(103, (("Link", "<a>"),)),)
    assert response.status == 200
    assert response.all("x-a") == ("1",)


def test_an_interim_response_alone_is_no_response() -> None:
    response = _read(b"HTTP/1.1 100 Continue\r\n\r\n", end=End.EOF)
    assert response.status == 0
    assert response.violations == ("no complete head of a final response",)


def test_nothing_at_all_is_none() -> None:
    reader = ResponseReader("GET")
    reader.ended(End.EOF)
    assert reader.response() is None


@pytest.mark.parametrize(
    ("data", "method"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n", "HEAD"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", "GET"),
        (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 4\r\n\r\n", "GET"),
    ],
)
def test_responses_without_body_are_complete_with_their_head(data: bytes, method: str) -> None:
    response = _read(data, method=method)
    assert response.complete
    assert response.framing is Framing.NONE
    assert response.violations == ()


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (b"HTTP/1.1 200\r\n\r\n", "not a status line"),
        (b"HTTP/1.1 2000 OK\r\n\r\n", "not a status line"),
        (b"HTTP/1.1 200 O\x01K\r\n\r\n", "not a status line"),
        (b"HTTP/1.1 200 OK\r\nX A: 1\r\n\r\n", "not a field line"),
        (b"HTTP/1.1 200 OK\r\nX-A: 1\r\n folded\r\n\r\n", "not a field line"),
        (b"HTTP/1.1 200 OK\r\nX-A: 1\n2\r\n\r\n", "not a field line"),
        (b"HTTP/1.1 200 OK\r\nX-A: 1\r2\r\n\r\n", "not a field line"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1_0\r\n\r\n", "Content-Length: '1_0'"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n", "2 Content-Length"),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
            "together",
        ),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", "Transfer-Encoding: ['gzip']"),
        (b"HTTP/1.1 204 No\r\nContent-Length: 0\r\n\r\n", "framing fields in a 204"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "not a chunk size"),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabcd\r\n",
            "does not end in CRLF",
        ),
        (b"HTTP/1.1 200 OK\r\nX-A", "no complete head"),
    ],
)
def test_each_departure_is_listed(data: bytes, complaint: str) -> None:
    assert complaint in "; ".join(_read(data, end=End.EOF).violations)
