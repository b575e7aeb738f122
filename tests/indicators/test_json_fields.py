from __future__ import annotations

import pytest

from indicators.json_fields import MAX_TEXT, JsonFields
from indicators.words import Action


def test_what_is_missing_has_its_default() -> None:
    read = JsonFields({"empty": ""}, "event")
    assert (read.text("text"), read.texts("texts"), read.number("number", 7), read.flag("flag")) == ("", (), 7, False)
    assert (read.objects("objects"), read.has("text"), read.has("empty")) == ((), False, False)
    assert read.word("word", Action, Action.BLOCK) == Action.BLOCK


def test_a_long_text_in_a_list_is_cut_and_a_long_list_refused() -> None:
    assert JsonFields({"texts": ["x" * (MAX_TEXT + 1)]}, "event").texts("texts") == ("x" * MAX_TEXT,)
    for read in (JsonFields.texts, JsonFields.objects):
        with pytest.raises(ValueError, match="list: expected a list of at most 64"):
            read(JsonFields({"list": [{}] * 65}, "event"), "list")


def test_an_error_names_the_way_to_the_field() -> None:
    outer = JsonFields({"list": [{}, {"inner": {"port": -1}}]}, "event")
    with pytest.raises(ValueError, match=r"^list\[1\]\.inner\.port: expected a whole number from 0 to 9$"):
        outer.objects("list")[1].object("inner").number("port", 0, most=9)
    with pytest.raises(ValueError, match=r"^list\[0\]\.inner: expected an object, got NoneType$"):
        outer.objects("list")[0].object("inner")
