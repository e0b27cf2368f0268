"""The settings of every server that is measured, in one place.

They are what a production site would have, and the same for all where all can have the same: one
process for the requests, no access log but where that is the question, HTTP keep-alive of 5
seconds and (where that can be set) 1000 requests, more connections than any scenario has.  What is
special to one server says why.
"""

import grp
import os
from pathlib import Path

from .site import Feature, Site, Transport

CONNECTIONS = 256
"""The most connections of a scenario that are busy at the same time."""

_APACHE_MODULES = ("mpm_event", "authz_core", "proxy", "proxy_scgi")
_APACHE_BALANCER_MODULES = ("slotmem_shm", "proxy_balancer", "lbmethod_byrequests")


def connection_limit(site: Site) -> int:
    """Return how many client connections a server must be able to hold."""
    return site.streams + 2 * CONNECTIONS


def apache(site: Site, directory: Path, port: int) -> str:
    """Return httpd.conf: one event process with a thread for each busy connection."""
    # A response that is open takes a thread here; nothing else of this row depends on streams.
    threads = site.streams + CONNECTIONS
    modules = Path("/usr/lib/apache2/modules")
    balances = Feature.BALANCER in site.features
    names = (*_APACHE_MODULES, *(_APACHE_BALANCER_MODULES if balances else ()))
    lines = [f"LoadModule {name}_module {modules}/mod_{name}.so" for name in names]
    if os.geteuid() == 0:
        lines += ["User nobody", f"Group {grp.getgrgid(65534).gr_name}"]
    lines += [
        f"ServerRoot {directory}",
        f"DefaultRuntimeDir {directory}",
        f"PidFile {directory}/pid",
        f"ErrorLog {directory}/error.log",
        f"DocumentRoot {directory}",
        "ServerName localhost",
        "StartServers 1",
        "ServerLimit 1",
        f"ThreadLimit {threads}",
        f"ThreadsPerChild {threads}",
        f"MaxRequestWorkers {threads}",
        f"MinSpareThreads {threads}",
        f"MaxSpareThreads {threads}",
        "KeepAlive On",
        "KeepAliveTimeout 5",
        "MaxKeepAliveRequests 1000",
        f"Listen 127.0.0.1:{port}",
    ]
    if Feature.ACCESS_LOG in site.features:
        combined = r'"%h %l %u %t \"%r\" %>s %O \"%{Referer}i\" \"%{User-Agent}i\""'
        lines += [f"CustomLog {directory}/access.log {combined}"]
    if Feature.FILES in site.features:
        # The first is off in a fresh installation, for the sake of file systems that are none.
        lines += ["EnableSendfile On", "ProxySCGISendfile On"]
    if balances:
        target = "balancer://pool/"
        members = [f"BalancerMember scgi://127.0.0.1:{port}" for port in site.backend.ports]
        lines += ["<Proxy balancer://pool>", *members, "</Proxy>"]
    elif site.transport is Transport.UNIX:
        target = f"unix:{site.backend.socket}|scgi://localhost/"
    else:
        target = f"scgi://127.0.0.1:{site.backend.port}/"
    lines += [f"ProxyPass {path} {target}" for path in site.paths]
    return "\n".join(lines) + "\n"


def nginx(site: Site, directory: Path, port: int) -> str:
    """Return nginx.conf: one worker process."""
    upstream = ""
    if Feature.BALANCER in site.features:
        target = "pool"
        members = " ".join(f"server 127.0.0.1:{port};" for port in site.backend.ports)
        upstream = f"upstream pool {{ {members} }}"
    elif site.transport is Transport.UNIX:
        target = f"unix:{site.backend.socket}"
    else:
        target = f"127.0.0.1:{site.backend.port}"
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    access_log = (
        f"{directory}/access.log combined" if Feature.ACCESS_LOG in site.features else "off"
    )
    locations = [f"location {path} {{ scgi_pass {target}; }}" for path in site.paths]
    if Feature.FILES in site.features:
        locations += [f"location /files/ {{ internal; alias {site.backend.files}/; }}"]
    if Feature.ERROR_PAGES in site.features:
        locations += ["location / { return 404; }"]
    return "\n".join(
        [
            "user root;" if os.geteuid() == 0 else "",
            "daemon off;",
            "worker_processes 1;",
            f"worker_rlimit_nofile {_descriptors()};",
            f"pid {directory}/pid;",
            f"error_log {directory}/error.log;",
            # A client and a backend connection for each request, and some more: where less than
            # a sixteenth is free nginx closes connections on which a request is yet to come.
            f"events {{ worker_connections {connection_limit(site) * 5 // 2}; }}",
            "http {",
            *(f"  {kind}_temp_path {directory}/{kind};" for kind in kinds),
            f"  access_log {access_log};",
            "  sendfile on;",
            "  tcp_nopush on;",
            "  keepalive_timeout 5;",
            "  keepalive_requests 1000;",
            "  client_max_body_size 0;",
            # Long bodies: with the default buffers nginx took two to three times the CPU time
            # for 64 MiB, either way. Unbuffered uploads are no choice: nginx 1.22 then tells an
            # SCGI backend a wrong CONTENT_LENGTH.
            "  client_body_buffer_size 256k;",
            "  scgi_buffer_size 16k;",
            "  scgi_buffers 32 32k;",
            "  scgi_busy_buffers_size 256k;",
            "  scgi_max_temp_file_size 0;",
            # Debian's /etc/nginx/scgi_params, which every site includes.
            *(f"  scgi_param {name} {value};" for name, value in _NGINX_PARAMETERS),
            f"  {upstream}",
            "  server {",
            f"    listen 127.0.0.1:{port} backlog=4096;",
            *(f"    {line}" for line in locations),
            "  }",
            "}",
            "",
        ]
    )


_NGINX_PARAMETERS = (
    ("REQUEST_METHOD", "$request_method"),
    ("REQUEST_URI", "$request_uri"),
    ("QUERY_STRING", "$query_string"),
    ("CONTENT_TYPE", "$content_type"),
    ("DOCUMENT_URI", "$document_uri"),
    ("DOCUMENT_ROOT", "$document_root"),
    ("SCGI", "1"),
    ("SERVER_PROTOCOL", "$server_protocol"),
    ("REQUEST_SCHEME", "$scheme"),
    ("HTTPS", "$https if_not_empty"),
    ("REMOTE_ADDR", "$remote_addr"),
    ("REMOTE_PORT", "$remote_port"),
    ("SERVER_PORT", "$server_port"),
    ("SERVER_NAME", "$server_name"),
)


def lighttpd(site: Site, directory: Path, port: int) -> str:
    """Return lighttpd.conf."""
    ports = site.backend.ports if Feature.BALANCER in site.features else (site.backend.port,)
    if site.transport is Transport.UNIX:
        addresses = [f'"socket" => "{site.backend.socket}"']
    else:
        addresses = [f'"host" => "127.0.0.1", "port" => {port}' for port in ports]
    options = '"check-local" => "disable"'
    modules, others = '"mod_scgi"', []
    if Feature.ACCESS_LOG in site.features:
        modules += ', "mod_accesslog"'
        others += [f'accesslog.filename = "{directory}/access.log"']
    if Feature.FILES in site.features:
        files = site.backend.files
        options += f', "x-sendfile" => "enable", "x-sendfile-docroot" => ( "{files}" )'
    hosts = ", ".join(f"( {address}, {options} )" for address in addresses)
    servers = ",\n".join(f'  "{path}" => ( {hosts} )' for path in site.paths)
    return "\n".join(
        [
            f"server.modules = ( {modules} )",
            'server.bind = "127.0.0.1"',
            f"server.port = {port}",
            f'server.document-root = "{directory}"',
            f'server.errorlog = "{directory}/error.log"',
            f'server.upload-dirs = ( "{directory}" )',
            'server.event-handler = "linux-sysepoll"',
            f"server.max-fds = {_descriptors()}",
            f"server.max-connections = {connection_limit(site)}",
            "server.listen-backlog = 4096",
            "server.max-keep-alive-idle = 5",
            "server.max-keep-alive-requests = 1000",
            "server.max-request-size = 0",
            # The default, 0, keeps a response until it is complete: streams would never start.
            # Requests stay with the default: to stream them costs several times as much.
            "server.stream-response-body = 2",
            f"scgi.server = (\n{servers}\n)",
            *others,
            "",
        ]
    )


def gunicorn(site: Site, directory: Path) -> dict[str, object]:
    """Return gunicorn's settings by their names, for every row that runs in it."""
    settings: dict[str, object] = {
        "bind": "127.0.0.1:0",
        "workers": 1,
        "worker_connections": connection_limit(site),
        "backlog": 4096,
        "keepalive": 5,
        "control_socket_disable": True,
    }
    if Feature.ACCESS_LOG in site.features:
        settings["accesslog"] = f"{directory}/access.log"
    return settings


def gateway_toml(site: Site, directory: Path, worker_class: str) -> str:
    """Return gateway.toml: gunicorn's settings, and a route for each path."""
    if Feature.BALANCER in site.features:
        target = "balancer://pool/"
    elif site.transport is Transport.UNIX:
        target = f"scgi+unix://{site.backend.socket}"
    else:
        target = f"scgi://127.0.0.1:{site.backend.port}/"
    lines = ["[server]", f'worker_class = "{worker_class}"']
    for name, value in gunicorn(site, directory).items():
        text = str(value).lower() if isinstance(value, bool) else repr(value).replace("'", '"')
        lines.append(f"{name} = {text}")
    for path in site.paths:
        lines += ["[[route]]", f'path = "{path}"', f'backend = "{target}"']
        if Feature.FILES in site.features:
            lines += ["sendfile = true", f'sendfile_roots = ["{site.backend.files}"]']
    if Feature.BALANCER in site.features:
        lines += ["[balancer.pool]"]
        for port in site.backend.ports:
            lines += ["[[balancer.pool.member]]", f'url = "scgi://127.0.0.1:{port}"']
    return "\n".join(lines) + "\n"


def _descriptors() -> int:
    return os.sysconf("SC_OPEN_MAX")
