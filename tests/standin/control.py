# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The control plane: actions of tests on the stand-in that a real Quay does not offer."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import Flask, Response, jsonify, request

from . import faults as fault_rules
from . import tokens
from .request_handler import CONTROL_PREFIX, RequestHandler

_LOOPBACK = ("127.0.0.1", "::1")


def create_control(request_handler: RequestHandler) -> Flask:
    app = Flask("standin-control", static_folder=None)

    @app.before_request
    def loopback_only() -> tuple[str, int] | None:
        return None if request.remote_addr in _LOOPBACK else ("loopback only", 403)

    _add_journal(app, request_handler)
    _add_server(app, request_handler)
    _add_faults(app, request_handler)
    _add_snapshots(app, request_handler)
    return app


def _add_journal(app: Flask, request_handler: RequestHandler) -> None:
    @app.get(f"{CONTROL_PREFIX}journal")
    def get_journal() -> Response:
        return jsonify(request_handler.journal.as_dicts())

    @app.delete(f"{CONTROL_PREFIX}journal")
    def clear_journal() -> tuple[str, int]:
        request_handler.journal.clear()
        return "", 204


def _add_server(app: Flask, request_handler: RequestHandler) -> None:
    quay = request_handler.quay

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
        return jsonify(_summary(request_handler))


def _add_faults(app: Flask, request_handler: RequestHandler) -> None:
    @app.get(f"{CONTROL_PREFIX}faults")
    def list_faults() -> Response:
        return jsonify([vars(rule) for rule in request_handler.faults.rules])

    @app.post(f"{CONTROL_PREFIX}faults")
    def add_faults() -> tuple[Response, int]:
        body = request.get_json()
        rules = body if isinstance(body, list) else [body]
        return jsonify([vars(request_handler.faults.add(**fault_rules.parse(rule))) for rule in rules]), 201

    @app.delete(f"{CONTROL_PREFIX}faults")
    def clear_faults() -> tuple[str, int]:
        request_handler.faults.clear()
        return "", 204


def _add_snapshots(app: Flask, request_handler: RequestHandler) -> None:
    snapshots: list[dict[str, Any]] = []

    @app.post(f"{CONTROL_PREFIX}reset")
    def reset() -> tuple[str, int]:
        request_handler.run_exclusively(request_handler.quay.reset)
        request_handler.journal.clear()
        request_handler.faults.clear()
        return "", 204

    @app.post(f"{CONTROL_PREFIX}snapshot")
    def snapshot() -> tuple[dict[str, int], int]:
        request_handler.run_exclusively(lambda: snapshots.append(request_handler.quay.snapshot()))
        return {"id": len(snapshots)}, 201

    @app.post(f"{CONTROL_PREFIX}restore")
    def restore() -> tuple[str, int]:
        chosen = request.get_json(silent=True) or {"id": len(snapshots)}
        if not 1 <= chosen["id"] <= len(snapshots):
            return "no such snapshot", 404
        request_handler.run_exclusively(lambda: request_handler.quay.restore(snapshots[chosen["id"] - 1]))
        return "", 204


def _summary(request_handler: RequestHandler) -> dict[str, Any]:
    state, now = request_handler.quay.state, request_handler.quay.clock.now()
    return {
        "now": now.isoformat(),
        "family": request_handler.quay.family,
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
        "requests": len(request_handler.journal),
    }
