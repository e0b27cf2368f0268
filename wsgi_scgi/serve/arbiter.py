"""gunicorn's arbiter, with a reload that cannot kill what runs."""

import logging
import os
import signal
import sys
from typing import TYPE_CHECKING, ClassVar

from gunicorn.arbiter import Arbiter
from gunicorn.sock import BaseSocket

from ..errors import ConfigurationError
from .hooks import ENDING_SIGNALS
from .listeners import close_listeners, open_listeners

if TYPE_CHECKING:
    from gunicorn.app.base import BaseApplication
    from gunicorn.config import Config
    from gunicorn.glogging import Logger

    from .gateway_server import GatewayServer


class GatewayArbiter(Arbiter):
    """The master process of the gateway."""

    LISTENERS: ClassVar[list[BaseSocket]] = []

    log: "Logger"

    def __init__(self, app: "GatewayServer") -> None:
        self.server = app
        super().__init__(app)
        # USR2 starts the program anew, as it was started: gunicorn would lose the -m of
        # "python -m wsgi_scgi", and where relative paths start.
        self.START_CTX["args"] = [sys.executable, *sys.orig_argv[1:]]
        self.START_CTX["cwd"] = app.directory

    def setup(self, app: "BaseApplication") -> None:
        """Let our log lines go where gunicorn's go, at the same level."""
        super().setup(app)
        ours = logging.getLogger("wsgi_scgi")
        if not ours.handlers:  # a logconfig of the administrator's may say otherwise
            ours.addHandler(_ErrorLogHandler())
            ours.propagate = False
        ours.setLevel(logging.getLogger("gunicorn.error").getEffectiveLevel())

    def start(self) -> None:
        """Listen first, then do what gunicorn does, then say what is served where."""
        inherited = "GUNICORN_FD" in os.environ or "LISTEN_FDS" in os.environ
        descriptors = any(isinstance(address, int) for address in self.cfg.address)
        if not (inherited or descriptors or self.cfg.reuse_port):
            self.LISTENERS[:] = open_listeners(self.cfg.address, self.cfg, self.log)
        try:
            super().start()
        except Exception:
            close_listeners(self.LISTENERS)
            raise
        self._announce()

    def spawn_worker(self) -> int:
        """Fork so that no signal to the new worker is lost; see ``post_fork``."""
        before = signal.pthread_sigmask(signal.SIG_BLOCK, ENDING_SIGNALS)
        try:
            return super().spawn_worker()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def handle_int(self) -> None:
        """End gracefully, as on SIGTERM; a second one while that lasts ends at once."""
        self.handle_term()

    def reload(self) -> None:
        """Take a new configuration if it is right as a whole, else keep the old one.

        Whatever fails after that is gunicorn's or a hook's: then the settings before come back.
        """
        before = self.server.settings
        try:
            settings = self.server.read()
            self._exchange_listeners(settings.config)
        except ConfigurationError as error:
            for line in str(error).splitlines():
                self.log.error("%s", line)
            self.log.error("The new configuration is not used; the gateway runs on unchanged.")
            return
        self.server.adopt(settings)
        try:
            super().reload()
        except Exception:
            self.log.exception("The new configuration failed; the one before is used again.")
            self.server.adopt(before)
            self.setup(self.server)
        else:
            self._announce()

    def _exchange_listeners(self, config: "Config") -> None:
        """Listen where ``config`` says; what stays is left open, so that no client notices.

        gunicorn closes everything first, then finds its own workers on the addresses that stay.
        """
        if config.reuse_port != self.cfg.reuse_port:
            raise ConfigurationError("reuse_port: can be changed only by a restart")
        old, new = self.cfg.address, config.address
        if old != new and not (self.systemd or config.reuse_port):
            staying = [one for one in self.LISTENERS if one.cfg_addr in new]
            known = [one.cfg_addr for one in staying]
            added = [address for address in new if address not in known]
            leaving = [one for one in self.LISTENERS if one not in staying]
            opened = open_listeners(added, config, self.log)
            self.LISTENERS[:] = [*staying, *opened]
            close_listeners(leaving)
        # So gunicorn sees no difference, and leaves the sockets alone.
        self.cfg.set("bind", config.settings["bind"].get())

    def _announce(self) -> None:
        configuration = self.server.settings.configuration
        for route in configuration.routes:
            self.log.info("Route %s", route)
        for warning in configuration.warnings:
            self.log.warning("%s", warning)
        if self.server.ready is not None:
            self.server.ready([str(listener) for listener in self.LISTENERS])


class _ErrorLogHandler(logging.Handler):
    """Pass records to gunicorn's error log, whatever handlers it has at the time."""

    def emit(self, record: logging.LogRecord) -> None:
        logging.getLogger("gunicorn.error").handle(record)
