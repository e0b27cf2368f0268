"""All methods: their names, their numbers on the board, and that each chooses a candidate."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.balancer.pools import make_pool, put_out
from wsgi_scgi.balancer.candidates import candidates
from wsgi_scgi.balancer.methods import METHODS, Method


def test_the_names_and_their_order_which_boards_keep() -> None:
    assert [method.name for method in METHODS] == [
        "byrequests",
        "bytraffic",
        "bybusyness",
        "leastconn",
        "twochoices",
        "hash",
    ]


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
@given(
    members=st.lists(st.tuples(st.floats(1, 100), st.booleans()), min_size=1, max_size=9),
    sizes=st.lists(st.integers(0, 5000), min_size=1, max_size=5),
    key=st.binary(max_size=2),
)
def test_whatever_the_method_a_candidate_is_chosen_and_the_counters_add_up(
    method: Method, members: list[tuple[float, bool]], sizes: list[int], key: bytes
) -> None:
    pool = make_pool([weight for weight, _ in members])
    # The first is always there.
    put_out(pool, *(slot for slot, (_, out) in enumerate(members) if out and slot))
    who = candidates(pool, 0.0)
    for size in sizes:
        chosen = method.choose(who, pool, key)
        assert chosen in who.slots
        pool.row.busy[chosen] += 1
        pool.row.received[chosen] += size
        method.took(who, pool, size % len(members))
    assert sum(pool.lbstatus) == 0
