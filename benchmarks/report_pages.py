"""How long the pages of a large report take to write, how much memory, and how soon the first one is usable.

``python benchmarks/report_pages.py [--files 2000] [--findings 10000] [--rounds 3]`` makes a synthetic history and
writes its report; with Playwright and a Chromium on the machine it also opens the first page. Goals: under 5 s,
under 400 MB, under 1 s.
"""

from __future__ import annotations

import argparse
import resource
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "reports"), str(ROOT / "linters")]

from sessionlint_reports.site import write_site  # noqa: E402
from tests.reports.pages import synthetic  # noqa: E402

_USABLE = "performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd"


def main() -> None:
    """Prints one line per figure: the median and the range of its rounds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=2_000)
    parser.add_argument("--findings", type=int, default=10_000)
    parser.add_argument("--functions", type=int, default=14, help="functions per file, 13 lines each")
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    size = synthetic.Size(given.files, given.findings, snapshots=3, functions=given.functions)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        subject = synthetic.subject(folder, size)
        print(f"{given.findings} findings in {given.files} files, {subject.snapshot.totals.lines} lines")
        seconds = []
        for _ in range(given.rounds):
            begin = time.perf_counter()
            written = write_site(subject, folder / "report")
            seconds.append(time.perf_counter() - begin)
        _show("writing the report", seconds, "s")
        print(f"size of the report: {written / 1e6:.0f} MB")
        own, workers = (
            resource.getrusage(who).ru_maxrss / 1024 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
        )
        print(f"peak memory: {own:.0f} MB, and {workers:.0f} MB in the largest worker")
        _first_page(folder / "report" / "index.html", given.rounds)


def _first_page(page: Path, rounds: int) -> None:
    try:
        from playwright.sync_api import sync_playwright
    except ModuleNotFoundError:
        return
    browser_path = shutil.which("chromium") or shutil.which("google-chrome")
    if browser_path is None:
        return
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=["--no-sandbox"])
        for place in (page, page.with_name("findings.html")):
            seconds = []
            for _ in range(rounds):
                tab = browser.new_page()
                tab.goto(place.as_uri())
                seconds.append(tab.evaluate(_USABLE) / 1000)
                tab.close()
            _show(f"{place.name} usable after", seconds, "s")
        browser.close()


def _show(what: str, figures: list[float], unit: str) -> None:
    print(f"{what}: {statistics.median(figures):.2f} {unit} ({min(figures):.2f}-{max(figures):.2f})")


if __name__ == "__main__":
    main()
