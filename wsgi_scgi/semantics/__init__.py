"""HTTP facts as pure functions: targets and paths, hosts, header fields."""
