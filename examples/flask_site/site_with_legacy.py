"""Flask: /legacy/ is forwarded for those who have logged in to the site.

    $ gunicorn --worker-class gevent site_with_legacy:site

The user is "ann", the password "secret".
"""

import secrets
from wsgiref.util import shift_path_info

from flask import Flask, abort, redirect, request, session, url_for
from werkzeug.security import check_password_hash, generate_password_hash
from werkzeug.wrappers import Response

from wsgi_scgi import SCGIApplication

METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
USERS = {"ann": generate_password_hash("secret")}  # a real site keeps the hashes, not the password

site = Flask(__name__)
# A real site keeps its key in a file: with a new one everybody has to log in again.
site.secret_key = secrets.token_bytes(32)
# Forms on other sites come without the cookie, and so without the login.
site.config["SESSION_COOKIE_SAMESITE"] = "Lax"

legacy = SCGIApplication("scgi://127.0.0.1:4000", path_info=True)


@site.route("/")
def home():
    """Say who is logged in."""
    return f"Hello {session.get('user', 'stranger')}\n"


@site.route("/login", methods=["POST"])
def login():
    """Log in with the fields ``user`` and ``password`` of a form."""
    user = request.form["user"]
    if user not in USERS or not check_password_hash(USERS[user], request.form["password"]):
        abort(403)
    session["user"] = user
    return redirect(url_for("home"))


@site.route("/legacy/", methods=METHODS)
@site.route("/legacy/<path:_path>", methods=METHODS)
def forward(_path=""):
    """Forward to the old application, which sees the path below /legacy and the user."""
    if "user" not in session:
        abort(401)
    environ = {**request.environ, "REMOTE_USER": session["user"]}
    shift_path_info(environ)  # /legacy goes from PATH_INFO to SCRIPT_NAME
    return Response.from_app(legacy, environ)
