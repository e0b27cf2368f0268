"""Media types by the extension of a file's name, from a table that no system file changes.

Python's own table without the system's ``mime.types``, and what the web has adopted since or
names otherwise (RFC 9239, WHATWG's MIME Sniffing, IANA's registry).
"""

import posixpath
from mimetypes import MimeTypes

UNKNOWN = "application/octet-stream"
"""What a browser stores and never runs, where a missing type would make it guess."""

_TYPES = {
    **MimeTypes().types_map[True],
    ".7z": "application/x-7z-compressed",
    ".aac": "audio/aac",
    ".apng": "image/apng",
    ".avif": "image/avif",
    ".br": "application/octet-stream",
    ".bz2": "application/x-bzip2",
    ".csv": "text/csv",
    ".epub": "application/epub+zip",
    ".flac": "audio/flac",
    ".gz": "application/gzip",
    ".heic": "image/heic",
    ".ico": "image/vnd.microsoft.icon",
    ".jpg": "image/jpeg",
    ".js": "text/javascript",
    ".json": "application/json",
    ".jsonld": "application/ld+json",
    ".m4a": "audio/mp4",
    ".m4v": "video/mp4",
    ".map": "application/json",
    ".md": "text/markdown",
    ".mjs": "text/javascript",
    ".mkv": "video/x-matroska",
    ".mp3": "audio/mpeg",
    ".oga": "audio/ogg",
    ".ogg": "audio/ogg",
    ".ogv": "video/ogg",
    ".opus": "audio/ogg",
    ".otf": "font/otf",
    ".rar": "application/vnd.rar",
    ".rtf": "application/rtf",
    ".svg": "image/svg+xml",
    ".svgz": "application/gzip",
    ".tgz": "application/gzip",
    ".ttf": "font/ttf",
    ".wasm": "application/wasm",
    ".wav": "audio/wav",
    ".weba": "audio/webm",
    ".webm": "video/webm",
    ".webmanifest": "application/manifest+json",
    ".webp": "image/webp",
    ".woff": "font/woff",
    ".woff2": "font/woff2",
    ".xml": "application/xml",
    ".xz": "application/x-xz",
    ".z": "application/x-compress",
    ".zip": "application/zip",
    ".zst": "application/zstd",
}


def media_type_of(name: bytes) -> str:
    """Return the media type for a file of this name.

    What is compressed is what it is: ``a.tar.gz`` is application/gzip and gets no
    Content-Encoding, or a browser would store it unpacked.
    """
    extension = posixpath.splitext(name)[1].decode("latin-1").lower()
    return _TYPES.get(extension, UNKNOWN)
