"""``[balancer.NAME]``: what is read, and every mistake with its line."""

import tomllib
from textwrap import dedent

import pytest

from wsgi_scgi.config.balancer_tables import read_balancers
from wsgi_scgi.config.configuration import Balancer, Source
from wsgi_scgi.config.findings import Findings
from wsgi_scgi.config.lines import key_lines


def read(text: str) -> tuple[dict[str, Balancer | None], list[str]]:
    """Return the balancers of a file, and what is wrong."""
    text = dedent(text).removeprefix("\n")
    findings = Findings(Source("gateway.toml", key_lines(text)))
    found = read_balancers(tomllib.loads(text)["balancer"], findings)
    return dict(found), [str(mistake) for mistake in findings.mistakes]


def mistakes(text: str) -> list[str]:
    return read(text)[1]


MEMBER = """
    [[balancer.pool.member]]
    url = "scgi://h:1"
    route = "a"
    """
COOKIE = """
    [balancer.pool.sticky_cookie]
    secret = "0123456789abcdef"
    """


def test_a_balancer_has_options_members_and_tables_below() -> None:
    found, wrong = read(
        f"""
        [balancer.pool]
        sticky_session = "SID"
        {dedent(MEMBER)}
        [[balancer.pool.member]]
        url = "scgi://h:2"
        weight = 2
        [balancer.pool.health]
        uri = "/up"
        {dedent(COOKIE)}
        """.replace("        ", "")
    )
    assert wrong == []
    pool = found["pool"]
    assert pool is not None
    assert pool.name == "pool"
    assert pool.options.sticky_session == "SID"
    assert [(member.name, member.weight) for member in pool.members] == [
        ("scgi://h:1", 1.0),
        ("scgi://h:2", 2.0),
    ]
    assert pool.health is not None and pool.health.uri == "/up"
    assert pool.sticky_cookie is not None and pool.sticky_cookie.path == "/"


def test_a_balancer_may_have_members_alone() -> None:
    found, wrong = read(MEMBER)
    assert wrong == []
    pool = found["pool"]
    assert pool is not None
    assert (pool.health, pool.sticky_cookie) == (None, None)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (
            "[balancer.pool]\n",
            ["gateway.toml:1: member: is missing; write [[balancer.pool.member]] with a url"],
        ),
        (
            "[balancer.pool]\nmember = []\n",
            ["gateway.toml:2: member: is missing; write [[balancer.pool.member]] with a url"],
        ),
        (
            "[balancer.pool.member]\nurl = 'scgi://h'\n",
            [
                "gateway.toml:1: member: is a list of tables; write [[balancer.pool.member]]",
            ],
        ),
        (
            "[balancer]\npool = 5\n",
            ["gateway.toml:2: balancer.pool: is a table; write [balancer.pool]"],
        ),
        ("balancer = 5\n", ["gateway.toml:1: balancer: is a table; write [balancer]"]),
        (
            "[[balancer.pool.member]]\nurl = 'scgi://h'\n[balancer]\npool.health = 5\n",
            ["gateway.toml:4: balancer.pool.health: is a table; write [balancer.pool.health]"],
        ),
        (
            "[[balancer.'a b'.member]]\nurl = 'scgi://h'\n",
            [
                "gateway.toml:1: balancer.a b: is no name for a balancer; allowed: letters,"
                " digits, dots, hyphens and underscores"
            ],
        ),
    ],
)
def test_the_tables_are_tables(text: str, found: list[str]) -> None:
    assert mistakes(text) == found


def test_every_mistake_has_its_line() -> None:
    found = mistakes("""
        [balancer.pool]
        methd = "hash"
        members = 5
        [[balancer.pool.member]]
        url = "http://h"
        weigth = 1
        [[balancer.pool.member]]
        route = "a"
        [balancer.pool.health]
        variables = { SCGI = "2" }
        [balancer.pool.sticky_cookie]
        secret = "short"
        """)
    assert [mistake.split(": ", 2)[:2] for mistake in found] == [
        ["gateway.toml:2", "methd"],
        ["gateway.toml:3", "members"],
        ["gateway.toml:5", "url"],
        ["gateway.toml:6", "weigth"],
        ["gateway.toml:7", "url"],
        ["gateway.toml:10", "variables.SCGI"],
        ["gateway.toml:12", "secret"],
    ]
    assert "did you mean method?" in found[0]
    assert "did you mean member?" in found[1]
    assert "did you mean weight?" in found[3]


def test_a_balancer_with_mistakes_is_none_under_its_name() -> None:
    assert read("[balancer.pool]\n")[0] == {"pool": None}
    assert read(f"[balancer.pool]\nretry = 'x'\n{dedent(MEMBER)}")[0] == {"pool": None}


def test_a_member_is_there_once_however_it_is_written() -> None:
    text = MEMBER + MEMBER.replace("scgi://h:1", "SCGI://H:1/") + MEMBER.replace("h:1", "h:2")
    assert mistakes(text) == ["gateway.toml:6: url: SCGI://H:1/ is a member already"]
    other = MEMBER + MEMBER.replace("scgi://h:1", "scgi://h:1/base")
    assert mistakes(other) == []


def test_a_cookie_needs_the_name_that_sticky_session_gives() -> None:
    assert mistakes(MEMBER + COOKIE) == [
        "gateway.toml:5: balancer.pool.sticky_cookie: needs sticky_session in the balancer, which"
        " names the cookie"
    ]


def test_a_cookie_that_browsers_would_drop_is_refused() -> None:
    text = "[balancer.pool]\nsticky_session = '__Host-SID|sid'\n" + dedent(MEMBER + COOKIE)
    assert mistakes(text) == [
        "gateway.toml:8: balancer.pool.sticky_cookie: the cookie __Host-SID must be secure"
    ]
    assert mistakes(f"{text}secure = true\n") == []


def test_a_route_that_no_cookie_can_carry_is_refused_beside_a_cookie() -> None:
    text = "[balancer.pool]\nsticky_session = 'SID'\n" + dedent(MEMBER).replace('"a"', '"a;b"')
    assert mistakes(text) == []
    assert mistakes(text + dedent(COOKIE)) == [
        "gateway.toml:6: route: 'a;b' has a character that no cookie can have; sticky_cookie puts"
        " it into one"
    ]


def test_names_of_a_mapping_may_be_anything() -> None:
    findings = Findings(Source())
    odd: dict[object, object] = {"url": "scgi://h", 1: 2}
    tables = {5: {"member": ({"url": "scgi://h"},)}, "a.b": {"member": [odd]}}
    found = read_balancers(tables, findings)
    assert found["5"] is not None
    assert found["a.b"] is None
    (mistake,) = findings.mistakes
    assert str(mistake).startswith("balancer.a.b.member[0].1: unknown key; allowed: url, ")
