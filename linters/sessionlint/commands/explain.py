"""``sessionlint explain`` and ``sessionlint rules``."""

from __future__ import annotations

from collections.abc import Callable

import click

from sessionlint.codes import CODES, resolve_code
from sessionlint.commands.options import unknown


@click.command()
@click.argument("rule")
@click.option("--debug", is_flag=True, hidden=True)
def explain(rule: str, debug: bool) -> None:
    """Explain one RULE, given by its code or name: why, what to write instead, examples."""
    from sessionlint.formats import rule_page
    from sessionlint.rules.catalogue import all_rules
    from sessionlint.rules.markers import without_markers

    code = resolve_code(rule)
    for entry in all_rules():
        if entry.META.code == code:
            bad, good = without_markers(entry.BAD[0].source), without_markers(entry.GOOD[0].source)
            click.echo(rule_page.explain(entry.META, bad, good), nl=False)
            return
    if code is None:
        raise click.UsageError(unknown(rule))
    raise click.UsageError(f"{code} ({CODES[code]}) is reserved; this version has no such rule.")


@click.command()
@click.option("--format", "output_format", type=click.Choice(["text", "json", "markdown"]), default="text")
@click.option("--debug", is_flag=True, hidden=True)
def rules(output_format: str, debug: bool) -> None:
    """List all rules."""
    from sessionlint.formats import rule_page
    from sessionlint.rules.catalogue import all_rules

    writers: dict[str, Callable[..., str]] = {
        "text": rule_page.table,
        "json": rule_page.as_json,
        "markdown": rule_page.markdown,
    }
    click.echo(writers[output_format]([entry.META for entry in all_rules()]), nl=False)
