"""An opened file: read at any position, closed once."""

import os
from pathlib import Path

import pytest

from wsgi_scgi.files.opened import FileFacts, OpenedFile


@pytest.fixture
def opened(tmp_path: Path) -> OpenedFile:
    """A file of ten bytes."""
    path = tmp_path / "file"
    path.write_bytes(b"0123456789")
    fd = os.open(path, os.O_RDONLY)
    return OpenedFile(fd, FileFacts(name=os.fsencode(path), size=10, mtime_ns=0, inode=1))


def test_reading_leaves_the_position_of_the_descriptor_alone(opened: OpenedFile) -> None:
    assert opened.read(3, 4) == b"456"
    assert opened.read(9, 8) == b"89"
    assert opened.read(1, 10) == b""
    assert os.lseek(opened.fd, 0, os.SEEK_CUR) == 0
    opened.close()


def test_the_size_now_is_that_of_the_file_and_not_of_the_time_of_opening(
    opened: OpenedFile,
) -> None:
    os.truncate(opened.facts.name, 4)
    assert (opened.facts.size, opened.size_now()) == (10, 4)
    opened.close()


def test_closing_twice_closes_no_descriptor_that_another_has_got_meanwhile(
    opened: OpenedFile,
) -> None:
    number = opened.fd
    spare = os.open("/", os.O_RDONLY)
    opened.close()
    os.dup2(spare, number)
    os.close(spare)
    opened.close()
    assert opened.fd == -1
    os.fstat(number)
    os.close(number)
