"""Requests that no well-behaved editor makes are answered, too."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from lsprotocol import types
from pygls.exceptions import JsonRpcException

from tests.server.editor import PATIENCE, Editor, editing
from tests.server.projects import project

SERVICE = "app/services/names.py"


async def error_of(editor: Editor, method: str, params: Any) -> tuple[int, str]:
    """The code and the message of the error a request is answered with."""
    protocol: Any = editor.client.protocol
    answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    # the client would not send what is wrong
    protocol._request_futures["wrong"] = answer
    protocol._send_data({"jsonrpc": "2.0", "id": "wrong", "method": method, "params": params})
    with pytest.raises(JsonRpcException) as caught:
        await asyncio.wait_for(answer, PATIENCE)
    return caught.value.code, caught.value.message


POSITION = {"textDocument": {"uri": "file:///a.py"}, "position": 5}


@pytest.mark.parametrize(
    ("method", "params", "said"),
    [
        (types.TEXT_DOCUMENT_HOVER, {}, "required field missing @ message.params.textDocument"),
        (types.TEXT_DOCUMENT_HOVER, POSITION, "message.params.position"),
        (types.TEXT_DOCUMENT_CODE_ACTION, 5, "message.params"),
        (types.CODE_ACTION_RESOLVE, {"kind": "quickfix"}, "required field missing @ message.params.title"),
        (types.CODE_ACTION_RESOLVE, {"title": "Fix", "data": {"line": 1}}, "no finding is named"),
        (types.WORKSPACE_EXECUTE_COMMAND, {"command": "sessionlint.fix", "arguments": [5]}, "no finding is named"),
    ],
)
async def test_a_request_with_wrong_parameters_is_told_so(method: str, params: Any, said: str, tmp_path: Path) -> None:
    async with editing(project(tmp_path)) as editor:
        await editor.open(SERVICE)
        code, message = await error_of(editor, method, params)
        assert (code, said in message) == (types.ErrorCodes.InvalidParams, True), message
        await editor.replace(SERVICE, "flush()", "commit()")
        await editor.codes(SERVICE, "TXN201")
        assert editor.messages == []


async def test_a_request_after_the_last_one_is_told_so(tmp_path: Path) -> None:
    with pytest.raises(JsonRpcException, match=r"^shutdown: the server is shutting down$") as caught:
        async with editing(project(tmp_path)) as editor:
            await editor.client.shutdown_async(None)
            # and the editor says goodbye once more
    assert caught.value.code == types.ErrorCodes.InvalidRequest
