"""``sessionlint report`` and ``sessionlint dashboard`` on real projects in real git repositories."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from playwright.sync_api import Browser, expect

from sessionlint.cli import cli
from sessionlint.errors import UsageError
from sessionlint_reports.dashboard import Server
from sessionlint_reports.history.store import History
from sessionlint_reports.portfolio import Portfolio, folder_of
from tests.conftest import Tree
from tests.reports.pages import synthetic
from tests.support.browser import Tab

POLICY = """\
[tool.sessionlint]
preset = "scrapersky"
session-modules = ["app/session.py"]
session-dependencies = ["app.session.get_session_dependency"]
session-contexts = ["app.session.get_session"]
allow-unprotected = ["/**"]
"""
SESSION = """\
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import async_sessionmaker

session_factory = async_sessionmaker()


@asynccontextmanager
async def get_session():
    async with session_factory() as session:
        yield session


async def get_session_dependency():
    async with session_factory() as session:
        yield session
"""
WORK = """\
from app.session import session_factory


async def work():
    async with session_factory() as session:
        await session.commit()
"""
MENDED = WORK.replace("session_factory", "get_session").replace("session.commit", "session.flush")
FILES = {"pyproject.toml": POLICY, "app/__init__.py": "", "app/session.py": SESSION, "app/work.py": WORK}


def git(folder: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=Ada", "-c", "user.email=ada@example.com", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def project(tree: Tree) -> Path:
    root = tree(FILES)
    git(root, "init", "-q", "-b", "main")
    (root / ".gitignore").write_text(".sessionlint_cache/\n.sessionlint/\nsessionlint-report/\n")
    git(root, "add", "-A")
    git(root, "commit", "-qm", "first")
    return root


def run(*arguments: object) -> Result:
    return CliRunner().invoke(cli, [str(one) for one in arguments], catch_exceptions=False, standalone_mode=False)


def overview(project: Path) -> dict:
    found: dict = json.loads((project / "sessionlint-report" / "index.json").read_text())
    return found


def test_a_report_is_written_into_the_project_and_its_path_is_printed(project: Path) -> None:
    result = run("report", project)
    assert result.return_value == 0
    first, second = result.output.splitlines()
    assert first == "66.7% of 3 files compliant, 2 findings to mend."
    assert second.startswith(f"Wrote {project / 'sessionlint-report' / 'index.html'} (")
    page = (project / "sessionlint-report" / "map.html").read_text()
    assert "get_session_dependency" in page


def test_what_a_fixer_proposes_is_shown_with_its_finding(project: Path) -> None:
    task = "import asyncio\n\n\nasync def start(work):\n    asyncio.create_task(work())\n"
    (project / "app" / "tasks.py").write_text(task)
    run("report", project)
    pages = [json.loads(file.read_text()) for file in (project / "sessionlint-report" / "files").glob("*tasks*.json")]
    [fix] = [finding["fix"] for page in pages for finding in page["findings"] if finding["code"] == "TXN605"]
    assert (fix["title"], fix["safety"]) == ("Keep the task until it is done", "safe")
    assert "-    asyncio.create_task(work())\n" in fix["diff"]


def test_the_second_report_tells_what_was_fixed_since_and_by_whom(project: Path) -> None:
    run("report", project)
    (project / "app" / "work.py").write_text(MENDED)
    git(project, "commit", "-qam", "mend")
    run("report", project)
    data = overview(project)
    assert (data["compliance_percent"], data["compliance_delta"]) == (100.0, 33.3)
    assert (data["changes"]["new"], data["changes"]["fixed"]) == (0, 2)
    people = json.loads((project / "sessionlint-report" / "progress.json").read_text())["people"]
    assert people == [{"name": "Ada", "fixed": 2, "added": 0}]


def test_without_history_nothing_is_remembered(project: Path) -> None:
    run("report", project, "--no-history")
    assert not (project / ".sessionlint").exists()
    assert overview(project)["changes"]["since"] == ""


def test_the_single_file_is_written_alone(project: Path, tmp_path: Path) -> None:
    result = run("report", project, "--single-file", tmp_path / "mail" / "report.html")
    assert f"Wrote {tmp_path / 'mail' / 'report.html'} (" in result.output
    assert not (project / "sessionlint-report").exists()


@pytest.mark.parametrize(
    ("output_format", "begin"),
    [
        ("markdown", "## Session and transaction compliance\n\n**66.7%** of 3 files compliant: 2 findings to mend"),
        ("csv", "table,module,file,lines,method,status,note,codes\n"),
        ("badge", "<svg xmlns="),
        ("json", '{"compliance_percent":66.7,'),
    ],
)
def test_other_formats_are_printed(project: Path, output_format: str, begin: str) -> None:
    assert run("report", project, "--no-history", "--format", output_format).output.startswith(begin)


def test_owners_and_target_dates_are_taken_from_their_files(project: Path) -> None:
    (project / "CODEOWNERS").write_text("/app/ @org/backend\n")
    (project / "sessionlint-targets.toml").write_text('[[target]]\npath = "app/**"\ndue = 2020-01-31\n')
    run("report", project)
    [item] = json.loads((project / "sessionlint-report" / "progress.json").read_text())["modules"]
    assert (item["assigned"], item["due"], item["overdue"]) == (["@org/backend"], "2020-01-31", True)


def test_what_could_not_be_checked_is_said_and_decides_the_exit_status(project: Path) -> None:
    (project / "app" / "broken.py").write_text("def f(:\n    session\n")
    result = run("report", project)
    assert result.return_value == 2
    assert "could not be checked" in (project / "sessionlint-report" / "index.html").read_text()


def test_the_report_says_how_to_install_what_it_needs(project: Path) -> None:
    hide = "import sys; sys.modules['jinja2'] = None; from sessionlint.cli import main; main(['report', sys.argv[1]])"
    done = subprocess.run([sys.executable, "-c", hide, str(project)], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr == "Error: the report needs jinja2, which is not installed: pip install 'sessionlint[report]'.\n"


def test_a_target_file_with_mistakes_ends_in_one_message(project: Path) -> None:
    (project / "sessionlint-targets.toml").write_text('[[target]]\npath = "app/**"\n')
    with pytest.raises(UsageError, match=r"target 1: needs due = YYYY-MM-DD, without quotes\."):
        run("report", project)


# the dashboard


@pytest.fixture
def history(tmp_path: Path) -> Iterator[History]:
    with History.open(tmp_path / "team.db") as opened:
        yield opened


@contextmanager
def serving(history: History) -> Iterator[Server]:
    with Server(Portfolio(history), "127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def get(server: Server, path: str, host: str = "") -> tuple[int, str, str]:
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=20)
    try:
        connection.request("GET", path, headers={"Host": host} if host else {})
        answer = connection.getresponse()
        return answer.status, answer.headers["Content-Type"], answer.read().decode()
    finally:
        connection.close()


SMALL = synthetic.Size(files=12, findings=14, snapshots=3)


def test_the_dashboard_leads_from_all_projects_to_every_page_of_one(history: History, chromium: Browser) -> None:
    synthetic.record(history, SMALL)
    with serving(history) as server, Tab(chromium, server.address) as tab:
        page = tab.open("index.html")
        expect(page.locator("[data-chart=projects] svg")).to_be_visible()
        page.get_by_role("link", name="scrapers").click()
        expect(page.locator("h1")).to_have_text("Compliance overview")
        page.get_by_role("link", name="Findings", exact=True).click()
        page.locator("[data-findings-rows] a.path").first.click()
        expect(page.locator("article.finding").first).to_be_visible()
        page.get_by_role("link", name="All projects").click()
        expect(page.locator("h1")).to_have_text("All projects")
        assert tab.complaints == []


def test_an_open_page_shows_a_new_snapshot_by_itself(history: History, chromium: Browser) -> None:
    first, *_, last = synthetic.snapshots(SMALL)
    history.record(first)
    with serving(history) as server, Tab(chromium, server.address) as tab:
        page = tab.open(f"{folder_of('scrapers')}/index.html")
        expect(page.locator(".tile .figure").nth(2)).to_have_text(str(first.totals.debt))
        history.record(last)
        assert last.totals.debt != first.totals.debt
        expect(page.locator(".tile .figure").nth(2)).to_have_text(str(last.totals.debt))


def test_the_dashboard_serves_data_tables_and_badges(history: History) -> None:
    synthetic.record(history, SMALL)
    folder = folder_of("scrapers")
    with serving(history) as server:
        status, kind, text = get(server, f"/{folder}/findings.json")
        assert (status, kind, json.loads(text)["total"]) == (200, "application/json; charset=utf-8", 14)
        assert get(server, f"/{folder}/audit.csv")[1].startswith("text/csv")
        assert get(server, f"/{folder}/badge.svg")[1] == "image/svg+xml; charset=utf-8"
        assert json.loads(get(server, "/index.json")[2])["projects"][0]["name"] == "scrapers"


@pytest.mark.parametrize("path", ["/nothing.html", "/../../etc/passwd", "/assets/../render.py", "/%2e%2e/x", "/x/y/z"])
def test_the_dashboard_serves_nothing_else(history: History, path: str) -> None:
    synthetic.record(history, SMALL)
    with serving(history) as server:
        assert get(server, path)[0] == 404


def test_the_dashboard_answers_only_to_its_own_name(history: History) -> None:
    with serving(history) as server:
        assert get(server, "/", host=f"evil.example:{server.server_port}")[0] == 421
        assert get(server, "/", host=f"localhost:{server.server_port}")[0] == 200


def test_an_empty_history_says_what_to_do(history: History) -> None:
    with serving(history) as server:
        assert "The history holds no snapshots yet" in get(server, "/")[2]


def test_a_taken_port_is_named_with_the_remedy(history: History) -> None:
    with serving(history) as server, pytest.raises(UsageError, match=r"cannot listen on .*Choose another --port"):
        Server(Portfolio(history), "127.0.0.1", server.server_port)


def test_the_dashboard_is_written_as_files(project: Path, tmp_path: Path) -> None:
    run("report", project, "--project", "one/backend")
    run("report", project, "--project", "two")
    result = run("dashboard", project, "--output", tmp_path / "all")
    assert result.output == f"Wrote {tmp_path / 'all' / 'index.html'}.\n"
    names = [row["name"] for row in json.loads((tmp_path / "all" / "index.json").read_text())["projects"]]
    assert names == ["one/backend", "two"]
    assert (tmp_path / "all" / folder_of("one/backend") / "findings.html").is_file()
