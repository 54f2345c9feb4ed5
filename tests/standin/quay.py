# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One Quay: its state, configuration, clock and keys, and the caller of the current request."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, cast

from flask import current_app, g, has_app_context

from . import config as configuration
from . import scopes, tokens
from .clock import Clock
from .config import Config
from .keys import Keys
from .state import OAuthToken, Robot, State, User

EXTENSION = "standin-quay"


@dataclass
class Quay:
    family: str
    config: Config
    clock: Clock = field(default_factory=Clock)
    state: State = field(default_factory=State)

    def __post_init__(self) -> None:
        self.keys = Keys(self.clock)
        self._first_config = copy.deepcopy(self.config)

    def feature(self, name: str) -> bool:
        return configuration.feature(self.config, name)

    def reset(self) -> None:
        """Reset to the state after installation. The keys are kept."""
        self.state = State()
        self.clock.offset, self.clock.stopped = timedelta(0), None
        self.replace_config(self._first_config)

    def replace_config(self, config: Config) -> None:
        # In place, because others hold a reference to the dictionary.
        self.config.clear()
        self.config.update(copy.deepcopy(config))

    def snapshot(self) -> dict[str, Any]:
        return {
            "state": copy.deepcopy(self.state),
            "config": copy.deepcopy(self.config),
            "clock": (self.clock.offset, self.clock.stopped),
        }

    def restore(self, snapshot: dict[str, Any]) -> None:
        self.state = copy.deepcopy(snapshot["state"])
        self.replace_config(snapshot["config"])
        self.clock.offset, self.clock.stopped = snapshot["clock"]


@dataclass
class Caller:
    """The caller of the current request, and the kind of authentication."""

    kind: str = "anonymous"
    account: User | Robot | None = None
    oauth_token: OAuthToken | None = None
    app_token_uuid: str | None = None
    app_token_title: str | None = None
    error: str | None = None

    @property
    def user(self) -> User | None:
        return self.account if isinstance(self.account, User) else None

    @property
    def name(self) -> str | None:
        if isinstance(self.account, Robot):
            return self.account.name
        return self.account.username if self.account else None

    @property
    def description(self) -> str:
        if self.oauth_token:
            return f"oauthtoken for user {self.name}"
        if self.app_token_uuid:
            return f"app specific token {self.app_token_title} for user {self.name}"
        return f"robot {self.name}" if isinstance(self.account, Robot) else f"user {self.name}"

    @property
    def scopes(self) -> frozenset[str]:
        if self.oauth_token:
            return scopes.parse(self.oauth_token.scope)
        return frozenset({scopes.DIRECT_LOGIN})


def quay() -> Quay:
    """The Quay that handles the current request."""
    return cast(Quay, current_app.extensions[EXTENSION])


def caller() -> Caller:
    return cast(Caller, g.setdefault("caller", Caller()))


def set_caller(found: Caller) -> None:
    g.caller = found


def count_hash() -> None:
    """Count a password hash, which is most of what a request costs a real server. A test computes one without any."""
    if has_app_context():
        g.hashes = g.get("hashes", 0) + 1


def hash_password(password: str, salt: str) -> str:
    count_hash()
    return tokens.digest(f"{salt}:{password}")
