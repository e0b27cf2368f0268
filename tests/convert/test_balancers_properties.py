"""Whatever Apache's balancers say: what is made of them is what ``check`` accepts."""

import string

from hypothesis import given
from hypothesis import strategies as st

from tests.convert.apache_text import converted
from wsgi_scgi.config.file import parse_configuration

_NUMBERS = st.one_of(
    st.integers(0, 10**9).map(str),
    st.sampled_from(("0", "1", "99", "100", "0.5", "1.999", "101", "-1", "5ms", "2h", "999999h")),
)
_WORDS = st.one_of(
    st.text(string.ascii_letters + string.digits + ".|;,!-_%", max_size=100),
    st.sampled_from(("On", "Off", "SID|sid", "${X}", "é", "a=b")),
)
_VALUES = {
    **dict.fromkeys(
        ("loadfactor", "lbset", "max", "retry", "acquire", "timeout", "connectiontimeout"),
        _NUMBERS,
    ),
    **dict.fromkeys(("hcinterval", "hcpasses", "hcfails"), _NUMBERS),
    **dict.fromkeys(("route", "redirect", "ttl", "hcuri"), _WORDS),
    "status": st.text("DSIRHENCOG+-dx", max_size=5),
    "hcmethod": st.sampled_from(("None", "TCP", "GET", "HEAD11", "CPING")),
    "hcexpr": st.sampled_from(("ok", "body", "none")),
    "hctemplate": st.sampled_from(("t", "none")),
}
_BALANCER_VALUES = {
    **dict.fromkeys(("maxattempts", "growth", "timeout"), _NUMBERS),
    **dict.fromkeys(("stickysession", "stickysessionsep", "nonce"), _WORDS),
    **dict.fromkeys(
        ("scolonpathdelim", "forcerecovery", "failontimeout", "nofailover"),
        st.sampled_from(("On", "Off", "perhaps")),
    ),
    "lbmethod": st.sampled_from(("byrequests", "ByTraffic", "bybusyness", "heartbeat", "hash")),
    "failonstatus": st.lists(st.integers(100, 700).map(str), max_size=4).map(",".join),
}
_HEAD = (
    "ProxyHCExpr ok {%{REQUEST_STATUS} =~ /^[234]/}\n"
    "ProxyHCExpr body {hc('body') =~ /ready/}\n"
    "ProxyHCTemplate t hcmethod=GET hcuri=/up hcexpr=ok\n"
)


def _parameters(values: dict[str, st.SearchStrategy[str]]) -> st.SearchStrategy[str]:
    one = st.sampled_from(sorted(values)).flatmap(
        lambda key: values[key].map(lambda text: f'"{key}={text}"')
    )
    return st.lists(one, max_size=5).map(" ".join)


_MEMBERS = st.lists(
    st.tuples(st.sampled_from(("scgi://h:1", "scgi://h:2/", "unix:/run/s|scgi://x/a")),
              _parameters(_VALUES)).map(lambda one: f"BalancerMember {one[0]} {one[1]}\n"),
    min_size=1,
    max_size=4,
).map("".join)  # fmt: skip


@given(_MEMBERS, _parameters(_BALANCER_VALUES), st.sampled_from(("pool", "Pool_2", "a.b", "a$b")))
def test_what_is_made_of_a_balancer_is_accepted(members: str, parameters: str, name: str) -> None:
    toml = converted(
        f"{_HEAD}<Proxy balancer://{name}>\n{members}ProxySet {parameters}\n</Proxy>\n"
        f"ProxyPass / balancer://{name}/\n"
    )

    configuration = parse_configuration(toml, "gateway.toml")
    # Only a name that none can have here closes the route.
    assert configuration.routes[0].exclude is ("$" in name)
