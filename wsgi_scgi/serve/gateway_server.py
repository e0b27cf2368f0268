"""The gateway as an application of gunicorn's."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from gunicorn.app.base import Application, BaseApplication
from gunicorn.config import Config

from ..assembly import build
from ..config.configuration import Configuration
from ..config.server import CommandLine, server_config
from ..errors import ConfigurationError
from ..scoreboard.board import Board
from ..upstreams import make_board
from .arbiter import GatewayArbiter
from .hooks import add_hooks


@dataclass(frozen=True, slots=True)
class Settings:
    """What one reading of the configuration gave, all of it checked."""

    configuration: Configuration
    config: Config


class _ArbiterRunner(BaseApplication):
    """What ``Application.run`` ends in, with our arbiter in place of gunicorn's."""

    def run(self) -> None:
        assert isinstance(self, GatewayServer)
        try:
            GatewayArbiter(self).run()
        except RuntimeError as error:  # gunicorn's word for a pidfile that is in use
            raise ConfigurationError(str(error)) from error


class GatewayServer(Application, _ArbiterRunner):
    """The gateway as an application of gunicorn's.

    ``load`` reads the configuration, at the start and on each HUP.  ``ready`` is told the
    addresses whenever they are listened on.  Raises ConfigurationError with every mistake.
    """

    def __init__(
        self,
        load: Callable[[], Configuration],
        command_line: CommandLine,
        *,
        ready: Callable[[list[str]], None] | None = None,
    ) -> None:
        self._load = load
        self._command_line = command_line
        self.directory = command_line.directory
        self.ready = ready
        if self.directory not in sys.path:
            # Hooks and worker classes may lie in the working directory, as with gunicorn.
            sys.path.insert(0, self.directory)
        super().__init__(prog="wsgi-scgi")

    def do_load_config(self) -> None:
        """Read the configuration for the start; gunicorn's own way is to end the process."""
        self.adopt(self.read())

    def read(self) -> Settings:
        """Return the configuration as it is now; change nothing."""
        configuration = self._load()
        config = server_config(configuration, self._command_line)
        add_hooks(config)
        if configuration.admin is not None:
            configuration.admin.secret()  # a worker that cannot read it would end the gateway
        return Settings(configuration, config)

    settings: Settings
    board: Board | None = None
    """What the workers know together; made before any of them is."""

    def adopt(self, settings: Settings) -> None:
        """Make ``settings`` those of the workers that start from now on."""
        if self.cfg is not None:
            # What the environment was before raw_env changed it.
            settings.config.env_orig = self.cfg.env_orig
        self.board = make_board(settings.configuration, older=self.board)
        self.settings = settings
        self.cfg = settings.config
        self.callable = None
        self.chdir()

    def reload(self) -> None:
        """Do nothing: on HUP the arbiter calls ``read`` and ``adopt`` before gunicorn's reload."""

    def load(self) -> Any:
        """Return the WSGI application, in a worker.  Its type is not the one of types-gunicorn."""
        return build(self.settings.configuration, board=self.board)
