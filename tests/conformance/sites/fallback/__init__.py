"""A gateway with an application of its own behind its routes."""
