"""Health checks: members are asked how they are, whether or not requests come."""
