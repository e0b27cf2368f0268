"""From files to a tree of directives."""

from collections.abc import Collection, Mapping
from pathlib import Path

import pytest

from wsgi_scgi.convert.directive import Certainty, Directive
from wsgi_scgi.convert.reading import Tree, read_configuration
from wsgi_scgi.errors import ConfigurationError


class Files:
    """A directory with configuration files."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def write(self, name: str, text: str | bytes) -> Path:
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    def read(
        self,
        text: str | bytes,
        given: Collection[str] | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> Tree:
        path = self.write("httpd.conf", text)
        return read_configuration(path, given=given, environment=environment or {})

    def refuse(self, text: str | bytes) -> str:
        """Return the error without the directory."""
        with pytest.raises(ConfigurationError) as caught:
            self.read(text)
        return str(caught.value).replace(f"{self.directory}/", "")


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


def outline(directives: tuple[Directive, ...]) -> list[object]:
    """Return keys and words, sections as nested lists."""
    return [
        [one.key, *one.words, outline(one.children)] if one.key[0] == "<" else [one.key, *one.words]
        for one in directives
    ]


def certainties(tree: Tree, key: str = "listen") -> list[str]:
    return [one.certainty.name for top in tree.directives for one in top.walk() if one.key == key]


def test_sections_are_nested_and_names_have_no_case(files: Files) -> None:
    tree = files.read(
        '<LOCATION "/a b">\n<RequireAny>\nREQUIRE ip "::1"\n</requireany>\n</Location>\nListen 80'
    )

    assert outline(tree.directives) == [
        ["<location", "/a b", [["<requireany", [["require", "ip", "::1"]]]]],
        ["listen", "80"],
    ]


def test_every_directive_knows_its_file_and_line(files: Files) -> None:
    files.write("conf.d/a.conf", "\nListen 81\n")
    tree = files.read("# first\nListen \\\n80\nInclude conf.d/*.conf\n")

    assert [str(one.place).replace(f"{files.directory}/", "") for one in tree.directives] == [
        "httpd.conf:2",
        "conf.d/a.conf:2",
    ]


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("<Location />\nListen 80\n", "httpd.conf:1: <location> is not closed"),
        ("<Location />\n</Directory>\n", "httpd.conf:2: </Directory> where </location> is due"),
        ("<Location />\n</Location\n", "httpd.conf:2: </Location where </location> is due"),
        ("\n</Location>\n", "httpd.conf:2: </Location> closes a section that is not open"),
        ("<Location /\n</Location>\n", "httpd.conf:1: the section lacks its >"),
        ('Alias "/a /b\n', 'httpd.conf:1: the quote " is not closed'),
        ("<Location '/a>\n</Location>\n", "httpd.conf:1: the quote ' is not closed"),
        ("<IfModule mod_proxy.c>\n<Location />\n</IfModule>\n", "httpd.conf:3: </IfModule> where"),
        ("Listen 8\0\n", "httpd.conf:1: the line has a NUL"),
        (b"\nAlias /caf\xe9 /x\n", "httpd.conf:2: the line is not UTF-8"),
        ("Use VHost a b\n", "httpd.conf:1: Use VHost a b: macros are not expanded"),
        ("<Macro VHost $a>\n</Macro>\n", "httpd.conf:1: <Macro VHost $a>: programs in the file"),
        ("<Perl>\n</Perl>\n", "httpd.conf:1: <Perl>: programs in the file"),
        ("Include none.conf\n", "httpd.conf:1: Include none.conf: there is no such file"),
        ("Include none/*.conf\n", "httpd.conf:1: Include none/*.conf: there is no such file"),
        ("Include\n", "httpd.conf:1: Include: the name of the file is unknown"),
        ("Include ${X}/a\n", "httpd.conf:1: Include ${X}/a: the name of the file is unknown"),
        ("Include httpd.conf\n", "httpd.conf:1: httpd.conf includes itself, or too deep"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_place(
    files: Files, text: str | bytes, error: str
) -> None:
    assert error in files.refuse(text)


def test_a_comment_may_have_any_bytes(files: Files) -> None:
    assert files.read(b"# caf\xe9\nListen 80\n").directives[0].key == "listen"


def test_a_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"cannot read .*none.conf: No such file"):
        read_configuration(tmp_path / "none.conf", given=None, environment={})


def test_text_after_half_a_quote_is_allowed_where_apache_has_always_allowed_it(
    files: Files,
) -> None:
    (directive,) = files.read('ErrorDocument 404 "Not here\n').directives

    assert directive.words == ('404 "Not here',)


class TestInclude:
    """Include and IncludeOptional."""

    def test_an_included_file_stands_where_it_is_included(self, files: Files) -> None:
        files.write("inner.conf", "Require local\n")
        tree = files.read("<Location />\nInclude inner.conf\n</Location>\n")

        assert outline(tree.directives) == [["<location", "/", [["require", "local"]]]]

    def test_a_section_ends_in_the_file_where_it_began(self, files: Files) -> None:
        files.write("inner.conf", "</Location>\n")

        error = files.refuse("<Location />\nInclude inner.conf\n</Location>\n")
        assert error == "inner.conf:1: </Location> closes a section that is not open"

    def test_server_root_comes_first_then_the_directory_of_the_file(self, files: Files) -> None:
        files.write("root/a.conf", "Listen 1\n")
        files.write("a.conf", "Listen 2\n")
        files.write("b/c.conf", "Include d.conf\n")
        files.write("b/d.conf", "Listen 3\n")
        tree = files.read(f"ServerRoot {files.directory}/root\nInclude a.conf\nInclude b/c.conf\n")

        assert [one.argument for one in tree.directives][1:] == ["1", "3"]
        assert tree.server_root == f"{files.directory}/root"

    def test_without_server_root_the_directory_of_the_file_counts(self, files: Files) -> None:
        assert files.read("Listen 1\n").server_root == str(files.directory)

    def test_an_optional_file_that_is_not_there_is_kept_for_a_comment(self, files: Files) -> None:
        (directive,) = files.read("IncludeOptional sites/*.conf\n").directives

        assert directive.key == "includeoptional"

    def test_a_chain_is_not_endless(self, files: Files) -> None:
        for number in range(30):
            files.write(f"{number}.conf", f"Include {number + 1}.conf\n")

        assert "19.conf:1: " in files.refuse("Include 0.conf\n")

    def test_a_file_may_be_included_twice_but_not_in_itself(self, files: Files) -> None:
        files.write("a.conf", "Listen 1\n")
        assert len(files.read("Include a.conf\nInclude a.conf\n").directives) == 2

        files.write("a.conf", "Include b.conf\n")
        files.write("b.conf", "Include a.conf\n")
        assert files.refuse("Include a.conf\n") == "b.conf:1: a.conf includes itself, or too deep"

    def test_a_directory_that_leads_nowhere_is_told(self, files: Files) -> None:
        (files.directory / "loop").symlink_to(files.directory)

        assert "directories deep" in files.refuse("Include loop\n")

    def test_a_file_that_is_no_file_is_told(self, files: Files) -> None:
        (files.directory / "a.conf").symlink_to("/proc/self/mem")

        assert "httpd.conf:1: a.conf: Input/output error" in files.refuse("Include a.conf\n")

    def test_a_link_that_leads_nowhere_is_told(self, files: Files) -> None:
        (files.directory / "a.conf").symlink_to("none")

        error = files.refuse("IncludeOptional *a.conf\n")
        assert error == "httpd.conf:1: a.conf: No such file or directory"

    def test_in_doubt_a_missing_file_is_no_error(self, files: Files) -> None:
        tree = files.read("<IfDefine X>\nInclude none.conf\n</IfDefine>\n")

        assert [one.key for one in tree.directives] == ["<ifdefine", "include"]

    def test_in_doubt_a_file_is_read_for_its_rules(self, files: Files) -> None:
        files.write("a.conf", "Listen 1\n")

        assert certainties(files.read("<IfDefine X>\nInclude a.conf\n</IfDefine>\n")) == ["DOUBTED"]


class TestDefine:
    """Define, UnDefine and ${NAME}."""

    def test_a_value_is_put_in_before_the_line_is_divided(self, files: Files) -> None:
        tree = files.read('Define ARGS "80 https"\nListen ${ARGS}\n')

        assert tree.directives[1].words == ("80", "https")

    def test_sections_and_names_of_directives_may_be_values(self, files: Files) -> None:
        tree = files.read(
            "Define WHERE /a\nDefine WHAT Listen\n<Location ${where}>\n${WHAT} 80\n</Location>\n"
        )

        assert outline(tree.directives)[2:] == [["<location", "/a", [["listen", "80"]]]]

    def test_what_came_from_the_environment_is_known(self, files: Files) -> None:
        tree = files.read("Listen ${PORT}\n", environment={"PORT": "80", "HOME": "/"})

        assert tree.environment == {"PORT": "80"}

    def test_defined_names_decide_what_is_read(self, files: Files) -> None:
        tree = files.read(
            "Define A\n<IfDefine A>\nListen 1\n</IfDefine>\n<IfDefine !A>\nListen 2\n</IfDefine>\n"
            "UnDefine A\n<IfDefine A>\nListen 3\n</IfDefine>\n<IfDefine !A>\nListen 4\n</IfDefine>"
        )

        assert [one.words for one in tree.directives if one.key == "listen"] == [("1",), ("4",)]

    def test_lines_without_arguments_do_nothing(self, files: Files) -> None:
        tree = files.read("Define\nUnDefine\nServerRoot\nLoadModule\n")

        assert len(tree.directives) == 4


class TestConditions:
    """Sections that depend on the server or on the request."""

    def test_what_is_certainly_not_in_effect_is_only_looked_through(self, files: Files) -> None:
        tree = files.read(
            "<IfModule !mod_proxy.c>\n<Location />\nInclude none.conf\nDefine X\nA 'b\n"
            "</Location>\n</IfModule>\n<IfDefine X>\nListen 80\n</IfDefine>\n"
        )

        assert [one.key for one in tree.directives] == ["<ifmodule", "<ifdefine", "listen"]
        assert certainties(tree) == ["DOUBTED"]

    def test_a_section_that_is_skipped_has_to_be_closed(self, files: Files) -> None:
        error = files.refuse("<IfModule !mod_proxy.c>\n<Location />\n</IfModule>\n")

        assert "httpd.conf:3: </IfModule> where </location> is due" in error

    def test_a_proxy_module_is_there(self, files: Files) -> None:
        tree = files.read("<IfModule mod_proxy_scgi.c>\nListen 80\n</IfModule>\n")

        assert certainties(tree) == ["CERTAIN"]

    def test_a_loaded_module_is_there(self, files: Files) -> None:
        tree = files.read(
            "LoadModule ssl_module a/mod_ssl.so\n<IfModule ssl_module>\nListen 1\n</IfModule>\n"
            "<IfModule mod_x.c>\nListen 2\n</IfModule>\n"
            "<IfModule !mod_ssl.c>\nListen 3\n</IfModule>\n"
        )

        assert certainties(tree) == ["CERTAIN", "DOUBTED"]

    def test_other_modules_may_be_there(self, files: Files) -> None:
        tree = files.read(
            "<IfModule a.c>\nListen 1\n</IfModule>\n<IfModule !a.c>\nListen 2\n</IfModule>\n"
        )

        assert certainties(tree) == ["ASSUMED", "DOUBTED"]

    def test_the_most_doubtful_condition_around_counts(self, files: Files) -> None:
        tree = files.read(
            "<IfDefine X>\n<IfModule a.c>\n<IfModule mod_proxy.c>\nListen 1\n"
            "</IfModule>\n</IfModule>\n</IfDefine>\n"
        )

        (listen,) = [one for one in tree.directives if one.key == "listen"]
        assert listen.certainty is Certainty.DOUBTED
        assert listen.condition.startswith("<IfDefine X> at ")

    def test_names_of_the_command_line_are_certain_if_they_are_given(self, files: Files) -> None:
        text = "<IfDefine X>\nListen 1\n</IfDefine>\n<IfDefine !X>\nListen 2\n</IfDefine>\n"

        assert certainties(files.read(text)) == ["DOUBTED", "ASSUMED"]
        assert certainties(files.read(text, given=["X"])) == ["CERTAIN"]
        assert certainties(files.read(text, given=())) == ["CERTAIN"]

    def test_what_is_in_a_section_that_nobody_knows_is_in_doubt(self, files: Files) -> None:
        tree = files.read("<Location />\n<IfCluster 'a>\nListen 80\n</IfCluster>\n</Location>\n")

        assert certainties(tree) == ["DOUBTED"]

    def test_a_condition_on_the_request_leaves_all_in_doubt(self, files: Files) -> None:
        tree = files.read(
            "<Location />\n<If \"%{A} == 'b'\">\nListen 1\n</If>\n<ElseIf 'x>\nListen 2\n"
            "</ElseIf>\n<Else>\nListen 3\n</Else>\n<Limit GET>\nListen 4\n</Limit>\n"
            "<LimitExcept GET>\nListen 5\n</LimitExcept>\n</Location>\n"
        )

        (location,) = tree.directives
        listens = [one for one in location.children if one.key == "listen"]
        assert {one.certainty for one in listens} == {Certainty.DOUBTED}
        assert [one.late for one in listens] == [True, True, True, False, False]
