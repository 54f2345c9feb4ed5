# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Write an entry of the usage log."""

from __future__ import annotations

from typing import Any

from flask import request

from .quay import caller, quay
from .state import LogEntry


def log(
    kind: str,
    namespace: str | None,
    metadata: dict[str, Any] | None = None,
    *,
    repository: str | None = None,
    performer: str | None = None,
) -> None:
    if namespace in quay().config["DISABLED_FOR_AUDIT_LOGS"]:
        return
    token = caller().oauth_token
    entry_metadata = dict(metadata or {})
    if token:
        application = quay().state.applications[token.client_id]
        entry_metadata |= {
            "oauth_token_id": token.id,
            "oauth_token_application_id": application.client_id,
            "oauth_token_application": application.name,
        }
    state = quay().state
    state.logs.append(
        LogEntry(
            id=state.next_id(),
            kind=kind,
            namespace=namespace,
            repository=repository,
            performer=performer or caller().name,
            ip=request.remote_addr,
            metadata=entry_metadata,
            at=quay().clock.now(),
        )
    )
