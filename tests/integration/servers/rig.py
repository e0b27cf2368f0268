"""What the tests of this package share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.kit.backend import Backend
from tests.kit.gateways import Gateway


@dataclass(frozen=True, slots=True)
class Rig:
    """The backend, a port on which nobody listens, and the servers that were started."""

    backend: Backend
    port: int
    nobody: int
    server: Callable[[str], Gateway]
