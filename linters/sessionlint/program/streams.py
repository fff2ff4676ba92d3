"""What arrives piece by piece: the body of an answer, what a socket or a queue brings, the words of a model.

Who has asked has the headers alone; going through the rest waits, and so does reading it. Names are those of
:mod:`.network`; what was asked for with ``stream=True`` is told apart from an answer whose body is there.
Sources: the documentation of the named clients.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from sessionlint.patterns import regex
from sessionlint.program.values import Ext, Seq, Value, literal

if TYPE_CHECKING:
    from sessionlint.facts import ir
    from sessionlint.program.frame import Frame

#: Stands for the answer to a request that was made with ``stream=True``.
_STREAMED: Final = ".streamed"
_HTTP: Final = r"(?:httpx|requests|niquests|curl_cffi)\..*\.(?:stream|streamed)\(\)"
_MODELS: Final = (
    r"(?:openai|anthropic|litellm|groq|together|fireworks|mistralai|cohere|ollama|replicate|any_llm|huggingface_hub"
    r"|vertexai|google\.genai|google\.generativeai|langchain\w*)\..*"
    r"\.(?:streamed|stream|astream|stream_async|chat_stream|astream_events|astream_log|generate_content_stream"
    r"|send_message_stream|create_and_stream)\(\)"
)
_WS: Final = r"aiohttp\..*\.ws_connect\(\)"
#: What waits where something goes through it.
_GONE_THROUGH: Final = regex(
    rf"{_HTTP}\.a?iter_(?:bytes|text|lines|raw|content)\(\)|(?:requests|niquests)\..*\.streamed\(\)"
    rf"|aiohttp\..*\(\)\.content(?:\.iter_\w+\(\))?|{_WS}"
    rf"|websockets\.(?:\w+\.)*(?:unix_)?connect\(\)"
    r"|fastapi\.WebSocket\(\)\.iter_(?:text|bytes|json)\(\)"
    r"|asyncio\.(?:streams\.)?StreamReader\(\)|aiokafka\.(?:\w+\.)*AIOKafkaConsumer\(\)"
    rf"|{_MODELS}(?:\.(?:text_stream|text_deltas))?"
)
#: What waits where it is called.
_READS: Final = regex(
    rf"{_HTTP}\.a?read|(?:requests|niquests)\..*\.streamed\(\)\.json"
    rf"|{_WS}\.(?:receive|receive_\w+|send_\w+|ping|pong)"
    r"|asyncio\.(?:streams\.)?StreamReader\(\)\.(?:read|readline|readexactly|readuntil)"
    r"|asyncio\.(?:streams\.)?StreamWriter\(\)\.(?:drain|start_tls|wait_closed)"
    r"|(?:openai|anthropic)\..*\.stream\(\)\.(?:get_final_\w+|until_done)"
)


@lru_cache(maxsize=1 << 14)
def waits(name: str) -> bool:
    """Whether going through what has this name waits for what comes next."""
    return _GONE_THROUGH.fullmatch(name) is not None


def reads(name: str) -> bool:
    """Whether calling it reads what has not arrived yet, or is the asking for something that streams."""
    return name.endswith(_STREAMED) or _READS.fullmatch(name) is not None


def asked_for(name: str, keywords: list[tuple[str, Value]]) -> str:
    """What a request gave: with ``stream=True``, something whose rest is still to come."""
    for key, value in keywords:
        if key == "stream" and literal(value) is True:
            return f"{name}(){_STREAMED}"
    return name


def _connected(frame: Frame, args: list[Value], keywords: list[tuple[str, Value]], e: ir.Expr) -> Value:
    """``reader, writer = await asyncio.open_connection(host, port)``."""
    return (Seq(((Ext("asyncio.StreamReader()"),), (Ext("asyncio.StreamWriter()"),))),)


SPECIAL: Final[dict[str, Any]] = {
    "asyncio.open_connection": _connected, "asyncio.open_unix_connection": _connected,
}  # fmt: skip
