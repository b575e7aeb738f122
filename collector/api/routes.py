"""The addresses that programs ask, and who may use each."""

from __future__ import annotations

from collector.api import (
    access_requests,
    alerts,
    audit,
    coverage,
    enrolments,
    events,
    gateways,
    health,
    history,
    incidents,
    indicators,
    keys,
    machines,
    oauth,
    openapi,
    policy,
    posture,
    questions,
    tail,
    tickets,
    vulnerabilities,
)
from collector.metrics import endpoint as metrics
from collector.web.access import Access
from collector.web.parts import Handler

_DEVICE = "{id:[\\s\\S]+}"  # gateways choose ids; a slash in one is no separator

_ROUTES: tuple[tuple[str, str, Access, Handler], ...] = (
    ("GET", "/.well-known/jwks.json", Access.PUBLIC, keys.get),
    ("POST", "/{tenant}/oauth2/v2.0/token", Access.PUBLIC, oauth.token),
    ("POST", "/{tenant}/oauth2/token", Access.PUBLIC, oauth.token),
    ("POST", f"/api/machines/{_DEVICE}/posture", Access.POSTURE, posture.post),
    ("GET", "/healthz", Access.PUBLIC, health.get),
    ("POST", "/api/v1/events", Access.GATEWAY, events.post),
    ("POST", "/api/v1/gateways/status", Access.GATEWAY, gateways.post_status),
    ("POST", "/api/v1/coverage", Access.GATEWAY, coverage.post),
    ("GET", "/api/v1/policy", Access.GATEWAY, policy.get),
    ("POST", "/api/v1/access-requests", Access.GATEWAY, access_requests.post),
    ("GET", "/api/v1/access-requests", Access.READ, access_requests.collection),
    ("GET", "/api/v1/access-requests/{id}", Access.READ_OR_GATEWAY, access_requests.single),
    ("POST", "/api/v1/access-requests/{id}/approve", Access.REQUESTS_WRITE, access_requests.approve),
    ("POST", "/api/v1/access-requests/{id}/deny", Access.REQUESTS_WRITE, access_requests.deny),
    ("POST", "/api/v1/tickets", Access.ADMIN, tickets.post),
    ("POST", "/api/v1/enrolments", Access.ADMIN, enrolments.post),
    ("GET", "/metrics", Access.METRICS, metrics.get),
    ("GET", "/api/v1/questions", Access.GATEWAY, questions.take),
    ("POST", "/api/v1/questions/{id}", Access.GATEWAY, questions.answer),
    ("GET", "/api/v1/tail", Access.READ, tail.get),
    ("GET", "/api/v1/why", Access.READ, questions.why),
    ("POST", "/api/v1/history/test", Access.READ, history.test),
    ("GET", "/api/v1/audit", Access.ADMIN, audit.collection),
    ("GET", "/api/v1/incidents/{id:[\\s\\S]+}", Access.READ, incidents.single),
    ("GET", "/api/alerts", Access.ALERTS_READ, alerts.collection),
    ("POST", "/api/alerts/batchUpdate", Access.ALERTS_WRITE, alerts.batch),
    ("GET", "/api/alerts/{id}", Access.ALERTS_READ, alerts.single),
    ("PATCH", "/api/alerts/{id}", Access.ALERTS_WRITE, alerts.patch),
    ("POST", "/api/alerts/{id}/comments", Access.ALERTS_WRITE, alerts.comment),
    ("GET", "/api/indicators", Access.INDICATORS_READ, indicators.collection),
    ("POST", "/api/indicators", Access.INDICATORS_WRITE, indicators.post),
    ("POST", "/api/indicators/import", Access.INDICATORS_WRITE, indicators.import_),
    ("POST", "/api/indicators/BatchDelete", Access.INDICATORS_WRITE, indicators.batch_delete),
    ("GET", "/api/indicators/{id}", Access.INDICATORS_READ, indicators.single),
    ("DELETE", "/api/indicators/{id}", Access.INDICATORS_WRITE, indicators.delete),
    ("GET", "/api/machines", Access.MACHINES_READ, machines.collection),
    ("GET", "/api/vulnerabilities", Access.MACHINES_READ, vulnerabilities.collection),
    ("GET", "/api/v1/exposure", Access.MACHINES_READ, vulnerabilities.exposure),
    ("GET", f"/api/machines/{_DEVICE}/vulnerabilities", Access.MACHINES_READ, vulnerabilities.machine),
    ("GET", f"/api/machines/{_DEVICE}/coverage", Access.MACHINES_READ, coverage.single),
    ("GET", f"/api/machines/{_DEVICE}/risk", Access.MACHINES_READ, machines.risk),
    ("POST", f"/api/machines/{_DEVICE}/tags", Access.MACHINES_WRITE, machines.tags),
    ("GET", f"/api/machines/{_DEVICE}", Access.MACHINES_READ, machines.single),
    ("PATCH", f"/api/machines/{_DEVICE}", Access.MACHINES_WRITE, machines.patch),
    ("DELETE", f"/api/machines/{_DEVICE}", Access.MACHINES_WRITE, machines.delete),
)
# Defender's clients may name the version.
_ALIASED = ("/api/alerts", "/api/machines", "/api/indicators")
_WITH_VERSION = tuple(
    (method, path.replace("/api/", "/api/v1.0/", 1), access, handler)
    for method, path, access, handler in _ROUTES
    if path.startswith(_ALIASED)
)
_DOCUMENTED = (*_ROUTES, *_WITH_VERSION)
ROUTES = (*_DOCUMENTED, ("GET", "/api/openapi.json", Access.PUBLIC, openapi.serving(_DOCUMENTED)))
