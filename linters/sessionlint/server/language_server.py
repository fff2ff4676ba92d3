"""The server an editor talks to: messages in, diagnostics and answers out."""

from __future__ import annotations

import gc
import logging
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

from lsprotocol import types
from pygls.capabilities import get_capability
from pygls.exceptions import JsonRpcContentModified, JsonRpcInvalidParams

from sessionlint.report import Finding
from sessionlint.server import actions
from sessionlint.server.actions import Answer
from sessionlint.server.buffers import Buffer
from sessionlint.server.checking import Checker, Desk
from sessionlint.server.mending import OutdatedError
from sessionlint.server.places import Places
from sessionlint.server.positions import Units
from sessionlint.server.presenting import Presenter
from sessionlint.server.project import POLICY_FILES
from sessionlint.server.protocol import AnsweringProtocol, AnsweringServer
from sessionlint.server.rule_texts import code_at, page_file, page_of
from sessionlint.server.scene import Abilities, Scene
from sessionlint.server.workspace import Overview, Shown

_LOG = logging.getLogger(__name__)
_WATCHED = ("**/*.py", "**/sessionlint.toml", "**/pyproject.toml", "**/sessionlint-baseline.json", "**/.gitignore")
_PROGRESS = "sessionlint-first-check"
_FILES = types.FileOperationRegistrationOptions(
    filters=[types.FileOperationFilter(types.FileOperationPattern("**/*"), scheme="file")]
)


@dataclass(frozen=True, slots=True)
class _Published:
    """What the client was told about a file, under which URI."""

    uri: str
    findings: tuple[Finding, ...] = ()
    version: int | None = None


def serve() -> int:
    """Serves one editor on standard input and output until it says goodbye; gives the exit status."""
    # what anybody prints must not get between the messages
    out, sys.stdout = sys.stdout, sys.stderr
    gc.disable()
    server = Server()
    server.language_server.start_io(sys.stdin.buffer, out.buffer)
    return 0 if server.asked_to_stop else 1


class Server:
    """One editor's server."""

    def __init__(self) -> None:
        # Whole texts on every change: pygls parts lines at form feeds and the like, which the protocol does not.
        self.language_server = AnsweringServer(
            "sessionlint",
            version("sessionlint"),
            text_document_sync_kind=types.TextDocumentSyncKind.Full,
            protocol_cls=AnsweringProtocol,
        )
        self.asked_to_stop = False
        self._places = Places()
        self._folders: dict[str, Path] = {}
        self._buffers: dict[Path, Buffer] = {}
        self._changes = 0
        self._published: dict[Path, _Published] = {}
        self._notices: tuple[str, ...] = ()
        self._inferred: set[tuple[str, ...]] = set()
        self._pages: dict[tuple[Path, str], str] = {}
        self._units = Units()
        self._abilities = Abilities()
        self._presenter = Presenter(self._units, self._places.uri, self._page_uri)
        self._checker = Checker(self._desk, self._publish, self._failed)
        self._register()

    def _register(self) -> None:
        handlers: dict[str, Callable[..., Any]] = {
            types.INITIALIZE: self._initialize,
            types.INITIALIZED: self._initialized,
            types.SHUTDOWN: self._shut_down,
            types.TEXT_DOCUMENT_DID_OPEN: self._opened,
            types.TEXT_DOCUMENT_DID_CHANGE: self._changed,
            types.TEXT_DOCUMENT_DID_SAVE: self._disk_changed,
            types.TEXT_DOCUMENT_DID_CLOSE: self._closed,
            types.WORKSPACE_DID_CHANGE_WATCHED_FILES: self._disk_changed,
            types.WORKSPACE_DID_CHANGE_CONFIGURATION: self._disk_changed,
            types.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS: self._folders_changed,
            types.TEXT_DOCUMENT_HOVER: self._hover,
            types.CODE_ACTION_RESOLVE: self._resolve,
        }
        for method, handler in handlers.items():
            self._take(method, handler)
        self._take(types.WORKSPACE_DID_CREATE_FILES, self._disk_changed, _FILES)
        self._take(types.WORKSPACE_DID_RENAME_FILES, self._renamed, _FILES)
        self._take(types.WORKSPACE_DID_DELETE_FILES, self._deleted, _FILES)
        kinds = [types.CodeActionKind.QuickFix, actions.FIX_ALL]
        options = types.CodeActionOptions(code_action_kinds=kinds, resolve_provider=True)
        self._take(types.TEXT_DOCUMENT_CODE_ACTION, self._code_actions, options)
        self.language_server.command(actions.FIX)(partial(self._fix))
        self.language_server.command(actions.SUPPRESS)(partial(self._suppress))

    def _take(self, method: str, handler: Callable[..., Any], options: Any = None) -> None:
        # pygls writes on its handlers, which a bound method does not take
        self.language_server.feature(method, options)(partial(handler))

    # the session

    def _initialize(self, params: types.InitializeParams) -> None:
        folders = [folder.uri for folder in params.workspace_folders or ()]
        if not folders and params.root_uri:
            folders = [params.root_uri]
        self._add_folders(folders)
        client = params.capabilities
        resolves = get_capability(client, "text_document.code_action.resolve_support.properties", ())
        options = params.initialization_options
        self._abilities = Abilities(
            resolves="edit" in (resolves or ()),
            shows_disabled=bool(get_capability(client, "text_document.code_action.disabled_support", False)),
            versions=bool(get_capability(client, "workspace.workspace_edit.document_changes", False)),
            asks=isinstance(options, Mapping) and options.get("asksForReason") is True,
        )

    async def _initialized(self, _params: types.InitializedParams) -> None:
        encoding = self.language_server.server_capabilities.position_encoding
        self._units = Units(str(getattr(encoding, "value", encoding) or "utf-16"))
        self._presenter = Presenter(self._units, self._places.uri, self._page_uri)
        self._want(rescan=True)
        client = self.language_server.client_capabilities
        if get_capability(client, "window.work_done_progress", False):
            progress = self.language_server.work_done_progress
            await progress.create_async(_PROGRESS)
            progress.begin(_PROGRESS, types.WorkDoneProgressBegin("sessionlint", message="reading the program"))
            await self._checker.settled()
            progress.end(_PROGRESS, types.WorkDoneProgressEnd())
        if get_capability(client, "workspace.did_change_watched_files.dynamic_registration", False):
            watchers = [types.FileSystemWatcher(glob) for glob in _WATCHED]
            options = types.DidChangeWatchedFilesRegistrationOptions(watchers)
            wanted = types.Registration("sessionlint-files", types.WORKSPACE_DID_CHANGE_WATCHED_FILES, options)
            await self.language_server.client_register_capability_async(types.RegistrationParams([wanted]))

    def _shut_down(self, _params: object) -> None:
        self.asked_to_stop = True
        self._checker.close()

    def _add_folders(self, uris: list[str]) -> None:
        for uri in uris:
            folder = self._places.folder(uri)
            if folder is not None:
                self._folders[uri] = folder

    def _folders_changed(self, params: types.DidChangeWorkspaceFoldersParams) -> None:
        for removed in params.event.removed:
            self._folders.pop(removed.uri, None)
        self._add_folders([added.uri for added in params.event.added])
        self._want()

    # texts

    def _opened(self, params: types.DidOpenTextDocumentParams) -> None:
        document = params.text_document
        file = self._places.file(document.uri)
        if file is None or not (file.suffix == ".py" or file.name in POLICY_FILES):
            return
        self._places.opened(file, document.uri)
        self._buffers[file] = Buffer(document.uri, document.text, document.version)
        self._want()

    def _changed(self, params: types.DidChangeTextDocumentParams) -> None:
        file = self._places.file(params.text_document.uri)
        if file is None or file not in self._buffers:
            return
        text = self.language_server.workspace.get_text_document(params.text_document.uri).source
        self._buffers[file] = Buffer(params.text_document.uri, text, params.text_document.version)
        self._want()

    def _closed(self, params: types.DidCloseTextDocumentParams) -> None:
        self._forget([params.text_document.uri])

    def _disk_changed(self, _params: object) -> None:
        self._want(rescan=True)

    def _renamed(self, params: types.RenameFilesParams) -> None:
        self._forget([file.old_uri for file in params.files])

    def _deleted(self, params: types.DeleteFilesParams) -> None:
        self._forget([file.uri for file in params.files])

    def _forget(self, uris: list[str]) -> None:
        """Files, or folders with all that is in them, are no longer what the editor had there."""
        gone = [file for uri in uris if (file := self._places.file(uri)) is not None]
        closed = [file for file in self._buffers if any(file.is_relative_to(each) for each in gone)]
        for file in closed:
            del self._buffers[file]
        self._places.closed(closed)
        self._want(rescan=True)

    def _want(self, *, rescan: bool = False) -> None:
        self._changes += 1
        self._checker.want(rescan=rescan)

    def _desk(self) -> Desk:
        return Desk(tuple(dict.fromkeys(self._folders.values())), dict(self._buffers), self._changes)

    # diagnostics

    def _publish(self, desk: Desk, overview: Overview) -> None:
        """Tells the client what changed; of a text that has changed again it hears when that is checked."""
        for file in sorted({*overview.shown, *self._published, *desk.buffers}):
            buffer = desk.buffers.get(file)
            if self._buffers.get(file) is not buffer:
                continue
            shown = overview.shown.get(file, ())
            now = _Published(
                self._places.uri(file), tuple(s.finding for s in shown), buffer.version if buffer else None
            )
            before = self._published.get(file)
            if before is not None and before.uri != now.uri:
                self._send(_Published(before.uri), ())
            if now != (before or _Published(now.uri)):
                self._send(now, shown)
            self._published[file] = now
            if not shown and buffer is None:
                del self._published[file]
        self._tell(overview)

    def _send(self, said: _Published, shown: tuple[Shown, ...]) -> None:
        diagnostics = [self._presenter.diagnostic(each) for each in shown]
        self.language_server.text_document_publish_diagnostics(
            types.PublishDiagnosticsParams(said.uri, diagnostics, version=said.version)
        )

    def _tell(self, overview: Overview) -> None:
        """Errors that belong to no file, and what was inferred; each once."""
        for notice in overview.notices:
            if notice not in self._notices:
                self._show(types.MessageType.Error, notice)
        self._notices = overview.notices
        for project in overview.projects.values():
            if project.inferred and project.inferred not in self._inferred:
                self._inferred.add(project.inferred)
                message = "\n".join(project.inferred)
                self.language_server.window_log_message(types.LogMessageParams(types.MessageType.Info, message))

    def _failed(self, error: Exception) -> None:
        _LOG.error("a check failed", exc_info=error)
        said = f"sessionlint failed: {type(error).__name__}: {error}. This is a defect, please report it."
        self._show(types.MessageType.Error, said)

    def _show(self, kind: types.MessageType, message: str) -> None:
        self.language_server.window_show_message(types.ShowMessageParams(kind, message))

    def _page_uri(self, shown: Shown) -> str:
        """Where the page of the finding's rule lies as a file of the project's cache."""
        key = (shown.project.root, shown.finding.code)
        if key not in self._pages:
            folder = shown.project.folder
            page = page_file(shown.finding.code, folder) if folder else None
            self._pages[key] = self._places.uri(page) if page else ""
        return self._pages[key]

    # requests

    async def _scene(self) -> Scene:
        """What there is to say about the texts as they are now."""
        desk, overview = await self._checker.settled()
        return Scene(overview, desk.buffers, self._places, self._units, self._abilities, self._presenter)

    async def _hover(self, params: types.HoverParams) -> types.Hover | None:
        file = self._places.file(params.text_document.uri)
        buffer = self._buffers.get(file) if file else None
        if file is None or buffer is None:
            return None
        lines = buffer.text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        place = params.position
        text = lines[place.line] if place.line < len(lines) else ""
        written = code_at(text, self._units.from_client(text, place.character))
        if written and (page := page_of(written[0])):
            start, end = (types.Position(place.line, self._units.to_client(text, at)) for at in written[1:])
            return types.Hover(types.MarkupContent(types.MarkupKind.Markdown, page), types.Range(start, end))
        scene = await self._scene()
        found = [(shown, where) for shown in scene.shown(file) if _holds(where := self._presenter.range(shown), place)]
        pages = dict.fromkeys(page for shown, _ in found if (page := page_of(shown.finding.code)))
        if not pages:
            return None
        return types.Hover(types.MarkupContent(types.MarkupKind.Markdown, "\n\n---\n\n".join(pages)), found[0][1])

    async def _code_actions(self, params: types.CodeActionParams) -> list[types.CodeAction]:
        file = self._places.file(params.text_document.uri)
        scene = await self._scene()
        if file is None or file not in scene.buffers:
            return []
        kinds = [str(getattr(kind, "value", kind)) for kind in params.context.only] if params.context.only else None
        return await self._checker.run(lambda _: actions.actions(scene, file, params.range, kinds))

    async def _resolve(self, action: types.CodeAction) -> types.CodeAction:
        if action.edit is None and isinstance(action.data, Mapping):
            action.edit = await self._fix_edit(action.data)
        return action

    async def _fix(self, key: Any) -> None:
        await self._apply("sessionlint: fix", await self._fix_edit(key))

    async def _suppress(self, key: Any, reason: str) -> None:
        file = self._file_of(key)
        scene = await self._scene()
        answer = actions.suppressed(scene, file, key, str(reason)) if file else Answer(reason="the file is gone")
        await self._apply("sessionlint: suppress", self._edit_of(answer))

    def _file_of(self, key: Any) -> Path | None:
        """The file of the finding that a client says it means."""
        if not isinstance(key, Mapping) or not isinstance(key.get("uri"), str):
            raise JsonRpcInvalidParams("no finding is named: its uri, fingerprint, line and column are needed")
        return self._places.file(key["uri"])

    async def _fix_edit(self, key: Any) -> types.WorkspaceEdit | None:
        file = self._file_of(key)
        scene = await self._scene()
        if file is None:
            return None
        try:
            answer = await self._checker.run(lambda outdated: actions.fixed(scene, file, key, outdated))
        except OutdatedError:
            raise JsonRpcContentModified("the text changed while the fix was being proven") from None
        return self._edit_of(answer)

    def _edit_of(self, answer: Answer) -> types.WorkspaceEdit | None:
        if answer.reason:
            self._show(types.MessageType.Warning, f"sessionlint: not done, because {answer.reason}.")
        return answer.edit

    async def _apply(self, label: str, edit: types.WorkspaceEdit | None) -> None:
        if edit is not None:
            await self.language_server.workspace_apply_edit_async(types.ApplyWorkspaceEditParams(edit, label))


def _holds(where: types.Range, place: types.Position) -> bool:
    start, end = (where.start.line, where.start.character), (where.end.line, where.end.character)
    return start <= (place.line, place.character) <= end


def log_to(path: Path | None, *, debug: bool) -> None:
    """Says on standard error, or in a file, what goes wrong."""
    level = logging.DEBUG if debug else logging.WARNING
    logging.basicConfig(level=level, filename=path, format="%(asctime)s %(name)s %(message)s", force=True)
    if debug:
        _LOG.debug("process %s serves", os.getpid())
