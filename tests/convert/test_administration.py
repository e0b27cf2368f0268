"""balancer-manager becomes [admin]."""

import re

import pytest

from tests.convert.apache_text import converted, server_blocks
from wsgi_scgi.config.file import parse_configuration
from wsgi_scgi.config.mistakes import InvalidConfiguration
from wsgi_scgi.convert.administration import Administration, administration
from wsgi_scgi.convert.ledger import Ledger

MANAGER = "SetHandler balancer-manager"


def read(text: str) -> tuple[Administration | None, str]:
    main, hosts = server_blocks(text)
    ledger = Ledger()
    found = administration((main, *hosts), ledger)
    return found, "\n".join(ledger.comments((*main.directives, *(one.header for one in hosts))))


def location(path: str, *lines: str) -> str:
    return "\n".join([f"<Location {path}>", *lines, "</Location>", ""])


@pytest.mark.parametrize(
    ("path", "ours"),
    [
        ("/balancer-manager", "/balancer-manager/"),
        ("/a/b/", "/a/b/"),
        ('"/manager"', "/manager/"),
    ],
)
def test_the_manager_has_the_path_of_its_location(path: str, ours: str) -> None:
    found, told = read(location(path, MANAGER))

    assert found is not None
    assert found.path == ours
    assert told == ""


def test_who_was_let_in_is_told_above_the_table() -> None:
    lines = (MANAGER, "<RequireAny>", "Require ip 10.0.0.0/8", "</RequireAny>", "AuthType Basic")
    found, told = read(location("/m", *lines))

    assert found is not None
    text = "\n".join(found.lines())
    assert "# Not carried over: " in text and "AuthType Basic" in text and "<RequireAny>" in text
    assert "Whoever has the token is let in" in text
    assert text.endswith('[admin]\npath = "/m/"\ntoken = ""')
    assert told == ""


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (MANAGER + "\n", "write [admin] with a path of your own"),
        (f"<LocationMatch ^/m>\n{MANAGER}\n</LocationMatch>\n", "a path of your own"),
        (location("~ ^/m", MANAGER), "a path of your own"),
        (location("/", MANAGER), "its path is not one that [admin] can have"),
        (location("/m*", MANAGER), "its path is not one that [admin] can have"),
        (location("/${X}", MANAGER), "its path is not one that [admin] can have"),
        (
            location("/m", "<IfDefine X>", MANAGER, "</IfDefine>"),
            "it is not certain to be in effect",
        ),
        (
            f"<IfDefine X>\n{location('/m', MANAGER)}</IfDefine>\n",
            "it is not certain to be in effect",
        ),
    ],
)
def test_what_has_no_certain_path_is_told(text: str, told: str) -> None:
    found, comments = read(text)

    assert found is None
    assert told in comments


def test_there_is_one_for_all_hosts() -> None:
    host = f"<VirtualHost *>\n{location('/b', MANAGER)}</VirtualHost>\n"
    found, told = read(location("/a", MANAGER) + host)

    assert found is not None
    assert found.path == "/a/"
    assert "there is one [admin] for all hosts, with the path /a/" in told


def test_the_status_page_is_told_and_other_handlers_are_not_looked_at() -> None:
    text = location("/s", "SetHandler server-status") + location("/c", "SetHandler cgi-script")
    found, told = read(text)

    assert found is None
    assert "what it shows of balancers is below [admin] path" in told
    assert "files are not served here" in told


POOL = "<Proxy balancer://p>\nBalancerMember scgi://h\n</Proxy>\nProxyPass /a balancer://p\n"


def test_the_check_refuses_what_is_to_be_filled_in_and_nothing_else() -> None:
    toml = converted(POOL + location("/m", MANAGER))

    with pytest.raises(InvalidConfiguration) as caught:
        parse_configuration(toml, "gateway.toml")
    assert [mistake.key for mistake in caught.value.mistakes] == ["token"]
    filled = toml.replace('token = ""', 'token = "0123456789abcdef"')
    assert parse_configuration(filled, "gateway.toml").admin is not None


@pytest.mark.parametrize("path", ["/a%20b", "/a/../b", '"/a b"'])
def test_a_path_that_is_refused_becomes_a_comment(path: str) -> None:
    toml = converted(POOL + location(path, MANAGER))

    assert "[admin]\n" not in toml
    assert re.search(r"# \[admin\]: refused: path = ", toml)
    assert parse_configuration(toml, "gateway.toml").admin is None
