"""The configuration: options declared once, read from TOML, Python or the command line."""
