"""Templates and documentation are cut out of the service and never differ from it."""

from __future__ import annotations

import ast
import re

import pytest

from reference_app import templates
from reference_app.models import Base
from reference_app.templates import DOCS_FOLDER, TEMPLATES, TEMPLATES_FOLDER, Source, Template
from tests.reference_app.conftest import ROOT

GUIDE = ("architecture.md", "code-templates.md", "connection-pattern.md", "onboarding.md", "schema.md")


def test_every_generated_file_is_what_the_service_gives():
    stale = [
        str(path.relative_to(ROOT)) for path, text in templates.outputs() if path.read_text(encoding="utf-8") != text
    ]
    assert stale == [], "run python -m reference_app.templates"


def test_there_is_one_file_for_each_template_and_no_other():
    assert {path.stem for path in TEMPLATES_FOLDER.glob("*.md")} == {template.name for template in TEMPLATES}


def test_every_block_is_found_word_for_word_in_the_file_it_names():
    for path in TEMPLATES_FOLDER.glob("*.md"):
        blocks = re.findall(r"`(\S+\.py)`\n\n```python\n(.*?)```\n", path.read_text(), re.DOTALL)
        assert blocks, path
        for file, code in blocks:
            ast.parse(code)
            source = [line.strip() for line in (ROOT / file).read_text().splitlines() if line.strip()]
            shown = [line.strip() for line in code.splitlines() if line.strip()]
            assert set(shown) <= set(source), path


def test_every_python_block_of_the_guide_is_cut_out_of_the_service():
    for name in GUIDE:
        page = DOCS_FOLDER / name
        retyped = re.sub(r"<!-- template: [\w-]+ -->\n.*?<!-- end -->\n", "", page.read_text(), flags=re.DOTALL)
        assert "```python" not in retyped, page


def test_every_template_and_every_table_is_documented():
    pages = {page.name: page.read_text() for page in DOCS_FOLDER.glob("*.md")}
    for template in TEMPLATES:
        assert f"<!-- template: {template.name} -->" in pages["code-templates.md"]
    for table in Base.metadata.tables:
        assert f"<!-- schema: {table} -->" in pages["schema.md"]


def test_a_template_of_something_that_is_gone_is_an_error():
    gone = Template("x", "X", "never", (Source("reference_app/session.py", ("no_such_function",)),))
    with pytest.raises(LookupError, match="no_such_function"):
        templates.code_of(gone)


def test_every_link_between_the_pages_leads_somewhere():
    for page in DOCS_FOLDER.glob("*.md"):
        for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text()):
            assert "://" in target or (DOCS_FOLDER / target).exists(), (page.name, target)
