"""The benchmarks run, every number is one, and wrong answers are never measured.

Nothing here asserts how long anything takes.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import math
import os
import subprocess
import sys
import tempfile
import threading
import time
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

import wsgi_scgi
from benchmarks import __main__ as command_line
from benchmarks import macro, wrk
from benchmarks.backend import Backend, end_streams, find_compiler, start_backend
from benchmarks.gateways import GATEWAYS, Gateway
from benchmarks.http_client import PATTERN, Exchange, write_pattern
from benchmarks.loads import SmallRequests
from benchmarks.measurement import COMMON, Metric, Row, WrongResponse, quantile
from benchmarks.micro import CASES
from benchmarks.processes import Cores, StartError
from benchmarks.scenarios import SCENARIOS, Scenario
from benchmarks.site import BackendAddress, Site, Transport
from tests.kit import peers

ROOT = Path(__file__).parents[1]
# Seconds for all scenarios on a busy machine; never what a test asserts.
BOUND = 600.0

pytestmark = pytest.mark.timeout(BOUND)


@dataclass(frozen=True)
class QuickRun:
    """One run of all scenarios at their minimal length."""

    printed: str
    results: dict[str, Any]
    picture: str
    left: tuple[str, ...]


@pytest.fixture(scope="module")
def quick_run(tmp_path_factory: pytest.TempPathFactory) -> QuickRun:
    """What ``python -m benchmarks --quick`` prints and writes."""
    peers.require("wrk", "install wrk")
    directory = tmp_path_factory.mktemp("benchmarks")
    files = (directory / "results.json", directory / "results.svg")
    # Not below pytest's own directory, which servers with another user cannot enter.
    with tempfile.TemporaryDirectory(prefix="quick-") as temporary:
        Path(temporary).chmod(0o755)
        arguments = ("macro", "--quick", "--json", str(files[0]), "--svg", str(files[1]))
        done = run(*arguments, temporary=temporary)
        left = left_in_the_end(temporary)
    assert done.returncode == 0, done.stdout + done.stderr
    return QuickRun(done.stdout, json.loads(files[0].read_text()), files[1].read_text(), left)


def run(*arguments: str, temporary: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run the benchmarks as a user does."""
    command = [sys.executable, "-m", "benchmarks", *arguments]
    environment = {**os.environ, "TMPDIR": temporary} if temporary else None
    return subprocess.run(
        command,
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=BOUND,
        check=False,
    )


def left_behind(directory: str) -> Iterator[str]:
    """Yield the files below ``directory``, and the commands that have it in their arguments."""
    yield from os.listdir(directory)
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            command = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
            if directory in command:
                yield command


def left_in_the_end(directory: str) -> tuple[str, ...]:
    """Return what is left behind once all have ended that were told to: that takes a moment."""
    give_up_at = time.monotonic() + 30.0
    while (left := tuple(left_behind(directory))) and time.monotonic() < give_up_at:
        time.sleep(0.05)
    return left


def rows_of(results: dict[str, Any], scenario: str) -> dict[str, dict[str, Any]]:
    """Return the rows of a scenario by the name of their gateway."""
    found = next(one for one in results["scenarios"] if one["name"] == scenario)
    return {row["gateway"]: row for row in found["rows"]}


def installed(gateway: Gateway) -> bool:
    """Tell whether a row that needs another program has it."""
    needed = {"apache": "apache2", "nginx": "nginx", "lighttpd": "lighttpd"}
    needed |= {"hello-c-parser": "gunicorn_h1c"}
    return gateway.name not in needed or peers.find(needed[gateway.name]) is not None


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
class TestEveryScenario:
    def test_has_a_row_for_every_gateway(self, quick_run: QuickRun, scenario: Scenario) -> None:
        rows = rows_of(quick_run.results, scenario.name)
        assert list(rows) == [gateway.name for gateway in GATEWAYS]

    def test_has_numbers_of_every_gateway_that_can_take_part(
        self, quick_run: QuickRun, scenario: Scenario
    ) -> None:
        rows = rows_of(quick_run.results, scenario.name)
        for gateway in GATEWAYS:
            takes_part = installed(gateway) and gateway.name != "flup"
            takes_part = takes_part and scenario.needs <= gateway.features
            assert ("median" in rows[gateway.name]) == takes_part, rows[gateway.name]

    def test_has_positive_numbers(self, quick_run: QuickRun, scenario: Scenario) -> None:
        measured = [
            row for row in rows_of(quick_run.results, scenario.name).values() if "median" in row
        ]
        assert measured
        for row in measured:
            assert len(row["rounds"]) == 1
            for metric in scenario.load.metrics:
                assert math.isfinite(row["median"][metric.key])
            for metric in COMMON:
                assert row["median"][metric.key] > 0, row

    def test_loses_no_request_in_the_gateway(self, quick_run: QuickRun, scenario: Scenario) -> None:
        for name, row in rows_of(quick_run.results, scenario.name).items():
            if name.startswith("wsgi-scgi"):
                assert row.get("lost", 0) == 0, row

    def test_relates_every_number_to_apache_and_nginx(
        self, quick_run: QuickRun, scenario: Scenario
    ) -> None:
        rows = rows_of(quick_run.results, scenario.name)
        for row in rows.values():
            for key, ratios in row.get("ratio", {}).items():
                for name, ratio in ratios.items():
                    reference = rows[name].get("median")
                    if reference is not None and reference[key]:
                        assert ratio == pytest.approx(row["median"][key] / reference[key])

    def test_is_printed_and_drawn(self, quick_run: QuickRun, scenario: Scenario) -> None:
        assert f"\n{scenario.title}\n" in quick_run.printed
        texts = [element.text for element in ET.fromstring(quick_run.picture).iter()]
        assert scenario.title in texts


class TestRun:
    def test_leaves_no_file_and_no_process_behind(self, quick_run: QuickRun) -> None:
        assert quick_run.left == ()

    def test_says_on_what_it_ran(self, quick_run: QuickRun) -> None:
        found = quick_run.results["environment"]
        for name in ("python", "build", "gunicorn", "gevent", "kernel", "cores", "backend"):
            assert found[name]
            assert found[name] in quick_run.printed
        assert "PGO" in found["build"]

    def test_says_that_flup_does_not_work_instead_of_patching_it(self, quick_run: QuickRun) -> None:
        peers.require("flup", "pip install flup")
        row = rows_of(quick_run.results, "small-tcp")["flup"]
        assert row["note"].startswith("does not work on Python 3.")
        assert not row["failed"]

    def test_draws_a_bar_for_every_measured_row(self, quick_run: QuickRun) -> None:
        root = ET.fromstring(quick_run.picture)
        bars = [e for e in root.iter("{http://www.w3.org/2000/svg}rect") if e.get("x")]
        measured = sum(
            "median" in row for table in quick_run.results["scenarios"] for row in table["rows"]
        )
        assert len(bars) == measured
        assert all(float(bar.attrib["width"]) > 0 for bar in bars)

    def test_shows_the_picture_on_dark_pages_too(self, quick_run: QuickRun) -> None:
        assert "prefers-color-scheme: dark" in quick_run.picture

    def test_times_each_part_by_itself(self, tmp_path: Path) -> None:
        peers.require("pyperf", "pip install pyperf")
        path = tmp_path / "micro.json"
        done = run("micro", "--quick", "--json", str(path))
        assert done.returncode == 0, done.stdout + done.stderr
        names = [one["metadata"]["name"] for one in json.loads(path.read_text())["benchmarks"]]
        assert names == list(CASES)

    def test_refuses_a_scenario_that_does_not_exist(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        with pytest.raises(SystemExit):
            command_line.main(["--scenario", "small-udp"])
        assert "there are: small-tcp, small-unix" in capsys.readouterr().err


class _StandIn(BaseHTTPRequestHandler):
    """An HTTP server whose answer the test chooses, and which request of how many gets none."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    answer = (200, wrk.BODY.encode())
    lose = 0
    numbers = itertools.count(1)

    def do_GET(self) -> None:
        if self.lose and next(self.numbers) % self.lose == 0:
            self.close_connection = True
            return
        status, body = self.answer
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # named by the base
        pass


class _StandInServer(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: the load generator leaves when its time is over."""


@contextlib.contextmanager
def stand_in(status: int, body: bytes, lose: int = 0) -> Iterator[int]:
    """Serve one answer for everything, none for each ``lose``-th request; yield the port."""
    chosen = {"answer": (status, body), "lose": lose, "numbers": itertools.count(1)}
    handler = type("_Chosen", (_StandIn,), chosen)
    with _StandInServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


class TestWrongResponses:
    @pytest.mark.parametrize(
        ("status", "body", "verify"),
        [(500, b"", False), (404, wrk.BODY.encode(), False), (200, b"Hello, wurst\n", True)],
        ids=["status-500", "status-404", "other-body"],
    )
    def test_are_seen_by_the_load_generator(self, status: int, body: bytes, verify: bool) -> None:
        peers.require("wrk", "install wrk")
        with stand_in(status, body) as port, pytest.raises(WrongResponse):
            wrk.Wrk(1).run(f"http://127.0.0.1:{port}/", seconds=0.1, core=None, verify=verify)

    def test_are_told_from_right_ones(self) -> None:
        peers.require("wrk", "install wrk")
        with stand_in(200, wrk.BODY.encode()) as port:
            url = f"http://127.0.0.1:{port}/"
            seen = wrk.Wrk(1).run(url, seconds=0.1, core=None, verify=True)
        assert seen.requests > 0

    @pytest.mark.parametrize(
        ("status", "body", "verify"),
        [(200, b"my own page", False), (200, b"my own page", True), (404, wrk.BODY.encode(), True)],
        ids=["status-200", "verified-status-200", "page-of-the-backend"],
    )
    def test_are_seen_where_an_error_is_right(self, status: int, body: bytes, verify: bool) -> None:
        peers.require("wrk", "install wrk")
        load = wrk.Wrk(1, status=404)
        with stand_in(status, body) as port, pytest.raises(WrongResponse):
            load.run(f"http://127.0.0.1:{port}/", seconds=0.1, core=None, verify=verify)

    def test_are_told_from_lost_ones(self) -> None:
        peers.require("wrk", "install wrk")
        every, seconds = 150, 0.5
        with stand_in(200, wrk.BODY.encode(), lose=every) as port:
            url = f"http://127.0.0.1:{port}/"
            while (seen := wrk.Wrk(1).run(url, seconds=seconds, core=None)).requests < every:
                seconds *= 2
        assert 0 < seen.lost < seen.requests / 100

    def test_are_also_many_lost_ones(self) -> None:
        peers.require("wrk", "install wrk")
        url = "http://127.0.0.1:{}/"
        with (
            stand_in(200, wrk.BODY.encode(), lose=2) as port,
            pytest.raises(WrongResponse, match=r"'read': [1-9]"),
        ):
            wrk.Wrk(1).run(url.format(port), seconds=2.0, core=None)

    @pytest.mark.parametrize("verify", [False, True])
    def test_are_told_from_right_errors(self, verify: bool) -> None:
        peers.require("wrk", "install wrk")
        with stand_in(404, b"my own page") as port:
            url = f"http://127.0.0.1:{port}/"
            seen = wrk.Wrk(1, status=404).run(url, seconds=0.1, core=None, verify=verify)
        assert seen.requests > 0

    @pytest.mark.parametrize(
        "body", [PATTERN[:999], PATTERN[:1001], PATTERN[:500] + b"?" + PATTERN[501:1000]]
    )
    def test_are_seen_in_long_bodies(self, body: bytes) -> None:
        with stand_in(200, body) as port, Exchange(port, "/size/1000") as exchange:
            exchange.ask()
            with pytest.raises(WrongResponse):
                exchange.expect_pattern(1000)

    def test_leave_a_row_without_numbers_and_fail_the_run(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        hello = next(gateway for gateway in GATEWAYS if gateway.name == "hello")
        said: list[str] = []

        def start(_site: Site, _directory: Path) -> Any:
            raise StartError("no such luck")

        broken = replace(hello, name="broken", start=start)
        monkeypatch.setattr(macro, "GATEWAYS", (broken,))
        plan = macro.quick_plan(Cores(None, None))
        with macro.open_bench(Cores(None, None), plan, said.append) as bench:
            table = macro.run_scenario(bench, SCENARIOS[0])
        assert table.rows[0].failed
        assert not table.rows[0].samples
        assert "no such luck" in said[0]


@pytest.fixture(params=["C", "gevent"], scope="module")
def backend(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Backend]:
    """The backend that all gateways share, in both of its forms."""
    compiler = find_compiler()
    if request.param == "C" and compiler is None:
        pytest.skip("no C compiler; install gcc")
    directory = tmp_path_factory.mktemp("backend")
    started = start_backend(
        directory, core=None, compiler=compiler if request.param == "C" else None
    )
    yield started
    started.stop()


@pytest.fixture(params=list(Transport), ids=lambda transport: transport.name)
def url(request: pytest.FixtureRequest, backend: Backend) -> str:
    """The address of the backend, once as TCP and once as a Unix socket."""
    address: BackendAddress = backend.address
    if request.param is Transport.UNIX:
        return f"scgi+unix://{address.socket}"
    return f"scgi://127.0.0.1:{address.port}"


class TestBackend:
    def test_answers_small_requests(self, url: str) -> None:
        with wsgi_scgi.request(url, "GET", "/application7/small") as answer:
            assert (answer.status, answer.read().decode()) == (200, wrk.BODY)

    def test_sends_the_pattern(self, url: str) -> None:
        with wsgi_scgi.request(url, "GET", "/size/1000000") as answer:
            assert answer.read() == bytes(i % 251 for i in range(1_000_000))

    def test_names_files(self, url: str, backend: Backend) -> None:
        with wsgi_scgi.request(url, "GET", "/application7/file/123") as answer:
            fields = dict(answer.headers)
        assert fields["X-Sendfile"] == str(backend.address.files / "123")
        assert fields["X-Accel-Redirect"] == "/files/123"

    @pytest.mark.parametrize(
        ("first", "verdict"), [(0, "right"), (1, "wrong")], ids=["right", "wrong"]
    )
    def test_judges_uploads(self, url: str, first: int, verdict: str) -> None:
        body = bytes((first + i) % 251 for i in range(300_000))
        with wsgi_scgi.request(url, "POST", "/upload", body=body) as answer:
            assert answer.read().decode() == f"300000 {verdict}\n"

    def test_keeps_streams_open_until_it_is_told(self, url: str, backend: Backend) -> None:
        with contextlib.ExitStack() as stack:
            streams = [
                iter(stack.enter_context(wsgi_scgi.request(url, "GET", "/stream")))
                for _ in range(3)
            ]
            assert [next(stream) for stream in streams] == [b"open\n"] * 3
            end_streams(backend.address)
            assert [list(stream) for stream in streams] == [[], [], []]

    def test_forgets_streams_that_are_closed(self, url: str, backend: Backend) -> None:
        for _ in range(3):
            with wsgi_scgi.request(url, "GET", "/stream") as answer:
                assert next(iter(answer)) == b"open\n"
        self.test_keeps_streams_open_until_it_is_told(url, backend)


class TestMeasurement:
    def test_takes_the_median_over_the_rounds(self) -> None:
        row = Row("x", "x", [{Metric.CPU: value} for value in (5.0, 1.0, 3.0)])
        assert row.median(Metric.CPU) == 3.0
        assert row.spread(Metric.CPU) == pytest.approx(4 / 3)

    def test_compares_rounds_with_their_neighbours(self) -> None:
        slow = [{Metric.CPU: value} for value in (2.0, 4.0, 20.0)]
        fast = [{Metric.CPU: value} for value in (1.0, 2.0, 10.0)]
        assert Row("a", "a", slow).ratio(Metric.CPU, Row("b", "b", fast)) == 2.0

    def test_has_no_ratio_to_what_was_not_measured(self) -> None:
        row = Row("a", "a", [{Metric.CPU: 1.0}])
        assert row.ratio(Metric.CPU, Row("b", "b", note="not installed")) is None

    @pytest.mark.parametrize(("share", "value"), [(0.5, 3.0), (0.99, 5.0), (0.0, 1.0)])
    def test_takes_quantiles(self, share: float, value: float) -> None:
        assert quantile([5.0, 1.0, 4.0, 2.0, 3.0], share) == value

    def test_asks_with_the_thirteen_fields_of_a_browser(self) -> None:
        scenario = next(one for one in SCENARIOS if one.name == "browser-fields")
        assert isinstance(scenario.load, SmallRequests)
        names = {field.partition(":")[0] for field in scenario.load.wrk.fields}
        assert len(names | {"Host"}) == 13


@pytest.mark.parametrize("length", [0, 1, 251, 300_000])
def test_files_hold_the_pattern(tmp_path: Path, length: int) -> None:
    write_pattern(tmp_path / "file", length)
    assert (tmp_path / "file").read_bytes() == bytes(i % 251 for i in range(length))


def test_system_calls_are_counted_for_a_gateway() -> None:
    peers.require("strace", "apt-get install strace")
    done = run("syscalls", "--gateway", "wsgi-scgi")
    rows = [line for line in done.stdout.splitlines() if line.startswith("wsgi-scgi")]
    assert done.returncode == 0 and len(rows) == 2  # over TCP and over a Unix socket
    for row in rows:
        for call in ("socket 1", "close 1", "sendto 2", "recvfrom 2"):
            assert call in row


def test_a_gateway_that_does_not_exist_is_told() -> None:
    done = run("--gateway", "nonsense")
    assert done.returncode == 2 and "there are: wsgi-scgi, " in done.stderr
