"""What cells and summaries keep of large values."""

from __future__ import annotations

from sessionlint.program.model import FunctionInfo
from sessionlint.program.values import MAX_HELD, MAX_ITEMS, Const, Dependency, Fn, Map, Seq, Value, bounded, contained
from tests.program.support import solved


def nested(keys: int, levels: int) -> Value:
    """Dictionaries in dictionaries, with numbers at the bottom."""
    if levels == 0:
        return (Const(1, "int"),)
    return (Map(tuple((f"k{i}", nested(keys, levels - 1)) for i in range(keys)), False),)


def held(value: Value) -> int:
    return len(list(contained(value)))


def test_settings_three_levels_deep_are_kept_whole():
    assert bounded(nested(8, 3)) == nested(8, 3)


def test_large_dictionaries_of_dictionaries_are_kept_less_deep():
    kept = bounded(nested(20, 3))
    assert held(nested(20, 3)) > MAX_HELD > held(kept) == 1 + 20 + 400
    assert kept[0].get("k1")[0].get("k1")[0].partial


def test_what_guards_a_router_is_kept_in_a_table_of_routers():
    guard = Dependency((Fn(FunctionInfo(("app/auth.py", "user", 0))),), ("app/main.py", (1, 1, 1, 1)))
    table = (Seq(((Seq(((Const("/v1", "str"),), (Seq(((guard,),)),))),),)),)
    assert bounded(table) == table


def test_a_long_list_of_functions_is_kept_whole_and_one_of_anything_else_is_not():
    jobs = tuple((Fn(FunctionInfo((f"job{n}.py", "run", 0))),) for n in range(60))
    assert bounded((Seq(jobs),)) == (Seq(jobs),)
    numbers = (*jobs, (Const(1, "int"),))
    assert len(bounded((Seq(numbers),))[0].items) == MAX_ITEMS


def test_a_function_that_copies_dictionaries_by_recursion_stays_small():
    inner = ", ".join(f'"b{i}": {i}' for i in range(40))
    keys = ", ".join(f'"a{i}": {{{inner}}}' for i in range(40))
    source = f"""
def pruned(value):
    kept = {{}}
    for key, inner in value.items():
        kept[key] = pruned(inner)
        kept.update({{{keys}}})
    return kept


def settings(session):
    session.commit()
    return pruned({{}})
"""
    solver = solved({"app/services/settings.py": source})
    sizes = {f.name: held(f.summary.returns) for f in solver.functions if f.path == "app/services/settings.py"}
    assert sizes.keys() == {"pruned", "settings"}
    assert 40 < max(sizes.values()) <= MAX_HELD
