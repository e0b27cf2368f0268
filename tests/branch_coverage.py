"""Measure each pure module by its own test file: every line and every branch.

A module counts as tested only by ``tests/<its path>/test_<its name>.py`` and, where there is one,
``test_<its name>_properties.py``: what another test happens to run through proves nothing about
it. Exits with status 1 if a branch is not reached, a module has no test file or a test fails.
"""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).parents[1]

# Functions of bytes and values: no sockets, no clock, no greenlets, so nothing excuses a gap.
PURE = (
    "wsgi_scgi/errors.py",
    "wsgi_scgi/compiled.py",
    "wsgi_scgi/address.py",
    "wsgi_scgi/scgi",
    "wsgi_scgi/semantics",
    "wsgi_scgi/balancer/attempts.py",
    "wsgi_scgi/balancer/balancer.py",
    "wsgi_scgi/balancer/candidates.py",
    "wsgi_scgi/balancer/hash_key.py",
    "wsgi_scgi/balancer/lease.py",
    "wsgi_scgi/balancer/methods",
    "wsgi_scgi/balancer/rests.py",
    "wsgi_scgi/balancer/retry_budget.py",
    "wsgi_scgi/balancer/rules.py",
    "wsgi_scgi/balancer/steering.py",
    "wsgi_scgi/balancer/sticky.py",
    "wsgi_scgi/balancer/usual.py",
    "wsgi_scgi/scoreboard/layout.py",
    "wsgi_scgi/scoreboard/status.py",
    "wsgi_scgi/gateway/control_data.py",
    "wsgi_scgi/gateway/framing.py",
    "wsgi_scgi/gateway/variables.py",
    "wsgi_scgi/gateway/error_page.py",
    "wsgi_scgi/config",
    "wsgi_scgi/worker/plain_head.py",
)


def pure_modules() -> list[Path]:
    """Return the paths of all modules to measure, relative to the checkout."""
    modules = []
    for name in PURE:
        path = ROOT / name
        found = [path] if path.is_file() else sorted(path.rglob("*.py"))
        if not found:
            raise SystemExit(f"{name}: no such module")
        modules += [module for module in found if has_code(module)]
    return [module.relative_to(ROOT) for module in modules]


def has_code(module: Path) -> bool:
    """Tell whether a module is more than a docstring and imports."""
    passive = (ast.Import, ast.ImportFrom, ast.Expr, ast.Assign)
    return not all(isinstance(node, passive) for node in ast.parse(module.read_text()).body)


def own_tests(module: Path) -> list[Path]:
    """Return the test files that belong to ``module`` alone."""
    folder = ROOT / "tests" / module.parent.relative_to("wsgi_scgi")
    exact = folder / f"test_{module.stem}.py"
    return [
        path
        for path in (exact, *sorted(folder.glob(f"test_{module.stem}_properties.py")))
        if path.exists()
    ]


def measure(module: Path, data_file: str) -> bool:
    """Run the module's own tests under coverage; print what they miss and return if nothing."""
    tests = own_tests(module)
    if not tests:
        print(f"{module}: no test file of its own")
        return False
    # The references are measured; that also runs their tests without the compiled twins.
    environment = os.environ | {"COVERAGE_FILE": data_file, "WSGI_SCGI_PURE": "1"}
    coverage = (sys.executable, "-m", "coverage")
    run = (
        *coverage,
        "run",
        "--branch",
        f"--include={module}",
        "-m",
        "pytest",
        "-q",
        # A branch that only some examples reach is reached each time or never.
        "--hypothesis-seed=0",
        *map(str, tests),
    )
    tested = subprocess.run(
        run, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    if tested.returncode:
        print(f"{module}: its tests fail\n{tested.stdout}{tested.stderr}")
        return False
    report = (*coverage, "report", "--fail-under=100", "--show-missing")
    reached = subprocess.run(
        report, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    print(f"{module}: {'complete' if reached.returncode == 0 else reached.stdout + reached.stderr}")
    return reached.returncode == 0


def main() -> int:
    """Measure all pure modules and return the exit status."""
    modules = pure_modules()
    with (
        tempfile.TemporaryDirectory() as directory,
        ThreadPoolExecutor(os.cpu_count()) as pool,
    ):
        files = [str(Path(directory, str(number))) for number in range(len(modules))]
        results = list(pool.map(measure, modules, files))
    print(f"{sum(results)} of {len(results)} pure modules complete")
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
