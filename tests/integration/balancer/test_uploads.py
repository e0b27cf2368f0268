"""Bodies on their way to a member that fails: whole at another one, or nowhere twice."""

from __future__ import annotations

from functools import partial

from tests.integration.backends.process import wait_for
from tests.integration.balancer.conftest import NewMember, Start
from tests.integration.balancer.members import BOUND, Member
from tests.integration.balancer.sites import Lines
from tests.kit.http import Client

SIZES = (8, 64, 2048, 4096, 5 << 20)
BUFFERED = "buffer_request = true"
PATTERN = bytes(range(256))


def body_of(size: int) -> bytes:
    return (PATTERN * (size // 256 + 1))[:size]


def bodies(member: Member) -> list[bytes]:
    """Return the bodies that have come to a member, as far as they came."""
    return [request.body for request in member.requests]


def test_a_streamed_body_is_whole_where_the_first_member_is_dead(
    start: Start, new_member: NewMember
) -> None:
    # Without a rest every second request begins at the dead one.
    dead, alive = new_member("x", up=False), new_member("b")
    site = start([dead, alive], Lines(balancer="retry = 0.0"))
    for size in SIZES:
        for method in ("POST", "PUT"):
            assert site.ask(method, body=body_of(size)).word == "b"
            assert site.ask(method, body=body_of(size), chunked=True).word == "b"
            assert bodies(alive)[-2:] == [body_of(size)] * 2
    assert site.gateway.log().count("; trying scgi://") >= len(SIZES)


def test_a_spooled_body_is_sent_again_after_a_reset(start: Start, new_member: NewMember) -> None:
    first, second = new_member("a"), new_member("b")
    site = start([first, second], Lines(balancer="max_fails = 100", workers=1))
    for number, size in enumerate(SIZES, 1):
        # Every second request begins at the first member.
        for _ in range(2):
            assert site.ask("PUT", do="a=reset", body=body_of(size), chunked=True).word == "b"
        assert len(first.requests) == number
        assert bodies(second)[-2:] == [body_of(size)] * 2


def test_a_body_that_was_begun_is_not_sent_twice(start: Start, new_member: NewMember) -> None:
    first, second = new_member("a"), new_member("b")
    lines = 'max_fails = 100\nmethod = "hash"\nhash_key = "path"'
    site = start([first, second], Lines(balancer=lines, workers=1))
    target = next(f"/{n}" for n in range(100) if site.ask("GET", f"/{n}").word == "a")
    asked = len(first.requests)
    before = len(second.requests)
    for method, chunked in (
        ("PUT", False),  # the body is gone
        ("POST", False),
        ("POST", True),  # it may have been done
    ):
        answer = site.ask(method, target, do="a=reset", body=body_of(4096), chunked=chunked)
        assert answer.word == "502"
    assert len(first.requests) == asked + 3
    assert len(second.requests) == before


def test_a_buffered_body_is_sent_again(start: Start, new_member: NewMember) -> None:
    first, second = new_member("a"), new_member("b")
    site = start([first, second], Lines(route=BUFFERED, workers=1))
    assert site.ask("PUT", do="a=reset", body=body_of(5 << 20)).word == "b"
    assert len(first.requests) == 1
    assert bodies(second) == [body_of(5 << 20)]
    # A POST may have been done, whole as its body is.
    assert site.ask("POST", do="a=reset, b=reset", body=body_of(4096)).word == "502"
    assert len(first.requests) + len(second.requests) == 3


def test_a_client_that_breaks_off_is_blamed_on_no_member(start: Start, abc: list[Member]) -> None:
    a, b = members = abc[:2]
    site = start(members, Lines(balancer="force_recovery = false\nmax_fails = 1", workers=1))
    for member in (a, b, a):
        before = len(member.requests)
        with Client(site.gateway.address) as client:
            client.send(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\nten bytes.")
            wait_for(partial(has_more, member, before), "the upload", BOUND)
            client.reset()
        ended = member.connections[-1]
        assert ended.wait_done(BOUND)
        assert len(ended.request.body) <= 10
    assert [site.get() for _ in range(4)] == ["b", "a", "b", "a"]


def has_more(member: Member, requests: int) -> bool:
    return len(member.requests) > requests
