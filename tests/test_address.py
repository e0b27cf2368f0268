"""Backend URLs in their three spellings, and every mistake with its cause."""

import ipaddress

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from wsgi_scgi.address import (
    MAX_UNIX_PATH,
    BackendURL,
    BalancerURL,
    TCPAddress,
    UnixAddress,
    address_url,
    parse_backend_url,
    parse_balancer_url,
)
from wsgi_scgi.errors import AddressError


@pytest.mark.parametrize(
    ("url", "host", "port", "path"),
    [
        ("scgi://localhost:4001/app/", "localhost", 4001, "/app/"),
        ("scgi://localhost", "localhost", 4000, "/"),
        ("scgi://localhost/", "localhost", 4000, "/"),
        ("scgi://localhost:/x", "localhost", 4000, "/x"),
        ("SCGI://LocalHost:1", "localhost", 1, "/"),
        ("scgi://10.0.0.1:65535", "10.0.0.1", 65535, "/"),
        ("scgi://[::1]", "::1", 4000, "/"),
        ("scgi://[2001:DB8:0::1]:99/b", "2001:db8::1", 99, "/b"),
        ("scgi://a_b.c-d.example.:7", "a_b.c-d.example.", 7, "/"),
        ("scgi://h//double//slash", "h", 4000, "//double//slash"),
        ("scgi://h/a%20b;c", "h", 4000, "/a%20b;c"),
        ("scgi://h/café/", "h", 4000, "/caf\xc3\xa9/"),
    ],
)
def test_a_tcp_backend_has_host_port_and_path(url: str, host: str, port: int, path: str) -> None:
    assert parse_backend_url(url) == BackendURL(TCPAddress(host, port), path)


@pytest.mark.parametrize(
    ("url", "socket_path", "path"),
    [
        ("scgi+unix:///run/app.sock", "/run/app.sock", "/"),
        ("scgi+unix:/run/app.sock", "/run/app.sock", "/"),
        ("scgi+unix:////run/app.sock", "/run/app.sock", "/"),
        ("scgi+unix:///run/a%20b%3F.sock", "/run/a b?.sock", "/"),
        ("unix:/run/app.sock|scgi://name/path", "/run/app.sock", "/path"),
        ("unix:/run/app.sock|scgi://name", "/run/app.sock", "/"),
        ("unix:/run/app.sock|scgi://name:12/", "/run/app.sock", "/"),
        ("unix:/run/app.sock|scgi:", "/run/app.sock", "/"),
        ("unix:/run/app.sock|scgi://", "/run/app.sock", "/"),
        ("unix:///run/app.sock|SCGI:///p", "/run/app.sock", "/p"),
        ("UNIX:/run/100%25|scgi://name/", "/run/100%25", "/"),
    ],
)
def test_a_unix_backend_has_a_socket_and_a_path(url: str, socket_path: str, path: str) -> None:
    assert parse_backend_url(url) == BackendURL(UnixAddress(socket_path), path)


@pytest.mark.parametrize(
    ("url", "cause"),
    [
        ("", "is not a backend URL"),
        ("localhost:4000", "is not a backend URL"),
        ("scgi", "is not a backend URL"),
        ("unix", "is not a backend URL"),
        ("scgi+unix", "is not a backend URL"),
        ("http://localhost/", "is not a backend URL"),
        ("balancer:", "is not a backend URL"),
        ("scgi:localhost:4000", "two slashes"),
        ("scgi:/localhost", "two slashes"),
        ("scgi://", "names no host"),
        ("scgi://:4000/", "names no host"),
        ("scgi://h/?q", "query or a fragment"),
        ("scgi://h/#f", "query or a fragment"),
        ("scgi://user@h/", "user information"),
        ("scgi://user:secret@h:1/", "user information"),
        ("scgi://h:1:2/", "is not host:port"),
        ("scgi://::1/", "is not host:port"),
        ("scgi://[::1/", "is not host:port"),
        ("scgi://[::1]4000/", "is not host:port"),
        ("scgi://[]/", "is not an IPv6 address"),
        ("scgi://[1.2.3.4]/", "is not an IPv6 address"),
        ("scgi://[::g]/", "is not an IPv6 address"),
        ("scgi://-h/", "is not a host name"),
        ("scgi://h-/", "is not a host name"),
        ("scgi://h%41/", "is not a host name"),
        ("scgi://hé/", "is not a host name"),
        ("scgi://h:0/", "the port '0'"),
        ("scgi://h:65536/", "the port '65536'"),
        ("scgi://h:-1/", "the port '-1'"),
        ("scgi://h:+1/", "the port '+1'"),
        ("scgi://h:4000x/", "the port '4000x'"),
        ("scgi://h:٤/", "the port"),
        ("scgi://h:²/", "the port"),
        ("scgi://h /", "a blank or a control character"),
        ("scgi://h/a\nb", "a blank or a control character"),
        ("scgi://h/\x7f", "a blank or a control character"),
        ("scgi+unix://run/app.sock", "three slashes"),
        ("scgi+unix:run/app.sock", "is not the absolute path"),
        ("scgi+unix:///", "is not the absolute path"),
        ("scgi+unix:///run/", "is not the absolute path"),
        ("scgi+unix:", "is not the absolute path"),
        ("scgi+unix:///run/%00", "contains a NUL"),
        ("unix:/run/app.sock", "lacks the target"),
        ("unix:/run/app.sock|", "lacks the target"),
        ("unix:/run/app.sock|http://h/", "lacks the target"),
        ("unix:run/app.sock|scgi://h/", "is not the absolute path"),
        ("unix:|scgi://h/", "is not the absolute path"),
        ("unix:/run/app.sock|scgi://h/?q", "query or a fragment"),
        ("unix:/run/app.sock|scgi:h", "two slashes"),
    ],
)
def test_a_mistake_is_named_with_the_whole_url(url: str, cause: str) -> None:
    with pytest.raises(AddressError) as caught:
        parse_backend_url(url)

    assert cause in str(caught.value)
    assert repr(url) in str(caught.value)


def test_the_path_of_a_socket_may_be_as_long_as_the_kernel_allows() -> None:
    longest = "/" + "s" * (MAX_UNIX_PATH - 1)

    assert parse_backend_url(f"scgi+unix://{longest}").address == UnixAddress(longest)
    with pytest.raises(AddressError, match=f"longer than the {MAX_UNIX_PATH} bytes"):
        parse_backend_url(f"scgi+unix://{longest}s")


def test_the_length_of_a_socket_path_is_counted_in_bytes() -> None:
    with pytest.raises(AddressError, match="longer"):
        parse_backend_url("scgi+unix:///" + "é" * (MAX_UNIX_PATH // 2 + 1))


@pytest.mark.parametrize(
    ("address", "text"),
    [
        (TCPAddress("localhost"), "scgi://localhost:4000"),
        (TCPAddress("::1", 99), "scgi://[::1]:99"),
        (UnixAddress("/run/app.sock"), "scgi+unix:///run/app.sock"),
    ],
)
def test_an_address_is_shown_as_a_url_that_means_it(
    address: TCPAddress | UnixAddress, text: str
) -> None:
    assert str(address) == text
    assert parse_backend_url(text).address == address


@given(st.ip_addresses(v=6), st.integers(1, 65535))
def test_every_ipv6_address_goes_in_brackets_and_comes_back(
    host: ipaddress.IPv6Address, port: int
) -> None:
    address = TCPAddress(str(host), port)

    assert parse_backend_url(str(address)).address == address
    assert parse_backend_url(f"scgi://[{host.exploded.upper()}]:{port}").address == address


@given(
    st.one_of(
        st.text(max_size=30),
        st.text("scgiuntx+:/|[]@?#%.0123456789", max_size=30),
        st.text(":/|[]@?#%.0123456789abc-_", max_size=30).map("scgi://".__add__),
        st.text(":/|[]@?#%.0123456789abc-_", max_size=30).map("unix:/a|scgi:".__add__),
    )
)
@example("scgi://h:" + "9" * 5000)
def test_any_text_is_a_backend_or_an_address_error(text: str) -> None:
    try:
        backend = parse_backend_url(text)
    except AddressError:
        return
    assert backend.path.startswith("/")
    assert parse_backend_url(str(backend.address)).address == backend.address


@pytest.mark.parametrize(
    ("url", "balancer"),
    [
        ("balancer://pool", BalancerURL("pool")),
        ("BALANCER://My.pool-1_a/", BalancerURL("My.pool-1_a")),
        ("balancer://pool/base/$1", BalancerURL("pool", "/base/$1")),
        ("balancer://pool/\u00e9//", BalancerURL("pool", "/\xc3\xa9//")),
        ("scgi://pool/", None),
        ("pool", None),
    ],
)
def test_a_balancer_has_its_name_where_a_backend_has_its_host(
    url: str, balancer: BalancerURL | None
) -> None:
    assert parse_balancer_url(url) == balancer


@pytest.mark.parametrize(
    ("url", "cause"),
    [
        ("balancer://", "names no balancer; write balancer://name/"),
        ("balancer:pool", "names no balancer"),
        ("balancer://a:80/", "names no balancer"),
        ("balancer://-a/", "names no balancer"),
        ("balancer://$1/", "names no balancer"),
        ("balancer://a@b/", "names no balancer"),
        ("balancer://a/?b", "has a query or a fragment"),
        ("balancer://a/#b", "has a query or a fragment"),
        ("balancer://a/ b", "contains a blank or a control character"),
        ("balancer://a/\x7f", "contains a blank or a control character"),
    ],
)
def test_a_balancers_url_has_a_name_and_a_path(url: str, cause: str) -> None:
    with pytest.raises(AddressError) as caught:
        parse_balancer_url(url)
    assert cause in str(caught.value)


def test_a_balancer_is_shown_by_its_name() -> None:
    assert str(BalancerURL("pool", "/base/")) == "balancer://pool"


@pytest.mark.parametrize(
    "address",
    [TCPAddress("localhost", 4001), TCPAddress("::1"), UnixAddress("/run/a b|c.sock")],
)
def test_an_address_has_a_url_that_means_it(address: TCPAddress | UnixAddress) -> None:
    assert parse_backend_url(address_url(address)).address == address
