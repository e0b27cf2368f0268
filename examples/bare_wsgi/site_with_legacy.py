"""Plain WSGI: what begins with /legacy/ is forwarded, the site itself answers the rest.

    $ gunicorn --worker-class gevent site_with_legacy:application

A small middleware around both is the login of the site: HTTP Basic, user "ann", password "secret".
"""

import hmac
from base64 import b64encode

from wsgi_scgi import Gateway

CREDENTIALS = "Basic " + b64encode(b"ann:secret").decode()


def site(_environ, start_response):
    """Answer what no route takes."""
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"the site\n"]


gateway = Gateway(
    {
        "route": [
            {
                "path": "/legacy/",
                "backend": "scgi://127.0.0.1:4000/",
                "path_info": True,
                "pass_authorization": False,  # the password is none of the backend's business
            }
        ]
    },
    fallback=site,
)


def application(environ, start_response):
    """Ask for the password, and tell the application behind who has given it."""
    if not hmac.compare_digest(environ.get("HTTP_AUTHORIZATION", ""), CREDENTIALS):
        challenge = ("WWW-Authenticate", 'Basic realm="site"')
        start_response("401 Unauthorized", [challenge, ("Content-Type", "text/plain")])
        return [b"Please log in.\n"]
    return gateway({**environ, "REMOTE_USER": "ann", "AUTH_TYPE": "Basic"}, start_response)
