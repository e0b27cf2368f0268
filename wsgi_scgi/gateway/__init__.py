"""Where WSGI and CGI meet: requests, their bodies and variables, responses, error pages."""
