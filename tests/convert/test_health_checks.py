"""Health checks of members: parameters, templates, expressions."""

import pytest

from tests.convert.apache_text import server_blocks
from wsgi_scgi.convert.balancers import balancers
from wsgi_scgi.convert.health_checks import read_expression
from wsgi_scgi.convert.ledger import Ledger

USUAL = "hcmethod=GET hcuri=/up"


def health(*parameters: str, before: str = "") -> tuple[dict[str, object], str]:
    """Return the checks of a balancer whose members have these parameters, and what is told."""
    members = "".join(
        f"BalancerMember scgi://h:{number} {text}\n" for number, text in enumerate(parameters, 1)
    )
    main, _ = server_blocks(f"{before}<Proxy balancer://pool>\n{members}</Proxy>\n")
    ledger = Ledger()
    found = balancers((main,), ledger)
    return found["pool"].health, "\n".join(ledger.comments(main.directives))


def test_a_check_that_sends_a_request_is_one_by_scgi() -> None:
    table, told = health(f"{USUAL} hcinterval=500ms hcpasses=2 hcfails=3")

    assert table == {"method": "scgi", "uri": "/up", "interval": 0.5, "passes": 2, "fails": 3}
    assert "hcmethod=GET: Apache sends HTTP to the SCGI port" in told


@pytest.mark.parametrize("method", ["OPTIONS", "HEAD", "GET11", "options11", "head11"])
def test_every_method_of_http_becomes_the_same_check(method: str) -> None:
    table, told = health(f"hcmethod={method}")

    assert table == {"method": "scgi"}
    assert f"hcmethod={method}: " in told


def test_a_check_that_connects_asks_for_nothing() -> None:
    table, told = health("hcmethod=TCP hcuri=/up hcinterval=5")

    assert table == {"method": "tcp", "interval": 5}
    assert "hcuri does nothing with hcmethod=TCP" in told


@pytest.mark.parametrize("method", ["", "hcmethod=None", "hcmethod=none"])
def test_a_member_that_names_no_method_is_not_checked(method: str) -> None:
    assert health(method) == ({}, "")
    table, told = health(f"{method} hcuri=/up")
    assert table == {}
    assert "without hcmethod Apache does not check it" in told


def test_cping_is_for_another_protocol() -> None:
    table, told = health("hcmethod=CPING")

    assert table == {}
    assert "hcmethod=CPING is for AJP: not carried over" in told


def test_what_only_some_members_say_is_told() -> None:
    table, told = health(f"{USUAL} hcfails=2", USUAL, "")

    assert table == {"method": "scgi", "uri": "/up", "fails": 2}
    assert "scgi://h:2" in told.partition("the first says otherwise")[0].rpartition("\n")[2]
    assert "scgi://h:3" in told.partition("here all members are checked")[0].rpartition("\n")[2]


@pytest.mark.parametrize(
    ("parameter", "told"),
    [
        ("hcuri=${X}", "hcuri=${X} is not carried over"),
        ("hcuri=", "hcuri= is not carried over"),
        ("hcinterval=soon", "hcinterval=soon is not carried over"),
        ("hcpasses=x", "hcpasses=x is not carried over"),
        ("hcexpr=none", "hcexpr=none is not carried over"),
        ("hctemplate=none", "hctemplate=none is not carried over: there is none"),
    ],
)
def test_what_cannot_be_carried_over_is_told(parameter: str, told: str) -> None:
    table, comments = health(f"hcmethod=GET {parameter}")

    assert table == {"method": "scgi"}
    assert told in comments


def test_what_is_out_of_range_is_held_to_it_and_told() -> None:
    table, told = health("hcmethod=TCP hcinterval=50ms hcpasses=0 hcfails=0")

    assert table == {"method": "tcp", "interval": 0.1, "passes": 1, "fails": 1}
    assert "hcinterval=50ms: at least 0.1 here" in told
    assert "passes is 1 to " in told


TEMPLATE = "ProxyHCTemplate t hcmethod=GET hcuri=/up hcinterval=5 hctemplate=t x=1\n"


def test_a_template_stands_for_what_it_says() -> None:
    table, told = health("hctemplate=t hcinterval=7", before=TEMPLATE)

    assert table == {"method": "scgi", "uri": "/up", "interval": 7}
    assert "x=1 is not carried over" in told
    assert "hctemplate=t is not carried over" in told  # of the template itself


def test_what_is_in_doubt_or_has_no_name_is_no_template() -> None:
    doubted = f"<IfDefine X>\n{TEMPLATE}</IfDefine>\nProxyHCTemplate\n"
    table, told = health("hctemplate=t", before=doubted)

    assert table == {}
    assert "hctemplate=t is not carried over: there is none" in told


@pytest.mark.parametrize(
    ("expression", "table"),
    [
        ("%{REQUEST_STATUS} =~ /^[234]/", {"expect": ["2xx", "3xx", "4xx"]}),
        ("%{REQUEST_STATUS} =~ /^(2|3)/", {}),
        ("%{REQUEST_STATUS} =~ m#^20[04]$#", {"expect": [200, 204]}),
        ("%{REQUEST_STATUS} == 200", {"expect": [200]}),
        ("%{REQUEST_STATUS} -lt '300'", {"expect": ["2xx"]}),
        ("hc('body') =~ /ready|a\\/b/", {"match": "ready|a/b"}),
    ],
)
def test_a_simple_expression_is_an_option(expression: str, table: dict[str, object]) -> None:
    found, told = health(f"{USUAL} hcexpr=e", before=f"ProxyHCExpr e {{{expression}}}\n")

    assert found == {"method": "scgi", "uri": "/up", **table}
    assert "ProxyHCExpr" not in told
    assert "hcexpr" not in told.replace("hcuri=/up hcexpr=e: ", "")


@pytest.mark.parametrize(
    "expression",
    [
        "hc('body') !~ /Under maintenance/",
        "%{REQUEST_STATUS} == 200 && hc('body') =~ /x/",
        "%{REQUEST_STATUS} =~ /^[/",
        "%{REQUEST_STATUS} =~ /^9/",
        "%{REQUEST_STATUS} -gt 599",
        "hc('body') =~ /\\Qx/",
        "%{REQUEST_STATUS} =~ /${X}/",
        "",
    ],
)
def test_any_other_expression_is_told(expression: str) -> None:
    found, told = health(f"{USUAL} hcexpr=e", before=f"ProxyHCExpr e {{{expression}}}\n")

    assert found == {"method": "scgi", "uri": "/up"}
    assert "hcexpr=e is not carried over" in told
    assert f"ProxyHCExpr e {{{expression}}}: " in told


@pytest.mark.parametrize(
    ("operator", "words"),
    [
        ("-eq", [204]),
        ("!=", [*range(200, 204), *range(205, 300), "3xx", "4xx", "5xx"]),
        ("-lt", [200, 201, 202, 203]),
        ("-le", [200, 201, 202, 203, 204]),
        ("-gt", [*range(205, 300), "3xx", "4xx", "5xx"]),
        ("-ge", [*range(204, 300), "3xx", "4xx", "5xx"]),
    ],
)
def test_statuses_are_compared_as_numbers(operator: str, words: list[object]) -> None:
    reading = read_expression(f"%{{REQUEST_STATUS}} {operator} 204")

    assert reading is not None
    assert (reading.name, reading.value) == ("expect", words)


def test_an_expression_without_braces_is_none() -> None:
    _, told = health(f"{USUAL} hcexpr=e", before="ProxyHCExpr e true\n")

    assert "hcexpr=e is not carried over" in told
