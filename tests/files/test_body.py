"""The body of a file response: which bytes, in which wrapper, and what if some are missing."""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from wsgiref.util import FileWrapper as WsgirefWrapper

import gevent
import pytest
from gunicorn.http.wsgi import FileWrapper as GunicornWrapper
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.transports import Transport
from wsgi_scgi.errors import GatewayError, TruncatedResponse
from wsgi_scgi.files.body import (
    BLOCK,
    BLOCKS_BETWEEN_PAUSES,
    Delivery,
    DescriptorFile,
    FileBody,
    RangeFile,
    delivery_of,
    wrap_for_server,
)
from wsgi_scgi.files.opened import FileFacts, OpenedFile
from wsgi_scgi.files.response import Piece
from wsgi_scgi.semantics.ranges import ByteRange

# No types are published for it.
WaitressWrapper: Any = importlib.import_module("waitress.buffers").ReadOnlyFileBasedBuffer

CONTENT = bytes(range(256)) * 1000  # 256000 bytes, several blocks
WHOLE = ByteRange(0, len(CONTENT) - 1)


class UnknownWrapper:
    """A wrapper of a server that nobody has heard of."""

    def __init__(self, file: Any, size: int) -> None:
        self.file, self.size = file, size


def like_uwsgi(file: Any, size: int) -> tuple[Any, int]:
    """Wrap as uWSGI does: its wrapper is a function."""
    return file, size


WRAPPERS = {
    "gunicorn": GunicornWrapper,
    "waitress": WaitressWrapper,
    "wsgiref": WsgirefWrapper,
    "unknown": UnknownWrapper,
    "uwsgi": like_uwsgi,
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file with CONTENT."""
    path = tmp_path / "file"
    path.write_bytes(CONTENT)
    return path


@pytest.fixture
def opened(path: Path) -> Iterator[OpenedFile]:
    """It is open, and closed at the end in any case."""
    fd = os.open(path, os.O_RDONLY)
    facts = FileFacts(name=os.fsencode(path), size=len(CONTENT), mtime_ns=0, inode=1)
    file = OpenedFile(fd, facts)
    yield file
    file.close()


class Told:
    """Remembers what a wrapped body tells."""

    def __init__(self) -> None:
        self.closed = 0
        self.cuts: list[str] = []

    def on_close(self) -> None:
        """Count."""
        self.closed += 1

    def on_cut(self, error: TruncatedResponse) -> None:
        """Remember the text."""
        self.cuts.append(str(error))


def wrap(
    opened: OpenedFile, pieces: Sequence[Piece], wrapper: object, told: Told | None = None
) -> Any:
    told = told or Told()
    return wrap_for_server(
        FileBody(opened, pieces),
        {"wsgi.file_wrapper": wrapper},
        on_close=told.on_close,
        on_cut=told.on_cut,
    )


# Iterated


@pytest.mark.parametrize(
    "pieces",
    [
        [WHOLE],
        [ByteRange(0, 0)],
        [ByteRange(255_999, 255_999)],
        [ByteRange(100, 99 + BLOCK)],
        [ByteRange(100, 100 + BLOCK)],
        [b"head", ByteRange(5, 9), b"between", ByteRange(200_000, 255_999), b"end"],
        [],
    ],
)
def test_the_pieces_are_sent_in_blocks(opened: OpenedFile, pieces: list[Piece]) -> None:
    blocks = list(FileBody(opened, pieces))
    expected = b"".join(
        piece if isinstance(piece, bytes) else CONTENT[piece.first : piece.last + 1]
        for piece in pieces
    )
    assert b"".join(blocks) == expected
    assert all(0 < len(block) <= BLOCK for block in blocks)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.lists(st.integers(min_value=0, max_value=len(CONTENT) - 1), min_size=2, max_size=2))
def test_any_range_is_exact(path: Path, ends: list[int]) -> None:
    first, last = sorted(ends)
    file = OpenedFile(os.open(path, os.O_RDONLY), FileFacts(b"/x", len(CONTENT), 0, 1))
    assert b"".join(FileBody(file, [ByteRange(first, last)])) == CONTENT[first : last + 1]
    file.close()


@pytest.mark.parametrize("size", [0, 1, BLOCK, BLOCK + 1, len(CONTENT) - 1])
def test_a_file_that_became_shorter_raises_after_what_is_left(
    opened: OpenedFile, path: Path, size: int
) -> None:
    os.truncate(path, size)
    body = FileBody(opened, [WHOLE])
    received: list[bytes] = []
    with pytest.raises(TruncatedResponse, match=f"{len(CONTENT) - size} bytes are missing"):
        received.extend(body)
    assert b"".join(received) == CONTENT[:size]


def test_the_error_is_none_that_a_server_takes_for_a_client_that_left() -> None:
    assert issubclass(TruncatedResponse, GatewayError)
    assert not issubclass(TruncatedResponse, OSError)


def test_closing_closes_the_file_also_before_the_end_and_twice(opened: OpenedFile) -> None:
    body = FileBody(opened, [WHOLE])
    next(body)
    body.close()
    assert opened.fd == -1
    body.close()


def test_a_body_without_a_single_range_is_iterated(opened: OpenedFile) -> None:
    several: list[list[Piece]] = [
        [],
        [b"x"],
        [b"x", WHOLE],
        [ByteRange(0, 1), ByteRange(5, 6)],
    ]
    for pieces in several:
        assert wrap(opened, pieces, GunicornWrapper) is None


# Fairness


@pytest.mark.parametrize("wrapped", [False, True])
def test_in_a_greenlet_others_run_after_each_mebibyte(tmp_path: Path, wrapped: bool) -> None:
    path = tmp_path / "large"
    path.touch()
    os.truncate(path, 8 << 20)
    file = OpenedFile(os.open(path, os.O_RDONLY), FileFacts(b"/x", 8 << 20, 0, 1))
    turns = 0

    def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            gevent.sleep(0)

    def send() -> int:
        piece = ByteRange(0, (8 << 20) - 1)
        running = gevent.spawn(others)
        body = wrap(file, [piece], GunicornWrapper) if wrapped else FileBody(file, [piece])
        sent = sum(map(len, body))
        running.kill()
        return sent

    try:
        assert Transport.COOPERATIVE.call(send) == 8 << 20
    finally:
        file.close()
    assert BLOCK * BLOCKS_BETWEEN_PAUSES == 1 << 20
    assert turns >= 7


def test_outside_of_greenlets_a_wrapped_file_of_many_blocks_is_read(tmp_path: Path) -> None:
    path = tmp_path / "large"
    path.touch()
    os.truncate(path, 3 << 20)
    file = OpenedFile(os.open(path, os.O_RDONLY), FileFacts(b"/x", 3 << 20, 0, 1))
    for body in (
        wrap(file, [ByteRange(0, (3 << 20) - 1)], WaitressWrapper),
        FileBody(file, [ByteRange(0, (3 << 20) - 1)]),
    ):
        assert sum(map(len, body)) == 3 << 20
    file.close()


# Which wrapper


@pytest.mark.parametrize(
    ("server", "whole", "part"),
    [
        ("gunicorn", Delivery.DESCRIPTOR, Delivery.DESCRIPTOR),
        ("waitress", Delivery.READS, Delivery.READS),
        ("wsgiref", Delivery.DESCRIPTOR, Delivery.ITERATED),
        ("unknown", Delivery.DESCRIPTOR, Delivery.ITERATED),
        ("uwsgi", Delivery.DESCRIPTOR, Delivery.ITERATED),
    ],
)
def test_each_server_gets_a_file_as_suits_it(server: str, whole: Delivery, part: Delivery) -> None:
    environ = {"wsgi.file_wrapper": WRAPPERS[server]}
    assert delivery_of(environ, whole=True) is whole
    assert delivery_of(environ, whole=False) is part


@pytest.mark.parametrize("server", sorted(WRAPPERS))
@pytest.mark.parametrize("whole", [False, True])
def test_in_a_greenlet_no_server_gets_the_descriptor(server: str, whole: bool) -> None:
    environ = {"wsgi.file_wrapper": WRAPPERS[server]}
    delivery = Transport.COOPERATIVE.call(lambda: delivery_of(environ, whole=whole))
    assert delivery is (Delivery.ITERATED if server == "uwsgi" else Delivery.READS)


def test_without_a_wrapper_the_body_is_iterated(opened: OpenedFile) -> None:
    assert delivery_of({}, whole=True) is Delivery.ITERATED
    assert wrap(opened, [WHOLE], None) is None


def test_the_result_is_an_instance_of_the_servers_wrapper(opened: OpenedFile) -> None:
    result = wrap(opened, [WHOLE], UnknownWrapper)
    assert type(result) is UnknownWrapper
    assert (type(result.file), result.size) == (DescriptorFile, BLOCK)
    assert result.file.fileno() == opened.fd


def test_where_only_reads_are_wanted_there_is_no_descriptor_to_ask_for(opened: OpenedFile) -> None:
    result = wrap(opened, [ByteRange(5, 9)], WaitressWrapper)
    assert type(result.file) is RangeFile
    assert not hasattr(result.file, "fileno")


# What servers do with the file


def test_the_descriptor_stands_at_the_first_byte_of_the_range(opened: OpenedFile) -> None:
    file = wrap(opened, [ByteRange(1000, 1009)], GunicornWrapper).filelike
    assert os.lseek(file.fileno(), 0, os.SEEK_CUR) == 1000
    assert file.tell() == 1000


def test_reads_end_where_the_range_does(opened: OpenedFile) -> None:
    file = wrap(opened, [ByteRange(1000, 1009)], GunicornWrapper).filelike
    assert file.read(0) == b""
    assert file.read(4) == CONTENT[1000:1004]
    assert file.read(100) == CONTENT[1004:1010]
    assert file.read(100) == file.read() == b""
    file.seek(1000)
    assert file.read() == CONTENT[1000:1010]


def test_positions_are_those_of_the_file_within_the_range(opened: OpenedFile) -> None:
    file = wrap(opened, [ByteRange(1000, 1009)], WaitressWrapper).file
    assert file.seekable()
    assert file.seek(0, os.SEEK_END) == 1010
    assert file.seek(-3, os.SEEK_CUR) == file.tell() == 1007
    assert file.read() == CONTENT[1007:1010]
    assert file.seek(0) == 1000
    assert file.seek(5000) == 1010


def test_closing_the_wrapper_closes_the_file_and_tells_once(opened: OpenedFile) -> None:
    told = Told()
    result = wrap(opened, [WHOLE], GunicornWrapper, told)
    result.close()
    result.close()
    assert (opened.fd, told.closed, told.cuts) == (-1, 1, [])


def test_what_is_to_follow_the_closing_follows_also_when_closing_fails(
    opened: OpenedFile,
) -> None:
    told = Told()
    result = wrap(opened, [WHOLE], GunicornWrapper, told)
    os.close(opened.fd)
    with pytest.raises(OSError, match="Bad file"):
        result.close()
    assert told.closed == 1


def test_a_read_of_a_file_that_became_shorter_raises_and_tells(
    opened: OpenedFile, path: Path
) -> None:
    told = Told()
    result = wrap(opened, [WHOLE], GunicornWrapper, told)
    os.truncate(path, 10)
    received: list[bytes] = []
    with pytest.raises(TruncatedResponse):
        received.extend(result)
    assert b"".join(received) == CONTENT[:10]
    assert told.cuts == ["the file has become shorter: 255990 bytes are missing"]
    result.close()
    assert len(told.cuts) == 1 and told.closed == 1


@pytest.mark.parametrize(
    ("sought", "size", "missing"),
    [
        (None, 0, 10),  # sendfile(2) sent nothing and the server sought nowhere
        (None, 1005, 5),
        (1005, 1005, 5),
        (1005, len(CONTENT), 5),  # it has grown again since
    ],
)
def test_closing_raises_where_sendfile_came_up_short(
    opened: OpenedFile, path: Path, sought: int | None, size: int, missing: int
) -> None:
    told = Told()
    result = wrap(opened, [ByteRange(1000, 1009)], GunicornWrapper, told)
    result.filelike.fileno()
    if sought is not None:
        result.filelike.seek(sought)
    os.truncate(path, size)
    with pytest.raises(TruncatedResponse, match=f": {missing} bytes"):
        result.close()
    assert (opened.fd, told.closed, len(told.cuts)) == (-1, 1, 1)
    result.close()
    assert (told.closed, len(told.cuts)) == (1, 1)


@pytest.mark.parametrize(
    ("shown", "sought", "size"),
    [
        (True, 1010, 0),  # all had been sent before it was cut
        (True, None, len(CONTENT)),  # a server that seeks nowhere
        (False, None, 0),  # nothing was asked of the file at all
    ],
)
def test_closing_raises_nothing_where_nothing_is_known_to_be_missing(
    opened: OpenedFile, path: Path, shown: bool, sought: int | None, size: int
) -> None:
    told = Told()
    result = wrap(opened, [ByteRange(1000, 1009)], GunicornWrapper, told)
    if shown:
        result.filelike.fileno()
    if sought is not None:
        result.filelike.seek(sought)
    os.truncate(path, size)
    result.close()
    assert (told.closed, told.cuts) == (1, [])


def test_an_exception_on_its_way_is_not_replaced_when_the_file_is_closed(
    opened: OpenedFile, path: Path
) -> None:
    told = Told()
    result = wrap(opened, [WHOLE], GunicornWrapper, told)

    def send() -> None:
        try:
            result.filelike.fileno()
            result.filelike.seek(10)
            raise BrokenPipeError
        finally:
            result.close()

    os.truncate(path, 10)
    with pytest.raises(BrokenPipeError):
        send()
    assert (told.closed, told.cuts) == (1, [])
