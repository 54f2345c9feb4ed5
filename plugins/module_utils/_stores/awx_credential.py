# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""A store that is a credential in AWX (automation controller), reached by its API.

AWX never returns a secret, so it cannot be read back. The record of the delivery, with the fingerprint, is kept in the
credential's description. AWX has no conditional write: the inputs are read directly before they are written, and an
input that is secret is kept by the mark that AWX returns for it.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Iterator, Mapping, Sequence

from .._core.errors import BadInput, StoreError
from .._core.times import format_time, parse_time
from .awx_client import KIND, AwxClient, AwxError
from .awx_options import Selection, addresses_of, inputs_of, login_of, selection_of
from .awx_record import AwxRecord, read_description, write_description
from .contract import CURRENT, UNKNOWN, Delivery, StoredSecret
from .records import merge_records
from .secret_file import SecretFile

# What AWX returns for a secret, and takes for a secret that stays as it is.
ENCRYPTED = "$encrypted$"

_REGISTRY_KIND = "registry"
_REGISTRY_TYPE = "Container Registry"
_REGISTRY_INPUTS = {"host": "registry", "username": "username", "password": "token"}

# A credential that was changed later than this after a delivery was changed by somebody else.
_EDIT_TOLERANCE = timedelta(seconds=60)


@dataclass(frozen=True)
class Found:
    """A credential as AWX returns it."""

    data: Mapping[str, Any]

    @property
    def number(self) -> int:
        return int(self.data["id"])

    @property
    def inputs(self) -> dict[str, Any]:
        inputs = self.data.get("inputs")
        return dict(inputs) if isinstance(inputs, dict) else {}

    @property
    def description(self) -> str:
        return str(self.data.get("description") or "")

    @property
    def record(self) -> AwxRecord | None:
        return read_description(self.description)[1]

    @property
    def modified(self) -> datetime | None:
        return parse_time(self.data.get("modified"))

    @property
    def may_edit(self) -> bool:
        """Whether the login may change it. AWX denies this to a token without the scope write, whoever its user is."""
        summary = self.data.get("summary_fields")
        capabilities = summary.get("user_capabilities") if isinstance(summary, dict) else None
        return not isinstance(capabilities, dict) or capabilities.get("edit") is not False


class AwxCredentialStore:
    """The inputs of one credential. All others are kept, and so is the user's own description."""

    tells_secret = False

    def __init__(
        self,
        client: AwxClient,
        place: str,
        selection: Selection,
        addresses: Mapping[str, str],
        *,
        inputs: Mapping[str, str] | None = None,
        create: bool = False,
        force: bool = False,
    ) -> None:
        """``inputs``: the field of FIELDS for each input; None for those of AWX's own type for registries."""
        self.place = place
        self.part = ""
        self.files: Sequence[SecretFile] = ()
        self._client = client
        self._selection = selection
        self._addresses = addresses
        self._inputs = dict(inputs) if inputs is not None else dict(_REGISTRY_INPUTS)
        self._uses_default = inputs is None
        self._create = create
        self._force = force
        self._type: Mapping[str, Any] | None = None
        self._found: Found | None = None
        self._was_read = False

    def check(self, *, removing: bool = False) -> None:
        self._found = self._find()
        self._was_read = True
        if self._found is None:
            if not removing:
                self._check_creation()
            return
        self._check_rights(self._found)
        if removing:
            return
        self._check_type(self._read_type(int(self._found.data["credential_type"])))
        external = sorted(set(self._client.input_sources(self._found.number)) & self._inputs.keys())
        if external:
            raise self._error(
                f"AWX reads the input {', '.join(external)} from an external system, so a value that is written here "
                "would have no effect. Remove that source in AWX, or deliver to that system"
            )
        if self._is_foreign(self._found) and not self._force:
            raise self._error(
                "holds values that this collection did not write. They were not changed. With force: true they are "
                "replaced"
            )

    def warnings(self) -> list[str]:
        if self._client.url.startswith("http://"):
            return [f"{self.place}: the login and the secret are sent over plain http. Use https in awx_host."]
        return []

    def read(self) -> StoredSecret:
        if not self._was_read:
            self._found, self._was_read = self._find(), True
        return self._stored(self._found)

    def matches(self, delivery: Delivery) -> bool:
        stored = self.read()
        return stored.compared_with(delivery.secret, record_required=True) == CURRENT

    @contextlib.contextmanager
    def prepare(self) -> Iterator[None]:
        """Create a missing credential, still without a secret: whether that is allowed is known only by doing it."""
        if not self._was_read:
            self.check()
        if self._found is None:
            self._found = self._create_empty()
        yield

    def write(self, delivery: Delivery) -> None:
        present = self._unchanged()
        record = replace(
            merge_records(delivery.record, present.record.record if present.record else None),
            username=delivery.username or None,
        )
        values = self._values(delivery)
        inputs = {name: value for name, value in present.inputs.items() if name not in self._inputs}
        inputs.update({name: value for name, value in values.items() if value})
        description = write_description(present.description, AwxRecord(record, self._client.server_time()))
        written = self._update(present, {"inputs": inputs, "description": description})
        self._confirm(written, inputs, description)
        self._found = self._correct_time(written)

    def remove(self) -> None:
        present = self._reread()
        if present is None or (present.record is None and not self._force):
            return
        inputs = {name: value for name, value in present.inputs.items() if name not in self._inputs}
        description = write_description(present.description, None)
        self._found = self._update(present, {"inputs": inputs, "description": description})

    # --- what AWX holds

    def _find(self) -> Found | None:
        selection = self._selection
        if selection.number is not None:
            try:
                return Found(self._client.credential(selection.number))
            except AwxError as error:
                if error.status == 404:
                    raise self._error("does not exist, or the login may not see it. Check credential_id") from None
                raise
        filters = {"name": selection.name or ""}
        if selection.organization:
            filters["organization__name"] = selection.organization
        if selection.type_name:
            filters["credential_type__name"] = selection.type_name
        found = self._client.credentials(filters)
        if len(found) > 1:
            numbers = ", ".join(str(item.get("id")) for item in found)
            raise self._error(
                f"AWX has several credentials of this name (ids {numbers}). Add awx_organization or credential_type, "
                "or use credential_id"
            )
        return Found(found[0]) if found else None

    def _reread(self) -> Found | None:
        if self._found is None:
            return self._find()
        return Found(self._client.credential(self._found.number))

    def _unchanged(self) -> Found:
        """The credential as it is now. Raises if another run has delivered to it since this one read it."""
        before, now = self._found, self._reread()
        if now is None or before is None:
            raise self._error("was deleted while it was to be written. Run the task again")
        if now.record != before.record or (self._is_foreign(now) and not self._is_foreign(before)):
            raise self._error("was changed by another run meanwhile. It was not written. Run the task again")
        return now

    def _stored(self, found: Found | None) -> StoredSecret:
        if found is None:
            return StoredSecret()
        kept = found.record
        if kept is None:
            return StoredSecret(foreign=self._is_foreign(found))
        stored = StoredSecret(record=kept.record, username=kept.record.username)
        if not found.inputs.get(self._token_input):
            return stored
        return replace(stored, untold=UNKNOWN if self._is_edited(found, kept) else kept.record.fingerprint)

    def _is_edited(self, found: Found, kept: AwxRecord) -> bool:
        """Whether the inputs may be others than those of the delivery. The secret itself cannot be compared."""
        if found.modified is not None and found.modified - kept.delivered > _EDIT_TOLERANCE:
            return True
        known = {**self._addresses, "username": kept.record.username or ""}
        return any(
            found.inputs.get(name, "") not in (known[field], ENCRYPTED)
            for name, field in self._inputs.items()
            if field in known
        )

    def _is_foreign(self, found: Found) -> bool:
        """Whether the inputs hold what this collection did not write."""
        if found.record is not None:
            return False
        for name, field in self._inputs.items():
            value = found.inputs.get(name)
            if value and field == "token":
                return True
            if value and field in self._addresses and value not in (self._addresses[field], ENCRYPTED):
                return True
        return False

    # --- what must be true before a secret is minted

    def _check_rights(self, found: Found) -> None:
        if found.may_edit:
            return
        # A user without the role gets the same answer. Here, AWX looks at the scope of a token alone.
        if self._client.uses_token and not self._client.may_write():
            raise self._error("awx_token may not change it. Use a token with the scope write")
        raise self._error("the user of the login may not change it. In AWX, give this user the role Admin on it")

    def _check_creation(self) -> None:
        selection = self._selection
        if not self._create:
            raise self._error(
                "AWX has no such credential, or the login may not see it. Create it, or set create: true with "
                "awx_organization and credential_type"
            )
        types = self._client.credential_types(selection.type_name or "")
        if len(types) != 1:
            raise self._error(f"AWX has no credential type '{selection.type_name}'. Check credential_type")
        self._organization_number()
        if not self._client.may_write():
            raise self._error("the login may not create credentials. A token needs the scope write")
        self._type = types[0]
        self._check_type(types[0])
        required = _inputs_in(types[0]).get("required") or []
        missing = sorted(set(map(str, required)) - self._inputs.keys())
        if missing:
            raise self._error(
                f"the type needs the input {', '.join(missing)}, which inputs does not name. Create the credential in "
                "AWX with it"
            )

    def _check_type(self, kind: Mapping[str, Any]) -> None:
        """Refuse inputs that AWX would refuse once there is a secret."""
        name = kind.get("name")
        if self._selection.type_name and self._selection.type_name != name:
            raise self._error(f"has the type '{name}', not '{self._selection.type_name}'")
        fields = {str(field.get("id")): field for field in _inputs_in(kind).get("fields") or []}
        if self._uses_default and kind.get("kind") != _REGISTRY_KIND:
            raise self._error(
                f"has the type '{name}'. Set inputs to say which input holds what, for example {{password: token}}. "
                f"The type has: {', '.join(sorted(fields))}"
            )
        for unknown in sorted(self._inputs.keys() - fields.keys()):
            raise self._error(
                f"the type '{name}' has no input '{unknown}'. Check inputs. It has: {', '.join(sorted(fields))}"
            )
        for number, field in self._inputs.items():
            self._check_field(fields[number], number, field)

    def _check_field(self, declared: Mapping[str, Any], name: str, field: str) -> None:
        if declared.get("type", "string") != "string" or declared.get("format") or declared.get("choices"):
            raise self._error(f"the input '{name}' cannot hold the {field}: it is not a plain text. Check inputs")
        if field == "token" and not declared.get("secret"):
            raise self._error(
                f"the input '{name}' is not secret, so AWX would show the token to everybody who may see the "
                "credential. Use an input that is"
            )

    def _read_type(self, number: int) -> Mapping[str, Any]:
        if self._type is None:
            self._type = self._client.credential_type(number)
        return self._type

    def _organization_number(self) -> int:
        found = self._client.organizations(self._selection.organization or "")
        if len(found) != 1:
            raise self._error(
                f"AWX has no organization '{self._selection.organization}', or the login may not see it. Check "
                "awx_organization"
            )
        return int(found[0]["id"])

    # --- writing

    @property
    def _token_input(self) -> str:
        return next(name for name, field in self._inputs.items() if field == "token")

    def _values(self, delivery: Delivery) -> dict[str, str]:
        """The value of each of our inputs; empty for one that this credential does not have."""
        record = delivery.record
        fields = {
            **self._addresses,
            "token": delivery.secret,
            "username": delivery.username,
            "name": delivery.name,
            "fingerprint": record.fingerprint,
            "created_at": format_time(record.created_at),
            "expires_at": format_time(record.expires_at),
            "uuid": record.uuid,
        }
        return {name: fields[field] or "" for name, field in self._inputs.items()}

    def _create_empty(self) -> Found:
        if self._type is None:
            raise self._error("AWX has no such credential")
        fields = {
            "name": self._selection.name,
            "organization": self._organization_number(),
            "credential_type": self._type["id"],
            "inputs": {},
        }
        try:
            return Found(self._client.create(fields))
        except AwxError as error:
            # Another run may have created it, or this one although the response was lost.
            found = self._find() if error.outcome_unknown or error.status == 400 else None
            if found is None:
                raise
        return found

    def _update(self, present: Found, changes: Mapping[str, Any]) -> Found:
        """Change the credential. Where it is not known whether AWX did it, look first."""
        try:
            return Found(self._client.update(present.number, changes))
        except AwxError as error:
            if not error.outcome_unknown:
                raise
        now = Found(self._client.credential(present.number))
        if now.description == changes["description"]:
            return now
        if now.record != present.record:
            raise self._error("was changed by another run meanwhile. It was not written. Run the task again")
        return Found(self._client.update(present.number, changes))

    def _confirm(self, written: Found, inputs: Mapping[str, Any], description: str) -> None:
        shown = written.inputs
        complete = shown.keys() == inputs.keys() and bool(shown.get(self._token_input))
        clear = all(value in (ENCRYPTED, inputs[name]) for name, value in shown.items() if name in inputs)
        if not complete or not clear or written.description != description:
            raise self._error("AWX reports other values than those that were written. Check the credential in AWX")

    def _correct_time(self, written: Found) -> Found:
        """Let the record name AWX's own time of the write, if the clock of its responses is another one."""
        kept, modified = written.record, written.modified
        if kept is None or modified is None or abs(modified - kept.delivered) < _EDIT_TOLERANCE / 2:
            return written
        description = write_description(written.description, replace(kept, delivered=modified))
        return self._update(written, {"description": description})

    def _error(self, problem: str) -> StoreError:
        return StoreError(f"{self.place}: {problem}")


def awx_credential_store(options: Mapping[str, Any], quay_host: str) -> AwxCredentialStore:
    """The store that the options describe. Raises BadInput for invalid options."""
    selection = selection_of(options)
    login = login_of(options)
    create = bool(options["create"])
    if create and not (selection.name and selection.type_name and selection.organization):
        raise BadInput("create needs credential, credential_type and awx_organization: AWX needs all three")
    host = f"{login.origin} " if login.host else ""
    return AwxCredentialStore(
        AwxClient(login),
        f"{KIND} {host}{selection}",
        selection,
        addresses_of(options, quay_host),
        inputs=inputs_of(options["inputs"]),
        create=create,
        force=bool(options["force"]),
    )


def _inputs_in(kind: Mapping[str, Any]) -> Mapping[str, Any]:
    inputs = kind.get("inputs")
    return inputs if isinstance(inputs, dict) else {}
