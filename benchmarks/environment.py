"""What the numbers depend on: the Python build, versions, the machine, and who else is on it."""

import importlib.metadata
import os
import platform
import re
import subprocess
import sys
import sysconfig
from collections.abc import Mapping, Sequence
from pathlib import Path

from .gateways import find_program

_PACKAGES = ("wsgi-scgi", "gunicorn", "gunicorn_h1c", "gevent", "greenlet", "flup")
_PROGRAMS: Mapping[str, Sequence[str]] = {
    "apache": ("apache2", "-v"),
    "nginx": ("nginx", "-v"),
    "lighttpd": ("lighttpd", "-v"),
    "wrk": ("wrk", "-v"),
}
_VERSION = re.compile(r"(?:[A-Za-z]+/|debian/)([0-9][0-9A-Za-z.+-]*)")


def environment() -> dict[str, str]:
    """Return what is known, by names to print."""
    found = {"python": f"{platform.python_version()}, {sys.executable}", "build": python_build()}
    for name in _PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = "not installed"
    for name, command in _PROGRAMS.items():
        found[name] = _program_version(command)
    found["kernel"] = f"{platform.system()} {platform.release()}"
    found["processor"] = _processor()
    found["cores"] = str(os.cpu_count())
    found["load average"] = " ".join(f"{load:.2f}" for load in os.getloadavg())
    return found


def python_build() -> str:
    """Say whether Python was built with profile-guided and link-time optimisation.

    Distributions may remove the traces: Debian's sysconfig names neither, its package is built
    with both.
    """
    arguments = str(sysconfig.get_config_var("CONFIG_ARGS") or "")
    if not _is_distributions(arguments):
        pgo = "with" if "--enable-optimizations" in arguments else "without"
        lto = "with" if re.search(r"--with-lto\b(?!=no)", arguments) else "without"
        return f"{pgo} PGO, {lto} LTO"
    return "a distribution's package, whose sysconfig says nothing of PGO and LTO"


def _is_distributions(arguments: str) -> bool:
    named = "--enable-optimizations" in arguments or "--with-lto" in arguments
    return sys.base_prefix == "/usr" and not named


def _program_version(command: Sequence[str]) -> str:
    program = find_program(command[0])
    if not program:
        return "not installed"
    done = subprocess.run([program, *command[1:]], capture_output=True, text=True, timeout=60)
    match = _VERSION.search(done.stdout + done.stderr)
    return match[1] if match else "unknown"


def _processor() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        return platform.processor() or "unknown"
    match = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    return match[1] if match else platform.machine()
