"""Conditional access: which devices may reach the organisation's own hosts. Decided by risk and identity, nothing else.

It comes after the indicators and can only refuse. A pause does not lift it: it guards the hosts, not the device.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from indicators.hosts import parents
from indicators.indicator import Indicator, Origin
from indicators.observation import Device, Observation
from indicators.overlay import DeviceRisk, Overlay
from indicators.verdict import Match, Scope, Verdict
from indicators.words import Action, IdentifiedBy, IndicatorType, Mode, OnError, Risk
from proxy.config.sections.corporate import CorporateConfig

SOURCE = "corporate"
ONBOARDING = "http://seawall.internal/"
_ADMITTED = {"secured": 0, "low": 1, "medium": 2, "high": 3}  # greatest rank of a risk
_RANK = {risk: rank for rank, risk in enumerate(Risk)}
_ORIGIN = Origin(SOURCE, custom=True, place="config.yaml, corporate.hosts")


@dataclass(frozen=True, slots=True)
class Refusal:
    """Say why a device is refused and what to do about it, in words for the person in front of it."""

    title: str
    description: str
    advice: str
    link: str = ""


class ConditionalAccess:
    """Refuse corporate hosts to devices that are unknown or at too high a risk."""

    def __init__(self, settings: CorporateConfig, on_error: OnError, mode: Mode) -> None:
        self._settings = settings
        self._hosts = frozenset(settings.hosts)
        self._opens = on_error is OnError.OPEN
        self._records = mode is Mode.AUDIT

    @property
    def guards(self) -> bool:
        """Say whether any host is guarded at all."""
        return bool(self._hosts)

    def stale_at(self, overlay: Overlay) -> datetime | None:
        """Return when the collector's word on risk will be too old; nothing where it is not asked for."""
        return overlay.risks_as_of + self._settings.risk_max_age if self._hosts and overlay.risks_as_of else None

    def verdict(self, seen: Observation, overlay: Overlay, now: datetime) -> Verdict | None:
        """Return the verdict that refuses, or nothing where the host is not guarded or the device may reach it."""
        host = self._guarded(seen.hosts)
        why = self._why(seen.device, overlay, now) if host else None
        return self._refused(host, why) if why else None

    def _guarded(self, hosts: Sequence[str]) -> str:
        return next((host for host in hosts for name in parents(host) if name in self._hosts), "")

    def _why(self, device: Device, overlay: Overlay, now: datetime) -> Refusal | None:
        if device.identified_by is IdentifiedBy.ADDRESS and not self._settings.accept_address:
            return _UNKNOWN
        if self._settings.max_risk == "high":
            return None
        if overlay.risks_as_of is None or now - overlay.risks_as_of >= self._settings.risk_max_age:
            return None if self._opens else _STALE
        risk = overlay.risks.get(device.id, DeviceRisk(Risk.NONE))
        return None if _RANK[risk.level] <= _ADMITTED[self._settings.max_risk] else self._at_risk(risk)

    def _at_risk(self, risk: DeviceRisk) -> Refusal:
        found = "; ".join(risk.reasons) or f"risk {risk.level}"
        return Refusal(
            title="This device must be put right first",
            description=f"Your organisation's sites are closed to it while its risk is {risk.level}. Found: {found}.",
            advice="Remove what was found, then ask your security team to resolve the alert. The site opens at once.",
        )

    def _refused(self, host: str, why: Refusal) -> Verdict:
        indicator = Indicator(
            value=host,
            type=IndicatorType.DOMAIN,
            action=Action.BLOCK,
            origin=_ORIGIN,
            title=why.title,
            description=why.description,
            recommended_actions=why.advice,
            educate_url=why.link,
            generate_alert=False,
        )
        match = Match(indicator, host, Scope.EXACT_HOST, host.count(".") + 1, Action.BLOCK)
        done, would = (Action.ALLOW, Action.BLOCK) if self._records else (Action.BLOCK, None)
        return Verdict(done, f"conditional access: {why.title}", (match,), would=would)


_UNKNOWN = Refusal(
    title="This device is not known here",
    description="Your organisation's sites are open to devices that have been set up for it.",
    advice="Set this device up, then open the site again.",
    link=ONBOARDING,
)
_STALE = Refusal(
    title="Whether this device is in order cannot be told now",
    description="The collector has not been heard for too long, and the policy is to refuse what cannot be judged.",
    advice="Try again later, or tell whoever runs this gateway.",
)
