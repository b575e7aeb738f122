from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner
from cryptography import x509

from proxy import ca
from proxy.cli import main
from proxy.state import StateDir


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config.yaml"
    path.write_text("state_dir: state\n")
    return path


def run(*words: str | Path, answer: str = "") -> tuple[int, bytes]:
    result = CliRunner().invoke(main, ["ca", *map(str, words)], input=answer)
    return result.exit_code, result.output_bytes


def test_show_says_that_there_is_none_yet(config: Path) -> None:
    code, said = run("show", "--config", config)
    assert code == 1
    assert b"there is no CA yet" in said


@pytest.mark.parametrize("form", ["pem", "der"])
def test_export_makes_it_and_never_shows_the_key(config: Path, form: str) -> None:
    code, said = run("export", "--config", config, "--format", form)
    load = x509.load_pem_x509_certificate if form == "pem" else x509.load_der_x509_certificate
    assert code == 0
    assert "Seawall CA on" in load(said).subject.rfc4514_string()
    assert b"PRIVATE" not in said
    assert run("export", "--config", config, "--format", form)[1] == said


def test_export_writes_a_file_or_says_why_not(config: Path, tmp_path: Path) -> None:
    code, _ = run("export", "--config", config, "--output", tmp_path / "ca.pem")
    assert code == 0
    assert x509.load_pem_x509_certificate((tmp_path / "ca.pem").read_bytes())
    code, said = run("export", "--config", config, "--output", tmp_path / "no" / "ca.pem")
    assert (code, b"cannot write" in said) == (1, True)


def test_show_rotate_and_uninstall(config: Path, tmp_path: Path) -> None:
    run("export", "--config", config)
    _, before = run("show", "--config", config)
    assert b"SHA-256" in before
    assert b"valid until" in before
    assert run("rotate", "--config", config, answer="n\n")[0] == 1
    assert run("show", "--config", config)[1] == before
    code, said = run("rotate", "--config", config, "--yes")
    assert (code, b"Restart the gateway" in said) == (0, True)
    assert run("show", "--config", config)[1] != before
    code, said = run("uninstall", "--config", config, "--yes")
    assert b"deleted the CA" in said
    assert b"Android" in said
    assert not ca.key_file(StateDir(tmp_path / "state")).exists()
    assert b"there is no CA here" in run("uninstall", "--config", config, "--yes")[1]


def test_a_key_that_others_can_read_is_refused(config: Path, tmp_path: Path) -> None:
    run("export", "--config", config)
    ca.key_file(StateDir(tmp_path / "state")).chmod(0o644)
    code, said = run("show", "--config", config)
    assert (code, b"others can read" in said) == (1, True)


def test_a_broken_configuration_is_named(config: Path) -> None:
    config.write_text("state_dir: [1]\n")
    code, said = run("show", "--config", config)
    assert code == 2
    assert b"config.yaml:1" in said
