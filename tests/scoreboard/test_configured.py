"""What the file says of a pool: at first, when it is read again, and in other memory."""

from collections.abc import Callable, Iterator

import pytest

from wsgi_scgi.scoreboard.board import Board
from wsgi_scgi.scoreboard.configured import ConfiguredMember, configure, move
from wsgi_scgi.scoreboard.pool import MemberText, Pool
from wsgi_scgi.scoreboard.status import Status

Read = Callable[..., Pool]


def members_of(*states: str) -> list[ConfiguredMember]:
    """Return the members of a file, which are written ``NAME`` or ``NAME:LETTERS``."""
    found = []
    for state in states:
        name, _, letters = state.partition(":")
        text = MemberText(f"scgi://{name}", f"r{name}")
        found.append(ConfiguredMember(text, Status.parse(letters)))
    return found


def empty(capacity: int = 8, *, shared: bool = False) -> Pool:
    return Board([("pool", capacity)], shared=shared, rows=4).pool("pool")


def pool_of(*states: str, growth: int = 2, shared: bool = False) -> Pool:
    """Return a pool as of a file with these members."""
    pool = empty(shared=shared)
    assert configure(pool, members_of(*states), growth=growth) == []
    return pool


def read_in_place(pool: Pool, *states: str, growth: int = 2) -> Pool:
    configure(pool, members_of(*states), growth=growth)
    return pool


def read_elsewhere(pool: Pool, *states: str, growth: int = 2) -> Pool:
    new = empty(9)
    move(pool, new)
    return read_in_place(new, *states, growth=growth)


@pytest.fixture(params=[read_in_place, read_elsewhere])
def read(request: pytest.FixtureRequest) -> Read:
    """Read a file again, and return the pool that there is then."""
    function: Read = request.param
    return function


def members(pool: Pool) -> Iterator[tuple[str, str]]:
    for slot in pool.slots:
        name = pool.text(slot).url.removeprefix("scgi://")
        yield name, Status(pool.status[slot]).letters()


@pytest.mark.parametrize(("is_checked", "state"), [(True, "EC"), (False, "E")])
def test_where_no_health_is_checked_any_more_nobody_has_failed_a_check(
    is_checked: bool, state: str
) -> None:
    pool = pool_of("a")
    pool.status[0] |= Status.parse("CE")
    configure(pool, members_of("a"), is_checked=is_checked)
    assert list(members(pool)) == [("a", Status.parse(state).letters())]


def test_a_state_that_the_file_says_and_says_no_more_is_gone_where_no_health_is_checked() -> None:
    pool = empty()
    for state, letters in (("a:C", "C"), ("a:C", "C"), ("a", "")):
        configure(pool, members_of(state), is_checked=False)
        assert list(members(pool)) == [("a", letters)]


def test_members_have_what_the_file_says() -> None:
    pool = empty()
    text = MemberText("scgi://a", "ra", "rb")
    member = ConfiguredMember(text, Status.DRAIN, weight=250, lbset=3, max_connections=7)
    epoch = pool.epoch
    assert configure(pool, [member], method=2, growth=1) == []
    assert list(members(pool)) == [("a", "N")]
    assert pool.text(0) == text
    assert (pool.weight[0], pool.lbset[0], pool.max_connections[0]) == (250, 3, 7)
    assert (pool.method, pool.most, pool.configured[0]) == (2, 2, pool.status[0])
    assert pool.epoch > epoch


def test_more_members_than_places_are_an_error() -> None:
    with pytest.raises(ValueError, match="pool has only 1 places"):
        configure(empty(1), members_of("a", "b"))


def test_whoever_stays_keeps_the_place_and_what_is_known_in_another_order(read: Read) -> None:
    pool = pool_of("a", "b", "c", shared=True)
    pool.status[1] |= Status.ERROR
    pool.status[2] |= Status.HEALTH_FAILED
    pool.rest_until[1], pool.rests[1], pool.lbstatus[1], pool.history[2] = 77.5, 3, -40, 0b101
    pool.row.elected[1], pool.row.seconds[1] = 9, 1.5
    pool.row.sent[1] = pool.seen[1] = 500

    pool = read(pool, "c", "b", "d")

    assert list(members(pool)) == [("d", ""), ("b", "E"), ("c", "C")]
    assert (pool.rest_until[1], pool.rests[1], pool.lbstatus[1]) == (77.5, 3, -40)
    assert pool.history.tolist()[:3] == [0, 0, 0b101]
    assert pool.totals("elected")[:3] == [0, 9, 0]
    assert pool.totals("seconds")[1] == 1.5
    assert pool.totals("sent")[1] == pool.seen[1] == 500


def test_requests_and_probes_go_on_in_place_and_stay_behind_elsewhere() -> None:
    pool = pool_of("a:E", "b")
    pool.row.busy[0], pool.probe_row[0] = 2, 0
    read_in_place(pool, "a", "b")
    assert (pool.totals("busy")[0], pool.probe_row[0]) == (2, 0)
    elsewhere = read_elsewhere(pool, "a", "b")
    assert (elsewhere.totals("busy")[0], elsewhere.probe_row[0]) == (0, -1)


def test_a_new_member_gets_a_place_where_nobody_is_busy() -> None:
    pool = pool_of("a", "b")
    pool.row.busy[0] = 1
    read_in_place(pool, "b", "c")
    assert pool.slots == [1, 2]
    pool.row.busy[0] = 0
    read_in_place(pool, "b", "c", "d")
    assert [pool.text(slot).url for slot in pool.slots] == ["scgi://d", "scgi://b", "scgi://c"]


@pytest.mark.parametrize(
    ("before", "steered", "after", "expected"),
    [
        # Nobody has steered: the file says.
        ("", "", "D", "D"),
        ("D", "D", "", ""),
        ("N", "N", "DH", "DH"),
        # Somebody has: that stays.
        ("", "D", "", "D"),
        ("", "N", "H", "HN"),
        ("D", "", "D", ""),
        ("DS", "S", "DS", "S"),
        ("", "D", "D", "D"),
        # Each state by itself.
        ("D", "DN", "", "N"),
        ("H", "R", "H", "R"),
        ("I", "", "I", ""),
        # An error is found, and given by the file only once.
        ("E", "E", "", "E"),
        ("E", "", "E", ""),
        ("", "", "E", "E"),
        ("", "C", "", "C"),
    ],
)
def test_a_state_that_was_steered_stays_and_others_are_those_of_the_file(
    read: Read, before: str, steered: str, after: str, expected: str
) -> None:
    pool = pool_of(f"a:{before}")
    pool.status[0] = Status.parse(steered) | Status.IN_USE
    assert list(members(read(pool, f"a:{after}"))) == [("a", expected)]


def test_what_was_steered_once_stays_over_many_files(read: Read) -> None:
    pool = pool_of("a", "b:D")
    pool.status[0] |= Status.DRAIN
    pool.status[1] &= ~Status.DISABLED
    for _ in range(3):
        pool = read(pool, "a", "b:D")
    assert list(members(pool)) == [("a", "N"), ("b", "")]


def test_a_member_that_was_added_by_hand_stays(read: Read) -> None:
    pool = pool_of("a")
    text = MemberText("scgi://hand", "rh", "ra")
    slot = pool.enrol(text, status=Status.DRAIN, weight=300, lbset=2, max_connections=7)
    pool.row.elected[slot] = 4
    pool = read(pool, "b", "a")
    assert list(members(pool)) == [("a", ""), ("hand", "N"), ("b", "")]
    assert pool.text(1) == text
    assert (pool.weight[1], pool.lbset[1], pool.max_connections[1]) == (300, 2, 7)
    assert pool.totals("elected")[1] == 4
    assert list(members(read(pool, "a"))) == [("a", ""), ("hand", "N")]


def test_one_that_the_file_gets_later_is_then_the_file_s(read: Read) -> None:
    pool = pool_of("a")
    pool.enrol(MemberText("scgi://b"))
    pool = read(pool, "a", "b")
    assert pool.text(1).route == "rb"
    assert list(members(read(pool, "a"))) == [("a", "")]


def test_whoever_was_added_last_is_left_out_where_there_is_no_room() -> None:
    pool = pool_of("a")
    pool.enrol(MemberText("scgi://one"))
    pool.enrol(MemberText("scgi://two"))
    assert configure(pool, members_of("a", "b"), growth=1) == ["scgi://two"]
    assert list(members(pool)) == [("a", ""), ("one", ""), ("b", "")]
    with pytest.raises(ValueError, match="all 3 places of pool are taken"):
        pool.enrol(MemberText("scgi://three"))


def test_a_member_that_the_file_no_longer_has_is_gone(read: Read) -> None:
    assert list(members(read(pool_of("a", "b"), "b"))) == [("b", "")]


def test_a_member_that_was_removed_by_hand_is_back_if_the_file_has_it(read: Read) -> None:
    pool = pool_of("a", "b")
    pool.remove(0)
    assert list(members(read(pool, "a", "b"))) == [("a", ""), ("b", "")]


def test_weights_routes_limits_and_the_method_are_those_of_the_file(read: Read) -> None:
    pool = pool_of("a", "b")
    pool.weight[0], pool.lbset[0], pool.max_connections[0], pool.method = 900, 4, 5, 3
    pool.set_text(0, MemberText("scgi://a", "other"))
    pool.lbstatus[1] = 70
    pool = read(pool, "a", "b")
    assert (pool.weight[0], pool.lbset[0], pool.max_connections[0], pool.method) == (100, 0, 0, 0)
    assert pool.text(0).route == "ra"
    assert pool.lbstatus[1] == 0  # turns start again with another weight


def test_who_is_a_member_has_changed_only_where_it_has() -> None:
    pool = pool_of("a", "b")
    roster = pool.roster
    read_in_place(pool, "b:D", "a")
    assert pool.roster == roster
    read_in_place(pool, "b", "a", "c")
    assert pool.roster > roster


def test_a_pool_that_moves_keeps_its_places_and_its_method() -> None:
    pool = pool_of("a", "b", "c")
    pool.remove(1)
    pool.method = 4
    new = empty(9)
    move(pool, new)
    assert list(members(new)) == list(members(pool)) == [("a", ""), ("c", "")]
    assert new.slots == [0, 2]
    assert (new.method, new.most) == (4, pool.most)
