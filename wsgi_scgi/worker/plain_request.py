"""What gunicorn's Response, loggers and hooks ask of a request."""

from typing import Any


class PlainRequest:
    """A plain HTTP/1.1 request in the terms of ``gunicorn.http.message.Request``."""

    __slots__ = ("_environ", "body", "method", "must_close", "remote_addr")

    version = (1, 1)
    trailers: tuple[()] = ()
    proxy_protocol_info: None = None

    def __init__(self, environ: dict[str, Any], remote_addr: Any) -> None:
        """``environ`` is nobody else's, so that it stays as it was received."""
        self._environ = environ
        self.method: str = environ["REQUEST_METHOD"]
        self.must_close: bool = environ.get("HTTP_CONNECTION", "").lower() == "close"
        self.body = environ["wsgi.input"]
        self.remote_addr = remote_addr

    def should_close(self) -> bool:
        """Tell whether the client or the worker wants the connection to end."""
        return self.must_close

    def force_close(self) -> None:
        """End the connection after this request."""
        self.must_close = True

    @property
    def peer_addr(self) -> Any:
        """The address that the connection comes from."""
        return self.remote_addr

    @property
    def scheme(self) -> str:
        """The scheme, from a trusted proxy's fields where they say so."""
        return str(self._environ["wsgi.url_scheme"])

    @property
    def uri(self) -> str:
        """The request target as received."""
        return str(self._environ["RAW_URI"])

    @property
    def path(self) -> str:
        """The path of the target, not decoded."""
        return self.uri.partition("?")[0]

    @property
    def query(self) -> str:
        """The query of the target."""
        return str(self._environ["QUERY_STRING"])

    @property
    def fragment(self) -> str:
        """Always empty: a target with a fragment is not plain."""
        return ""

    @property
    def headers(self) -> list[tuple[str, str]]:
        """The fields, names in capital letters."""
        fields = [
            (name[5:].replace("_", "-"), value)
            for name, value in self._environ.items()
            if name.startswith("HTTP_")
        ]
        for name in ("CONTENT_TYPE", "CONTENT_LENGTH"):
            if name in self._environ:
                fields.append((name.replace("_", "-"), self._environ[name]))
        return fields
