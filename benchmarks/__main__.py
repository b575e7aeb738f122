"""The command line of the benchmarks: which to run, how often, in which form. A benchmark's own work is in its file."""

from __future__ import annotations

import importlib
import signal
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from benchmarks import report
from benchmarks.harness import Missing
from benchmarks.setting import Setting, placement

if TYPE_CHECKING:
    from benchmarks.harness import Comparison

# name -> what it measures; the module has the same name and a function `compare(setting)`
BENCHMARKS = {
    "classifier": "the verdict on hosts and URLs over a compiled snapshot, beside a suffix walk over a Python set",
    "compiling": "a full compile of 1.79 million names, 410,000 URLs and the address lists: time and greatest memory",
    "holding": "opening that snapshot, memory when all of it is touched, and what a second process adds",
    "collector": "events taken per second, and the console's slowest page meanwhile, on SQLite and on PostgreSQL",
    "dns": "queries per second for blocked and cached names, and memory, beside unbound and dnslib's server",
    "dns_latency": "what a forwarded query costs beside the upstream asked directly, at 1,000 queries a second",
    "dns_swap": "the longest answer while a snapshot is compiled and taken, at 10,000 queries a second",
    "dns_soak": "five million queries, and the resolver's memory after each tenth of them",
    "scan": "a download that is looked into, beside one that is not, and the rate at which rules are matched",
    "scan_load": "fifty packages downloaded and scanned at once: DNS and splicing meanwhile, and memory of all",
    "inspect": "CPU of inspected requests beside mitmdump, and what splicing costs while the inspector is busy",
    "tunnels": "bulk download beside squid, memory of idle tunnels, and what dropped connections leave behind",
    "wireguard": "a phone's download and connections through both backends, beside mitmproxy's mode, at 0 and 20 ms",
    "enrol": "from `devices add` to the first blocked page, and a download in another tunnel while 50 are enrolled",
    "page": "a page of 60 resources on 12 hosts in Chromium: direct, spliced by us, and through squid",
    "splice": "new CONNECT connections per second passed undecrypted, beside squid and mitmdump --ignore-hosts",
}

_HELP = """Measure Seawall and its peers side by side, in one run.

Without NAME all are run. Each round measures every subject once, in turn; shown are the median of the rounds, their
range, and us divided by each peer with both values. A peer that is not installed is named and left out.

\b
  python -m benchmarks                     all, five rounds: about 45 minutes; leave the machine alone
  python -m benchmarks dns --rounds 9      one benchmark, more rounds
  python -m benchmarks --quick             a minute or two: shows that everything works; the figures mean little
  python -m benchmarks --json >today.json  one JSON object a line, with every value of every round

\b
Benchmarks:
"""


@click.command(
    help=_HELP + "".join(f"  {name:<11} {about}\n" for name, about in BENCHMARKS.items()),
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120},
)
@click.argument("names", nargs=-1, metavar="[NAME]...", type=click.Choice(list(BENCHMARKS)))
@click.option("--rounds", default=5, show_default=True, type=click.IntRange(1, 99), help="How often all are measured.")
@click.option("--quick", is_flag=True, help="Little data and short rounds: a smoke test, not a measurement.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line instead of text.")
def main(names: tuple[str, ...], rounds: int, quick: bool, as_json: bool) -> None:
    setting = Setting(rounds, quick)
    click.echo(f"{placement()}; {rounds} interleaved rounds{', quick' if quick else ''}", err=True)
    measured = [_one(name, setting, as_json) for name in dict.fromkeys(names or BENCHMARKS)]
    sys.exit(0 if any(measured) else 1)


def _one(name: str, setting: Setting, as_json: bool) -> bool:
    """Run one benchmark, printing as it goes; say whether anything was measured."""
    try:
        comparisons: Iterable[Comparison] = importlib.import_module(f"benchmarks.{name}").compare(setting)
        count = sum(_print(name, comparison, as_json) for comparison in comparisons)
    except Missing as why:
        click.echo(f"{name}: not measured: {why}", err=True)
        return False
    return count > 0


def _print(name: str, comparison: Comparison, as_json: bool) -> int:
    text = report.as_json(name, comparison) if as_json else "\n".join([*report.lines(comparison), ""])
    click.echo(text if as_json else f"{name}: {text}")
    return 1


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # what was started ends, and namespaces go, then too
    main(prog_name="python -m benchmarks")
