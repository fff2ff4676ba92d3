"""What the editor is told while one types."""

from __future__ import annotations

from pathlib import Path

import pytest
from lsprotocol import types

from sessionlint.cli import main
from tests.server.editor import editing
from tests.server.projects import SERVICE as SERVICE_TEXT
from tests.server.projects import project, write

SERVICE, ROUTER = "app/services/names.py", "app/routers/names.py"
COMMIT = "    await session.commit()\n"


async def test_a_finding_appears_as_it_is_typed_and_in_every_file_it_concerns(tmp_path: Path) -> None:
    async with editing(project(tmp_path)) as editor:
        await editor.open(SERVICE)
        await editor.codes(SERVICE)
        await editor.replace(SERVICE, "    await session.flush()\n", COMMIT)
        (commit,) = await editor.codes(SERVICE, "TXN201")
        (call,) = await editor.codes(ROUTER, "TXN205")

        assert commit.range == types.Range(types.Position(5, 10), types.Position(5, 26))
        assert (commit.source, commit.severity) == ("sessionlint", types.DiagnosticSeverity.Error)
        related = [(r.location.uri, r.location.range.start.line, r.message) for r in call.related_information or ()]
        assert related == [
            (editor.uri(ROUTER), 12, "1. the transaction is opened here"),
            (editor.uri(ROUTER), 13, "2. names.rename(…) is called"),
            (editor.uri(SERVICE), 5, "3. session.commit() ends the transaction"),
        ]

        await editor.replace(SERVICE, COMMIT, "    await session.flush()\n")
        await editor.codes(SERVICE)
        await editor.codes(ROUTER)


async def test_a_diagnostic_links_to_the_page_of_its_rule(tmp_path: Path) -> None:
    async with editing(project(tmp_path)) as editor:
        await editor.open(SERVICE)
        await editor.replace(SERVICE, "flush", "commit")
        (commit,) = await editor.codes(SERVICE, "TXN201")
        assert commit.code_description
        page = tmp_path / ".sessionlint_cache" / "rules" / "TXN201.md"
        assert commit.code_description.href == page.as_uri()
        assert page.read_text().startswith("# TXN201 explicit-commit\n")


async def test_code_that_does_not_parse_keeps_the_findings_where_they_are(tmp_path: Path) -> None:
    async with editing(project(tmp_path)) as editor:
        await editor.open(SERVICE)
        await editor.replace(SERVICE, "flush", "commit")
        await editor.codes(SERVICE, "TXN201")
        await editor.codes(ROUTER, "TXN205")
        await editor.replace(SERVICE, "\nasync def rename", "\nhalf = (\n\n\nasync def rename")
        wrong, commit = await editor.codes(SERVICE, "TXN901", "TXN201")
        assert "was never closed" in wrong.message
        assert wrong.range.start.line == 3
        assert commit.range.start.line == 8
        assert [d.code for d in editor.diagnostics[editor.uri(ROUTER)]] == ["TXN205"]


async def test_columns_are_counted_in_units_of_utf_16(tmp_path: Path) -> None:
    async with editing(project(tmp_path)) as editor:
        assert editor.capabilities.position_encoding == types.PositionEncodingKind.Utf16
        await editor.open(SERVICE)
        await editor.replace(SERVICE, "    await session.flush()", '    "🦆é"; await session.commit()')
        (commit,) = await editor.codes(SERVICE, "TXN201")
        assert commit.range == types.Range(types.Position(5, 17), types.Position(5, 33))


async def test_columns_are_counted_as_the_client_likes_it_best(tmp_path: Path) -> None:
    kinds = [types.PositionEncodingKind.Utf8, types.PositionEncodingKind.Utf16]
    general = types.GeneralClientCapabilities(position_encodings=kinds)
    async with editing(project(tmp_path), general=general) as editor:
        assert editor.capabilities.position_encoding == types.PositionEncodingKind.Utf8
        await editor.open(SERVICE)
        await editor.replace(SERVICE, "    await session.flush()", '    "🦆é"; await session.commit()')
        (commit,) = await editor.codes(SERVICE, "TXN201")
        assert commit.range.start == types.Position(5, 20)


async def test_lines_are_parted_as_the_protocol_says(tmp_path: Path) -> None:
    async with editing(project(tmp_path)) as editor:
        await editor.open(SERVICE)
        text = editor.texts[editor.uri(SERVICE)].replace("flush", "commit")
        await editor.type(SERVICE, "# one\f\u2028line\r\n" + text.replace("\n", "\r\n"))
        (commit,) = await editor.codes(SERVICE, "TXN201")
        assert commit.range.start == types.Position(6, 10)


async def test_a_burst_of_changes_ends_with_the_last_text(tmp_path: Path) -> None:
    async with editing(project(tmp_path)) as editor:
        await editor.open(SERVICE)
        await editor.codes(SERVICE)
        for number in range(40):
            await editor.replace(SERVICE, "    await session.flush()\n", f"    # {number}\n    await session.flush()\n")
        await editor.replace(SERVICE, "flush", "commit")
        (commit,) = await editor.codes(SERVICE, "TXN201")
        assert commit.range.start.line == 45


async def test_a_suppression_with_a_reason_takes_effect_and_one_without_is_a_finding(tmp_path: Path) -> None:
    async with editing(project(tmp_path, 'suppressions = "allow"')) as editor:
        await editor.open(SERVICE)
        await editor.replace(SERVICE, "flush()", "commit()  # sessionlint: ignore[TXN201] -- asked by the auditors")
        await editor.codes(SERVICE)
        await editor.replace(SERVICE, " asked by the auditors", "")
        await editor.codes(SERVICE, "TXN201", "TXN902")
        await editor.replace(SERVICE, "commit()", "flush()")
        await editor.replace(SERVICE, "[TXN201] --", "[TXN201] -- once needed")
        (unused,) = await editor.codes(SERVICE, "TXN903")
        assert unused.tags == (types.DiagnosticTag.Unnecessary,)


async def test_what_the_baseline_knows_is_not_shown(tmp_path: Path) -> None:
    write(project(tmp_path), {SERVICE: SERVICE_TEXT.replace("flush", "commit"), ROUTER: ""})
    with pytest.raises(SystemExit, match="0"):
        main(["baseline", "create", str(tmp_path)])
    async with editing(tmp_path) as editor:
        await editor.open(SERVICE)
        await editor.codes(SERVICE)
        (tmp_path / "sessionlint-baseline.json").unlink()
        await editor.tell_changed("sessionlint-baseline.json")
        await editor.codes(SERVICE, "TXN201")
