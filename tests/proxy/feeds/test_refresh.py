"""What becomes of a new version: held, audited, subtracted, waited for, compared; the last good one stays meanwhile."""

from __future__ import annotations

from datetime import timedelta
from ipaddress import ip_address
from typing import Any

import pytest
from aiohttp import web

from indicators.words import Action
from proxy.feeds import intake, ledger
from proxy.feeds.compare import compare
from proxy.feeds.guarding import guard_lists
from proxy.feeds.intake import parsed_files
from proxy.feeds.status import FeedState
from tests.support.feeds import Bench

TOP = "wikipedia.org"


def names(count: int, start: int = 0) -> list[str]:
    return [f"h{number}.example" for number in range(start, start + count)]


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        (names(40), "40 entries, at least twice the 20 before"),
        ([*names(19), TOP], f"lists {TOP}, which belongs to the 10,000 most used hosts"),
        (names(9), "less than half"),
        (["# none"], "no usable entry"),
    ],
)
def test_what_is_suspicious_is_held_until_accepted(bench: Bench, lines: list[str], why: str) -> None:
    bench.put("names", *names(20))
    bench.run()
    bench.put("names", *lines)
    assert "held" in bench.run()
    assert why in bench.status("names").reason
    assert bench.actions("h19.example") == {"names": Action.BLOCK}
    assert not bench.snapshot.mentions("h39.example")
    assert "held" in bench.run()  # and again, as long as it stays so
    assert bench.run("names", refresh=False)[0] == "accepted"
    assert bench.status("names").state is not FeedState.HELD
    assert bool(bench.actions("h19.example")) is ("h19.example" in lines)
    assert bench.run() == ["fetching", "unchanged", "current"]


def test_a_used_host_that_was_always_named_holds_nothing_nor_does_a_feed_that_stops_nobody(bench: Bench) -> None:
    bench.put("names", *names(20), TOP)
    bench.put("watch", *names(20), action="audit")
    bench.run()
    bench.put("names", *names(21), TOP)
    bench.put("watch", *names(20), TOP)
    assert "held" not in bench.run()


def test_a_used_host_is_news_when_the_version_before_is_lost(bench: Bench) -> None:
    bench.put("names", *names(20), TOP)
    bench.run()
    for path in ledger.folder(bench.state, "names").glob("*.list"):
        path.unlink()
    for path in ledger.folder(bench.state, "names").glob("*.rows"):
        path.unlink()
    bench.put("names", *names(21), TOP)
    assert "held" in bench.run()


async def test_plain_http_is_audited_unless_that_is_accepted(bench: Bench, origin: Any) -> None:
    origin.answer = lambda _: web.Response(text="evil.example\ngithub.com\n")
    for insecure_ok, action in ((False, Action.AUDIT), (True, Action.BLOCK)):
        bench.feeds["open"] = {"name": "open", "url": f"http://lists.lan:{origin.port}/", "insecure_ok": insecure_ok}
        bench.hosts = {"lists.lan": "127.0.0.1"}
        await bench.run_aside()
        assert bench.actions("evil.example") == {"open": action}
        assert ("plain http" in bench.status("open").note) is not insecure_ok
    bench.feeds["open"]["insecure_ok"] = False
    bench.put("other", "github.com")
    await bench.run_aside()
    (match, *_) = bench.snapshot.on_host("evil.example")
    assert "anyone on the way may change it" in match.guard
    assert set(bench.actions("github.com").values()) == {Action.AUDIT}  # and it is no second opinion
    bench.feeds["open"]["url"] = origin.url("/")  # nobody stands between this machine and itself
    await bench.run_aside()
    assert bench.actions("evil.example") == {"open": Action.BLOCK}


def test_a_feed_is_as_sure_as_its_publisher_at_most(bench: Bench) -> None:
    bench.put("names", "evil.example", confidence=60)
    bench.run()
    assert bench.snapshot.on_host("evil.example")[0].indicator.confidence == 60


def test_a_rewrite_redirects_only_where_that_is_allowed(bench: Bench) -> None:
    for allow, target in ((False, ()), (True, ("8.8.1.1",))):
        bench.put("hosts", "8.8.1.1 bank.example", "0.0.0.0 evil.example", format="hosts", allow_rewrite=allow)
        bench.run()
        (match,) = bench.snapshot.on_host("bank.example")
        assert match.action is Action.BLOCK
        assert bench.verdict("bank.example").rewrite == target


def test_an_exception_touches_its_own_feed_alone(bench: Bench) -> None:
    bench.put("rules", "||evil.example^", "@@||good.evil.example^", "@@||other.example^", format="adguard")
    bench.put("names", "good.evil.example", "other.example", format="domains")
    bench.run()
    assert bench.actions("www.evil.example") == {"rules": Action.BLOCK}
    for host in ("good.evil.example", "other.example"):
        assert bench.actions(host)["names"] is Action.BLOCK
        assert bench.verdict(host).action is Action.BLOCK
    del bench.feeds["names"]
    bench.run()
    assert bench.verdict("good.evil.example").action is Action.ALLOW
    assert bench.verdict("www.evil.example").action is Action.BLOCK


def test_our_own_addresses_and_resolvers_are_taken_out(bench: Bench) -> None:
    bench.put("nets", "8.8.8.0/24", "9.9.9.9", "8.8.1.1", format="ips")
    bench.upstreams = ["8.8.8.8", "tls://9.9.9.9"]
    bench.run()
    for address in ("8.8.8.8", "9.9.9.9"):
        assert bench.snapshot.on_address(ip_address(address)) == ()
    for address in ("8.8.8.7", "8.8.8.9", "8.8.8.255", "8.8.1.1"):
        assert bench.snapshot.on_address(ip_address(address))
    bench.upstreams = []
    bench.run(refresh=False)
    assert bench.snapshot.on_address(ip_address("8.8.8.8"))


async def test_a_publisher_that_asks_for_rest_gets_it(bench: Bench, origin: Any) -> None:
    origin.answer = lambda _: web.Response(status=429, headers={"Retry-After": "600"})
    bench.feeds["busy"] = {"name": "busy", "url": origin.url()}
    assert "failed" in await bench.run_aside()
    bench.now += timedelta(seconds=599)
    assert await bench.run_aside() == ["waiting", "current"]
    assert len(origin.requests) == 1
    origin.answer = lambda _: web.Response(text="evil.example\n")
    bench.now += timedelta(seconds=2)
    assert "taken" in await bench.run_aside()


async def test_files_of_this_machine_do_not_wait_for_the_network(bench: Bench, origin: Any) -> None:
    origin.answer = lambda _: web.Response(text="far.example\n")
    bench.feeds["far"] = {"name": "far", "url": origin.url()}
    bench.put("near", "near.example")
    events = await bench.run_aside()
    assert events.index("published") < events.index("fetching", events.index("fetching") + 1)
    assert bench.snapshot.mentions("far.example")
    assert bench.snapshot.mentions("near.example")


def test_an_unchanged_feed_is_not_parsed_again(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither at another update, nor when a second feed makes a compilation necessary."""
    bench.put("one", *names(9))
    bench.run()
    parsed: list[str] = []
    anew = intake._parse_anew

    def note(content: Any, *rest: Any) -> None:
        parsed.append(content.parent.name)
        anew(content, *rest)

    monkeypatch.setattr(intake, "_parse_anew", note)
    bench.run()
    bench.put("two", *names(9, 100))
    assert bench.run()[-1] == "published"
    assert parsed == ["two"]
    assert bench.snapshot.mentions("h1.example")
    bench.put("one", *names(10))
    bench.run()
    assert parsed == ["two", "one"]


def test_two_versions_are_compared_entry_by_entry(bench: Bench) -> None:
    bench.put("mixed", "a.example", "https://b.example/x/y", "8.8.1.0/24", "2a00::/32", "c.example", format="domains")
    bench.put("nets", "8.8.1.0/24", "2a00::/32", "8.8.9.9", format="ips")
    bench.put("files", "a" * 64, "b" * 64, format="hashes")
    bench.run()
    bench.put("mixed", "c.example", "c.example", "d.example", "https://b.example/x/z", format="domains")
    bench.put("nets", "8.8.9.9", "8.8.1.0/25", "2a01::1")
    bench.put("files", "b" * 64, "c" * 64)
    bench.run()
    change = changes(bench, "mixed")
    assert set(change.added_samples) >= {"d.example"}
    assert set(change.removed_samples) >= {"a.example"}
    assert change.before - change.removed + change.added == change.after
    nets = changes(bench, "nets")
    assert (nets.before, nets.after, nets.added, nets.removed) == (3, 3, 2, 2)
    assert set(nets.added_samples) == {"8.8.1.0/25", "2a01::1"}
    assert set(nets.removed_samples) == {"8.8.1.0/24", "2a00::/32"}
    assert changes(bench, "files").added_samples == ("c" * 64,)


def changes(bench: Bench, name: str) -> Any:
    known = ledger.read(bench.state, name)
    assert known.previous
    assert known.good
    guards = intake.Guards(guard_lists(bench.config.guards))
    feed = next(feed for feed in bench.config.feeds if feed.name == name)
    return compare(
        *(
            parsed_files(ledger.content_path(bench.state, name, version.digest), feed.format, guards)
            for version in (known.previous, known.good)
        )
    )


def test_every_line_is_told_to_the_line(bench: Bench) -> None:
    """Kept + demoted + repeated + skipped = items, and no line is without one."""
    bench.put("mixed", "# c", "", "a.example", "A.example.", "github.com", "not a host", "localhost", "b.example")
    bench.run()
    status = bench.status("mixed")
    guards = intake.Guards(guard_lists(bench.config.guards))
    version = ledger.read(bench.state, "mixed").good
    assert version
    content = ledger.content_path(bench.state, "mixed", version.digest)
    report = parsed_files(content, "auto", guards).load()
    assert report.lines == report.told == 8
    assert (status.kept, status.demoted, status.repeated, report.skipped.total()) == (2, 1, 1, 4)


def test_a_hosts_line_with_a_guarded_name_of_the_configuration(bench: Bench) -> None:
    bench.put("names", "intranet-wiki.example", "evil.example")
    bench.guards = {"shared_hosts": ["intranet-wiki.example"]}
    bench.run()
    assert bench.actions("intranet-wiki.example") == {"names": Action.AUDIT}
    assert bench.actions("evil.example") == {"names": Action.BLOCK}
    bench.guards = {}
    bench.run(refresh=False)
    assert bench.actions("intranet-wiki.example") == {"names": Action.BLOCK}
