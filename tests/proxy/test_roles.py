from __future__ import annotations

import pytest

from proxy.roles import INSPECTOR, ROLES, inspectors, is_further, resolvers, role_named


def test_inspectors_are_numbered_and_found_by_name() -> None:
    assert [role.name for role in inspectors(3)] == ["inspector", "inspector-2", "inspector-3"]
    assert {role.serve for role in inspectors(3)} == {INSPECTOR.serve}
    assert [role_named(role.name) for role in inspectors(3)] == list(inspectors(3))
    assert [role_named(name) for name in ROLES] == list(ROLES.values())


def test_resolvers_are_numbered_and_found_by_name() -> None:
    assert [role.name for role in resolvers(2)] == ["resolver", "resolver-2"]
    assert [role_named(role.name) for role in resolvers(2)] == list(resolvers(2))
    assert [is_further(role.name) for role in resolvers(2)] == [False, True]


@pytest.mark.parametrize("name", ["", "nobody", "front-2", "inspector-x"])
def test_no_other_name_is_a_role(name: str) -> None:
    with pytest.raises(ValueError, match="no role"):
        role_named(name)
