"""YARA rules: read from files, compiled once in each scan process, and matched against one member at a time.

A rule's metadata may say `weight = "suspicious"` (it warns) and `description`; a rule without a weight means malware.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import yara_x

from addons.scanning.report import Engine, Finding, Weight
from addons.scanning.windows import Bytes

_ENDINGS = {".yar", ".yara"}


class RulesError(ValueError):
    """A file of rules cannot be used."""


class YaraRules:
    """Hold compiled rules."""

    def __init__(self, sources: Iterable[tuple[str, str]]) -> None:
        """Compile (name, text) pairs, each in a namespace of its own. Raises RulesError naming the file."""
        compiler = yara_x.Compiler()
        compiler.enable_includes(False)  # a rule file may not read others
        for name, text in sources:
            compiler.new_namespace(name)
            try:
                compiler.add_source(text, origin=name)
            except yara_x.CompileError as error:
                raise RulesError(f"{name}: {_first_line(error)}") from error
        self._rules = compiler.build()

    def matches(self, path: str, data: Bytes, seconds: float) -> Iterator[Finding]:
        """Give the rules that match. Raises TimeoutError when they take longer than `seconds`."""
        scanner = yara_x.Scanner(self._rules)
        scanner.set_timeout(max(1, round(seconds)))
        try:
            found = scanner.scan(bytes(data))  # it takes nothing else
        except yara_x.TimeoutError as error:
            raise TimeoutError(f"the rules took longer than {seconds:.0f} s") from error
        for rule in found.matching_rules:
            yield _finding(rule, path)


def rule_files(paths: Iterable[Path]) -> tuple[tuple[str, str], ...]:
    """Read rule files; a folder stands for the *.yar and *.yara in it. Raises RulesError naming what cannot be read."""
    return tuple((file.name, _text(file)) for path in paths for file in _files(path))


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        return sorted(file for file in path.iterdir() if file.suffix in _ENDINGS)
    return [path]


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise RulesError(f"{path}: {reason}") from error


def _finding(rule: yara_x.Rule, path: str) -> Finding:
    told = {key: str(value) for key, value in rule.metadata}
    weight = Weight.SUSPICIOUS if told.get("weight") == Weight.SUSPICIOUS else Weight.MALWARE
    return Finding(Engine.YARA, rule.identifier, path, weight, told.get("description", f"rule {rule.identifier}"))


def _first_line(error: Exception) -> str:
    return " ".join(line.strip() for line in str(error).splitlines()[:2])
