"""One rule, one file; discovered by module name ``txnNNN_*``."""
