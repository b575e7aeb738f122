"""What devices may be filtered and sorted by: Defender's names, and the columns they stand for."""

from __future__ import annotations

from datetime import datetime
from typing import cast

from sqlalchemy import ColumnElement, case, func, literal, select

from collector.odata.fields import Field, instant, one_of, text
from collector.risk import INACTIVE_AFTER
from collector.store.inventory_rows import ADDRESS
from collector.store.machines import GROUP, WORST
from collector.store.policy_tables import DEVICE_TAGS, POSTURES
from collector.store.tables import DEVICE_TRAITS, DEVICES
from indicators.words import Severity

_RISKS: dict[str, object] = {"None": None, **{severity.capitalize(): severity for severity in Severity}}
_PLATFORM = func.coalesce(
    func.nullif(POSTURES.c.os_platform, ""), func.nullif(DEVICES.c.os_platform, ""), literal("Unknown")
)
_VERSION = func.coalesce(func.nullif(POSTURES.c.os_version, ""), func.nullif(DEVICES.c.os_version, ""))
_LAST_ADDRESS = (
    select(DEVICE_TRAITS.c.value)
    .where(DEVICE_TRAITS.c.device_id == DEVICES.c.id, DEVICE_TRAITS.c.kind == ADDRESS)
    .order_by(DEVICE_TRAITS.c.last_seen.desc(), DEVICE_TRAITS.c.value)
    .limit(1)
    .correlate(DEVICES)
    .scalar_subquery()
)


def machine_fields(now: datetime) -> dict[str, Field]:
    """Return the fields; whether a device is active depends on the time."""
    health = case((DEVICES.c.last_seen > now - INACTIVE_AFTER, "Active"), else_="Inactive")
    return {
        "id": Field(DEVICES.c.id, text),
        "computerDnsName": Field(DEVICES.c.name, text),
        "firstSeen": Field(DEVICES.c.first_seen, instant),
        "lastSeen": Field(DEVICES.c.last_seen, instant),
        "osPlatform": Field(_PLATFORM, text),
        "version": Field(_VERSION, text),
        "healthStatus": Field(health, one_of({"Active": "Active", "Inactive": "Inactive"})),
        "riskScore": Field(WORST, one_of(_RISKS)),
        "rbacGroupName": Field(GROUP, text),
        "machineTags": Field(DEVICES.c.id, text, element=_has_tag, sorts=False),
        "lastIpAddress": Field(_LAST_ADDRESS, text),
        "identifiedBy": Field(DEVICES.c.identified_by, text),
        "onboardingStatus": Field(literal("onboarded"), text, sorts=False),
        "deviceValue": Field(literal("Normal"), text, sorts=False),
    }


def _has_tag(tag: object) -> ColumnElement[bool]:
    found = select(DEVICE_TAGS.c.tag).where(DEVICE_TAGS.c.device_id == DEVICES.c.id, DEVICE_TAGS.c.tag == tag)
    return cast("ColumnElement[bool]", found.correlate(DEVICES).exists())
