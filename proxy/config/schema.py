"""The JSON Schema of `config.yaml`, for editors: made from the model and from the words of indicators.

`seawall config schema` prints it, `config.schema.json` is the committed copy, and a test holds the two together.
"""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from indicators.fields import KEYS, MAX_TEXT, MAX_TITLE
from indicators.words import Action, Category, IndicatorType, Severity
from proxy.config.model import Config
from proxy.config.values import format_duration

type Schema = dict[str, Any]

_VALUE = "a domain, URL, address, network, file hash or certificate thumbprint; a domain covers its subdomains"


def config_schema() -> Schema:
    """Return the schema of the whole file. An empty value is allowed where it stands for an empty list or section."""
    schema: Schema = _tidy(Config.model_json_schema(schema_generator=_Generator))
    schema["properties"]["indicators"]["items"] = {"anyOf": [{"type": "string"}, {"$ref": "#/$defs/Indicator"}]}
    schema["$defs"]["Indicator"] = _indicator()
    return {"$schema": _Generator.schema_dialect, "title": "Seawall configuration", **schema}


def text() -> str:
    """Return the schema as the text of `config.schema.json`."""
    return json.dumps(config_schema(), indent=2, ensure_ascii=False) + "\n"


class _Generator(GenerateJsonSchema):
    """Write default durations as people do."""

    def encode_default(self, dft: Any) -> Any:
        return format_duration(dft) if isinstance(dft, timedelta) else super().encode_default(dft)


def _tidy(schema: Any) -> Any:
    """Drop pydantic's titles, which repeat the keys, and let lists and sections be empty values."""
    if isinstance(schema, list):
        return [_tidy(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {key: _tidy(value) for key, value in schema.items() if not (key == "title" and isinstance(value, str))}
    return {**kept, "type": [kept["type"], "null"]} if kept.get("type") in ("array", "object") else kept


def _indicator() -> Schema:
    fields = {key: {**_FIELDS[key], "description": _MEANING[key]} for key in KEYS}
    short = {
        str(action): _values(f"Short form: {action} {_VALUE}, or a list of them.") for action in reversed(list(Action))
    }
    value = {"value": _values(f"{_VALUE[0].upper()}{_VALUE[1:]}; or a list of them.")}
    kinds = {
        "action": _words(Action, "What to do."),
        "type": _words(IndicatorType, "Guessed from the value if absent."),
    }
    forms = [{"required": [key]} for key in short] + [{"required": ["value", "action"]}]
    return {
        "type": "object",
        "description": "One custom indicator: a short form such as `block: evil.example`, or `value` and `action`.",
        "properties": {**short, **value, **kinds, **fields},
        "additionalProperties": False,
        "oneOf": forms,
    }


def _values(description: str) -> Schema:
    one = {"type": ["string", "number"]}
    return {"anyOf": [one, {"type": "array", "items": one, "minItems": 1}], "description": description}


def _words(words: type[Action | Category | IndicatorType | Severity], description: str = "") -> Schema:
    return {"type": "string", "enum": [str(word) for word in words], "description": description}


_TEXT: Schema = {"type": "string", "maxLength": MAX_TEXT}
_FLAG: Schema = {"type": "boolean"}
_FIELDS: dict[str, Schema] = {
    "category": _words(Category),
    "title": {"type": "string", "maxLength": MAX_TITLE},
    "description": _TEXT,
    "severity": _words(Severity),
    "since": {"type": "string"},
    "expiration": {"type": "string"},
    "generate_alert": _FLAG,
    "recommended_actions": _TEXT,
    "educate_url": {"type": "string", "pattern": "^https?://"},
    "device_groups": {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]},
    "exact": _FLAG,
    "always_inspect": _FLAG,
}
_MEANING = {
    "category": "What the indicator warns of; `custom` if absent.",
    "title": "The alert's title.",
    "description": "What the block page and the alert say.",
    "severity": "The alert's severity.",
    "since": "A date or time: since when it is listed; shown on the block page.",
    "expiration": "A date (holds to its end) or a time, UTC unless it says otherwise; afterwards it does not exist.",
    "generate_alert": "Whether a hit raises an alert; true if absent.",
    "recommended_actions": "What the alert advises.",
    "educate_url": "A page to read, linked from the block page or warning.",
    "device_groups": "The device groups it holds for; all devices if absent.",
    "exact": "Do not cover subdomains of a domain, or what lies below a URL.",
    "always_inspect": "Decrypt the host's connections for devices that trust the CA.",
}
