"""The committed config.yaml, its comments, config.schema.json and the model say the same."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from pydantic import BaseModel

from proxy.config.errors import dotted
from proxy.config.expectation import schema_at
from proxy.config.load import load_config
from proxy.config.model import Config
from proxy.config.schema import config_schema, text
from proxy.config.yaml_source import parse

ROOT = Path(__file__).resolve().parents[3]
COMMITTED = (ROOT / "config.yaml").read_text()
# A line that starts with `#` and no space, or more than one, is switched off.
COMPLETE = re.sub(r"(?m)^( *)#(?! \S)(?=.)", r"\1", COMMITTED)


def keys(schema: dict[str, Any], path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Yield the path of every key of the model; a list's items stand below index 0."""
    for name in schema.get("properties", {}):
        here = (*path, name)
        yield here
        inner = schema_at(here)
        yield from keys(inner, here)
        if inner.get("type") == "array":
            yield from keys(schema_at((*here, 0)), (*here, 0))


KEYS = list(keys(schema_at(())))


def comment_above(key: str | int, line: int) -> str:
    """Return the comment that ends right above a line, as one line of text."""
    found: list[str] = []
    for before in reversed(COMPLETE.splitlines()[: line - 1]):
        written = re.fullmatch(r" *(?:- )?# (.+)", before)
        if not written:
            break
        found.insert(0, written[1])
    return " ".join(found)


def test_the_model_has_the_keys_that_others_script_against() -> None:
    assert ("feeds", 0, "interval") in KEYS
    assert len(KEYS) > 40


@pytest.mark.parametrize("path", KEYS, ids=dotted)
def test_every_key_stands_in_the_committed_file_with_its_comment(path: tuple[str | int, ...]) -> None:
    document = parse(COMPLETE, "config.yaml")
    items = range(1, 4) if path[1:2] == (0,) else ()
    alternatives = [path, *((path[0], item, *path[2:]) for item in items)]
    written = [one for one in alternatives if document.node(one) is not None]
    assert written, f"{path} is not in config.yaml: add it there, with a comment"
    comment = comment_above(path[-1], document.line(written[0]))
    described = _description(path)
    assert comment.startswith(described), f"{path}: expected the comment in config.yaml to start with: {described}"
    if len(path) > 1 or not isinstance(getattr(Config(), str(path[0])), BaseModel):
        assert re.search(r"Default: |Required|Exactly one|none by default", comment), f"{path}: say the default"


def _description(path: tuple[str | int, ...]) -> str:
    return " ".join(str(schema_at(path)["description"]).split())


def test_nothing_else_stands_in_the_committed_file(tmp_path: Path) -> None:
    complete = tmp_path / "config.yaml"
    complete.write_text(COMPLETE)
    loaded = load_config(complete)
    assert (
        len(loaded.config.feeds)
        == len(re.findall(r"(?m)^ +(?:- )?name: [a-z0-9-]+$", COMPLETE.partition("\nindicators:")[0])) - 1
    )
    assert len(loaded.indicators) >= 5


def test_the_committed_file_is_the_defaults() -> None:
    """All but the catalogue of feeds, which tests/proxy/feeds/test_catalogue.py holds to its own rules."""
    loaded = load_config(ROOT / "config.yaml")
    assert loaded.config == Config(state_dir=ROOT / ".seawall", feeds=loaded.config.feeds)
    assert loaded.indicators == ()


def test_the_committed_schema_is_the_models() -> None:
    assert (ROOT / "config.schema.json").read_text() == text(), "run: seawall config schema > config.schema.json"
    assert "yaml-language-server: $schema=./config.schema.json" in COMMITTED.splitlines()[0]


def validator() -> jsonschema.Draft202012Validator:
    jsonschema.Draft202012Validator.check_schema(config_schema())
    return jsonschema.Draft202012Validator(config_schema())


@pytest.mark.parametrize("written", [COMMITTED, COMPLETE, "{}", "feeds:\nindicators:\nproxy:\n"])
def test_the_schema_takes_what_we_take(written: str) -> None:
    from ruamel.yaml import YAML

    data = json.loads(json.dumps(YAML(typ="safe", pure=True).load(written), default=str))
    validator().validate(data)


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"prxy": {}}, []),
        ({"proxy": {"prt": 1}}, ["proxy"]),
        ({"proxy": {"port": 70000}}, ["proxy", "port"]),
        ({"policy": {"waiver": "1"}}, ["policy", "waiver"]),
        ({"policy": {"waiver": "PT1H"}}, ["policy", "waiver"]),
        ({"indicators": [{"blok": "x"}]}, ["indicators", 0]),
        ({"indicators": [{"block": "x", "allow": "y"}]}, ["indicators", 0]),
        ({"indicators": [{"block": "x", "severity": "worst"}]}, ["indicators", 0]),
    ],
)
def test_the_schema_refuses_what_we_refuse(body: dict[str, Any], path: list[str | int]) -> None:
    assert [list(error.absolute_path) for error in validator().iter_errors(body)] == [path]


def test_durations_are_shown_as_people_write_them() -> None:
    assert config_schema()["$defs"]["PolicyConfig"]["properties"]["waiver"]["default"] == "1d"
