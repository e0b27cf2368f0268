"""A pool: members at their places, rows of processes, and when a picture of them is stale."""

import threading
from collections.abc import Callable

import pytest

from tests.transports import BOUND
from wsgi_scgi.scoreboard.board import Board
from wsgi_scgi.scoreboard.layout import MEMBER_COLUMNS, ROUTE_SIZE, URL_SIZE
from wsgi_scgi.scoreboard.pool import NO_PROBE, MemberText, Pool
from wsgi_scgi.scoreboard.status import Status


def pool_of(capacity: int) -> Pool:
    return Board([("before", 3), ("pool", capacity), ("after", 2)], shared=False).pool("pool")


class TestTexts:
    """URL, route and redirect."""

    @pytest.mark.parametrize(
        "text",
        [
            MemberText("scgi://a"),
            MemberText("scgi://a", "r1", "r2"),
            MemberText("scgi+unix:///run/ä\udcff.sock", "ö", "ü"),
            MemberText("u" * URL_SIZE, "r" * ROUTE_SIZE, "d" * ROUTE_SIZE),
        ],
    )
    def test_they_come_back_whatever_lies_beside_them(self, text: MemberText) -> None:
        pool = pool_of(3)
        for slot, each in enumerate((MemberText("x" * URL_SIZE), text, MemberText("scgi://z"))):
            assert pool.enrol(each) == slot
        assert pool.text(1) == text
        assert pool.text(2) == MemberText("scgi://z")

    def test_a_shorter_one_leaves_nothing_of_a_longer(self) -> None:
        pool = pool_of(1)
        pool.enrol(MemberText("scgi://long", "route", "redirect"))
        assert pool.text(0).route == "route"
        pool.set_text(0, MemberText("scgi://a"))
        assert pool.text(0) == MemberText("scgi://a")

    @pytest.mark.parametrize(
        ("texts", "cause"),
        [
            (("u" * (URL_SIZE + 1),), "url is longer than 511 bytes"),
            (("u", "ä" * 48), "route is longer than 95 bytes"),
            (("u", "r", "d" * 96), "redirect is longer than 95 bytes"),
            (("u\0",), "url contains NUL"),
            (("u", "r", "\0"), "redirect contains NUL"),
        ],
    )
    def test_what_does_not_fit_is_refused(self, texts: tuple[str, ...], cause: str) -> None:
        with pytest.raises(ValueError, match=cause):
            MemberText(*texts)


class TestPlaces:
    """Members come and go."""

    def test_a_member_gets_the_first_free_place_with_what_is_said_of_it(self) -> None:
        pool = pool_of(3)
        pool.enrol(MemberText("scgi://a"))
        slot = pool.enrol(
            MemberText("scgi://b"),
            status=Status.DRAIN,
            weight=250,
            lbset=7,
            max_connections=9,
        )
        said = (pool.status[1], pool.weight[1], pool.lbset[1], pool.max_connections[1])
        assert (slot, said) == (1, (Status.DRAIN | Status.IN_USE, 250, 7, 9))
        assert pool.probe_row[1] == NO_PROBE

    def test_a_full_pool_takes_no_more(self) -> None:
        pool = pool_of(1)
        pool.enrol(MemberText("scgi://a"))
        with pytest.raises(ValueError, match="all 1 places of pool are taken"):
            pool.enrol(MemberText("scgi://b"))

    def test_nothing_of_the_earlier_member_is_left_at_a_place(self) -> None:
        pool = pool_of(2)
        pool.enrol(MemberText("scgi://a", "r"))
        pool.enrol(MemberText("scgi://b"))
        row = pool.row
        for column in pool.columns.values():
            column[0] = column[1] = 77
        for name, column in row.columns.items():
            column[0] = 0 if name == "busy" else 5
            column[1] = 6
        pool.remove(0)
        assert pool.enrol(MemberText("scgi://c")) == 0
        fresh = {"status", "weight", "probe_row"}
        for name in MEMBER_COLUMNS.keys() - fresh:
            assert (pool.columns[name][0], pool.columns[name][1]) == (0, 77), name
        assert {
            name: (pool.totals(name)[0], pool.totals(name)[1]) for name in row.columns
        } == dict.fromkeys(row.columns, (0, 6))
        assert pool.text(0) == MemberText("scgi://c")

    def test_a_place_where_nobody_is_busy_is_taken_first(self) -> None:
        pool = pool_of(3)
        for name in "abc":
            pool.enrol(MemberText(f"scgi://{name}"))
        row = pool.row
        row.busy[0] = 1
        pool.remove(0)
        pool.remove(2)
        assert pool.enrol(MemberText("scgi://d")) == 2
        assert pool.enrol(MemberText("scgi://e")) == 0
        assert pool.totals("busy") == [1, 0, 0]

    def test_a_removed_member_has_no_limit_that_anybody_could_reach(self) -> None:
        pool = pool_of(1)
        pool.enrol(MemberText("scgi://a"), max_connections=1)
        pool.remove(0)
        assert (pool.status[0], pool.max_connections[0]) == (0, 0)


@pytest.mark.parametrize(
    ("change", "texts_change"),
    [
        (lambda pool: pool.enrol(MemberText("scgi://b")), True),
        (lambda pool: pool.remove(0), True),
        (lambda pool: pool.set_text(0, MemberText("scgi://c")), True),
        (lambda pool: pool.bump(), False),
    ],
)
def test_who_is_a_member_and_all_else_that_changes_seldom_have_numbers_of_their_own(
    change: Callable[[Pool], object], texts_change: bool
) -> None:
    pool = pool_of(2)
    pool.enrol(MemberText("scgi://a"))
    roster, epoch = pool.roster, pool.epoch
    change(pool)
    assert (pool.roster > roster) is texts_change
    assert (pool.epoch > epoch) is not texts_change


def test_the_method_is_a_word_of_the_pool() -> None:
    pool = pool_of(1)
    pool.method = 4
    assert (pool.method, pool.epoch, pool.rows_used) == (4, 0, 0)


class TestRows:
    """What processes count."""

    def test_totals_are_sums_of_all_rows(self) -> None:
        board = Board([("pool", 2)], rows=3)
        pool = board.pool("pool")
        assert pool.totals("sent") == [0, 0]
        pool.row.sent[1] = 5
        assert pool.totals("sent") == [0, 5]
        pool.words[3] = 3
        pool.row_of(2).sent[1] = 7
        pool.row_of(1).seconds[0] = 0.5
        assert pool.totals("sent") == [0, 12]
        assert pool.totals("seconds") == [0.5, 0.0]

    def test_nobody_is_busy_in_a_row_that_is_freed_and_its_sums_stay(self) -> None:
        pool = Board([("pool", 2)], rows=3).pool("pool")
        for name in "ab":
            pool.enrol(MemberText(f"scgi://{name}"))
        row = pool.row_of(2)
        assert not pool.free_row(2)
        row.busy[1], row.sent[1] = 4, 9
        assert pool.free_row(2)
        assert (row.busy.tolist(), row.sent.tolist()) == ([0, 0], [0, 9])
        assert pool.epoch == 0

    def test_the_probes_of_a_row_that_is_freed_are_over(self) -> None:
        pool = Board([("pool", 3)], rows=3).pool("pool")
        for name in "abc":
            pool.enrol(MemberText(f"scgi://{name}"))
        pool.probe_row[0], pool.probe_row[2] = 2, 1
        assert not pool.free_row(2)
        assert pool.probe_row.tolist() == [NO_PROBE, NO_PROBE, 1]
        assert pool.epoch == 1

    def test_all_threads_count_in_one_row_with_one_lock(self) -> None:
        for _ in range(50):
            pool = Board([("pool", 1)], rows=3).pool("pool")
            start = threading.Barrier(4)
            rows: list[object] = []

            def count(
                pool: Pool = pool, start: threading.Barrier = start, rows: list[object] = rows
            ) -> None:
                start.wait(BOUND)
                row = pool.row
                with row.lock:
                    row.busy[0] += 1
                rows.append(row)

            threads = [threading.Thread(target=count) for _ in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(BOUND)
            assert len(rows) == 4
            assert len({id(row) for row in rows}) == 1
            assert pool.totals("busy") == [4]
