"""Parameters and arguments added and taken away."""

from __future__ import annotations

from collections.abc import Sequence, Set
from typing import Any

import libcst as cst

from sessionlint.fixes.model import refuse
from sessionlint.fixes.moves import Edit
from sessionlint.fixes.source import Function

_SPACE = cst.SimpleWhitespace(" ")


def add_parameter(edit: Edit, path: str, function: Function, code: str, *, first: bool = False) -> None:
    """Adds a parameter (``"session: AsyncSession"``, ``"session: AsyncSession = Depends(get)"``) to a function.

    It becomes the last positional one that its default allows (``first``: the first after ``self``), or keyword-only
    where the function takes ``*args``. Refuses when the function has a parameter of that name.
    """
    name = code.partition(":")[0].partition("=")[0].strip()
    if any(parameter.name.value == name for parameter in parameters(function)):
        refuse(f"{function.name.value} already has a parameter {name}", path, edit.context.source(path).line(function))
    new = _parameter(code)
    edit.change(path, function.params, lambda old: _with_parameter(old, new, first=first))


def remove_parameter(edit: Edit, path: str, function: Function, name: str) -> None:
    """Takes a parameter out of a function; the calls are the caller's business. Refuses when there is none."""
    if not any(parameter.name.value == name for parameter in parameters(function)):
        refuse(f"{function.name.value} has no parameter {name}", path, edit.context.source(path).line(function))
    edit.change(path, function.params, lambda old: _without_parameter(old, name))


def parameters(function: Function) -> list[cst.Param]:
    """All named parameters of a function in order, without ``*args`` and ``**kwargs``."""
    params = function.params
    return [*params.posonly_params, *params.params, *params.kwonly_params]


def add_argument(edit: Edit, path: str, call: cst.Call, code: str) -> None:
    """Adds an argument (``"session"``, ``"session=session"``) to a call: positional ones after the positional ones."""
    made = cst.parse_expression(f"_({code})")
    assert isinstance(made, cst.Call)
    new = made.args[0]

    def change(old: cst.Call) -> cst.Call:
        args = list(old.args)
        at = len(args)
        if new.keyword is None:
            at = next((i for i, arg in enumerate(args) if arg.keyword is not None or arg.star == "**"), len(args))
        elif args and args[-1].star == "**":
            at = next(i for i, arg in enumerate(args) if arg.star == "**")
        return old.with_changes(args=inserted(args, at, new))

    edit.change(path, call, change)


def remove_argument(edit: Edit, path: str, call: cst.Call, argument: cst.Arg) -> None:
    """Takes an argument out of a call, with its comma."""
    index = next(i for i, arg in enumerate(call.args) if arg is argument)
    gone = edit.removed_arguments.setdefault(call, set())
    if not gone:
        # before anything else, while the arguments are still counted as they were
        edit.file(path).change(call, lambda old: _without_arguments(old, gone), first=True)
    gone.add(index)


def _without_arguments(call: cst.Call, gone: Set[int]) -> cst.Call:
    args = list(call.args)
    for index in sorted(gone, reverse=True):
        args = removed(args, index)
    return call.with_changes(args=args)


def argument(call: cst.Call, name: str, position: int | None) -> cst.Arg | None:
    """The argument that a call gives for a parameter (``position`` among the positional ones, None: keyword-only).

    None when the call gives none. Refuses when ``*`` or ``**`` in the call may give it.
    """
    for arg in call.args:
        if arg.keyword is not None and arg.keyword.value == name:
            return arg
    for index, arg in enumerate(call.args):
        if arg.star:
            refuse(f"the call passes {arg.star}, which may hold {name}")
        if arg.keyword is None and index == position:
            return arg
    return None


def _parameter(code: str) -> cst.Param:
    function = cst.parse_statement(f"def _({code}): pass\n")
    assert isinstance(function, cst.FunctionDef)
    return function.params.params[0]


def _with_parameter(old: cst.Parameters, new: cst.Param, *, first: bool) -> cst.Parameters:
    has_star = isinstance(old.star_arg, cst.Param | cst.ParamStar)
    if isinstance(old.star_arg, cst.Param):
        return old.with_changes(kwonly_params=inserted(list(old.kwonly_params), len(old.kwonly_params), new))
    listed = list(old.params)
    if first:
        at = 1 if listed and listed[0].name.value in ("self", "cls") and not old.posonly_params else 0
    elif new.default is not None:
        at = len(listed)
    else:
        at = next((i for i, param in enumerate(listed) if param.default is not None), len(listed))
    last = at == len(listed) and not has_star and not old.kwonly_params and old.star_kwarg is None
    return old.with_changes(params=inserted(listed, at, new, closes=last))


def _without_parameter(old: cst.Parameters, name: str) -> cst.Parameters:
    changed: dict[str, Any] = {}
    gone: Any = None
    for group in ("posonly_params", "params", "kwonly_params"):
        listed = list(getattr(old, group))
        at = next((i for i, param in enumerate(listed) if param.name.value == name), None)
        if at is not None:
            gone = listed[at]
            changed[group] = removed(listed, at)
    if "posonly_params" in changed and not changed["posonly_params"]:
        changed["posonly_ind"] = cst.MaybeSentinel.DEFAULT
    if "kwonly_params" in changed and not changed["kwonly_params"] and isinstance(old.star_arg, cst.ParamStar):
        changed["star_arg"] = cst.MaybeSentinel.DEFAULT
        if old.params and old.star_kwarg is None:
            changed["params"] = [*old.params[:-1], _ending_like(old.params[-1], gone)]
    return old.with_changes(**changed)


def inserted(items: Sequence[Any], at: int, new: Any, *, closes: bool = True) -> list[Any]:
    """A list with commas and one more item, laid out as its neighbours are; ``closes``: nothing follows the list."""
    if not items:
        return [new]
    if at < len(items):
        model = items[at].comma if at < len(items) - 1 else items[at - 1].comma if at else None
        return [*items[:at], new.with_changes(comma=_comma(model)), *items[at:]]
    last = items[-1]
    model = items[-2].comma if len(items) > 1 else _broken_like(last)
    if not closes:
        return [*items[:-1], last, new.with_changes(comma=_comma(last.comma))]
    return [*items[:-1], _open(last, model), _ending_like(new, last)]


def removed(items: Sequence[Any], at: int) -> list[Any]:
    """A list without one item; the new last item ends it as the old one did."""
    left = [*items[:at], *items[at + 1 :]]
    if at < len(items) - 1 and (above := _comments_behind(items[at])):
        if at == 0:
            refuse("a comment stands between what would go and what follows")
        left[at - 1] = _with_comments(left[at - 1], above)
    if left and at == len(items) - 1:
        left[-1] = _ending_like(left[-1], items[-1])
    return left


def _comments_behind(item: Any) -> Sequence[cst.EmptyLine]:
    """The lines between an item and the next one when there are comments among them, which are about the next."""
    after = item.comma.whitespace_after if isinstance(item.comma, cst.Comma) else None
    lines = after.empty_lines if isinstance(after, cst.ParenthesizedWhitespace) else ()
    return lines if any(line.comment for line in lines) else ()


def _with_comments(item: Any, lines: Sequence[cst.EmptyLine]) -> Any:
    after = item.comma.whitespace_after if isinstance(item.comma, cst.Comma) else None
    if not isinstance(after, cst.ParenthesizedWhitespace):
        return refuse("a comment stands between what would go and what follows")
    # what stood above the item that is gone was about that one
    below = after.with_changes(empty_lines=lines)
    return item.with_changes(comma=item.comma.with_changes(whitespace_after=below))


def _open(last: Any, model: Any) -> Any:
    """The item that was the last, with a comma for the one behind it; a comment behind its own comma stays."""
    comma = _comma(model)
    behind = last.comma.whitespace_after if isinstance(last.comma, cst.Comma) else None
    between = comma.whitespace_after
    if isinstance(behind, cst.ParenthesizedWhitespace) and isinstance(between, cst.ParenthesizedWhitespace):
        comma = cst.Comma(whitespace_after=between.with_changes(first_line=behind.first_line))
    changed: dict[str, Any] = {"comma": comma}
    if ending := _ending(last):
        changed[ending] = cst.SimpleWhitespace("")
    return last.with_changes(**changed)


def _ending_like(item: Any, last: Any) -> Any:
    """An item that ends a list as another did, but without its comment."""
    comma = last.comma
    if isinstance(comma, cst.Comma) and isinstance(comma.whitespace_after, cst.ParenthesizedWhitespace):
        after = comma.whitespace_after.with_changes(first_line=cst.TrailingWhitespace(), empty_lines=[])
        comma = comma.with_changes(whitespace_after=after)
    changed: dict[str, Any] = {"comma": comma}
    if ending := _ending(item):
        changed[ending] = getattr(last, ending)
    return item.with_changes(**changed)


def _ending(item: Any) -> str:
    """Where an item keeps the blanks behind it, if it does."""
    return next((name for name in ("whitespace_after_param", "whitespace_after_arg") if hasattr(item, name)), "")


def _comma(model: Any) -> cst.Comma:
    """A comma laid out like another; comments behind that one are not repeated."""
    if not isinstance(model, cst.Comma):
        return cst.Comma(whitespace_after=_SPACE)
    after = model.whitespace_after
    if isinstance(after, cst.ParenthesizedWhitespace):
        plain = after.with_changes(first_line=cst.TrailingWhitespace(), empty_lines=[])
        return cst.Comma(whitespace_after=plain)
    return cst.Comma(whitespace_after=_SPACE if after.empty else after)


def _broken_like(item: Any) -> cst.Comma | None:
    """A comma with a line break where the only item is followed by one: the next goes on a line of its own."""
    ending = _ending(item)
    after = item.comma.whitespace_after if isinstance(item.comma, cst.Comma) else ending and getattr(item, ending)
    if not isinstance(after, cst.ParenthesizedWhitespace):
        return None
    indented = cst.ParenthesizedWhitespace(indent=True, last_line=cst.SimpleWhitespace("    "))
    return cst.Comma(whitespace_after=indented)
