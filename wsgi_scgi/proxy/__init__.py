"""The steps of the proxy; each is a Handler around others (gateway.response.Handler)."""
