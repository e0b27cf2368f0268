"""The board as a whole: its pools, and which of them a newer one has too."""

import pytest

from wsgi_scgi.scoreboard.board import Board
from wsgi_scgi.scoreboard.pool import MemberText


def pools_of(*pools: tuple[str, int], older: Board | None = None, shared: bool = True) -> Board:
    return Board(pools, shared=shared, rows=4, older=older)


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
    assert Board([], older=board).pools == []


def test_what_only_one_process_knows_is_its_duty() -> None:
    board = pools_of(("pool", 1), shared=False)
    assert board.try_duty()
    assert board.free_dead_rows() == 0
    assert not board.is_shared


class TestANewerBoard:
    """The file was read again."""

    @pytest.mark.parametrize("shared", [False, True])
    def test_pools_of_the_same_size_are_the_same(self, shared: bool) -> None:
        old = pools_of(("a", 1), ("b", 2), ("gone", 3), shared=shared)
        new = pools_of(("b", 2), ("new", 1), ("a", 2), older=old, shared=shared)
        assert [pool.name for pool in new.pools] == ["b", "new", "a"]
        assert new.pool("b") is old.pool("b")
        assert new.pool("a") is not old.pool("a")
        assert new.find("gone") is None

    def test_its_further_pools_have_locks_and_memory_of_their_own(self) -> None:
        old = pools_of(("a", 1))
        new = pools_of(("a", 1), ("b", 1), older=old)
        one, two = new.pools
        two.enrol(MemberText("scgi://b"))
        assert one.status[0] == 0
        with one.lock, two.lock:
            pass

    def test_a_process_counts_in_one_row_of_old_pools_and_new_ones(self) -> None:
        old = pools_of(("a", 1))
        old.pool("a").row.busy[0] = 3
        new = pools_of(("a", 1), ("b", 1), older=old)
        assert new.pool("b").row.number == old.pool("a").row.number == 0
        assert new.pool("a").totals("busy") == [3]

    def test_where_sharing_has_changed_nothing_is_the_same(self) -> None:
        old = pools_of(("a", 1), shared=False)
        assert pools_of(("a", 1), older=old).pool("a") is not old.pool("a")

    def test_its_processes_take_the_duties_away_from_those_of_the_older_one(self) -> None:
        old = pools_of(("a", 1))
        assert old.try_duty()
        new = pools_of(("a", 1), older=old)
        assert old.try_duty()  # nobody has the newer one yet, and perhaps nobody ever will
        assert new.try_duty()
        assert not old.try_duty()
