"""Files in place of the backend's body: ProxySCGISendfile, and nginx's X-Accel-Redirect.

The backend names a file, the gateway sends it, and only from below the roots that the
administrator has named: a header of a careless backend reads no other file.
"""

import time
from http import HTTPStatus

from ..files.aliases import Aliases
from ..files.body import FileBody
from ..files.opened import OpenedFile
from ..files.response import answer_with_file
from ..files.root import Roots
from ..gateway.request import Request
from ..gateway.response import Handler, Outcome, Response
from .error_override import with_page

_REFUSALS: dict[int, str] = {
    HTTPStatus.PRECONDITION_FAILED: "The file is not the one that the request was made for.",
    HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE: "The file has no such range.",
}

ACCEL_FIELD = "x-accel-redirect"


class SendFile:
    """A step of one route: answer with the file that the backend's answer names.

    ``field`` is the lower-case name of the field with the name of a file below ``roots``;
    X-Accel-Redirect has a URI, which ``aliases`` map to files.  Either may be missing.
    """

    def __init__(
        self,
        inner: Handler,
        *,
        field: str = "",
        roots: Roots | None = None,
        aliases: Aliases | None = None,
    ) -> None:
        self._inner = inner
        self._field = field
        self._roots = roots
        self._aliases = aliases

    def __call__(self, request: Request) -> Outcome:
        """Raise FileError: 404 for a file that is missing, 403 for one that may not be sent."""
        response = self._inner(request)
        if not isinstance(response, Response) or not response.control:
            return response
        name = response.control.get(self._field)
        uri = response.control.get(ACCEL_FIELD)
        if name is not None and self._roots is not None:
            response.close()
            return _answer(request, response, self._roots.open(name.encode("latin-1")))
        if uri is not None and self._aliases is not None:
            response.close()
            return _answer(request, response, self._aliases.open(uri))
        return response


def _answer(request: Request, response: Response, file: OpenedFile) -> Response:
    try:
        answer = answer_with_file(
            file.facts, request.method, request.environ, response, now=time.time()
        )
    except BaseException:
        file.close()
        raise
    result = Response(answer.status, answer.reason, list(answer.fields))
    if answer.pieces:
        result.body = FileBody(file, answer.pieces)
        return result
    file.close()
    text = _REFUSALS.get(answer.status)
    # The backend's own 412 or 416 has lost its body to the file and is not ours to explain.
    return with_page(request, result, text) if text and answer.status != response.status else result
