"""Pages as plain data: pure functions from a :class:`~sessionlint_reports.subject.Subject` to what templates show.

The data of a page is what its template reads and what is written beside it as JSON, nothing more or less.
"""
