"""Callers, their CSRF tokens, and settings that would make tokens worthless."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from collector.settings import CollectorSettings
from collector.web.access import Access, Caller, Role, Tokens

SETTINGS = CollectorSettings("sqlite:///x", "g" * 16, "r" * 16, "a" * 16)


def test_tokens_name_their_role():
    tokens = Tokens(SETTINGS)
    assert tokens.caller("Bearer " + "g" * 16) == Caller(Role.GATEWAY, "gateway token")
    assert tokens.caller("bearer  " + "a" * 16) == Caller(Role.ADMIN, "admin token")
    for other in ("", "Bearer", "Bearer " + "g" * 15, "Basic " + "g" * 16, "Bearer \udcff"):
        assert tokens.caller(other) is None


def test_a_session_needs_its_own_csrf_token():
    browser = Caller(Role.ADMIN, "admin", "cookie-1")
    assert browser.may_change(browser.csrf)
    assert not browser.may_change("")
    assert not browser.may_change(Caller(Role.ADMIN, "admin", "cookie-2").csrf)
    assert Caller(Role.ADMIN, "admin token").may_change("")


def test_a_gateway_reads_nothing():
    gateway = Caller(Role.GATEWAY, "gateway token")
    assert [access for access in Access if access.admits(gateway)] == [
        Access.PUBLIC,
        Access.GATEWAY,
        Access.READ_OR_GATEWAY,
    ]
    assert not Access.READ.admits(None)
    assert Access.PUBLIC.admits(None)


@pytest.mark.parametrize(
    "changes",
    [{"read_token": "g" * 16}, {"admin_token": "short"}, {"gateway_token": ""}, {"retention": timedelta(0)}],
)
def test_settings_that_are_refused(changes):
    with pytest.raises(ValueError, match=r"token|retention"):
        replace(SETTINGS, **changes)


def test_settings_do_not_print_their_tokens():
    assert "g" * 16 not in repr(SETTINGS)
