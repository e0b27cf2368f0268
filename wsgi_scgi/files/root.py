"""Directories that no path leads out of, for X-Sendfile.

A name is walked from ``/`` one component at a time, each opened relative to the directory before
it and never through a symbolic link: links are read and followed here.  The directories on the
way stay open, so ``..`` is the directory that was really walked through, and the question
whether the file lies below a root is answered by comparing descriptors, not strings.  Whatever
is renamed or replaced meanwhile, a file is opened only as an entry of a directory that is held
open and was reached through a root.

Nothing is opened for reading before it is known to be a regular file below a root: opening a
FIFO blocks and opening a device can have effects.
"""

import errno
import os
import stat
from collections.abc import Iterable
from http import HTTPStatus
from types import TracebackType
from typing import NoReturn, Self

from ..errors import ConfigurationError, GatewayError
from .opened import FileFacts, OpenedFile

# Linux's O_PATH needs no permission to read and has no effect on what it opens.
_DIRECTORY_FLAGS = (
    getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
)
# A file may be replaced by a FIFO between the look and the opening: O_NONBLOCK is for that.
_FILE_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC

_MAX_STEPS = 256
"""Components and links that one name may lead through; each may hold a descriptor open."""

_IS_MISSING = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG, errno.ESTALE})
_IS_TEMPORARY = frozenset(
    {errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EAGAIN, errno.EIO, errno.ETIMEDOUT}
)

_Identity = tuple[int, int]


class FileError(GatewayError):
    """A file that cannot be sent; the text names it, the public text never does."""


class FileMissing(FileError):
    """There is no such file below a root."""

    status = HTTPStatus.NOT_FOUND
    public = "The file does not exist."


class FileRefused(FileError):
    """The name leads out of the roots, to no regular file, or permission is missing."""

    status = HTTPStatus.FORBIDDEN
    public = "The file may not be sent."


class FileUnavailable(FileError):
    """The file cannot be opened now: no descriptor is left, a disk fails."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    public = "The file cannot be sent at the moment."


class Roots:
    """The directories below which files may be sent."""

    def __init__(self, paths: Iterable[str | bytes]) -> None:
        """Raise ConfigurationError unless there are paths and all of them are absolute.

        The paths themselves may be symbolic links.  They are looked at again for every file, so
        that a link may be switched to another directory while the gateway runs.
        """
        self._paths = tuple(os.fsencode(path) for path in paths)
        if not self._paths:
            raise ConfigurationError("a list of roots may not be empty")
        for path in self._paths:
            if not path.startswith(b"/") or b"\0" in path:
                raise ConfigurationError(f"a root is an absolute path, not {_shown(path)}")

    def open(self, name: bytes) -> OpenedFile:
        """Open the regular file of this absolute ``name``, in which nothing is decoded.

        Raises FileMissing (404), FileRefused (403) or FileUnavailable (503).  Outside of the
        roots everything is refused, so that nobody learns what exists there.
        """
        if not name.startswith(b"/") or b"\0" in name:
            raise FileRefused(f"{_shown(name)} is not an absolute name")
        roots = self._identities()
        if not roots:
            raise FileRefused(f"{_shown(name)}: there is none of the roots")
        with _Walk(roots) as walk:
            try:
                return walk.open(name)
            except OSError as error:
                _fail(name, error, below_root=walk.is_below_root())

    def _identities(self) -> frozenset[_Identity]:
        """Return what the roots are now, without those that do not exist."""
        identities = set()
        for path in self._paths:
            try:
                identities.add(_identity(os.stat(path)))
            except OSError:
                continue
        return frozenset(identities)


class _Walk:
    """The directories on the way to one file, held open."""

    def __init__(self, roots: frozenset[_Identity]) -> None:
        self._roots = roots
        self._directories: list[tuple[int, _Identity]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._leave_all_but(0)

    def is_below_root(self) -> bool:
        """Tell whether the walk has passed a root and not left it again."""
        return any(identity in self._roots for _, identity in self._directories)

    def open(self, name: bytes) -> OpenedFile:
        """Walk and open; raises FileRefused, and OSError for what the system says."""
        self._enter(b"/")
        ahead = name.split(b"/")[::-1]  # the next component is the last one
        for _ in range(_MAX_STEPS):
            if not ahead:
                raise FileRefused(f"{_shown(name)} is a directory")
            component = ahead.pop()
            if component in (b"", b"."):
                continue
            if component == b"..":
                self._leave_all_but(max(len(self._directories) - 1, 1))
            elif not self._enter(component):
                target = self._link_target(component)
                if target is not None:
                    if target.startswith(b"/"):
                        self._leave_all_but(1)
                    ahead.extend(target.split(b"/")[::-1])
                elif ahead:  # a slash at the end demands a directory too
                    raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
                else:
                    return self._open_file(component, name)
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))

    def _enter(self, component: bytes) -> bool:
        """Open a directory; return False for what is none, links included."""
        try:
            fd = os.open(component, _DIRECTORY_FLAGS, dir_fd=self._here())
        except OSError as error:
            if error.errno in (errno.ENOTDIR, errno.ELOOP):  # systems differ about links
                return False
            raise
        try:
            self._directories.append((fd, _identity(os.fstat(fd))))
        except BaseException:
            os.close(fd)
            raise
        return True

    def _link_target(self, component: bytes) -> bytes | None:
        try:
            return os.readlink(component, dir_fd=self._here())
        except OSError as error:
            if error.errno == errno.EINVAL:
                return None
            raise

    def _open_file(self, component: bytes, name: bytes) -> OpenedFile:
        here = self._here()
        status = os.stat(component, dir_fd=here, follow_symlinks=False)
        if not self.is_below_root():
            raise FileRefused(f"{_shown(name)} is not below a root")
        if not stat.S_ISREG(status.st_mode):
            raise FileRefused(f"{_shown(name)} is not a regular file")
        fd = os.open(component, _FILE_FLAGS, dir_fd=here)
        try:
            status = os.fstat(fd)
            if not stat.S_ISREG(status.st_mode):
                raise FileRefused(f"{_shown(name)} is not a regular file any more")
        except BaseException:
            os.close(fd)
            raise
        return OpenedFile(
            fd,
            FileFacts(
                name=name, size=status.st_size, mtime_ns=status.st_mtime_ns, inode=status.st_ino
            ),
        )

    def _here(self) -> int | None:
        return self._directories[-1][0] if self._directories else None

    def _leave_all_but(self, count: int) -> None:
        while len(self._directories) > count:
            os.close(self._directories.pop()[0])


def _identity(status: os.stat_result) -> _Identity:
    return (status.st_dev, status.st_ino)


def _fail(name: bytes, error: OSError, *, below_root: bool) -> NoReturn:
    cause = f"{_shown(name)}: {error.strerror}"
    if error.errno in _IS_TEMPORARY:
        raise FileUnavailable(cause) from error
    if not below_root:
        raise FileRefused(f"{cause} (outside of the roots)") from error
    if error.errno in _IS_MISSING:
        raise FileMissing(cause) from error
    raise FileRefused(cause) from error


def _shown(name: bytes) -> str:
    """Return a name for the log, in which nothing can forge a line."""
    return ascii(os.fsdecode(name))
