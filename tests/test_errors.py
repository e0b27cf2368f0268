"""The exception tree: whose fault, which status, what the client may be told."""

import inspect
from http import HTTPStatus

import pytest

from wsgi_scgi import errors

_ALL = [
    value
    for value in vars(errors).values()
    if inspect.isclass(value) and issubclass(value, errors.Error)
]
_BACKEND = [value for value in _ALL if issubclass(value, errors.BackendError)]


def test_the_tree_is_found() -> None:
    assert len(_ALL) >= 15


@pytest.mark.parametrize("error", _ALL)
def test_no_error_is_an_oserror(error: type[errors.Error]) -> None:
    # gunicorn answers an OSError of the application with silence.
    assert not issubclass(error, OSError)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.GatewayError, 500),
        (errors.BackendError, 502),
        (errors.ConnectError, 503),
        (errors.ConnectTimeout, 504),
        (errors.ResolveError, 502),
        (errors.BackendTimeout, 504),
        (errors.DeadlineExceeded, 504),
        (errors.ResponseError, 502),
        (errors.TruncatedResponse, 502),
    ],
)
def test_each_failure_of_the_backend_has_its_status(
    error: type[errors.GatewayError], status: int
) -> None:
    assert error("cause").status == status


@pytest.mark.parametrize("error", _BACKEND)
def test_the_client_never_reads_the_cause_of_a_backend_failure(
    error: type[errors.BackendError],
) -> None:
    raised = error("connect to 10.0.0.1 port 4000: refused")

    assert "10.0.0.1" in str(raised)
    assert "10.0.0.1" not in raised.public
    assert raised.public[0].isupper()
    assert raised.public.endswith(".")


@pytest.mark.parametrize("error", [errors.ConnectError, errors.ConnectTimeout, errors.ResolveError])
def test_where_no_connection_was_made_another_try_is_safe(error: type[errors.Error]) -> None:
    assert issubclass(error, errors.ConnectError)


@pytest.mark.parametrize(
    "error", [errors.BackendTimeout, errors.ResponseError, errors.TruncatedResponse]
)
def test_what_happens_behind_a_connection_is_no_connect_error(error: type[errors.Error]) -> None:
    assert not issubclass(error, errors.ConnectError)


@pytest.mark.parametrize(
    "error", [errors.RequestError, errors.ClientDisconnected, errors.RequestTimeout]
)
def test_a_fault_of_the_client_is_never_one_of_the_backend(error: type[errors.Error]) -> None:
    assert issubclass(error, errors.RequestError)
    assert not issubclass(error, errors.BackendError)


def test_a_request_error_is_400_and_says_its_cause_as_a_sentence() -> None:
    error = errors.RequestError("the Host is missing")

    assert error.status == HTTPStatus.BAD_REQUEST
    assert str(error) == "the Host is missing"
    assert error.public == "The Host is missing."


def test_a_request_error_can_have_another_status_and_another_text() -> None:
    error = errors.RequestError("12 bytes", status=HTTPStatus(413), public="Too large.")

    assert error.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    assert error.public == "Too large."
    assert errors.RequestError("other").status == HTTPStatus.BAD_REQUEST


def test_a_disconnected_client_is_400_and_a_silent_one_408() -> None:
    assert errors.ClientDisconnected("it left").status == HTTPStatus.BAD_REQUEST
    assert errors.RequestTimeout("it was silent").status == HTTPStatus.REQUEST_TIMEOUT


def test_a_bad_address_is_an_error_of_the_configuration_and_of_the_value() -> None:
    assert issubclass(errors.AddressError, errors.ConfigurationError)
    assert issubclass(errors.AddressError, ValueError)
