"""Users and password hashes from an htpasswd file: AuthUserFile of Apache's mod_authn_file.

The library that knows the hashes is libpass (the extra ``auth``); it is imported only where a
route has an ``auth_file``.
"""

import hmac
import logging
import os
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from ..errors import ConfigurationError
from ..semantics.basic_credentials import BasicCredentials
from ..transport.waiting import current_waiter, original

if TYPE_CHECKING:
    from passlib.context import CryptContext

logger = logging.getLogger("wsgi_scgi")

_SCHEMES = ("bcrypt", "apr_md5_crypt", "ldap_sha1", "sha512_crypt", "sha256_crypt")
_BCRYPT_BYTES = 72
"""What bcrypt looks at; Apache and its htpasswd drop the rest too."""
_REMEMBERED = 256
_POLL = 0.005
_UNREADABLE = "unreadable"
FAILURE_SECONDS = 0.5
"""What a refusal takes at least: guessing is slow, and no one learns whether the user exists."""


def new_context() -> "CryptContext":
    """Return what makes and verifies hashes; raise ConfigurationError without the library."""
    try:
        import bcrypt  # noqa: F401  # passlib would look for it only when a password comes
        from passlib.context import CryptContext
    except ImportError as error:
        raise ConfigurationError(
            "auth_file needs libpass and bcrypt: pip install 'wsgi-scgi[auth]'"
        ) from error
    context = CryptContext(schemes=list(_SCHEMES), bcrypt__rounds=12, bcrypt__ident="2y")
    # What passlib loads late is loaded now, in no thread.
    for scheme in _SCHEMES:
        context.handler(scheme)
    context.handler("bcrypt").using(rounds=4).hash("")
    return context


def read_entries(text: str) -> dict[str, str]:
    """Return the hash of each user; as in Apache the first entry of a name counts."""
    entries: dict[str, str] = {}
    for line in text.splitlines():
        user, colon, rest = line.strip().partition(":")
        if user and colon and not user.startswith("#"):
            entries.setdefault(user, rest.partition(":")[0])
    return entries


class PasswordFile:
    """Verifies credentials.  The file is read again when it changes.

    Who was let in is remembered under a keyed digest of user, password and hash, so that neither a
    password is kept nor one outlives its entry.
    """

    def __init__(self, path: str) -> None:
        """Raise ConfigurationError without the library."""
        self._context = new_context()
        self._path = path
        self._key = secrets.token_bytes(32)
        self._verified: OrderedDict[bytes, None] = OrderedDict()
        self._running: dict[bytes, _Check] = {}
        # A real lock, since real threads take it; never held while anybody waits.
        self._lock = original("_thread", "allocate_lock")()
        self._seen: object = None
        self._entries: Mapping[str, str] = {}
        self._current_entries()

    def verify(self, credentials: BasicCredentials) -> bool:
        """Tell whether the password is the user's; a refusal takes FAILURE_SECONDS."""
        start = time.monotonic()
        entries = self._current_entries()
        hashed = entries.get(credentials.user, "")
        # For an unknown user the work is done with another one's hash.
        check = self._check(credentials, hashed or next(iter(entries.values()), ""))
        if check is not None:
            while not check.done:
                current_waiter().pause(_POLL)
            if check.error:
                logger.error("auth_file: the hash of a user cannot be verified: %s", check.error)
        if hashed and (check is None or check.verdict):
            return True
        current_waiter().pause(max(0.0, start + FAILURE_SECONDS - time.monotonic()))
        return False

    def _check(self, credentials: BasicCredentials, hashed: str) -> "_Check | None":
        """Return the one verification for all who ask the same, None if it is known to succeed."""
        digest = self._digest(credentials, hashed)
        with self._lock:
            if digest in self._verified:
                self._verified.move_to_end(digest)
                return None
            check = self._running.get(digest)
            if check is not None:
                return check
            check = self._running[digest] = _Check()
        try:
            current_waiter().run_aside(lambda: self._run(check, digest, credentials, hashed))
        except BaseException as error:
            check.error = f"it could not be begun: {error or type(error).__name__}"
            self._end(check, digest)
            if not isinstance(error, Exception):
                raise
        return check

    def _run(
        self, check: "_Check", digest: bytes, credentials: BasicCredentials, hashed: str
    ) -> None:
        """Verify, in a thread; whatever goes wrong is a refusal."""
        try:
            secret = credentials.password.encode()
            if hashed.startswith("$2"):
                secret = secret[:_BCRYPT_BYTES]
            check.verdict = bool(hashed) and self._context.verify(secret, hashed)
        except (
            Exception
        ) as error:  # a hash of a kind, or with a flaw, that passlib tells in any way
            check.error = str(error) or type(error).__name__
        finally:
            self._end(check, digest)

    def _end(self, check: "_Check", digest: bytes) -> None:
        """Let all go on who wait for a verification."""
        with self._lock:
            # Refusals are not remembered: a guess costs what a check costs, every time.
            if check.verdict:
                self._verified[digest] = None
                if len(self._verified) > _REMEMBERED:
                    self._verified.popitem(last=False)
            self._running.pop(digest, None)
        check.done = True

    def _digest(self, credentials: BasicCredentials, hashed: str) -> bytes:
        parts = (credentials.user, credentials.password, hashed)
        return hmac.digest(self._key, "\0".join(parts).encode(), "sha256")

    def _current_entries(self) -> Mapping[str, str]:
        try:
            self._read()
        except (OSError, UnicodeDecodeError) as error:
            if self._seen != _UNREADABLE:
                logger.error("cannot read the auth_file, nobody is let in: %s", error)
            self._seen, self._entries = _UNREADABLE, {}
        return self._entries

    def _read(self) -> None:
        status = os.stat(self._path)
        seen = (status.st_mtime_ns, status.st_ino, status.st_dev, status.st_size)
        if seen != self._seen:
            with open(self._path, encoding="utf-8") as file:
                self._entries = read_entries(file.read())
            if not self._entries:
                logger.error("%s has no entry, nobody is let in", self._path)
            self._seen = seen


class _Check:
    """One verification under way, for all who wait for it."""

    __slots__ = ("done", "error", "verdict")

    def __init__(self) -> None:
        self.done = False
        self.error = ""
        self.verdict = False


Verify = Callable[[BasicCredentials], bool]
