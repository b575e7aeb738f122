"""A gateway goes on trusting its collector when the certificate is renewed, and trusts nobody else for that."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest

from collector import certificate
from collector.service import CollectorService
from proxy import collector_trust
from proxy.collector_link import trust_of
from proxy.collector_trust import RenewedTrust
from proxy.config.sections.collector import CollectorConfig, CollectorTlsConfig
from tests.collector.conftest import clock, collector_settings, migrated
from tests.support.authority import make_certificate

__all__ = ["clock", "collector_settings", "migrated"]


async def reaches(url: str, trust) -> bool:
    try:
        async with aiohttp.ClientSession() as http, http.get(f"{url}/healthz", ssl=trust) as answer:
            return answer.status == 200
    except aiohttp.ClientConnectorCertificateError:
        return False


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    found = tmp_path / "c.pem", tmp_path / "k.pem"
    make_certificate(*found, "one.example")
    return found


async def test_a_renewed_certificate_is_trusted_without_a_restart(collector_settings, files, monkeypatch):
    for module in (certificate, collector_trust):
        monkeypatch.setattr(module, "_LOOK_EVERY", 0.01)
    section = CollectorConfig(tls=CollectorTlsConfig(cert=files[0], key=files[1]))
    trust, apart = trust_of(section), trust_of(section)
    (renewed,) = RenewedTrust.needed(section, trust)
    following = asyncio.create_task(renewed.follow())
    settings = replace(collector_settings, certificate=files[0], certificate_key=files[1])
    async with CollectorService(settings) as service, asyncio.timeout(60):
        assert await reaches(service.url, trust)
        make_certificate(*files, "two.example")
        while await reaches(service.url, apart):
            await asyncio.sleep(0.01)
        while not await reaches(service.url, trust):
            await asyncio.sleep(0.01)
        following.cancel()


def test_a_file_that_goes_or_breaks_changes_nothing(files, capsys):
    section = CollectorConfig(url="https://wall.example", ca=files[0])
    trust = trust_of(section)
    (renewed,) = RenewedTrust.needed(section, trust)
    assert not renewed.refresh()
    files[0].write_text("broken")
    assert not renewed.refresh()
    assert not renewed.refresh()
    files[0].unlink()
    assert not renewed.refresh()
    before = len(trust.get_ca_certs())
    make_certificate(*files, "two.example")
    assert renewed.refresh()
    assert len(trust.get_ca_certs()) == before + 1


@pytest.mark.parametrize("section", [CollectorConfig(), CollectorConfig(url="https://wall.example")])
def test_without_a_file_there_is_nothing_to_follow(section):
    assert list(RenewedTrust.needed(section, trust_of(section))) == []
