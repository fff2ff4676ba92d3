"""The pages in a real browser, opened as files: what people see, click, type and share."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Browser, Page, expect

from sessionlint_reports.subject import Subject
from sessionlint_reports.views.page import Rows, file_page
from tests.support.browser import Tab

NAVIGATION = ["Overview", "Findings", "High risk", "Progress", "Audit", "Map", "Rules", "Policy"]
MAIN_PAGES = ["index", "findings", "risk", "progress", "audit", "map", "rules", "policy", "rules/TXN201"]


@pytest.fixture
def rows(subject: Subject) -> Rows:
    return Rows(subject)


def busiest(rows: Rows) -> str:
    return max(rows.by_path, key=lambda path: len(rows.by_path[path]))


def sample(site: Path) -> list[Path]:
    """Every page with a template of its own, and some of those that share one."""
    return [
        *sorted(site.glob("*.html")),
        *sorted(site.glob("files/*.html"))[:12],
        *sorted(site.glob("rules/*.html"))[:5],
    ]


def visible_rows(page: Page, table: str) -> int:
    return page.locator(f"#{table} tbody tr:visible").count()


def test_every_page_is_reached_from_the_navigation_and_says_where_it_is(tab: Tab) -> None:
    page = tab.open("index.html")
    for title in NAVIGATION:
        page.get_by_role("navigation", name="Pages").get_by_role("link", name=title, exact=True).click()
        expect(page.locator("[aria-current=page]")).to_have_text(title)
        expect(page.locator("h1")).to_be_visible()


def test_every_page_of_the_site_opens_without_a_complaint(tab: Tab, site: Path) -> None:
    for file in sample(site):
        page = tab.open(file.relative_to(site).as_posix())
        assert page.locator("h1").count() == 1
        assert page.title().endswith(" · scrapers · sessionlint")
        assert tab.complaints == [], file


def test_no_link_of_the_site_leads_nowhere(site: Path, tab: Tab) -> None:
    broken = set()
    for file in sample(site):
        page = tab.open(file.relative_to(site).as_posix())
        for href in page.eval_on_selector_all("a[href]", "links => links.map(a => a.getAttribute('href'))"):
            target, _, anchor = href.partition("#")
            place = (file.parent / target).resolve() if target else file
            is_anchor = bool(anchor) and "=" not in anchor
            if not place.is_file() or (is_anchor and f'id="{anchor}"' not in place.read_text()):
                broken.add(href)
    assert broken == set()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("place", [*MAIN_PAGES, "file"])
def test_axe_finds_no_serious_violation(chromium: Browser, site: Path, rows: Rows, place: str, scheme: str) -> None:
    with Tab(chromium, site, scheme=scheme) as tab:
        page = tab.open(file_page(busiest(rows)) if place == "file" else f"{place}.html")
        page.eval_on_selector_all("details", "all => all.forEach(one => { one.open = true; })")
        found = Axe().run(page).response["violations"]
    serious = [(one["id"], one["nodes"][0]["html"][:200]) for one in found if one["impact"] in ("serious", "critical")]
    assert serious == []


def test_no_page_is_wider_than_a_phone(chromium: Browser, site: Path, rows: Rows) -> None:
    with Tab(chromium, site, width=360, height=740) as tab:
        for place in [*(f"{name}.html" for name in MAIN_PAGES), file_page(busiest(rows))]:
            page = tab.open(place)
            assert page.evaluate("document.documentElement.scrollWidth") <= 360, place


def test_the_overview_shows_the_numbers_of_the_snapshot(tab: Tab, subject: Subject) -> None:
    page = tab.open("index.html")
    totals = subject.snapshot.totals
    figures = page.locator(".tile .figure").all_inner_texts()
    assert figures == [f"{totals.compliance_percent}%", str(totals.files_with_debt), str(totals.debt)]
    assert subject.diff is not None
    changes = page.locator(".changes dd").all_inner_texts()
    assert changes == [str(len(subject.diff.new)), str(len(subject.diff.fixed)), str(len(subject.diff.absorbed))]


@pytest.mark.parametrize(
    ("place", "charts"), [("index", ["trend", "treemap"]), ("progress", ["months", "people"]), ("map", ["map"])]
)
def test_every_chart_is_drawn_and_has_a_table_behind_it(tab: Tab, place: str, charts: list[str]) -> None:
    page = tab.open(f"{place}.html")
    for name in charts:
        chart = page.locator(f"[data-chart={name}]")
        chart.scroll_into_view_if_needed()
        expect(chart.locator("canvas, svg").first).to_be_visible()
        assert chart.get_attribute("aria-label")
    assert page.locator("figure ~ details table, figure details table, #nodes").count() >= len(charts)


def test_a_click_on_a_file_of_the_treemap_opens_its_page(tab: Tab) -> None:
    page = tab.open("index.html")
    page.locator("[data-chart=treemap]").scroll_into_view_if_needed()
    expect(page.locator("[data-chart=treemap] canvas")).to_be_visible()
    box = page.locator("[data-chart=treemap]").bounding_box()
    assert box
    page.mouse.click(box["x"] + box["width"] * 0.05, box["y"] + box["height"] * 0.8)
    page.wait_for_url("**/files/*.html")
    expect(page.locator("h1")).to_contain_text("src/")


FILTERS = [
    ("rule", "TXN201", lambda row: row["code"] == "TXN201"),
    ("family", "2xx", lambda row: row["family"] == "2xx"),
    ("layer", "service", lambda row: row["layer"] == "service"),
    ("owner", "@grace", lambda row: "@grace" in row["owners"]),
    ("severity", "warning", lambda row: row["severity"] == "warning"),
    ("state", "suppressed", lambda row: row["state"] == "suppressed"),
    ("path", "src/tasks/", lambda row: row["path"].startswith("src/tasks/")),
    ("new", "yes", lambda row: row["new"]),
    ("q", "sitemap", lambda row: "sitemap" in f"{row['path']} {row['qualname']} {row['message']}".lower()),
]


@pytest.mark.parametrize(("name", "value", "kept"), FILTERS, ids=[name for name, _, _ in FILTERS])
def test_a_filter_keeps_what_it_says_and_goes_into_the_address(tab, rows, name, value, kept) -> None:
    page = tab.open("findings.html")
    field = page.locator(f"[name={name}]")
    kind = field.evaluate("field => field.type")
    if kind == "select-one":
        field.select_option(value)
    elif kind == "checkbox":
        field.check()
    else:
        field.fill(value)
    expected = [f"{row['path']}:{row['line']}" for row in rows.all if kept(row)]
    assert 0 < len(expected) < len(rows.all)
    expect(page.locator("[data-findings-count]")).to_have_text(f"{len(expected)} of {len(rows.all)} findings")
    assert page.locator("[data-findings-rows] a.path").all_inner_texts() == expected[:100]
    assert parse_qs(page.url.partition("#")[2]) == {name: [value]}


def test_an_address_with_filters_shows_the_same_list_to_someone_else(tab: Tab, rows: Rows) -> None:
    page = tab.open("findings.html#rule=TXN301&layer=model&sort=-line")
    expected = [row for row in rows.all if row["code"] == "TXN301" and row["layer"] == "model"]
    expect(page.locator("[data-findings-count]")).to_have_text(f"{len(expected)} of {len(rows.all)} findings")
    assert page.locator("[name=rule]").input_value() == "TXN301"
    page.get_by_role("button", name="Clear").click()
    expect(page.locator("[data-findings-count]")).to_have_text(f"{len(rows.all)} of {len(rows.all)} findings")


def test_the_findings_are_sorted_by_the_column_that_is_clicked(tab: Tab, rows: Rows) -> None:
    page = tab.open("findings.html")
    page.get_by_role("button", name="Rule", exact=True).click()
    expect(page.locator("th[data-sort=code]")).to_have_attribute("aria-sort", "ascending")
    codes = page.locator("[data-findings-rows] a.code").all_inner_texts()
    assert codes == sorted(row["code"] for row in rows.all)[:100]
    page.get_by_role("button", name="Rule", exact=True).click()
    expect(page.locator("th[data-sort=code]")).to_have_attribute("aria-sort", "descending")
    assert page.url.endswith("#sort=-code")


def test_a_long_list_is_shown_a_hundred_at_a_time(tab: Tab, rows: Rows) -> None:
    page = tab.open("findings.html")
    assert page.locator("[data-findings-rows] tr").count() == 100
    page.get_by_role("button", name="Next").click()
    expect(page.locator("[data-findings-part]")).to_have_text("2 of 2")
    assert page.locator("[data-findings-rows] tr").count() == len(rows.all) - 100
    expect(page.get_by_role("button", name="Next")).to_be_disabled()


def test_a_finding_leads_to_its_place_in_the_code(tab: Tab, rows: Rows) -> None:
    page = tab.open("findings.html")
    row = rows.all[0]
    page.locator("[data-findings-rows] a.path").first.click()
    card = page.locator(f"#{row['id']}")
    expect(card).to_be_in_viewport()
    expect(card.locator("h3")).to_contain_text(row["code"])
    line = card.locator("xpath=preceding-sibling::div[contains(@class,'hit')][1]")
    assert line.get_attribute("id") == f"L{row['line']}"


def test_the_steps_of_a_trace_lead_across_files(tab: Tab, rows: Rows, subject: Subject) -> None:
    traced = next(s for s in subject.snapshot.findings if s.finding.trace)
    page = tab.open(file_page(traced.finding.path))
    page.locator(".trace a").filter(has_text="async_session.py:8").first.click()
    expect(page.locator("h1")).to_have_text("src/session/async_session.py")
    expect(page.locator("#L8")).to_be_in_viewport()


def test_a_suggested_fix_is_shown_as_a_diff(tab: Tab, subject: Subject) -> None:
    path, *_ = next(iter(subject.fixes))
    page = tab.open(file_page(path))
    expect(page.locator(".diff .gd").last).to_have_text("-    await session.commit()")
    expect(page.locator(".diff .gi").last).to_have_text("+    await session.flush()")


def test_folded_lines_open_on_demand(tab: Tab, rows: Rows) -> None:
    page = tab.open(file_page(busiest(rows)))
    fold = page.locator("details.fold").first
    expect(fold.locator("pre").last).to_be_hidden()
    fold.locator("summary").click()
    expect(fold.locator("pre").last).to_be_visible()


TABLES = [
    ("audit", "points", "points.status", "fix required", "status"),
    ("audit", "usages", "usages.status", "correct", "status"),
    ("progress", "items", "status", "done", "status"),
    ("progress", "items", "late", "yes", "late"),
    ("progress", "items", "assigned", "@ada", "assigned"),
    ("risk", "risks", "level", "high", "level"),
    ("rules", "rules", "found", "yes", "found"),
]


@pytest.mark.parametrize(("place", "table", "field", "value", "key"), TABLES)
def test_tables_are_filtered_and_the_filter_is_in_the_address(tab, place, table, field, value, key) -> None:
    page = tab.open(f"{place}.html")
    everything = visible_rows(page, table)
    page.locator(f"[name='{field}']").select_option(value)
    matching = page.locator(f"#{table} tbody tr:visible").evaluate_all(f"rows => rows.map(row => row.dataset.{key})")
    assert 0 < len(matching) < everything
    assert all(value in (json.loads(one) if one.startswith("[") else [one]) for one in matching)
    assert parse_qs(page.url.partition("#")[2]) == {field: [value]}
    again = tab.open(page.url.rpartition("/")[2])
    assert visible_rows(again, table) == len(matching)


@pytest.mark.parametrize(
    ("place", "table", "field"),
    [("audit", "points", "points.q"), ("audit", "usages", "usages.q"), ("progress", "items", "q"),
     ("risk", "risks", "q"), ("rules", "rules", "q")],
)  # fmt: skip
def test_tables_are_searched(tab: Tab, place: str, table: str, field: str) -> None:
    page = tab.open(f"{place}.html")
    word = "commit" if place == "rules" else "sitemap" if table != "points" else "session_factory"
    everything = visible_rows(page, table)
    page.locator(f"[name='{field}']").fill(word)
    found = page.locator(f"#{table} tbody tr:visible").all_inner_texts()
    assert 0 < len(found) < everything
    assert all(word in text.lower() for text in found)


def test_a_table_is_sorted_by_number_and_by_text(tab: Tab) -> None:
    page = tab.open("risk.html")
    page.get_by_role("button", name="Findings", exact=True).click()
    numbers = [int(text) for text in page.locator("#risks tbody td:nth-child(7)").all_inner_texts()]
    assert numbers == sorted(numbers)
    page.get_by_role("button", name="Layer", exact=True).click()
    layers = page.locator("#risks tbody td:nth-child(10)").all_inner_texts()
    assert layers == sorted(layers)


def test_the_map_is_narrowed_and_zoomed(tab: Tab) -> None:
    page = tab.open("map.html")
    count = page.locator("[data-map-count]")
    expect(count).to_have_text("46 files")
    page.locator("[name=kind]").select_option("job")
    expect(count).to_have_text("15 files and their neighbours")
    page.locator("[name=q]").fill("sitemap")
    page.locator("[name=kind]").select_option("source")
    expect(count).to_have_text("0 files and their neighbours")
    page.get_by_role("button", name="Clear").click()
    page.locator("[name=by]").select_option("function")
    expect(count).to_have_text("46 functions")
    page.get_by_role("button", name="Zoom in").click()
    expect(count).to_have_text("46 functions, 167% zoom")
    page.get_by_role("button", name="Whole map").click()
    expect(count).to_have_text("46 functions")


def test_a_box_of_the_map_leads_to_its_code(tab: Tab) -> None:
    page = tab.open("map.html")
    canvas = page.locator("[data-chart=map] canvas")
    expect(canvas).to_be_visible()
    box = canvas.bounding_box()
    assert box
    # the one source of sessions is in the middle of the right column
    page.mouse.click(box["x"] + box["width"] * 0.9, box["y"] + box["height"] * 0.5)
    page.wait_for_url("**/files/*async_session*.html#L8")


def test_the_theme_is_chosen_with_the_keyboard_and_kept(tab: Tab) -> None:
    page = tab.open("index.html")
    button = page.get_by_role("button", name="Theme")
    button.focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    expect(button).to_have_text("Theme: dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(18, 23, 29)"
    page.reload()
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"


def test_the_keyboard_alone_reaches_content_filters_and_findings(tab: Tab) -> None:
    page = tab.open("findings.html")
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_in_viewport()
    page.keyboard.press("Enter")
    reached = []
    for _ in range(30):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.name || document.activeElement.className"))
    assert reached[:3] == ["q", "rule", "family"]
    assert "path" in reached


def test_without_scripts_the_numbers_and_tables_are_there(chromium: Browser, site: Path) -> None:
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((site / "index.html").as_uri())
    assert page.locator(".tile .figure").count() == 3
    assert page.locator("[data-chart=trend]").is_hidden()
    page.goto((site / "findings.html").as_uri())
    assert page.get_by_text("This list needs JavaScript").is_visible()
    context.close()


def test_on_paper_there_are_no_controls_and_all_rows(tab: Tab) -> None:
    page = tab.open("audit.html#points.status=fix+required")
    hidden = page.locator("#points tbody tr[hidden]")
    assert hidden.count() > 0
    page.emulate_media(media="print")
    assert page.locator("form.filters:visible").count() == 0
    assert page.locator("nav:visible").count() == 0
    assert hidden.first.is_visible()


@pytest.fixture
def book_tab(chromium: Browser, book: Path) -> Iterator[Tab]:
    with Tab(chromium, book) as opened:
        yield opened
        assert opened.complaints == []


def test_the_single_file_turns_its_pages_by_the_address(book_tab: Tab, book: Path, rows: Rows) -> None:
    page = book_tab.open("")
    for title in NAVIGATION:
        page.get_by_role("navigation", name="Pages").get_by_role("link", name=title, exact=True).click()
        expect(page.locator("[aria-current=page]")).to_have_text(title)
    page.goto(f"{book.as_uri()}#/findings.html#rule=TXN201")
    count = sum(row["code"] == "TXN201" for row in rows.all)
    expect(page.locator("[data-findings-count]")).to_have_text(f"{count} of {len(rows.all)} findings")
    page.locator("[data-findings-rows] a.path").first.click()
    expect(page.locator("article.finding:target, article.finding").first).to_be_visible()
    first = next(row for row in rows.all if row["code"] == "TXN201")
    expect(page.locator(f"#{first['id']}")).to_be_in_viewport()
    page.locator(f"#{first['id']} a.code").click()
    expect(page.locator("h1")).to_have_text("TXN201 explicit-commit")
    page.go_back()
    expect(page.locator("h1")).to_have_text(first["path"])


def test_the_single_file_draws_its_charts(book_tab: Tab) -> None:
    page = book_tab.open("")
    expect(page.locator("[data-chart=trend] svg")).to_be_visible()
    page.get_by_role("link", name="Map", exact=True).click()
    expect(page.locator("[data-chart=map] canvas")).to_be_visible()
