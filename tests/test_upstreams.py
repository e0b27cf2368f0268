"""From the backends of a configuration to balancers with their places on the board."""

import logging
import subprocess
import sys
from pathlib import Path

import pytest

from wsgi_scgi.address import BackendURL, BalancerURL, TCPAddress
from wsgi_scgi.balancer.methods import METHODS
from wsgi_scgi.balancer.rules import AttemptRules, BalancerRules, RestRules
from wsgi_scgi.config.configuration import Configuration
from wsgi_scgi.config.file import parse_configuration
from wsgi_scgi.health.monitor import Monitor
from wsgi_scgi.scoreboard.board import Board
from wsgi_scgi.scoreboard.pool import MemberText
from wsgi_scgi.scoreboard.status import Status
from wsgi_scgi.transport.names import Resolver
from wsgi_scgi.upstreams import SPARE_PLACES, Upstreams, make_board

ROOT = Path(__file__).parents[1]

LONE = """
[[route]]
path = "/one/"
backend = "scgi://h:1/x"
[[route]]
path = "/two/"
backend = "scgi://h:1/y"
[[route]]
path = "/three/"
backend = "scgi+unix:///run/app.sock"
"""

POOL = """
[[route]]
path = "/"
backend = "balancer://pool/"
[balancer.pool]
{options}
[[balancer.pool.member]]
url = "scgi://a:1"
weight = 2.5
route = "ra"
redirect = "rb"
lbset = 3
[[balancer.pool.member]]
url = "scgi://b:1/base"
route = "rb"
status = "HN"
max_connections = 7
"""


def configured(text: str) -> Configuration:
    return parse_configuration(text, "gateway.toml")


def pool(options: str = "", more: str = "") -> Configuration:
    return configured(POOL.format(options=options) + more)


def upstreams(configuration: Configuration, *, shared: bool = False) -> tuple[Upstreams, Board]:
    board = make_board(configuration, shared=shared)
    return Upstreams(configuration, board, Resolver()), board


def test_a_backend_is_one_balancer_for_all_routes_to_its_address() -> None:
    made, board = upstreams(configured(LONE))
    one, two = (made.of(BackendURL(TCPAddress("h", 1), path)) for path in ("/x", "/y"))
    assert one is two
    assert len(made.balancers) == len(board.pools) == 2
    assert not one.is_named
    lease = one.elect()
    assert lease.member.name == "scgi://h:1"
    assert made.cookie_of(BackendURL(TCPAddress("h", 1))) is None


def test_members_have_what_is_said_of_them() -> None:
    made, board = upstreams(pool())
    balancer = made.of(BalancerURL("pool", "/"))
    assert balancer.is_named
    assert [(member.name, member.url.path) for member in balancer.members()] == [
        ("scgi://a:1", "/"),
        ("scgi://b:1/base", "/base"),
    ]
    places = board.pool("pool")
    assert (places.text(0), places.text(1)) == (
        MemberText("scgi://a:1", "ra", "rb"),
        MemberText("scgi://b:1/base", "rb"),
    )
    assert places.weight.tolist()[:2] == [250, 100]
    assert places.lbset.tolist()[:2] == [3, 0]
    assert places.max_connections.tolist()[:2] == [0, 7]
    assert Status(places.status[1]).letters() == "HN"
    assert places.configured.tolist()[:2] == places.status.tolist()[:2]


@pytest.mark.parametrize("growth", [0, 3])
def test_there_is_room_for_as_many_more_as_the_file_says(growth: int) -> None:
    _, board = upstreams(pool(f"growth = {growth}"))
    assert board.pool("pool").most == 2 + growth
    _, board = upstreams(configured(LONE))
    assert [one.most for one in board.pools] == [1, 1]


def test_every_option_of_a_balancer_is_a_rule_of_it() -> None:
    made, board = upstreams(
        pool(
            """
            method = "hash"
            hash_key = "path"
            max_attempts = 4
            retry = 7
            retry_max = 70
            force_recovery = false
            fail_on_status = [404]
            fail_on_timeout = true
            no_failover = true
            wait = 1.5
            max_fails = 9
            fail_timeout = 11
            next_upstream = [500]
            next_upstream_timeout = 12
            non_idempotent = true
            retry_budget = 0.5
            slow_start = 13
            """
        )
    )
    balancer = made.of(BalancerURL("pool", "/"))
    assert balancer.rules == BalancerRules(
        rest=RestRules(
            retry=7,
            retry_max=70,
            max_fails=9,
            fail_timeout=11,
            fail_on_status=frozenset({404}),
            fail_on_timeout=True,
        ),
        attempts=AttemptRules(
            max_attempts=4,
            next_upstream=frozenset({500}),
            next_upstream_timeout=12,
            non_idempotent=True,
            retry_budget=0.5,
            wait=1.5,
        ),
        force_recovery=False,
        no_failover=True,
        slow_start=13,
    )
    assert METHODS[board.pool("pool").method].name == "hash"
    assert balancer.has_key


def test_without_options_the_rules_are_those_that_are_documented() -> None:
    made, _ = upstreams(pool())
    balancer = made.of(BalancerURL("pool", "/"))
    assert balancer.rules == BalancerRules()
    assert balancer.sticky is None
    assert not balancer.has_key


def test_sessions_and_the_cookie_of_the_gateway() -> None:
    cookie = '[balancer.pool.sticky_cookie]\nsecret = "sixteen bytes are enough"\nmax_age = 60\n'
    options = 'sticky_session = "SID|sid"\nsticky_separator = "!"\nscolon_path_delim = true'
    made, _ = upstreams(pool(options, cookie))
    sticky = made.of(BalancerURL("pool", "/")).sticky
    assert sticky is not None
    assert (sticky.cookie, sticky.parameter, sticky.separator) == ("SID", "sid", "!")
    assert sticky.path_delimiter
    own = made.cookie_of(BalancerURL("pool", "/"))
    assert own is not None
    assert (own.name, own.attributes.max_age) == ("SID", 60)
    session = sticky.session_of("/", f"SID={own.signature.sign('rb')}")
    assert session is not None
    assert session.route == "rb"


def test_nothing_is_shared_where_there_is_nothing_to_agree_on() -> None:
    assert not make_board(configured(LONE)).shared
    assert make_board(pool()).shared
    assert not make_board(pool(more='[state]\nshare = "none"\n')).shared
    assert make_board(configured(LONE), shared=True).shared


def test_a_process_that_shares_with_nobody_says_so_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    made, _ = upstreams(pool())
    with caplog.at_level(logging.WARNING, "wsgi_scgi"):
        made.start()
        made.start()
        upstreams(configured(LONE))[0].start()
        upstreams(pool(more='[state]\nshare = "none"\n'))[0].start()
    assert [record.message[:39] for record in caplog.records] == [
        "this process alone knows the state of i"
    ]


def test_what_could_not_be_started_can_be_started_later(monkeypatch: pytest.MonkeyPatch) -> None:
    made, _ = upstreams(pool(more="[balancer.pool.health]\n"))
    tries: list[int] = []

    def start(_monitor: Monitor) -> None:
        tries.append(1)
        if len(tries) == 1:
            raise RuntimeError("can't start new thread")

    monkeypatch.setattr(Monitor, "start", start)
    with pytest.raises(RuntimeError):
        made.start()
    made.start()
    made.start()
    assert len(tries) == 2


FORKED = """
import logging, os, sys
from tests.test_upstreams import pool, upstreams
logging.basicConfig(format="%(message)s")
made, board = upstreams(pool(), shared=True)
if not os.fork():
    made.start()
    os._exit(0)
os.wait()
"""


def test_a_process_that_was_forked_afterwards_has_nothing_to_say() -> None:
    done = subprocess.run(
        [sys.executable, "-c", FORKED],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stderr == ""


MORE = """
[[balancer.pool.member]]
url = "scgi://{}:1"
"""


def test_the_board_of_a_reloaded_file_is_the_older_one_with_what_has_changed() -> None:
    made, board = upstreams(pool(), shared=True)
    lease = made.balancers[0].elect()
    board.pool("pool").status[0] |= Status.DISABLED
    configuration = pool("method = 'leastconn'", MORE.format("c"))
    fresh = make_board(configuration, shared=True, older=board)
    assert fresh.pool("pool") is board.pool("pool")
    newer = Upstreams(configuration, fresh, Resolver())
    # Those who still have the older configuration follow.
    for those in (made, newer):
        (balancer,) = those.balancers
        assert [member.name[-3:] for member in balancer.members()] == ["a:1", "ase", "c:1"]
        assert balancer.elect().member.name == "scgi://c:1"
    assert METHODS[fresh.pool("pool").method].name == "leastconn"
    assert fresh.pool("pool").totals("busy")[:3] == [1, 0, 0]
    lease.release()
    assert fresh.pool("pool").totals("busy")[:3] == [0, 0, 0]


def test_other_routes_and_balancers_change_nothing_for_those_that_stay() -> None:
    board = make_board(configured(LONE), shared=True)
    fresh = make_board(pool(more=LONE), shared=True, older=board)
    assert fresh.pools[0].name == "pool"
    assert all(fresh.find(one.name) is one for one in board.pools)
    assert make_board(pool(), shared=True, older=fresh).pool("pool") is fresh.pool("pool")


def test_a_balancer_that_has_become_too_large_is_told_and_what_is_known_is_copied(
    caplog: pytest.LogCaptureFixture,
) -> None:
    made, board = upstreams(pool("growth = 0"), shared=True)
    made.balancers[0].elect().release()
    board.pool("pool").status[0] |= Status.DRAIN
    more = "".join(map(MORE.format, range(SPARE_PLACES)))
    with caplog.at_level(logging.WARNING, "wsgi_scgi"):
        same = make_board(pool("growth = 0", more), shared=True, older=board)
        assert same.pool("pool") is board.pool("pool")
        assert caplog.records == []
        fresh = make_board(pool("growth = 0", more + MORE.format("x")), shared=True, older=same)
    assert fresh.pool("pool") is not board.pool("pool")
    assert Status(fresh.pool("pool").status[0]).letters() == "N"
    assert fresh.pool("pool").totals("elected")[0] == 1
    assert [record.message[:62] for record in caplog.records] == [
        "balancer pool: more members than there was room for (6): until"
    ]


def test_a_board_is_copied_where_sharing_has_changed() -> None:
    board = make_board(pool(), shared=False)
    board.pool("pool").status[0] |= Status.DRAIN
    fresh = make_board(pool(), shared=True, older=board)
    assert Status(fresh.pool("pool").status[0]).letters() == "N"


def test_a_member_that_was_added_by_hand_and_has_no_room_any_more_is_named(
    caplog: pytest.LogCaptureFixture,
) -> None:
    board = make_board(pool("growth = 1"))
    board.pool("pool").enrol(MemberText("scgi://hand"))
    with caplog.at_level(logging.WARNING, "wsgi_scgi"):
        make_board(pool("growth = 0"), older=board)
    assert [record.message for record in caplog.records] == [
        "balancer pool: there is no place for scgi://hand any more"
    ]
