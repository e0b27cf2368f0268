"""Many backends as one: who may serve a request, who of them does, and what follows if it fails."""
