"""The package as a user gets it: built, installed into a clean environment, run there.

Run by ``tox -e packaging`` alone: it needs ``build`` and a package index.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import urllib.request
import venv
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.docs.blocks import Kind, blocks_of
from tests.ports import held_port

ROOT = Path(__file__).parents[1]
# Seconds for a build or an installation on a busy machine; never what a test asserts.
BOUND = 600.0

SHOW_TWINS = "import wsgi_scgi, wsgi_scgi.worker; print(wsgi_scgi.compiled.in_use())"

pytestmark = pytest.mark.timeout(BOUND * 2)


def run(*command: str | Path, cwd: Path, extra: Mapping[str, str] | None = None) -> str:
    """Run a command that must succeed, ``extra`` in its environment; return what it prints."""
    done = subprocess.run(
        command,
        cwd=cwd,
        env=clean_environment() | dict(extra or {}),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=BOUND,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}"
    return done.stdout


def clean_environment() -> dict[str, str]:
    """Return the environment without what would lead to another Python's packages."""
    hidden = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "WSGI_SCGI_PURE")
    return {name: value for name, value in os.environ.items() if name not in hidden}


def checkout_files() -> list[Path]:
    """Return the files of the project, without what is made from them."""
    if (ROOT / ".git").exists() and shutil.which("git"):
        listed = run(
            "git", "ls-files", "--cached", "--others", "--exclude-standard", "-z", cwd=ROOT
        )
        return [Path(name) for name in listed.split("\0") if name and (ROOT / name).is_file()]
    made = {".venv", ".tox", "build", "dist", "_build", "__pycache__", ".git"}
    return [
        path.relative_to(ROOT)
        for path in ROOT.rglob("*")
        if path.is_file() and not made.intersection(path.relative_to(ROOT).parts)
    ]


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh copy of the project."""
    directory = tmp_path_factory.mktemp("clone")
    for name in checkout_files():
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, directory / name)
    return directory


@pytest.fixture(scope="module")
def distributions(clone: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the sdist, and the wheel that was built from it."""
    directory = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--outdir", directory, clone, cwd=directory)
    return directory


@pytest.fixture(scope="module")
def installed(distributions: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of programs of a clean environment with nothing but the wheel."""
    directory = tmp_path_factory.mktemp("environment")
    venv.create(directory, with_pip=True)
    (wheel,) = distributions.glob("*.whl")
    run(directory / "bin" / "python", "-m", "pip", "install", wheel, cwd=directory)
    return directory / "bin"


def packed_files(wheel: Path) -> set[str]:
    """Return the files of the package in a wheel."""
    with zipfile.ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if name.startswith("wsgi_scgi/")}


def package_files() -> set[str]:
    """Return the files that every wheel has: those of the package but for sources to compile."""
    package = {path for path in checkout_files() if path.parts[0] == "wsgi_scgi"}
    return {path.as_posix() for path in package if path.suffix not in (".pyx", ".pxd", ".so")}


def extension_files() -> set[str]:
    """Return what is compiled where Cython and a compiler are at hand."""
    ending = sysconfig.get_config_var("EXT_SUFFIX")
    files = checkout_files()
    twins = [path for path in files if path.suffix == ".pyx"]
    modules = [path for path in files if path.suffix == ".pxd" and path.with_suffix(".py") in files]
    return {path.with_suffix(ending).as_posix() for path in (*twins, *modules)}


def test_the_wheel_has_every_file_of_the_package(distributions: Path) -> None:
    (wheel,) = distributions.glob("*.whl")
    packed = packed_files(wheel)
    assert "wsgi_scgi/py.typed" in packed
    compiled = extension_files() if shutil.which("cc") else set()
    assert packed == package_files() | compiled


@pytest.mark.parametrize(
    ("environment", "reason"),
    [
        ({"CC": "/bin/false"}, "not built: Cython or a C compiler was missing"),
        ({"WSGI_SCGI_PURE": "1"}, "not built: Cython or a C compiler was missing"),
    ],
)
def test_a_wheel_can_be_built_without_compiling_and_works(
    distributions: Path, tmp_path: Path, environment: dict[str, str], reason: str
) -> None:
    (sdist,) = distributions.glob("*.tar.gz")
    build = ("-m", "pip", "wheel", "--quiet", "--no-deps", "--no-cache-dir", "--wheel-dir")
    run(sys.executable, *build, tmp_path, sdist, cwd=tmp_path, extra=environment)
    (wheel,) = tmp_path.glob("*.whl")
    assert packed_files(wheel) == package_files()
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "unpacked")
    told = run(sys.executable, "-c", SHOW_TWINS, cwd=tmp_path / "unpacked")
    assert told.count("\n") == 1
    assert told.startswith("not ") and told.rstrip().endswith(f"({reason})")


def test_the_installed_package_uses_what_was_compiled(installed: Path, tmp_path: Path) -> None:
    told = run(installed / "python", "-c", SHOW_TWINS, cwd=tmp_path)
    assert "encode_request_head" in told
    assert ("not " in told) == (shutil.which("cc") is None)
    told = run(installed / "python", "-c", SHOW_TWINS, cwd=tmp_path, extra={"WSGI_SCGI_PURE": "1"})
    assert told.rstrip().endswith("(WSGI_SCGI_PURE is set)")


def test_the_sdist_has_what_its_users_need(distributions: Path) -> None:
    (sdist,) = distributions.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        packed = {name.partition("/")[2] for name in archive.getnames()}
    assert {"README.md", "LICENSE", "CHANGELOG.md", "setup.py", "pyproject.toml"} <= packed
    sources = [path for path in checkout_files() if path.suffix in (".pyx", ".pxd")]
    assert {path.as_posix() for path in sources} <= packed
    built = {name for name in packed if name.endswith((".so", ".c"))}
    assert built == {"benchmarks/backend.c"}  # the one that was written by hand


def test_the_version_is_written_once_and_shown_everywhere(
    distributions: Path, installed: Path, tmp_path: Path
) -> None:
    source = (ROOT / "wsgi_scgi" / "__init__.py").read_text(encoding="utf-8")
    (version,) = re.findall(r'^__version__ = "(.+)"$', source, re.MULTILINE)
    assert "version" not in tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert (distributions / f"wsgi_scgi-{version}.tar.gz").exists()
    assert run(installed / "wsgi-scgi", "--version", cwd=tmp_path).strip() == f"wsgi-scgi {version}"
    shown = run(installed / "python", "-m", "wsgi_scgi", "--version", cwd=tmp_path).strip()
    assert shown == f"wsgi-scgi {version}"


def test_both_spellings_of_the_command_show_the_same_help(installed: Path, tmp_path: Path) -> None:
    as_module = run(installed / "python", "-m", "wsgi_scgi", "--help", cwd=tmp_path)
    as_script = run(installed / "wsgi-scgi", "--help", cwd=tmp_path)
    assert as_module == as_script
    for command in ("demo", "serve", "check", "request"):
        assert re.search(rf"^ +{command}\b", as_script, re.MULTILINE)


def test_the_installed_demo_serves_its_page(installed: Path, tmp_path: Path) -> None:
    with running(f"{installed}/wsgi-scgi demo --bind $ADDRESS", tmp_path) as address:
        assert "REQUEST_METHOD" in page(address)


def test_the_readmes_first_command_runs_the_demo_from_a_fresh_clone(clone: Path) -> None:
    (command, shown), _ = readme_commands()
    assert command.endswith("/wsgi-scgi demo")
    assert shown.startswith("...\n")
    last = shown.removeprefix("...\n")
    with running(f"{command} --bind $ADDRESS", clone, until=last) as address:
        assert "REQUEST_METHOD" in page(address)


def test_ci_runs_the_readmes_second_command() -> None:
    _, (command, _) = readme_commands()
    assert f"\n    {command}\n" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    (contributing,) = [
        block.commands()
        for block in blocks_of(ROOT / "CONTRIBUTING.md")
        if block.kind is Kind.CLONE
    ]
    assert contributing == [(command, "")]


def readme_commands() -> list[tuple[str, str]]:
    """Return the commands that the README gives for a fresh clone, and what it says they print."""
    blocks = [block for block in blocks_of(ROOT / "README.md") if block.kind is Kind.CLONE]
    return [command for block in blocks for command in block.commands()]


@contextlib.contextmanager
def running(command: str, cwd: Path, *, until: str = "127.0.0.1:8000") -> Iterator[str]:
    """Run a shell command that ends in a demo on ``$ADDRESS``, not on 127.0.0.1:8000.

    Yield the address once the command has printed ``until``, which names the demo's usual address.

    Then Ctrl-C, so to speak, must end it with status 0.
    """
    with contextlib.ExitStack() as stack:
        address = f"127.0.0.1:{stack.enter_context(held_port())}"
        process = stack.enter_context(
            subprocess.Popen(
                ("bash", "-c", command),
                cwd=cwd,
                env=clean_environment() | {"ADDRESS": address, "PYTHONUNBUFFERED": "1"},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                start_new_session=True,
            )
        )
        assert process.stdout is not None
        output = ""
        try:
            while until.replace("127.0.0.1:8000", address) not in output:
                line = process.stdout.readline()
                assert line, f"{command} ended\n{output}"
                output += line
            yield address
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGINT)
        rest, _ = process.communicate(timeout=60)
        assert process.returncode == 0, output + rest


def page(address: str) -> str:
    """Return the demo's page."""
    with urllib.request.urlopen(f"http://{address}/", timeout=30) as answer:
        return str(answer.read().decode("utf-8"))
