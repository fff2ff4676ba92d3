"""What can be run from the command line. Commands have no request, so they open sessions of their own."""
