"""A missing peer is a skip with a hint, and a failure where CI says that all is there."""

from __future__ import annotations

import pytest

from tests.kit import peers


def test_a_program_and_a_module_are_found() -> None:
    assert peers.find("sh") is not None
    assert peers.find("json.decoder") is not None


@pytest.mark.parametrize("name", ["no-such-program", "no_such_module", "no_such_package.module"])
def test_what_is_not_there_is_not_found(name: str) -> None:
    assert peers.find(name) is None


def test_a_missing_peer_skips_with_its_hint(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="no-such is not installed; install it"):
        peers.require("no-such", "install it")


def test_a_missing_peer_fails_on_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="no-such is not installed; install it"):
        peers.require("no-such", "install it")
