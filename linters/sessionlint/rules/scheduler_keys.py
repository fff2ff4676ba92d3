"""Keys under which a scheduler keeps its jobs, a broker its clients: they name no row, and any text will do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sessionlint.rules.walking import nodes_below

if TYPE_CHECKING:
    from sessionlint.program.model import Event

_SCHEDULER: Final = "apscheduler."
#: Libraries of message brokers, to which a client says who it is.
_BROKERS: Final = (
    "paho.", "aiomqtt.", "asyncio_mqtt.", "gmqtt.", "kafka.", "aiokafka.", "confluent_kafka.", "nats.", "pika.",
    "aio_pika.", "stomp.", "pulsar.",
)  # fmt: skip


def names_a_client(event: Event) -> bool:
    """Whether an id is handed to the library of a message broker, which knows its clients by it."""
    if event.name not in ("client_id", "_client_id", "group_id", "_group_id", "consumer_id", "_consumer_id"):
        return False
    calls = [e for e in event.function.events if e.kind == "external" and e.name.startswith(_BROKERS)]
    given = [v for e in calls if e.expr is not None and e.expr[0] == "c" for _, v in e.expr[4]]
    return any(v[1] == event.span or (v[0] in ("n", "a") and v[-1] == event.name) for v in given)


def names_a_scheduled_job(event: Event) -> bool:
    """Whether an id is given to a scheduler's call, or a local name is mentioned after its assignment only there."""
    function = event.function
    calls = [e for e in function.events if e.kind == "external" and e.name.startswith(_SCHEDULER)]
    given = [
        v for e in calls if e.expr is not None and e.expr[0] == "c" for v in (*e.expr[3], *(v for _, v in e.expr[4]))
    ]
    if event.text == "keyword":
        return any(v[1] == event.span for v in given)
    if not given or event.text != "name" or function.name == "<module>":
        return False
    nodes = [n for n in nodes_below(function.body) if len(n) > 2 and type(n[1]) is tuple]
    told = {n[1] for n in nodes if n[0] == "n" and len(n) == 3 and n[2] == event.name}
    told -= {t[1] for s in nodes if s[0] == "=" and len(s) == 4 for t in s[2] if t[0] == "n"}
    return bool(told) and told <= {v[1] for v in given}
