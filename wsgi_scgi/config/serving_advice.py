"""What a configuration can hardly mean under the settings of gunicorn that it is served with."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..scoreboard.layout import ROWS
from .configuration import Configuration
from .mistakes import Mistake
from .server import is_exposed

if TYPE_CHECKING:
    from gunicorn.config import Config


def advice_on_serving(configuration: Configuration, config: "Config") -> Iterator[Mistake]:
    """Yield what is to be thought about where ``wsgi-scgi serve`` runs with ``config``."""
    source, admin = configuration.source, configuration.admin
    has_state = bool(configuration.balancers) or admin is not None
    if has_state and configuration.share == "workers" and config.workers > ROWS:
        text = (
            f"warning: {config.workers} workers: at most {ROWS} processes can share the state,"
            " the others know only what they do themselves"
        )
        yield source.mistake(("state", "share"), text)
    if admin is None:
        return
    if not config.is_ssl and any(map(is_exposed, config.address)):
        text = (
            "warning: the gateway listens beyond this machine without TLS (certfile, keyfile), so"
            " the token can be read on the way"
        )
        yield source.mistake(("admin", "path"), text)
    if admin.users:
        text = (
            "warning: only an application around the gateway can say who a user is, under"
            " wsgi-scgi serve nobody does"
        )
        yield source.mistake(("admin", "users"), text)
