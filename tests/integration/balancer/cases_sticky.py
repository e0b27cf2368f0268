"""Sessions and their members: cookies, parameters, separators, redirects."""

from __future__ import annotations

from tests.integration.balancer.case import Ask, Case, Hold, up

ABC = (up("a", route="r1"), up("b", route="r2"), up("c", route="r3"))
SID = {"sticky_session": "SID|sid"}
CHANGED = {"BALANCER_ROUTE_CHANGED": "1"}

CASES = (
    Case(
        name="cookies_with_a_route",
        members=ABC,
        options=SID,
        steps=tuple(
            Ask(
                wins="b",
                cookie=cookie,
                sees={
                    "BALANCER_WORKER_ROUTE": "r2",
                    "BALANCER_SESSION_STICKY": "SID",
                    "BALANCER_SESSION_ROUTE": "r2",
                    "BALANCER_ROUTE_CHANGED": None,
                },
            )
            for cookie in ("SID=abc.r2", "SID=.r2", "SID = abc.r2")
        ),
    ),
    Case(
        name="no_session",
        members=ABC,
        options=SID,
        steps=(
            Ask(wins="a b", sees={**CHANGED, "BALANCER_SESSION_ROUTE": None}),
            # A session that is led to its member is made up for.
            Ask(wins="a", cookie="SID=.r1"),
            "c b c a",
        ),
    ),
    Case(
        name="cookies_without_a_route",
        members=ABC,
        options=SID,
        steps=(
            Ask(wins="a", cookie="SID=r2", sees=CHANGED),
            Ask(wins="b", cookie='SID="abc.r2"'),
            Ask(wins="c", cookie="sid=abc.r2"),
            Ask(wins="a", cookie="SID=abc.r9", sees={**CHANGED, "BALANCER_SESSION_ROUTE": "r9"}),
        ),
    ),
    Case(
        name="one_cookie_among_others",
        members=ABC,
        options=SID,
        steps=(
            Ask(wins="c", cookie="XSID=abc.r2; SID=q.r3"),
            Ask(wins="c", cookie="SIDX=a.r1;SID=b.r3"),
            Ask(wins="a", cookie="SID=a.r1, SID=b.r2"),
        ),
    ),
    Case(
        name="parameters_of_the_url",
        members=ABC,
        options=SID,
        steps=(
            Ask(wins="c", path="?sid=z.r3", sees={"BALANCER_SESSION_STICKY": "sid"}),
            Ask(wins="c", path="x;sid=z.r3"),
            Ask(wins="c", path="x?y=1&sid=z.r3&z=2"),
            Ask(wins="c", path="?sid=z.r3", cookie="SID=abc.r1"),
        ),
    ),
    Case(
        # Apache finds the name anywhere in the URL.
        name="no_parameter_of_that_name",
        members=ABC,
        options=SID,
        steps=(
            Ask(wins="a", path="xsid=z.r3", apache="c"),
            Ask(wins="b", path="?mysid=z.r3", apache="c"),
        ),
    ),
    Case(
        name="another_separator",
        members=ABC,
        options={**SID, "sticky_separator": "!", "scolon_path_delim": True},
        steps=(
            Ask(wins="b", cookie="SID=z!r2"),
            Ask(wins="b", path="x;sid=z!r2;y=1"),
            Ask(wins="c", path="?sid=z!r3;y=1"),
        ),
    ),
    Case(
        name="a_semicolon_is_part_of_the_value",
        members=ABC,
        options=SID,
        steps=(Ask(wins="a", path="x;sid=z.r3;y=1"),),
    ),
    Case(
        name="no_separator",
        members=ABC,
        options={**SID, "sticky_separator": ""},
        steps=(Ask(wins="b", cookie="SID=r2"), Ask(wins="a", cookie="SID=abc.r2")),
    ),
    Case(
        name="a_redirect_takes_the_sessions_of_a_member",
        members=(up("a", route="r1", status="D", redirect="r3"), *ABC[1:]),
        options=SID,
        steps=(
            Ask(
                wins="c c",
                cookie="SID=abc.r1",
                sees={**CHANGED, "BALANCER_SESSION_ROUTE": "r1", "BALANCER_WORKER_ROUTE": "r3"},
            ),
        ),
    ),
    Case(
        name="a_route_is_all_behind_the_first_separator",
        members=ABC,
        options=SID,
        steps=(
            Ask(
                wins="a b c a",
                cookie="SID=abc.r1.r2",
                sees={**CHANGED, "BALANCER_SESSION_ROUTE": "r1.r2"},
            ),
        ),
    ),
    Case(
        name="a_session_goes_to_its_member_however_busy",
        members=ABC,
        options={**SID, "method": "bybusyness"},
        steps=(Hold("a"), Ask(wins="a a", cookie="SID=.r1")),
    ),
)
