"""What the service does, on a session it is given: add, execute, flush. Never a transaction, a token or a request."""
