from __future__ import annotations

from indicators.hosts import canonical_host
from indicators.inspection import Route, route
from indicators.observation import Device
from indicators.verdict import CLEAN, Verdict
from indicators.words import Action, Visibility
from proxy.config.model import Config
from proxy.groups import DeviceGroups
from proxy.groups_in_force import FixedGroups
from proxy.inspect_lists import known_hosts, lists_of

NEEDS_URL = Verdict(Action.ALLOW, "x", needs=Visibility.URL)
BLOCKED = Verdict(Action.BLOCK, "x")


def test_known_hosts_are_never_opened_unless_switched_off_and_still_blocked_as_a_whole() -> None:
    config = Config(never_inspect=("mine.example",))
    for host in ("www.paypal.com", "vault.bitwarden.com", "gdmf.apple.com", "mine.example"):
        assert route(NEEDS_URL, host, True, lists_of(config, FixedGroups(config))) is Route.SPLICE
        assert route(BLOCKED, host, True, lists_of(config, FixedGroups(config))) is Route.INSPECT
    without = lists_of(config.model_copy(update={"never_inspect_known": False}), FixedGroups(config))
    assert route(NEEDS_URL, "www.paypal.com", True, without) is Route.INSPECT
    assert route(NEEDS_URL, "mine.example", True, without) is Route.SPLICE


def test_a_group_adds_to_the_lists_of_all() -> None:
    config = Config.model_validate(
        {
            "inspect": ["all.example"],
            "never_inspect_known": False,
            "groups": {"kids": {"inspect": ["video.example"], "never_inspect": ["school.example"]}, "guests": {}},
        }
    )
    lists = lists_of(config, FixedGroups(config))
    kid, guest = Device("1", "tablet", "kids"), Device("2", "laptop", "guests")
    for device, host, way in (
        (kid, "www.video.example", Route.INSPECT),
        (kid, "all.example", Route.INSPECT),
        (kid, "school.example", Route.SPLICE),
        (guest, "www.video.example", Route.SPLICE),
        (guest, "school.example", Route.INSPECT),
    ):
        verdict = NEEDS_URL if host == "school.example" else CLEAN
        assert route(verdict, host, True, lists.for_device(device)) is way


class Moving(FixedGroups):
    """Have every device in one group."""

    def group_of(self, device: Device) -> str:
        return "kids"


def test_the_lists_follow_the_groups() -> None:
    config = Config.model_validate({"inspect": ["all.example"], "groups": {"kids": {"inspect": ["video.example"]}}})
    groups = Moving(config)
    lists, guest = lists_of(config, groups), Device("2", "laptop", "guests")
    assert lists.for_device(guest).inspect == {"all.example", "video.example"}
    groups.device_groups = DeviceGroups.of(config.model_copy(update={"groups": {}}))
    assert lists.for_device(guest).inspect == {"all.example"}


def test_the_shipped_list_is_clean() -> None:
    hosts = [host for _, host in known_hosts()]
    assert len(hosts) == len(set(hosts))
    assert all(canonical_host(host) == host for host in hosts)
    assert len({kind for kind, _ in known_hosts()}) == 6
    assert all(kind for kind, _ in known_hosts())
