"""The gate: what does not count although a rule found it, because of a comment, a baseline or a revision."""
