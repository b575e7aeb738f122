"""Read what a gateway answers, strictly: it is shown to people, and a gateway is another machine. Pure."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

type Words = Annotated[str, Field(max_length=8192)]
_LENIENT = ConfigDict(extra="ignore")


@dataclass(frozen=True, slots=True, config=_LENIENT)
class AnsweredMatch:
    """One indicator that spoke of the target, and the guard that lowered it if one did."""

    indicator: Words
    type: Words
    action: Words
    category: Words
    source: Words
    observable: Words = ""
    place: Words = ""
    line: Annotated[int, Field(ge=0, lt=2**53)] = 0
    title: Words = ""
    guard: Words = ""


@dataclass(frozen=True, slots=True, config=_LENIENT)
class Answer:
    """What one gateway would do with a target: `error` says why it could not tell."""

    target: Words
    action: Words | None = None
    reason: Words = ""
    final: bool = True
    needs: Words | None = None
    would: Words | None = None
    category: Words | None = None
    source: Words | None = None
    indicator: Words | None = None
    host: Words = ""
    mode: Words = ""
    paused: bool = False
    inspects: bool = False
    error: Words = ""
    matches: Annotated[tuple[AnsweredMatch, ...], Field(max_length=500)] = ()

    @property
    def stops(self) -> bool:
        """Say whether a person asks because this stops them."""
        return self.action in ("block", "warn")


_ANSWER = TypeAdapter(Answer)


def read_answer(body: object) -> Answer:
    """Read an answer. Raises ValueError naming the field."""
    try:
        return _ANSWER.validate_python(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise ValueError(f"{'.'.join(map(str, first['loc'])) or 'body'}: {first['msg']}") from None


def written(answer: Answer) -> dict[str, Any]:
    """Return plain JSON values."""
    found: dict[str, Any] = _ANSWER.dump_python(answer, mode="json")
    return found
