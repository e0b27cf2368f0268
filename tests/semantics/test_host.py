"""The Host field: RFC 9110 7.2 in the grammar of RFC 3986 3.2.2."""

import ipaddress
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsgi_scgi.semantics.host import Host, canonical_name, is_among, parse_host


@pytest.mark.parametrize(
    ("value", "name", "port"),
    [
        ("example.org", "example.org", None),
        ("Foo.Example:8081", "foo.example", 8081),
        ("example.org:", "example.org", None),
        ("example.org:0", "example.org", 0),
        ("example.org:65535", "example.org", 65535),
        ("example.org:00080", "example.org", 80),
        ("127.0.0.1:1", "127.0.0.1", 1),
        ("999.999.999.999", "999.999.999.999", None),
        ("a_b~c!$&'()*+,;=-.", "a_b~c!$&'()*+,;=-.", None),
        ("caf%C3%A9.test", "caf%c3%a9.test", None),
        ("[::1]", "[::1]", None),
        ("[2001:DB8::A]:443", "[2001:db8::a]", 443),
        ("[::ffff:192.0.2.1]", "[::ffff:192.0.2.1]", None),
    ],
)
def test_a_host_has_a_name_in_lower_case_and_perhaps_a_port(
    value: str, name: str, port: int | None
) -> None:
    assert parse_host(value) == Host(name, port)


@pytest.mark.parametrize(
    "value",
    [
        "",
        ":",
        ":80",
        " ",
        " a",
        "a ",
        "a b",
        "a\tb",
        "a\n",
        "a/b",
        "a/b@c d",
        "a@b",
        "user:x@a",
        "a?b",
        "a#b",
        "a\\b",
        'a"<b>',
        "a|b",
        "a^b",
        "a{b}",
        "a`b",
        "a[b]",
        "b\xfccher",
        "a\0",
        "a%",
        "a%4",
        "a%zz",
        "%",
        "a:b",
        "a:-1",
        "a:+1",
        "a:8 0",
        "a:80:80",
        "a:99999",
        "a:65536",
        "a:000080",
        "a:\u0664",
        "a:\xb2",
        "::1",
        "::1:80",
        "2001:db8::1",
        "[]",
        "[::1",
        "::1]",
        "[::1]80",
        "[::1]x",
        "[:::1]",
        "[::g]",
        "[1.2.3.4]",
        "[::1%25eth0]",
        "[::1%eth0]",
        "[1:2:3:4:5:6:7]",
        "[1:2:3:4:5:6:7:8:9]",
        "[::01.2.3.4]",
        "[12345::]",
        "[v1.x]",
    ],  # RFC 3986 leaves room for future literals; none was ever defined
)
def test_what_is_no_host_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match="Host"):
        parse_host(value)


# RFC 3986 3.2.2, letter for letter, but for IPvFuture and an empty name.
_H16 = "[0-9A-Fa-f]{1,4}"
_OCTET = "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_LS32 = rf"(?:{_H16}:{_H16}|{_OCTET}(?:\.{_OCTET}){{3}})"
_IPV6 = "|".join(
    [
        f"(?:{_H16}:){{6}}{_LS32}",
        f"::(?:{_H16}:){{5}}{_LS32}",
        f"(?:{_H16})?::(?:{_H16}:){{4}}{_LS32}",
        f"(?:(?:{_H16}:){{0,1}}{_H16})?::(?:{_H16}:){{3}}{_LS32}",
        f"(?:(?:{_H16}:){{0,2}}{_H16})?::(?:{_H16}:){{2}}{_LS32}",
        f"(?:(?:{_H16}:){{0,3}}{_H16})?::{_H16}:{_LS32}",
        f"(?:(?:{_H16}:){{0,4}}{_H16})?::{_LS32}",
        f"(?:(?:{_H16}:){{0,5}}{_H16})?::{_H16}",
        f"(?:(?:{_H16}:){{0,6}}{_H16})?::",
    ]
)
_REG_NAME = r"(?:[A-Za-z0-9\-._~]|%[0-9A-Fa-f][0-9A-Fa-f]|[!$&'()*+,;=])+"
_RFC_3986 = re.compile(rf"(\[(?:{_IPV6})\]|{_REG_NAME})(?::([0-9]*))?")


def judge(value: str) -> tuple[str, str] | None:
    """Return host and port as RFC 3986 has them; ports are numbers that exist."""
    match = _RFC_3986.fullmatch(value)
    if match is None or len(match[2] or "") > 5 or int(match[2] or 0) > 65535:
        return None
    return match[1].lower(), (match[2] or "").lstrip("0")


_GROUPS = st.lists(st.text("0123456789abcdefABCDEF", min_size=1, max_size=4), max_size=9)
_LITERALS = st.one_of(
    st.text("0123456789abcdfF:.", max_size=24),
    st.builds(
        lambda front, back, tail: ":".join(front) + "::" + ":".join([*back, *tail]),
        _GROUPS,
        _GROUPS,
        st.sampled_from([(), ("1.2.3.4",), ("256.1.1.1",), ("1.2.3",), ("01.2.3.4",)]),
    ),
    st.builds(lambda groups: ":".join(groups), _GROUPS),
    st.ip_addresses(v=6).map(str),
)
_NAMES = st.one_of(
    st.text("abcXYZ019-._~!$&'()*+,;=%41[]:@/ ", max_size=20),
    st.text(max_size=10),
    _LITERALS.map("[{}]".format),
)
_PORTS = st.one_of(
    st.just(""), st.integers(0, 70000).map(":{}".format), st.text(":0123456789x", max_size=7)
)


@given(st.builds(str.__add__, _NAMES, _PORTS))
def test_exactly_the_hosts_of_rfc_3986_are_taken(value: str) -> None:
    try:
        host = parse_host(value)
    except ValueError:
        assert judge(value) is None
        return
    assert judge(value) == (host.name, str(host.port or ""))


@given(st.ip_addresses(v=6))
def test_every_ipv6_address_is_a_host_in_brackets(address: ipaddress.IPv6Address) -> None:
    assert parse_host(f"[{address}]:80") == Host(f"[{address}]", 80)
    assert parse_host(f"[{address.exploded}]").name == f"[{address.exploded}]"


@pytest.mark.parametrize(
    ("name", "canonical"),
    [
        ("Example.ORG", "example.org"),
        ("example.org.", "example.org"),
        ("[2001:DB8:0:0::1]", "[2001:db8::1]"),
        ("[::1]", "[::1]"),
        ("*.Example.org", "*.example.org"),
        ("", ""),
    ],
)
def test_two_spellings_of_one_host_become_equal(name: str, canonical: str) -> None:
    assert canonical_name(name) == canonical


@pytest.mark.parametrize("name", ["[", "[]", "[::g]", "[1.2.3.4]"])
def test_brackets_without_an_address_have_no_canonical_spelling(name: str) -> None:
    with pytest.raises(ValueError, match=r"(?i)address|at least|permitted"):
        canonical_name(name)


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("example.org", True),
        ("www.example.org", False),
        ("a.wild.test", True),
        ("b.a.wild.test", True),
        ("wild.test", False),
        ("notwild.test", False),
        ("*.wild.test", True),
        ("*.a.wild.test", True),
        ("*.test", False),
        ("[::1]", True),
        ("", False),
        ("test", False),
    ],
)
def test_a_host_is_among_names_and_wildcards(name: str, found: bool) -> None:
    assert is_among(name, {"example.org", "*.wild.test", "[::1]"}) is found


_HOSTS = st.lists(st.sampled_from(["a", "b", "test"]), min_size=1, max_size=4).map(".".join)


@given(_HOSTS, st.sets(st.tuples(st.booleans(), _HOSTS), max_size=4))
def test_wildcards_agree_with_a_naive_reading(name: str, entries: set[tuple[bool, str]]) -> None:
    names = {f"*.{host}" if wild else host for wild, host in entries}

    naive = any(name.endswith(f".{host}") if wild else name == host for wild, host in entries)
    assert is_among(name, names) is naive
