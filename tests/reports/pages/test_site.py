"""The written report: same input, same bytes; nothing foreign is overwritten; one file holds everything."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from pathlib import Path

import pytest

from sessionlint.errors import UsageError
from sessionlint_reports.render import asset, echarts_version
from sessionlint_reports.site import MARKER, all_pages, book, files_of, write_book, write_site
from sessionlint_reports.subject import Subject
from tests.reports.pages import synthetic


def contents(folder: Path) -> dict[str, str]:
    files = [file for file in folder.rglob("*") if file.is_file()]
    return {file.relative_to(folder).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def test_the_same_input_gives_the_same_bytes(subject: Subject, site: Path, book: Path, tmp_path: Path) -> None:
    write_site(subject, tmp_path / "again")
    write_book(subject, tmp_path / "again.html")
    assert contents(tmp_path / "again") == contents(site)
    assert (tmp_path / "again.html").read_bytes() == book.read_bytes()


def test_the_pages_are_the_same_however_many_processes_make_them(tmp_path: Path) -> None:
    large = synthetic.subject(tmp_path, synthetic.Size(files=400, findings=900, snapshots=2, functions=2))
    written = dict(files_of(large))
    from sessionlint_reports.render import Renderer, site_of
    from sessionlint_reports.site import text_of

    renderer = Renderer(site_of(large))
    pages = list(all_pages(large))
    assert len(pages) > 400
    for page in pages:
        assert written[page.path].decode() == renderer.html(page, text_of(large, page))


def test_beside_every_page_lies_its_data(site: Path) -> None:
    pages = {file.with_suffix("").relative_to(site).as_posix() for file in site.rglob("*.html")}
    documents = {file.with_suffix("").relative_to(site).as_posix() for file in site.rglob("*.json")}
    assert pages == documents
    overview = json.loads((site / "index.json").read_text())
    assert overview["files"] == 60
    assert [row["family"] for row in overview["families"]] == ["1xx", "2xx", "3xx", "4xx", "6xx", "7xx", "8xx"]


def test_a_page_loads_nothing_from_elsewhere(site: Path, book: Path) -> None:
    for file in [*site.rglob("*.html"), *site.glob("assets/*.js"), *site.glob("assets/*.css")]:
        text = file.read_text()
        assert "http://" not in text.replace("http://localhost", "")
        assert 'src="http' not in text
        assert "@import" not in text
    assert 'src="' not in book.read_text().replace(asset("echarts/echarts.min.js"), "")


def test_a_new_report_replaces_the_old_one_whole(subject: Subject, tmp_path: Path) -> None:
    write_site(subject, tmp_path / "report")
    stale = tmp_path / "report" / "files" / "gone.html"
    stale.write_text("old")
    write_site(subject, tmp_path / "report")
    assert not stale.exists()
    assert [path.name for path in tmp_path.iterdir()] == ["report"]


def test_a_folder_that_holds_something_else_is_left_alone(subject: Subject, tmp_path: Path) -> None:
    precious = tmp_path / "thesis.txt"
    precious.write_text("years of work")
    with pytest.raises(UsageError, match="is not empty and holds no report; name another folder"):
        write_site(subject, tmp_path)
    with pytest.raises(UsageError, match=r"thesis.txt is a file; name a folder"):
        write_site(subject, precious)
    assert precious.read_text() == "years of work"


def test_an_empty_folder_is_filled(subject: Subject, tmp_path: Path) -> None:
    assert write_site(subject, tmp_path / "a" / "b") > 1_000_000
    assert (tmp_path / "a" / "b" / MARKER).exists()


def test_a_report_that_fails_leaves_the_old_one(subject: Subject, tmp_path: Path, monkeypatch) -> None:
    write_site(subject, tmp_path / "report")
    before = contents(tmp_path / "report")

    def fail(_: object) -> bytes:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("sessionlint_reports.site.encoded", fail)
    with pytest.raises(UsageError, match="No space left on device"):
        write_site(subject, tmp_path / "report")
    assert contents(tmp_path / "report") == before
    assert [path.name for path in tmp_path.iterdir()] == ["report"]


def test_the_charting_library_is_what_its_version_file_says() -> None:
    stated = dict(line.split(": ", 1) for line in asset("echarts/VERSION").splitlines()[1:])
    assert echarts_version() == "6.1.0"
    assert hashlib.sha256(asset("echarts/echarts.min.js").encode()).hexdigest() == stated["SHA-256"]
    assert "Apache License" in asset("echarts/LICENSE")


def test_the_audit_table_is_a_spreadsheet(site: Path) -> None:
    rows = list(csv.DictReader(io.StringIO((site / "audit.csv").read_text())))
    assert {row["table"] for row in rows} == {"connection point", "usage"}
    assert rows[0]["status"] in ("correct", "review", "fix required")


def test_the_single_file_holds_every_page(subject: Subject) -> None:
    text = book(subject)
    for page in all_pages(subject):
        assert f'<template data-page="{page.path}"' in text
