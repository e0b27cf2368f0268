"""``python -m wsgi_scgi`` is the command ``wsgi-scgi``."""

import sys

from wsgi_scgi.cli import main

if __name__ == "__main__":
    sys.exit(main())
