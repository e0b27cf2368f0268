"""What users mount: ``SCGIApplication`` forwards to one backend, ``Gateway`` routes to several.

Both are WSGI applications for any server, and may be mounted inside any WSGI framework.
"""

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Self, Unpack

from . import assembly
from .config.configuration import Configuration, single_backend
from .config.file import configuration_from, load_configuration
from .config.options import RouteKeywords
from .edge import Edge

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication


class SCGIApplication(Edge):
    """A WSGI application that forwards every request to one SCGI backend.

    >>> application = SCGIApplication("scgi://localhost:4000", path_info=True)

    ``url`` is ``scgi://host:port/``, ``scgi+unix:///path`` or Apache's ``unix:/path|scgi://name/``;
    the options are those of a ``[[route]]``.  Raises ConfigurationError with every mistake.
    """

    def __init__(self, url: str, **options: Unpack[RouteKeywords]) -> None:
        assembled = assembly.Assembled(single_backend(url, options))
        super().__init__(assembled.handler)


class Gateway(Edge):
    """A WSGI application with the routes of a configuration.

    >>> routes = [
    ...     {"path": "/static/", "exclude": True},
    ...     {"path": "/", "backend": "scgi://localhost:4000", "path_info": True},
    ... ]
    >>> application = Gateway({"route": routes})

    ``configuration`` has the structure of the file without ``[server]``, and is checked like it:
    ConfigurationError tells every mistake.  ``fallback`` is the WSGI application that answers what
    no route takes, instead of 404.
    """

    def __init__(
        self,
        configuration: Configuration | Mapping[str, object],
        *,
        fallback: "WSGIApplication | None" = None,
    ) -> None:
        if not isinstance(configuration, Configuration):
            configuration = configuration_from(configuration)
        assembled = assembly.Assembled(configuration, fallback)
        super().__init__(
            assembled.handler,
            start=assembled.start,
            leaves_greenlets_clean=assembled.leaves_greenlets_clean,
        )

    @classmethod
    def from_toml(
        cls, path: str | os.PathLike[str], *, fallback: "WSGIApplication | None" = None
    ) -> Self:
        """Read ``path``; raise ConfigurationError with every mistake in it."""
        return cls(load_configuration(path), fallback=fallback)


def from_toml(path: str | os.PathLike[str], fallback: "WSGIApplication | None" = None) -> Gateway:
    """Do the same as Gateway.from_toml: gunicorn's factory syntax takes plain names only."""
    return Gateway.from_toml(path, fallback=fallback)
