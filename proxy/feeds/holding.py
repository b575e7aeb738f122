"""When a new version of a feed is held back: pure rules over what two versions gave."""

from __future__ import annotations

from collections.abc import Collection

SHRINK = 2  # a version with fewer entries than the last good one divided by this is held
GROWTH = 2  # and one with at least so many times its entries
LEAST_GROWTH = 10  # entries; a list of three names that becomes one of seven is no news
_NAMED = 5  # hosts named in a reason


def why_held(before: int | None, after: int, new_top: Collection[str]) -> str:
    """Return why a version is held, in words, or nothing.

    `before` and `after` are numbers of entries, `before` nothing for the first version; `new_top` are the hosts among
    the most used ones that it names as a whole and the version before did not.
    """
    if not after:
        return "the new version has no usable entry"
    if not before:
        return ""
    if after * SHRINK < before:
        return f"the new version has {after} entries, less than half of the {before} before"
    if after >= before * GROWTH and after - before >= LEAST_GROWTH:
        return f"the new version has {after} entries, at least twice the {before} before"
    if new_top:
        named = ", ".join(sorted(new_top)[:_NAMED]) + (", …" if len(new_top) > _NAMED else "")
        return f"the new version lists {named}, which belongs to the 10,000 most used hosts"
    return ""
