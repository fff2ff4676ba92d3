"""Facts of all files become names, calls, roles and summaries."""
