# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""App tokens of the login's user, found by their title. Quay returns their secrets again.

Titles are not unique. The newest valid token of the title is the present one. This makes what an interrupted run issued
the present token of the next run, and a response that was lost costs nothing.
"""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from time import monotonic
from typing import Sequence

from .._core.credential import Credential
from .._core.errors import QuayError, RefusedCredential
from .._core.times import format_duration
from .._http.auth import APP_USERNAME
from .._module.context import ModuleContext
from .._quay.app_tokens import AppToken, AppTokens
from .._quay.registry_auth import verify_secret
from .._stores.contract import StoredSecret
from .evaluation import Observation
from .policy import AGE_FROM_MINT, AGE_FROM_QUAY, STORED_EXPIRED, ObservedState, Policy
from .rotation_order import Minted, superseded_by_minting

# For so many seconds, the list counts as read just now.
_LISTED_FOR = 30.0
# Quay's dates have a resolution of one second, and its servers may differ in their clocks.
_TOLERANCE = timedelta(seconds=5)
_BEGINNING = datetime.min.replace(tzinfo=timezone.utc)


class AppTokenList:
    """The app tokens of the login's user: read once for many credentials, and again after half a minute."""

    def __init__(self, tokens: AppTokens) -> None:
        self._tokens = tokens
        self._listed: list[AppToken] = []
        self._read_at: float | None = None
        # Credentials that are rotated at the same time ask for the same list.
        self._lock = threading.Lock()

    def of_title(self, title: str) -> list[AppToken]:
        """The tokens of this title, expired ones included."""
        return [token for token in self.all() if token.title == title]

    def all(self) -> list[AppToken]:
        """All tokens."""
        with self._lock:
            if self._read_at is None or monotonic() - self._read_at >= _LISTED_FOR:
                self._read()
            return self._listed

    def read_again(self) -> None:
        """Read the list again, whenever it was read."""
        with self._lock:
            self._read()

    def _read(self) -> None:
        self._listed, self._read_at = self._tokens.list(), monotonic()


class AppTokenIssuer:
    """The app tokens of one title."""

    changes_quay = True
    secret_is_readable = True
    invalidates = False
    record_required = False

    def __init__(
        self, context: ModuleContext, title: str, policy: Policy, listed: AppTokenList, *, owns_title: bool
    ) -> None:
        """``owns_title``: whether all other tokens of this title were left by earlier runs."""
        self._context = context
        self._title = title
        self._policy = policy
        self._listed = listed
        self._owns_title = owns_title
        self._tokens = AppTokens(context.client)

    def observe(self, stored: Sequence[StoredSecret], *, proven: bool = False) -> Observation:
        titled = self._listed.of_title(self._title)
        now = self._context.client.now()
        valid = [token for token in titled if token.valid_at(now)]
        present, by_record = self._present(valid, stored, proven=proven)
        if present is None:
            state = ObservedState(exists=len(titled) > len(valid), secret=STORED_EXPIRED)
            return Observation(state, app_credential(self._title, None))
        others = [token.uuid for token in valid if token.uuid != present.uuid]
        used = _replaced(stored) | _held(stored)
        superseded = [uuid for uuid in others if self._owns_title or uuid in used]
        credential = app_credential(
            self._title, present, superseded, [uuid for uuid in others if uuid not in superseded]
        )
        if by_record:
            fitting = (item.fingerprint for item in stored if _uuid_of(item) == present.uuid)
            credential = replace(credential, recorded_fingerprint=next(fitting, None))
        state = ObservedState(exists=True, created_at=present.created_at, expires_at=present.expires_at)
        self._warn_of_lifetime(state)
        self._warn_of_duplicates(credential)
        return Observation(
            state,
            credential,
            # Without a record, consumers may use any older token.
            predecessors=tuple(uuid for uuid in superseded if uuid in used or not used),
            by_record=by_record,
            mints_by_record=by_record,
        )

    def prepare(self, observation: Observation) -> Observation:
        self._context.server.refuse_if_read_only("POST", AppTokens.path)
        return observation

    def mint(self, observation: Observation) -> Minted:
        token = self._create()
        self._verify(token)
        superseded = superseded_by_minting(observation.credential)
        duplicates = observation.credential.details["duplicates"]
        credential = app_credential(self._title, token, superseded, duplicates)
        return Minted(replace(credential, age_source=AGE_FROM_MINT), existed=observation.state.exists)

    def retire(self, handle: str) -> None:
        self._tokens.revoke(handle)

    def _present(
        self, valid: Sequence[AppToken], stored: Sequence[StoredSecret], *, proven: bool
    ) -> tuple[AppToken | None, bool]:
        """The newest token, with its secret if that must be known; and whether a record alone shows who holds it."""
        replaced, held = _replaced(stored), _held(stored)

        def rank(token: AppToken) -> tuple[bool, datetime, bool, str]:
            # Two tokens can have been created within one second.
            return token.uuid not in replaced, token.created_at or _BEGINNING, token.uuid in held, token.uuid

        for token in sorted(valid, key=rank, reverse=True):
            if not proven and not _needs_secret(stored):
                return token, True
            # It may have been revoked since the list was read.
            found = self._tokens.get(token.uuid)
            if found is not None:
                return found, False
        return None, False

    def _create(self) -> AppToken:
        former = {token.uuid for token in self._listed.of_title(self._title)}
        began = self._context.client.now() - _TOLERANCE
        try:
            return self._tokens.create(self._title)
        except QuayError as error:
            if not error.outcome_unknown:
                raise
            return self._found_after(error, former, began)

    def _found_after(self, error: QuayError, former: set[str], began: datetime) -> AppToken:
        """The token that was created although its response was lost."""
        try:
            self._listed.read_again()
            new = [token for token in self._listed.of_title(self._title) if token.uuid not in former]
            new = [token for token in new if token.created_at is None or token.created_at >= began]
            found = self._tokens.get(new[0].uuid) if len(new) == 1 else None
        except QuayError:
            found = None
        if found is not None:
            return found
        raise RefusedCredential(
            f"{error}. It is unknown whether Quay issued the token. No credential was replaced. Run the task again: a "
            "token that was issued is then found by its title and used"
        ) from None

    def _verify(self, token: AppToken) -> None:
        if verify_secret(self._context.client, APP_USERNAME, token.secret or "").live:
            return
        # Otherwise the next run would find it by its title, and deliver it.
        self._tokens.revoke(token.uuid)
        raise RefusedCredential(
            "Quay does not accept the new token at /v2/auth, so it was revoked and not delivered, and the old one was "
            "not revoked. Check whether the user of the login may use the registry"
        )

    def _warn_of_duplicates(self, present: Credential) -> None:
        duplicates = present.details["duplicates"]
        if duplicates:
            self._context.warn(
                f"There are other valid app tokens titled '{self._title}': {', '.join(duplicates)}. The newest one, "
                f"{present.uuid}, is used. The others are kept, because no store shows that it replaced them. Revoke "
                "them with state: absent and uuid, or set owns_title if the title is used for this credential only."
            )

    def _warn_of_lifetime(self, state: ObservedState) -> None:
        given, lifetime = self._policy.renew_before, state.lifetime
        if given is not None and lifetime is not None and given >= lifetime:
            self._context.warn(
                f"renew_before is not shorter than {format_duration(lifetime)}, the lifetime that this server gives to "
                "app tokens, so a new token would be due at once. A third of its lifetime is used instead."
            )


def app_credential(
    title: str, token: AppToken | None, superseded: Sequence[str] = (), duplicates: Sequence[str] = ()
) -> Credential:
    """The credential with this title. ``token``: None if there is no valid one."""
    return Credential(
        name=title,
        username=APP_USERNAME,
        secret=token.secret if token else None,
        uuid=token.uuid if token else None,
        created_at=token.created_at if token else None,
        expires_at=token.expires_at if token else None,
        last_accessed=token.last_accessed if token else None,
        age_source=AGE_FROM_QUAY if token else None,
        superseded=tuple(superseded),
        details={"duplicates": list(duplicates)},
    )


def _needs_secret(stored: Sequence[StoredSecret]) -> bool:
    """Whether the present secret must be read: the caller has none, or it is not known what a store holds."""
    return not stored or any(not item.readable or (item.fingerprint and not _uuid_of(item)) for item in stored)


def _uuid_of(item: StoredSecret) -> str | None:
    """The token that a store holds, as far as its record shows it."""
    return item.record.uuid if item.record and item.recorded else None


def _held(stored: Sequence[StoredSecret]) -> set[str]:
    """The tokens that stores hold."""
    return {uuid for uuid in map(_uuid_of, stored) if uuid}


def _replaced(stored: Sequence[StoredSecret]) -> set[str]:
    """The tokens that the records of the stored ones name as replaced by them."""
    return {uuid for item in stored if item.recorded and item.record for uuid in item.record.superseded}
