"""Balancers, their members and parameters."""

import tomllib

import pytest

from tests.convert.apache_text import server_blocks
from wsgi_scgi.convert.balancers import (
    Balancer,
    balancer_name,
    balancers,
    close_routes_to,
    finish_routes,
    usable_balancers,
)
from wsgi_scgi.convert.draft import Draft
from wsgi_scgi.convert.ledger import Ledger
from wsgi_scgi.convert.region import EVERYTHING
from wsgi_scgi.convert.settings import Setting


def read(text: str) -> tuple[dict[str, Balancer], str]:
    """Return the balancers of a text, and what was said about its lines."""
    main, hosts = server_blocks(text)
    ledger = Ledger()
    found = balancers((main, *hosts), ledger)
    told = ledger.comments((*main.directives, *(host.header for host in hosts)))
    return found, "\n".join(told)


def tables(found: dict[str, Balancer]) -> list[dict[str, object]]:
    """Return the tables of the members of ``pool``."""
    return [member.table for member in found["pool"].members]


def pool(*lines: str) -> str:
    return "\n".join(["<Proxy balancer://Pool>", *lines, "</Proxy>", ""])


MEMBER = "BalancerMember scgi://h:1"


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("balancer://Pool/x", "pool"),
        ("BALANCER://pool", "pool"),
        ("scgi://h/", ""),
        ("", ""),
    ],
)
def test_a_balancer_has_its_name_where_others_have_a_host(url: str, name: str) -> None:
    assert balancer_name(url) == name


@pytest.mark.parametrize(
    ("parameter", "values"),
    [
        ("lbmethod=ByTraffic", {"method": "bytraffic"}),
        ("stickysession=SID|sid", {"sticky_session": "SID|sid"}),
        ("maxattempts=2", {"max_attempts": 2}),
        ("retry=5", {"retry": 5}),
        ("forcerecovery=Off", {"force_recovery": False}),
        ("failonstatus=503,404", {"fail_on_status": [503, 404]}),
        ("failontimeout=On", {"fail_on_timeout": True}),
        ("nofailover=On", {"no_failover": True}),
        ("timeout=3", {"wait": 3}),
    ],
)
@pytest.mark.parametrize(
    "form",
    [
        "<Proxy balancer://pool {}>\nBalancerMember scgi://h:1\n</Proxy>\n",
        "<Proxy balancer://pool>\nBalancerMember scgi://h:1\nProxySet {}\n</Proxy>\n",
        "BalancerMember balancer://pool scgi://h:1\nProxySet balancer://pool {}\n",
        "<Proxy balancer://pool>\nBalancerMember scgi://h:1\n</Proxy>\n"
        "ProxyPass /a balancer://pool/ {} nocanon\n",
        "<Location /a>\nProxyPass balancer://pool/ {}\n</Location>\n"
        "<Proxy balancer://pool>\nBalancerMember scgi://h:1\n</Proxy>\n",
    ],
)
def test_a_parameter_may_stand_in_many_places(
    form: str, parameter: str, values: dict[str, object]
) -> None:
    found, told = read(form.format(parameter))

    assert found["pool"].values == values
    assert tables(found) == [{"url": "scgi://h:1"}]
    assert "is not carried over" not in told


def test_a_member_has_its_own_parameters() -> None:
    line = (
        "BalancerMember unix:/run/s|scgi://h loadfactor=1.5 route=a redirect=b status=+H max=3"
        " lbset=1"
    )
    assert tables(read(pool(line))[0]) == [
        {
            "url": "unix:/run/s|scgi://h",
            "weight": 1.5,
            "route": "a",
            "redirect": "b",
            "status": "+H",
            "max_connections": 3,
            "lbset": 1,
        }
    ]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("BalancerMember scgi://h:1 loadfactor=much", "loadfactor=much is not carried over"),
        ("BalancerMember scgi://h:1 ttl=5", "ttl has no meaning here"),
        ("ProxySet nofailover=perhaps", "nofailover=perhaps is not carried over"),
        ("ProxySet lbmethod=heartbeat", "lbmethod=heartbeat: nobody listens to heartbeats here"),
    ],
)
def test_what_is_not_carried_over_is_told(line: str, told: str) -> None:
    assert told in read(pool(line))[1]


def test_what_the_members_agree_about_is_the_balancers_or_the_routes() -> None:
    said = "retry=5 acquire=200 timeout=20 connectiontimeout=500ms"
    found, told = read(pool(f"{MEMBER} {said}", f"{MEMBER}1 {said}"))

    assert found["pool"].values == {"retry": 5, "wait": 0.2}
    assert {name: one.value for name, one in found["pool"].of_routes.items()} == {
        "timeout": 20,
        "connect_timeout": 0.5,
    }
    assert "is not carried over" not in told


@pytest.mark.parametrize("name", ["retry", "timeout"])
@pytest.mark.parametrize("others", ["{}=5", ""])
def test_what_the_members_do_not_agree_about_is_told(name: str, others: str) -> None:
    found, told = read(pool(f"{MEMBER} {name}=6", f"{MEMBER}1 {others.format(name)}"))

    assert (found["pool"].values, found["pool"].of_routes) == ({}, {})
    assert f"{name} = 6 is not carried over: it is an option of the " in told
    assert (f"{name} = 5 is not carried over" in told) is bool(others)
    assert "not all members say the same" in told


def test_the_balancers_own_wait_counts_before_what_its_members_say() -> None:
    found, told = read(pool(f"{MEMBER} acquire=200", "ProxySet timeout=3"))

    assert found["pool"].values == {"wait": 3}
    assert "wait = 0.2 is not carried over" in told
    assert "which says otherwise" in told


def test_a_second_line_for_a_member_goes_on_with_the_first() -> None:
    lines = (f"{MEMBER} status=D", "BalancerMember scgi://H:1/ route=a status=-D+H")
    found, told = read(pool(*lines))

    assert tables(found) == [{"url": "scgi://h:1", "status": "D+-D+H", "route": "a"}]
    assert "the same member as in " in told


def test_health_checks_are_a_table_of_their_own() -> None:
    line = f"{MEMBER} hcmethod=GET hcuri=/up hcinterval=5 hcpasses=2 hcfails=3"
    found = read(pool(line, f"{MEMBER}1 {line.partition(' hc')[2]}"))[0]

    assert found["pool"].health == {
        "method": "scgi",
        "uri": "/up",
        "interval": 5,
        "passes": 2,
        "fails": 3,
    }


def test_what_is_in_doubt_does_not_count() -> None:
    text = (
        "<IfDefine X>\nProxySet balancer://pool lbmethod=a\nProxyPass /a balancer://pool/ retry=1\n"
        "</IfDefine>\n" + pool(MEMBER, "<IfDefine X>", f"{MEMBER}1", "</IfDefine>", "Timeout 5")
    )
    found = read(text)[0]

    assert found["pool"].values == {}
    assert len(found["pool"].members) == 1


def test_other_proxies_are_no_balancers() -> None:
    assert read("<Proxy scgi://h>\nProxySet timeout=1\n</Proxy>\nProxyPass /a scgi://h/\n")[0] == {}


def test_tables_are_toml() -> None:
    text = pool(f"{MEMBER} hcmethod=TCP", f"{MEMBER}1 route=b", "ProxySet lbmethod=byrequests")
    text = text.replace("Pool", "my.pool")
    (balancer,) = read(text)[0].values()

    assert tomllib.loads("\n".join(balancer.lines())) == {
        "balancer": {
            "my.pool": {
                "method": "byrequests",
                "member": [{"url": "scgi://h:1"}, {"url": "scgi://h:11", "route": "b"}],
                "health": {"method": "tcp"},
            }
        }
    }
    assert tomllib.loads("\n".join(Balancer("a").lines())) == {"balancer": {"a": {}}}


def route(backend: str) -> Draft:
    return Draft(EVERYTHING, "origin", backend)


def test_routes_have_the_balancers_name_as_it_is_written_here_and_its_members_options() -> None:
    found = read(pool(f"{MEMBER} timeout=20"))[0]
    drafts = [route("BALANCER://Pool/x"), route("balancer://Pond"), route("scgi://Pool/")]
    drafts[0].options["timeout"] = Setting(33)
    finish_routes(found, drafts)

    backends = [draft.backend for draft in drafts]
    assert backends == ["balancer://pool/x", "balancer://pond", "scgi://Pool/"]
    assert [draft.options.keys() for draft in drafts] == [{"timeout"}, set(), set()]
    assert drafts[0].options["timeout"].value == 20


def test_routes_to_one_balancer_are_closed() -> None:
    drafts = [route("balancer://Pool/"), route("balancer://pond/"), route("scgi://pool/")]
    close_routes_to("pool", drafts, "why")

    assert [draft.exclude for draft in drafts] == [True, False, False]


class TestUsable:
    """Balancers that can be carried over, and what becomes of the routes to others."""

    def test_one_with_scgi_members_is_usable(self) -> None:
        drafts = [route("balancer://pool/"), route("scgi://h/")]

        assert [one.name for one in usable_balancers(read(pool(MEMBER))[0], drafts)] == ["pool"]
        assert not any(draft.exclude for draft in drafts)

    @pytest.mark.parametrize(
        ("text", "reason"),
        [
            ("", "balancer://pool has no members; Apache answers 503"),
            (pool(), "it has no members; Apache answers 503"),
            (pool("BalancerMember"), "it has no members; Apache answers 503"),
            (pool(MEMBER, "BalancerMember http://h:1"), "not an SCGI backend"),
            (pool("BalancerMember scgi://${H}:1"), "not an SCGI backend"),
            (
                pool(MEMBER) + f"<VirtualHost *>\n{pool(MEMBER)}</VirtualHost>\n",
                "another server has one of this name",
            ),
        ],
    )
    def test_routes_to_any_other_are_closed(self, text: str, reason: str) -> None:
        drafts = [route("balancer://pool/a")]

        assert usable_balancers(read(text)[0], drafts) == []
        assert drafts[0].exclude
        assert reason in drafts[0].reasons[0]
