"""``sessionlint template``: the code templates of the reference service."""

from __future__ import annotations

import difflib
from importlib import resources

import click


@click.group()
def template() -> None:
    """Show how the reference service does it: sessions, endpoints, services, background jobs, tests."""


@template.command("list")
@click.option("--debug", is_flag=True, hidden=True)
def list_(debug: bool) -> None:
    """List all templates."""
    found = templates()
    width = max(map(len, found))
    for name, text in found.items():
        click.echo(f"{name:{width}}  {text.partition(chr(10))[0].removeprefix('# ')}")


@template.command()
@click.argument("name")
@click.option("--debug", is_flag=True, hidden=True)
def show(name: str, debug: bool) -> None:
    """Print the template NAME as Markdown; its code is the reference service's own."""
    found = templates()
    if name not in found:
        near = difflib.get_close_matches(name, found, 1)
        hint = f" Did you mean {near[0]}?" if near else " 'sessionlint template list' lists them."
        raise click.UsageError(f"there is no template {name!r}.{hint}")
    click.echo(found[name], nl=False)


def templates() -> dict[str, str]:
    """The templates by name: Markdown whose first line is the title."""
    folder = resources.files("sessionlint") / "templates"
    files = sorted((f for f in folder.iterdir() if f.name.endswith(".md")), key=lambda f: f.name)
    return {f.name.removesuffix(".md"): f.read_text(encoding="utf-8") for f in files}
