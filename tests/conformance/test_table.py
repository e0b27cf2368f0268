"""Every case of the table can fail: gateways that do not do their work pass none."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest

from tests.conformance.case import Answer, Case, Outcome, Sees, judge
from tests.conformance.cases import CASES
from tests.conformance.run import in_short, names_of, run
from tests.kit.backend import Backend
from tests.kit.response import End, Framing, Response

# Far too short for a gateway, enough for one that answers without thinking.
BOUND = 0.05


@contextmanager
def _gateway_that_always_says(answer: bytes) -> Iterator[tuple[str, int]]:
    """Answer every request head with the same bytes, and contact no backend."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:

        def serve(sock: socket.socket) -> None:
            received = b""
            with sock:
                try:
                    while b"\r\n\r\n" not in received and (data := sock.recv(65536)):
                        received += data
                    sock.sendall(answer)
                    sock.shutdown(socket.SHUT_WR)
                    while sock.recv(65536):
                        pass
                except OSError:
                    # The client has left: nothing of it matters here.
                    return

        def accept() -> None:
            while True:
                try:
                    sock, _ = listener.accept()
                except OSError:
                    return
                sock.settimeout(10)
                threading.Thread(target=serve, args=(sock,), daemon=True).start()

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield listener.getsockname()
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(10)


def _passed(answer: bytes, cases: Sequence[Case] = CASES, bound: float = BOUND) -> set[str]:
    with Backend() as backend, _gateway_that_always_says(answer) as address:
        return {
            case.name
            for case in cases
            if not judge(case, run(case, address, backend, bound=bound), ours=True)
        }


def test_no_case_is_passed_by_a_gateway_that_always_fails() -> None:
    assert _passed(b"HTTP/1.1 599 Never\r\nContent-Length: 0\r\n\r\n") == set()


def test_no_case_is_passed_by_a_gateway_that_never_answers() -> None:
    assert _passed(b"") == set()


def test_no_case_but_that_without_a_backend_is_passed_by_one_that_always_says_yes() -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Type: text/plain\r\n\r\nok"
    without = "options_asterisk_is_answered_here"
    assert _passed(answer) <= {without}
    # That it is passed may take its time.
    assert _passed(answer, [case for case in CASES if case.name == without], 30.0) == {without}


def test_no_name_is_there_twice() -> None:
    assert len(names_of(CASES)) == len(CASES)
    with pytest.raises(ValueError, match="two cases are called"):
        names_of([CASES[0], CASES[0]])


_RESPONSE = Response(
    status=200,
    reason="OK",
    version="HTTP/1.1",
    headers=(("X-A", "1"), ("X-A", "2")),
    body=b"body",
    framing=Framing.LENGTH,
    complete=True,
    interim=(),
    violations=(),
)


def _outcome(*responses: Response | None, end: End = End.EOF, extra: bytes = b"") -> Outcome:
    return Outcome(responses, extra, end, (), ())


def _case(answer: Answer) -> Case:
    return Case("a_case", b"", answer, ())


def test_an_answer_as_demanded_is_not_complained_of() -> None:
    answer = Answer(
        (200, 201),
        reason="OK",
        headers={"x-a": ("1", "2"), "X-B": ()},
        without=("X-B",),
        body=b"body",
        framing=Framing.LENGTH,
    )
    assert judge(_case(answer), _outcome(_RESPONSE), ours=True) == []


@pytest.mark.parametrize(
    ("answer", "complaint"),
    [
        (Answer(404), "status 200"),
        (Answer((201, 404)), "status 200"),
        (Answer(200, reason="Fine"), "reason 'OK'"),
        (Answer(200, headers={"X-A": "1"}), "X-A: ('1', '2')"),
        (Answer(200, headers={"X-B": "1"}), "X-B: ()"),
        (Answer(200, without=("x-a",)), "is there"),
        (Answer(200, body=b"other"), "body b'body'"),
        (Answer(200, framing=Framing.CHUNKED), "framing length"),
        (Answer(200, complete=False), "looks complete"),
        (Answer(200, interim=(103,)), "interim ()"),
        (Answer(200, check=lambda _: "a special complaint"), "a special complaint"),
    ],
)
def test_each_demand_on_an_answer_is_looked_at(answer: Answer, complaint: str) -> None:
    assert complaint in "; ".join(judge(_case(answer), _outcome(_RESPONSE), ours=True))


@pytest.mark.parametrize(
    ("outcome", "complaint"),
    [
        (_outcome(None), "answer 0: none"),
        (_outcome(_RESPONSE, _RESPONSE), "an answer where none may come"),
        (_outcome(_RESPONSE, extra=b"x"), "bytes behind the answer"),
        (_outcome(_RESPONSE, end=End.OPEN), "connection open"),
        (Outcome((_RESPONSE,), b"", End.EOF, (), ("client: a note",)), "a note"),
    ],
)
def test_each_oddity_of_the_connection_is_looked_at(outcome: Outcome, complaint: str) -> None:
    assert complaint in "; ".join(judge(_case(Answer(200)), outcome, ours=True))


def test_a_connection_that_was_cut_before_the_answer_may_be_allowed() -> None:
    case = _case(Answer(200, complete=False, or_nothing=True))
    assert judge(case, _outcome(None), ours=True) == []
    assert judge(case, _outcome(None, end=End.RESET), ours=True) == []
    assert judge(case, _outcome(_RESPONSE), ours=True) == ["answer 0: looks complete"]
    assert "answer 0: none, connection still open" in judge(
        case, _outcome(None, end=End.OPEN), ours=True
    )


def test_an_error_page_that_tells_an_address_is_complained_of() -> None:
    page = Response(502, "Bad", "HTTP/1.1", (), b"at 127.0.0.1:4711", Framing.CLOSE, True, (), ())
    outcome = Outcome((page,), b"", End.EOF, (), (), secrets=("4711",))
    assert judge(_case(Answer(502)), outcome, ours=True) == ["answer 0 tells '4711'"]


def test_the_digits_of_a_port_within_an_id_tell_no_address() -> None:
    page = Response(502, "Bad", "HTTP/1.1", (), b"ab4711cd", Framing.CLOSE, True, (), ())
    outcome = Outcome((page,), b"", End.EOF, (), (), secrets=("4711", ".invalid"))
    assert judge(_case(Answer(502)), outcome, ours=True) == []


@pytest.mark.parametrize("secret", [".invalid", "/tmp/a.sock"])
def test_an_error_page_that_tells_a_name_or_a_path_is_complained_of(secret: str) -> None:
    body = f"no x{secret}x".encode()
    page = Response(502, "Bad", "HTTP/1.1", (), body, Framing.CLOSE, True, (), ())
    outcome = Outcome((page,), b"", End.EOF, (), (), secrets=(secret,))
    assert judge(_case(Answer(502)), outcome, ours=True) == [f"answer 0 tells {secret!r}"]


def test_a_missing_contact_is_complained_of() -> None:
    for seen in (Sees(), None):
        case = Case("a_case", b"", Answer(200), seen)
        assert judge(case, _outcome(_RESPONSE), ours=True) != []


def test_what_happened_is_told_in_short() -> None:
    case = Case("a_case", b"", Answer(200), show=("X-A", "HTTP_X"))
    assert in_short(case, _outcome(_RESPONSE)) == "200 X-A: 1 | 2, backend x0"
    assert in_short(case, _outcome(None)) == "no answer, backend x0"
    assert in_short(case, _outcome(None, end=End.OPEN)) == "hangs, backend x0"
