"""What connects where it is made, entered or started: ``smtplib.SMTP(host)``, ``async with aiomqtt.Client(host):``.

Sources: the documentation of the modules. Where an argument decides, a call that leaves it out makes an object and no
more: ``smtplib.SMTP()`` connects by ``connect()``, ``ldap3.Connection(server)`` by ``bind()``.
"""

from __future__ import annotations

from typing import Any, Final

from sessionlint.patterns import regex
from sessionlint.program.values import Ext, Value

#: Functions and classes that connect when they are called.
ALWAYS: Final = frozenset({
    "anyio.connect_tcp", "anyio.connect_unix", "trio.open_tcp_stream", "trio.open_ssl_over_tcp_stream",
    "asyncio.open_unix_connection", "pika.BlockingConnection", "pika.adapters.blocking_connection.BlockingConnection",
    "pika.adapters.BlockingConnection", "imapclient.IMAPClient", "pysftp.Connection",
})  # fmt: skip
#: Those that do if they are given something by this name, or (if it says so) in the first place.
_GIVEN: Final[dict[str, tuple[bool, str]]] = {
    **dict.fromkeys(("smtplib.SMTP", "smtplib.SMTP_SSL", "smtplib.LMTP"), (True, "host")),
    **dict.fromkeys(("ftplib.FTP", "ftplib.FTP_TLS"), (True, "host")),
    "ldap3.Connection": (False, "auto_bind"),
}  # fmt: skip
#: What connects when a ``with`` enters it.
_ENTERED: Final = frozenset({
    "aiomqtt.Client()", "asyncio_mqtt.Client()", "aiosmtplib.SMTP()", "ldap3.Connection()",
    "aiokafka.AIOKafkaProducer()", "aiokafka.AIOKafkaConsumer()",
})  # fmt: skip
_NOT_BOUND: Final = Ext("ldap3.AUTO_BIND_NONE")
#: A message that is sent waits in a queue, one that is to be received is waited for.
_RECEIVED: Final = regex(r"^zmq\.(?:\w+\.)*Context(?:\.instance)?\(\)\.socket\(\)\.(?:recv\w*|poll)$")


def connects(name: str) -> bool:
    """Whether calling the external symbol connects, whatever or as soon as it is given something."""
    return name in ALWAYS or name in _GIVEN or (name.startswith("zmq.") and _RECEIVED.match(name) is not None)


def is_only_made(name: str, args: list[Value], keywords: list[tuple[str, Value]]) -> bool:
    """Whether a call leaves out what it would connect to."""
    asked = _GIVEN.get(name)
    if asked is None:
        return False
    by_place, keyword = asked
    given = args[:1] if by_place and args else [v for k, v in keywords if k == keyword or (by_place and k == "**")]
    return not given or (bool(given[0]) and all(_is_nothing(a) for a in given[0]))


def enters(name: str) -> bool:
    """Whether entering an object of a library connects it."""
    return name in _ENTERED


def _is_nothing(atom: Any) -> bool:
    if atom.tag == "const":
        return not atom.value
    return bool(atom.tag == "text" and not atom.text) or atom == _NOT_BOUND
