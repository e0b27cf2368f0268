"""Roots: what lies below is opened, and no path, link or race leads out."""

import errno
import itertools
import os
import resource
import socket
import stat
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.kit.gateways import new_directory, remove_directory
from wsgi_scgi.errors import ConfigurationError
from wsgi_scgi.files.opened import OpenedFile
from wsgi_scgi.files.root import FileError, FileMissing, FileRefused, FileUnavailable, Roots

pytestmark = pytest.mark.usefixtures("nothing_left_open")

SECRET = b"secret"
PUBLIC = b"public"


@pytest.fixture
def tree() -> Iterator[Path]:
    """A directory with the root ``files``, its sibling ``files2`` and a secret beside them.

    Everybody may enter it, which is not so in pytest's own temporary directories.
    """
    directory = new_directory()
    try:
        yield _plant(directory)
    finally:
        remove_directory(directory)


def _plant(directory: Path) -> Path:
    root = directory / "files"
    (root / "sub" / "deep").mkdir(parents=True)
    for path in (root / "a.txt", root / "sub" / "b.txt", root / "sub" / "deep" / "c.txt"):
        path.write_bytes(PUBLIC)
    (root / "empty").write_bytes(b"")
    sibling = directory / "files2"
    sibling.mkdir()
    (sibling / "a.txt").write_bytes(SECRET)
    (directory / "secret.txt").write_bytes(SECRET)
    return directory


def content(opened: OpenedFile) -> bytes:
    try:
        return opened.read(1000, 0)
    finally:
        opened.close()


def open_below(tree: Path, name: str | bytes) -> bytes:
    """Open ``name``, relative to the root ``files`` unless it starts with a slash."""
    root = os.fsencode(tree / "files")
    encoded = os.fsencode(name)
    if not encoded.startswith(b"/"):
        encoded = root + b"/" + encoded
    return content(Roots([root]).open(encoded))


@pytest.mark.parametrize(
    "name",
    [
        "a.txt",
        "sub/b.txt",
        "sub/deep/c.txt",
        "/a.txt",
        "//sub///b.txt",
        "./a.txt",
        "sub/./b.txt",
        "sub/../a.txt",
        "sub/deep/../../a.txt",
        "../files/a.txt",
        "../files2/../files/a.txt",
    ],
)
def test_a_file_below_the_root_is_opened(tree: Path, name: str) -> None:
    below = f"{tree}/files/{name}"
    assert content(Roots([str(tree / "files")]).open(os.fsencode(below))) == PUBLIC


def test_the_facts_are_those_of_the_descriptor(tree: Path) -> None:
    path = tree / "files" / "a.txt"
    name = os.fsencode(f"{tree}/files/./a.txt")
    opened = Roots([tree.as_posix()]).open(name)
    status = path.stat()
    facts = opened.facts
    assert (facts.name, facts.size, facts.inode) == (name, len(PUBLIC), status.st_ino)
    assert facts.mtime_ns == status.st_mtime_ns
    assert not os.get_inheritable(opened.fd)
    opened.close()


def test_an_empty_file_is_a_file(tree: Path) -> None:
    assert open_below(tree, "empty") == b""


@pytest.mark.parametrize(
    "name", [b"\xff\xfe.bin", b"%70.txt", b"blank .txt ", b"new\nline", b"\\..\\x", b"..."]
)
def test_names_are_bytes_and_nothing_in_them_is_decoded(tree: Path, name: bytes) -> None:
    with open(os.fsencode(tree / "files") + b"/" + name, "wb") as file:
        file.write(PUBLIC)
    assert open_below(tree, name) == PUBLIC


@pytest.mark.parametrize(
    "name", ["%61.txt", "a%2etxt", "a.txt ", " a.txt", "a.txt\n", "A.TXT?", "a.txt?x=1"]
)
def test_a_name_that_would_be_right_when_decoded_or_trimmed_is_missing(
    tree: Path, name: str
) -> None:
    with pytest.raises(FileMissing):
        open_below(tree, name)


@pytest.mark.parametrize(
    "name",
    [
        "missing",
        "missing/a.txt",
        "a.txt/",
        "a.txt/.",
        "a.txt/..",
        "a.txt/../a.txt",
        "a.txt/foo",
        "sub/missing/../b.txt",
        "x" * 300,
        "sub/" + "x" * 5000,
    ],
)
def test_what_does_not_exist_below_the_root_is_missing(tree: Path, name: str) -> None:
    with pytest.raises(FileMissing) as caught:
        open_below(tree, name)
    assert caught.value.status == 404


@pytest.mark.parametrize(
    "name",
    [
        "..",
        "../secret.txt",
        "sub/../../secret.txt",
        "sub/../../../../../../../../../../etc/passwd",
        "../files2/a.txt",
        "../missing",
        "../missing/x",
        "../secret.txt/x",
        "/etc/passwd",
        "/etc/shadow",
        "/missing/entirely",
        "/",
        "//",
        "/..",
        "/proc/self/environ",
        "/dev/null",
        "/" + "x" * 5000,
    ],
)
def test_outside_of_the_root_everything_is_refused_whether_it_exists_or_not(
    tree: Path, name: str
) -> None:
    with pytest.raises(FileRefused) as caught:
        open_below(tree, name)
    assert caught.value.status == 403


@pytest.mark.parametrize("suffix", ["2/a.txt", "2", "x", ".txt", "2/../files2/a.txt"])
def test_a_sibling_whose_name_starts_like_the_roots_is_outside(tree: Path, suffix: str) -> None:
    for root in (tree / "files", f"{tree}/files/"):
        with pytest.raises(FileRefused):
            Roots([str(root)]).open(os.fsencode(f"{tree}/files{suffix}"))


@pytest.mark.parametrize("name", ["", ".", "/", "sub", "sub/", "sub/deep/..", "./"])
def test_a_directory_is_refused_and_so_is_the_root_itself(tree: Path, name: str) -> None:
    with pytest.raises(FileRefused, match="directory"):
        Roots([str(tree / "files")]).open(os.fsencode(f"{tree}/files/{name}"))


@pytest.mark.parametrize(
    "name", [b"", b"a.txt", b"./a.txt", b"../files/a.txt", b"~/a.txt", b"C:\\a.txt", b" /a.txt"]
)
def test_a_relative_name_is_refused(
    tree: Path, name: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tree / "files")
    with pytest.raises(FileRefused):
        Roots([str(tree / "files")]).open(name)


@pytest.mark.parametrize("name", [b"/a.txt\0", b"/\0", b"\0", b"/a.txt\0.jpg"])
def test_nul_is_refused(tree: Path, name: bytes) -> None:
    root = os.fsencode(tree / "files")
    with pytest.raises(FileRefused):
        Roots([root]).open(root + name)


# Links


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("a.txt", PUBLIC),
        ("sub/b.txt", PUBLIC),
        ("./sub/../a.txt", PUBLIC),
        ("../files/a.txt", PUBLIC),
        ("{tree}/files/a.txt", PUBLIC),
        ("{tree}/files2/../files/a.txt", PUBLIC),
        ("../secret.txt", FileRefused),
        ("{tree}/secret.txt", FileRefused),
        ("../files2/a.txt", FileRefused),
        ("/etc/passwd", FileRefused),
        ("../missing", FileRefused),
        ("missing", FileMissing),
        ("a.txt/", FileMissing),
        ("sub", FileRefused),
        ("/", FileRefused),
        ("link", FileRefused),
        ("../files/link", FileRefused),
    ],
)
def test_a_link_counts_by_where_it_leads(
    tree: Path, target: str, expected: bytes | type[FileError]
) -> None:
    (tree / "files" / "link").symlink_to(target.format(tree=tree))
    if isinstance(expected, bytes):
        assert open_below(tree, "link") == expected
    else:
        with pytest.raises(expected):
            open_below(tree, "link")


@pytest.mark.parametrize(
    ("target", "name", "expected"),
    [
        ("sub", "link/b.txt", PUBLIC),
        ("sub/deep", "link/../b.txt", PUBLIC),  # the parent of where the link leads
        ("{tree}/files/sub", "link/deep/c.txt", PUBLIC),
        ("..", "link/secret.txt", FileRefused),
        ("..", "link/files/a.txt", PUBLIC),
        ("{tree}/files2", "link/a.txt", FileRefused),
        ("/", "link/etc/passwd", FileRefused),
        ("/proc/self/root", "link/etc/passwd", FileRefused),
        ("sub/deep", "link/../../../secret.txt", FileRefused),
        ("link", "link/a.txt", FileRefused),
    ],
)
def test_a_link_in_the_middle_counts_by_where_it_leads(
    tree: Path, target: str, name: str, expected: bytes | type[FileError]
) -> None:
    (tree / "files" / "link").symlink_to(target.format(tree=tree))
    if isinstance(expected, bytes):
        assert open_below(tree, name) == expected
    else:
        with pytest.raises(expected):
            open_below(tree, name)


def test_a_loop_of_links_is_refused(tree: Path) -> None:
    (tree / "files" / "one").symlink_to("two")
    (tree / "files" / "two").symlink_to("one")
    (tree / "files" / "tree").symlink_to("./tree/tree/tree")
    for name in ("one", "two/x", "tree"):
        with pytest.raises(FileRefused) as caught:
            open_below(tree, name)
        assert isinstance(caught.value.__cause__, OSError)
        assert caught.value.__cause__.errno == errno.ELOOP


def test_a_name_of_very_many_components_is_refused(tree: Path) -> None:
    assert open_below(tree, "sub/../" * 50 + "a.txt") == PUBLIC
    with pytest.raises(FileRefused):
        open_below(tree, "sub/../" * 200 + "a.txt")


def test_a_link_from_elsewhere_into_the_root_may_be_used(tree: Path) -> None:
    (tree / "way").symlink_to("files/sub")
    assert open_below(tree, f"{tree}/way/b.txt") == PUBLIC
    with pytest.raises(FileRefused):
        open_below(tree, f"{tree}/way/../../secret.txt")


def test_a_root_may_be_a_link_and_be_switched_while_the_gateway_runs(tree: Path) -> None:
    for release in ("one", "two"):
        (tree / release).mkdir()
        (tree / release / "name").write_text(release)
    current = tree / "current"
    current.symlink_to("one")
    roots = Roots([str(current)])
    name = os.fsencode(current / "name")
    assert content(roots.open(name)) == b"one"
    assert content(roots.open(os.fsencode(tree / "one" / "name"))) == b"one"
    (tree / "next").symlink_to("two")
    (tree / "next").rename(current)
    assert content(roots.open(name)) == b"two"
    with pytest.raises(FileRefused):
        roots.open(os.fsencode(tree / "one" / "name"))


def test_each_of_several_roots_counts_and_one_that_does_not_exist_harms_nobody(
    tree: Path,
) -> None:
    roots = Roots([str(tree / "gone"), str(tree / "files" / "sub"), str(tree / "files2")])
    assert content(roots.open(os.fsencode(tree / "files" / "sub" / "b.txt"))) == PUBLIC
    assert content(roots.open(os.fsencode(tree / "files2" / "a.txt"))) == SECRET
    with pytest.raises(FileRefused):
        roots.open(os.fsencode(tree / "files" / "a.txt"))


def test_without_any_existing_root_everything_is_refused(tree: Path) -> None:
    with pytest.raises(FileRefused, match="none of the roots"):
        Roots([str(tree / "gone")]).open(os.fsencode(tree / "gone" / "a.txt"))


def test_a_file_as_root_lets_nothing_through(tree: Path) -> None:
    path = os.fsencode(tree / "files" / "a.txt")
    with pytest.raises(FileRefused):
        Roots([path]).open(path)


def test_the_root_of_the_system_lets_every_regular_file_through(tree: Path) -> None:
    roots = Roots(["/"])
    assert content(roots.open(os.fsencode(tree / "secret.txt"))) == SECRET
    with pytest.raises(FileRefused, match="regular"):
        roots.open(b"/dev/null")
    with pytest.raises(FileMissing):
        roots.open(b"/missing/entirely")


@pytest.mark.parametrize("paths", [[], ["files"], [""], ["/srv", "./x"], ["/srv\0/x"]])
def test_roots_that_cannot_work_are_told_at_once(paths: list[str]) -> None:
    with pytest.raises(ConfigurationError):
        Roots(paths)


# What is no regular file


def test_a_fifo_is_refused_without_waiting_for_a_writer(tree: Path) -> None:
    path = tree / "files" / "fifo"
    os.mkfifo(path)
    with pytest.raises(FileRefused, match="regular"):
        open_below(tree, "fifo")


def test_a_fifo_is_not_even_opened(tree: Path) -> None:
    path = tree / "files" / "fifo"
    os.mkfifo(path)
    with pytest.raises(FileRefused):
        open_below(tree, "fifo")
    # A reader that had opened it for a moment would have let a writer in; none has one now.
    with pytest.raises(OSError, match=r".") as caught:
        os.open(path, os.O_WRONLY | os.O_NONBLOCK)
    assert caught.value.errno == errno.ENXIO


def test_a_socket_is_refused(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tree / "files")  # the name of a socket has to be short
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket")
        server.listen()
        with pytest.raises(FileRefused, match="regular"):
            open_below(tree, "socket")
        server.setblocking(False)
        with pytest.raises(BlockingIOError):
            server.accept()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a device")
def test_a_device_is_refused(tree: Path) -> None:
    path = tree / "files" / "device"
    try:
        os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(1, 5))
    except PermissionError:
        pytest.skip("this container may not make devices")
    with pytest.raises(FileRefused, match="regular"):
        open_below(tree, "device")


def test_a_device_behind_a_link_is_refused(tree: Path) -> None:
    (tree / "files" / "link").symlink_to("/dev/zero")
    for roots in (Roots([str(tree / "files")]), Roots([str(tree / "files"), "/dev"])):
        with pytest.raises(FileRefused):
            roots.open(os.fsencode(tree / "files" / "link"))


# Permissions


@pytest.fixture
def unprivileged(tree: Path) -> Iterator[None]:
    """Run the test as somebody whom permissions hold back."""
    if os.geteuid() != 0:
        yield
        return
    for path in tree.rglob("*"):
        path.chmod(0o755)
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.usefixtures("unprivileged")
def test_an_unreadable_file_is_refused(tree: Path) -> None:
    assert open_below(tree, "a.txt") == PUBLIC
    _as_owner(lambda: (tree / "files" / "a.txt").chmod(0))
    with pytest.raises(FileRefused) as caught:
        open_below(tree, "a.txt")
    assert isinstance(caught.value.__cause__, PermissionError)


@pytest.mark.usefixtures("unprivileged")
def test_what_lies_in_a_closed_directory_is_refused(tree: Path) -> None:
    _as_owner(lambda: (tree / "files" / "sub").chmod(0o600))
    for name in ("sub/b.txt", "sub/missing", "sub/deep/c.txt"):
        with pytest.raises(FileRefused):
            open_below(tree, name)
    _as_owner(lambda: (tree / "files" / "sub").chmod(0o700))


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere directories are opened to read")
@pytest.mark.usefixtures("unprivileged")
def test_a_directory_that_may_be_passed_but_not_listed_is_passed(tree: Path) -> None:
    _as_owner(lambda: (tree / "files" / "sub").chmod(0o311))
    assert open_below(tree, "sub/b.txt") == PUBLIC
    _as_owner(lambda: (tree / "files" / "sub").chmod(0o755))


def _as_owner(act: Callable[[], object]) -> None:
    effective = os.geteuid()
    os.seteuid(os.getuid())
    try:
        act()
    finally:
        os.seteuid(effective)


# Resources


def test_without_descriptors_left_the_file_is_unavailable_and_not_missing(tree: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    roots = Roots([str(tree / "files")])
    name = os.fsencode(tree / "files" / "sub" / "b.txt")
    lowest = os.open("/", os.O_RDONLY)
    os.close(lowest)
    seen: list[type] = []
    # One more descriptor each time, until the walk has enough of them.
    for more in range(50):
        resource.setrlimit(resource.RLIMIT_NOFILE, (lowest + more, hard))
        try:
            roots.open(name).close()
        except FileError as error:
            seen.append(type(error))
        else:
            break
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    else:
        pytest.fail("fifty descriptors are not enough")
    assert set(seen) == {FileUnavailable}
    assert FileUnavailable.status == 503


# What clients are told


def test_no_public_text_names_the_file_and_the_log_text_does(tree: Path) -> None:
    for name in ("missing", "../secret.txt", "sub"):
        with pytest.raises(FileError) as caught:
            open_below(tree, name)
        assert os.path.basename(name) in str(caught.value)
        assert str(tree) in str(caught.value)
        assert str(tree) not in caught.value.public
        assert os.path.basename(name) not in caught.value.public


def test_a_name_cannot_forge_a_line_of_the_log(tree: Path) -> None:
    with pytest.raises(FileMissing) as caught:
        open_below(tree, b"x\n2026-01-01 \x1b[31m\xff\xc3\xa9")
    assert str(caught.value).isprintable()
    assert str(caught.value).isascii()


# Races


Swap = Callable[[], object]


def outcomes_of_races(
    monkeypatch: pytest.MonkeyPatch, roots: Roots, name: Path, swap: Swap, swap_back: Swap
) -> set[object]:
    """Open ``name`` again and again, swapped right before each of the system calls in turn.

    It is swapped back before each of the later ones in turn, so that two changes fall at every
    pair of places of the walk.  A thread that swaps would find some of them by luck.
    """
    calls = 0
    changes: dict[int, Swap] = {}

    def racing(call: Callable[..., Any]) -> Callable[..., Any]:
        def change_and_call(*args: Any, **kwargs: Any) -> Any:
            nonlocal calls
            calls += 1
            changes.get(calls, lambda: None)()
            return call(*args, **kwargs)

        return change_and_call

    def open_once() -> object:
        nonlocal calls
        calls = 0
        try:
            return content(roots.open(os.fsencode(name)))
        except FileError as error:
            return type(error)

    with monkeypatch.context() as patched:
        for system_call in ("open", "stat", "fstat", "readlink"):
            patched.setattr(os, system_call, racing(getattr(os, system_call)))
        outcomes = {open_once()}
        for second in itertools.count(2):
            longest = 0
            for first in range(1, second):
                changes = {first: swap, second: swap_back}
                outcomes.add(open_once())
                longest = max(longest, calls)
                if first <= calls < second:
                    swap_back()
            if longest < second:
                break
    return outcomes


@pytest.mark.parametrize("first", ["public", "secret"])
@pytest.mark.parametrize("kind", ["file", "link", "directory", "root's parent"])
def test_a_race_of_replacing_never_gives_the_secret(
    tree: Path, monkeypatch: pytest.MonkeyPatch, kind: str, first: str
) -> None:
    root = tree / "files"
    inside, name = {
        "file": (root / "race", root / "race"),
        "link": (root / "race", root / "race"),
        "directory": (root / "race", root / "race" / "a.txt"),
        "root's parent": (root / "sub" / "race", root / "sub" / "race" / ".." / "b.txt"),
    }[kind]
    public, secret = {
        "file": (root / "a.txt", tree / "secret.txt"),
        "link": (root / "a.txt", tree / "secret.txt"),
        "directory": (root / "same", tree / "files2"),
        "root's parent": (root / "sub" / "deep", tree / "files2"),
    }[kind]
    if kind == "directory":
        public.mkdir()
        (public / "a.txt").write_bytes(PUBLIC)
    if kind == "root's parent":
        (tree / "b.txt").write_bytes(SECRET)

    def place(target: Path) -> None:
        spare = tree / "spare"
        if kind == "file" and target == public:
            spare.write_bytes(PUBLIC)
        else:
            spare.symlink_to(target)
        spare.rename(inside)

    targets = (public, secret) if first == "public" else (secret, public)
    place(targets[0])
    outcomes = outcomes_of_races(
        monkeypatch,
        Roots([str(root)]),
        name,
        swap=partial(place, targets[1]),
        swap_back=partial(place, targets[0]),
    )
    assert outcomes == {PUBLIC, FileRefused}


@pytest.mark.parametrize("first", ["file", "fifo"])
def test_a_race_between_a_file_and_a_fifo_neither_waits_nor_fails(
    tree: Path, monkeypatch: pytest.MonkeyPatch, first: str
) -> None:
    root = tree / "files"
    path = root / "race"
    spare = tree / "spare"

    def place_file() -> None:
        spare.write_bytes(PUBLIC)
        spare.rename(path)

    def place_fifo() -> None:
        os.mkfifo(spare)
        spare.rename(path)

    swaps = (place_file, place_fifo) if first == "file" else (place_fifo, place_file)
    swaps[0]()
    outcomes = outcomes_of_races(
        monkeypatch, Roots([str(root)]), path, swap=swaps[1], swap_back=swaps[0]
    )
    assert outcomes == {PUBLIC, FileRefused}


def test_a_file_that_becomes_a_fifo_between_look_and_opening_is_refused(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tree / "files" / "race"
    path.write_bytes(PUBLIC)
    look = os.stat

    def look_and_swap(
        name: str | bytes, *, dir_fd: int | None = None, follow_symlinks: bool = True
    ) -> os.stat_result:
        status = look(name, dir_fd=dir_fd, follow_symlinks=follow_symlinks)
        if name == b"race":
            path.unlink()
            os.mkfifo(path)
        return status

    monkeypatch.setattr(os, "stat", look_and_swap)
    with pytest.raises(FileRefused, match="any more"):
        open_below(tree, "race")


def test_a_file_that_vanishes_while_it_is_looked_at_is_missing(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = os.readlink

    def vanish_and_read(name: bytes, *, dir_fd: int) -> bytes:
        os.unlink(name, dir_fd=dir_fd)
        return read(name, dir_fd=dir_fd)

    monkeypatch.setattr(os, "readlink", vanish_and_read)
    with pytest.raises(FileMissing):
        open_below(tree, "a.txt")


def test_a_descriptor_is_not_lost_when_its_directory_cannot_be_looked_at(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(os, "fstat", _broken_disk)
        with pytest.raises(FileUnavailable):
            open_below(tree, "a.txt")


def _broken_disk(_: int) -> os.stat_result:
    raise OSError(errno.EIO, os.strerror(errno.EIO))


# Properties


_SEGMENTS = st.sampled_from(
    [
        "",
        ".",
        "..",
        "...",
        "a.txt",
        "sub",
        "b.txt",
        "deep",
        "files",
        "files2",
        "out",
        "in",
        "up",
        "etc",
        "passwd",
        "secret.txt",
        "%2e%2e",
        "..%2f",
        "\\",
        "~",
        "x" * 256,
    ]
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.lists(_SEGMENTS, max_size=12))
def test_whatever_is_opened_lies_below_the_root_as_the_system_sees_it(
    tree: Path, segments: list[str]
) -> None:
    root = tree / "files"
    for link, target in (("out", "../files2"), ("in", "sub/deep"), ("up", "..")):
        if not (root / link).is_symlink():
            (root / link).symlink_to(target)
    name = f"{root}/{'/'.join(segments)}"
    allowed = os.path.realpath(root) + "/"
    try:
        opened = Roots([str(root)]).open(os.fsencode(name))
    except FileMissing:
        assert not os.path.exists(name)
    except FileRefused:
        real = os.path.realpath(name)
        assert os.path.isdir(name) or not real.startswith(allowed) or len(segments) > 10
    else:
        assert os.path.realpath(name).startswith(allowed)
        assert content(opened) in (PUBLIC, b"")
