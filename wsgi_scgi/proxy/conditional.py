"""Conditional requests answered for a backend that sends validators and no Status, as Apache."""

import time
from http import HTTPStatus

from ..gateway.request import Request
from ..gateway.response import Handler, Outcome, Response
from ..semantics.fields import end_to_end_fields
from ..semantics.validators import evaluate, validators_of
from .error_override import with_page


class AnswerConditions:
    """A step of one route: 304 or 412 where the validators of the answer call for it."""

    def __init__(self, inner: Handler) -> None:
        self._inner = inner

    def __call__(self, request: Request) -> Outcome:
        """Compare for GET and HEAD only; a backend that writes a Status has decided itself."""
        response = self._inner(request)
        if (
            not isinstance(response, Response)
            or response.explicit_status
            or response.status != HTTPStatus.OK
            or request.method not in ("GET", "HEAD")
        ):
            return response
        now = time.time()
        verdict = evaluate(
            request.method, request.environ, validators_of(response.fields, now=now), now=now
        )
        if verdict is HTTPStatus.OK:
            return response
        response.close()
        fields = end_to_end_fields(response.fields, HTTPStatus.NO_CONTENT)
        answer = Response(verdict.value, verdict.phrase, fields)
        if verdict is HTTPStatus.NOT_MODIFIED:
            return answer
        return with_page(request, answer, "The content is not what the request was made for.")
