"""Directives that are not carried over, and why."""

from wsgi_scgi.convert.vocabulary import REASONS, has_no_meaning_here


def test_a_directive_has_a_reason_or_no_meaning_but_not_both() -> None:
    assert [name for name in REASONS if has_no_meaning_here(name)] == []


def test_names_are_in_lower_case() -> None:
    assert [name for name in REASONS if name != name.lower()] == []


def test_modules_and_logs_have_no_meaning_and_rules_have() -> None:
    assert has_no_meaning_here("loadmodule")
    assert has_no_meaning_here("loglevel")
    assert not has_no_meaning_here("require")
    assert not has_no_meaning_here("sslrequiressl")
