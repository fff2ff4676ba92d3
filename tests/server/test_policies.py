"""The policy while it is being written, and projects that have none."""

from __future__ import annotations

from pathlib import Path

from tests.server.editor import editing
from tests.server.projects import POLICY, project, write
from tests.server.projects import SERVICE as SERVICE_TEXT

SERVICE = "app/services/names.py"
COMMITTING = SERVICE_TEXT.replace("flush", "commit")
TOML = "sessionlint.toml"


async def test_a_mistake_in_the_policy_is_shown_where_it_is_as_it_is_typed(tmp_path: Path) -> None:
    write(project(tmp_path), {SERVICE: COMMITTING})
    async with editing(tmp_path) as editor:
        await editor.codes(SERVICE, "TXN201")
        await editor.open(TOML, language="toml")
        await editor.replace(TOML, "session-modules", "session-modles")
        (mistake,) = await editor.codes(TOML, "policy")
        assert mistake.range.start.line == 1
        assert mistake.message == "session-modles: unknown key. Did you mean 'session-modules'?"
        await editor.save(TOML)
        await editor.codes(TOML, "policy")
        # the last policy without mistakes stays in force
        assert [d.code for d in editor.diagnostics[editor.uri(SERVICE)]] == ["TXN201"]


async def test_a_policy_that_is_wrong_from_the_start_is_all_there_is_to_say(tmp_path: Path) -> None:
    write(project(tmp_path), {SERVICE: COMMITTING, TOML: 'preset = "scrapersky\n'})
    async with editing(tmp_path) as editor:
        (mistake,) = await editor.codes(TOML, "policy")
        assert mistake.message.startswith("is not valid TOML")
        write(tmp_path, {TOML: POLICY.format(more="")})
        await editor.tell_changed(TOML)
        await editor.codes(TOML)
        await editor.codes(SERVICE, "TXN201")


async def test_a_saved_policy_takes_effect(tmp_path: Path) -> None:
    write(project(tmp_path), {SERVICE: COMMITTING})
    async with editing(tmp_path) as editor:
        await editor.codes(SERVICE, "TXN201")
        await editor.open(TOML, language="toml")
        await editor.type(TOML, POLICY.format(more='ignore = ["TXN2"]'))
        await editor.save(TOML)
        assert await editor.codes(SERVICE) == []
        await editor.type(TOML, POLICY.format(more=""))
        await editor.save(TOML)
        (again,) = await editor.codes(SERVICE, "TXN201")
        assert again.range.start.line == COMMITTING[: COMMITTING.index(".commit(")].count("\n")


async def test_without_a_policy_one_is_inferred_and_followed(tmp_path: Path) -> None:
    write(project(tmp_path), {SERVICE: COMMITTING})
    (tmp_path / TOML).unlink()
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "names"\n')
    async with editing(tmp_path) as editor:
        await editor.codes(SERVICE, "TXN201")
        await editor.until(lambda: any("app/session.py" in log for log in editor.logs))
        write(tmp_path, {TOML: POLICY.format(more='ignore = ["TXN2"]')})
        await editor.tell_changed(TOML)
        await editor.codes(SERVICE)
        (tmp_path / TOML).unlink()
        await editor.tell_changed(TOML)
        await editor.codes(SERVICE, "TXN201")
