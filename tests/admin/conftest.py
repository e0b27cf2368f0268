"""A balancer of two members, and visitors of its pages."""

import pytest

from tests.admin.balancers import make_application, make_balancer
from tests.admin.visiting import BASIC, BEARER, Visitor
from wsgi_scgi.balancer.balancer import Balancer


@pytest.fixture
def balancer() -> Balancer:
    """A balancer that nothing has happened to."""
    return make_balancer()


@pytest.fixture
def stranger(balancer: Balancer) -> Visitor:
    """A visitor without credentials."""
    return Visitor(make_application(balancer))


@pytest.fixture
def program(balancer: Balancer) -> Visitor:
    """A visitor with a Bearer token."""
    return Visitor(make_application(balancer), **BEARER)


@pytest.fixture(params=[BASIC, {"REMOTE_USER": "me"}], ids=["basic", "user"])
def person(balancer: Balancer, request: pytest.FixtureRequest) -> Visitor:
    """A visitor with a browser, known by the password or by the application around."""
    return Visitor(make_application(balancer, users=["me"]), **request.param)
