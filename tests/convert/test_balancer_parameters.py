"""Parameters of balancers and members, one by one."""

import pytest

from wsgi_scgi.balancer.methods import METHODS as OURS
from wsgi_scgi.convert.balancer_parameters import (
    METHODS,
    read_balancer_parameter,
    read_member_parameter,
)


@pytest.mark.parametrize(
    ("key", "text", "name", "value"),
    [
        ("lbmethod", "ByBusyness", "method", "bybusyness"),
        ("stickysession", "SID|sid", "sticky_session", "SID|sid"),
        ("stickysessionsep", "!", "sticky_separator", "!"),
        ("stickysessionsep", "Off", "sticky_separator", ""),
        ("scolonpathdelim", "On", "scolon_path_delim", True),
        ("maxattempts", "0", "max_attempts", 0),
        ("forcerecovery", "Off", "force_recovery", False),
        ("failonstatus", "503,404", "fail_on_status", [503, 404]),
        ("failontimeout", "Off", "fail_on_timeout", False),
        ("nofailover", "On", "no_failover", True),
        ("timeout", "3", "wait", 3),
        ("growth", "5", "growth", 5),
    ],
)
def test_a_parameter_of_a_balancer_is_one_of_its_options(
    key: str, text: str, name: str, value: object
) -> None:
    reading = read_balancer_parameter(key, text)

    assert (reading.name, reading.value, reading.remark) == (name, value, "")


@pytest.mark.parametrize(
    ("key", "text", "name", "value"),
    [
        ("loadfactor", "2", "weight", 2),
        ("loadfactor", "2.0", "weight", 2),
        ("loadfactor", "1.25", "weight", 1.25),
        ("route", "a", "route", "a"),
        ("redirect", "b", "redirect", "b"),
        ("status", "+D-E", "status", "+D-E"),
        ("status", "h", "status", "h"),
        ("max", "0", "max_connections", 0),
        ("lbset", "99", "lbset", 99),
        ("retry", "5ms", "retry", 0.005),
        ("acquire", "200", "wait", 0.2),
        ("acquire", "2s", "wait", 2),
        ("timeout", "30", "timeout", 30),
        ("connectiontimeout", "500ms", "connect_timeout", 0.5),
    ],
)
def test_a_parameter_of_a_member_is_an_option_of_it_the_balancer_or_its_routes(
    key: str, text: str, name: str, value: object
) -> None:
    reading = read_member_parameter(key, text)

    assert (reading.name, reading.value, reading.remark) == (name, value, "")


@pytest.mark.parametrize(
    ("key", "text", "name", "value", "remark"),
    [
        ("loadfactor", "0.5", "weight", 1, "so 1"),
        ("loadfactor", "101", "weight", 100, "so 100"),
        ("loadfactor", "1.999", "weight", 1.99, "so 1.99"),
        ("lbset", "100", "lbset", 99, "lbset is 0 to 99 here, so 99"),
        ("status", "+DO-G", "status", "+D-", "only those of +D- are here"),
        ("max", "8", "max_connections", 8, "for all workers together"),
    ],
)
def test_what_has_another_range_here_is_held_to_it_and_told(
    key: str, text: str, name: str, value: object, remark: str
) -> None:
    reading = read_member_parameter(key, text)

    assert (reading.name, reading.value) == (name, value)
    assert remark in reading.remark


@pytest.mark.parametrize(
    ("key", "text", "name", "value", "remark"),
    [
        ("growth", "5000", "growth", 1000, "growth is 0 to 1000 here, so 1000"),
        ("failonstatus", "302,503", "fail_on_status", [503], "only 400 to 599"),
        ("failonstatus", "302", "", [], "only 400 to 599"),
        ("failontimeout", "On", "fail_on_timeout", True, "here it works"),
        ("lbmethod", "heartbeat", "method", "byrequests", "lbmethod=heartbeat: nobody listens"),
        ("lbmethod", "Mine", "method", "byrequests", "lbmethod=Mine: there is no such method"),
        ("nonce", "None", "", None, "nonce has no meaning here"),
    ],
)
def test_what_means_something_else_here_is_told(
    key: str, text: str, name: str, value: object, remark: str
) -> None:
    reading = read_balancer_parameter(key, text)

    assert (reading.name, reading.value) == (name, value)
    assert remark in reading.remark


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("lbmethod", ""),
        ("stickysession", "${X}"),
        ("stickysession", ""),
        ("stickysessionsep", "::"),
        ("scolonpathdelim", "perhaps"),
        ("maxattempts", "-1"),
        ("failonstatus", "x"),
        ("failontimeout", "x"),
        ("timeout", "soon"),
        ("loadfactor", "2"),
    ],
)
def test_what_a_balancer_cannot_have_is_told(key: str, text: str) -> None:
    reading = read_balancer_parameter(key, text)

    assert (reading.name, reading.remark) == ("", f"{key}={text} is not carried over")


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("loadfactor", "much"),
        ("loadfactor", "1e3"),
        ("status", "OG"),
        ("status", "+"),
        ("max", "x"),
        ("acquire", "x"),
        ("lbmethod", "byrequests"),
    ],
)
def test_what_a_member_cannot_have_is_told(key: str, text: str) -> None:
    reading = read_member_parameter(key, text)

    assert (reading.name, reading.remark) == ("", f"{key}={text} is not carried over")


@pytest.mark.parametrize("key", ["ttl", "smax", "min", "enablereuse", "flushpackets", "secret"])
def test_what_means_nothing_to_a_gateway_is_told(key: str) -> None:
    assert read_member_parameter(key, "1").remark == f"{key} has no meaning here"


def test_apaches_methods_are_ours() -> None:
    assert set(METHODS) <= {method.name for method in OURS}
