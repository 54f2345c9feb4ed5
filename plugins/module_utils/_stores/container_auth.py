# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""A store that is one entry of a container engine's auth file: containers-auth.json, Docker's config.json.

The module quay_container_auth delivers to it without Quay.
"""

from __future__ import annotations

import contextlib
from typing import Any, Iterator, Mapping, Sequence

from .._core.errors import BadInput
from .._core.secret_input import clean_delivered_username
from .._module.context import LocalContext, Result
from .auth_document import auths_of, document_text, helper_in, login_in, parse_document, with_login, without_login
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


class ContainerAuthStore:
    """The entry of one registry. All other entries are kept, and so are owner and mode unless they are declared."""

    tells_secret = True

    def __init__(
        self, path: str, registry: str, permissions: Permissions | None = None, *, unsafe_writes: bool = False
    ) -> None:
        self.place = path
        self.part = registry
        permissions = permissions or Permissions()
        self._file = SecretFile(path, _OPTION, permissions, unsafe_writes=unsafe_writes)
        self._records = RecordFile(path, _OPTION, permissions, unsafe_writes=unsafe_writes)
        self.files: Sequence[SecretFile] = [self._file, self._records.file]

    @property
    def registry(self) -> str:
        return self.part

    def check(self, *, removing: bool = False) -> None:
        for file in self.files:
            file.check()
        self._document()

    def warnings(self) -> list[str]:
        warnings = self._file.warnings()
        helper = helper_in(self._document(), self.registry)
        if helper:
            warnings.append(
                f"{self.place} names the credential helper '{helper}'. Container engines that use it never read the "
                f"entry for {self.registry}. Remove the helper from the file, or deliver to another file."
            )
        return warnings

    def read(self) -> StoredSecret:
        entry = self._entry()
        username, secret = login_in(entry)
        record = self._records.read(self.registry)
        # An entry of another form, such as an identity token, is somebody's login too.
        return StoredSecret(secret, record, username, self._permissions_match(), bool(entry) and secret is None)

    def matches(self, delivery: Delivery) -> bool:
        return self._permissions_match() and login_in(self._entry()) == (delivery.username, delivery.secret)

    @contextlib.contextmanager
    def prepare(self) -> Iterator[None]:
        with contextlib.ExitStack() as stack:
            for file in self.files:
                stack.enter_context(file.prepare())
            yield

    def write(self, delivery: Delivery) -> None:
        document = with_login(self._document(), self.registry, delivery.username, delivery.secret)
        self._file.replace(document_text(document))
        self._records.write(self.registry, merge_records(delivery.record, self._records.read(self.registry)))

    def remove(self) -> None:
        document = self._document()
        if self.registry in auths_of(document):
            self._file.write(document_text(without_login(document, self.registry)))
        self._records.remove(self.registry)

    def _permissions_match(self) -> bool:
        return all(file.permissions_match() for file in self.files)

    def _entry(self) -> Any:
        return auths_of(self._document()).get(self.registry)

    def _document(self) -> dict[str, Any]:
        document = parse_document(self._file.read())
        if document is None:
            raise self._file.error("is not a container auth file (JSON with an object 'auths'). It was not changed")
        return document


def container_auth_store(options: Mapping[str, Any], quay_host: str) -> ContainerAuthStore:
    """The store that the options describe. Raises BadInput for invalid options."""
    registry = registry_from_options(options, quay_host)
    mode = None if options["mode"] in (None, "") else parse_mode(options["mode"])
    permissions = Permissions(mode, *parse_owner(options["owner"], options["group"]))
    return ContainerAuthStore(options["path"], registry, permissions, unsafe_writes=bool(options["unsafe_writes"]))


def ensure_container_auth(context: LocalContext) -> Result:
    """The module quay_container_auth."""
    store = container_auth_store(context.params, context.params["quay_host"])
    username = clean_delivered_username(context.params["username"], "username")
    if context.params["state"] == "present" and not username:
        raise BadInput("username is missing: an entry of an auth file has a user name and a secret")
    if ":" in username:
        raise BadInput("username must not hold a colon: an auth file separates the user name and the secret by one")
    return ensure_delivered(context, store, {"place": context.params["path"], "registry": store.registry})
