# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""A store that is one entry of a container engine's auth file: containers-auth.json, Docker's config.json.

The module quay_container_auth delivers to it without Quay.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import json
from typing import Any, Iterator, Mapping, Sequence

from .._core.errors import BadInput, LocalFileError
from .._module.context import LocalContext, Result
from .contract import Delivery, StoredSecret
from .delivery import ensure_delivered
from .options import registry_from_options
from .permissions import Permissions, parse_mode, parse_owner
from .records import RecordFile, merge_records
from .secret_file import SecretFile

_OPTION = "path"

AUTH_FILE_OPTIONS: dict[str, Any] = {
    "path": {"type": "path", "required": True},
    "owner": {"type": "str"},
    "group": {"type": "str"},
    "mode": {"type": "raw"},
    "unsafe_writes": {"type": "bool", "default": False},
}

# What only a file of its own can do.
_FILE_ONLY = ("format", "prefix", "merge", "force", "backup")


class ContainerAuthStore:
    """The entry of one registry. All other entries are kept, and so are owner and mode unless they are declared."""

    def __init__(
        self, path: str, registry: str, permissions: Permissions | None = None, *, unsafe_writes: bool = False
    ) -> None:
        self.place = path
        self.registry = registry
        permissions = permissions or Permissions()
        self._file = SecretFile(path, _OPTION, permissions, unsafe_writes=unsafe_writes)
        self._records = RecordFile(path, _OPTION, permissions)
        self.files: Sequence[SecretFile] = [self._file, self._records.file]

    def check(self) -> None:
        self._file.check()
        self._records.check()
        self._document()

    def warnings(self) -> list[str]:
        warnings = self._file.warnings()
        helper = self._helper()
        if helper:
            warnings.append(
                f"{self.place} names the credential helper '{helper}'. Container engines use it instead of the entry "
                f"for {self.registry}, and never read what is delivered here."
            )
        return warnings

    def read(self) -> StoredSecret:
        username, secret = self._login()
        record = self._records.read(self.registry)
        return StoredSecret(secret, record, username, permissions_match=self._file.permissions_match())

    def matches(self, delivery: Delivery) -> bool:
        return self._file.permissions_match() and self._login() == (delivery.username, delivery.secret)

    @contextlib.contextmanager
    def prepare(self) -> Iterator[None]:
        with self._records.prepare(), self._file.prepare():
            yield

    def write(self, delivery: Delivery) -> None:
        pair = base64.b64encode(f"{delivery.username}:{delivery.secret}".encode()).decode("ascii")
        document = self._document()
        document["auths"] = {**_auths(document), self.registry: {"auth": pair}}
        self._file.replace(_text(document))
        self._records.write(self.registry, merge_records(delivery.record, self._records.read(self.registry)))

    def remove(self) -> None:
        document = self._document()
        auths = _auths(document)
        if self.registry in auths:
            document["auths"] = {other: entry for other, entry in auths.items() if other != self.registry}
            self._file.write(_text(document))
        self._records.remove(self.registry)

    def _helper(self) -> str | None:
        """The credential helper that container engines use instead of this entry, if the file names one."""
        document = self._document()
        helpers = document.get("credHelpers")
        named = helpers.get(self.registry) if isinstance(helpers, dict) else None
        return named or document.get("credsStore") or None

    def _login(self) -> tuple[str | None, str | None]:
        entry = _auths(self._document()).get(self.registry)
        if not isinstance(entry, dict) or not isinstance(entry.get("auth"), str):
            return None, None
        try:
            username, colon, secret = base64.b64decode(entry["auth"]).decode("utf-8").partition(":")
        except (binascii.Error, UnicodeDecodeError, ValueError):
            return None, None
        return (username, secret) if colon and secret else (None, None)

    def _document(self) -> dict[str, Any]:
        text = self._file.read()
        if text is None or not text.strip():
            return {}
        try:
            document = json.loads(text)
        except ValueError:
            document = None
        if not isinstance(document, dict) or not isinstance(document.get("auths", {}), dict):
            raise LocalFileError(
                f"{_OPTION}: {self.place} is not a container auth file (JSON with an object 'auths'). "
                "It was not changed"
            )
        return document


def container_auth_store(options: Mapping[str, Any], quay_host: str) -> ContainerAuthStore:
    """The store that the options describe. Raises BadInput for invalid options."""
    without_effect = [name for name in _FILE_ONLY if options.get(name)]
    if without_effect:
        raise BadInput(
            f"{', '.join(without_effect)} has no effect on a store of the kind container_auth, whose format is fixed. "
            "Leave it out"
        )
    registry = registry_from_options(options, quay_host)
    if "://" in registry or registry.endswith("/"):
        raise BadInput("registry must be a host, as in podman login: quay.example.com or quay.example.com:8443")
    mode = None if options["mode"] in (None, "") else parse_mode(options["mode"])
    permissions = Permissions(mode, *parse_owner(options["owner"], options["group"]))
    return ContainerAuthStore(options["path"], registry, permissions, unsafe_writes=bool(options["unsafe_writes"]))


def ensure_container_auth(context: LocalContext) -> Result:
    """The module quay_container_auth."""
    store = container_auth_store(context.params, context.params["quay_host"])
    if context.params["state"] == "present" and not context.params["username"]:
        raise BadInput("username is missing: an entry of an auth file has a user name and a secret")
    if ":" in context.params["username"]:
        raise BadInput("username must not hold a colon: an auth file separates the user name and the secret by one")
    return ensure_delivered(context, store, {"place": context.params["path"], "registry": store.registry})


def _auths(document: Mapping[str, Any]) -> dict[str, Any]:
    auths = document.get("auths")
    return auths if isinstance(auths, dict) else {}


def _text(document: Mapping[str, Any]) -> str:
    return json.dumps(document, indent="\t") + "\n"
