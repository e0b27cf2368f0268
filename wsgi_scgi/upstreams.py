"""From the backends of a configuration to balancers, each with its place on the board.

A route's own backend is a balancer with one member, shared by all routes to its address.
"""

from collections.abc import Mapping

from .address import BackendURL, address_url
from .balancer.balancer import Balancer
from .config.configuration import Configuration
from .scoreboard.board import Board
from .scoreboard.pool import MemberText


class Upstreams:
    """The balancers of one configuration.

    ``board`` is what the workers of this host share (``make_board``).
    """

    def __init__(self, configuration: Configuration, board: Board) -> None:
        self.board = board
        self.balancers: Mapping[str, Balancer] = {
            pool.name: Balancer(pool.name, pool) for pool in board.pools
        }

    def of(self, backend: BackendURL) -> Balancer:
        """Return the balancer of a route's backend."""
        return self.balancers[str(backend.address)]


def make_board(configuration: Configuration) -> Board:
    """Return a board with a place for every backend of a configuration."""
    lone = {
        str(route.backend.address): route.backend.address
        for route in configuration.routes
        if route.backend is not None
    }
    board = Board([(name, 1) for name in lone], shared=False)
    for name, address in lone.items():
        pool = board.pool(name)
        with pool.lock:
            pool.enrol(MemberText(address_url(address)))
            pool.bump()
    return board
