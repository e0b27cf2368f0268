"""Run a case through a gateway and say in short what it did."""

from __future__ import annotations

from collections.abc import Sequence

from tests.conformance.case import Case, Outcome
from tests.kit.backend import Backend
from tests.kit.gates import Gates
from tests.kit.http import Client, Send
from tests.kit.response import End, Framing, Response


def run(case: Case, address: tuple[str, int], backend: Backend, *, bound: float) -> Outcome:
    """Send the case's request to ``address`` and return all that was seen on both sides.

    ``bound`` (seconds) limits every single wait; what goes beyond it is part of the outcome.
    """
    gates = Gates()
    backend.begin(*case.scripts, gates=gates, bound=bound)
    steps = (Send(case.send),) if isinstance(case.send, bytes) else case.send
    responses: list[Response | None] = []
    with Client(address, gates=gates, bound=bound) as client:
        for step in steps:
            step(client)
        if case.client_stays:
            responses = [client.read_response(method) for method in case.methods]
            client.read_to_end()
        # The client's socket stays open until the backend has seen what it has to see.
        backend.settle()
        gates.open_all()
        done = backend.wait_done(2 * bound)
        connections = tuple(backend.connections)
    notes = [f"client: {note}" for note in client.notes]
    notes += [f"backend: {note}" for connection in connections for note in connection.notes]
    if not done:
        notes.append("backend: the script did not end")
    return Outcome(
        tuple(responses),
        client.unread,
        client.end,
        connections,
        tuple(notes),
        received=bytes(client.received),
    )


def in_short(case: Case, outcome: Outcome) -> str:
    """Return one line about what happened: answers, then what the backend saw."""
    words = [_response_in_short(response, outcome, case) for response in outcome.responses]
    if not case.client_stays:
        words.append("client left")
    if len(outcome.connections) != 1:
        words.append(f"backend x{len(outcome.connections)}")
    for connection in outcome.connections:
        request = connection.request
        if not connection.received:
            words.append("no byte sent")
        elif not request.body_complete:
            words.append(f"sent {len(request.body)} of {request.content_length}")
        if any("came twice" in text for text in request.violations):
            words.append("a name twice")
        for name in case.show:
            value = request.get(name)
            if _is_variable(name):
                words.append(f"{name}=" + ("-" if value is None else _text(value)))
    return ", ".join(words)


def _response_in_short(response: Response | None, outcome: Outcome, case: Case) -> str:
    if response is None:
        return "no answer" if outcome.end is not End.OPEN else "hangs"
    words = [*(str(interim.status) for interim in response.interim)]
    if not response.status:
        return " ".join([*words, "no HTTP"])
    words.append(str(response.status))
    if not response.complete:
        words.append("hangs" if outcome.end is End.OPEN else "cut")
    if response.framing is Framing.CHUNKED:
        words.append("chunked")
    if response.violations:
        words.append("bad")
    for name in case.show:
        if not _is_variable(name):
            words.append(f"{name}: " + _text(" | ".join(response.all(name)).encode("latin-1")))
    return " ".join(words)


def _text(value: bytes) -> str:
    text = value.decode("utf-8", "backslashreplace")
    text = "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text)
    return text if len(text) <= 40 else text[:37] + "..."


def _is_variable(name: str) -> bool:
    return name.isupper() and "-" not in name and name != "TE"


def names_of(cases: Sequence[Case]) -> set[str]:
    """Return the names of the cases; raise ValueError if one is there twice."""
    names = [case.name for case in cases]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise ValueError(f"two cases are called {sorted(twice)}")
    return set(names)
