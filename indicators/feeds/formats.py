"""The formats that feeds may have, in one table: name, parser, and how a line of it looks. One file for each parser."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from indicators.feeds import (
    addresses,
    adguard,
    defender,
    digests,
    dnsmasq,
    domains,
    feodo,
    hosts_files,
    maltrail,
    malwarebazaar,
    misp,
    phishtank,
    rpz,
    safebrowsing,
    spamhaus,
    sslbl,
    stix,
    threatfox,
    tweetfeed,
    unbound,
    urlhaus,
    urls,
    wildcards,
)
from indicators.feeds.entry import Outcome
from indicators.feeds.lines import content, refang

type Parser = Callable[[Iterable[str]], Iterator[Outcome]]

HEAD = 500  # lines that recognition looks at
_DOCUMENT_HEAD = 65536  # characters of a document that recognition looks at
_ADDRESS = r"(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9A-Fa-f]*:[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*)"
_DAY = r"\d{4}-\d\d-\d\d"


@dataclass(frozen=True, slots=True)
class Format:
    """Describe one format.

    `looks_like` matches the beginning of a line with content, or a place near the beginning of a document; nothing
    where none can tell. A `document` has records instead of lines, and may be one long line.
    """

    name: str
    parse: Parser
    looks_like: re.Pattern[str] | None = None
    document: bool = False


FORMATS: dict[str, Format] = {
    one.name: one
    for one in (
        Format("adguard", adguard.parse, re.compile(r"@@\S|\|\|?\S")),
        Format("dnsmasq", dnsmasq.parse, re.compile(r"(?:--)?(?:address|server|local)=/")),
        Format("unbound", unbound.parse, re.compile(r"local-(?:zone|data):\s|server:$")),
        Format(
            "rpz",
            rpz.parse,
            re.compile(r"\$(?:TTL|ORIGIN)\s|(?:\S+\s+)?(?:\d+\s+)?(?:IN\s+)?(?:SOA|NS|CNAME|A|AAAA|TXT)\s+[^\s/]"),
        ),
        Format("urlhaus_csv", urlhaus.parse_csv, re.compile(rf'"\d+","{_DAY} [^"]*","[a-z]+:')),
        Format("urlhaus_json", urlhaus.parse_json, re.compile(r'"urlhaus_link"\s*:'), document=True),
        Format(
            "threatfox_csv",
            threatfox.parse_csv,
            re.compile(rf'"{_DAY} [^"]*", *"\d+", *"[^"]*", *"(?:url|domain|ip:port|\w+_hash)"'),
        ),
        Format("threatfox_json", threatfox.parse_json, re.compile(r'"ioc_type"\s*:'), document=True),
        Format(
            "feodo_csv",
            feodo.parse_csv,
            re.compile(rf'"?first_seen_utc"?,"?dst_ip"?|"{_DAY} [^"]*","{_ADDRESS}","\d+"'),
        ),
        Format("malwarebazaar_csv", malwarebazaar.parse, re.compile(rf'"{_DAY} [^"]*", *"[0-9a-f]{{64}}"')),
        Format("hashes", digests.parse, re.compile(r"(?:[0-9A-Fa-f]{32}|[0-9A-Fa-f]{40}|[0-9A-Fa-f]{64})\s*$")),
        Format(
            "sslbl",
            sslbl.parse,
            re.compile(rf"{_DAY} [\d:]+,(?:[0-9a-f]{{40}},|{_ADDRESS},\d)|[0-9a-f]{{32}},{_DAY}"),
        ),
        Format("phishtank_csv", phishtank.parse_csv, re.compile(r'phish_id,url,|\d+,"?https?://.*,http')),
        Format("phishtank_json", phishtank.parse_json, re.compile(r'"phish_id"\s*:'), document=True),
        Format("feodo_json", feodo.parse_json, re.compile(r'"ip_address"\s*:[^}]*"as_number"\s*:'), document=True),
        Format("spamhaus_json", spamhaus.parse, re.compile(r'\{"(?:cidr|asn)"\s*:')),
        Format("maltrail", maltrail.parse),
        Format(
            "stix",
            stix.parse,
            re.compile(r'"type"\s*:\s*"bundle"|"pattern_type"\s*:|"type"\s*:\s*"indicator"'),
            document=True,
        ),
        Format("misp", misp.parse, re.compile(r'[\[{\s]+"Event"\s*:\s*\{'), document=True),
        Format(
            "safebrowsing",
            safebrowsing.parse,
            re.compile(r'"(?:additions(?:Four|Eight|Sixteen|ThirtyTwo)Bytes|fullHashes|rawHashes)"\s*:'),
            document=True,
        ),
        Format(
            "defender_csv",
            defender.parse_csv,
            re.compile(
                r"\"?(?:indicatorType|File(?:Sha1|Sha256|Md5)|IpAddress|DomainName|Url|CertificateThumbprint)\"?,"
            ),
        ),
        Format("defender_json", defender.parse_json, re.compile(r'"indicatorValue"\s*:'), document=True),
        Format("tweetfeed", tweetfeed.parse, re.compile(rf"{_DAY} [\d:]+,[^,]*,(?:url|domain|ip|sha256|md5),")),
        Format(
            "hosts",
            hosts_files.parse,
            re.compile(rf"(?:{_ADDRESS}|0)" + r"(?:%\w+)?[ \t]+(?:localhost|[^\s#;,]*\.[^\s#;,]*[A-Za-z])"),
        ),
        Format("ips", addresses.parse, re.compile(_ADDRESS + r"(?:/\d+)?(?::\d+)?(?:[\s,;#]|$)")),
        Format("urls", urls.parse, re.compile(r"[\"'<]?(?:https?|ftp)://", re.IGNORECASE)),
        Format("wildcards", wildcards.parse, re.compile(r"\*\.[^\s/|@\"'=,<>]+(?:\s*[#;]|$)")),
        Format("domains", domains.parse, re.compile(r"(?:\*\.|\.)?[^\s/|@\"'=,<>]+\.[^\s/|\"'=,<>]+(?:\s*[#;]|/|$)")),
    )
}
"""Every format by its name, in the order in which recognition tries them on a line."""


def recognise(head: Sequence[str]) -> str | None:
    """Return the name of the format that most of the first lines look like; nothing when they look like none."""
    votes: Counter[str] = Counter()
    rules = False
    for _, text, skipped in content(head[:HEAD]):
        if not skipped:
            votes[_look(refang(text))] += 1
        rules = rules or text.startswith("!")  # a comment that only lists of rules have
    if votes["domains"]:  # a list of names may hold addresses, a list of addresses holds no name
        votes["domains"] += votes.pop("ips", 0)
    if rules or votes["adguard"]:  # and a list of rules may hold all of these
        votes["adguard"] += sum(votes.pop(name, 0) for name in ("domains", "hosts", "ips", "wildcards"))
    name, count = votes.most_common(1)[0] if votes else ("", 0)
    return name if name and count * 2 > votes.total() else _document(head)


def _look(text: str) -> str:
    lines = (one for one in FORMATS.values() if not one.document)
    return next((one.name for one in lines if one.looks_like and one.looks_like.match(text)), "")


def _document(head: Sequence[str]) -> str | None:
    text = "".join(line[:_DOCUMENT_HEAD] for line in head).strip("\ufeff \t\r\n")[:_DOCUMENT_HEAD]
    if text[:1] not in ("{", "["):
        return None
    documents = (one for one in FORMATS.values() if one.document and one.looks_like)
    return next((one.name for one in documents if one.looks_like and one.looks_like.search(text)), None)
