"""The hooks join repeated header fields and leave Ctrl-C to the master."""

import signal
from types import SimpleNamespace
from typing import Any

import pytest

from wsgi_scgi.config.configuration import single_backend
from wsgi_scgi.config.server import CommandLine, server_config
from wsgi_scgi.serve.hooks import add_hooks
from wsgi_scgi.worker.repeated_fields import join_repeated


@pytest.mark.parametrize(
    ("fields", "joined"),
    [
        ([], []),
        ([("HOST", "a"), ("COOKIE", "b=1")], [("HOST", "a"), ("COOKIE", "b=1")]),
        (
            [("COOKIE", "a=1"), ("X-A", "1"), ("COOKIE", "b=2"), ("X-A", ""), ("COOKIE", "c=3")],
            [("COOKIE", "a=1; b=2; c=3"), ("X-A", "1, ")],
        ),
        (
            [("CONNECTION", "close"), ("X-A", "1"), ("CONNECTION", "x-a")],
            [("CONNECTION", "close"), ("CONNECTION", "x-a"), ("X-A", "1")],
        ),
    ],
)
def test_repeated_fields_are_joined_in_order(
    fields: list[tuple[str, str]], joined: list[tuple[str, str]]
) -> None:
    assert join_repeated(fields) == joined


def test_the_hooks_of_the_administrator_run_too() -> None:
    calls: list[object] = []

    def pre_request(worker: object, req: Any) -> None:
        calls.append(worker)
        req.headers.append(("COOKIE", "b=2"))

    def post_worker_init(worker: object) -> None:
        calls.append(worker)

    config = server_config(
        single_backend("scgi://localhost", {}),
        CommandLine(flags={"pre_request": pre_request, "post_worker_init": post_worker_init}),
    )
    add_hooks(config)
    request = SimpleNamespace(headers=[("COOKIE", "a=1")])
    worker = SimpleNamespace(wsgi=None)
    before = signal.getsignal(signal.SIGINT)
    try:
        config.pre_request("one", request)
        config.post_worker_init(worker)
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)
    assert calls == ["one", worker]
    assert request.headers == [("COOKIE", "a=1; b=2")]
