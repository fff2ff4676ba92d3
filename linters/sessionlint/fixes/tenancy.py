"""TXN301 to TXN304: tenant conditions, parameters, arguments and resolvers taken out of the whole program."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

import libcst as cst

from sessionlint.facts import ir
from sessionlint.fixes.context import Context
from sessionlint.fixes.model import CannotFixError, Proposal, refuse
from sessionlint.fixes.moves import Edit
from sessionlint.fixes.moves_calls import argument, parameters, remove_parameter
from sessionlint.fixes.source import Function, Source
from sessionlint.fixes.tenancy_conditions import CHOOSING
from sessionlint.fixes.tenancy_erasing import Erasing
from sessionlint.fixes.tenancy_sql import SqlMove, literals, move
from sessionlint.fixes.tenancy_words import docstring, without_parameter
from sessionlint.program.model import FunctionInfo
from sessionlint.report import Finding
from sessionlint.rules.tenancy import is_tenant_name, mentions_tenant, tenant_parameters

_TESTS = frozenset({"in_", "eq"})
_BEYOND = frozenset({"auth", "test", "migration", "session"})


def drop_condition(context: Context, finding: Finding) -> Proposal:
    """TXN301: all tenant conditions of the function go, with what only fed them; or those of its tenant parameter."""
    source = context.source(finding.path)
    node = _condition(source, context, finding)
    function = source.function(node)
    whole = _with_parameter(context, finding, node)
    if whole is not None:
        return whole
    everything = list(_conditions(context, source, function))
    try:
        edit = _locally(context, source, function, conditions=everything)
    except CannotFixError:
        edit = _locally(context, source, function, conditions=[node])
    return edit.proposal(finding, "Remove the tenant from the query", "unsafe")


def drop_sql_condition(context: Context, finding: Finding) -> Proposal:
    """TXN302: the condition goes from the text, and its value from the parameters."""
    source = context.source(finding.path)
    function = source.function(source.node_at(finding.span, cst.BaseExpression))  # type: ignore[type-abstract]
    found = list(literals(context.program, source, function or source.module))
    if not found:
        refuse("the text is put together outside the function")
    whole = _with_parameter(context, finding, None)
    if whole is not None:
        return whole
    moves = [move(context.policy, source, function, literal) for literal in found]
    edit = _locally(context, source, function, texts=moves)
    return edit.proposal(finding, "Remove the tenant from the SQL text", "unsafe")


def drop_parameter(context: Context, finding: Finding) -> Proposal:
    """TXN303: the parameter goes, with every argument for it in the program and everything it fed."""
    return _removal(context, _parameters_of(context, finding)).proposal(finding)


def drop_resolver(context: Context, finding: Finding) -> Proposal:
    """TXN304: the injected parameter goes where its value only chooses rows, or serves for nothing."""
    function = context.function_at(finding.path, finding.span.line, finding.span.column)
    place = (finding.span.line, finding.span.column)
    named = [p[0] for p in function.params if p[4][:2] == place] if function is not None else []
    if function is None or not named:
        refuse("the resolver stands in the dependencies of a route or a router; take it out there by hand")
    _check_authentication(context, function, named[0])
    return _removal(context, [(function, named[0])]).proposal(finding)


# one function


def _locally(
    context: Context, source: Source, function: Function | None, *,
    conditions: Iterable[cst.CSTNode] = (), texts: Iterable[SqlMove] = (), arguments: Iterable[cst.Arg] = (),
) -> Edit:  # fmt: skip
    edit = context.edit()
    _erase(context, edit, source, function, list(conditions), list(texts), list(arguments))
    return edit


def _erase(
    context: Context, edit: Edit, source: Source, function: Function | None,
    conditions: list[cst.CSTNode], texts: list[SqlMove], arguments: list[cst.Arg],
) -> None:  # fmt: skip
    """Takes things out of a function, and the local names of a tenant that fed them where nothing else needs those."""
    entries = [entry for text in texts for entry in text.entries]
    roots = [*conditions, *arguments, *entries]
    candidates = _local_names(context, source, function, roots)
    erasing: Erasing | None = None
    for names in ({*candidates}, set[str]()) if candidates else (set[str](),):
        erasing = Erasing(
            context, source, function, names,
            conditions=conditions, always=conditions, arguments=arguments, entries=entries, dead=entries,
        )  # fmt: skip
        try:
            erasing.decide()
            break
        except CannotFixError:
            if not names:
                raise
    assert erasing is not None
    erasing.emit(edit)
    for text in texts:
        text.emit(edit)


def _local_names(context: Context, source: Source, function: Function | None, roots: list[cst.CSTNode]) -> set[str]:
    """The variables (no parameters) named after a tenant that are read in some nodes."""
    given = {param.name.value for param in parameters(function)} if function is not None else set()
    found = {n.value for root in roots for n in source.walk(root) if isinstance(n, cst.Name)} - given
    stored = {
        t.target.value
        for n in source.walk(function or source.module)
        if isinstance(n, cst.Assign)
        for t in n.targets
        if isinstance(t.target, cst.Name)
    }
    return {name for name in found & stored if mentions_tenant(context.program, name)}


def _conditions(context: Context, source: Source, function: Function | None) -> Iterator[cst.CSTNode]:
    """The tenant conditions of a function that can be taken for what they are."""
    for event in context.events(source.path, "predicate"):
        if "between columns" in event.flags:
            continue
        node = _condition_at(source, event.span, event.name)
        if node is not None and source.function(node) is function and _is_choice(source, node):
            yield node


def _condition(source: Source, context: Context, finding: Finding) -> cst.CSTNode:
    span = (finding.span.line, finding.span.column, finding.span.end_line, finding.span.end_column)
    name = next((event.name for event in context.events_at(finding.span, "predicate")), "")
    node = _condition_at(source, span, name)
    if node is None:
        refuse("the condition is in a dictionary, or made by another function")
    if not _is_choice(source, node):
        refuse("the condition asks for something else than the rows of a tenant")
    return node


def _condition_at(source: Source, span: ir.Span4, name: str) -> cst.CSTNode | None:
    node = source.node_at(span, cst.BaseExpression)  # type: ignore[type-abstract]
    parent = source.parents[node]
    if isinstance(parent, cst.Arg) and parent.keyword is not None and parent.keyword.value == name:
        return node
    if isinstance(node, cst.Comparison):
        return node
    if isinstance(node, cst.Call):
        called = node.func.attr.value if isinstance(node.func, cst.Attribute) else source.code(node.func)
        return None if called in CHOOSING else node
    return None


def _is_choice(source: Source, node: cst.CSTNode) -> bool:
    """Whether a condition chooses the rows of given tenants: not those of others, of none, or of a range."""
    if isinstance(node, cst.Comparison):
        operator, other = node.comparisons[0].operator, source.code(node.comparisons[0].comparator)
        return len(node.comparisons) == 1 and isinstance(operator, cst.Equal) and other != "None"
    if isinstance(node, cst.Call):
        called = node.func.attr.value if isinstance(node.func, cst.Attribute) else source.code(node.func)
        parent = source.parents[node]
        return called in _TESTS or (isinstance(parent, cst.Arg) and parent.keyword is not None)
    return True


# the whole program


@dataclass
class _Removal:
    """Parameters that go together, and the functions that call theirs."""

    context: Context
    gone: dict[FunctionInfo, list[str]] = field(default_factory=dict)
    arguments: dict[tuple[str, Function | None], list[cst.Arg]] = field(default_factory=dict)
    changes: dict[str, str] = field(default_factory=dict)
    touched: set[cst.CSTNode] = field(default_factory=set)
    texts: set[str] = field(default_factory=set)
    title: str = ""

    def proposal(self, finding: Finding) -> Proposal:
        """The removal as the answer to one of its findings."""
        return Proposal(finding, self.title, "unsafe", self.changes)

    def run(self, wanted: list[tuple[FunctionInfo, str]]) -> None:
        """Follows the parameters to everything they are passed on to. Refuses when one of them has to stay."""
        function, name = wanted[0]
        shown = function.class_info.name if function.name == "__init__" and function.class_info else function.name
        self.title = f"Remove {name} from {shown}() and from its calls"
        pending = list(wanted)
        while pending:
            function, name = pending.pop()
            if name in self.gone.setdefault(function, []):
                continue
            self.gone[function].append(name)
            self._calls(function, name)
            pending += self._passed_on(function)
        edit = self.context.edit()
        nodes = {self.context.node_of(function): function for function in self.gone}
        places = {*((function.path, node) for node, function in nodes.items()), *self.arguments}
        for path, node in sorted(places, key=lambda place: (place[0], self._line(*place))):
            self._in_function(edit, path, node, nodes.get(node) if node is not None else None)
        self.changes = edit.changes()

    def _line(self, path: str, node: Function | None) -> int:
        return self.context.source(path).line(node) if node is not None else 0

    def _calls(self, function: FunctionInfo, name: str) -> None:
        shown = f"{function.name}()"
        if function.registrations:
            refuse(
                f"{shown} is called by its queue or framework, which may still send {name}",
                function.path,
                function.header[0],
            )
        for route in function.routes:
            if f"{{{name}" in str(getattr(route, "path", "")):
                refuse(f"the path of the route names {name}", function.path, function.header[0])
        callers = self.context.callers(function)
        for mention in callers.unknown:
            refuse(f"{shown} is {mention.why}", mention.path, mention.line)
        names = [p[0] for p in function.params if p[1] in (ir.KIND_POSONLY, ir.KIND_NORMAL)]
        bound = function.class_info is not None and not function.is_staticmethod
        position = names.index(name) - bound if name in names else None
        for call in callers.calls:
            try:
                given = argument(call.node, name, position)
            except CannotFixError as error:
                refuse(error.reason, call.path, call.line)
            if given is not None:
                source = self.context.source(call.path)
                self.arguments.setdefault((call.path, source.function(call.node)), []).append(given)

    def _passed_on(self, function: FunctionInfo) -> Iterator[tuple[FunctionInfo, str]]:
        """The tenant parameters of other functions that this one hands its tenant to."""
        program = self.context.program
        for event in function.events:
            callee = event.callee
            if event.kind != "call" or callee is None or program.role(callee) in _BEYOND:
                continue
            for parameter in tenant_parameters(program, callee):
                if self._gives(event.span, function.path, callee, parameter[0]):
                    yield callee, parameter[0]

    def _gives(self, span: ir.Span4, path: str, callee: FunctionInfo, name: str) -> bool:
        source = self.context.source(path)
        call = source.node_at(span, cst.Call)
        names = [p[0] for p in callee.params if p[1] in (ir.KIND_POSONLY, ir.KIND_NORMAL)]
        bound = callee.class_info is not None and not callee.is_staticmethod
        given = argument(call, name, names.index(name) - bound if name in names else None)
        return given is not None and any(
            isinstance(n, cst.Name) and mentions_tenant(self.context.program, n.value) for n in source.walk(given.value)
        )

    def _in_function(self, edit: Edit, path: str, node: Function | None, function: FunctionInfo | None) -> None:
        source = self.context.source(path)
        arguments = self.arguments.get((path, node), [])
        for given in arguments:
            if any(isinstance(n, cst.Await | cst.NamedExpr | cst.Yield) for n in source.walk(given.value)):
                refuse(f"the argument {source.code(given.value)} does more than give a value", path, source.line(given))
        if function is None or node is None:
            _erase(self.context, edit, source, node, [], [], arguments)
            return
        names = self.gone[function]
        texts, reason = self._texts(source, node, names)
        entries = [entry for text in texts for entry in text.entries]
        erasing = Erasing(
            self.context, source, node, names,
            conditions=list(_conditions(self.context, source, node)), arguments=arguments, entries=entries,
            always_given=not any(p[0] in names and p[3] is not None for p in function.params) or bool(function.routes),
        )  # fmt: skip
        try:
            erasing.decide()
        except CannotFixError as error:
            if reason is not None and "kept" in error.reason:
                raise reason from error
            raise
        erasing.emit(edit)
        self.touched |= erasing.queries.gone
        for text in texts:
            self.texts.add(f"{path}:{source.line(text.literal)}")
            text.emit(edit)
        for name in names:
            remove_parameter(edit, path, node, name)
            written = docstring(node)
            if written is not None:
                self._describe(edit, path, written, name)

    def _describe(self, edit: Edit, path: str, written: cst.SimpleString, name: str) -> None:
        edit.change(path, written, lambda old: old.with_changes(value=without_parameter(old.value, name)))

    def _texts(self, source: Source, node: Function, names: list[str]) -> tuple[list[SqlMove], CannotFixError | None]:
        found: list[SqlMove] = []
        reason: CannotFixError | None = None
        for literal in literals(self.context.program, source, node):
            try:
                found.append(move(self.context.policy, source, node, literal))
            except CannotFixError as error:
                reason = error
        return found, reason


_known: WeakKeyDictionary[Context, dict[tuple[FunctionInfo, str], _Removal | CannotFixError]] = WeakKeyDictionary()


def _removal(context: Context, wanted: list[tuple[FunctionInfo, str]]) -> _Removal:
    """The removal of parameters, worked out once however many findings ask for it."""
    known = _known.setdefault(context, {})
    key = wanted[0]
    if key not in known:
        removal = _Removal(context)
        try:
            removal.run(wanted)
            known[key] = removal
        except CannotFixError as error:
            known[key] = error
    found = known[key]
    if isinstance(found, CannotFixError):
        raise found
    return found


def _parameters_of(context: Context, finding: Finding) -> list[tuple[FunctionInfo, str]]:
    """What a finding of TXN303 is about: the parameter it stands at, or that of the function its trace leads to."""
    if finding.trace:
        step = finding.trace[0]
        function = context.function_at(step.path, step.line)
        found = [p[0] for p in tenant_parameters(context.program, function)] if function else []
    else:
        function = context.function_at(finding.path, finding.span.line, finding.span.column)
        place = (finding.span.line, finding.span.column)
        found = [p[0] for p in function.params if p[4][:2] == place] if function else []
    if function is None or not found:
        refuse("the parameter is not written in a def of the program")
    return [(function, name) for name in found]


def _with_parameter(context: Context, finding: Finding, node: cst.CSTNode | None) -> Proposal | None:
    """The removal of the function's tenant parameter, if that takes the condition at ``finding`` along."""
    function = context.function_at(finding.path, finding.span.line, finding.span.column)
    for name in [p[0] for p in function.params if is_tenant_name(context.program, p[0])] if function else []:
        assert function is not None
        if function.path != finding.path or context.program.role(function) in (*_BEYOND, "model"):
            continue
        try:
            removal = _removal(context, [(function, name)])
        except CannotFixError:
            continue
        if node is None or node in removal.touched:
            return removal.proposal(finding)
    return None


def _check_authentication(context: Context, function: FunctionInfo, name: str) -> None:
    """A resolver may be all that keeps strangers out."""
    from sessionlint.rules.authentication import authentication

    known = authentication(context.program)
    dependency = function.dependencies.get(name)
    others = [d for other, d in function.dependencies.items() if other != name]
    if dependency is not None and known.guards(dependency) and not any(known.guards(other) for other in others):
        refuse("the resolver is the only thing that authenticates the request")
