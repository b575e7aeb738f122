"""A configuration file is read whole and right, or refused with every mistake in it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from proxy.config.errors import ConfigError
from proxy.config.load import load_config
from proxy.config.model import Config
from proxy.config.sections.dns import DnsConfig
from proxy.config.sections.feeds import FeedConfig


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path / "config.yaml"


def refusal(file: Path, text: str) -> list[str]:
    file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_config(file)
    return str(caught.value).splitlines()


@pytest.mark.parametrize("text", ["", "# only a comment\n", "proxy:\ndns:\nfeeds:\nindicators:\npolicy: {mode: }\n"])
def test_what_is_missing_takes_its_default(file: Path, text: str) -> None:
    file.write_text(text)
    loaded = load_config(file)
    assert loaded.config == Config(state_dir=file.parent / ".seawall")
    assert (loaded.path, loaded.files, loaded.sources, loaded.indicators) == (file, (file,), (file,), ())


def test_paths_are_relative_to_the_file(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (file.parent / "sub").mkdir()
    (file.parent / "rules.yaml").write_text("- block: a.example\n")
    file.write_text(
        "state_dir: state\nindicator_files: [rules.yaml]\n"
        "feeds: [{name: a, path: lists/a.txt}, {name: b, path: ~/b.txt}, {name: c, path: /etc/c}, {name: d, url: http://x}]\n"
        "dns: {tls: {cert: chain.pem, key: /etc/key.pem}}\n"
    )
    monkeypatch.chdir(file.parent / "sub")
    monkeypatch.setenv("HOME", "/home/me")
    loaded = load_config("../config.yaml")
    root = file.parent / "sub" / ".."
    assert loaded.config.state_dir == root / "state"
    assert [feed.path for feed in loaded.config.feeds] == [
        root / "lists/a.txt", Path("/home/me/b.txt"), Path("/etc/c"), None,
    ]  # fmt: skip
    assert loaded.config.indicator_files == (root / "rules.yaml",)
    assert (loaded.config.dns.tls.cert, loaded.config.dns.tls.key) == (root / "chain.pem", Path("/etc/key.pem"))
    assert [one.value for one in loaded.indicators] == ["a.example"]


def test_hosts_become_canonical(file: Path) -> None:
    file.write_text(
        "dns: {hosts: {BÜCHER.example.: 127.0.0.1}}\ninspect: [A.example.]\nnever_inspect: ['*.B.EXAMPLE']\n"
    )
    config = load_config(file).config
    assert list(config.dns.hosts) == ["xn--bcher-kva.example"]
    assert (config.inspect, config.never_inspect) == (("a.example",), ("b.example",))


def test_ports_may_all_be_zero(file: Path) -> None:
    file.write_text("proxy: {port: 0, socks_port: 0, transparent_port: 0}\ndns: {port: 0}\ncollector: {port: 0}\n")
    config = load_config(file).config
    assert (config.proxy.port, config.proxy.socks_port, config.dns.port, config.collector.port) == (0, 0, 0, 0)


def test_every_mistake_is_told_in_the_order_of_the_file(file: Path) -> None:
    (file.parent / "rules.yaml").write_text("- block: a.example\n- blok: b\n")
    said = refusal(
        file,
        "state_dir: x\n"
        "proxy: {prot: 1}\n"
        "dns:\n"
        "  port: 99999\n"
        "  hosts: {'a b': 127.0.0.1, c.test: nowhere}\n"
        "collector: {port: 8080}\n"
        "feeds:\n"
        "  - name: a\n"
        "indicators:\n"
        "  - block: [ok.example, 'b c']\n"
        "  - 7\n"
        "indicator_files: [rules.yaml, gone.yaml]\n"
        "polcy: {}\n",
    )
    assert [line.partition(": ")[0] for line in said] == [
        "config.yaml:2", "config.yaml:4", "config.yaml:5", "config.yaml:5", "config.yaml:6", "config.yaml:8",
        "config.yaml:10", "config.yaml:11", "config.yaml:12", "config.yaml:13", "rules.yaml:2",
    ]  # fmt: skip
    assert said[4] == "config.yaml:6: collector.port: expected another port: 8080 is proxy.port already"
    assert said[6] == "config.yaml:10: indicators[0].block[1]: 'b c' is not a host name"
    assert said[8].startswith("config.yaml:12: indicator_files[1]: ")
    assert said[9] == "config.yaml:13: polcy: unknown key; did you mean `policy`?"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("- a\n", "config.yaml:1: expected keys and values (`key: value`)"),
        ("hello\n", "config.yaml:1: expected keys and values (`key: value`)"),
        ("proxy: {port: 1}\nproxy: {port: 2}\n", "config.yaml:2: proxy: stands here and in line 1 already"),
        ("proxy:\n\tport: 1\n", "config.yaml:2: not valid YAML: found character '\\t' that cannot start any token "
                                "(a tab is used where YAML wants spaces)"),
        ("indicators: {block: x}\n", "config.yaml:1: indicators: expected a list (`- …`)"),
        ("indicator_files: x\n", "config.yaml:1: indicator_files: expected a list (`- …`)"),
        ("indicator_files: [5]\n", "config.yaml:1: indicator_files[0]: expected a path, got 5"),
        ("feeds: [[]]\n", "config.yaml:1: feeds[0]: expected keys and values (`key: value`), got a list"),
    ],
)  # fmt: skip
def test_one_mistake_is_one_line(file: Path, text: str, says: str) -> None:
    assert refusal(file, text) == [says]


def test_without_indicators_their_files_are_left_alone(file: Path) -> None:
    file.write_text("indicators: [{blok: x}]\nindicator_files: [gone.yaml]\n")
    loaded = load_config(file, with_indicators=False)
    assert loaded.indicators == ()
    assert loaded.sources == (file,)


def test_a_missing_file_says_so(file: Path) -> None:
    with pytest.raises(ConfigError, match=r"^config\.yaml: no such file$"):
        load_config(file)


def test_a_home_that_there_is_not_is_a_name(file: Path) -> None:
    file.write_text("state_dir: ~nobody-here/x\n")
    assert load_config(file).config.state_dir == file.parent / "~nobody-here/x"


def test_a_link_is_read_where_it_stands(file: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    real = tmp_path_factory.mktemp("real") / "c.yaml"
    real.write_text("state_dir: s\n")
    file.symlink_to(real)
    assert load_config(file).config.state_dir == file.parent / "s"


SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-1, 70000), st.floats(allow_nan=True), st.text(max_size=6),
    st.sampled_from(["system", "embedded", "127.0.0.1", "10.0.0.0/8", "6h", "a.example", "http://x", "block", "~x"]),
)  # fmt: skip
WORDS = sorted({*Config.model_fields, *FeedConfig.model_fields, *DnsConfig.model_fields, "value", "action", "block"})
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS) | st.text(max_size=3), inner, max_size=4)
    ),
    max_leaves=12,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150, deadline=None)
@given(data=st.dictionaries(st.sampled_from(sorted(Config.model_fields)), VALUES, max_size=5))
def test_any_data_is_a_configuration_or_a_list_of_mistakes(file: Path, data: dict[str, object]) -> None:
    """Whatever stands below the known keys is read, or refused with a line and a sentence for each mistake."""
    file.write_text(json.dumps(data, ensure_ascii=True))
    try:
        loaded = load_config(file)
    except ConfigError as error:
        assert error.problems
        assert all(problem.line and problem.message for problem in error.problems if problem.place == "config.yaml")
    else:
        assert loaded.config.state_dir.is_absolute()
