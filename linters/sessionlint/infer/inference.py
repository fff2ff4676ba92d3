"""Puts together the inferred policy and the sentences that tell the user why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from sessionlint.infer import absence, hidden
from sessionlint.infer.exempt import exempt_layers
from sessionlint.infer.folders import patterns
from sessionlint.infer.places import application_files
from sessionlint.infer.sessions import Approved, approve
from sessionlint.infer.survey import Survey
from sessionlint.infer.votes import Vote, collect_votes, script_votes
from sessionlint.infer.words import joined, plural
from sessionlint.layers import LAYERS, LayerMap
from sessionlint.policy import DEFAULT_LAYERS, Policy
from sessionlint.program.api import Program

SOURCE = "inferred"
_DOES = {
    "router": ("endpoint", "endpoints"),
    "service": ("function that takes a session", "functions that take a session"),
    "background": ("function that runs in the background", "functions that run in the background"),
    "auth": ("place that handles credentials", "places that handle credentials"),
    "model": ("table", "tables"),
}
_SHOWN = 4


def infer_policy(
    root: Path,
    files: Sequence[str],
    *,
    cache_dir: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[Policy, tuple[str, ...]]:
    """The policy that ``files`` (relative to ``root``) suggest, and sentences for the user on why.

    Reads the whole program once. Whoever has a program at hand calls :func:`infer_from` instead.
    """
    from sessionlint.program.build import build_program

    return infer_from(build_program(root, files, Policy(root=root), cache_dir=cache_dir, progress=progress))


def infer_from(program: Program) -> tuple[Policy, tuple[str, ...]]:
    """The policy that a program suggests, and sentences for the user on why.

    The program must be built with a default policy; :func:`under` then gives it the inferred one.
    """
    application = application_files(program)
    survey = Survey(program, application)
    approved = approve(survey)
    votes = collect_votes(program, application, {*approved.modules, *approved.homes})
    layers = patterns(votes, survey.applications)
    scripts = script_votes(program, application, LayerMap(layers).layer_of)
    if scripts:
        votes = {**votes, **scripts}
        layers = patterns(votes, survey.applications)
    exempt = exempt_layers(program)
    policy = Policy(
        root=program.policy.root,
        source=SOURCE,
        session_modules=tuple(approved.modules),
        session_dependencies=tuple(approved.dependencies),
        session_contexts=tuple(approved.contexts),
        layers={**DEFAULT_LAYERS, **layers, **exempt},
        stated=_stated(approved, [*layers, *exempt]),
    )
    return policy, tuple(_notes(program, survey, approved, policy, votes))


def under(program: Program, policy: Policy) -> Program:
    """The same solved program under the policy inferred from it; nothing is read again."""
    judged = Program(
        policy, program.solver, program.errors, program.source_line, program.changed, None, program.numberings
    )
    judged.above = program.above
    return judged


def _stated(approved: Approved, layers: Sequence[str]) -> tuple[str, ...]:
    """The keys that hold something, so that rules speak only of those."""
    keys = {
        "session-modules": approved.modules,
        "session-dependencies": approved.dependencies,
        "session-contexts": approved.contexts,
    }
    return (*(key for key, values in keys.items() if values), *(f"layers.{name}" for name in LAYERS if name in layers))


# sentences


def _notes(
    program: Program, survey: Survey, approved: Approved, policy: Policy, votes: Mapping[str, Vote]
) -> list[str]:
    notes = [f"session module {path}: {reason}." for path, reason in approved.modules.items()]
    notes += [f"session dependency {name}: {reason}." for name, reason in approved.dependencies.items()]
    notes += [f"session context {name}: {reason}." for name, reason in approved.contexts.items()]
    notes += [f"not checked: {sentence}." for sentence in approved.unchecked]
    notes += [f"not approved: {sentence}." for sentence in (*approved.left_out, *hidden.left_out(survey))]
    if not approved.modules:
        notes += absence.explain(program, survey)
    stated = [layer for layer in LAYERS if f"layers.{layer}" in policy.stated]
    return notes + [layer_note(layer, policy.layers[layer], votes, policy) for layer in stated]


def layer_note(layer: str, layer_patterns: tuple[str, ...], votes: Mapping[str, Vote], policy: Policy) -> str:
    """What a layer's patterns were inferred from."""
    shown = list(layer_patterns[:_SHOWN])
    if len(layer_patterns) > _SHOWN:
        shown.append(f"{len(layer_patterns) - _SHOWN} more")
    if layer not in _DOES:
        return f"{layer} layer {joined(shown)}."
    counts: Counter[str] = Counter()
    for vote in votes.values():
        if vote.layer == layer and policy.layer_of(vote.path) == layer:
            counts["files"] += 1
            counts["things"] += vote.count
    files, things = counts["files"], counts["things"]
    if not files:
        return f"{layer} layer {joined(shown)}: the name says so, nothing that was read there does."
    article = "an" if layer == "auth" else "a"
    what = f"{things} {_DOES[layer][things != 1]}" if things else f"nothing but the name of {article} {layer} layer"
    verb = "holds" if files == 1 else "hold"
    return f"{layer} layer {joined(shown)}: {plural(files, 'file')} there {verb} {what}."
