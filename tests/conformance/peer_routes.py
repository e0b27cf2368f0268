"""The routes of the table in the words of Apache, nginx and lighttpd."""

from __future__ import annotations

from tests.conformance.routes import QUICK, ROUTES, VARIABLES, Places, Route, Where


def as_apache(places: Places) -> str:
    """Write the routes as directives of Apache's server context."""
    lines = ["Timeout 2", "<Location />", "CGIPassAuth On", "</Location>"]
    # The last one that matches decides, so the most general route comes first.
    for route in reversed(ROUTES):
        switch = "proxy-scgi-pathinfo=1" if "path_info" in route.options else "!proxy-scgi-pathinfo"
        lines.append(f'SetEnvIf Request_URI "^{route.path}" {switch}')
    for route in ROUTES:
        lines += _apache_route(route, places)
    return "\n".join(lines)


def _apache_route(route: Route, places: Places) -> list[str]:
    if route.where is Where.NOTHING:
        return [f"ProxyPass {route.path} !"]
    target = f"scgi://{_apache_host(route.where, places)}{route.base}"
    if places.is_socket(route.where):
        # Apache tells workers apart by host and path alone, not by socket.
        name = route.path.strip("/")
        target = f"unix:{places.socket[route.where]}|scgi://{name}/"
    # retry=0: a member that failed once is asked again, as a lone member should be.
    seconds = int(QUICK) if "timeout" in route.options else 60
    rest = f"retry=0 timeout={seconds} connectiontimeout={seconds}"
    if not route.path.endswith("/") and route.options.get("path_info") != "apache":
        # Without it every path would get a second slash.
        target = target.removesuffix("/")
    lines = [f"ProxyPass {route.path} {target} {rest}"]
    options = {
        "max_body": "LimitRequestBody 10",
        "pass_authorization": "CGIPassAuth Off",
        "document_root": "SetEnv DOCUMENT_ROOT /srv/www",
        "variables": "\n".join(f'SetEnv {n} "{v}"' for n, v in VARIABLES.items() if v is not False),
    }
    inside = [text for key, text in options.items() if key in route.options]
    return [*lines, f"<Location {route.path}>", *inside, "</Location>"] if inside else lines


def _apache_host(where: Where, places: Places) -> str:
    return "localhost" if places.is_socket(where) else places.authority(where)


NGINX_PARAMETERS = """
      scgi_param SCGI 1;
      scgi_param REQUEST_METHOD $request_method;
      scgi_param REQUEST_URI $request_uri;
      scgi_param QUERY_STRING $query_string;
      scgi_param CONTENT_TYPE $content_type;
      scgi_param DOCUMENT_URI $document_uri;
      scgi_param DOCUMENT_ROOT $document_root;
      scgi_param SERVER_PROTOCOL $server_protocol;
      scgi_param REQUEST_SCHEME $scheme;
      scgi_param HTTPS $https if_not_empty;
      scgi_param REMOTE_ADDR $remote_addr;
      scgi_param REMOTE_PORT $remote_port;
      scgi_param SERVER_ADDR $server_addr;
      scgi_param SERVER_PORT $server_port;
      scgi_param SERVER_NAME $host;
"""


def as_nginx(places: Places) -> str:
    """Write the routes as locations of nginx's server block."""
    return "\n".join(_nginx_route(route, places) for route in ROUTES)


def _nginx_route(route: Route, places: Places) -> str:
    if route.where is Where.NOTHING:
        return f"    location ^~ {route.path} {{ return 404; }}"
    mount = route.path.rstrip("/")
    script_name, path_info = "$document_uri", ""
    location = f"^~ {route.path}"
    if route.path == "/":
        location, script_name, path_info = "/", "", "$document_uri"
    elif "path_info" in route.options:
        location = f"~ ^{mount}(?<rest>/.*)" + ("$" if route.path.endswith("/") else "?$")
        script_name, path_info = mount, f"{route.base.rstrip('/')}$rest"
    lines = [f"    location {location} {{", NGINX_PARAMETERS]
    lines.append(f'      scgi_param SCRIPT_NAME "{script_name}";')
    lines.append(f'      scgi_param PATH_INFO "{path_info}" if_not_empty;')
    if places.is_socket(route.where):
        lines.append(f"      scgi_pass unix:{places.socket[route.where]};")
    elif route.where is Where.NO_NAME:
        # A literal name must resolve when nginx starts; a variable is looked up per request.
        lines.append(f"      set $target {places.authority(route.where)}; scgi_pass $target;")
    else:
        lines.append(f"      scgi_pass {places.authority(route.where)};")
    lines += _nginx_options(route)
    return "\n".join([*lines, "    }"])


def _nginx_options(route: Route) -> list[str]:
    lines = []
    if "timeout" in route.options:
        for what in ("scgi_connect_timeout", "scgi_send_timeout", "scgi_read_timeout"):
            lines.append(f"      {what} {QUICK:g}s;")
        lines.append(f"      client_body_timeout {QUICK:g}s;")
    if route.path == "/stream/":
        lines.append("      scgi_buffering off; scgi_request_buffering off;")
    if "document_root" in route.options:
        lines.append("      root /srv/www;")
    if "pass_authorization" in route.options:
        lines.append('      scgi_param HTTP_AUTHORIZATION "";')
    if "variables" in route.options:
        lines += [f'      scgi_param {n} "{v}";' for n, v in VARIABLES.items() if v is not False]
        lines.append('      scgi_param HTTP_X_GONE "";')
    lines.append(f"      client_max_body_size {10 if 'max_body' in route.options else '1g'};")
    return lines


def as_lighttpd(places: Places) -> str:
    """Write the routes as lighttpd's scgi.server, one condition per route."""
    entries = []
    for route in ROUTES:
        if route.where not in (Where.NOTHING, Where.NO_NAME):
            entries.append(_lighttpd_entry(route, places))
    return (
        "server.max-request-size = 1048576\nserver.max-read-idle = 2\n"
        '$HTTP["url"] =~ "^/a/private/" { url.access-deny = ( "" ) }\n'
        '$HTTP["url"] =~ "^/vars/" { setenv.set-environment = ( '
        + ", ".join(f'"{n}" => "{v}"' for n, v in VARIABLES.items() if v is not False)
        + " ) }\n"
        '$HTTP["url"] =~ "^/stream/" {\n'
        "  server.stream-request-body = 2\n  server.stream-response-body = 2\n}\n"
        "scgi.server = (\n  " + ",\n  ".join(entries) + "\n)\n"
    )


def _lighttpd_entry(route: Route, places: Places) -> str:
    if places.is_socket(route.where):
        target = f'"socket" => "{places.socket[route.where]}"'
    else:
        target = f'"host" => "127.0.0.1", "port" => {places.port[route.where]}'
    more = ""
    if "timeout" in route.options:
        more = ', "connect-timeout" => 1, "read-timeout" => 1, "write-timeout" => 1'
    if route.path == "/":
        more += ', "fix-root-scriptname" => "enable"'
    if "document_root" in route.options:
        more += ', "docroot" => "/srv/www"'
    prefix = route.path if route.path == "/" else route.path.rstrip("/")
    return f'"{prefix}" => (( {target}, "check-local" => "disable", "disable-time" => 0{more} ))'
