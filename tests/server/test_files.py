"""Files that come, go and move, on the disk and in the editor."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from lsprotocol import types

from tests.server.editor import editing
from tests.server.projects import SERVICE as SERVICE_TEXT
from tests.server.projects import project, write

SERVICE, ROUTER = "app/services/names.py", "app/routers/names.py"
COMMITTING = SERVICE_TEXT.replace("flush", "commit")


async def test_what_is_wrong_on_disk_is_told_before_any_file_is_open(tmp_path: Path) -> None:
    write(project(tmp_path), {SERVICE: COMMITTING})
    window = types.WindowClientCapabilities(work_done_progress=True)
    async with editing(tmp_path, window=window) as editor:
        await editor.codes(SERVICE, "TXN201")
        await editor.codes(ROUTER, "TXN205")
        await editor.until(lambda: bool(editor.watched))
        assert editor.progress == ["created", "begin", "end"]
        assert "**/*.py" in editor.watched


async def test_a_closed_file_is_what_the_disk_has_and_a_new_one_counts_while_it_is_open(tmp_path: Path) -> None:
    async with editing(project(tmp_path)) as editor:
        await editor.open(SERVICE)
        await editor.type(SERVICE, COMMITTING)
        await editor.codes(SERVICE, "TXN201")
        await editor.close(SERVICE)
        await editor.codes(SERVICE)
        await editor.codes(ROUTER)
        await editor.open("app/services/more.py", COMMITTING)
        await editor.codes("app/services/more.py", "TXN201")
        await editor.close("app/services/more.py")
        await editor.codes("app/services/more.py")


async def test_a_renamed_file_takes_its_findings_along(tmp_path: Path) -> None:
    write(project(tmp_path), {SERVICE: COMMITTING})
    moved = "app/services/renaming.py"
    async with editing(tmp_path) as editor:
        await editor.open(SERVICE)
        await editor.codes(SERVICE, "TXN201")
        (tmp_path / SERVICE).rename(tmp_path / moved)
        renames = [types.FileRename(editor.uri(SERVICE), editor.uri(moved))]
        editor.client.workspace_did_rename_files(types.RenameFilesParams(renames))
        await editor.codes(moved, "TXN201")
        await editor.until(lambda: editor.diagnostics[editor.uri(SERVICE)] == [])
        await editor.codes(ROUTER)


async def test_a_deleted_folder_takes_its_findings_along(tmp_path: Path) -> None:
    write(project(tmp_path), {SERVICE: COMMITTING})
    async with editing(tmp_path) as editor:
        await editor.open(SERVICE)
        await editor.codes(SERVICE, "TXN201")
        (tmp_path / "app/services").rename(tmp_path / ".trash")
        deleted = [types.FileDelete(editor.uri("app/services"))]
        editor.client.workspace_did_delete_files(types.DeleteFilesParams(deleted))
        await editor.until(lambda: editor.diagnostics[editor.uri(SERVICE)] == [])


async def test_files_that_others_change_or_create_are_checked(tmp_path: Path) -> None:
    async with editing(project(tmp_path)) as editor:
        write(tmp_path, {SERVICE: COMMITTING})
        await editor.tell_changed(SERVICE)
        await editor.codes(SERVICE, "TXN201")
        write(tmp_path, {"app/services/more.py": COMMITTING})
        created = [types.FileCreate(editor.uri("app/services/more.py"))]
        editor.client.workspace_did_create_files(types.CreateFilesParams(created))
        await editor.codes("app/services/more.py", "TXN201")


@pytest.mark.skipif(os.name == "nt", reason="symbolic links need rights on Windows")
async def test_a_client_that_comes_through_a_link_gets_its_own_names_back(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    write(project(tmp_path / "real"), {SERVICE: COMMITTING})
    (tmp_path / "link").symlink_to("real")
    async with editing(tmp_path / "link") as editor:
        await editor.open(ROUTER)
        (call,) = await editor.codes(ROUTER, "TXN205")
        assert (call.related_information or ())[2].location.uri == editor.uri(SERVICE)
        await editor.codes(SERVICE, "TXN201")
        assert all("/link/" in uri for uri in editor.diagnostics)


async def test_several_folders_have_policies_of_their_own(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    write(project(one), {SERVICE: COMMITTING})
    write(project(other, 'ignore = ["TXN201"]'), {SERVICE: COMMITTING})
    async with editing(tmp_path, folders=[one, other]) as editor:
        await editor.codes(f"one/{SERVICE}", "TXN201")
        await editor.codes(f"other/{ROUTER}", "TXN205")
        await editor.codes(f"other/{SERVICE}")
        removed = [types.WorkspaceFolder(one.as_uri(), "one")]
        event = types.WorkspaceFoldersChangeEvent(added=[], removed=removed)
        editor.client.workspace_did_change_workspace_folders(types.DidChangeWorkspaceFoldersParams(event))
        await editor.codes(f"one/{SERVICE}")
        event = types.WorkspaceFoldersChangeEvent(added=removed, removed=[])
        editor.client.workspace_did_change_workspace_folders(types.DidChangeWorkspaceFoldersParams(event))
        await editor.codes(f"one/{SERVICE}", "TXN201")


async def test_documents_that_are_no_files_are_left_alone(tmp_path: Path) -> None:
    async with editing(project(tmp_path)) as editor:
        await editor.open("untitled://Untitled-1", COMMITTING)
        await editor.open("git:///somewhere/app.py", COMMITTING)
        await editor.open(SERVICE)
        await editor.replace(SERVICE, "flush", "commit")
        await editor.codes(SERVICE, "TXN201")
        assert {uri.partition("://")[0] for uri in editor.diagnostics} == {"file"}
