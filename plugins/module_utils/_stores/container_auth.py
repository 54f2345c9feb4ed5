# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""A store that is one entry of a container engine's auth file (containers-auth.json, Docker's config.json)."""

from __future__ import annotations

import base64
import binascii
import json
import os
import stat
from typing import Any, Mapping

from .._core.errors import BadInput, LocalFileError
from .._module.context import LocalContext, Result
from .contract import Delivery, StoredSecret
from .delivery import ensure_delivered
from .options import registry_from_options
from .records import RecordFile, merge_records
from .secret_file import PRIVATE_MODE, Draft, check_writable, read_text, write_text

_OPTION = "path"


class ContainerAuthStore:
    """The entry of one registry. All other entries, and the file's owner and mode, are kept."""

    def __init__(self, path: str, registry: str) -> None:
        self.place = path
        self.registry = registry
        self._records = RecordFile(path, _OPTION)
        self._draft = Draft(path, _OPTION)

    def check(self) -> None:
        check_writable(self.place, _OPTION)
        self._document()

    def read(self) -> StoredSecret:
        username, secret = self._login()
        return StoredSecret(secret, self._records.read(self.registry), username)

    def helper(self) -> str | None:
        """The credential helper that container engines use instead of this entry, if the file names one."""
        document = self._document()
        helpers = document.get("credHelpers")
        named = helpers.get(self.registry) if isinstance(helpers, dict) else None
        return named or document.get("credsStore") or None

    def matches(self, delivery: Delivery) -> bool:
        return self._login() == (delivery.username, delivery.secret)

    def prepare(self) -> Draft:
        return self._draft

    def write(self, delivery: Delivery) -> None:
        pair = base64.b64encode(f"{delivery.username}:{delivery.secret}".encode()).decode("ascii")
        document = self._document()
        document["auths"] = {**self._auths(document), self.registry: {"auth": pair}}
        self._draft.commit(_text(document), **self._ownership())
        if not self.matches(delivery):
            raise LocalFileError(
                f"{_OPTION}: {self.place} does not hold what was written; check whether something else writes it"
            )
        self._records.write(self.registry, merge_records(delivery.record, self._records.read(self.registry)))

    def remove(self) -> None:
        document = self._document()
        auths = self._auths(document)
        if self.registry in auths:
            document["auths"] = {other: entry for other, entry in auths.items() if other != self.registry}
            write_text(self.place, _text(document), _OPTION, **self._ownership())
        self._records.remove(self.registry)

    def _login(self) -> tuple[str | None, str | None]:
        entry = self._auths(self._document()).get(self.registry)
        if not isinstance(entry, dict) or not isinstance(entry.get("auth"), str):
            return None, None
        try:
            username, colon, secret = base64.b64decode(entry["auth"]).decode("utf-8").partition(":")
        except (binascii.Error, UnicodeDecodeError, ValueError):
            return None, None
        return (username, secret) if colon and secret else (None, None)

    def _document(self) -> dict[str, Any]:
        text = read_text(self.place, _OPTION)
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

    @staticmethod
    def _auths(document: dict[str, Any]) -> dict[str, Any]:
        auths = document.get("auths")
        return auths if isinstance(auths, dict) else {}

    def _ownership(self) -> dict[str, Any]:
        try:
            kept = os.stat(self.place)
        except OSError:
            return {"mode": PRIVATE_MODE}
        return {"mode": stat.S_IMODE(kept.st_mode), "owner": (kept.st_uid, kept.st_gid)}


def _text(document: dict[str, Any]) -> str:
    return json.dumps(document, indent="\t") + "\n"


def container_auth_store(options: Mapping[str, Any], quay_host: str) -> ContainerAuthStore:
    """The store that the options describe. Raises BadInput for a registry that is not a host."""
    registry = registry_from_options(options, quay_host)
    if "://" in registry or registry.endswith("/"):
        raise BadInput("registry must be a host, as in podman login: quay.example.com or quay.example.com:8443")
    return ContainerAuthStore(options["path"], registry)


def ensure_container_auth(context: LocalContext) -> Result:
    """The module quay_container_auth."""
    store = container_auth_store(context.params, context.params["quay_host"])
    if context.params["state"] == "present" and not context.params["username"]:
        raise BadInput("username is missing: an entry of an auth file has a user name and a secret")
    result = ensure_delivered(context, store, {"place": context.params["path"], "registry": store.registry})
    helper = store.helper()
    if helper:
        context.warn(
            f"{context.params['path']} names the credential helper '{helper}'. Container engines use it instead of the "
            f"entry for {store.registry}."
        )
    return result
