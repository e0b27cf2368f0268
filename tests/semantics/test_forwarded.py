"""Telling the backend who came through, and whom to believe."""

import ipaddress

import pytest

from wsgi_scgi.semantics.forwarded import (
    UNIX,
    Network,
    Style,
    forwarding_fields,
    is_about_the_way,
    is_trusted,
)

_NETWORKS: list[Network] = [
    ipaddress.ip_network("10.0.0.0/8"),
    ipaddress.ip_network("2001:db8::/32"),
]


@pytest.mark.parametrize(
    ("address", "trusted"),
    [
        ("10.1.2.3", True),
        ("::ffff:10.1.2.3", True),
        ("2001:db8::1", True),
        ("11.0.0.1", False),
        ("::1", False),
        ("", False),
        ("unix:", False),
        ("10.1.2.3, 11.0.0.1", False),
        ("10.1.2.3:80", False),
    ],
)
def test_a_peer_is_trusted_by_its_address(address: str, trusted: bool) -> None:
    assert is_trusted(address, _NETWORKS) is trusted


@pytest.mark.parametrize(("address", "trusted"), [("", True), ("unknown", False), ("::1", False)])
def test_a_peer_on_a_unix_socket_is_trusted_by_its_own_word(address: str, trusted: bool) -> None:
    assert is_trusted(address, [UNIX]) is trusted


def test_nobody_is_trusted_by_nobody() -> None:
    assert not is_trusted("127.0.0.1", [])
    assert not is_trusted("", [])


@pytest.mark.parametrize(
    ("name", "about"),
    [
        ("HTTP_X_FORWARDED_FOR", True),
        ("HTTP_X_FORWARDED_ANYTHING", True),
        ("HTTP_X_FORWARDED", True),
        ("HTTP_FORWARDED", True),
        ("HTTP_X_REAL_IP", True),
        ("HTTP_ACCEPT", False),
        ("HTTP_FORWARDED_X", False),
        ("X_FORWARDED_FOR", False),
    ],
)
def test_fields_about_the_way_are_known(name: str, about: bool) -> None:
    assert is_about_the_way(name) is about


def fields(
    style: Style, *, peer: str = "192.0.2.1", host: str = "a.test:8000", **before: str
) -> dict[str, str]:
    return forwarding_fields(style, peer=peer, host=host, scheme="https", before=before)


def test_no_style_adds_nothing() -> None:
    assert fields(Style.OFF, HTTP_FORWARDED="for=x") == {}


def test_the_first_hop_tells_address_host_and_scheme() -> None:
    assert fields(Style.X_FORWARDED) == {
        "HTTP_X_FORWARDED_FOR": "192.0.2.1",
        "HTTP_X_FORWARDED_HOST": "a.test:8000",
        "HTTP_X_FORWARDED_PROTO": "https",
    }
    assert fields(Style.FORWARDED) == {
        "HTTP_FORWARDED": 'for=192.0.2.1;host="a.test:8000";proto=https'
    }


def test_a_trusted_hop_s_story_is_continued() -> None:
    added = fields(
        Style.X_FORWARDED,
        HTTP_X_FORWARDED_FOR="198.51.100.7",
        HTTP_X_FORWARDED_HOST="first.test",
        HTTP_X_FORWARDED_PROTO="http",
    )

    assert added == {
        "HTTP_X_FORWARDED_FOR": "198.51.100.7, 192.0.2.1",
        "HTTP_X_FORWARDED_HOST": "first.test",
        "HTTP_X_FORWARDED_PROTO": "http",
    }
    continued = fields(Style.FORWARDED, HTTP_FORWARDED="for=198.51.100.7")["HTTP_FORWARDED"]
    assert continued == 'for=198.51.100.7, for=192.0.2.1;host="a.test:8000";proto=https'


@pytest.mark.parametrize(
    ("peer", "plain", "node"),
    [
        ("2001:db8::1", "2001:db8::1", '"[2001:db8::1]"'),
        ("::ffff:192.0.2.1", "192.0.2.1", "192.0.2.1"),
        ("", "unknown", "unknown"),
        ('x";host=evil', "unknown", "unknown"),
    ],
)
def test_an_address_is_written_as_its_field_wants_it(peer: str, plain: str, node: str) -> None:
    assert fields(Style.X_FORWARDED, peer=peer)["HTTP_X_FORWARDED_FOR"] == plain
    assert fields(Style.FORWARDED, peer=peer)["HTTP_FORWARDED"].startswith(f"for={node};")
