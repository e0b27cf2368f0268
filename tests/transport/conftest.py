"""The rig of the exchange's tests."""

from collections.abc import Iterator

import pytest

from tests.transport.rig import Rig
from tests.transports import Transport


@pytest.fixture
def rig(nothing_left_open: None, transport: Transport) -> Iterator[Rig]:
    """A backend to exchange with; nothing may be left open in the end."""
    del nothing_left_open
    rig = Rig(transport)
    yield rig
    rig.close()
