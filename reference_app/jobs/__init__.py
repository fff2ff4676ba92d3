"""Scans as durable jobs: put into the queue by the transaction that makes their rows, worked by processes of their own.

What the rest of the service calls is ``reference_app.jobs.queue`` (services) and ``reference_app.jobs.worker``
(commands). ``docs/reference/jobs.md`` says what happens in every kind of failure.
"""
