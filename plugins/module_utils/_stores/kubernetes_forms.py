# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""The two forms of a credential in a Kubernetes Secret: an entry of a docker config, and keys of their own. Pure."""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any, Mapping, Protocol, Sequence

from .._core.errors import StoreError
from .contract import Delivery

DOCKER_KEY = ".dockerconfigjson"

Data = Mapping[str, bytes]

# What stands for a secret that does not exist yet.
PLACEHOLDER = Delivery("0" * 64, "placeholder", "placeholder")


class Form(Protocol):
    """How a credential is written into ``data``. The methods raise StoreError for data that cannot be kept."""

    part: str  # what of the Secret it writes

    def present(self, data: Data) -> bool:
        """Whether something is in the place of the credential."""

    def login(self, data: Data) -> tuple[str | None, str | None]:
        """User name and secret in ``data``."""

    def write(self, data: Data, delivery: Delivery) -> dict[str, bytes]:
        """The keys of ``data`` with the credential."""

    def remove(self, data: Data) -> dict[str, bytes]:
        """The keys of ``data`` that stay without the credential, because they hold something else, too."""

    def as_declared(self, data: Data) -> bool:
        """Whether everything but user name and secret is as it is written."""

    def others(self, data: Data) -> list[str]:
        """What others keep in the keys of the credential, for messages."""


class DockerConfig:
    """The entry of one registry in a docker config. All other entries are kept."""

    def __init__(self, registry: str) -> None:
        self.part = registry

    def present(self, data: Data) -> bool:
        return self.part in self._auths(data)

    def login(self, data: Data) -> tuple[str | None, str | None]:
        return _login_in(self._auths(data).get(self.part))

    def write(self, data: Data, delivery: Delivery) -> dict[str, bytes]:
        pair = base64.b64encode(f"{delivery.username}:{delivery.secret}".encode()).decode("ascii")
        return self._with(data, {**self._auths(data), self.part: {"auth": pair}})

    def remove(self, data: Data) -> dict[str, bytes]:
        return self._with(data, {key: entry for key, entry in self._auths(data).items() if key != self.part})

    def as_declared(self, data: Data) -> bool:
        entry = self._auths(data).get(self.part)
        return isinstance(entry, dict) and entry.keys() == {"auth"}

    def others(self, data: Data) -> list[str]:
        found = [f"the entry of {key}" for key in self._auths(data) if key != self.part]
        return found + [f"the member {key} of {DOCKER_KEY}" for key in self._document(data) if key != "auths"]

    def aliases(self, data: Data) -> list[str]:
        """Other entries that name the same registry, such as ``https://quay.example.com/v1/``."""
        return [key for key in self._auths(data) if key != self.part and _bare(key) == self.part]

    def _with(self, data: Data, auths: Mapping[str, Any]) -> dict[str, bytes]:
        return {DOCKER_KEY: json.dumps({**self._document(data), "auths": auths}).encode("utf-8")}

    def _auths(self, data: Data) -> dict[str, Any]:
        return self._document(data).get("auths") or {}

    @staticmethod
    def _document(data: Data) -> dict[str, Any]:
        try:
            document = json.loads(data.get(DOCKER_KEY) or b"{}")
        except (ValueError, RecursionError):
            document = ""
        document = {} if document is None else document
        if not isinstance(document, dict) or not isinstance(document.get("auths") or {}, dict):
            raise StoreError(f"its {DOCKER_KEY} is not a docker config (JSON with an object auths). It was not changed")
        return document


class SeparateKeys:
    """Keys that hold the fields of the credential, and fixed texts."""

    def __init__(
        self, names: Mapping[str, Sequence[str]], addresses: Mapping[str, str], fixed: Mapping[str, str]
    ) -> None:
        """``names``: the keys of each field. ``addresses``: the fields that do not depend on the credential."""
        self.part = names["token"][0]
        self._names = names
        self._fixed = {**fixed, **{key: addresses[name] for name in addresses for key in names.get(name, ())}}

    def present(self, data: Data) -> bool:
        return any(key in data for key in self.keys)

    @property
    def keys(self) -> list[str]:
        return list(dict.fromkeys([*(key for keys in self._names.values() for key in keys), *self._fixed]))

    def login(self, data: Data) -> tuple[str | None, str | None]:
        username = self._names.get("username", [""])[0]
        return _text(data.get(username)), _text(data.get(self.part))

    def write(self, data: Data, delivery: Delivery) -> dict[str, bytes]:
        fields = {"token": delivery.secret, "username": delivery.username, "name": delivery.name}
        texts = {key: text for name, text in fields.items() for key in self._names.get(name, ())}
        return {key: text.encode("utf-8") for key, text in {**self._fixed, **texts}.items()}

    def remove(self, data: Data) -> dict[str, bytes]:
        return {}

    def as_declared(self, data: Data) -> bool:
        fixed = all(_text(data.get(key)) == (text or None) for key, text in self._fixed.items())
        return fixed and all(
            key in data and data[key] == data.get(keys[0]) for keys in self._names.values() for key in keys
        )

    def others(self, data: Data) -> list[str]:
        return []


def _login_in(entry: Any) -> tuple[str | None, str | None]:
    """User name and secret of an entry as kubectl and container engines write it."""
    if not isinstance(entry, dict):
        return None, None
    if not entry.get("auth"):
        username, secret = entry.get("username"), entry.get("password")
        return (username, secret) if isinstance(username, str) and isinstance(secret, str) and secret else (None, None)
    try:
        username, colon, secret = base64.b64decode(entry["auth"]).decode("utf-8").partition(":")
    except (binascii.Error, ValueError, TypeError):
        return None, None
    return (username, secret) if colon and secret else (None, None)


def _bare(key: str) -> str:
    """The registry of an entry's key, as the kubelet reads it: without scheme, version and final slash."""
    bare = key.partition("://")[2] or key
    bare = bare.rstrip("/")
    for suffix in ("/v1", "/v2"):
        bare = bare[: -len(suffix)] if bare.endswith(suffix) else bare
    return bare.lower()


def _text(value: bytes | None) -> str | None:
    try:
        return value.decode("utf-8") or None if value else None
    except UnicodeDecodeError:
        return None
