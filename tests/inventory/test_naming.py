"""Files have names that people know them by."""

import pytest

from sessionlint.inventory.naming import module_title


@pytest.mark.parametrize(
    ("path", "title"),
    [
        ("src/routers/google_maps_api.py", "Google Maps"),
        ("src/routers/batch_page_scraper.py", "Batch Page Scraper"),
        ("src/services/sitemap/processing_service.py", "Sitemap Processing Service"),
        ("src/services/db_inspector.py", "DB Inspector"),
        ("src/services/job_service.py", "Job Service"),
        ("src/session/async_session.py", "Async Session"),
        ("src/dispatch/incident/views.py", "Incident Views"),
        ("src/routers/wf1_places_router.py", "WF1 Places"),
        ("app/main.py", "Main"),
        ("app/users/__init__.py", "Users"),
        ("Docs/06_plan-25.09.py", "Plan 25 09"),
        ("__init__.py", "Init"),
        ("données/café.py", "Café"),
        ("___.py", "___.py"),
    ],
)
def test_a_title_comes_from_the_file_or_its_folder(path, title):
    assert module_title(path) == title
