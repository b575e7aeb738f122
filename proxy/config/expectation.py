"""Say in a plain sentence what a key of `config.yaml` expects, from the model's own JSON Schema.

Pydantic's errors are translated here and nowhere else. Where a value stands in the file is not known here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from difflib import get_close_matches
from functools import cache
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from proxy.config.errors import KeyPath
from proxy.config.model import Config

type Schema = dict[str, Any]


def mistakes(error: ValidationError) -> Iterator[tuple[KeyPath, str]]:
    """Yield the mistakes of a failed validation, one for each path in the file, and what was expected there."""
    deepest: dict[KeyPath, ErrorDetails] = {}
    for detail in error.errors(include_url=False):
        path = _written_path(detail)
        if path not in deepest or len(detail["loc"]) > len(deepest[path]["loc"]):
            deepest[path] = detail
    for path, detail in deepest.items():
        yield path, _message(detail, path)


def _written_path(detail: ErrorDetails) -> KeyPath:
    """Cut what pydantic appends for the members of a union, which the file does not have."""
    path: KeyPath = ()
    for step in detail["loc"]:
        if detail["type"] != "extra_forbidden" and step_into(schema_at(path), step) is None:
            break
        path = (*path, step)
    return path


def _message(detail: ErrorDetails, path: KeyPath) -> str:
    kind, value = detail["type"], detail["input"]
    if kind == "extra_forbidden":
        return unknown_key(str(path[-1]), schema_at(path[:-1]))
    if kind == "missing":
        return f"is missing; expected {expected(schema_at(path))}"
    if kind == "value_error" and len(path) == len(detail["loc"]):
        return str(detail["ctx"]["error"])
    return f"expected {expected(schema_at(path))}, got {_got(value)}"


def unknown_key(name: str, parent: Schema) -> str:
    """Say that a key is unknown, with the nearest known one, or all of them."""
    known = list(parent.get("properties", {}))
    near = get_close_matches(name.lower().replace("-", "_"), known, n=1, cutoff=0.6)
    return f"unknown key; did you mean `{near[0]}`?" if near else f"unknown key; expected one of {', '.join(known)}"


def _got(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "keys and values"
    return "a list" if isinstance(value, list) else f"{value!r:.60}"


@cache
def _root() -> Schema:
    return Config.model_json_schema()


def schema_at(path: KeyPath) -> Schema:
    """Return the schema of the value at `path`; empty where the model has none."""
    schema = _root()
    for step in path:
        schema = step_into(schema, step) or {}
    return schema


def step_into(schema: Schema, step: str | int) -> Schema | None:
    """Return the schema one key or index further in, or nothing when the model has none there."""
    if isinstance(step, int):
        found = schema.get("items")
    else:
        found = schema.get("properties", {}).get(step, schema.get("additionalProperties"))
    return _resolved(found) if isinstance(found, dict) else None


def _resolved(schema: Schema) -> Schema:
    reference = schema.get("$ref")
    if reference:
        return {**_root()["$defs"][reference.rpartition("/")[2]], **schema}
    own = {key: value for key, value in schema.items() if key != "anyOf"}
    members = [_resolved(member) for member in schema.get("anyOf", []) if member.get("type") != "null"]
    return {**own, "anyOf": members} if len(members) > 1 else {**members[0], **own} if members else own


def expected(schema: Schema) -> str:
    """Describe what a schema takes, as the end of a sentence that begins with *expected*."""
    if "anyOf" in schema:
        return " or ".join(expected(member) for member in schema["anyOf"])
    if "enum" in schema:
        return "one of " + ", ".join(map(str, schema["enum"]))
    describe = _TYPES.get(schema.get("type", ""))
    return describe(schema) if describe else "another value"


def _text(schema: Schema) -> str:
    if "pattern" in schema and "examples" not in schema:
        return "a short name of a-z, 0-9, `.`, `-` and `_`"
    known = _FORMATS.get(schema.get("format", ""), "text")
    examples = schema.get("examples")
    return f"{known} such as {examples[0]}" if examples else known


def _integer(schema: Schema) -> str:
    least, most = schema.get("minimum"), schema.get("maximum")
    return "a whole number" if least is None or most is None else f"a whole number from {least} to {most}"


_TYPES: dict[str, Callable[[Schema], str]] = {
    "string": _text,
    "integer": _integer,
    "array": lambda _: "a list (`- …`)",
    "boolean": lambda _: "true or false",
    "object": lambda _: "keys and values (`key: value`)",
}
_FORMATS = {
    "ipvanyaddress": "an IP address such as 127.0.0.1",
    "ipvanynetwork": "a network such as 10.0.0.0/8",
    "path": "a path",
}
