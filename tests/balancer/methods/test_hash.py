"""hash: shares by weight, and nobody moves who need not."""

from array import array
from collections import Counter
from collections.abc import Sequence
from math import exp

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.balancer.pools import NAMES, make_pool, put_out, run, schedules
from wsgi_scgi.balancer.candidates import candidates
from wsgi_scgi.balancer.methods import hash as hash_module
from wsgi_scgi.balancer.methods.hash import PLACES, Hash, least_draw, place_of, seed_of
from wsgi_scgi.scoreboard.pool import MemberText, Pool

METHOD = Hash()
KEYS = [f"192.0.2.{number % 256}:{number}".encode() for number in range(4000)]


def owners(pool: Pool, keys: Sequence[bytes] = KEYS, *, without: Sequence[int] = ()) -> list[str]:
    """Return the URL of each key's member."""
    who = candidates(pool, 0.0, without=without)
    return [pool.text(METHOD.choose(who, pool, key)).url for key in keys]


def test_the_schedules_of_the_docstring() -> None:
    one, other = schedules(hash_module)
    keys = [b"%d" % number for number in range(10)]
    pool = make_pool([1, 2, 4])

    assert " ".join(url[-1] for url in owners(pool, keys)) == one
    put_out(pool, 2)
    assert " ".join(url[-1] for url in owners(pool, keys)) == other


def test_a_key_stays_where_it_is() -> None:
    pool = make_pool([1, 2, 3])
    who = candidates(pool, 0.0)

    assert len({METHOD.choose(who, pool, b"x") for _ in range(10)}) == 1
    assert owners(pool) == owners(pool)


@pytest.mark.parametrize("weights", [(1, 1), (1, 3), (1, 2, 4), (1,) * 20, (1.5, 1, 10, 100)])
def test_shares_of_the_places_follow_the_weights(weights: Sequence[float]) -> None:
    pool = make_pool(weights)
    seeds = array("Q", [seed_of(pool.text(slot).url) for slot in range(len(weights))])
    served = Counter(least_draw(seeds, array("q", pool.weight), place) for place in range(PLACES))

    for slot, weight in enumerate(weights):
        share = weight / sum(weights)
        # Four standard deviations of a share of as many draws.
        assert served[slot] / PLACES == pytest.approx(share, abs=4 * (share / PLACES) ** 0.5)


def test_keys_that_are_alike_fall_into_all_places_alike() -> None:
    many = 16 * PLACES
    for text in ("10.%d", "/users/%06d/", "session=%x"):
        filled = Counter(place_of((text % number).encode()) for number in range(many))
        assert set(filled) <= set(range(PLACES))
        # Where keys fall by chance, about e**-16 of the places stay empty and few have 40.
        assert len(filled) >= PLACES * (1 - exp(-8))
        assert max(filled.values()) < 48


def test_without_a_key_it_goes_by_requests() -> None:
    assert run(METHOD, make_pool([1, 2, 4]), 7) == "c b c a c b c"


def test_neither_order_nor_place_matters_but_the_url() -> None:
    pool = make_pool([1, 2, 4])
    other = make_pool([4, 1, 2])
    for slot, name in enumerate("cab"):
        other.set_text(slot, MemberText(f"scgi://{name}"))

    assert owners(pool) == owners(other)


def test_a_socket_whose_name_is_not_utf_8_is_a_member_like_others() -> None:
    pool = make_pool([1, 1])
    pool.set_text(0, MemberText("scgi+unix:///run/\udcff.sock"))

    assert len(set(owners(pool))) == 2


def test_whoever_was_tried_is_replaced_by_the_one_that_would_be_there_without_it() -> None:
    pool = make_pool([1, 2, 4])
    tried = owners(pool, without=(2,))
    put_out(pool, 2)

    assert tried == owners(pool)


def test_a_session_moves_the_turn_of_requests_without_a_key() -> None:
    pool = make_pool([1, 1])
    METHOD.took(candidates(pool, 0.0), pool, 0)

    assert run(METHOD, pool, 3) == "b a b"


_WEIGHTS = st.lists(st.floats(1, 100), min_size=2, max_size=8)


@given(_WEIGHTS, st.data())
def test_a_member_that_goes_takes_only_its_own_keys_with_it(
    weights: list[float], data: st.DataObject
) -> None:
    pool = make_pool(weights)
    gone = data.draw(st.integers(0, len(weights) - 1))
    keys = KEYS[:60]
    before = owners(pool, keys)
    put_out(pool, gone)
    after = owners(pool, keys)

    url = f"scgi://{NAMES[gone]}"
    assert url not in after
    assert [key for key, one, two in zip(keys, before, after, strict=True) if one != two] == [
        key for key, one in zip(keys, before, strict=True) if one == url
    ]


@given(_WEIGHTS, st.floats(1, 100), st.data())
def test_a_weight_that_grows_only_attracts(
    weights: list[float], more: float, data: st.DataObject
) -> None:
    pool = make_pool(weights)
    slot = data.draw(st.integers(0, len(weights) - 1))
    keys = KEYS[:60]
    before = owners(pool, keys)
    pool.weight[slot] += round(more * 100)

    url = f"scgi://{NAMES[slot]}"
    assert all(two in (one, url) for one, two in zip(before, owners(pool, keys), strict=True))


@given(st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=5), st.integers(0, PLACES - 1))
def test_every_place_has_a_member(seeds: list[int], place: int) -> None:
    drawn = least_draw(array("Q", seeds), array("q", [100] * len(seeds)), place)

    assert 0 <= drawn < len(seeds)
