"""What is known of a device, put together: tunnel, pins, and the report that is told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from indicators.coverage import Seen, Sign
from indicators.overlay import Pin
from proxy.devices.record import DeviceRecord
from proxy.radar.gathering import Known, told, with_pins, with_tunnel

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
PHONE = DeviceRecord("phone", "Anna's phone", NOW, peer_key="key")
LAPTOP = DeviceRecord("laptop", "laptop", NOW)
HEARD = NOW - timedelta(minutes=1)


def test_devices_with_a_place_in_the_tunnel() -> None:
    found = with_tunnel({"phone": Known("?", Seen(dns=HEARD))}, [PHONE, LAPTOP], {"phone": HEARD})
    assert found == {"phone": Known("Anna's phone", Seen(True, HEARD, HEARD))}
    assert with_tunnel({}, [PHONE], {}) == {"phone": Known("Anna's phone", Seen(True))}


def test_hosts_on_which_apps_refuse_our_certificate() -> None:
    later = NOW + timedelta(hours=1)
    pins = [
        Pin("phone", "b.example", "t1", later),
        Pin("phone", "b.example", "t2", later),
        Pin("phone", "a.example", "t1", later),
        Pin("phone", "over.example", "t1", NOW),
        Pin("gone", "a.example", "t1", later),
    ]
    found = with_pins({"phone": Known("x"), "other": Known("y")}, pins, NOW)
    assert found["phone"].seen.ca_refused == ("a.example", "b.example")
    assert (found["other"].seen.ca_refused, set(found)) == ((), {"phone", "other"})


def test_what_is_told() -> None:
    seen = Seen(True, HEARD, None, HEARD, {Sign.ECH: 2, Sign.MISMATCH: 0}, ca_refused=("a.example",))
    assert told("phone", Known("Anna's phone", seen), NOW) == {
        "device": "phone",
        "name": "Anna's phone",
        "score": 80,
        "protected": True,
        "reasons": [
            "connections hid their name (Encrypted ClientHello)",
            "apps refuse our certificate, so what they send is not looked into: a.example",
        ],
        "in_tunnel": True,
        "last_handshake": "2026-03-02T11:59:00+00:00",
        "last_dns": None,
        "last_connection": "2026-03-02T11:59:00+00:00",
        "signs": {"encrypted_client_hello": 2, "ca_refused": 1},
    }
