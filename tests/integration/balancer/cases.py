"""Elections, spares, failing over: what mod_proxy_balancer does, and where we differ and why."""

from __future__ import annotations

from tests.integration.balancer.case import Ask, Case, Hold, Release, Rise, Until, down, up

LONG = 60.0
"""Seconds of rest that outlast every case."""

SHORT = 0.5
SHORTEST_REST = 0.45
"""``SHORT`` with our jitter."""

CASES = (
    Case(
        name="equal_weights",
        members=(up("a"), up("b"), up("c")),
        steps=("a b c a b c a b c",),
    ),
    Case(
        name="weights_1_2_4",
        members=(up("a", weight=1), up("b", weight=2), up("c", weight=4)),
        steps=("c b c a c b c c b c a c b c",),
    ),
    Case(
        name="weights_70_30",
        members=(up("a", weight=70), up("b", weight=30)),
        steps=("a b a a a b a a b a a b a a a b a a b a",),
    ),
    Case(
        name="bybusyness_goes_by_requests_in_progress",
        members=(up("a"), up("b"), up("c")),
        options={"method": "bybusyness"},
        steps=(Hold("a b"), "c c c c c", Release(), Ask(wins="a")),
    ),
    Case(
        # Of what comes later our bytraffic forgets what Apache's remembers for ever.
        name="bytraffic_makes_up_for_a_large_answer",
        members=(up("a"), up("b")),
        options={"method": "bytraffic"},
        steps=(Ask(wins="a", do="a=large:200000"), "b b b b b b"),
    ),
    Case(
        name="a_dead_member_costs_no_request",
        members=(down("x"), up("b")),
        options={"retry": LONG},
        steps=("b b b b",),
    ),
    Case(
        name="a_dead_member_is_tried_again_after_its_rest",
        members=(down("x"), up("b")),
        options={"retry": SHORT},
        steps=("b", Rise("x"), Until("x", not_before=SHORTEST_REST)),
    ),
    Case(
        name="a_dead_lone_member_never_rests",
        members=(down("x"),),
        options={"retry": LONG},
        steps=("503 503", Rise("x"), "x x"),
    ),
    Case(
        name="all_dead_and_force_recovery",
        members=(down("x"), down("y")),
        options={"retry": LONG},
        steps=("503", Rise("x"), "x x"),
    ),
    Case(
        name="all_dead_without_force_recovery",
        members=(down("x"), down("y")),
        options={"retry": SHORT, "force_recovery": False},
        steps=("503", Rise("x"), Until("x", not_before=SHORTEST_REST, meanwhile="503")),
    ),
    Case(
        # A member that is administratively out forbids no recovery.
        name="one_dead_and_one_disabled",
        members=(down("x"), up("d", status="D")),
        options={"retry": LONG},
        steps=("503", Rise("x"), Ask(wins="x", apache="503")),
    ),
    Case(
        name="max_attempts",
        members=(down("x"), down("y"), down("z"), up("a")),
        options={"max_attempts": 1, "retry": LONG},
        steps=("503 a a a",),
    ),
    Case(
        # One malformed answer is 502 and takes no member out.
        name="garbage_is_blamed_on_nobody_for_long",
        members=(up("a"), up("b")),
        options={"retry": LONG, "force_recovery": False},
        steps=(
            Ask(wins="502", apache="500", method="POST", do="a=garbage"),
            "b",
            Ask(wins="a", apache="b"),
        ),
    ),
    Case(
        name="statuses_of_a_member_are_its_own_affair",
        members=(up("a"), up("b")),
        options={"retry": LONG},
        steps=(
            Ask(wins="a:500", do="a=500"),
            Ask(wins="b:503", do="b=503"),
            Ask(wins="a:502 b:504", do="a=502, b=504"),
            "a b a b",
        ),
    ),
    Case(
        name="a_standby_comes_before_the_next_set",
        members=(down("x"), up("h", status="H"), up("n", lbset=1)),
        options={"retry": LONG},
        steps=("h h h",),
    ),
    Case(
        name="the_next_set_where_a_set_has_nobody",
        members=(down("x"), down("y"), up("n", lbset=1), up("m", lbset=1)),
        options={"retry": LONG},
        steps=("n m n m",),
    ),
    Case(
        name="a_standby_is_idle_while_a_normal_member_serves",
        members=(up("a"), up("h", status="H")),
        steps=("a a a",),
        asks={"h": 0},
    ),
    Case(
        name="a_spare_takes_the_share_of_a_dead_member",
        members=(down("x"), up("b"), up("r", status="R")),
        options={"retry": LONG},
        # The first attempt was x's; of those that are left the earlier is the next.
        steps=("b r b r b r",),
    ),
    Case(
        name="as_many_spares_as_members_are_missing",
        members=(down("x"), up("b"), up("r", status="R"), up("s", status="R")),
        options={"retry": LONG},
        steps=("b r b r",),
        asks={"s": 0},
    ),
    Case(
        name="a_drained_member_serves_its_sessions",
        members=(up("a", status="N", route="r1"), up("b", route="r2")),
        options={"sticky_session": "SID"},
        steps=("b b b", Ask(wins="a a", cookie="SID=abc.r1"), "b"),
    ),
    Case(
        name="disabled_and_stopped_members_serve_nobody",
        members=(up("d", status="D", route="r1"), up("s", status="S", route="r2"), up("b")),
        options={"sticky_session": "SID"},
        steps=("b b", Ask(wins="b", cookie="SID=.r1"), Ask(wins="b", cookie="SID=.r2")),
        asks={"d": 0, "s": 0},
    ),
    Case(
        # A member that never rests has its requests served by others all the same.
        name="a_dead_member_with_ignored_errors",
        members=(down("x", status="I"), up("b")),
        steps=(Ask(wins="b b b b", apache="503 b 503 b"),),
    ),
    Case(
        name="fail_on_status",
        members=(up("a"), up("b")),
        options={"fail_on_status": [404], "retry": LONG, "force_recovery": False},
        steps=(
            Ask(wins="a:404", do="a=404, b=404"),
            "b b b",
            Ask(wins="b:404", do="a=404, b=404"),
            "503",
        ),
    ),
    Case(
        # Apache's failontimeout does nothing for SCGI.
        name="fail_on_timeout",
        members=(up("a"), up("b")),
        options={"fail_on_timeout": True, "retry": LONG},
        quick=0.3,
        steps=(
            Ask(wins="504", method="POST", path="quick/", do="a=silent"),
            "b",
            Ask(wins="b b", apache="a b"),
        ),
    ),
    Case(
        name="a_timeout_is_no_fault_by_itself",
        members=(up("a"), up("b")),
        options={"retry": LONG},
        quick=0.3,
        steps=(Ask(wins="504", method="POST", path="quick/", do="a=silent"), "b a b"),
    ),
    Case(
        name="a_request_waits_for_a_rest_to_end",
        members=(down("x"), down("y")),
        options={"wait": 5, "retry": SHORT, "force_recovery": False},
        steps=("503", Ask(wins="503", not_before=SHORTEST_REST)),
    ),
    Case(
        name="who_waits_gets_the_member_that_comes_back",
        members=(down("x"), down("y")),
        options={"wait": 5, "retry": SHORT, "force_recovery": False},
        steps=("503", Rise("y"), Ask(wins="y", not_before=SHORTEST_REST)),
    ),
    Case(
        name="no_failover",
        members=(down("x", route="r1"), up("b", route="r2")),
        options={"sticky_session": "SID", "no_failover": True, "retry": LONG},
        steps=(
            Ask(wins="503 503", cookie="SID=abc.r1"),
            Ask(wins="b", cookie="SID=abc.r9"),
            "b",
        ),
    ),
    Case(
        name="paths_of_route_balancer_and_member",
        members=(up("a", path="/wp"), up("b")),
        base="/bp/",
        route={"path_info": True},
        steps=(
            Ask(wins="a", path="y", sees={"PATH_INFO": "/wp/bp/y"}),
            Ask(wins="b", path="y", sees={"PATH_INFO": "/bp/y"}),
        ),
    ),
    Case(
        name="variables_of_a_balancer",
        members=(up("a", route="r1"),),
        steps=(
            Ask(
                wins="a",
                sees={
                    "BALANCER_NAME": "balancer://variables_of_a_balancer",
                    "BALANCER_WORKER_ROUTE": "r1",
                    "BALANCER_SESSION_STICKY": None,
                    "BALANCER_SESSION_ROUTE": None,
                    "BALANCER_ROUTE_CHANGED": None,
                },
            ),
        ),
    ),
)
