"""What a case of the table is, what was seen when it ran, and how the two are compared."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from tests.kit.backend import BackendConnection, PeerEnd, Script
from tests.kit.http import Step
from tests.kit.netstring import SCGIRequest
from tests.kit.response import End, Framing, Response
from tests.kit.script import Reply, ReplyFrom

OK = b"Status: 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok"
DEFAULT_REPLY = Reply(OK)
PEERS = ("Apache", "nginx", "lighttpd")
# What no backend may ever see, whatever the case.
NEVER_SENT = (
    "HTTP_PROXY",
    "HTTP_CONNECTION",
    "HTTP_CONTENT_LENGTH",
    "HTTP_CONTENT_TYPE",
    "HTTP_EXPECT",
    "HTTP_PROXY_AUTHORIZATION",
    "HTTP_TRANSFER_ENCODING",
    "PATH",
    "LD_LIBRARY_PATH",
    "GATEWAY_PROCESS_SECRET",
)


def reply(data: bytes) -> ReplyFrom:
    """Return a script that answers with ``data``, in which ``@NAME@`` is a variable's value.

    Thus a backend names files and addresses that exist only while the table runs.
    """

    def fill(request: SCGIRequest) -> bytes:
        return re.sub(
            b"@([A-Z_]+)@", lambda found: request.get(found[1].decode()) or found[0], data
        )

    return ReplyFrom(fill)


@dataclass(frozen=True, slots=True)
class Sees:
    """What one connection of the gateway has to bring to the backend."""

    has: Mapping[str, str | bytes] = field(default_factory=dict)
    lacks: Sequence[str] = ()
    body: bytes | None = None
    # True: the gateway breaks off before the body is complete, and the backend can tell.
    cut: bool = False
    check: Callable[[SCGIRequest], str | None] | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What the client has to get for one request; what is None is not looked at."""

    status: int | tuple[int, ...]
    reason: str | None = None
    # A tuple as value: all fields of that name, in this order.
    headers: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict)
    without: Sequence[str] = ()
    body: bytes | None = None
    framing: Framing | None = None
    # False: the response has to be visibly incomplete.
    complete: bool = True
    # True: the connection may also end without a byte, which is no less visible.
    or_nothing: bool = False
    interim: Sequence[int] = ()
    check: Callable[[Response], str | None] | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """One row of the table.

    ``send`` is a request or the steps of a client; ``backend`` one script or one for each
    connection. ``seen`` has one entry for each connection the backend must see, none where it
    must see none, and is None where there must be one and what it brings is not the matter.
    ``answers`` is empty where the client must get nothing at all, or is gone.
    """

    name: str
    send: bytes | Sequence[Step]
    answers: Answer | Sequence[Answer]
    seen: Sees | Sequence[Sees] | None = Sees()
    backend: Script | Sequence[Script] = DEFAULT_REPLY
    methods: Sequence[str] = ("GET",)
    # The variables and fields of which the printed table shows the value.
    show: Sequence[str] = ()
    # Why a peer that does otherwise is not followed.
    differs: str = ""
    # The peers that have what the case is about.
    peers: Sequence[str] = PEERS
    smoke: bool = False
    # False: the client is gone and there is no answer to judge.
    client_stays: bool = True
    # How the gateway has to close the client's connection, where that is the matter.
    client_end: End | None = None
    # True: a machine that pauses may use up a time limit of the gateway that is not the matter, so
    # that one run of several has to be as demanded. What the case is about fails in all of them.
    timed: bool = False

    @property
    def expected_answers(self) -> Sequence[Answer]:
        """Return the answers as a sequence."""
        return (self.answers,) if isinstance(self.answers, Answer) else self.answers

    @property
    def expected_connections(self) -> Sequence[Sees] | None:
        """Return what the connections must bring as a sequence, None if anything will do."""
        return (self.seen,) if isinstance(self.seen, Sees) else self.seen

    @property
    def scripts(self) -> Sequence[Script]:
        """Return the backend's scripts as a sequence."""
        return (self.backend,) if callable(self.backend) else self.backend


@dataclass(frozen=True, slots=True)
class Outcome:
    """What happened when a case ran: at the client, at the backend, and what went wrong."""

    responses: tuple[Response | None, ...]
    extra: bytes
    end: End
    connections: tuple[BackendConnection, ...]
    notes: tuple[str, ...]
    secrets: tuple[str, ...] = ()
    # All that the client received, and what may never be in it.
    received: bytes = b""
    private: tuple[bytes, ...] = ()


def judge(case: Case, outcome: Outcome, *, ours: bool) -> list[str]:
    """Return everything in which ``outcome`` is not what ``case`` demands; empty if nothing.

    Only of our own gateway (``ours``) is asked what we promise for all requests alike.
    """
    wrong = list(outcome.notes)
    if case.client_stays:
        wrong += _judge_client(case, outcome)
    wrong += [
        f"the client was told {text!r}" for text in outcome.private if text in outcome.received
    ]
    if case.expected_connections is not None:
        wrong += _judge_backend(case.expected_connections, outcome)
    elif not outcome.connections:
        wrong.append("the backend was not contacted")
    if ours:
        for connection in outcome.connections:
            if connection.received:
                wrong += _promises_broken(connection.request)
    return wrong


def _promises_broken(request: SCGIRequest) -> list[str]:
    wrong = [f"{name}={request.get(name)!r} came" for name in request.names if name in NEVER_SENT]
    if request.names[:2] != ("CONTENT_LENGTH", "SCGI"):
        wrong.append(f"starts with {request.names[:2]}")
    return wrong


def _judge_client(case: Case, outcome: Outcome) -> list[str]:
    wrong: list[str] = []
    answers = case.expected_answers
    for number, answer in enumerate(answers):
        response = outcome.responses[number] if number < len(outcome.responses) else None
        if response is None:
            if not (answer.or_nothing and not outcome.received and outcome.end is not End.OPEN):
                wrong.append(f"answer {number}: none, connection {outcome.end.value}")
        else:
            wrong += [f"answer {number}: {text}" for text in _judge_answer(answer, response)]
            wrong += [
                f"answer {number} tells {s!r}" for s in outcome.secrets if _tells(response, s)
            ]
    for response in outcome.responses[len(answers) :]:
        if response is not None:
            wrong.append(f"an answer where none may come: {response.status}")
    if outcome.extra:
        wrong.append(f"bytes behind the answer: {outcome.extra[:60]!r}")
    if case.client_end is not None and outcome.end is not case.client_end:
        wrong.append(f"the client's connection ended by {outcome.end.value}")
    if outcome.end is End.OPEN:
        wrong.append("the gateway left the client's connection open")
    return wrong


def _tells(response: Response, secret: str) -> bool:
    """Tell whether an error page of ours gives away the address of a backend.

    A port is looked for as a number of its own: its digits may be among those of a request id.
    """
    text = re.escape(secret.encode())
    if secret.isdigit():
        text = rb"\b" + text + rb"\b"
    return response.status >= 500 and re.search(text, response.body) is not None


def _judge_answer(answer: Answer, response: Response) -> list[str]:
    wrong = list(response.violations)
    statuses = (answer.status,) if isinstance(answer.status, int) else answer.status
    if response.status not in statuses:
        wrong.append(f"status {response.status} {response.reason!r}, not {answer.status}")
        return wrong
    if answer.reason is not None and response.reason != answer.reason:
        wrong.append(f"reason {response.reason!r}, not {answer.reason!r}")
    for name, value in answer.headers.items():
        expected = (value,) if isinstance(value, str) else value
        if response.all(name) != expected:
            wrong.append(f"{name}: {response.all(name)}, not {expected}")
    wrong += [f"{n}: {response.all(n)} is there" for n in answer.without if response.all(n)]
    if answer.body is not None and response.body != answer.body:
        wrong.append(f"body {_short(response.body)}, not {_short(answer.body)}")
    if answer.framing is not None and response.framing is not answer.framing:
        wrong.append(f"framing {response.framing.value}, not {answer.framing.value}")
    if response.complete is not answer.complete:
        wrong.append("looks complete" if response.complete else "is truncated")
    interim = tuple(found.status for found in response.interim)
    if interim != tuple(answer.interim):
        wrong.append(f"interim {interim}, not {tuple(answer.interim)}")
    found = answer.check(response) if answer.check is not None else None
    return [*wrong, found] if found else wrong


def _judge_backend(expected: Sequence[Sees], outcome: Outcome) -> list[str]:
    wrong: list[str] = []
    if len(outcome.connections) != len(expected):
        wrong.append(f"{len(outcome.connections)} backend connections, not {len(expected)}")
    for number, (sees, connection) in enumerate(zip(expected, outcome.connections, strict=False)):
        wrong += [f"backend {number}: {text}" for text in _judge_connection(sees, connection)]
    return wrong


def _judge_connection(sees: Sees, connection: BackendConnection) -> list[str]:
    request = connection.request
    wrong = list(request.violations)
    for name, value in sees.has.items():
        expected = value.encode("latin-1") if isinstance(value, str) else value
        if request.get(name) != expected:
            wrong.append(f"{name}={request.get(name)!r}, not {expected!r}")
    there = [name for name in sees.lacks if name in request.names]
    wrong += [f"{name}={request.get(name)!r} came" for name in there]
    if sees.body is not None and request.body != sees.body:
        wrong.append(f"body {_short(request.body)}, not {_short(sees.body)}")
    if sees.cut and request.body_complete:
        wrong.append("the body is complete, though the client broke off")
    if sees.cut and connection.end is PeerEnd.OPEN:
        wrong.append("the gateway did not break off")
    found = sees.check(request) if sees.check is not None else None
    return [*wrong, found] if found else wrong


def _short(data: bytes) -> str:
    return repr(data) if len(data) <= 60 else f"{data[:40]!r}... ({len(data)} bytes)"
