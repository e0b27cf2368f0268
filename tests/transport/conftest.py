"""The rig of the exchange's tests."""

from collections.abc import Iterator

import pytest

from tests.transport.rig import Clock, Rig
from tests.transports import Transport
from wsgi_scgi.transport import exchange, waiting


@pytest.fixture
def rig(nothing_left_open: None, transport: Transport) -> Iterator[Rig]:
    """A backend to exchange with; nothing may be left open in the end."""
    del nothing_left_open
    rig = Rig(transport)
    yield rig
    rig.close()


@pytest.fixture
def clock(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The time of the rig's exchange: it stands still until a step or the test moves it."""
    rig.clock = clock = Clock()
    for module in (exchange, waiting):
        monkeypatch.setattr(module, "time", clock)
    return clock
