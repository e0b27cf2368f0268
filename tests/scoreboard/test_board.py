"""The board as a whole: its pools, and what one takes over from an older one."""

from collections.abc import Iterator

import pytest

from wsgi_scgi.scoreboard.board import Board
from wsgi_scgi.scoreboard.pool import MemberText, Pool
from wsgi_scgi.scoreboard.status import Status


def board_of(*states: str, growth: int = 2, shared: bool = False) -> Board:
    """Return a board as of a file with members that are written ``NAME`` or ``NAME:LETTERS``."""
    board = Board([("pool", len(states) + growth)], shared=shared, rows=4)
    pool = board.pool("pool")
    with pool.lock:
        pool.bump()
        for state in states:
            name, _, letters = state.partition(":")
            slot = pool.enrol(
                MemberText(f"scgi://{name}", f"r{name}"), status=Status.parse(letters)
            )
            pool.configured[slot] = pool.status[slot]
    return board


def pool_after(old: Board, *states: str, growth: int = 2) -> Pool:
    """Return the pool after the file was read again."""
    new = board_of(*states, growth=growth)
    new.copy_from(old)
    return new.pool("pool")


def members(pool: Pool) -> Iterator[tuple[str, str]]:
    for slot in range(pool.capacity):
        if pool.status[slot] & Status.IN_USE:
            name = pool.text(slot).url.removeprefix("scgi://")
            yield name, Status(pool.status[slot]).letters()


def test_pools_are_apart() -> None:
    for shared in (False, True):
        board = Board([("one", 2), ("two", 3)], shared=shared, rows=2)
        one, two = board.pools
        assert (one, two) == (board.pool("one"), board.pool("two"))
        for pool in (one, two):
            for name in "ab":
                pool.enrol(MemberText(f"scgi://{name}"))
            for column in (*pool.columns.values(), *pool.row.columns.values()):
                for slot in range(pool.capacity):
                    column[slot] = pool.capacity
        for pool in (one, two):
            columns = (*pool.columns.values(), *pool.row.columns.values())
            assert {number for column in columns for number in column} == {pool.capacity}
            assert pool.text(1) == MemberText("scgi://b")
        with pytest.raises(KeyError):
            board.pool("three")


def test_a_board_without_pools_is_no_problem() -> None:
    board = Board([])
    assert board.pools == []
    assert board.free_dead_rows() == 0
    assert not board.is_shared
    Board([]).copy_from(board)


def test_what_only_one_process_knows_is_its_duty() -> None:
    board = board_of("a")
    assert board.try_duty()
    assert board.free_dead_rows() == 0
    assert not board.is_shared


class TestCopying:
    """The file was read again."""

    def test_counts_rests_and_health_stay_with_their_member_in_another_order(self) -> None:
        old = board_of("a", "b", "c", shared=True)
        pool = old.pool("pool")
        pool.status[1] |= Status.ERROR
        pool.status[2] |= Status.HEALTH_FAILED
        pool.rest_until[1], pool.rests[1], pool.lbstatus[1], pool.history[2] = 77.5, 3, -40, 0b101
        pool.row.elected[1], pool.row.seconds[1], pool.row.busy[1] = 9, 1.5, 2
        pool.row.sent[1] = pool.seen[1] = 500

        new = pool_after(old, "c", "b", "d")

        assert list(members(new)) == [("c", "C"), ("b", "E"), ("d", "")]
        assert (new.rest_until[1], new.rests[1], new.lbstatus[1]) == (77.5, 3, -40)
        assert new.history.tolist()[:3] == [0b101, 0, 0]
        assert new.totals("elected")[:3] == [0, 9, 0]
        assert new.totals("seconds")[1] == 1.5
        assert new.totals("sent")[1] == new.seen[1] == 500
        assert new.totals("busy")[1] == 0  # those end on the old board

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
        ],
    )
    def test_a_state_that_was_steered_stays_and_others_are_those_of_the_file(
        self, before: str, steered: str, after: str, expected: str
    ) -> None:
        old = board_of(f"a:{before}")
        old.pool("pool").status[0] = Status.parse(steered) | Status.IN_USE
        assert list(members(pool_after(old, f"a:{after}"))) == [("a", expected)]

    def test_what_was_steered_once_stays_over_many_files(self) -> None:
        board = board_of("a", "b:D")
        board.pool("pool").status[0] |= Status.DRAIN
        board.pool("pool").status[1] &= ~Status.DISABLED
        for _ in range(3):
            new = board_of("a", "b:D")
            new.copy_from(board)
            board = new
        assert list(members(board.pool("pool"))) == [("a", "N"), ("b", "")]

    def test_an_error_that_the_file_gives_is_not_given_again(self) -> None:
        assert list(members(pool_after(board_of("a:E"), "a"))) == [("a", "E")]

    def test_a_member_that_was_added_by_hand_comes_too(self) -> None:
        old = board_of("a")
        pool = old.pool("pool")
        slot = pool.enrol(
            MemberText("scgi://hand", "rh", "ra"),
            status=Status.DRAIN,
            weight=300,
            lbset=2,
            max_connections=7,
        )
        pool.row.elected[slot] = 4
        new = pool_after(old, "b", "a")
        assert list(members(new)) == [("b", ""), ("a", ""), ("hand", "N")]
        assert new.text(2) == MemberText("scgi://hand", "rh", "ra")
        assert (new.weight[2], new.lbset[2], new.max_connections[2]) == (300, 2, 7)
        assert new.totals("elected")[2] == 4
        again = pool_after(_board_with(new), "a")
        assert list(members(again)) == [("a", ""), ("hand", "N")]

    def test_it_is_left_behind_where_there_is_no_room(self) -> None:
        old = board_of("a")
        old.pool("pool").enrol(MemberText("scgi://hand"))
        assert list(members(pool_after(old, "a", growth=0))) == [("a", "")]

    def test_a_member_that_the_file_no_longer_has_is_gone(self) -> None:
        assert list(members(pool_after(board_of("a", "b"), "b"))) == [("b", "")]

    def test_a_member_that_was_removed_by_hand_is_back_if_the_file_has_it(self) -> None:
        old = board_of("a", "b")
        old.pool("pool").remove(0)
        assert list(members(pool_after(old, "a", "b"))) == [("a", ""), ("b", "")]

    def test_a_probe_is_nobody_s_on_the_new_board(self) -> None:
        old = board_of("a:E", "b")
        old.pool("pool").probe_row[0] = 0
        assert pool_after(old, "a", "b").probe_row.tolist()[:2] == [-1, -1]

    def test_weights_routes_and_the_method_are_those_of_the_file(self) -> None:
        old = board_of("a")
        pool = old.pool("pool")
        pool.weight[0], pool.method = 900, 3
        pool.set_text(0, MemberText("scgi://a", "other"))
        new = pool_after(old, "a")
        assert (new.weight[0], new.method, new.text(0).route) == (100, 0, "ra")

    def test_pools_that_are_new_or_gone_are_no_problem(self) -> None:
        new = Board([("other", 1)], shared=False)
        new.copy_from(board_of("a"))
        assert list(members(new.pool("other"))) == []


def _board_with(pool: Pool) -> Board:
    """Return the board of a pool, as far as copying looks at it."""
    board = Board([("pool", pool.capacity)], shared=False)
    board._pools = {"pool": pool}
    return board
