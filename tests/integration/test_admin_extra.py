"""``wsgi-scgi`` where the libraries of ``[admin]`` are not installed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.integration.serving import ANY_PORT, BOUND, Served, Start, get
from tests.integration.test_admin import TOKEN, configuration
from tests.kit.gateways import Gateway

WITHOUT = (
    "import sys\n"
    "for name in ('jinja2', 'markupsafe', 'prometheus_client'):\n"
    "    sys.modules[name] = None\n"
    "from wsgi_scgi.cli import main\n"
    "sys.exit(main(sys.argv[1:]))\n"
)


def without_libraries(*arguments: str, directory: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", WITHOUT, *arguments],
        cwd=directory,
        env={**os.environ, "PYTHONPATH": os.getcwd()},
        capture_output=True,
        text=True,
        check=False,
        timeout=BOUND,
    )


def test_without_its_libraries_admin_tells_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "gateway.toml").write_text(configuration("scgi://localhost"))
    line = "gateway.toml:5: path: needs jinja2 and prometheus_client: "
    for command in ("check", "serve"):
        ended = without_libraries(command, "-c", "gateway.toml", directory=tmp_path)
        assert ended.returncode == 1
        told = ended.stdout + ended.stderr
        assert line in told and "pip install 'wsgi-scgi[admin]'" in told
        assert "Traceback" not in told


def test_without_its_libraries_everything_else_works(tmp_path: Path, first: Served) -> None:
    text = configuration(first.url)
    (tmp_path / "gateway.toml").write_text(re.sub(r"\[admin\]\n(.+\n)+", "", text))
    ended = without_libraries("check", "-c", "gateway.toml", directory=tmp_path)
    assert ended.returncode == 0, ended.stdout
    command = [sys.executable, "-c", WITHOUT, "serve", "-c", "gateway.toml", *ANY_PORT]
    with Gateway("serve", command, tmp_path) as gateway:
        gateway.wait_logged_address()
        assert get(gateway.address).body == b"first"
        assert get(gateway.address, "/_gateway/healthz").body == b"first"


def test_the_command_line_needs_none_of_them(start: Start, tmp_path: Path, first: Served) -> None:
    (tmp_path / "gateway.toml").write_text(configuration(first.url))
    gateway = start("-c", "gateway.toml")
    url = "http://{}:{}/_gateway/".format(*gateway.address)
    (tmp_path / "token").write_text(TOKEN)
    ended = without_libraries("status", "--url", url, "--token-file", "token", directory=tmp_path)
    assert ended.returncode == 0 and "app (byrequests)" in ended.stdout
