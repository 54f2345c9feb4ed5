# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The control plane: what tests and people do to the stand-in that no user of a Quay can."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import jwt
from flask import Flask, Response, jsonify, request

from . import faults as fault_rules
from . import tokens
from .exchange import CONTROL_PREFIX, Exchange
from .keys import service_key

_LOOPBACK = ("127.0.0.1", "::1")


def create_control(exchange: Exchange) -> Flask:
    app = Flask("standin-control", static_folder=None)

    @app.before_request
    def loopback_only() -> tuple[str, int] | None:
        return None if request.remote_addr in _LOOPBACK else ("loopback only", 403)

    _add_journal(app, exchange)
    _add_server(app, exchange)
    _add_faults(app, exchange)
    _add_snapshots(app, exchange)
    _add_issuer(app, exchange)
    return app


def _add_journal(app: Flask, exchange: Exchange) -> None:
    @app.get(f"{CONTROL_PREFIX}journal")
    def get_journal() -> Response:
        return jsonify(exchange.journal.as_dicts())

    @app.delete(f"{CONTROL_PREFIX}journal")
    def clear_journal() -> tuple[str, int]:
        exchange.journal.clear()
        return "", 204


def _add_server(app: Flask, exchange: Exchange) -> None:
    quay = exchange.quay

    @app.post(f"{CONTROL_PREFIX}clock")
    def move_clock() -> dict[str, str]:
        body = request.get_json()
        if "stopped" in body:
            (quay.clock.stop if body["stopped"] else quay.clock.resume)()
        if "set" in body:
            quay.clock.set(datetime.fromisoformat(body["set"]))
        quay.clock.advance(float(body.get("advance", 0)))
        return {"now": quay.clock.now().isoformat()}

    @app.get(f"{CONTROL_PREFIX}config")
    def get_config() -> Response:
        return jsonify(quay.config)

    @app.patch(f"{CONTROL_PREFIX}config")
    def change_config() -> Response:
        quay.config.update(request.get_json())
        return jsonify(quay.config)

    @app.get(f"{CONTROL_PREFIX}state")
    def get_state() -> Response:
        return jsonify(_summary(exchange))


def _add_faults(app: Flask, exchange: Exchange) -> None:
    @app.get(f"{CONTROL_PREFIX}faults")
    def list_faults() -> Response:
        return jsonify([vars(rule) for rule in exchange.faults.rules])

    @app.post(f"{CONTROL_PREFIX}faults")
    def add_faults() -> tuple[Response, int]:
        body = request.get_json()
        rules = body if isinstance(body, list) else [body]
        return jsonify([vars(exchange.faults.add(**fault_rules.parse(rule))) for rule in rules]), 201

    @app.delete(f"{CONTROL_PREFIX}faults")
    def clear_faults() -> tuple[str, int]:
        exchange.faults.clear()
        return "", 204


def _add_snapshots(app: Flask, exchange: Exchange) -> None:
    snapshots: list[dict[str, Any]] = []

    @app.post(f"{CONTROL_PREFIX}reset")
    def reset() -> tuple[str, int]:
        exchange.exclusively(exchange.quay.reset)
        exchange.journal.clear()
        exchange.faults.clear()
        return "", 204

    @app.post(f"{CONTROL_PREFIX}snapshot")
    def snapshot() -> tuple[dict[str, int], int]:
        exchange.exclusively(lambda: snapshots.append(exchange.quay.snapshot()))
        return {"id": len(snapshots)}, 201

    @app.post(f"{CONTROL_PREFIX}restore")
    def restore() -> tuple[str, int]:
        chosen = request.get_json(silent=True) or {"id": len(snapshots)}
        if not 1 <= chosen["id"] <= len(snapshots):
            return "no such snapshot", 404
        exchange.exclusively(lambda: exchange.quay.restore(snapshots[chosen["id"] - 1]))
        return "", 204


def _add_issuer(app: Flask, exchange: Exchange) -> None:
    """An issuer of identity tokens, so that federated robots can be tried without a cluster."""
    private_key, key_id = service_key()

    def address() -> str:
        return f"{request.host_url}{CONTROL_PREFIX.lstrip('/')}issuer"

    @app.get(f"{CONTROL_PREFIX}issuer/.well-known/openid-configuration")
    def discovery() -> dict[str, str]:
        return {"issuer": address(), "jwks_uri": f"{address()}/keys"}

    @app.get(f"{CONTROL_PREFIX}issuer/keys")
    def keys() -> dict[str, Any]:
        key = jwt.algorithms.RSAAlgorithm.to_jwk(private_key.public_key(), as_dict=True)
        return {"keys": [{**key, "kid": key_id, "alg": "RS256", "use": "sig"}]}

    @app.post(f"{CONTROL_PREFIX}issuer/token")
    def identity() -> dict[str, str]:
        body = request.get_json()
        now = exchange.quay.clock.timestamp()
        claims = {"iss": address(), "sub": body["subject"], "aud": body.get("audience", "quay"), "iat": now}
        claims["exp"] = now + int(body.get("lifetime", 3600))
        return {"token": jwt.encode(claims, private_key, "RS256", headers={"kid": key_id})}


def _summary(exchange: Exchange) -> dict[str, Any]:
    state, now = exchange.quay.state, exchange.quay.clock.now()
    return {
        "now": now.isoformat(),
        "family": exchange.quay.family,
        "users": sorted(state.users),
        "organizations": sorted(state.organizations),
        "teams": {org.name: {t.name: t.members for t in org.teams.values()} for org in state.organizations.values()},
        "robots": {robot.name: tokens.fingerprint(robot.token) for robot in state.robots.values()},
        "applications": {app.client_id: f"{app.namespace}/{app.name}" for app in state.applications.values()},
        "oauth_tokens": {
            token.uuid: {
                "client_id": token.client_id,
                "user": token.username,
                "name": token.name,
                "scope": token.scope,
                "alive": token.expires_at > now,
                "fingerprint": token.digest[: tokens.FINGERPRINT_LENGTH],
            }
            for token in state.oauth_tokens.values()
        },
        "app_tokens": {token.uuid: tokens.fingerprint(token.code) for token in state.app_tokens.values()},
        "assignments": {item.uuid: item.username for item in state.assignments.values()},
        "repositories": sorted(f"{repo.namespace}/{repo.name}" for repo in state.repositories.values()),
        "logs": len(state.logs),
        "requests": len(exchange.journal),
    }
