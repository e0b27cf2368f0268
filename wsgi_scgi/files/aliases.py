"""nginx's X-Accel-Redirect: URIs of a private namespace and the directories that they mean."""

import os
from collections.abc import Mapping
from dataclasses import dataclass

from ..errors import ConfigurationError
from ..semantics.path import Prefix, decode_path, merge_slashes
from .opened import OpenedFile
from .root import FileMissing, Roots


@dataclass(frozen=True, slots=True)
class _Alias:
    prefix: Prefix
    directory: bytes
    root: Roots


class Aliases:
    """The table of ``accel``: for each prefix of URIs a directory.

    >>> Aliases({"/protected/": b"/srv/files/"}).open("/protected/a.txt").facts.name
    b'/srv/files/a.txt'
    """

    def __init__(self, directories: Mapping[str, str | bytes]) -> None:
        """Take prefixes ("bytes as str", as of a route) and absolute directories.

        Raises ConfigurationError for a prefix or a directory that cannot be one.
        """
        aliases = []
        # The longest prefix decides, as among nginx's locations.
        for path in sorted(directories, key=lambda path: len(merge_slashes(path)), reverse=True):
            directory = os.fsencode(directories[path])
            try:
                prefix = Prefix(path)
            except ValueError as error:
                raise ConfigurationError(f"{path!r}: {error}") from error
            aliases.append(_Alias(prefix, directory, Roots([directory])))
        self._aliases = tuple(aliases)

    def open(self, uri: str) -> OpenedFile:
        """Open the file that ``uri`` ("bytes as str") means.

        The URI is percent-decoded once and its query is dropped.  Dot segments, encoded or not,
        control characters, bad escapes and a URI below no prefix are FileMissing (404); beyond
        that the errors are those of Roots.open.
        """
        path = uri.partition("?")[0]
        try:
            path = decode_path(path)
        except ValueError as error:
            raise FileMissing(f"the URI {uri!a}: {error}") from error
        if not path.startswith("/"):
            raise FileMissing(f"the URI {uri!a} does not start with a slash")
        if any(segment in (".", "..") for segment in path.split("/")):
            raise FileMissing(f"the URI {uri!a} has dot segments")
        for alias in self._aliases:
            match = alias.prefix.match(path)
            if match is not None:
                below = match.rest.encode("latin-1").lstrip(b"/")
                return alias.root.open(alias.directory.rstrip(b"/") + b"/" + below)
        raise FileMissing(f"no alias is for the URI {uri!a}")
