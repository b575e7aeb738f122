"""The addons in the order in which they see a connection; the whole chain in one list."""

from __future__ import annotations

from addons import broken_off, downgrading, header_fields, holding, interim, seams, sharing, trailers
from addons.asking import AskForAccess
from addons.ca_memory import CaMemory
from addons.client_hello import ClientHelloGate
from addons.continuing import Continuing
from addons.deadlines import Deadlines
from addons.destination import DestinationGate
from addons.download import DownloadGate
from addons.enforcement import Enforcer
from addons.frugal import Frugal
from addons.judged_addresses import JudgedAddresses
from addons.judging import Judging
from addons.noting_passing import NotePassing
from addons.own_ports import OwnPorts
from addons.pinning import Pinning
from addons.protocols import Protocols
from addons.request import RequestGate
from addons.reserved_hosts import ReservedHosts
from addons.self_test import SelfTest
from addons.server_certificate import ServerCertificateGate
from addons.services import Services
from addons.sightings import Sightings
from addons.trust import Trust
from addons.visits import Visits


def chain(services: Services) -> list[object]:
    """Return the addons that judge and enforce. They stand before mitmproxy's NextLayer and TlsConfig."""
    seams.install()
    holding.install()
    sharing.install()
    downgrading.install()
    broken_off.install()
    trailers.install()
    interim.install()
    header_fields.install()
    visits = Visits(services.device_of, services.arrivals, services.monotonic)
    memory = CaMemory(services.policy, services.monotonic)
    judging = Judging(services, OwnPorts(services.own_ports, services.monotonic))
    enforcer = Enforcer(services)
    gates: list[object] = [
        JudgedAddresses(services.names),
        Deadlines(),
        Pinning(services, visits),
        Sightings(services.sights, visits),
        DestinationGate(services, visits, judging, memory, enforcer),
        ClientHelloGate(services, visits, judging, memory, enforcer),
        Protocols(services.monotonic),
        Trust(services, visits, memory, enforcer),
        checks := SelfTest(services),
        ReservedHosts(services, visits, memory, checks),
        Continuing(services, visits, judging, enforcer),
        AskForAccess(services, visits),
        RequestGate(services, visits, judging, enforcer),
        ServerCertificateGate(services, visits, judging, enforcer),
        DownloadGate(services, visits, judging, enforcer),
        NotePassing(services.passing, visits),
    ]
    return [*gates, Frugal()] if services.streams else gates
