"""The application behind all examples: it tells who asked it for what.

$ wsgi-scgi app legacy:application --bind 127.0.0.1:4000
"""


def application(environ, start_response):
    """Answer with the variables that an application needs to find its place and its user."""
    length = len(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"] or 0)))
    start_response("200 OK", [("Content-Type", "text/plain; charset=utf-8")])
    for name in ("REQUEST_METHOD", "SCRIPT_NAME", "PATH_INFO", "REMOTE_USER"):
        yield f"{name}={environ.get(name, '')}\n".encode("latin-1")
    yield f"body={length} bytes\n".encode()
