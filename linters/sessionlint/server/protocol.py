"""Every request has an answer, those that make no sense included: a client that hears nothing waits for ever."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cattrs import transform_error
from pygls.exceptions import JsonRpcException, JsonRpcInvalidParams, JsonRpcInvalidRequest
from pygls.lsp.server import LanguageServer
from pygls.protocol import LanguageServerProtocol

from sessionlint.patterns import regex

_UNDERSCORED = regex(r"_([a-z])")


class AnsweredError(JsonRpcInvalidParams):
    """A request could not be understood, and its sender has been told."""


class AnsweringProtocol(LanguageServerProtocol):
    """pygls says nothing to requests that it cannot read, and to those that come after the last one."""

    def structure_message(self, data: Any) -> Any:
        """The message in ``data``. Raises :class:`AnsweredError` for a request whose parameters are wrong."""
        try:
            return super().structure_message(data)
        except JsonRpcException as error:
            number = _number_of(data)
            if number is None:
                raise
            answered = AnsweredError(f"{data['method']}: {_problems(error.__cause__)}")
            self._send_response(number, error=answered.to_response_error())
            raise answered from error

    def handle_message(self, message: Any) -> None:
        """Hands a message to who takes it."""
        number = getattr(message, "id", None)
        if self._shutdown and number is not None and hasattr(message, "method"):
            refusal = JsonRpcInvalidRequest(f"{message.method}: the server is shutting down")
            self._send_response(number, error=refusal.to_response_error())
            return
        super().handle_message(message)


class AnsweringServer(LanguageServer):
    """Shows the user what went wrong, but for what its sender was told."""

    def report_server_error(self, error: Exception, source: Any) -> None:
        """Called by pygls with whatever goes wrong."""
        if not isinstance(error, AnsweredError):
            super().report_server_error(error, source)


def _number_of(data: Any) -> int | str | None:
    """The number of a request; None for what is none."""
    number = data.get("id") if isinstance(data, Mapping) and isinstance(data.get("method"), str) else None
    return number if isinstance(number, int | str) else None


def _problems(cause: BaseException | None) -> str:
    """What is wrong, and where in the message, in the words of the protocol."""
    if cause is None:
        return "not understood"
    return "; ".join(_UNDERSCORED.sub(lambda m: m[1].upper(), each) for each in transform_error(cause, path="message"))
