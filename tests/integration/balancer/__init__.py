"""Balancers: the gateway with three workers, beside Apache where Apache has the feature."""
