"""What nginx's tests of upstreams ask for: faults, attempts, limits (its own words in brackets)."""

from __future__ import annotations

from tests.integration.balancer.case import Ask, Case, Hold, Release, down, up

LONG = 60.0
TWO = (up("a"), up("b"))
THREE = (*TWO, up("c"))
FAILING = "a=500, b=500, c=500, d=500, h=500"
MISSING = "a=404, b=404, c=404, d=404"

CASES = (
    Case(
        name="half_of_the_requests_each",
        members=TWO,
        steps=(" ".join(["a b"] * 15),),
        asks={"a": 15, "b": 15},
    ),
    Case(
        # [max_fails] The third fault is a rest, whatever was well between.
        name="the_third_fault_is_a_rest",
        members=TWO,
        options={"max_fails": 3, "fail_timeout": LONG, "retry": LONG},
        steps=(
            *("a b a b", Ask(wins="b", do="a=drop"), "b") * 3,
            " ".join("b" * 12),
        ),
        asks={"a": 9, "b": 24},
    ),
    Case(
        # [proxy_next_upstream http_500 http_404] A 404 is nobody's fault.
        name="another_member_for_a_status",
        members=TWO,
        options={"next_upstream": [404, 500], "retry": LONG},
        steps=(
            Ask(wins="b", do="a=404"),
            "b a b",
            Ask(wins="b", do="a=500"),
            "b b b",
        ),
        asks={"a": 3},
    ),
    Case(
        name="a_status_is_passed_on_where_all_give_it",
        members=THREE,
        options={"next_upstream": [404]},
        steps=(Ask(wins="c:404", do=MISSING),),
        asks={"a": 1, "b": 1, "c": 1},
    ),
    Case(
        name="a_disabled_member_changes_nothing_of_that",
        members=(*THREE, up("d", status="D")),
        options={"next_upstream": [404]},
        steps=(Ask(wins="c:404", do=MISSING),),
        asks={"a": 1, "b": 1, "c": 1, "d": 0},
    ),
    Case(
        # [proxy_next_upstream_tries 2]
        name="two_attempts",
        members=THREE,
        options={"next_upstream": [500], "max_attempts": 1},
        steps=(Ask(wins="b:500", do=FAILING),),
        asks={"a": 1, "b": 1, "c": 0},
    ),
    Case(
        # [proxy_next_upstream_tries 0] Backups count.
        name="an_attempt_for_each_member",
        members=(*TWO, up("h", status="H")),
        options={"next_upstream": [500]},
        steps=(Ask(wins="h:500", do=FAILING),),
        asks={"a": 1, "b": 1, "h": 1},
    ),
    Case(
        # [proxy_next_upstream_timeout]
        name="no_attempt_after_some_time",
        members=THREE,
        # The first member has much time to spare, both together are late.
        options={"next_upstream": [500], "next_upstream_timeout": 6.0},
        steps=(Ask(wins="b:500", do="a=slow:0.5:500, b=slow:5.8:500, c=500"),),
        asks={"a": 1, "b": 1, "c": 0},
    ),
    Case(
        name="a_post_is_asked_of_one_member",
        members=TWO,
        options={"next_upstream": [500]},
        steps=(
            Ask(wins="a:500", method="POST", do=FAILING),
            Ask(wins="502", method="POST", do="b=drop"),
        ),
        asks={"a": 1, "b": 1},
    ),
    Case(
        name="a_post_is_asked_of_others_where_that_is_told",
        members=TWO,
        options={"next_upstream": [500], "non_idempotent": True},
        steps=(
            Ask(wins="b", method="POST", do="a=500"),
            Ask(wins="b", method="POST", do="a=drop"),
        ),
    ),
    # [max_conns]
    Case(
        name="no_limit",
        members=TWO,
        steps=(Hold("a b a b"), Release()),
    ),
    Case(
        name="a_lone_member_with_a_limit",
        members=(up("a", max_connections=3),),
        steps=(Hold("a a a 503"), Release(), "a"),
    ),
    Case(
        name="a_limit_and_a_backup",
        members=(up("p", max_connections=2), up("h", status="H")),
        steps=(Hold("p p h h h h"), Release(), "p"),
    ),
    Case(
        name="limits_of_all",
        members=(up("a", max_connections=2), up("b", max_connections=3)),
        steps=(Hold("a b a b b 503"), Release(), "b a"),
    ),
    Case(
        name="no_weight_raises_a_limit",
        members=(up("a", max_connections=2, weight=5), up("b")),
        steps=(Hold("a a b b"), Release()),
    ),
    Case(
        name="requests_that_another_failed_count_for_limits",
        members=(down("x"), up("b", max_connections=1)),
        options={"retry": LONG},
        steps=(Hold("b 503"), Release(), "b"),
    ),
    Case(
        name="limits_and_leastconn",
        members=(up("a", max_connections=2, weight=10), up("b", max_connections=3)),
        options={"method": "leastconn"},
        steps=(Hold("a a b b b 503"), Release(), "a"),
    ),
    Case(
        name="limits_and_bybusyness",
        members=(up("a", max_connections=1), up("b")),
        options={"method": "bybusyness"},
        steps=(Hold("a b b b"), Release()),
    ),
    Case(
        name="limits_and_twochoices",
        members=(up("a", max_connections=2),),
        options={"method": "twochoices"},
        steps=(Hold("a a 503"), Release(), "a"),
    ),
    Case(
        name="leastconn_goes_by_weights",
        members=(up("a", weight=1), up("b", weight=3)),
        options={"method": "leastconn"},
        steps=(Hold("b b a b b"), Release()),
    ),
)
