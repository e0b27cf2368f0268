"""Small requests by wrk, which is the load generator of most published numbers."""

import json
import math
import shutil
import signal
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .measurement import Exchanges, WrongResponse
from .processes import pinned

BODY = "Hello, world\n"
_SCRIPT = Path(__file__).with_name("load.lua")
# Ends by itself where the signal that should end it came too early to be seen.
_LONGEST = 10.0
_MOST_LOST = 0.01
# Seconds: an answer that comes late on a busy machine is slow, not lost.
_TIMEOUT = 60


@dataclass(frozen=True, slots=True)
class Wrk:
    """One way to ask: how many connections, kept or not, with which header fields.

    ``status`` is that of the right answer.  That to an error is the gateway's own: any body but the
    backend's is right.
    """

    connections: int
    fields: Sequence[str] = ()
    status: int = 200

    def run(self, url: str, *, seconds: float, core: int | None, verify: bool = False) -> Exchanges:
        """Ask for ``url`` as often as it is answered within ``seconds``.

        With ``verify`` each body is compared, which takes the time of the load generator.  Raises
        WrongResponse for any answer that is not right, where there is none, and where more than
        one request in a hundred was lost with its connection.  Fewer are counted: Apache closes
        connections that wait for their next request while all of its threads are busy.
        """
        result = json.loads(self._output(url, seconds, core, verify).splitlines()[-1])
        if not result["requests"] and seconds < _LONGEST:
            # A slow machine, and many connections: ask for longer.
            return self.run(url, seconds=4 * seconds, core=core, verify=verify)
        if self.status >= 400:
            # wrk counts them as errors: each of them has to be one.
            result["status"] = result["requests"] - result["status"]
        wrong = result["wrong"] + result["status"]
        losses = {name: result[name] for name in ("connect", "read", "write", "timeout")}
        lost = sum(losses.values())
        if wrong or not result["requests"] or lost > _MOST_LOST * result["requests"]:
            raise WrongResponse(
                f"{url}: {result['requests']} answers, {wrong} of them wrong, lost: {losses}"
            )
        return Exchanges(
            requests=result["requests"],
            seconds=result["microseconds"] / 1e6,
            p50=result["p50"] / 1e6,
            p99=result["p99"] / 1e6,
            lost=lost,
        )

    def _output(self, url: str, seconds: float, core: int | None, verify: bool) -> str:
        longest = math.ceil(seconds + _LONGEST)
        command = ["wrk", "-t1", f"-c{self.connections}", f"-d{longest}s"]
        command += ["--timeout", f"{_TIMEOUT}s", "-s", str(_SCRIPT)]
        for field in self.fields:
            command += ["-H", field]
        command += [url, "--", *([str(self.status), BODY] if verify else [])]
        # A signal before wrk has its handler is ignored: it must not end without a result.
        shell = ("sh", "-c", 'trap "" INT; exec "$@"', "sh")
        with pinned(core):
            process = subprocess.Popen(
                [*shell, *command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
            )
        with process:
            try:
                output, _ = process.communicate(timeout=seconds)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGINT)
                output, _ = process.communicate(timeout=2 * longest)
            except BaseException:
                process.kill()
                raise
        if process.returncode:
            raise WrongResponse(f"wrk ended with {process.returncode}: {output}")
        return output


def is_installed() -> bool:
    """Tell whether there is a wrk to run."""
    return shutil.which("wrk") is not None
