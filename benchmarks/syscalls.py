"""System calls for each request, counted by strace(1): what a gateway asks of the kernel."""

import contextlib
import http.client
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

from .gateways import Gateway
from .processes import Server
from .site import Site

REQUESTS = 500
BOUND = 20.0
"""Seconds to wait for strace to begin, and to end."""

_ROW = re.compile(r"\s*[0-9.]+\s+[0-9.]+\s+[0-9]+\s+([0-9]+)\s+(?:[0-9]+\s+)?([a-z0-9_]+)")


def is_installed() -> bool:
    """Tell whether strace is there."""
    return shutil.which("strace") is not None


def count(gateway: Gateway, site: Site, directory: Path) -> dict[str, float]:
    """Return how often each system call is made for one small GET over one connection.

    Raises StartError if the gateway does not start.
    """
    server = gateway.start(site, directory)
    try:
        return _traced(server, site, directory / "calls")
    finally:
        server.stop()


def _traced(server: Server, site: Site, output: Path) -> dict[str, float]:
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", server.port)) as client:
        _ask(client, site, 20)
        processes = server.processes()
        attach = [part for process in processes for part in ("-p", str(process))]
        command = ["strace", "-c", "-f", "-o", str(output), *attach]
        tracer = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        try:
            assert tracer.stderr is not None
            for _ in processes:
                tracer.stderr.readline()  # it says when it is attached
            _ask(client, site, REQUESTS)
        finally:
            tracer.send_signal(signal.SIGINT)
            tracer.communicate(timeout=BOUND)
    deadline = time.monotonic() + BOUND
    while not output.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    rows = (_ROW.fullmatch(line) for line in output.read_text().splitlines())
    counts = {row[2]: int(row[1]) / REQUESTS for row in rows if row and row[2] != "total"}
    # Clocks, and what happens once in a while, are not part of a request.
    return {name: share for name, share in counts.items() if share >= 0.1}


def _ask(client: http.client.HTTPConnection, site: Site, requests: int) -> None:
    for _ in range(requests):
        client.request("GET", site.asked)
        client.getresponse().read()


def as_lines(title: str, counts: dict[str, float]) -> list[str]:
    """Return a row for the terminal: the sum, then the calls, the most frequent first."""
    calls = ", ".join(
        f"{name} {share:.3g}" for name, share in sorted(counts.items(), key=lambda item: -item[1])
    )
    return [f"{title:38} {sum(counts.values()):5.1f}  {calls}"]
