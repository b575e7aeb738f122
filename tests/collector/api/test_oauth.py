"""A Defender client with nothing changed but its base URL and authority: token, lists, a submission, a triage."""

from __future__ import annotations

import base64
from datetime import timedelta

import jwt
import pytest

from collector.accounts.tokens import make_token, revoke_token
from collector.signing import Signer
from collector.web.parts import PARTS
from tests.collector.conftest import NOW
from tests.support.events import verdict

TENANT = "/72f988bf-0000-0000-0000-2d7cd011db47/oauth2/v2.0/token"
SCOPES = ("Alert.ReadWrite.All", "Machine.Read.All", "Ti.ReadWrite.All")


async def _client(running, scopes=SCOPES, life=None):
    token = await make_token(running.service._app[PARTS].database, "script", scopes, "test", NOW, life)
    _, id_, secret = token.split("_", 2)
    return {"client_id": id_, "client_secret": secret, "grant_type": "client_credentials"}


async def _token(running, form, path=TENANT, **more):
    return await running.ask("POST", path, "", data=form, **more)


async def test_a_defender_script_works(running):
    """The steps of Microsoft's own samples: client credentials, then the API with the bearer."""
    await running.deliver(verdict())
    form = await _client(running)
    form |= {"scope": "https://api.securitycenter.microsoft.com/.default"}
    status, body, _ = await _token(running, form)
    assert (status, body["token_type"], body["expires_in"]) == (200, "Bearer", 3600)
    bearer = body["access_token"]
    for base in ("/api", "/api/v1.0"):
        ask = f"{base}/alerts?$filter=severity eq 'Informational'&$top=10&$expand=evidence"
        status, alerts, _ = await running.ask("GET", ask, bearer)
        assert (status, len(alerts["value"])) == (200, 1)
        assert (await running.ask("GET", f"{base}/machines", bearer))[0] == 200
        entry = {"indicatorValue": "evil.example", "indicatorType": "DomainName", "action": "Block"}
        entry |= {"title": "T", "description": "D"}
        status, made, _ = await running.ask("POST", f"{base}/indicators", bearer, json=entry)
        assert (status, made["sourceType"], made["createdBy"]) == (200, "AadApp", "token script")
    alert = alerts["value"][0]["id"]
    change = {"status": "Resolved", "assignedTo": "x@y.example", "classification": "TruePositive"}
    status, changed, _ = await running.ask("PATCH", f"/api/alerts/{alert}", bearer, json=change)
    assert (status, changed["status"]) == (200, "Resolved")
    assert (await running.ask("DELETE", "/api/machines/dev-phone", bearer))[0] == 403, (
        "its scopes alone say what it may"
    )


async def test_basic_and_the_older_path_do_as_well(running):
    form = await _client(running)
    both = base64.b64encode(f"{form.pop('client_id')}:{form.pop('client_secret')}".encode()).decode()
    status, body, _ = await _token(running, form, "/t/oauth2/token", headers={"Authorization": f"Basic {both}"})
    assert status == 200
    assert (await running.ask("GET", "/api/alerts", body["access_token"]))[0] == 200


@pytest.mark.parametrize(
    ("changes", "status", "error"),
    [
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"client_secret": "wrong"}, 401, "invalid_client"),
        ({"client_id": "nobody"}, 401, "invalid_client"),
        ({"client_id": ""}, 401, "invalid_client"),
    ],
)
async def test_refused(running, changes, status, error):
    answer = await _token(running, await _client(running) | changes)
    assert (answer[0], answer[1]["error"]) == (status, error)


async def test_a_form_is_expected_and_guessing_is_slowed_down(running):
    assert (await running.ask("POST", TENANT, "", json={}))[1]["error"] == "invalid_request"
    bad = {"Authorization": "Basic !"}
    assert (await _token(running, {"grant_type": "client_credentials"}, headers=bad))[0] == 401
    form = await _client(running) | {"client_secret": "wrong"}
    for _ in range(5):
        assert (await _token(running, form))[0] in (401, 429)
    status, body, headers = await _token(running, form)
    assert (status, body["error"]) == (429, "temporarily_unavailable")
    assert int(headers["Retry-After"]) > 0


async def test_a_token_ends_with_its_time_or_when_its_client_is_revoked(running):
    form = await _client(running)
    _, body, _ = await _token(running, form)
    assert (await running.ask("GET", "/api/alerts", body["access_token"]))[0] == 200
    running.clock.advance(minutes=61)
    assert (await running.ask("GET", "/api/alerts", body["access_token"]))[0] == 401
    _, body, _ = await _token(running, form)
    await revoke_token(running.service._app[PARTS].database, form["client_id"], "test", running.clock.now)
    assert (await running.ask("GET", "/api/alerts", body["access_token"]))[0] == 401
    short = await _client(running, life=timedelta(minutes=100))
    _, body, _ = await _token(running, short)
    running.clock.advance(minutes=40)
    assert (await running.ask("GET", "/api/alerts", body["access_token"]))[0] == 401, "the client itself has run out"


async def test_nobody_else_signs(running):
    signer = running.service._app[PARTS].signer
    form = await _client(running)
    claims = {"aud": "seawall-api", "sub": form["client_id"], "exp": int(NOW.timestamp()) + 60}
    own = signer.sign(claims, "at+jwt", NOW)
    assert (await running.ask("GET", "/api/alerts", own))[0] == 200
    wrong = [
        Signer(b"\1" * 32).sign(claims, "at+jwt", NOW),
        signer.sign(claims, "secevent+jwt", NOW),
        signer.sign(claims | {"aud": "else"}, "at+jwt", NOW),
        signer.sign({name: claims[name] for name in ("aud", "sub")}, "at+jwt", NOW),
        signer.sign(claims | {"exp": "x"}, "at+jwt", NOW),
        jwt.encode(claims | {"iss": signer.issuer, "iat": 1}, None, algorithm="none", headers={"typ": "at+jwt"}),
    ]
    for token in wrong:
        assert (await running.ask("GET", "/api/alerts", token))[0] == 401


async def test_the_public_keys_check_what_was_signed(running):
    signer = running.service._app[PARTS].signer
    status, body, _ = await running.ask("GET", "/.well-known/jwks.json", "")
    assert (status, body["keys"][0]["kid"], "d" in body["keys"][0]) == (200, signer.kid, False)
    key = jwt.PyJWK(body["keys"][0])
    told = signer.sign({"x": 1}, "secevent+jwt", NOW)
    assert jwt.decode(told, key, algorithms=["ES256"], options={"verify_iat": False})["x"] == 1
    assert Signer(b"k" * 32).kid == Signer(b"k" * 32).kid != Signer().kid
