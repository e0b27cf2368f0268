"""Answering with a file: roots that no path leads out of, the answer of RFC 9110, its body."""
