"""``sessionlint template``: what the reference service does, to copy from."""

from pathlib import Path

TEMPLATES = Path(__file__).parents[2] / "linters" / "sessionlint" / "templates"


def test_every_template_is_listed_with_its_title(call):
    result = call("template", "list")
    assert result.status == 0
    listed = [line.split()[0] for line in result.out.splitlines()]
    assert listed == sorted(path.stem for path in TEMPLATES.glob("*.md"))
    assert "session-module " in result.out
    assert "# " not in result.out


def test_a_template_is_printed_as_it_is(call):
    result = call("template", "show", "service")
    assert (result.status, result.out) == (0, (TEMPLATES / "service.md").read_text(encoding="utf-8"))


def test_an_unknown_template_names_the_nearest(call):
    result = call("template", "show", "servise")
    assert result.status == 2
    assert "there is no template 'servise'. Did you mean service?" in result.err
