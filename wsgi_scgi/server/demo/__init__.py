"""The program behind ``wsgi-scgi demo``: a WSGI application and its page, served over SCGI.

``python -m wsgi_scgi.server.demo --socket PATH`` runs it alone; ``launch.running_demo`` runs it
as a child process.
"""
