"""The reference service: a batch page scraper whose sessions, transactions and jobs follow the rules of sessionlint.

Run it from the checkout with ``python -m reference_app``; ``docs/reference/architecture.md`` describes the parts.
"""
