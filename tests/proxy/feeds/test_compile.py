"""From lists to a snapshot in force: what is taken, held, guarded and counted, and that nothing good is lost."""

from __future__ import annotations

import asyncio
import io
import json
import signal
import subprocess
import sys
from collections import Counter
from datetime import timedelta
from typing import Any, get_args

import pytest
from aiohttp import web
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from indicators.feeds.formats import FORMATS
from indicators.urls import canonical
from indicators.words import Action
from proxy.config.model import Config
from proxy.config.sections.feeds import FeedConfig
from proxy.feeds import compile as compiling
from proxy.feeds import ledger, store
from proxy.feeds.intake import parse
from proxy.feeds.job import make_job, publisher_of
from proxy.feeds.status import FeedState
from tests.support.feeds import NOW, Bench


def test_lists_become_a_snapshot_with_feed_and_line(bench: Bench) -> None:
    bench.put("phish", "# list", "http://cdn.example/login", "http://evil.example/", category="phishing")
    bench.put("names", "bad.example", action="warn")
    bench.put("nets", "8.8.1.0/24", "10.0.0.0/8")
    assert bench.run()[-2:] == ["compiling", "published"]
    (match,) = bench.snapshot.on_host("www.evil.example")
    assert (match.indicator.origin.source, match.indicator.origin.line, match.action) == ("phish", 3, Action.BLOCK)
    assert match.indicator.category == "phishing"
    assert match.indicator.since == NOW
    assert bench.actions("bad.example") == {"names": Action.WARN}
    assert bench.snapshot.on_url(canonical("http://cdn.example/login?x"))[0].indicator.origin.line == 2
    assert bench.snapshot.counts().total == 4
    assert bench.status("nets").state is FeedState.FRESH
    assert (bench.status("nets").entries, bench.status("nets").kept) == (1, 1)


def test_nothing_new_means_no_compilation_and_no_parsing(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.put("names", "bad.example")
    bench.run()
    before = store.named(bench.state)
    monkeypatch.setattr("proxy.feeds.intake._parse_anew", lambda *_: pytest.fail("parsed again"))
    assert bench.run() == ["fetching", "unchanged", "current"]
    assert store.named(bench.state) == before


def test_another_setting_or_feed_or_list_compiles_anew(bench: Bench) -> None:
    bench.put("names", "bad.example")
    bench.run()
    bench.put("names", "bad.example", action="audit")
    assert bench.run(refresh=False)[-1] == "published"
    assert bench.actions("bad.example") == {"names": Action.AUDIT}
    bench.feeds.clear()
    assert bench.run()[-1] == "published"
    assert bench.snapshot.counts().total == 0
    assert bench.run() == ["current"]


def test_without_feeds_nothing_is_published(bench: Bench) -> None:
    assert bench.run() == ["current"]
    assert store.open_current(bench.state) is None


@pytest.mark.parametrize(
    ("lines", "why"),
    [(["# nothing"], "no usable entry"), (["h1.example"] * 1, "1 entries, less than half of the 5 before")],
)
def test_a_version_that_is_empty_or_shrank_is_held_until_accepted(bench: Bench, lines: list[str], why: str) -> None:
    bench.put("names", *(f"h{n}.example" for n in range(5)))
    bench.run()
    bench.put("names", *lines)
    assert "held" in bench.run()
    assert bench.actions("h4.example") == {"names": Action.BLOCK}
    status = bench.status("names")
    assert status.state is FeedState.HELD
    assert why in status.reason
    assert "seawall feeds accept names" in status.reason
    assert "held" in bench.run()
    assert "accepted" in bench.run("names", refresh=False)
    assert bench.actions("h4.example") == {}
    assert bench.status("names").state is (FeedState.EMPTY if "#" in lines[0] else FeedState.FRESH)


def test_a_held_version_that_is_taken_back_is_forgotten(bench: Bench) -> None:
    names = [f"h{n}.example" for n in range(5)]
    bench.put("names", *names)
    bench.run()
    bench.put("names", "# empty")
    bench.run()
    bench.put("names", *names)
    bench.run()
    assert bench.status("names").state is FeedState.FRESH
    assert bench.run("names", refresh=False) == ["current"]


def test_a_feed_that_was_never_more_than_empty_is_called_empty(bench: Bench) -> None:
    bench.put("names", "# nothing")
    bench.put("others", "bad.example")
    bench.run()
    assert bench.status("names").state is FeedState.EMPTY
    assert bench.actions("bad.example") == {"others": Action.BLOCK}


def test_a_failing_feed_keeps_its_last_good_version_and_does_not_keep_the_others(bench: Bench) -> None:
    bench.put("names", "bad.example")
    bench.run()
    (bench.folder / "names").unlink()
    bench.put("others", "worse.example")
    assert "failed" in bench.run()
    assert bench.actions("bad.example") == {"names": Action.BLOCK}
    assert bench.actions("worse.example") == {"others": Action.BLOCK}
    status = bench.status("names")
    assert status.state is FeedState.FAILING
    assert "No such file" in status.reason
    assert not status.is_healthy


def test_a_format_that_cannot_be_told_is_a_failure_that_says_what_to_do(bench: Bench) -> None:
    bench.put("odd", "evil|example|1", "bad|example|2")
    bench.run()
    reason = bench.status("odd").reason
    assert "set `format:` to one of " in reason
    assert all(name in reason for name in FORMATS)


def test_stale_waiting_and_disabled(bench: Bench) -> None:
    bench.put("names", "bad.example", interval="1h")
    assert bench.status("names").state is FeedState.WAITING
    bench.run()
    bench.now += timedelta(hours=3)
    assert bench.status("names").state is FeedState.STALE
    bench.put("names", "bad.example", enabled=False)
    assert bench.status("names").state is FeedState.DISABLED
    assert bench.status("names").is_healthy
    assert json.dumps(bench.status("names").to_json())


def test_another_source_under_an_old_name_starts_anew(bench: Bench) -> None:
    bench.put("names", *(f"h{n}.example" for n in range(9)))
    bench.run()
    bench.feeds["names"]["path"] = str(bench.folder / "elsewhere")
    (bench.folder / "elsewhere").write_text("one.example\n")
    assert bench.status("names").state is FeedState.WAITING
    assert "held" not in bench.run()
    assert bench.actions("h1.example") == {}


def test_a_popular_host_needs_two_independent_publishers(bench: Bench) -> None:
    bench.put("one", "google.com", "evil.example", "github.io", "1.1.1.1")
    bench.run()
    (match,) = bench.snapshot.on_host("www.google.com")
    assert match.action is Action.AUDIT
    assert match.indicator.action is Action.BLOCK
    assert "only one publisher" in match.guard
    assert bench.snapshot.on_host("tenant.github.io") == ()
    assert bench.actions("github.io") == {"one": Action.AUDIT}
    assert bench.status("one").demoted == 3
    bench.put("two", "www.google.com", "github.io")
    bench.run()
    assert bench.actions("www.google.com") == {"one": Action.BLOCK, "two": Action.BLOCK}
    assert bench.actions("github.io") == {"one": Action.AUDIT, "two": Action.AUDIT}
    bench.put("two", "www.google.com", "github.io", action="audit")
    bench.run()
    assert bench.actions("www.google.com") == {"one": Action.AUDIT, "two": Action.AUDIT}


def test_paths_on_a_shared_host_block_but_its_root_does_not(bench: Bench) -> None:
    bench.put("urls", "https://github.com/user/x.exe", "https://github.com/", "https://bit.ly", "https://bit.ly/3x")
    bench.run()
    for host in ("github.com", "bit.ly"):
        assert bench.actions(host) == {"urls": Action.AUDIT}
    for url in ("https://github.com/user/x.exe", "https://bit.ly/3x"):
        assert [match.action for match in bench.snapshot.on_url(canonical(url))] == [Action.BLOCK]


def test_a_rewrite_is_a_block_and_says_so(bench: Bench) -> None:
    bench.put("hosts", "8.8.1.1 bank.example", "0.0.0.0 evil.example")
    bench.run()
    (match,) = bench.snapshot.on_host("bank.example")
    assert match.action is Action.BLOCK
    assert "cannot redirect" in match.indicator.description
    assert bench.snapshot.on_host("evil.example")[0].indicator.description == ""


def test_what_repeats_is_counted_once_and_named_by_its_first_line(bench: Bench) -> None:
    bench.put("names", "bad.example", "BAD.example.", "bad.example:80", "other.example", format="domains")
    bench.run()
    (match,) = bench.snapshot.on_host("bad.example")
    assert match.indicator.origin.line == 1
    status = bench.status("names")
    assert (status.entries, status.kept, status.repeated) == (4, 2, 2)


def test_a_damaged_ledger_or_snapshot_is_made_anew(bench: Bench) -> None:
    bench.put("names", "bad.example")
    bench.run()
    (ledger.folder(bench.state, "names") / "ledger.json").write_text("{")
    path = bench.state.snapshots / store.named(bench.state)[0]
    path.chmod(0o600)
    path.write_bytes(b"junk")
    assert bench.run()[-1] == "published"
    assert bench.actions("bad.example") == {"names": Action.BLOCK}


def test_lost_files_of_a_feed_are_fetched_again(bench: Bench) -> None:
    bench.put("names", "bad.example")
    bench.run()
    for path in ledger.folder(bench.state, "names").glob("*.list"):
        path.unlink()
    bench.feeds["names"]["format"] = "domains"
    assert bench.run(refresh=False)[0] == "failed"
    assert "taken" in bench.run()
    assert bench.actions("bad.example") == {"names": Action.BLOCK}


def test_old_versions_are_removed(bench: Bench) -> None:
    for n in range(4):
        bench.put("names", "bad.example", f"h{n}.example")
        bench.run()
    kept = {path.name.partition(".")[2] for path in ledger.folder(bench.state, "names").iterdir()}
    assert len([name for name in kept if name == "list"]) == 1
    assert len(list(bench.state.snapshots.iterdir())) == 3


def test_a_feed_without_a_source_says_so(bench: Bench) -> None:
    bench.feeds["none"] = {"name": "none", "path": str(bench.folder / "x")}
    job = make_job(bench.config, ["none"])
    bare = job.model_copy(update={"feeds": (job.feeds[0].model_copy(update={"path": None}),)})
    compiling.run(bare, lambda: NOW, bench.events.append)
    assert any("neither `url` nor `path`" in event.get("error", "") for event in bench.events)


async def test_an_unchanged_url_is_not_fetched_twice(bench: Bench, origin: Any) -> None:
    def answer(request: web.BaseRequest) -> web.Response:
        if request.headers.get("If-None-Match") == '"v1"':
            return web.Response(status=304)
        return web.Response(text="bad.example\n", headers={"ETag": '"v1"'})

    origin.answer = answer
    bench.feeds["names"] = {"name": "names", "url": origin.url()}
    for _ in range(2):
        job = make_job(bench.config, ["names"])
        child = await _process(job.model_dump_json())
        bench.events = [json.loads(line) for line in child.splitlines()]
    assert [event["event"] for event in bench.events] == ["fetching", "unchanged", "current"]
    assert bench.actions("bad.example") == {"names": Action.BLOCK}


async def _process(job: str) -> str:
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "proxy.feeds.compile", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await child.communicate(job.encode())
    assert child.returncode == 0
    return out.decode()


def test_the_process_does_its_job_and_says_what_stopped_it(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bench.put("names", "bad.example")
    monkeypatch.setattr("os.nice", lambda _: 0)
    for code in (0, 1):
        job = make_job(bench.config, ["names"]).model_dump_json().encode()
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(job)))
        assert compiling.main() == code
        last = json.loads(capsys.readouterr().out.splitlines()[-1])
        assert last["event"] == ("stopped" if code else "published")
        if not code:
            (bench.state.feeds / "lock").unlink()
            (bench.state.feeds / "lock").mkdir()


def test_whenever_the_process_is_killed_a_whole_snapshot_stays_in_force(bench: Bench) -> None:
    bench.put("names", "old.example", *(f"h{n}.example" for n in range(3000)))
    bench.run()
    for attempt in range(4):
        bench.put("names", "old.example", f"new{attempt}.example", *(f"h{n}.example" for n in range(3000)))
        child = subprocess.Popen(
            [sys.executable, "-m", "proxy.feeds.compile"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert child.stdin
        assert child.stdout
        child.stdin.write(make_job(bench.config, ["names"]).model_dump_json().encode())
        child.stdin.close()
        for _ in range(attempt + 1):
            child.stdout.readline()
        child.send_signal(signal.SIGKILL)
        child.wait()
        child.stdout.close()
        assert bench.actions("old.example") == {"names": Action.BLOCK}
    assert bench.run()[-1] in ("published", "current")
    assert bench.actions("new3.example") == {"names": Action.BLOCK}


@pytest.mark.parametrize(
    ("url", "publisher"),
    [
        ("https://raw.githubusercontent.com/Owner/repo/main/list.txt", "raw.githubusercontent.com/owner"),
        ("https://cdn.jsdelivr.net/gh/owner/repo@latest/x.txt", "cdn.jsdelivr.net/owner"),
        ("https://raw.githubusercontent.com/", "raw.githubusercontent.com/"),
        ("https://urlhaus.abuse.ch/downloads/text/", "abuse.ch"),
        ("http://127.0.0.1/list", "127.0.0.1"),
    ],
)
def test_two_lists_of_one_publisher_are_one_opinion(url: str, publisher: str) -> None:
    feed = Config.model_validate({"feeds": [{"name": "x", "url": url}]}).feeds[0]
    assert publisher_of(feed) == publisher


def test_the_configuration_knows_every_format() -> None:
    assert set(get_args(FeedConfig.model_fields["format"].annotation)) == {"auto", *FORMATS}


LINES = st.lists(
    st.sampled_from(
        [
            "",
            "# c",
            "evil.example",
            "*.evil.example",
            "github.com",
            "com",
            "8.8.1.1",
            "10.0.0.1",
            "bad line",
            "a.example/x",
        ]
    ),
    max_size=12,
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(LINES)
def test_every_line_is_kept_demoted_repeated_or_skipped(bench: Bench, lines: list[str]) -> None:
    """Invariant: kept + demoted + repeated + skipped = items, and no item is lost between parser and snapshot."""
    bench.feeds.clear()
    bench.put("names", *lines, format="domains")
    bench.run()
    known = ledger.read(bench.state, "names")
    version = known.held or known.good
    assert version is not None
    content = ledger.content_path(bench.state, "names", version.digest)
    report = parse(content, "domains", compiling.Guards(compiling.guard_lists(bench.config.guards))).load()
    assert report.lines == len(lines) == report.items
    if known.good and not known.held:
        status = bench.status("names")
        assert status.kept + status.demoted + status.repeated + report.skipped.total() == report.items
        assert status.demoted == ("github.com" in lines)
    assert Counter(report.skipped)["comment"] == lines.count("# c")


def test_a_line_longer_than_any_format_has_costs_no_memory(bench: Bench) -> None:
    path = bench.folder / "names"
    path.write_bytes(b"bad.example\n" + b"x" * 3_000_000 + b"\nworse.example\n\xff\xfe.example\n")
    bench.feeds["names"] = {"name": "names", "path": str(path), "format": "domains"}
    bench.run()
    assert bench.snapshot.on_host("worse.example")[0].indicator.origin.line == 3
    assert bench.status("names").entries in (2, 3)
