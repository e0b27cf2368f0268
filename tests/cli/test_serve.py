"""How the arguments of ``serve`` are read."""

import pytest

from wsgi_scgi.cli.serve import prepare


@pytest.mark.parametrize(
    ("arguments", "ours", "gunicorns"),
    [
        ([], [], []),
        (["serve", "URL"], ["serve", "URL"], []),
        (["serve", "--path-info", "URL"], ["serve", "--path-info=true", "URL"], []),
        (["serve", "URL", "--path-info"], ["serve", "URL", "--path-info=true"], []),
        (["serve", "--path-info", "apache", "URL"], ["serve", "--path-info", "apache", "URL"], []),
        (["serve", "--path-info", "false"], ["serve", "--path-info", "false"], []),
        (["serve", "--path-info=apache", "URL"], ["serve", "--path-info=apache", "URL"], []),
        (
            ["serve", "URL", "--path-info", "--", "--workers", "2", "--", "x"],
            ["serve", "URL", "--path-info=true"],
            ["--workers", "2", "--", "x"],
        ),
    ],
)
def test_a_flag_alone_means_true_and_what_follows_the_dashes_is_gunicorns(
    arguments: list[str], ours: list[str], gunicorns: list[str]
) -> None:
    assert prepare(arguments) == (ours, gunicorns)
