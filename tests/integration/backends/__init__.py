"""The gateway in front of SCGI servers that other people wrote and run."""
