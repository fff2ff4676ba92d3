"""Code actions and hovers."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from lsprotocol import types
from pygls.exceptions import JsonRpcException

from tests.server.editor import editing
from tests.server.projects import JOBS, project, write

SERVICE, JOB = "app/services/names.py", "app/jobs/sweeping.py"

TWO_JOBS = """\
import asyncio

from app.session import open_session


async def sweep():
    asyncio.create_task(asyncio.to_thread(print))


async def tidy(name):
    async with open_session() as session:
        session.add(name)
        await session.commit()
"""


def with_job(root: Path, more: str = "") -> Path:
    write(project(root, more), {JOB: JOBS})
    return root


def fix_in(actions: dict[str, Any]) -> Any:
    (found,) = [action for action in actions.values() if action.data or (action.command and not action.edit)]
    return found


async def test_a_fix_is_offered_and_its_edit_is_made_when_it_is_chosen(tmp_path: Path) -> None:
    async with editing(with_job(tmp_path)) as editor:
        await editor.open(JOB)
        (dropped,) = await editor.codes(JOB, "TXN605")
        fix = fix_in(await editor.actions(JOB, dropped))
        assert (fix.kind, fix.edit, fix.title) == ("quickfix", None, "Keep the task until it is done")
        assert [d.code for d in fix.diagnostics] == ["TXN605"]
        texts = await editor.resolve(fix)
        assert list(texts) == [JOB]
        await editor.type(JOB, texts[JOB])
        await editor.codes(JOB)


async def test_a_fix_keeps_the_line_ends_of_the_text(tmp_path: Path) -> None:
    async with editing(with_job(tmp_path)) as editor:
        await editor.open(JOB, JOBS.replace("\n", "\r\n"))
        (dropped,) = await editor.codes(JOB, "TXN605")
        texts = await editor.resolve(fix_in(await editor.actions(JOB, dropped)))
        assert texts[JOB].count("\n") == texts[JOB].count("\r\n") > JOBS.count("\n")


async def test_only_the_chosen_one_of_two_twins_is_fixed(tmp_path: Path) -> None:
    twice = JOBS + JOBS.partition("sweep():\n")[2]
    write(with_job(tmp_path), {JOB: twice})
    async with editing(tmp_path) as editor:
        await editor.open(JOB)
        _, second = await editor.codes(JOB, "TXN605", "TXN605")
        texts = await editor.resolve(fix_in(await editor.actions(JOB, second)))
        await editor.type(JOB, texts[JOB])
        (left,) = await editor.codes(JOB, "TXN605")
        assert texts[JOB].splitlines()[left.range.start.line] == twice.splitlines()[-2]
        assert twice.splitlines()[-1] not in texts[JOB].splitlines()[left.range.start.line + 1 :]


async def test_everything_safe_in_a_file_is_fixed_when_asked_by_name(tmp_path: Path) -> None:
    twice = JOBS + JOBS.partition("sweep():\n")[2]
    write(with_job(tmp_path), {JOB: twice})
    async with editing(tmp_path) as editor:
        await editor.open(JOB)
        first, _ = await editor.codes(JOB, "TXN605", "TXN605")
        actions = await editor.actions(JOB, first, only=["source.fixAll"])
        assert list(actions) == ["Fix everything that is safe to fix"]
        texts = await editor.resolve(actions["Fix everything that is safe to fix"])
        await editor.type(JOB, texts[JOB])
        await editor.codes(JOB)


async def test_looking_at_a_fix_changes_nothing_about_the_others(tmp_path: Path) -> None:
    write(with_job(tmp_path), {JOB: TWO_JOBS})
    async with editing(tmp_path) as editor:
        await editor.open(JOB)
        found = await editor.codes(JOB, "TXN605", "TXN201")

        async def offered() -> list[tuple[str, str]]:
            actions = [action for one in found for action in (await editor.actions(JOB, one)).values()]
            return [(action.title, action.disabled.reason if action.disabled else "") for action in actions]

        before = await offered()
        assert before == [
            ("Keep the task until it is done", ""),
            ("Let a transaction block commit and roll back (unsafe: review it)", ""),
        ]
        for one in found:
            assert await editor.resolve(fix_in(await editor.actions(JOB, one)))
            assert await offered() == before
        everything = await editor.actions(JOB, found[0], only=["source.fixAll"])
        assert await editor.resolve(everything["Fix everything that is safe to fix"])
        assert await offered() == before


async def test_a_client_that_cannot_fetch_edits_later_gets_a_command(tmp_path: Path) -> None:
    plain = types.TextDocumentClientCapabilities(code_action=types.CodeActionClientCapabilities())
    workspace = types.WorkspaceClientCapabilities(apply_edit=True)
    async with editing(with_job(tmp_path), text_document=plain, workspace=workspace) as editor:
        await editor.open(JOB)
        (dropped,) = await editor.codes(JOB, "TXN605")
        fix = fix_in(await editor.actions(JOB, dropped))
        command = types.ExecuteCommandParams(fix.command.command, fix.command.arguments)
        await editor.client.workspace_execute_command_async(command)
        await editor.codes(JOB)


async def test_no_fix_is_made_of_a_text_that_has_changed_since(tmp_path: Path) -> None:
    async with editing(with_job(tmp_path)) as editor:
        await editor.open(JOB)
        (dropped,) = await editor.codes(JOB, "TXN605")
        fix = fix_in(await editor.actions(JOB, dropped))
        await editor.type(JOB, JOBS.replace("    asyncio.create_task(", "    pass\n    asyncio.create_task("))
        assert await editor.resolve(fix) == {}
        await editor.until(lambda: editor.messages == ["sessionlint: not done, because the finding is gone."])


async def test_a_change_while_a_fix_is_proven_ends_it(tmp_path: Path) -> None:
    async with editing(with_job(tmp_path)) as editor:
        await editor.open(JOB)
        (dropped,) = await editor.codes(JOB, "TXN605")
        fix = fix_in(await editor.actions(JOB, dropped))
        resolving = editor.client.protocol.send_request_async(types.CODE_ACTION_RESOLVE, fix)
        await editor.type(JOB, JOBS + "\n")
        answers: Any = await asyncio.gather(resolving, return_exceptions=True)
        (answer,) = answers
        if isinstance(answer, JsonRpcException):
            assert answer.code == types.LSPErrorCodes.ContentModified
        else:
            # it was quicker than the change, or began after it
            assert answer.edit is None or list(editor.after(answer.edit)) == [JOB]
        await editor.codes(JOB, "TXN605")


async def test_a_suppression_is_offered_without_a_reason_which_is_then_asked_for(tmp_path: Path) -> None:
    async with editing(with_job(tmp_path, 'suppressions = "allow"')) as editor:
        await editor.open(JOB)
        (dropped,) = await editor.codes(JOB, "TXN605")
        actions = await editor.actions(JOB, dropped)
        edit = actions["Suppress TXN605 (write the reason behind --)"].edit
        text = editor.after(edit)[JOB]
        assert "\n    # sessionlint: ignore[TXN605] -- \n    asyncio.create_task(" in text
        await editor.type(JOB, text)
        await editor.codes(JOB, "TXN902", "TXN605")
        await editor.replace(JOB, "-- \n", "-- the loop keeps it\n")
        await editor.codes(JOB)


async def test_a_client_that_asks_for_the_reason_gets_the_whole_comment(tmp_path: Path) -> None:
    root = with_job(tmp_path, 'suppressions = "allow"')
    async with editing(root, options={"asksForReason": True}) as editor:
        await editor.open(JOB)
        (dropped,) = await editor.codes(JOB, "TXN605")
        action = (await editor.actions(JOB, dropped))["Suppress TXN605 with a reason…"]
        assert action.command.command == "sessionlint.askAndSuppress"
        key, code = action.command.arguments
        assert code == "TXN605"
        command = types.ExecuteCommandParams("sessionlint.suppress", [key, "the loop\nkeeps it"])
        await editor.client.workspace_execute_command_async(command)
        await editor.codes(JOB)
        assert "# sessionlint: ignore[TXN605] -- the loop keeps it\n" in editor.texts[editor.uri(JOB)]


async def test_no_suppression_is_offered_where_the_policy_forbids_them(tmp_path: Path) -> None:
    async with editing(with_job(tmp_path)) as editor:
        await editor.open(JOB)
        (dropped,) = await editor.codes(JOB, "TXN605")
        assert list(await editor.actions(JOB, dropped)) == ["Keep the task until it is done"]


async def test_nothing_is_offered_in_code_that_does_not_parse(tmp_path: Path) -> None:
    async with editing(with_job(tmp_path)) as editor:
        await editor.open(JOB)
        await editor.codes(JOB, "TXN605")
        await editor.type(JOB, JOBS + "\nhalf = (\n")
        dropped, _ = await editor.codes(JOB, "TXN605", "TXN901")
        assert await editor.actions(JOB, dropped) == {}


async def test_a_hover_shows_the_page_of_the_rule_of_a_finding_or_of_a_code_that_is_written(tmp_path: Path) -> None:
    async with editing(project(tmp_path)) as editor:

        async def hover(line: int, column: int) -> types.Hover | None:
            params = types.HoverParams(types.TextDocumentIdentifier(editor.uri(SERVICE)), types.Position(line, column))
            return await editor.client.text_document_hover_async(params)

        await editor.open(SERVICE)
        await editor.replace(SERVICE, "flush()", "commit()  # not TXN405")
        on_finding, on_code = await hover(5, 15), await hover(5, 37)
        assert on_finding
        assert on_code
        assert isinstance(on_finding.contents, types.MarkupContent)
        assert isinstance(on_code.contents, types.MarkupContent)
        assert on_finding.contents.value.startswith("# TXN201 explicit-commit\n")
        assert on_code.contents.value.startswith("# TXN405 unprotected-endpoint\n")
        assert on_code.range == types.Range(types.Position(5, 34), types.Position(5, 40))
        assert await hover(0, 2) is None
