"""A function without the values of a tenant: what only they fed goes; whatever else needs them is refused."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial

import libcst as cst

from sessionlint.fixes.context import Context
from sessionlint.fixes.model import CannotFixError, refuse
from sessionlint.fixes.moves import Edit
from sessionlint.fixes.moves_calls import remove_argument, removed
from sessionlint.fixes.source import Function, Source, Statement
from sessionlint.fixes.tenancy_conditions import loads, one_side, stores
from sessionlint.fixes.tenancy_values import Truth, Values
from sessionlint.fixes.tenancy_words import dropped, relieved, with_parts
from sessionlint.rules.tenancy import mentions_tenant


class Erasing:
    """The moves in one function (None: the module) when the variables in ``names`` hold nothing any more.

    ``conditions`` are the nodes of tenant conditions, which go when they compare with such a variable, and those in
    ``always`` in any case; ``arguments`` of calls go, too; ``entries`` are parts of dictionaries nobody will read, of
    which those in ``dead`` go in any case. ``always_given``: nobody leaves the parameter out.
    """

    def __init__(
        self, context: Context, source: Source, function: Function | None, names: Iterable[str],
        *, conditions: Iterable[cst.CSTNode] = (), always: Iterable[cst.CSTNode] = (),
        arguments: Iterable[cst.Arg] = (), entries: Iterable[cst.CSTNode] = (), dead: Iterable[cst.CSTNode] = (),
        always_given: bool = True,
    ) -> None:  # fmt: skip
        self.names = set(names)
        self._context = context
        self._source = source
        self._scope: cst.CSTNode = function or source.module
        self._conditions = set(conditions)
        self._arguments = set(arguments)
        self._always = set(always)
        self._entries = set(entries)
        self._dead = set(dead)
        self._always_given = always_given
        self._statements: set[cst.CSTNode] = set()
        self.values = self._fresh()

    @property
    def conditions(self) -> frozenset[cst.CSTNode]:
        """The conditions that go, and what goes of their queries with them."""
        return frozenset(self.values.queries.gone)

    # deciding

    def decide(self) -> None:
        """Finds out what goes. Refuses, naming the place, when something that stays needs what is gone."""
        self._check_shared()
        while True:
            reason: CannotFixError | None = None
            known = set(self.names)
            self.values = self._fresh()
            try:
                for condition in self._conditions:
                    if self._is_told_of(condition):
                        self.values.queries.drop(condition)
                self._block(self._body(self._scope))
            except CannotFixError as error:
                reason = error
            if self.names == known:
                break
        if reason is not None:
            raise reason
        self._unused()

    def _check_shared(self) -> None:
        for name in sorted(self.names):
            for node in self._source.walk(self._scope):
                if isinstance(node, cst.Global | cst.Nonlocal) and any(i.name.value == name for i in node.names):
                    self._refuse(node, f"{name} is shared with other functions")

    def _fresh(self) -> Values:
        """Nothing decided but what goes in any case."""
        function = self._scope if isinstance(self._scope, cst.FunctionDef) else None
        self._statements = set()
        values = Values(self._context, self._source, function, self.names, self._arguments, self._entries)
        for entry in self._dead:
            held = self._source.parents[entry]
            if isinstance(entry, cst.DictElement) and isinstance(held, cst.Dict) and values.is_plain(entry.value):
                values.elements[entry] = held
                values.gone.add(entry)
        return values

    def _is_told_of(self, condition: cst.CSTNode) -> bool:
        """Whether a condition compares with a value that goes, or goes in any case."""
        return condition in self._always or any(self.values.is_use(node) for node in self._source.walk(condition))

    @staticmethod
    def _body(holder: cst.CSTNode) -> list[cst.CSTNode]:
        body = holder.body if isinstance(holder, cst.FunctionDef | cst.ClassDef) else holder
        return list(getattr(body, "body", ()))

    # statements: whether one goes

    def _block(self, body: Iterable[cst.CSTNode]) -> bool:
        """Looks at every statement; whether all of them go."""
        going = [self._statement(statement) for statement in body]
        return all(going)

    def _statement(self, statement: cst.CSTNode) -> bool:
        if isinstance(statement, cst.SimpleStatementLine):
            goes = self._simple(statement)
        elif isinstance(statement, cst.If):
            goes = self._if(statement)
        elif isinstance(statement, cst.Try):
            goes = self._try(statement)
        else:
            goes = False
            for part in self._source.walk(statement):
                if isinstance(part, cst.FunctionDef) and any(
                    isinstance(p, cst.Param) and p.name.value in self.names for p in self._source.walk(part.params)
                ):
                    self._refuse(part, f"{part.name.value}() inside has a parameter of the same name")
            for part in _parts(statement):
                if isinstance(part, cst.BaseSuite):
                    self._block(self._body(part))
                else:
                    self.values.look(part)
        if goes:
            self._statements.add(statement)
        return goes

    def _simple(self, line: cst.SimpleStatementLine) -> bool:
        if line in self.values.queries.statements:
            return True
        only = line.body[0] if len(line.body) == 1 else None
        for target in _targets(only):
            if isinstance(target, cst.Name) and target.value in self.names:
                value = getattr(only, "value", None)
                if len(_targets(only)) > 1 or isinstance(only, cst.AugAssign):
                    self._refuse(line, f"{target.value} is set together with something else")
                if value is not None and not self.values.is_plain(value):
                    self._refuse(line, f"{target.value} comes from a call that may do more")
                return True
        if any(t in self._dead or (t in self._entries and self.values.uses(line)) for t in _targets(only)) and only:
            if not self.values.is_plain(only):
                self._refuse(line, "the value comes from a call that may do more")
            return True
        self.values.look(line)
        if only is None:
            return False
        if only in self.values.gone:
            return True
        value = getattr(only, "value", None)
        if isinstance(only, cst.Expr) and only.value in self.values.gone:
            return True
        if isinstance(only, cst.Assign | cst.AnnAssign) and value in self.values.gone:
            return self._assigned(line, only)
        return False

    def _assigned(self, line: cst.SimpleStatementLine, only: cst.Assign | cst.AnnAssign) -> bool:
        targets = _targets(only)
        if len(targets) == 1 and isinstance(targets[0], cst.Name):
            self.names.add(targets[0].value)
            return True
        self._refuse(line, f"the tenant is kept in {self._source.code(targets[0]).strip()}")
        return False

    def _if(self, statement: cst.If) -> bool:
        self.values.look(statement.test)
        test = statement.test
        truth = self.values.truth(test) if test in self.values.gone else None
        if test not in self.values.gone and not any(op in self.values.operands for op in self._source.walk(test)):
            empty = self._block(self._body(statement.body))
            rest = self._orelse(statement)
            return empty and rest and self.values.is_plain(test) and self._is_ours(statement)
        if truth is None:
            self._check_guard(statement)
            self._block(self._body(statement.body))
            self._orelse(statement)
            return False
        return self._decided_if(statement, truth)

    def _decided_if(self, statement: cst.If, truth: Truth) -> bool:
        """An ``if`` that asks only about the tenant: it goes when nothing is left to do in it."""
        if truth == "false" and statement.orelse is None and self._refuses_only(statement.body):
            return True
        empty = self._is_empty(statement.body)
        rest = statement.orelse is None or (
            self._is_empty(statement.orelse.body) if isinstance(statement.orelse, cst.Else) else self._orelse(statement)
        )
        if empty and rest:
            return True
        self._refuse(statement, "what is done here depends on the tenant")
        return False

    def _is_empty(self, suite: cst.BaseSuite) -> bool:
        """Whether nothing but log lines stays in a block."""
        body = self._body(suite)
        return all(self.values.is_log(line) or self._statement(line) for line in body)

    def _orelse(self, statement: cst.If) -> bool:
        if isinstance(statement.orelse, cst.If):
            return self._if(statement.orelse)
        return statement.orelse is None or self._block(self._body(statement.orelse.body))

    def _check_guard(self, statement: cst.If) -> None:
        """``if not name or not tenant:`` may lose its second half when it only turns bad calls away."""
        if statement.orelse is not None or not self._refuses_only(statement.body):
            self._refuse(statement, "what is done here depends on the tenant")

    def _refuses_only(self, suite: cst.BaseSuite) -> bool:
        """Whether a block raises, or gives back nothing where the tenant was always to be given."""
        lines = self._body(suite)
        before, last = lines[:-1], lines[-1] if lines else None
        if not all(line is not None and (self.values.is_log(line) or self._statement(line)) for line in before):
            return False
        only = last.body[0] if isinstance(last, cst.SimpleStatementLine) and len(last.body) == 1 else None
        if isinstance(only, cst.Raise):
            return True
        return self._always_given and isinstance(only, cst.Return) and _is_nothing(only.value)

    def _try(self, statement: cst.Try) -> bool:
        plain = statement.orelse is None and statement.finalbody is None
        if self._block(self._body(statement.body)) and plain and self._is_ours(statement):
            return True
        for part in (*statement.handlers, statement.orelse, statement.finalbody):
            if part is not None:
                self._block(self._body(part.body))
        return False

    def _is_ours(self, statement: cst.CSTNode) -> bool:
        """Whether something went from a statement; one that was empty before stays."""
        inside = set(self._source.walk(statement))
        return any(node in inside for node in (*self._statements, *self.values.queries.statements))

    def _unused(self) -> None:
        """Variables that only fed what is gone, back to front."""
        changed = True
        while changed:
            changed = False
            for name in sorted(self._lost()):
                uses = [use for use in loads(self._source, self._scope, name) if not self._is_dropped(use)]
                lines = [self._source.statement(store) for store in stores(self._source, self._scope, name)]
                fresh = [line for line in lines if line not in self._statements]
                if uses or not fresh or not all(self._makes(line, name) for line in lines):
                    continue
                self._statements.update(fresh)
                changed = True
                self._hollow(fresh)

    def _lost(self) -> set[str]:
        roots = [*self.values.gone, *self.values.queries.gone, *self._statements]
        found = {n.value for root in roots for n in self._source.walk(root) if isinstance(n, cst.Name)}
        return found - self.names

    def _makes(self, line: Statement, name: str) -> bool:
        only = line.body[0] if isinstance(line, cst.SimpleStatementLine) and len(line.body) == 1 else None
        targets = _targets(only)
        return len(targets) == 1 and isinstance(targets[0], cst.Name) and self.values.is_plain(only) if only else False

    def _hollow(self, lines: Iterable[cst.CSTNode]) -> None:
        """A ``try`` or ``if`` around lines that went, with nothing left in it, goes, too."""
        for line in lines:
            for outer in self._source.ancestors(line):
                if not isinstance(outer, cst.Try | cst.If) or outer in self._statements:
                    continue
                rest = (outer.orelse, *((outer.finalbody,) if isinstance(outer, cst.Try) else ()))
                test_is_plain = isinstance(outer, cst.Try) or self.values.is_plain(outer.test)
                if test_is_plain and not any(rest) and all(n in self._statements for n in self._body(outer.body)):
                    self._statements.add(outer)

    def _is_dropped(self, node: cst.CSTNode) -> bool:
        return any(
            n in self.values.gone
            or n in self._statements
            or n in self.values.queries.gone
            or n in self.values.queries.statements
            for n in (node, *self._source.ancestors(node))
        )

    def _relieved(self) -> list[cst.SimpleStatementLine]:
        """The lines that stay without what spoke of the tenant in them."""
        gone = [*self.values.gone, *self.values.queries.gone, *self._arguments, *self.values.elements]
        lines = [node for part in gone if isinstance(node := self._source.statement(part), cst.SimpleStatementLine)]
        dropped_ones = {*self._statements, *self.values.queries.statements}
        return [line for line in dict.fromkeys(lines) if line not in dropped_ones]

    def _refuse(self, node: cst.CSTNode, reason: str) -> None:
        refuse(reason, self._source.path, self._source.line(node))

    # making the moves

    def emit(self, edit: Edit) -> None:
        """Makes the moves that :meth:`decide` found."""
        path = self._source.path
        self.values.queries.emit(edit)
        for argument in self._arguments:
            call = self._source.parents[argument]
            assert isinstance(call, cst.Call)
            remove_argument(edit, path, call, argument)
        for text, parts in self.values.logs.items():
            edit.change(path, text, partial(with_parts, parts=parts))
        for operation, node in self.values.operands.items():
            edit.change(path, operation, partial(one_side, right=node is operation.left))
        for held in dict.fromkeys(self.values.elements.values()):
            gone = [i for i, element in enumerate(held.elements) if element in self.values.elements]
            edit.change(path, held, partial(_without, gone=gone))
        speaks = partial(mentions_tenant, self._context.program)
        for line in self._relieved():
            edit.change(path, line, relieved(speaks, self._source.code))
        for statement in {*self._statements, *self.values.queries.statements}:
            edit.change(path, statement, dropped(speaks))


def _without(old: cst.Dict, gone: list[int]) -> cst.Dict:
    elements = list(old.elements)
    for index in sorted(gone, reverse=True):
        elements = removed(elements, index)
    return old.with_changes(elements=elements)


def _targets(only: cst.CSTNode | None) -> list[cst.BaseExpression]:
    if isinstance(only, cst.Assign):
        return [target.target for target in only.targets]
    return [only.target] if isinstance(only, cst.AnnAssign | cst.AugAssign) else []


def _is_nothing(value: cst.BaseExpression | None) -> bool:
    if isinstance(value, cst.Tuple):
        return all(_is_nothing(element.value) for element in value.elements)
    if isinstance(value, cst.List | cst.Dict):
        return not value.elements
    if isinstance(value, cst.Integer):
        return value.value == "0"
    return value is None or (isinstance(value, cst.Name) and value.value in ("None", "False"))


def _parts(statement: cst.CSTNode) -> Iterator[cst.CSTNode]:
    """The expressions and blocks of a compound statement, those of its ``except`` and ``else`` included."""
    from sessionlint.fixes.source import children

    for child in children(statement):
        if isinstance(child, cst.Else | cst.Finally | cst.ExceptHandler | cst.MatchCase):
            yield from _parts(child)
        else:
            yield child
