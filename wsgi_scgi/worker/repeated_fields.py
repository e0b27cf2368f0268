"""Repeated header fields, joined as the RFCs want it; gunicorn joins all with a bare comma."""

from typing import Any


def join_repeated_fields(worker: Any, req: Any) -> None:  # noqa: ARG001  # the form of the hook
    """Join the fields of a request of gunicorn's, as its ``pre_request`` hook."""
    req.headers = join_repeated(req.headers)


def join_repeated(fields: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Join repeated fields: Cookie with "; " (RFC 6265 5.4), others with ", " (RFC 9110 5.3).

    gunicorn would join all of them with a bare comma, which ends no cookie.  Connection is left
    alone, because gunicorn itself still has to understand it.
    """
    if len({name for name, _ in fields}) == len(fields):
        return fields
    values: dict[str, list[str]] = {}
    joined: list[tuple[str, str]] = []
    for name, value in fields:
        if name == "CONNECTION":
            joined.append((name, value))
        else:
            values.setdefault(name, []).append(value)
    for name, several in values.items():
        if name == "COOKIE":
            # An empty member is no cookie-pair (RFC 6265 4.2.1).
            joined.append((name, "; ".join(value for value in several if value)))
        else:
            joined.append((name, ", ".join(several)))
    return joined
