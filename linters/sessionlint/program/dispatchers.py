"""What hands messages to functions of the project: bots, tool servers, sockets, brokers, applications that fail.

Nobody calls these functions in sight, and nobody has a session to hand them. Sources: the packages' documentation.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from sessionlint.patterns import regex
from sessionlint.program.listing import FileListing
from sessionlint.program.model import ClassInfo, FunctionInfo
from sessionlint.program.values import Value

if TYPE_CHECKING:
    from sessionlint.program.api import Program

_PACKAGES: Final = (
    "aiogram.", "telebot.", "pyrogram.", "telethon.", "telegram.", "discord.", "slack_bolt.", "mcp.", "fastmcp.",
    "socketio.", "fastapi_socketio.", "aio_pika.", "aiormq.", "pika.", "kombu.", "nats.", "paho.", "gmqtt.",
    "fastapi_mqtt.", "asyncpg_listen.", "redis.", "google.cloud.pubsub", "websockets.", "asyncio.", "litestar.events.",
)  # fmt: skip
#: What registers a function with a dispatcher of messages: a decorator, or a call that is given it.
_DISPATCHERS: Final = regex(
    r"aiogram\.(?:\w+\.)*(?:Router|Dispatcher)\(\)\.(?!middleware)\w+(?:\.register)?(?:\(\))?"
    r"|telebot\.(?:\w+\.)*(?:Async)?TeleBot\(\)\.\w*(?:handler|listener)\w*(?:\(\))?"
    r"|pyrogram\.(?:\w+\.)*Client(?:\(\))?\.on_\w+(?:\(\))?"
    r"|telethon\.(?:\w+\.)*TelegramClient\(\)\.(?:on|add_event_handler)(?:\(\))?"
    r"|telegram\.ext\.(?:\w+\.)*\w+Handler"
    r"|discord\.(?:\w+\.)*(?:(?:Client|Bot|AutoShardedBot|AutoShardedClient|Group|CommandTree)\(\)\.)?(?:tree\.)?"
    r"(?:event|listen|command|hybrid_command|group|hybrid_group|slash_command|context_menu|listener|Cog\.listener)(?:\(\))?"
    r"|slack_bolt\.(?:\w+\.)*(?:Async)?App\(\)\."
    r"(?:event|message|command|shortcut|global_shortcut|message_shortcut|action|block_action|view|view_submission"
    r"|view_closed|options|function|step)(?:\(\))?"
    # what serves the Model Context Protocol: the official SDK's, before and since its second version, and FastMCP's own
    r"|(?:mcp\.server|fastmcp)\.(?:\w+\.)*(?:FastMCP|MCPServer|LocalProvider)(?:\(\)|\[\])*\."
    r"(?:tool|resource|prompt|completion|custom_route|add_(?:tool|prompt))(?:\(\))?"
    r"|mcp\.server\.(?:\w+\.)*Server(?:\(\)|\[\])*\.(?:(?:call|list)_tools?|(?:list|read|subscribe|unsubscribe)_resources?"
    r"|list_resource_templates|(?:list|get)_prompts?|completion|progress_notification|set_logging_level)(?:\(\))?"
    r"|fastmcp\.(?:tools|resources|prompts)\.(?:\w+\.)*(?:tool|resource|prompt|(?:Tool|Prompt)\.from_function)(?:\(\))?"
    # sockets that stay open
    r"|socketio\.(?:\w+\.)*(?:Async)?(?:Server|Client)\(\)\.(?:event|on)(?:\(\))?"
    r"|fastapi_socketio\.(?:\w+\.)*SocketManager\(\)\.on(?:\(\))?"
    r"|websockets\.(?:\w+\.)*(?:serve|unix_serve)|asyncio\.start_(?:unix_)?server"
    # what answers for the events of an application
    r"|litestar\.events\.(?:listener\.)?(?:listener|EventListener)(?:\(\))?"
    # brokers of messages, and what a database notifies
    r"|(?:aio_pika|aiormq|pika)\.[\w.()]+\.(?:basic_)?consume|kombu\.(?:\w+\.)*Consumer"
    r"|nats\.(?:[\w.()]+\.)?(?:connect|subscribe\w*|pull_subscribe)"
    r"|fastapi_mqtt\.(?:\w+\.)*FastMQTT\(\)\.(?:on_\w+|subscribe)(?:\(\))?"
    r"|asyncpg_listen\.(?:\w+\.)*NotificationListener\(\)\.run"
    r"|redis\.[\w.()]+\.pubsub\(\)\.p?subscribe"
    r"|google\.cloud\.pubsub\w*\.[\w.()]*SubscriberClient\(\)\.subscribe"
)
#: Clients that call what their attributes are given.
_CLIENTS: Final = regex(r"(?:paho|gmqtt)\.(?:\w+\.)*Client\(\)")
#: What a connection of a driver is given for what the database notifies.
_LISTENS: Final = ("add_listener", "add_notify_handler")
#: Applications, with the argument that holds what answers for errors.
_APPLICATIONS: Final = ("fastapi.FastAPI", "starlette.applications.Starlette")
_FOR_ERRORS: Final = "exception_handlers"
#: Their methods for the same.
_ANSWERS_ERRORS: Final = regex(
    r"(?:fastapi|starlette)\.(?:\w+\.)*(?:FastAPI|Starlette)\(\)\.(?:add_)?exception_handler(?:\(\))?"
)
#: Bases whose methods are called for the events that their names say.
_NAMESPACES: Final = regex(r"socketio\.(?:\w+\.)*(?:Async)?(?:Client)?Namespace")


def dispatched(program: Program) -> Iterator[FunctionInfo]:
    """The functions that a dispatcher calls."""
    yield from program.by_file(_in_file)
    for info in program.classes:
        if info.bases and info.methods:
            yield from _hooks(program, info)


def answering_errors(program: Program) -> frozenset[FunctionInfo]:
    """What answers for errors of an application: it is given the request, and its dependencies are over by then."""
    return frozenset(program.by_file(_for_errors))


def _for_errors(listing: FileListing) -> Iterator[FunctionInfo]:
    yield from (f for f in listing.functions if "exception_handler" in f.registrations)
    for event in listing.by_kind.get("external", ()):
        if event.name in _APPLICATIONS:
            yield from _functions(dict(event.keywords).get(_FOR_ERRORS, ()))
        elif event.name.endswith(("_handler", "_handler()")) and _ANSWERS_ERRORS.fullmatch(event.name):
            for value in (*event.args, *(v for _, v in event.keywords)):
                yield from _functions(value)


def _in_file(listing: FileListing) -> Iterator[FunctionInfo]:
    yield from _for_errors(listing)
    for function in listing.functions:
        if function.decorator_values:
            values = [a for _, value in function.decorator_values for a in value]
            if any(a.tag == "ext" and _dispatches(a.name) for a in values):
                yield function
    for event in listing.by_kind.get("external", ()):
        if _dispatches(event.name):
            for value in (*event.args, *(v for _, v in event.keywords)):
                yield from _functions(value)
    for event in listing.by_kind.get("use", ()):
        if event.name in _LISTENS:
            for value in event.args:
                yield from _functions(value)
    for event in listing.by_kind.get("setattr", ()):
        if event.name.startswith("on_") and any(a.tag == "ext" and _CLIENTS.fullmatch(a.name) for a in event.subject):
            yield from _functions(event.value)


def _dispatches(name: str) -> bool:
    return name.startswith(_PACKAGES) and _DISPATCHERS.fullmatch(name) is not None


def _functions(value: Value, depth: int = 2) -> Iterator[FunctionInfo]:
    """The functions in a value, and in the lists and tables that it is."""
    for atom in value:
        if atom.tag == "fn":
            yield atom.info
        elif atom.tag == "partial":
            yield from _functions(atom.function)
        elif depth:
            inner: Any = atom.items if atom.tag == "seq" else [v for _, v in atom.items] if atom.tag == "map" else ()
            for item in inner:
                yield from _functions(item, depth - 1)


def _hooks(program: Program, info: ClassInfo) -> Iterator[FunctionInfo]:
    """The methods of a namespace of events."""
    if any(_NAMESPACES.fullmatch(base) for base in program.solver.external_bases(info)):
        yield from (method for name, method in info.methods.items() if name.startswith("on_"))
