"""``sessionlint init``."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path), default=Path())
@click.option("--force", is_flag=True, help="Replace a policy that is already there.")
@click.option(
    "--stdout", "to_stdout", is_flag=True, help="Print the policy instead of writing it, in the form that file takes."
)
@click.option("--debug", is_flag=True, hidden=True)
def init(folder: Path, force: bool, to_stdout: bool, debug: bool) -> None:
    """Infer a policy from the project in FOLDER and write it down, commented.

    It goes into pyproject.toml where there is one, else into sessionlint.toml.
    """
    from sessionlint.discovery import discover
    from sessionlint.policy import Policy
    from sessionlint.policy_writer import choose_target, render_for, would_be_target, write_policy
    from sessionlint.run import infer

    root = folder.resolve()
    target = would_be_target(root) if to_stdout else choose_target(root, force=force)
    discovery = discover(root, Policy(root=root))
    policy, notes = infer(root, discovery.files)
    if to_stdout:
        click.echo(render_for(target, policy, notes), nl=False)
        return
    write_policy(target, policy, notes, force=force)
    for note in (*notes, *discovery.notes):
        click.echo(note, err=True)
    click.echo(f"Wrote {target}. Read it through, then run 'sessionlint check'.")
