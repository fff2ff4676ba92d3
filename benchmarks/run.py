"""Compares whole processes side by side: sessionlint, ruff, semgrep, flake8-async, Fixit.

    python benchmarks/run.py            # about 500,000 lines; writes benchmarks/results.md
    python benchmarks/run.py --quick    # one small project, prints only

Run it with the Python that has sessionlint installed, on a machine that does nothing else. With ``--compiled`` and
the Python that has the compiled wheel (``make wheel``), that is measured, too.
"""

from __future__ import annotations

import argparse
import datetime
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

from corpus import FULL, QUICK, Corpus, prepare
from measure import Result, measure
from tools import OTHERS, RUFF, SEMGREP, Tool, command, environment

HERE = Path(__file__).parent
Rows = dict[str, Result]

COLD = "sessionlint, cold"
WARM = "sessionlint, warm, nothing changed"
CHANGED = "sessionlint, warm, one file changed"
COMPILED = "sessionlint as compiled wheel, "


def main() -> None:
    """Measures and writes the table."""
    options = _options()
    cache: Path = options.cache.resolve()
    cache.mkdir(parents=True, exist_ok=True)
    (cache / ".gitignore").write_text("*\n", encoding="utf-8")
    corpus = prepare(cache, QUICK if options.quick else FULL, "quick" if options.quick else "full")
    rows: Rows = {}
    tools = [tool for tool in (RUFF, *OTHERS) if not options.only or tool.package in options.only]
    commands = {tool: command(tool, cache, corpus.files) for tool in tools}
    _read_everything(corpus)
    if not options.only or "sessionlint" in options.only:
        rows |= _sessionlint(corpus, options.runs, cache / "logs", sys.executable)
    if options.compiled:
        rows |= _compiled(corpus, options.runs, cache / "logs", options.compiled)
    for tool, words in commands.items():
        _say(tool.name)
        runs = min(options.runs, options.slow_runs) if tool.slow else options.runs
        log = cache / "logs" / f"{tool.package}.txt"
        rows[tool.name] = measure(
            words, corpus.root, runs, environment=environment(tool, cache), accepted=tool.accepted,
            limit=options.limit, log=log,
        )  # fmt: skip
    text = render(corpus, rows, tools)
    print(text)
    output = options.output or (None if options.quick or options.only else HERE / "results.md")
    if output:
        output.write_text(text, encoding="utf-8")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Compare sessionlint with other linters.")
    parser.add_argument("--quick", action="store_true", help="one small project; prints only")
    parser.add_argument("--runs", type=int, default=3, help="runs of each command (default: 3)")
    parser.add_argument("--slow-runs", type=int, default=1, help="runs of tools that take minutes (default: 1)")
    parser.add_argument("--limit", type=float, default=1800.0, help="seconds a run may take (default: 1800)")
    parser.add_argument("--only", action="append", metavar="TOOL", help="measure only this tool; repeatable")
    parser.add_argument("--cache", type=Path, default=HERE / ".cache", help="where downloads and tools are kept")
    parser.add_argument("--compiled", metavar="PYTHON", help="a Python that has the compiled wheel (make wheel)")
    parser.add_argument("--output", type=Path, help="where the table goes (default: benchmarks/results.md)")
    return parser.parse_args()


def _say(text: str) -> None:
    print(f"Measuring {text}", file=sys.stderr, flush=True)


def _read_everything(corpus: Corpus) -> None:
    """Brings all files into the page cache, so that nobody pays for the disk."""
    for path in corpus.root.rglob("*.py"):
        path.read_bytes()


def _compiled(corpus: Corpus, runs: int, logs: Path, python: str) -> Rows:
    where = [python, "-c", "import sessionlint.program.evaluate as module; print(module.__file__)"]
    found = subprocess.run(where, cwd=corpus.root, capture_output=True, text=True, check=False).stdout
    if not found.strip().endswith((".so", ".pyd")):
        raise SystemExit(f"{python} has no compiled sessionlint: install the wheel that `make wheel` builds")
    rows = _sessionlint(corpus, runs, logs / "compiled", python)
    return {name.replace("sessionlint, ", COMPILED): row for name, row in rows.items()}


def _sessionlint(corpus: Corpus, runs: int, logs: Path, python: str) -> Rows:
    words = [python, "-m", "sessionlint", "check", "--format=json"]
    folder = corpus.root / ".sessionlint_cache"
    changed = corpus.root / _file_to_change(corpus)
    original = changed.read_bytes()
    count = 0

    def forget() -> None:
        shutil.rmtree(folder, ignore_errors=True)

    def change() -> None:
        nonlocal count
        count += 1
        changed.write_bytes(original + f"\n\nbenchmark_change = {count}\n".encode())

    def row(name: str, before: Callable[[], None]) -> Result:
        _say(name)
        log = logs / f"{name.replace(', ', '-').replace(' ', '-')}.txt"
        # Some files of the corpus are no valid Python on purpose, so 2 is the expected status.
        return measure(words, corpus.root, runs, before=before, accepted=(0, 1, 2), log=log)

    # Compiles sessionlint's own modules, as an installer would, also where PYTHONDONTWRITEBYTECODE is set.
    compiling = "import compileall, sessionlint; compileall.compile_dir(sessionlint.__path__[0], quiet=1)"
    subprocess.run([python, "-c", compiling], cwd=corpus.root, check=True)
    try:
        return {COLD: row(COLD, forget), WARM: row(WARM, lambda: None), CHANGED: row(CHANGED, change)}
    finally:
        changed.write_bytes(original)


def _file_to_change(corpus: Corpus) -> str:
    """The first file of an application that makes a session factory: a change many others depend on."""
    for path in corpus.files:
        apart = "test" in path or "migrations" in path
        if not apart and b"sessionmaker(" in (corpus.root / path).read_bytes():
            return path
    return corpus.files[0]


def render(corpus: Corpus, rows: Rows, tools: list[Tool]) -> str:
    """The results as Markdown."""
    ruff = rows.get(RUFF.name)
    lines = [
        "# Benchmark",
        "",
        f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d}, {_machine()}. Written by `python benchmarks/run.py`.",
        "",
        f"{len(corpus.files):,} files, {corpus.lines:,} lines of Python, checked as one program:",
        "",
        "| project | files | lines |",
        "|---|--:|--:|",
        *(f"| {p.name} {p.version} | {f:,} | {n:,} |" for p, (f, n) in zip(corpus.projects, corpus.sizes, strict=True)),
        "",
        "Whole processes, wall time in seconds; memory is the peak of the largest process (`wait4`). Files are in the",
        "page cache. sessionlint runs with every rule on; cold is without its cache folder.",
        "",
        "| | min | median | runs | times ruff | peak MB |",
        "|---|--:|--:|--:|--:|--:|",
        *(_row(name, result, ruff) for name, result in rows.items()),
        "",
    ]
    semgrep = rows.get(SEMGREP.name)
    for name in (COLD, COLD.replace("sessionlint, ", COMPILED)):
        cold = rows.get(name)
        if cold and semgrep and cold.samples and semgrep.samples and not semgrep.problem:
            ratio = semgrep.best / cold.best
            lines += [f"semgrep with three rules takes {ratio:.1f} times as long as {name}.", ""]
    versions = [f"sessionlint {version('sessionlint')}", *(f"{tool.package} {tool.version}" for tool in tools)]
    return "\n".join([*lines, f"Versions: {', '.join(versions)}; Python {platform.python_version()}.", ""])


def _row(name: str, result: Result, ruff: Result | None) -> str:
    if result.problem or not result.samples:
        return f"| {name} | - | - | {len(result.samples)} | - | {result.problem} |"
    ratio = f"{result.best / ruff.best:.2f}" if ruff and ruff.samples else "-"
    numbers = f"{result.best:.2f} | {result.median:.2f} | {len(result.samples)} | {ratio} | {result.memory / 1e6:.0f}"
    return f"| {name} | {numbers} |"


def _machine() -> str:
    processor = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [
            line.partition(":")[2].strip() for line in info.read_text().splitlines() if line.startswith("model name")
        ]
        processor = names[0] if names else processor
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{processor}, {cores} cores, {memory:.0f} GB, {platform.system()} {platform.release()}"


if __name__ == "__main__":
    main()
