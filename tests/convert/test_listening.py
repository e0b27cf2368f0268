"""Addresses: where the gateway listens, and which virtual hosts answer there."""

import pytest

from tests.convert.apache_text import server_blocks
from wsgi_scgi.convert.ledger import Ledger
from wsgi_scgi.convert.listening import Choice, choose


def choice(text: str) -> tuple[Choice, list[str]]:
    """Return what is chosen, and the ServerName of each virtual host in it."""
    main, hosts = server_blocks(text)
    found = choose(main, hosts, Ledger())
    names = [one.argument for host in found.hosts for one in host.named("servername")]
    return found, names


def host(addresses: str, name: str, *lines: str) -> str:
    return "\n".join(
        [f"<VirtualHost {addresses}>", f"ServerName {name}", *lines, "</VirtualHost>", ""]
    )


ROUTE = "ProxyPass /a scgi://h/"


@pytest.mark.parametrize(
    ("lines", "bind"),
    [
        ("Listen 127.0.0.1:8080\n", "127.0.0.1:8080"),
        ("Listen 8080\n", "0.0.0.0:8080"),
        ("Listen 0.0.0.0:8080\n", "0.0.0.0:8080"),
        ("Listen [::1]:8080\n", "[::1]:8080"),
        ("Listen localhost:8080\n", "localhost:8080"),
        ("Listen 80 http\nListen 81\n", ["0.0.0.0:80", "0.0.0.0:81"]),
    ],
)
def test_gunicorn_is_bound_to_what_apache_listens_to(lines: str, bind: object) -> None:
    assert choice(lines)[0].settings == {"bind": bind}


def test_all_ipv6_addresses_need_another_word() -> None:
    assert choice("Listen 80\n")[0].remarks == ("For IPv6 write [::] for 0.0.0.0",)
    assert choice("Listen 127.0.0.1:80\n")[0].remarks == ()


@pytest.mark.parametrize(
    "line", ["Listen", "Listen *", "Listen ${PORT}", "Listen localhost", "Listen '8 0'"]
)
def test_what_is_not_understood_is_told(line: str) -> None:
    main, hosts = server_blocks(f"{line}\n")
    ledger = Ledger()

    assert choose(main, hosts, ledger) == Choice(())
    assert "write bind into [server]" in ledger.comments(main.directives)[0]


def test_an_address_that_is_in_doubt_is_not_listened_to() -> None:
    assert choice("<IfDefine X>\nListen 80\n</IfDefine>\n")[0] == Choice(())


def test_without_listen_nothing_is_bound_and_all_hosts_are_taken() -> None:
    found, names = choice(host("*:80", "a", ROUTE) + host("*:80", "b"))

    assert found.settings == {}
    assert names == ["a", "b"]


@pytest.mark.parametrize("address", ["*:80", "_default_:80", "*", "*:*", "0.0.0.0:80", "127.0.0.1"])
def test_a_host_answers_where_its_address_and_port_say(address: str) -> None:
    assert choice("Listen 127.0.0.1:80\n" + host(address, "a", ROUTE))[1] == ["a"]


@pytest.mark.parametrize("address", ["*:81", "127.0.0.2:80", "[::1]:80"])
def test_a_host_does_not_answer_elsewhere(address: str) -> None:
    found, names = choice("Listen 127.0.0.1:80\n" + host(address, "a", ROUTE))

    assert names == []
    assert "answers at other addresses" in found.remarks[0]


def test_a_host_without_an_address_answers_nowhere() -> None:
    found, names = choice("<VirtualHost>\nServerName a\n</VirtualHost>\n")

    assert names == []
    assert "answers at other addresses" in found.remarks[0]


def test_the_addresses_with_the_most_routes_are_chosen() -> None:
    text = "Listen 80\nListen 81\n" + host("*:80", "a", "Redirect / /") + host("*:81", "b", ROUTE)
    found, names = choice(text)

    assert names == ["b"]
    assert found.settings == {"bind": "0.0.0.0:81"}
    assert "httpd.conf:3: <VirtualHost *:80>: answers at other addresses" in found.remarks[0]


def test_of_equals_the_first_is_chosen() -> None:
    text = "Listen 80\nListen 81\n" + host("*:80", "a", ROUTE) + host("*:81", "b", ROUTE)

    assert choice(text)[1] == ["a"]


def test_a_host_with_several_addresses_is_bound_to_all_of_them() -> None:
    text = "Listen 80\nListen 81\n" + host("*:80 *:81", "a", ROUTE)

    assert choice(text)[0].settings == {"bind": ["0.0.0.0:80", "0.0.0.0:81"]}


def test_the_main_server_answers_where_no_host_does() -> None:
    text = f"Listen 80\nListen 81\n{ROUTE}\n{ROUTE}\n" + host("*:81", "a")
    found, names = choice(text)

    # Both have the routes of the main server, and it comes first.
    assert names == []
    assert found.settings == {"bind": "0.0.0.0:80"}


def test_that_the_main_server_answers_elsewhere_is_told() -> None:
    text = "Listen 80\nListen 81\n" + host("*:81", "a", ROUTE)

    assert choice(text)[0].remarks[0] == "The main server answers at *:80: that is not carried over"


def test_a_special_address_is_bound_by_itself() -> None:
    text = "Listen 80\n" + host("10.0.0.1:80", "a", ROUTE) + host("*:80", "b")
    found, names = choice(text)

    assert names == ["a"]
    assert found.settings == {"bind": "10.0.0.1:80"}


def test_any_address_is_not_bound_where_others_answer_at_a_special_one() -> None:
    text = "Listen 80\n" + host("*:80", "a", ROUTE) + host("10.0.0.1", "b")
    found, names = choice(text)

    assert names == ["a"]
    assert found.settings == {}
    assert "bind is left out: at some addresses of the machine others" in found.remarks[-1]


class TestTLS:
    """Servers with SSLEngine."""

    def test_the_certificate_is_gunicorns(self) -> None:
        text = "Listen 443 https\n" + host(
            "*:443",
            "a",
            ROUTE,
            "SSLEngine On",
            "SSLCertificateFile /etc/a.pem",
            "SSLCertificateKeyFile /etc/a.key",
        )

        assert choice(text)[0].settings == {
            "bind": "0.0.0.0:443",
            "certfile": "/etc/a.pem",
            "keyfile": "/etc/a.key",
        }

    def test_it_may_be_the_main_servers(self) -> None:
        text = "Listen 443\nSSLCertificateFile /etc/a.pem\n" + host("*", "a", "SSLEngine optional")

        assert choice(text)[0].settings == {"bind": "0.0.0.0:443", "certfile": "/etc/a.pem"}

    @pytest.mark.parametrize("line", ["", "SSLCertificateFile ${CERT}"])
    def test_without_a_certificate_nothing_is_bound(self, line: str) -> None:
        found, _ = choice("Listen 443\n" + host("*:443", "a", ROUTE, "SSLEngine On", line))

        assert found.settings == {}
        assert "the certificate is not known" in found.remarks[-1]

    def test_switched_off_there_is_none(self) -> None:
        text = "Listen 80\nSSLEngine Off\nSSLCertificateFile /etc/a.pem\n"

        assert choice(text)[0].settings == {"bind": "0.0.0.0:80"}
