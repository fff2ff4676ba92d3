"""Tasks of queues with their arguments and settings, to be sent later: ``task.s(1).set(countdown=5)``."""

from __future__ import annotations

from typing import Any

from sessionlint.program.model import FunctionInfo
from sessionlint.program.values import UNKNOWN, PartialCall, Value

#: A task with its arguments, to be sent later.
_SIGNATURES = {"s", "si", "signature", "subtask", "message"}
#: Methods of such a signature that give it with other settings, or a copy of it.
_CHANGED = {"set", "clone", "on_error", "copy"}
#: Signatures that run a task for each of several arguments.
_FOR_EACH = {"map", "starmap", "chunks"}
#: Methods of a task that give the task with other settings.
_SETTINGS = {"configure", "kicker", "with_labels", "with_task_id", "with_broker", "with_schedule_id"}
#: Methods that are given a task's arguments as a list and a dictionary: ``apply_async((1,), {"size": 2})``.
SPREADING = frozenset({"apply_async", "send_with_options"})


def spread(args: list[Value], keywords: list[tuple[str, Value]]) -> tuple[list[Value], list[tuple[str, Value]]]:
    """A task's arguments out of such a list and dictionary; what is not written out stays as it was given."""
    named = dict(keywords)
    listed = args[0] if args else named.get("args", UNKNOWN)
    mapped = args[1] if len(args) > 1 else named.get("kwargs", UNKNOWN)
    items = listed[0].items if len(listed) == 1 and listed[0].tag == "seq" and not listed[0].many else None
    pairs = [(k, v) for a in mapped if a.tag == "map" for k, v in a.items if isinstance(k, str)]
    settings = [
        (k, v) for k, v in keywords if not (k == "args" and items is not None) and not (k == "kwargs" and pairs)
    ]
    rest = args[1:] if items is not None and args else args
    rest = rest[:-1] if pairs and len(args) > 1 else rest
    return [*(items or ()), *rest], [*pairs, *settings]


def method(receiver: Any, name: str, args: list[Value], keywords: list[tuple[str, Value]]) -> Value | None:
    """The task or signature that a method of a function or signature gives; ``None`` for all others."""
    if name in _SIGNATURES:
        return (PartialCall((receiver,), tuple(args), tuple(keywords)),) if receiver.tag == "fn" else (receiver,)
    if name in _CHANGED and receiver.tag == "partial":
        return (receiver,)
    if name in _SETTINGS and receiver.tag == "fn":
        return (receiver,)
    if name in _FOR_EACH and receiver.tag == "fn" and not enqueues(receiver.info):
        return (PartialCall((receiver,), (), ()),)
    return None


def enqueues(function: FunctionInfo) -> bool:
    """Whether calling a function puts it into a queue: a task of Huey."""
    return any(a.tag == "ext" and a.name.startswith("huey.") for _, value in function.decorator_values for a in value)
