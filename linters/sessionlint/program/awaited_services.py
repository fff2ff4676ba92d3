"""Clients of services that nobody has to list by method: their coroutines are what waits for the service.

Only what is awaited counts, for what a client puts together, signs or collects is no coroutine. What tells a client is
its package, the name that its library gave the class (``…Client``, ``…API``), or that it is made with a key for an API:
the class itself is out of sight. Clients of HTTP, whose bodies and sockets are awaited, too, are in :mod:`.network`.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

from sessionlint.patterns import regex
from sessionlint.program.values import Const, Value

if TYPE_CHECKING:
    from sessionlint.program.frame import Frame

#: Packages of services, brokers and agents, by the first name or the first two.
_PACKAGES: Final = frozenset({
    # language models, agents and their tools
    "ag2", "agents.Runner", "agents.mcp", "agents.realtime", "agents.run", "agents.voice", "agno", "anthropic",
    "autogen_agentchat", "autogen_core", "autogen_ext", "browser_use", "cerebras", "claude_agent_sdk", "cohere",
    "composio", "crawl4ai", "crewai", "deepagents", "deepgram", "dspy", "e2b", "e2b_code_interpreter", "elevenlabs",
    "fal_client", "firecrawl", "fireworks", "google.adk", "google.genai", "graphiti_core", "groq", "instructor",
    "langgraph", "langgraph_sdk", "letta_client", "llama_cloud_services", "mcp", "mcp_use", "mem0", "mistralai",
    "ollama", "openai", "openrouter", "portkey_ai", "pydantic_ai", "replicate", "semantic_kernel", "strands", "tavily",
    "together", "voyageai", "xai_sdk", "zep_cloud",
    # work that runs elsewhere
    "hatchet_sdk", "inngest", "modal", "prefect", "qstash", "temporalio", "upstash_workflow",
    # payments, messages, offices
    "ably", "aioapns", "aiogoogle", "aiosmtplib", "dodopayments", "gidgethub", "githubkit", "intercom", "knockapi",
    "livekit", "notion_client", "novu_py", "polar_sdk", "pubnub", "resend", "square", "stripe", "vapi", "workos",
    # identity
    "clerk_backend_api", "fastapi_sso", "httpx_oauth", "propelauth_fastapi", "propelauth_py", "stytch",
    "supertokens_python",
    # stores
    "falkordb", "gcloud.aio", "obstore", "pinecone", "qdrant_client", "supabase", "surrealdb", "turbopuffer",
    "upstash_vector", "weaviate",
    # browsers, calls of procedures
    "grpclib", "playwright",
})  # fmt: skip
#: A class that its library calls a client.
_CLIENT: Final = regex(r"(?:[A-Z]\w*)?(?:Client|API|Api)(?:V?\d)?$")
#: What only plays a service's part, or keeps in memory what another would send.
_PLAYED: Final = regex(r"Test|Fake|Mock|InMemory|Memory(?:Saver|Store|Cache|Broker)|Dummy|No[oO]p")
#: What is awaited of these is no service, or is known by name: HTTP, databases, frameworks, tests.
_OTHERS: Final = frozenset({
    "aiohttp", "asyncio", "anyio", "trio", "builtins", "contextlib", "curl_cffi", "fakeredis", "fastapi", "flask",
    "httpx", "niquests", "pytest", "quart", "redis", "aioredis", "valkey", "coredis", "requests", "sqlalchemy",
    "sqlmodel", "starlette", "typing", "unittest", "urllib3", "websockets", "asyncpg", "aiosqlite", "psycopg",
})  # fmt: skip
_ENDS: Final = regex(r"_*(?:a?close|a?enter|a?exit|shutdown|disconnect)_*$")
#: What says that somebody else is asked in whose name: arguments of a client's class.
_KEYS: Final = frozenset({
    "access_token", "account_sid", "api_key", "api_secret", "api_token", "apikey", "bearer_token", "client_secret",
})  # fmt: skip
#: The cell of a class that was made so.
_MADE: Final = "made with a key"
_SEEN: Final[Value] = (Const(True, "bool"),)


@lru_cache(maxsize=1 << 14)
def waits(name: str) -> bool:
    """Whether awaiting what this external function gives waits for a service."""
    if not _is_coroutine(name):
        return False
    first, _, rest = name.partition(".")
    if first in _PACKAGES or f"{first}.{rest.partition('.')[0]}" in _PACKAGES:
        return True
    made = name.partition("()")[0]
    return made != name and any(_CLIENT.match(part) for part in made.split(".")[1:])


def _is_coroutine(name: str) -> bool:
    """Whether it is named like a function that a library may have and that does something by being awaited."""
    method = name.rpartition(".")[2]
    if name.partition(".")[0] in _OTHERS or not (method[:1].islower() or method.endswith(")")):
        return False
    return _ENDS.match(method) is None and _PLAYED.search(name) is None


def note_made(frame: Frame, name: str, keywords: list[tuple[str, Value]]) -> None:
    """``AsyncBooks(api_key=key)``: whoever is given a key for an API asks it."""
    if not _KEYS.isdisjoint([key for key, _ in keywords]) and name.partition(".")[0] not in _OTHERS:
        frame.solver.write((_MADE, name), _SEEN)


def asks(frame: Frame, name: str) -> bool:
    """Whether what is awaited waits for a service, by its name or by how its object was made."""
    if waits(name):
        return True
    made, called, _ = name.partition("()")
    return bool(called) and _is_coroutine(name) and bool(frame.solver.read((_MADE, made)))
