"""From the words of a `$filter` to a tree of comparisons, `and`, `or` and `not`. Pure; no field is known.

Understood are eq, ne, gt, ge, lt, le, in (…), startswith, endswith, contains, and `list/any(x: x eq 'value')`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from collector.odata.words import Form, Literal, ODataError, Word, words

COMPARISONS = ("eq", "ne", "gt", "ge", "lt", "le")
FUNCTIONS = ("startswith", "endswith", "contains")
MOST_CONDITIONS = 100
_DEEPEST = 20

type Condition = Comparison | Joined | Negated


@dataclass(frozen=True, slots=True)
class Comparison:
    """Compare a field with literals. `operator` is one of those above, `in`, or `any` for an element of a list."""

    field: str
    operator: str
    literals: tuple[Literal, ...]
    at: int
    value_at: int


@dataclass(frozen=True, slots=True)
class Joined:
    """Join conditions by `and` or `or`."""

    word: str
    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Negated:
    """Turn a condition round."""

    part: Condition


def parse(text: str) -> Condition:
    """Return the tree. Raises ODataError naming the character and what was expected there."""
    reading = _Reading(list(words(text)))
    found = reading.any_of(0)
    reading.expect(Form.END, "", "`and`, `or` or the end")
    return found


class _Reading:
    """Read words from left to right; `and` binds closer than `or`."""

    def __init__(self, found: list[Word]) -> None:
        self._words = found
        self._next = 0
        self._conditions = 0

    def any_of(self, depth: int) -> Condition:
        return self._joined("or", lambda: self._joined("and", lambda: self._one(depth)))

    def expect(self, form: Form, text: str, said: str) -> Word:
        word = self._peek()
        if word.form is not form or (text and word.text != text):
            raise ODataError(word.at, f"expected {said}, got {word.text[:40]}")
        self._next = min(self._next + 1, len(self._words) - 1)
        return word

    def _peek(self) -> Word:
        return self._words[self._next]

    def _takes(self, text: str) -> bool:
        if self._peek().text != text or self._peek().form is Form.LITERAL:
            return False
        self._next += 1
        return True

    def _joined(self, word: str, part: Callable[[], Condition]) -> Condition:
        parts = [part()]
        while self._takes(word):
            parts.append(part())
        return parts[0] if len(parts) == 1 else Joined(word, tuple(parts))

    def _one(self, depth: int) -> Condition:
        if depth > _DEEPEST:
            raise ODataError(self._peek().at, f"nested deeper than {_DEEPEST}")
        if self._takes("not"):
            return Negated(self._one(depth + 1))
        if self._takes("("):
            inner = self.any_of(depth + 1)
            self.expect(Form.MARK, ")", "`)`")
            return inner
        return self._comparison()

    def _comparison(self) -> Comparison:
        name = self.expect(Form.NAME, "", "the name of a field")
        self._conditions += 1
        if self._conditions > MOST_CONDITIONS:
            raise ODataError(name.at, f"more than {MOST_CONDITIONS} conditions")
        if name.text in FUNCTIONS:
            return self._function(name)
        if name.text.endswith("/any"):
            return self._element(name)
        said = self.expect(Form.NAME, "", f"one of {', '.join((*COMPARISONS, 'in'))}")
        if said.text == "in":
            return self._membership(name)
        if said.text not in COMPARISONS:
            raise ODataError(said.at, f"expected one of {', '.join((*COMPARISONS, 'in'))}, got {said.text[:40]}")
        value = self._literal()
        return Comparison(name.text, said.text, (value.value,), name.at, value.at)

    def _literal(self) -> Word:
        return self.expect(Form.LITERAL, "", "a value such as 'text', 12, true or 2026-11-23T12:00:00Z")

    def _function(self, function: Word) -> Comparison:
        self.expect(Form.MARK, "(", "`(`")
        name = self.expect(Form.NAME, "", "the name of a field")
        self.expect(Form.MARK, ",", "`,`")
        value = self._literal()
        self.expect(Form.MARK, ")", "`)`")
        return Comparison(name.text, function.text, (value.value,), name.at, value.at)

    def _membership(self, name: Word) -> Comparison:
        self.expect(Form.MARK, "(", "`(`")
        first = self._literal()
        values = [first.value]
        while self._takes(","):
            values.append(self._literal().value)
        self.expect(Form.MARK, ")", "`,` or `)`")
        return Comparison(name.text, "in", tuple(values), name.at, first.at)

    def _element(self, name: Word) -> Comparison:
        self.expect(Form.MARK, "(", "`(`")
        variable = self.expect(Form.NAME, "", "a name such as `tag`")
        self.expect(Form.MARK, ":", "`:`")
        self.expect(Form.NAME, variable.text, f"`{variable.text}`")
        self.expect(Form.NAME, "eq", "`eq`")
        value = self._literal()
        self.expect(Form.MARK, ")", "`)`")
        return Comparison(name.text.removesuffix("/any"), "any", (value.value,), name.at, value.at)
