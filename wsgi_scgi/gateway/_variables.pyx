# cython: language_level=3
"""The compiled twin of ``variables_of_request`` in variables.py, its reference.

It does an environ that is a dict, with a server's address; the reference does the others.
"""

from wsgi_scgi.compiled import TWINS
from wsgi_scgi.gateway.variables import split_path
from wsgi_scgi.semantics.fields import forwarded_fields

cdef extern from "Python.h":
    bint PyUnicode_CheckExact(object text)

cdef extern from *:
    const unsigned int WSGI_SCGI_SOURCE

SOURCE = WSGI_SCGI_SOURCE

cdef tuple _OPTIONAL = ("REMOTE_ADDR", "REMOTE_PORT", "REMOTE_USER", "AUTH_TYPE", "CONTENT_TYPE")


def variables_of_request(request, rules):
    """Return what the request itself says, whatever the route adds or takes away."""
    cdef dict environ, variables
    if type(request.environ) is not dict:
        return _refer(request, rules)
    environ = request.environ
    address = environ.get("SERVER_ADDR")
    if not address:
        return _refer(request, rules)
    script_name, path_info = split_path(request, rules)
    variables = {
        "REQUEST_METHOD": request.method,
        "REQUEST_URI": request.target,
        "QUERY_STRING": request.query,
        "SCRIPT_NAME": script_name,
    }
    if path_info is not None:
        variables["PATH_INFO"] = path_info
    variables["SERVER_NAME"] = request.server_name
    variables["SERVER_PORT"] = request.server_port
    variables["SERVER_ADDR"] = address
    variables["SERVER_PROTOCOL"] = environ["SERVER_PROTOCOL"]
    variables["SERVER_SOFTWARE"] = environ.get("SERVER_SOFTWARE") or "wsgi-scgi"
    scheme = environ["wsgi.url_scheme"]
    variables["REQUEST_SCHEME"] = scheme
    if scheme == "https":
        variables["HTTPS"] = "on"
    for name in _OPTIONAL:
        value = environ.get(name)
        if value:
            variables[name] = value if PyUnicode_CheckExact(value) else str(value)
    if rules.document_root:
        variables["DOCUMENT_ROOT"] = rules.document_root
    host = request.host
    if host is not None:
        variables["HTTP_HOST"] = host
    fields = forwarded_fields(environ)
    fields.pop("HTTP_HOST", None)
    variables.update(fields)
    return variables


cdef _refer(request, rules):
    return TWINS["variables_of_request"].reference(request, rules)
