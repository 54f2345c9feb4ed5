# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""One secret of a KV engine of version 1 or 2: read, written with check-and-set, deleted, with its custom metadata."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Mapping

from .._core.errors import StoreError
from .vault_client import Denied, Refused, Reply, VaultClient, VaultError

PATCH, POST = "patch", "post"  # the two ways to write custom metadata

_CAS_MISMATCH = "did not match the current version"
_METADATA_CAS_REQUIRED = "metadata check-and-set parameter required"
_NO_MOUNT = "no handler for route"
_OTHER_VERSION = "Invalid path for a versioned"
_NOTHING_GRANTED = "preflight capability check"


class Conflict(StoreError):
    """The secret has another version than the one that was read. Nothing was written."""


@dataclass(frozen=True)
class Document:
    """What a path holds now. A deleted version holds nothing."""

    data: Mapping[str, Any] = field(default_factory=dict, repr=False)
    exists: bool = False  # whether the path has a version, also a deleted one
    version: int = 0
    metadata: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Rights:
    """What the policies of the token allow on a secret. ``known``: whether they could be asked for."""

    known: bool = False
    data: frozenset[str] = frozenset()
    deletes: bool = False
    metadata: str | None = None  # PATCH, POST, or None if custom metadata cannot be written


class KvSecret:
    """One path of one mount. ``version``: that of the engine; without it the server is asked."""

    def __init__(self, client: VaultClient, mount: str, path: str, version: str | None) -> None:
        self._client = client
        self._mount = mount
        self._path = path
        self._given = version

    @property
    def is_versioned(self) -> bool:
        """Whether the engine is KV version 2."""
        return (self._given or self._version()) == "2"

    @property
    def data_path(self) -> str:
        return self._text("data") if self.is_versioned else f"{self._mount}/{self._path}"

    @property
    def metadata_path(self) -> str:
        return self._text("metadata")

    def read(self) -> Document:
        """The present content. Raises StoreError, and for a denied request it says what the token may do."""
        try:
            reply = self._client.read(*self._parts(self.data_path))
        except Denied as error:
            raise self.denied("read", error) from None
        if not reply.found and not reply.data:
            return self._missing(reply)
        if not self.is_versioned:
            return Document(reply.data, True)
        metadata = reply.data.get("metadata")
        if not isinstance(metadata, dict):
            raise self._other_version("1")
        data, custom = reply.data.get("data"), metadata.get("custom_metadata")
        return Document(data or {}, True, int(metadata.get("version") or 0), custom or {})

    def write(self, data: Mapping[str, Any], read: Document) -> None:
        """Replace the content. ``read``: what it is expected to be. Raises Conflict if it is not (KV version 2)."""
        body: Mapping[str, Any] = data
        if self.is_versioned:
            body = {"options": {"cas": read.version}, "data": data}
        self._change(body=body)

    def delete(self, read: Document) -> None:
        """Delete the version that was read. Older versions stay."""
        if self.is_versioned:
            self._send(*self._parts(self._text("delete")), body={"versions": [read.version]})
        else:
            self._send(*self._parts(self.data_path), body={}, method="delete")

    def change_metadata(self, changes: Mapping[str, str | None], present: Mapping[str, Any], method: str) -> None:
        """Set keys of the custom metadata, or remove those with None. ``present``: what it holds now."""
        custom: Mapping[str, Any] = changes
        if method == POST:
            # Replaces all of them.
            custom = {key: value for key, value in {**present, **changes}.items() if value is not None}
        body: dict[str, Any] = {"custom_metadata": custom}
        path = self._parts(self.metadata_path)
        try:
            reply = self._client.write(*path, body=body, method=method)
        except Refused as error:
            if _METADATA_CAS_REQUIRED not in error.words:
                raise
            version = self._client.read(*path).data.get("current_metadata_version")
            reply = self._client.write(*path, body={**body, "metadata_cas": version}, method=method)
        if not reply.found:
            raise VaultError(f"{self.metadata_path} does not exist", 404)

    def rights(self) -> Rights:
        """What the token may do here, asked with one request."""
        data = self.data_path
        paths = [data, self.metadata_path, self._text("delete")] if self.is_versioned else [data]
        found = self._client.capabilities(*paths)
        if found is None:
            return Rights(deletes=True, metadata=PATCH if self.is_versioned else None)
        if not self.is_versioned:
            return Rights(True, frozenset(found[data]), deletes=_allows(found[data], "delete"))
        metadata = found[self.metadata_path]
        method = PATCH if _allows(metadata, "patch") else POST if _allows(metadata, "update") else None
        return Rights(True, frozenset(found[data]), _allows(found[self._text("delete")], "update"), method)

    def denied(self, capability: str, error: Denied) -> StoreError:
        """The error for a request that was denied, with the reason if the server reveals it."""
        allowed = self._client.capabilities(self.data_path)
        if allowed is None:
            return StoreError(
                f"{error}. The token cannot even ask for its rights, so it is probably wrong, revoked or expired. "
                "Check the login (vault_token, VAULT_TOKEN or vault_auth_method)"
            )
        return lacking(self.data_path, [capability], allowed[self.data_path])

    def _version(self) -> str:
        if self._mount not in self._client.kv_versions:
            self._client.kv_versions[self._mount] = self._ask_version()
        return self._client.kv_versions[self._mount]

    def _ask_version(self) -> str:
        """The version of the engine, as the CLI asks for it."""
        try:
            reply = self._client.read("sys", "internal", "ui", "mounts", *self._parts(f"{self._mount}/{self._path}"))
        except Denied as error:
            raise self._mount_denied(error) from None
        if not reply.found:
            # Servers without this endpoint have version 1 only.
            return "1"
        mounted = str(reply.data.get("path") or "").strip("/")
        if mounted and mounted != self._mount:
            raise StoreError(f"{self._mount}/{self._path} belongs to the mount {mounted}. Set mount to {mounted}")
        kind = reply.data.get("type")
        if kind not in ("kv", "generic"):
            raise StoreError(f"The mount {self._mount} is of the type {kind}, not a KV engine. Check mount")
        options = reply.data.get("options")
        return str((options or {}).get("version") or "1")

    def _mount_denied(self, error: Denied) -> StoreError:
        if self._client.capabilities(f"{self._mount}/{self._path}") is None:
            return StoreError(
                f"{error}. The token cannot even ask for its rights, so it is probably wrong, revoked or expired. "
                "Check the login (vault_token, VAULT_TOKEN or vault_auth_method)"
            )
        return StoreError(
            f"{error}: there is no mount {self._mount}, or the policies of the token allow nothing at {self._path} in "
            "it. Check mount and the policies"
        )

    def _missing(self, reply: Reply) -> Document:
        if reply.says(_NO_MOUNT):
            raise self._no_mount()
        if reply.says(_OTHER_VERSION):
            raise self._other_version("2")
        # A path of version 2 is a valid path of version 1, so a wrong version shows only as a missing secret.
        if self._given and self._mount not in self._client.kv_versions:
            try:
                found = self._version()
            except StoreError:
                found = self._given
            if found != self._given:
                raise self._other_version(found)
        return Document()

    def _other_version(self, found: str) -> StoreError:
        return StoreError(f"The mount {self._mount} is KV version {found}. Set kv_version to {found}, or leave it out")

    def _no_mount(self) -> StoreError:
        return StoreError(f"There is no mount {self._mount}. Check mount and vault_namespace")

    def _change(self, *, body: Mapping[str, Any]) -> None:
        try:
            self._send(*self._parts(self.data_path), body=body)
        except Refused as error:
            if _CAS_MISMATCH in error.words:
                raise Conflict(f"{self.data_path} was changed by another writer") from None
            raise

    def _send(self, *path: str, body: Mapping[str, Any], method: str = "post") -> None:
        try:
            reply = self._client.write(*path, body=body, method=method)
        except Denied as error:
            raise self.denied("update", error) from None
        if not reply.found:
            raise self._no_mount()

    def _text(self, part: str) -> str:
        return f"{self._mount}/{part}/{self._path}"

    @staticmethod
    def _parts(path: str) -> list[str]:
        return path.split("/")


def lacking(path: str, capabilities: list[str], allowed: list[str]) -> StoreError:
    """The error for a token whose policies lack capabilities on a path."""
    has = ", ".join(sorted(allowed)) or "none"
    return StoreError(
        f"The policies of the token lack the capability {' and '.join(capabilities)} on {path} (they grant: {has}). "
        "Add it to a policy"
    )


def _allows(allowed: list[str], capability: str) -> bool:
    return capability in allowed or "root" in allowed
