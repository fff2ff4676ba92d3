"""sessionlint: who may open a database session, who commits, what reaches the pooler."""
