"""Exit stacks: what is put on one is left with it, the last first; some are left by hand, or handed on."""

from __future__ import annotations

from sessionlint.facts import ir
from sessionlint.program import halves, keeping
from sessionlint.program.contexts import Entered, enter, leave
from sessionlint.program.frame import Frame
from sessionlint.program.values import Value

#: What can be called that a stack is given: its own methods end sessions in another way (``session.commit``).
_CALLED = frozenset({"fn", "partial", "ext"})


def put(frame: Frame, value: Value, item: ir.Expr) -> Value:
    """``stack.enter_context(manager)``: what the manager ends lasts until the ``with`` of the stack is left."""
    entered = enter(frame, value, item)
    if frame.stacks:
        stack = frame.stacks[-1]
        stack.stacked.append(entered)
        stack.begun.extend(entered.begun)
        frame.entered.extend(entered.closes)
        if entered.suppresses and item[0] == "c" and item[3]:
            stack.suppresses = True
            stack.suppressed.append((item[3][0], entered.caught, len(frame.events)))
    else:
        if entered.closes or entered.holds:
            frame.left_open = True
        frame.by_hand = frame.by_hand or Entered()
        frame.by_hand.begun.extend(entered.begun)
        frame.by_hand.stacked.append(entered)
        if keeping.put_on_stack(frame, item, (*halves.kept(entered.begun), *entered.closes)):
            halves.enter_all(frame, entered.begun, item)
    return entered.value


def put_call(frame: Frame, args: list[Value], keywords: list[tuple[str, Value]], e: ir.Expr) -> None:
    """``stack.push_async_callback(notify, 1)``: it is called when the ``with`` of the stack is left."""
    functions = tuple([a for a in args[0] if a.tag in _CALLED]) if args else ()
    stack = around(frame, e) if functions else None
    if stack is not None:
        call = (functions, args[1:], keywords, ("z", e[1], ()))
        stack.stacked.append(Entered(calls=[call]))


def around(frame: Frame, e: ir.Expr) -> Entered | None:
    """The stack that a call puts something on: that of the ``with`` around it, or one that a name has until then."""
    if frame.stacks:
        stack: Entered = frame.stacks[-1]
        return stack
    if e[0] != "c" or e[2][0] != "a" or e[2][2][0] != "n":
        return None
    kept: Entered = frame.kept_calls.setdefault(e[2][2][2], Entered())
    return kept


def take_up(frame: Frame, stack: Entered, item: ir.Expr) -> None:
    """``async with stack:`` of a name: what was put on it before is called when this block is left."""
    kept = frame.kept_calls.pop(item[2], None) if item[0] == "n" else None
    if kept is not None:
        stack.stacked.extend(kept.stacked)
        stack.commits.extend(kept.commits)


def closes(stack: Entered) -> Value:
    """What the ``with`` of a stack will close."""
    return tuple([a for entered in stack.stacked for a in entered.closes])


def pop_all(frame: Frame, e: ir.Expr) -> None:
    """``stack.pop_all()``: who has the new stack ends what was entered, and leaving the ``with`` ends none of it."""
    if not frame.stacks:
        return
    stack = frame.stacks[-1]
    given = closes(stack)
    frame.entered = [a for a in frame.entered if a not in given]
    for index, event in enumerate(frame.events):
        if not set(given).isdisjoint(event.open_sessions):
            left = tuple([a for a in event.open_sessions if a not in given])
            frame.events[index] = event._replace(open_sessions=left)
            for handle in [h for h, begun in frame.begins.items() if begun is event]:
                frame.begins[handle] = frame.events[index]
    if keeping.put_on_stack(frame, None, (*halves.kept(stack.begun), *given)):
        halves.enter_all(frame, stack.begun, e)
    stack.stacked.clear()


def close_all(frame: Frame, span: ir.Span4) -> None:
    """``stack.aclose()``, inside the ``with`` of the stack or without one: what was entered on it is left here."""
    stack = frame.stacks[-1] if frame.stacks else frame.by_hand
    if stack is not None:
        ends = [a for entered in stack.stacked for a in entered.ends]
        leave(frame, Entered(closes=list(closes(stack)), ends=ends), span)
        frame.tx[:] = [t for t in frame.tx if t not in stack.begun]
