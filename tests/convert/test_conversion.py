"""A whole configuration, from Apache's file to ours."""

import tomllib
from pathlib import Path

import pytest

from tests.convert.apache_text import anything, converted, routes
from wsgi_scgi.config.file import parse_configuration
from wsgi_scgi.config.mistakes import InvalidConfiguration
from wsgi_scgi.convert import convert
from wsgi_scgi.errors import ConfigurationError

SIMPLE = 'ProxyPass "/scgi-bin/" "scgi://localhost:4000/"\n'


class TestManual:
    """The examples of the manual page of mod_proxy_scgi, word for word."""

    def test_simple_gateway(self) -> None:
        assert routes(SIMPLE) == [{"path": "/scgi-bin/", "backend": "scgi://localhost:4000/"}]

    def test_balanced_gateway(self) -> None:
        text = (
            'ProxyPass "/scgi-bin/" "balancer://somecluster/"\n'
            "<Proxy balancer://somecluster>\n"
            "    BalancerMember scgi://localhost:4000\n"
            "    BalancerMember scgi://localhost:4001\n"
            "</Proxy>\n"
        )

        assert tomllib.loads(converted(text, parse=anything)) == {
            "route": [{"path": "/scgi-bin/", "backend": "balancer://somecluster/"}],
            "balancer": {
                "somecluster": {
                    "member": [{"url": "scgi://localhost:4000"}, {"url": "scgi://localhost:4001"}]
                }
            },
        }

    def test_path_info(self) -> None:
        text = f"{SIMPLE}SetEnvIf Request_URI . proxy-scgi-pathinfo\n"

        assert routes(text) == [
            {"path": "/scgi-bin/", "backend": "scgi://localhost:4000/", "path_info": "apache"}
        ]

    def test_internal_redirect(self) -> None:
        text = (
            f"{SIMPLE}    ProxySCGIInternalRedirect Off\n"
            '# Django and some other frameworks will fully qualify "local URLs"\n'
            "# set by the application, so an alternate header must be used.\n"
            "<Location /django-app/>\n"
            "    ProxySCGIInternalRedirect X-Location\n"
            "</Location>\n"
        )

        assert routes(text) == [
            {"path": "/scgi-bin/", "backend": "scgi://localhost:4000/", "internal_redirect": False}
        ]
        told = "# httpd.conf:6: ProxySCGIInternalRedirect X-Location: applies to no route"
        assert told in converted(text)

    def test_sendfile(self) -> None:
        text = (
            f"{SIMPLE}# Use the default header (X-Sendfile)\nProxySCGISendfile On\n\n"
            "# Use a different header\nProxySCGISendfile X-Send-Static\n"
        )

        assert routes(text) == [
            {
                "path": "/scgi-bin/",
                "backend": "scgi://localhost:4000/",
                "sendfile": "X-Send-Static",
                "sendfile_roots": [],
            }
        ]
        with pytest.raises(InvalidConfiguration, match="sendfile_roots: is needed with sendfile"):
            parse_configuration(converted(text), "gateway.toml")


def test_a_balancer_that_is_not_supported_closes_its_routes_and_one_that_is_does_not() -> None:
    text = "ProxyPass /a balancer://b/\nBalancerMember balancer://b scgi://h:1\n"

    document = tomllib.loads(converted(text))
    closed = document["route"] == [{"path": "/a", "exclude": True}]
    assert closed is ("balancer" not in document)


CONFIGURATION = """\
ServerRoot "{root}"
ServerName www.example.org
Listen 127.0.0.1:8080
LoadModule proxy_module modules/mod_proxy.so
LoadModule proxy_scgi_module modules/mod_proxy_scgi.so
Define BACKEND scgi://10.0.0.1:4000
Define BASE "/app"
DocumentRoot "/srv/www"
Timeout 30
LogLevel warn
ErrorLog "logs/error log"
SetEnv APP_ENV 'prod "blue"'
SetEnvIf Request_URI . proxy-scgi-pathinfo
BrowserMatch "MSIE 4" nokeepalive downgrade-1.0
RequestHeader unset X-Remote-User
<Directory />
    Require all denied
    AllowOverride None
</Directory>
ProxyPass ${{BASE}}/static/ !
ProxyPass ${{BASE}}/ ${{BACKEND}}/ \\
    timeout=5 connectiontimeout=500ms retry=0
ProxyPassMatch "^/user/([a-z]+)$" "${{BACKEND}}/u/$1"
<Location "${{BASE}}/admin/">
    Require ip 10.0.0.0/8
</Location>
<Location "${{BASE}}/Reports and more/">
    <LimitExcept GET HEAD>
        Require all denied
    </LimitExcept>
</Location>
<LocationMatch "^/app/.*\\.bak$">
    Order allow,deny
    Deny from all
</LocationMatch>
<Location /app/upload>
    LimitRequestBody 1048576
    CGIPassAuth On
</Location>
<IfModule mod_proxy_scgi.c>
    ProxySCGIInternalRedirect X-Location
</IfModule>
<IfModule !mod_proxy_scgi.c>
    ProxyPass / scgi://never:1/
</IfModule>
<IfDefine Debugging>
    ProxyPass /debug/ scgi://debug:1/
</IfDefine>
IncludeOptional sites/*.conf
Alias /icons/ "/usr/share/icons/"
Header always set X-Frame-Options DENY
<VirtualHost *:8080>
    ServerName intern.example.org
    ServerAlias *.intern.example.org
    ProxyPass /wiki unix:/run/wiki.sock|scgi://wiki/
    ProxyPass /files/ http://10.0.0.9/
    <Location /wiki/private>
        AuthType Basic
        AuthName "Wiki"
        AuthUserFile conf/users
        Require valid-user
    </Location>
    Include extra.conf
</VirtualHost>
"""


@pytest.fixture
def configuration(tmp_path: Path) -> Path:
    (tmp_path / "sites").mkdir()
    (tmp_path / "sites" / "b.conf").write_text(
        "<VirtualHost *:8080>\nServerName b.example.org\nProxyPass /b/ scgi://b:1\n</VirtualHost>\n"
    )
    (tmp_path / "extra.conf").write_text("ProxyPass /extra/ scgi://extra/\n")
    path = tmp_path / "httpd.conf"
    path.write_text(CONFIGURATION.format(root=tmp_path))
    return path


class TestWholeConfiguration:
    """Sixty lines with virtual hosts, access rules, includes, definitions and quotes."""

    def test_it_becomes_these_routes(self, configuration: Path) -> None:
        toml = convert(configuration, given=(), environment={}, parse=anything)
        found = tomllib.loads(toml)["route"]

        assert [
            (
                route.get("path") or route["match"],
                route.get("backend", "!"),
                *route.get("host", ["*"]),
            )
            for route in found
        ] == [
            ("/b/", "scgi://b:1/", "b.example.org"),
            *(
                (place, target, *hosts)
                for hosts in [("intern.example.org", "*.intern.example.org")]
                for place, target in [
                    ("/wiki/private", "unix:/run/wiki.sock|scgi://wiki//private"),
                    ("/wiki", "unix:/run/wiki.sock|scgi://wiki/"),
                    ("/files/", "!"),
                    ("/extra/", "scgi://extra/"),
                ]
            ),
            ("/app/static/", "!", "*"),
            ("/app/Reports and more/", "!", "*"),
            (r"^/app/.*\.bak$", "!", "*"),
            ("/app/upload", "scgi://10.0.0.1:4000/upload", "*"),
            ("/app/admin/", "!", "*"),
            ("/app/", "scgi://10.0.0.1:4000/", "*"),
            ("^/user/([a-z]+)$", "scgi://10.0.0.1:4000/u/$1", "*"),
        ]

    def test_options_are_those_of_the_place(self, configuration: Path) -> None:
        toml = convert(configuration, given=(), environment={}, parse=anything)
        document = tomllib.loads(toml)
        by_path = {route.get("path"): route for route in document["route"]}

        common = {
            "path_info": "apache",
            "internal_redirect": "X-Location",
            "document_root": "/srv/www",
            "client_timeout": 30,
            "variables": {"APP_ENV": 'prod "blue"', "HTTP_X_REMOTE_USER": False},
        }
        assert document["server"] == {"bind": "127.0.0.1:8080"}
        assert by_path["/app/"] == {
            "path": "/app/",
            "backend": "scgi://10.0.0.1:4000/",
            "timeout": 5,
            "connect_timeout": 0.5,
            **common,
        }
        upload = by_path["/app/upload"]
        assert (upload["max_body"], upload["pass_authorization"]) == (1048576, True)
        private = by_path["/wiki/private"]
        assert private["auth_file"] == f"{configuration.parent}/conf/users"
        assert private["pass_authorization"] is False

    def test_the_reasons_and_places_are_told(self, configuration: Path) -> None:
        toml = convert(configuration, given=(), environment={})
        toml = toml.replace(f"{configuration.parent}/", "")

        for comment in (
            "# httpd.conf:25: Require ip 10.0.0.0/8",
            "# httpd.conf:29: Require all denied (in <LimitExcept GET HEAD> at httpd.conf:28)",
            "# httpd.conf:34: Deny from all",
            "# Apache would send these requests elsewhere, by another protocol",
            '# httpd.conf:50: Alias /icons/ "/usr/share/icons/": files are not served here',
            "# httpd.conf:51: Header always set X-Frame-Options DENY: routes do not change",
            "sites/b.conf:3: ProxyPass /b/ scgi://b:1",
            "the target lacks its last slash",
            "# httpd.conf:21: ProxyPass /app/ scgi://10.0.0.1:4000/ ",
        ):
            assert comment in toml

    def test_what_has_no_meaning_is_one_line(self, configuration: Path) -> None:
        toml = convert(configuration, given=(), environment={})

        assert "loglevel" in toml.splitlines()[-1]
        assert toml.count("LogLevel") == 0

    def test_our_reader_takes_it(self, configuration: Path) -> None:
        toml = convert(configuration, environment={})

        assert len(parse_configuration(toml, "gateway.toml").routes) > 10

    def test_it_is_the_same_every_time(self, configuration: Path) -> None:
        first = convert(configuration, environment={})

        assert convert(configuration, environment={}) == first


ROUTE = "ProxyPass /a/ scgi://h/\n"
DENIED = "Require all denied\n"
LOST_RULES = [
    "<Location />\nRequire all denied\n</Location>\n",
    "<location /A/../a/>\n</location>\n<Location //a>\nRequire local\n</Location>\n",
    "<Location /a>\nRequire valid-user\n</Location>\n",
    '<Location "/a/">\n<RequireAll>\nRequire all granted\nRequire not ip 10.0.0.1\n</RequireAll>\n'
    "</Location>\n",
    "<Location /a/>\nOrder deny,allow\nDeny from 10.0.0.1\n</Location>\n",
    "<Location /a/>\nOrder allow,deny\n</Location>\n",
    "<Location /a/>\n<Limit POST>\nRequire all denied\n</Limit>\n</Location>\n",
    "<Location /a/>\n<LimitExcept GET>\nDeny from all\n</LimitExcept>\n</Location>\n",
    "<Location /a/>\nAllowMethods GET\n</Location>\n",
    "<Location /a/>\nSSLRequireSSL\n</Location>\n",
    "SSLVerifyClient require\n",
    "<Location /a/>\nAuthType Digest\nAuthUserFile /x\nRequire valid-user\n</Location>\n",
    "<Location /a/>\nAuthType Basic\nAuthUserFile /x\nRequire user jane\n</Location>\n",
    "<Location /a/>\nRedirect 403\n</Location>\n",
    "<Location ~ ^/a/\\h>\nRequire all denied\n</Location>\n",
    "<LocationMatch ^/${X}>\nRequire all denied\n</LocationMatch>\n",
    "<Proxy *>\nRequire all denied\n</Proxy>\n",
    "<Proxy scgi://h>\nOrder allow,deny\n</Proxy>\n",
    "<Proxy scgi://h:4000/>\nRequire all denied\n</Proxy>\n",
    "<ProxyMatch ^scgi>\nRequire all denied\n</ProxyMatch>\n",
    "DocumentRoot /w\n<Directory /w/a>\nRequire all denied\n</Directory>\n",
    "DocumentRoot /w\n<Directory /w>\nRequire all denied\n</Directory>\n",
    "<If \"-n 'x'\">\nRequire all denied\n</If>\n",
    "<Location /a/>\nRequire all granted\n<If true>\nRequire all denied\n</If>\n</Location>\n",
    "<IfModule mod_x.c>\n<Location /a/>\nRequire all denied\n</Location>\n</IfModule>\n",
    "<IfModule !mod_x.c>\n<Location /a/>\nRequire all denied\n</Location>\n</IfModule>\n",
    "<IfDefine X>\n<Location /a/>\nRequire all denied\n</Location>\n</IfDefine>\n",
    "<IfCluster>\n<Location /a/>\nRequire all denied\n</Location>\n</IfCluster>\n",
    "<If \"-n 'x'\">\nRedirect 403\n</If>\n",
    "<IfVersion >= 2.4.99>\n<Location /a/>\nRequire all denied\n</Location>\n</IfVersion>\n",
    "Define WHERE /a\n<Location ${where}>\nRequire all denied\n</Location>\n",
    "<Location /\\\na>\nRequire \\\nall denied\n</Location>\n",
    "<Location /a> # a comment\nRequire all denied\n</Location>\n",
    "<Location '/a/'>\nRequire \"all\" 'denied'\n</Location>\n",
    "<LOCATION /a/>\nREQUIRE all DENIED\n</LOCATION>\n",
    "RewriteEngine On\nRewriteRule ^/a/ - [F]\n",
    "RewriteEngine On\nRewriteCond %{REMOTE_ADDR} !^10\\.\nRewriteRule .* - [R=403,L]\n",
    "SetEnvIf Remote_Addr . no-proxy\n",
    "SetEnvIf Request_URI ^/a/ no-proxy\n",
    "ProxyBlock *\n",
    'SecRule REMOTE_ADDR "@ipMatch 10.0.0.1" deny\n',
]


@pytest.mark.parametrize("rules", LOST_RULES)
@pytest.mark.parametrize("first", [True, False])
def test_no_rule_is_lost(rules: str, first: bool) -> None:
    found = routes(rules + ROUTE if first else ROUTE + rules)

    assert [route for route in found if "exclude" not in route] == []
    assert found


@pytest.mark.parametrize("rules", LOST_RULES)
def test_no_rule_of_the_main_server_is_lost_in_a_virtual_host(rules: str) -> None:
    found = routes(f"{rules}<VirtualHost *:80>\nServerName a\n{ROUTE}</VirtualHost>\n")

    assert [route for route in found if "exclude" not in route] == []
    assert found


@pytest.mark.parametrize(
    "inner",
    [
        "<Location /a/b>\n{}</Location>\n",
        "<LocationMatch ^/a/b>\n{}</LocationMatch>\n",
        "<Location ~ /b>\n{}</Location>\n",
        "<Location /a/?>\n{}</Location>\n",
        "DocumentRoot /w\n<Directory /w/a/b>\n{}</Directory>\n",
    ],
)
def test_no_rule_for_a_part_is_lost(inner: str) -> None:
    exclusion, route = routes(ROUTE + inner.format(DENIED))

    assert exclusion["exclude"] is True
    assert route == {"path": "/a/", "backend": "scgi://h/"} | {
        key: value for key, value in route.items() if key == "document_root"
    }


def test_a_rule_is_lost_neither_by_an_include_nor_by_a_comment_that_goes_on(tmp_path: Path) -> None:
    (tmp_path / "rules.conf").write_text("<Location /a/>\nRequire all denied\n</Location>\n")
    path = tmp_path / "httpd.conf"
    path.write_text(f"{ROUTE}Include rules.conf\n")
    assert "exclude = true" in convert(path, environment={})

    path.write_text(f"{ROUTE}Include rule[s].conf\n# no \\\nInclude none.conf\n")
    assert "exclude = true" in convert(path, environment={})

    (tmp_path / "rules.conf").unlink()
    with pytest.raises(ConfigurationError, match=r"httpd\.conf:2: Include rule\[s\]\.conf: there"):
        convert(path, environment={})


@pytest.mark.parametrize(
    "text",
    [
        "ProxyPass /a/b !\nProxyPass /a/ scgi://h/\n",
        "ProxyPassMatch ^/a/b !\nProxyPass /a/ scgi://h/\n",
        "ProxyPassMatch ^/a/b\\h !\nProxyPass /a/ scgi://h/\n",
        "<Location /a/b>\nProxyPass !\n</Location>\nProxyPass /a/ scgi://h/\n",
        "<IfDefine X>\nProxyPass /a/b !\n</IfDefine>\nProxyPass /a/ scgi://h/\n",
        "ProxyPass /a/b http://h/\nProxyPass /a/ scgi://h/\n",
        "ProxyPass /a/b fcgi://h/\nProxyPass /a/ scgi://h/\n",
        "ProxyPass /a/b scgi://${X}/\nProxyPass /a/ scgi://h/\n",
        "ProxyPassMatch ^/a/b(.*) scgi://h$1/\nProxyPass /a/ scgi://h/\n",
        "ProxyPass /a/b balancer://nobody/\nProxyPass /a/ scgi://h/\n",
        "ProxyPass /a/b scgi://h:99999/\nProxyPass /a/ scgi://h/\n",
    ],
)
def test_what_is_not_for_a_backend_does_not_fall_to_a_later_one(text: str) -> None:
    first, *_ = routes(text)

    assert first["exclude"] is True
    assert first.get("path", "/a/b") in ("/a/b", "/a/")


def test_an_include_in_doubt_whose_file_is_missing_is_told() -> None:
    text = f"{ROUTE}<IfDefine X>\nInclude none.conf\n</IfDefine>\n"

    assert "# httpd.conf:3: Include none.conf (in <IfDefine X> at httpd.conf:2): no file" in (
        converted(text)
    )


def test_definitions_of_the_command_line_decide_if_they_are_given() -> None:
    text = f"{ROUTE}<IfDefine X>\n<Location />\n{DENIED}</Location>\n</IfDefine>\n"

    assert "exclude" in routes(text)[0]
    assert "exclude" in routes(text, given=["X"])[0]
    assert "exclude" not in routes(text, given=["Y"])[0]
    assert "# It is not known what names Apache is started with" in converted(text)
    assert "It is not known" not in converted(text, given=["X"])


def test_values_of_the_environment_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "httpd.conf"
    path.write_text("ProxyPass /a/ scgi://${BACKEND_HOST}/\n")
    monkeypatch.setenv("BACKEND_HOST", "h")

    toml = convert(path)
    assert "# ${BACKEND_HOST} is 'h', from the environment" in toml
    assert 'backend = "scgi://h/"' in toml


def test_limits_of_the_request_head_are_gunicorns() -> None:
    text = f"{ROUTE}LimitRequestLine 4000\nLimitRequestFields 50\nLimitRequestFieldSize x\n"

    assert tomllib.loads(converted(text))["server"] == {
        "limit_request_line": 4000,
        "limit_request_fields": 50,
    }
    assert "LimitRequestFieldSize x: the limit is gunicorn's" in converted(text)


def test_without_a_proxypass_there_is_no_route() -> None:
    text = converted("Listen 80\n")

    assert "# There is no ProxyPass in it, so there is no route" in text
    assert "route" not in tomllib.loads(text)


def test_that_authorization_passes_here_is_told_once() -> None:
    told = "# Apache keeps the Authorization field from backends"

    assert converted(ROUTE + "ProxyPass /b/ scgi://h/\n").count(told) == 1
    assert converted(f"{ROUTE}CGIPassAuth On\n").count(told) == 0
    assert converted("ProxyPass /a/ !\n").count(told) == 0


def test_a_virtual_host_that_answers_elsewhere_is_one_line() -> None:
    text = f"Listen 80\n{ROUTE}<VirtualHost *:81>\nServerName x\nSSLEngine On\n</VirtualHost>\n"

    assert "its 2 lines are not carried over" in converted(text)
    assert "SSLEngine" not in converted(text)


def test_what_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot read"):
        convert(tmp_path / "none.conf")
