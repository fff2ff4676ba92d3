"""An editor of our own: a real client that talks to a real server process over its standard streams."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from functools import cache, partial
from pathlib import Path
from typing import Any, Union

from lsprotocol import types
from pygls.lsp.client import LanguageClient
from pygls.protocol import default_converter

PATIENCE = 20
"""Seconds until a test gives up waiting."""


class Editor:
    """What the server said so far, and the open documents."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.client = LanguageClient("tests", "1", converter_factory=_converter)
        self.capabilities: types.ServerCapabilities = types.ServerCapabilities()
        self.diagnostics: dict[str, list[types.Diagnostic]] = {}
        self.versions: dict[str, int | None] = {}
        self.messages: list[str] = []
        self.logs: list[str] = []
        self.watched: list[str] = []
        self.progress: list[str] = []
        self.published = 0
        self.texts: dict[str, str] = {}
        self._news = asyncio.Condition()
        self._version = 0
        self._sent: dict[str, int] = {}
        self._take(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS, self._on_diagnostics)
        self._take(types.WINDOW_SHOW_MESSAGE, self._on_message)
        self._take(types.WINDOW_LOG_MESSAGE, self._on_log)
        self._take(types.CLIENT_REGISTER_CAPABILITY, self._on_register)
        self._take(types.WINDOW_WORK_DONE_PROGRESS_CREATE, self._on_progress_wanted)
        self._take(types.PROGRESS, self._on_progress)
        self._take(types.WORKSPACE_APPLY_EDIT, self._on_edit)

    def _take(self, method: str, handler: Callable[..., Any]) -> None:
        self.client.feature(method)(partial(handler))

    # what the server says

    async def _on_diagnostics(self, params: types.PublishDiagnosticsParams) -> None:
        async with self._news:
            self.diagnostics[params.uri] = list(params.diagnostics)
            self.versions[params.uri] = params.version
            self.published += 1
            self._news.notify_all()

    async def _on_message(self, params: types.ShowMessageParams) -> None:
        async with self._news:
            self.messages.append(params.message)
            self._news.notify_all()

    async def _on_log(self, params: types.LogMessageParams) -> None:
        async with self._news:
            self.logs.append(params.message)
            self._news.notify_all()

    async def _on_register(self, params: types.RegistrationParams) -> None:
        async with self._news:
            for registration in params.registrations:
                options = registration.register_options
                self.watched += [watcher["globPattern"] for watcher in (options or {})["watchers"]]
            self._news.notify_all()

    async def _on_progress_wanted(self, params: types.WorkDoneProgressCreateParams) -> None:
        self.progress.append("created")

    async def _on_progress(self, params: types.ProgressParams) -> None:
        async with self._news:
            value: Any = params.value
            self.progress.append(value["kind"])
            self._news.notify_all()

    async def _on_edit(self, params: types.ApplyWorkspaceEditParams) -> types.ApplyWorkspaceEditResult:
        for uri, text in self.after(params.edit).items():
            await self.type(uri, text)
        return types.ApplyWorkspaceEditResult(applied=True)

    async def until(self, happened: Callable[[], bool]) -> None:
        """Waits until the server has said so."""
        async with self._news:
            await asyncio.wait_for(self._news.wait_for(happened), PATIENCE)

    async def codes(self, path: str, *expected: str) -> list[types.Diagnostic]:
        """Waits until the diagnostics of a file have exactly these codes, in order, for what it holds now."""
        uri = self.uri(path)

        def there() -> bool:
            current = uri not in self.texts or self.versions.get(uri) == self._sent[uri]
            return current and [d.code for d in self.diagnostics.get(uri, [])] == list(expected)

        try:
            await self.until(there)
        except TimeoutError:
            found = [(d.code, d.range.start.line + 1, d.message) for d in self.diagnostics.get(uri, [])]
            raise AssertionError(f"{path}: expected {expected}, last heard {found} {self.messages}") from None
        return self.diagnostics.get(uri, [])

    # what the editor does

    def uri(self, path: str) -> str:
        """The URI of a file of the project (or of any, when it is one already)."""
        return path if "://" in path else (self.root / path).as_uri()

    async def open(self, path: str, text: str | None = None, language: str = "python") -> None:
        """Opens a file with what the disk has, or a text."""
        uri = self.uri(path)
        content = (self.root / path).read_bytes().decode() if text is None else text
        self._version += 1
        self._sent[uri] = self._version
        self.texts[uri] = content
        self.client.text_document_did_open(
            types.DidOpenTextDocumentParams(types.TextDocumentItem(uri, language, self._version, content))
        )

    async def type(self, path: str, text: str) -> None:
        """Gives an open document another text; a closed one is opened first."""
        uri = self.uri(path)
        if uri not in self.texts:
            await self.open(uri, text)
            return
        self._version += 1
        self._sent[uri] = self._version
        self.texts[uri] = text
        self.client.text_document_did_change(
            types.DidChangeTextDocumentParams(
                types.VersionedTextDocumentIdentifier(self._version, uri),
                [types.TextDocumentContentChangeWholeDocument(text)],
            )
        )

    async def replace(self, path: str, old: str, new: str) -> None:
        """Replaces the first ``old`` in an open document."""
        text = self.texts[self.uri(path)]
        assert old in text
        await self.type(path, text.replace(old, new, 1))

    async def close(self, path: str) -> None:
        """Closes a document without saving it."""
        uri = self.uri(path)
        del self.texts[uri]
        self.client.text_document_did_close(types.DidCloseTextDocumentParams(types.TextDocumentIdentifier(uri)))

    async def save(self, path: str) -> None:
        """Writes an open document to the disk."""
        uri = self.uri(path)
        (self.root / path).write_bytes(self.texts[uri].encode())
        self.client.text_document_did_save(types.DidSaveTextDocumentParams(types.TextDocumentIdentifier(uri)))

    async def tell_changed(self, *paths: str) -> None:
        """Somebody else changed files on the disk."""
        events = [types.FileEvent(self.uri(path), types.FileChangeType.Changed) for path in paths]
        self.client.workspace_did_change_watched_files(types.DidChangeWatchedFilesParams(events))

    async def actions(self, path: str, diagnostic: types.Diagnostic, only: list[str] | None = None) -> Any:
        """The code actions there are for a diagnostic, by title."""
        context = types.CodeActionContext([diagnostic], only=only)
        params = types.CodeActionParams(types.TextDocumentIdentifier(self.uri(path)), diagnostic.range, context)
        found = await self.client.text_document_code_action_async(params)
        return {action.title: action for action in found or []}

    async def resolve(self, action: Any) -> dict[str, str]:
        """The files an action would change, with their texts after it."""
        resolved = await self.client.code_action_resolve_async(action)
        return self.after(resolved.edit) if resolved.edit else {}

    def after(self, edit: types.WorkspaceEdit) -> dict[str, str]:
        """The texts of the files that ``edit`` changes, by path."""
        files = dict(edit.changes or {})
        for change in edit.document_changes or ():
            assert isinstance(change, types.TextDocumentEdit)
            files[change.text_document.uri] = list(change.edits)  # type: ignore[arg-type]
        return {self._path(uri): self._edited(uri, edits) for uri, edits in files.items()}

    def _path(self, uri: str) -> str:
        return uri.removeprefix(self.root.as_uri() + "/")

    def _edited(self, uri: str, edits: Any) -> str:
        text = self.texts.get(uri)
        if text is None:
            text = (self.root / self._path(uri)).read_bytes().decode()
        lines = text.splitlines(keepends=True)

        def offset(position: types.Position) -> int:
            return sum(len(line) for line in lines[: position.line]) + position.character

        for edit in sorted(edits, key=lambda edit: offset(edit.range.start), reverse=True):
            text = text[: offset(edit.range.start)] + edit.new_text + text[offset(edit.range.end) :]
        return text


@cache
def _converter() -> Any:
    """That of pygls, which takes an action with a command for a command."""
    converter = default_converter()

    def structure(value: Any, _: type) -> Any:
        kind = types.Command if isinstance(value.get("command"), str) else types.CodeAction
        return converter.structure(value, kind)

    converter.register_structure_hook(types.Command | types.CodeAction, structure)
    converter.register_structure_hook(Union[types.Command, types.CodeAction], structure)  # noqa: UP007
    return converter


CAPABILITIES: Mapping[str, Any] = {
    "general": types.GeneralClientCapabilities(),
    "workspace": types.WorkspaceClientCapabilities(
        workspace_edit=types.WorkspaceEditClientCapabilities(document_changes=True),
        did_change_watched_files=types.DidChangeWatchedFilesClientCapabilities(dynamic_registration=True),
        file_operations=types.FileOperationClientCapabilities(did_create=True, did_rename=True, did_delete=True),
        workspace_folders=True,
    ),
    "text_document": types.TextDocumentClientCapabilities(
        code_action=types.CodeActionClientCapabilities(
            resolve_support=types.ClientCodeActionResolveOptions(["edit"]), disabled_support=True
        )
    ),
}


@asynccontextmanager
async def editing(
    root: Path,
    *,
    folders: list[Path] | None = None,
    options: Any = None,
    **capabilities: Any,
) -> AsyncIterator[Editor]:
    """An editor on ``root``. At the end the server has to leave by itself, with status 0."""
    editor = Editor(root)
    await editor.client.start_io(sys.executable, "-m", "sessionlint", "server", "--stdio")
    places = [root] if folders is None else folders
    answer = await editor.client.initialize_async(
        types.InitializeParams(
            capabilities=types.ClientCapabilities(**{**CAPABILITIES, **capabilities}),
            workspace_folders=[types.WorkspaceFolder(place.as_uri(), place.name) for place in places],
            initialization_options=options,
        )
    )
    editor.capabilities = answer.capabilities
    editor.client.initialized(types.InitializedParams())
    process = editor.client._server
    assert process is not None
    try:
        yield editor
        await editor.client.shutdown_async(None)
        editor.client.exit(None)
        assert await asyncio.wait_for(process.wait(), PATIENCE) == 0
    finally:
        if process.returncode is None:
            process.kill()
        await editor.client.stop()
