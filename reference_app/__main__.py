"""Starts the service: ``python -m reference_app [COMMAND]``."""

from reference_app.commands.cli import main

if __name__ == "__main__":
    main(prog_name="python -m reference_app")
