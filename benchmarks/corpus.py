"""The lists that the classifier's benchmarks compile: the union of domain lists, all URLs of TweetFeed, the IP lists.

They are hostile in part: they are compiled and matched here, never resolved.
"""

from __future__ import annotations

import gzip
import json
import random
import subprocess
import sys
from pathlib import Path

from benchmarks import names
from benchmarks.setting import ROOT, large_data
from indicators.words import Category
from proxy.config.model import Config
from proxy.config.sections.feeds import FeedConfig
from proxy.feeds.job import make_job
from proxy.state import StateDir

COMPILE_LIMIT = 600  # seconds
_SEED = 21
_ADDRESSES = (
    "data/feeds/blocklistproject_malware.ip.gz",
    "data/feeds/romainmarcoux_ip_full-aa.txt.gz",
    "data/feeds/romainmarcoux_ip_full-ab.txt.gz",
    "data/feeds/tweetfeed_ips.txt",
    "data/feeds/firehol_firehol_level1.netset",
    "data/feeds/firehol_spamhaus_drop.netset",
)


def write(folder: Path, listed: list[str], *, whole: bool) -> dict[str, tuple[Path, str]]:
    """Write the lists; return for each feed its file and format. URLs and addresses only where all is `whole`."""
    feeds = {"domains": (names.write(folder / "domains", listed), "domains")}
    if whole:
        feeds["urls"] = (_urls(folder / "urls"), "tweetfeed")
        feeds["addresses"] = (_addresses(folder / "addresses"), "ips")
    return feeds


def _urls(path: Path) -> Path:
    with gzip.open(large_data("data/tweetfeed_until_2026-04.csv.gz"), "rt") as lines, path.open("w") as file:
        file.writelines(line for line in lines if line.split(",", 3)[2:3] == ["url"])
    return path


def _addresses(path: Path) -> Path:
    found = [large_data(name) for name in _ADDRESSES]
    texts = [gzip.decompress(one.read_bytes()) if one.suffix == ".gz" else one.read_bytes() for one in found]
    path.write_bytes(b"\n".join(texts))
    return path


def compiled(feeds: dict[str, tuple[Path, str]], root: Path) -> StateDir:
    """Compile the lists as the gateway does, in the feed process, and return the state directory that holds them."""
    state = StateDir(root)
    state.prepare()
    subprocess.run(
        [sys.executable, "-m", "proxy.feeds.compile"],
        cwd=ROOT, input=job(feeds, root), text=True, check=True, stdout=subprocess.DEVNULL, timeout=COMPILE_LIMIT,
    )  # fmt: skip
    return state


def job(feeds: dict[str, tuple[Path, str]], root: Path) -> str:
    """Return the feed process's job for the lists, as JSON."""
    made = tuple(
        FeedConfig.model_validate({"name": name, "path": path, "format": format_, "category": Category.MALWARE})
        for name, (path, format_) in feeds.items()
    )
    return make_job(Config(state_dir=root, feeds=made), refresh=list(feeds)).model_dump_json()


def asked(listed: list[str], count: int) -> list[str]:
    """Return hosts to ask for: one tenth covered by listed names, nine tenths clean hosts of top sites, mixed."""
    known = set(listed)
    with gzip.open(large_data("data/warninglists/cloudflare-top100k.json.gz"), "rt") as file:
        tops = [name for name in json.load(file)["list"] if names.is_plain(name)]
    hosts = [name if at % 2 else f"www.{name}" for at, name in enumerate(tops)]
    clean = [host for host in hosts if not names.walk(host, known)][: count * 9 // 10]
    mixed = clean + names.blocked(listed, len(clean) // 9)
    random.Random(_SEED).shuffle(mixed)
    return mixed
