"""Cases: backends that answer early, late or never, clients that leave, addresses that fail."""

from __future__ import annotations

from tests.conformance.case import OK, Answer, Case, Sees
from tests.conformance.cases_variables import FINE
from tests.conformance.requests import get, head_of_post, post
from tests.conformance.routes import QUICK
from tests.kit.gates import Open, Wait
from tests.kit.http import Await, Break, HalfClose, Send, SendReading, SendUntilHeld
from tests.kit.response import End
from tests.kit.script import (
    Close,
    Drip,
    DripUntilCut,
    ExpectOpen,
    ReadBody,
    ReadHead,
    ReadToEnd,
    Reply,
    Reset,
    Write,
    WriteUntilCut,
    play,
)

_HEAD = b"Status: 200 OK\r\nContent-Type: text/plain\r\n\r\n"
_TOO_LARGE = b"Status: 413 Too Large\r\nContent-Length: 5\r\n\r\nlarge"
_8_MIB = b"0123456789abcdef" * (512 * 1024)
_64_MIB = _8_MIB * 8
_POST = ("POST",)
_NO_DUPLEX = "Apache reads no answer while it still sends the body."

_EARLY = (
    Case(
        "an_answer_before_the_body_was_read_is_heard",
        (SendReading(post("/stream/x", _8_MIB)),),
        Answer(413, body=b"large"),
        Sees(),
        backend=play(ReadHead(), Write(_TOO_LARGE), Close()),
        methods=_POST,
        differs=_NO_DUPLEX,
    ),
    Case(
        "an_answer_and_a_reset_before_the_body_was_read_is_heard",
        (
            Send(head_of_post("/stream/x", 8)),
            Wait("answered"),
            Await(b"large"),
            Send(b"12345678"),
        ),
        Answer(413, body=b"large"),
        Sees(),
        backend=play(ReadHead(), Write(_TOO_LARGE), Open("answered"), ReadToEnd()),
        methods=_POST,
        differs=_NO_DUPLEX,
    ),
    Case(
        "a_small_body_that_nobody_reads_spoils_no_answer",
        post("/a/x", b"hello"),
        FINE,
        Sees(),
        backend=play(ReadHead(), Write(OK), Close()),
        methods=_POST,
        differs="Apache may make a 500 of the complete 200 when the backend resets.",
    ),
    Case(
        "an_answer_while_the_backend_goes_on_reading_is_heard",
        (Send(head_of_post("/stream/x", 6) + b"abc"), Await(b"ok"), Send(b"def")),
        FINE,
        Sees(),
        backend=play(ReadHead(), ReadBody(3), Write(OK), ReadToEnd()),
        methods=_POST,
        differs="nginx and lighttpd, where they buffer, wait for the whole body.",
    ),
    Case(
        "8_mib_both_ways_do_not_dead_lock",
        (SendReading(post("/stream/x", _8_MIB)),),
        Answer(200, body=_8_MIB),
        Sees(body=_8_MIB),
        backend=play(ReadHead(), Write(_HEAD + _8_MIB), ReadBody()),
        methods=_POST,
        differs=_NO_DUPLEX,
    ),
    Case(
        "a_backend_that_does_not_read_holds_the_client_back",
        (SendUntilHeld(post("/stream/x", _64_MIB), "held back"),),
        FINE,
        Sees(),
        backend=play(ReadHead(), Wait("held back"), ReadBody(), Write(OK)),
        methods=_POST,
        differs="nginx may send less than it announced where it does not buffer.",
    ),
    Case(
        "a_reset_while_the_body_is_sent_is_502",
        (SendReading(post("/stream/x", _8_MIB)),),
        Answer(502),
        Sees(),
        backend=play(ReadHead(), ReadBody(1000), Reset()),
        methods=_POST,
        differs="Apache answers 503.",
    ),
    Case(
        "a_backend_that_never_reads_is_504",
        (SendReading(post("/quick/x", _8_MIB)),),
        Answer(504),
        Sees(cut=True),
        backend=play(ReadHead(), Wait("never"), ReadToEnd()),
        methods=_POST,
        differs="Apache answers 503.",
        timed=True,
    ),
)

_LATE = (
    Case(
        "a_silent_backend_is_504",
        get("/quick/x"),
        Answer(504),
        Sees(),
        backend=play(ReadHead(), ReadToEnd()),
        smoke=True,
    ),
    Case(
        "a_backend_silent_inside_its_head_is_504",
        get("/quick/x"),
        Answer(504),
        Sees(),
        backend=play(ReadHead(), Write(b"Status: 200 OK\r\nX-A"), ReadToEnd()),
    ),
    Case(
        "a_silent_backend_is_504_at_the_deadline",
        get("/deadline/x"),
        Answer(504),
        Sees(),
        backend=play(ReadHead(), ReadToEnd()),
        differs="The peers limit each read, not the exchange.",
    ),
    Case(
        "a_body_that_goes_beyond_the_deadline_is_visibly_cut",
        get("/deadline/x"),
        Answer(200, complete=False),
        backend=play(ReadHead(), Write(_HEAD), DripUntilCut(b"x", pause=QUICK / 20)),
        differs="The peers limit each read, not the exchange.",
        timed=True,
    ),
    Case(
        "a_head_that_trickles_in_for_ever_is_504",
        get("/quick/x"),
        Answer(504),
        Sees(),
        backend=play(ReadHead(), DripUntilCut(b"X-A: 1\r\n", pause=QUICK / 10)),
        differs="The peers limit each read, not the head.",
    ),
    Case(
        "a_slow_body_may_take_longer_than_the_time_limit",
        get("/quick/x"),
        Answer(200, body=b"slow and steady"),
        backend=play(ReadHead(), Write(_HEAD), Drip(b"slow and steady", pause=QUICK / 10)),
        timed=True,
    ),
    Case(
        "the_sending_side_stays_open_after_the_request",
        post("/a/x", b"hello"),
        FINE,
        Sees(body=b"hello"),
        # The seconds only have to be enough for a FIN that was sent with the body.
        backend=play(ReadHead(), ReadBody(), ExpectOpen(0.2), Write(OK)),
        methods=_POST,
    ),
)

_CLIENT_LEAVES = (
    Case(
        "a_client_that_half_closes_is_answered",
        (Send(get("/patient/x")), Wait("head"), HalfClose(), Open("half closed")),
        FINE,
        Sees(),
        backend=play(ReadHead(), Open("head"), Wait("half closed"), ExpectOpen(0.2), Write(OK)),
        differs="nginx takes FIN for the end of the client.",
    ),
    Case(
        "a_client_that_half_closes_at_once_is_answered",
        (Send(get("/forgiving/x")), HalfClose()),
        FINE,
        Sees(),
        differs="nginx takes FIN for the end of the client.",
        smoke=True,
    ),
    Case(
        "a_client_that_half_closes_after_its_body_is_answered",
        (Send(post("/forgiving/x", b"hello")), HalfClose()),
        FINE,
        Sees(body=b"hello"),
        methods=_POST,
        differs="nginx takes FIN for the end of the client.",
    ),
    Case(
        "a_client_that_resets_ends_a_silent_backend_s_connection",
        (Send(get("/a/x")), Wait("head"), Break()),
        (),
        Sees(),
        backend=play(ReadHead(), Open("head"), ReadToEnd()),
        client_stays=False,
        differs="Apache and lighttpd hold the backend until it answers.",
    ),
    Case(
        "a_client_that_only_sent_fin_is_gone_after_a_while",
        (Send(get("/a/x")), Wait("head"), HalfClose()),
        (),
        Sees(),
        backend=play(ReadHead(), Open("head"), ReadToEnd()),
        methods=(),
        client_stays=False,
        differs="Apache and lighttpd hold the backend until it answers.",
    ),
    Case(
        "a_client_that_resets_while_it_receives_ends_the_backend_s_connection",
        (Send(get("/stream/x")), Await(b"0123456789abcdef"), Break()),
        (),
        Sees(),
        backend=play(ReadHead(), Write(_HEAD), WriteUntilCut(b"0123456789abcdef" * 256)),
        client_stays=False,
    ),
    Case(
        "a_client_that_resets_between_two_pieces_ends_the_backend_s_connection",
        (Send(get("/stream/x")), Await(b"one"), Break()),
        (),
        Sees(),
        backend=play(ReadHead(), Write(_HEAD + b"one"), ReadToEnd()),
        client_stays=False,
        differs="Apache and lighttpd notice it only when they write again.",
    ),
)

_ADDRESSES = (
    Case(
        "a_refused_connection_is_503",
        get("/refused/x"),
        Answer(503),
        (),
        smoke=True,
        differs="nginx answers 502.",
    ),
    Case(
        "a_missing_socket_is_503", get("/nosocket/x"), Answer(503), (), differs="nginx answers 502."
    ),
    Case(
        "a_name_that_does_not_resolve_is_502",
        get("/noname/x"),
        Answer(502),
        (),
        differs="Apache answers 500; lighttpd does not start with such a name.",
    ),
    Case(
        "a_connection_that_is_not_accepted_in_time_is_504",
        get("/full/x"),
        Answer(504),
        (),
        differs="Apache and lighttpd answer 503.",
    ),
    Case(
        "a_failure_does_not_put_the_lone_backend_out_of_service",
        get("/a/x"),
        FINE,
        # The table is run in order: many failures of this backend lie behind this case.
        Sees(),
        backend=Reply(OK),
        client_end=End.EOF,
    ),
)

CASES = (*_EARLY, *_LATE, *_CLIENT_LEAVES, *_ADDRESSES)
