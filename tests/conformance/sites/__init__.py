"""The configurations of the sites that are not made from one list of routes."""
