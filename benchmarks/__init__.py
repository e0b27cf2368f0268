"""Benchmarks: this gateway and its peers under the same load, side by side.

``python -m benchmarks`` runs them; README.md says what is measured and how.
"""
