"""The credentials of Basic authentication: RFC 7617, in the grammar of RFC 9110 11.4."""

import base64
import binascii
import re
from dataclasses import dataclass, field

_BASIC = re.compile(r"[Bb][Aa][Ss][Ii][Cc] +([A-Za-z0-9+/]+={0,2})[ \t]*")
_LONGEST = 1024
"""Characters of base64: longer names and passwords are nobody's, and hashing them costs."""


@dataclass(frozen=True, slots=True)
class BasicCredentials:
    """A user's name and password, decoded from UTF-8."""

    user: str
    password: str = field(repr=False)


def parse_basic_credentials(value: str) -> BasicCredentials:
    """Read the value of an Authorization field; raise ValueError if it has none to offer.

    Control characters are refused (RFC 7617 2), and an empty user.
    """
    match = _BASIC.fullmatch(value)
    if match is None or len(match[1]) > _LONGEST:
        raise ValueError("these are no Basic credentials")
    try:
        text = base64.b64decode(match[1], validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise ValueError("the credentials are not base64 of UTF-8") from None
    user, colon, password = text.partition(":")
    if not user or not colon:
        raise ValueError("the credentials have no user or no colon")
    if any(ord(character) < 32 or 127 <= ord(character) < 160 for character in text):
        raise ValueError("the credentials have a control character")
    return BasicCredentials(user, password)


def check_user(user: str) -> None:
    """Raise ValueError for a name that an htpasswd file or RFC 7617 cannot have."""
    if not user or ":" in user or user != user.strip() or user.startswith("#"):
        raise ValueError("a user's name is not empty, has no colon and does not start with #")
    if not user.isprintable():
        raise ValueError("the user's name has a control character")


def check_password(password: str) -> None:
    """Raise ValueError for a password that Basic authentication or bcrypt cannot have."""
    if not password or not password.isprintable():
        raise ValueError("the password is empty or has a control character")
    if len(password.encode()) > 72:
        raise ValueError("the password is longer than the 72 bytes that bcrypt looks at")
