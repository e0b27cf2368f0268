"""The command ``wsgi-scgi convert``."""

import subprocess
import sys
from pathlib import Path

import pytest

from wsgi_scgi.address import parse_backend_url
from wsgi_scgi.cli import main
from wsgi_scgi.config.file import parse_configuration

# The first example of mod_proxy_scgi's manual page.
_MANUAL = 'ProxyPass "/scgi-bin/" "scgi://localhost:4000/"\n'


def test_what_is_printed_is_a_configuration(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    apache = tmp_path / "httpd.conf"
    apache.write_text(_MANUAL)
    assert main(["convert", str(apache)]) == 0
    (route,) = parse_configuration(capsys.readouterr().out, "gateway.toml").routes
    assert (route.path, route.backend) == (
        "/scgi-bin/",
        parse_backend_url("scgi://localhost:4000/"),
    )


def test_names_of_apache_s_command_line_are_known_to_if_define(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    apache = tmp_path / "httpd.conf"
    apache.write_text(
        f"{_MANUAL}<IfDefine More>\nProxyPass /more/ scgi://localhost/\n</IfDefine>\n"
    )
    assert main(["convert", "-D", "More", str(apache)]) == 0
    printed = capsys.readouterr().out
    assert [route.path for route in parse_configuration(printed, "x").routes] == [
        "/scgi-bin/",
        "/more/",
    ]


def test_a_file_that_cannot_be_read_is_one_line_and_status_1(tmp_path: Path) -> None:
    result = subprocess.run(
        [sys.executable, "-m", "wsgi_scgi", "convert", str(tmp_path / "none.conf")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 1
    assert result.stdout == ""
    assert len(result.stderr.splitlines()) == 1
    assert "none.conf" in result.stderr
