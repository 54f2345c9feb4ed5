# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""A store that is some keys of a secret in HashiCorp Vault or OpenBao (KV version 2 or 1)."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace
from typing import Any, Callable, Iterator, Mapping, Sequence
from urllib.parse import urlsplit

from .._core.credential import Record, fingerprint
from .._core.errors import BadInput, StoreError
from .contract import Delivery, StoredSecret
from .file_formats import is_secret
from .options import registry_from_options
from .records import merge_records
from .secret_file import SecretFile
from .vault_client import VaultError, client_for
from .vault_kv import Conflict, Document, KvSecret, Rights, lacking
from .vault_options import (
    VaultServer,
    login_from_options,
    mount_from_options,
    path_from_options,
    server_from_options,
)
from .vault_records import (
    MAX_METADATA_KEYS,
    RESERVED_METADATA_KEYS,
    metadata_of,
    outdated_metadata,
    record_from_text,
    record_key,
    record_text,
    records_in,
)

_FIELDS = ("token", "username", "registry")
_MAX_KEY_LENGTH = 100
# Writes of one delivery: another one follows a change of other keys by somebody else, or an unclear answer.
_MAX_WRITES = 5
_LOCAL = ("localhost", "127.0.0.1", "::1")

Data = Mapping[str, Any]


@dataclass(frozen=True)
class Keys:
    """The keys of the secret that the store writes; None for what it does not write."""

    token: str = "token"  # noqa: S105
    username: str | None = "username"
    registry: str | None = "registry"

    @property
    def record(self) -> str:
        return record_key(self.token)

    @property
    def all(self) -> list[str]:
        return [key for key in (self.token, self.username, self.registry, self.record) if key]


class HashiVaultStore:
    """The keys of one credential in one secret. All other keys are kept."""

    files: Sequence[SecretFile] = ()
    tells_secret = True

    def __init__(
        self, server: VaultServer, secret: KvSecret, where: str, keys: Keys, registry: str, force: bool
    ) -> None:
        """``where``: mount and path, in messages."""
        self.place = f"hashi_vault {server.url or '(no vault_url)'} {where}"
        self.part = keys.token
        self._server = server
        self._secret = secret
        self._keys = keys
        self._registry = registry
        self._force = force
        self._rights = Rights()
        self._held = Document()

    def check(self, *, removing: bool = False) -> None:
        self._held = self._secret.read()
        self._rights = self._secret.rights()
        if not removing and not self._force and self._is_foreign(self._held):
            raise StoreError(
                f"{self.place} holds something else than this credential in {self._shown_keys()}, which would be lost. "
                "Use another path or other keys, or set force: true to replace it"
            )
        needed = self._needed(removing)
        if self._rights.known and "root" not in self._rights.data and not needed <= self._rights.data:
            missing = sorted(needed - self._rights.data)
            raise lacking(self._secret.data_path, missing, sorted(self._rights.data))

    def warnings(self) -> list[str]:
        warnings = []
        address = urlsplit(self._server.url)
        if address.scheme == "http" and address.hostname not in _LOCAL:
            warnings.append(f"{self.place}: the secret is sent over plain http and can be read by others. Use https.")
        if not self._rights.known:
            warnings.append(
                f"{self.place}: the policies of the token do not let it ask for its rights (sys/capabilities-self), so "
                "they could not be checked."
            )
        elif self._secret.is_versioned and self._metadata_method is None:
            warnings.append(
                f"{self.place}: the record is kept in the key {self._keys.record} of the secret, because the custom "
                f"metadata is full or the token may not write it. Grant patch on {self._secret.metadata_path}."
            )
        return warnings

    def read(self) -> StoredSecret:
        self._held = self._secret.read()
        return self._stored(self._held)

    def matches(self, delivery: Delivery) -> bool:
        return all(self._held.data.get(key) == value for key, value in self._fields(delivery).items())

    @contextlib.contextmanager
    def prepare(self) -> Iterator[None]:
        found = self._secret.read()
        if self._ours(found.data) != self._ours(self._held.data):
            raise StoreError(f"{self.place} was changed by somebody else during this run. Run the task again")
        self._held = found
        yield

    def write(self, delivery: Delivery) -> None:
        record = merge_records(delivery.record, self._stored(self._held).record)
        record = replace(record, username=delivery.username or None)
        # The metadata of a new path exists only after its first version.
        is_new, fields = not self._held.exists, self._fields(delivery)
        recorded = not is_new and self._record(record, delivery.name)
        record_follows = is_new and self._metadata_method is not None
        text = record_text(record, delivery.name)
        self._update(lambda data: self._with(data, fields, None if recorded or record_follows else text))
        if record_follows and not self._record(record, delivery.name):
            self._update(lambda data: self._with(data, fields, text))

    def remove(self) -> None:
        self._remove_records()
        self._update(lambda data: {key: value for key, value in data.items() if key not in self._keys.all})

    @property
    def _metadata_method(self) -> str | None:
        """How custom metadata is written; None if it is not."""
        is_full = len(self._held.metadata) + RESERVED_METADATA_KEYS > MAX_METADATA_KEYS
        return None if is_full else self._rights.metadata

    def _needed(self, removing: bool) -> set[str]:
        """The capabilities that the data needs."""
        if removing:
            rest = self._held.data.keys() - set(self._keys.all)
            if not self._ours(self._held.data) or (not rest and self._rights.deletes):
                return set()
            return {"update"} if rest or self._secret.is_versioned else {"delete"}
        return {"read", "update"} if self._held.exists else {"create", "read", "update"}

    def _stored(self, held: Document) -> StoredSecret:
        if self._is_foreign(held):
            return StoredSecret(foreign=True)
        value = held.data.get(self._keys.token)
        secret = _secret_in(value)
        record = next((each for each in self._records(held) if each.fits(secret)), None)
        username = held.data.get(self._keys.username) if self._keys.username else record.username if record else None
        username = username if isinstance(username, str) else None
        # White space around the secret, as a person may have written it, does not work everywhere.
        complete = value == secret and self._is_complete(held, record)
        return StoredSecret(secret, record, username, complete=complete)

    def _is_complete(self, held: Document, record: Record | None) -> bool:
        """Whether the user name and the registry are those of the secret. Without a record, any user name is."""
        username = held.data.get(self._keys.username) if self._keys.username else None
        expected = record.username if record else username or object()
        registry = held.data.get(self._keys.registry) if self._keys.registry else self._registry
        return (not self._keys.username or username == expected) and registry == self._registry

    def _records(self, held: Document) -> list[Record]:
        in_data = record_from_text(held.data.get(self._keys.record))
        return [*records_in(self._keys.token, held.metadata).values(), *([in_data] if in_data else [])]

    def _is_foreign(self, held: Document) -> bool:
        """Whether the keys hold what this store did not write."""
        if self._records(held):
            return False
        value = held.data.get(self._keys.token)
        if value not in (None, ""):
            return not (isinstance(value, str) and is_secret(value.strip()))
        username = held.data.get(self._keys.username) if self._keys.username else None
        registry = held.data.get(self._keys.registry) if self._keys.registry else None
        return username not in (None, "") or registry not in (None, "", self._registry)

    def _ours(self, data: Data) -> dict[str, Any]:
        return {key: data[key] for key in self._keys.all if key in data}

    def _shown_keys(self) -> str:
        return ", ".join(key for key in self._keys.all if key in self._held.data)

    def _fields(self, delivery: Delivery) -> dict[str, str]:
        """The keys and values of a delivery. A key without a value is not written."""
        values = {
            self._keys.token: delivery.secret,
            self._keys.username: delivery.username,
            self._keys.registry: self._registry,
        }
        return {key: value for key, value in values.items() if key and value}

    def _with(self, data: Data, fields: Data, record: str | None) -> dict[str, Any]:
        others = {key: value for key, value in data.items() if key not in self._keys.all}
        return {**others, **fields, **({self._keys.record: record} if record else {})}

    def _record(self, record: Record, name: str) -> bool:
        """Write the record to the custom metadata, beside that of the present secret. Returns whether it is there."""
        method = self._metadata_method
        if method is None:
            return False
        wanted = metadata_of(self._keys.token, record, name)
        present = fingerprint(_secret_in(self._held.data.get(self._keys.token)))
        kept = None if present == record.fingerprint else present
        outdated = outdated_metadata(self._keys.token, self._held.metadata, wanted, kept)
        changes: dict[str, str | None] = {**dict.fromkeys(outdated), **wanted}
        if all(self._held.metadata.get(key) == value for key, value in changes.items()):
            return True
        try:
            self._secret.change_metadata(changes, self._held.metadata, method)
        except StoreError:
            # The record is then written with the secret, and what is wrong with the server shows there.
            return False
        return True

    def _remove_records(self) -> None:
        outdated = outdated_metadata(self._keys.token, self._held.metadata, {})
        if outdated and self._rights.metadata:
            self._secret.change_metadata(dict.fromkeys(outdated), self._held.metadata, self._rights.metadata)

    def _update(self, change: Callable[[Data], dict[str, Any]]) -> None:
        """Write what ``change`` makes of the content, and read it back.

        Keys of others may change meanwhile: then it is done again with the new content. Raises StoreError if our own
        keys changed.
        """
        before = self._ours(self._held.data)
        failure: StoreError = StoreError(f"{self.place}: the content is not what was written")
        for _attempt in range(_MAX_WRITES):
            wanted = change(self._held.data)
            if wanted == self._held.data:
                return
            try:
                self._send(wanted)
            except Conflict as error:
                failure = error
            except VaultError as error:
                if not error.outcome_unknown:
                    raise
                failure = error
            found = self._look(failure)
            if self._ours(found.data) not in (before, self._ours(wanted)):
                raise StoreError(f"{self.place} was changed by somebody else while it was written. Run the task again")
            self._held = found
        if change(self._held.data) != self._held.data:
            raise StoreError(f"{self.place} could not be written: {failure}")

    def _send(self, wanted: Data) -> None:
        if not wanted and self._rights.deletes:
            self._secret.delete(self._held)
        else:
            self._secret.write(wanted, self._held)

    def _look(self, failure: StoreError) -> Document:
        try:
            return self._secret.read()
        except StoreError as error:
            raise StoreError(
                f"{self.place}: it is not known whether the write took effect ({failure}), because the content could "
                f"not be read back: {error}. Run the task again"
            ) from None


def hashi_vault_store(options: Mapping[str, Any], quay_host: str) -> HashiVaultStore:
    """The store that the options describe. Raises BadInput for invalid options."""
    server, login = server_from_options(options), login_from_options(options)
    mount, path = mount_from_options(options), path_from_options(options)
    secret = KvSecret(client_for(server, login), mount, path, options["kv_version"] or None)
    where = "/".join(filter(None, (server.namespace, mount, path)))
    registry = registry_from_options(options, quay_host)
    return HashiVaultStore(server, secret, where, keys_from_options(options), registry, bool(options["force"]))


def keys_from_options(options: Mapping[str, Any]) -> Keys:
    """The keys to write. Raises BadInput for unknown fields, and for one key with two meanings."""
    given = options.get("keys")
    if not given:
        return Keys()
    unknown = [str(name) for name in given if name not in _FIELDS]
    if unknown:
        raise BadInput(f"keys: {', '.join(unknown)} cannot be written. There are: {', '.join(_FIELDS)}")
    names = {field: str(name).strip() for field, name in given.items() if name not in (None, "")}
    keys = Keys(names.get("token", "token"), names.get("username"), names.get("registry"))
    if len(set(keys.all)) < len(keys.all) or any(
        len(key) > _MAX_KEY_LENGTH or not key.isprintable() for key in keys.all
    ):
        raise BadInput(f"keys: each key must have a name of its own, of at most {_MAX_KEY_LENGTH} characters")
    return keys


def _secret_in(value: Any) -> str | None:
    """The secret without the white space around it; None for anything else."""
    words = value.split() if isinstance(value, str) else []
    return words[0] if len(words) == 1 else None
