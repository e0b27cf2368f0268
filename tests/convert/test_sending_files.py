"""Below which directory a backend may have files sent."""

import pytest

from tests.convert.apache_text import server_blocks
from wsgi_scgi.convert.sending_files import document_root, refused_files


def root(text: str) -> str:
    main, hosts = server_blocks(text)
    return document_root((main, *hosts), "/etc/apache2")[0]


def refused(text: str) -> list[str]:
    """Return the lines that keep files from being sent, by number and text."""
    main, hosts = server_blocks(text)
    return [one.partition("httpd.conf:")[2] for one in refused_files((main, *hosts), "/www/a")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        ("DocumentRoot /www\n", "/www"),
        ("DocumentRoot htdocs\n", "/etc/apache2/htdocs"),
        ("DocumentRoot ${X}\n", ""),
        ("DocumentRoot\n", ""),
        ("DocumentRoot /a\n<VirtualHost *>\nDocumentRoot /b\n</VirtualHost>\n", "/b"),
        ("DocumentRoot /a\n<VirtualHost *>\nTimeout 1\n</VirtualHost>\n", "/a"),
    ],
)
def test_document_root_is_that_of_the_innermost_server(text: str, expected: str) -> None:
    assert root(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<Directory />\nRequire all denied\n</Directory>\n"
        "<Directory /www>\nRequire all granted\n</Directory>\n",
        "<Directory /www/a/>\nRequire all granted\nAllowOverride None\n</Directory>\n"
        "<Directory />\nAllowOverride none\nRequire all denied\n</Directory>\n",
        "<Directory /other>\nRequire all denied\nAllowOverride All\n</Directory>\n",
        "<Directory /www/ab>\nRequire all denied\n</Directory>\n",
    ],
)
def test_files_may_be_sent_where_the_rules_let_everybody_have_them(text: str) -> None:
    assert refused(text) == []


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("<Directory />\nRequire all denied\n</Directory>\n", ["2: Require all denied"]),
        (
            "<Directory />\nRequire all granted\n</Directory>\n"
            "<Directory /www>\nRequire local\n</Directory>\n",
            ["5: Require local"],
        ),
        ("<Directory /www/a>\nRequire local\n</Directory>\n", ["2: Require local"]),
        ("<Directory /www/a/b>\nDeny from all\n</Directory>\n", ["2: Deny from all"]),
        ("<Directory /www/*/b>\nDeny from all\n</Directory>\n", ["2: Deny from all"]),
        ("<Directory ~ secret>\nRequire local\n</Directory>\n", ["2: Require local"]),
        ("<DirectoryMatch secret>\nRequire local\n</DirectoryMatch>\n", ["2: Require local"]),
        ("<Files .ht*>\nRequire all denied\n</Files>\n", ["2: Require all denied"]),
        ("<FilesMatch ^\\.ht>\nRequire local\n</FilesMatch>\n", ["2: Require local"]),
        (
            "<Directory />\n<Files .ht*>\nRequire all denied\n</Files>\n</Directory>\n",
            ["3: Require all denied"],
        ),
        (
            "<Directory /www/a/b>\n<Files x>\nRequire local\n</Files>\n</Directory>\n",
            ["3: Require local"],
        ),
        ("<Directory /www>\nAllowOverride All\n</Directory>\n", ["2: AllowOverride All"]),
        (
            "<Directory /www/a>\nAllowOverride AuthConfig\n</Directory>\n",
            ["2: AllowOverride AuthConfig"],
        ),
        (
            "<VirtualHost *>\n<Directory /www/a>\nRequire local\n</Directory>\n</VirtualHost>\n",
            ["3: Require local"],
        ),
    ],
)
def test_a_rule_that_may_be_for_a_file_below_keeps_the_root_from_being_used(
    text: str, lines: list[str]
) -> None:
    assert refused(text) == lines
