from __future__ import annotations

from indicators.words import Action, Category, Visibility


def test_actions_are_ordered_by_how_much_they_restrict() -> None:
    assert sorted(Action, key=lambda action: action.strength) == ["allow", "audit", "warn", "block"]


def test_sights_are_ordered_by_depth_and_no_two_are_equal() -> None:
    order = sorted(Visibility, key=lambda sight: sight.depth)
    assert order == ["dns", "connection", "sni", "server_cert", "url", "body"]
    assert len({sight.depth for sight in Visibility}) == len(Visibility)


def test_every_category_has_words_for_people() -> None:
    labels = [category.label for category in Category]
    assert len(set(labels)) == len(labels)
    assert Category.COMMAND_AND_CONTROL.label == "Command and control"
