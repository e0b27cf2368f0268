"""XML-RPC over SCGI, for Python's own client: what rTorrent speaks on its socket.

>>> url = "scgi+unix:///run/rtorrent.sock"
>>> with ServerProxy("http://localhost/RPC2", transport=XMLRPCTransport(url)) as rtorrent:
...     rtorrent.system.client_version()  # doctest: +SKIP
"""

import sys
from collections.abc import Iterable, Mapping
from email.message import Message
from typing import Any
from xml.parsers import expat
from xmlrpc.client import ProtocolError, Transport, Unmarshaller

from ..errors import ResponseError
from .request import Answer, request

DEFAULT_MAX_ANSWER = 64 << 20
"""Bytes: a list of all torrents of a large installation is some of them."""

_XML = frozenset({"text/xml", "application/xml"})


class XMLRPCTransport(Transport):
    """A transport for ``xmlrpc.client.ServerProxy`` that talks to an SCGI server.

    ``url`` is the backend as everywhere in wsgi-scgi; of the proxy's own URL the path counts, and
    the host is what the server is told as Host.  ``timeout`` is in seconds, for connecting and
    for each read and write; ``max_answer`` in bytes.  ``headers`` and ``variables`` are sent with
    each call.  Each call has its own connection, since SCGI knows no other, so one transport
    serves any number of threads and greenlets.

    A call raises xmlrpc.client.Fault for an error of the method, xmlrpc.client.ProtocolError for
    an answer that is not 200 or no XML, and wsgi_scgi.ConnectError, BackendTimeout or
    ResponseError where there is no answer, or one that is too large, broken, or has a DOCTYPE.
    """

    def __init__(
        self,
        url: str,
        *,
        timeout: float = 60.0,
        max_answer: int = DEFAULT_MAX_ANSWER,
        headers: Iterable[tuple[str, str]] = (),
        variables: Mapping[str, str] | None = None,
        use_builtin_types: bool = False,
    ) -> None:
        super().__init__(use_builtin_types=use_builtin_types)
        self._url = url
        self._timeout = timeout
        self._max_answer = max_answer
        self._fields = list(headers)
        self._variables = dict(variables or {})

    def request(
        self,
        host: Any,
        handler: str,
        request_body: Any,
        verbose: bool = False,  # as ServerProxy calls it
    ) -> tuple[Any, ...]:
        """Call a method; see the class.  Called by ServerProxy."""
        name, extra, _ = self.get_host_info(host)
        fields = [
            ("Host", name),
            ("Content-Type", "text/xml"),
            ("User-Agent", self.user_agent),
            *(extra if isinstance(extra, list) else ()),
            *self._fields,
        ]
        path = handler or "/RPC2"
        if verbose:
            print(f"POST {path} {fields}\n{request_body!r}", file=sys.stderr)
        with request(
            self._url,
            "POST",
            path,
            headers=fields,
            body=bytes(request_body),
            variables=self._variables,
            timeout=self._timeout,
        ) as answer:
            if verbose:
                print(repr(answer.raw_head), file=sys.stderr)
            content = self._content(answer, path)
        return self._parsed(content)

    def close(self) -> None:
        """Do nothing: no connection outlives its call."""

    def _content(self, answer: Answer, path: str) -> bytes:
        kind = Message()
        kind["Content-Type"] = answer.headers.get("Content-Type", "text/plain")
        if answer.status != 200 or kind.get_content_type() not in _XML:
            reason = answer.reason
            if answer.status == 200:
                reason = f"the answer is {kind.get_content_type()}, not XML"
            raise ProtocolError(
                self._url + path, answer.status, reason, dict(answer.headers.items())
            )
        content = answer.read(self._max_answer + 1)
        if len(content) > self._max_answer:
            raise ResponseError(f"the answer is larger than {self._max_answer} bytes")
        return content

    def _parsed(self, content: bytes) -> tuple[Any, ...]:
        target = Unmarshaller(self._use_datetime, self._use_builtin_types)
        target.xml("", None)  # no encoding: expat has decoded it
        parser = expat.ParserCreate()
        parser.StartDoctypeDeclHandler = _refuse_doctype
        parser.StartElementHandler = target.start
        parser.EndElementHandler = target.end
        parser.CharacterDataHandler = target.data
        try:
            parser.Parse(content, True)
        except expat.ExpatError as error:
            raise ResponseError(f"the answer is no XML: {error}") from error
        return target.close()


def _refuse_doctype(*_: object) -> None:
    """No answer has one; entities in it could make a small answer huge."""
    raise ResponseError("the answer has a DOCTYPE")
