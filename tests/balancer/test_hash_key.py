"""What of a request the method hash goes by."""

import pytest

from tests.proxy.steps import request
from wsgi_scgi.balancer.hash_key import key_reader


@pytest.mark.parametrize(
    ("key", "others", "expected"),
    [
        ("client", {"REMOTE_ADDR": "192.0.2.7"}, b"192.0.2.7"),
        ("client", {"REMOTE_ADDR": ""}, b""),
        ("path", {}, b"/a/b"),
        ("header:X-User", {"HTTP_X_USER": "j\xf6rg"}, b"j\xf6rg"),
        ("header:x-user", {}, b""),
        ("cookie:SID", {"HTTP_COOKIE": "a=b; SID=x=y; SID=z"}, b"x=y"),
        ("cookie:SID", {"HTTP_COOKIE": "XSID=1;\tSID = 2 ;c"}, b"2"),
        ("cookie:SID", {"HTTP_COOKIE": "SID; sid=3"}, b""),
        ("cookie:SID", {"HTTP_COOKIE": "SID="}, b""),
        ("cookie:SID", {}, b""),
    ],
)
def test_a_key_is_read(key: str, others: dict[str, str], expected: bytes) -> None:
    asked = request("/a/b?c")
    asked.environ.update(others)
    assert key_reader(key)(asked) == expected


def test_a_client_without_an_address_has_no_key() -> None:
    asked = request("/")
    asked.environ.pop("REMOTE_ADDR", None)
    assert key_reader("client")(asked) == b""


@pytest.mark.parametrize(
    "key", ["", "host", "client:", "client:x", "path:x", "header", "header:", "cookie", "cookie:"]
)
def test_other_keys_are_refused(key: str) -> None:
    with pytest.raises(ValueError, match="is no key; allowed: client, path, header:NAME"):
        key_reader(key)
