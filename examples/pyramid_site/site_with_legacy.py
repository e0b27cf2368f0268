"""Pyramid: /legacy/ is forwarded for those who have logged in to the site.

    $ gunicorn --worker-class gevent site_with_legacy:application

The user is "ann", the password "secret".
"""

import hmac
import secrets

from pyramid.authentication import AuthTktCookieHelper
from pyramid.config import Configurator
from pyramid.httpexceptions import HTTPForbidden, HTTPSeeOther
from pyramid.response import Response
from pyramid.security import Allowed, Denied, remember
from pyramid.wsgi import wsgiapp2

from wsgi_scgi import SCGIApplication

PASSWORDS = {"ann": "secret"}  # a real site keeps hashes

# wsgiapp2 moves what the route matched from PATH_INFO to SCRIPT_NAME.
legacy = wsgiapp2(SCGIApplication("scgi://127.0.0.1:4000", path_info=True))


class CookieLogin:
    """Pyramid's security policy: a signed cookie says who it is, and may do everything."""

    def __init__(self):
        """Take a new key: a real site keeps its own, or everybody has to log in again."""
        key = secrets.token_hex(32)
        self._cookie = AuthTktCookieHelper(key, hashalg="sha512", samesite="Lax", http_only=True)

    def identity(self, request):
        """Return what the cookie says, None without a valid one."""
        return self._cookie.identify(request)

    def authenticated_userid(self, request):
        """Return the name of the user."""
        identity = self.identity(request)
        return identity and identity["userid"]

    def permits(self, request, _context, _permission):
        """Allow everything to those who have logged in."""
        return Allowed("logged in") if self.identity(request) else Denied("not logged in")

    def remember(self, request, userid, **_options):
        """Return the fields that log ``userid`` in."""
        return self._cookie.remember(request, userid)

    def forget(self, request):
        """Return the fields that log out."""
        return self._cookie.forget(request)


def home(request):
    """Say who is logged in."""
    return Response(f"Hello {request.authenticated_userid or 'stranger'}\n")


def login(request):
    """Log in with the fields ``user`` and ``password`` of a form."""
    user, password = request.POST["user"], request.POST["password"]
    if not hmac.compare_digest(PASSWORDS.get(user, "").encode(), password.encode()) or not password:
        return HTTPForbidden()
    return HTTPSeeOther(location="/", headers=remember(request, user))


def forward(context, request):
    """Forward to the old application, which sees the path below /legacy and the user."""
    request.remote_user = request.authenticated_userid
    return legacy(context, request)


with Configurator() as config:
    config.set_security_policy(CookieLogin())
    config.add_route("home", "/")
    config.add_view(home, route_name="home")
    config.add_route("login", "/login", request_method="POST")
    config.add_view(login, route_name="login")
    config.add_route("legacy", "/legacy*subpath")
    config.add_view(forward, route_name="legacy", permission="forward")
    application = config.make_wsgi_app()
