"""The documentation is run: every file, command and answer that it shows."""
