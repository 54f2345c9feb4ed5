# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""A credential as quay_token_info is asked about it: its options, its policy, and what its stores hold."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Callable, Iterator, Mapping, Sequence

from .._core.errors import BadInput, BadLogin, QuayError
from .._http.errors import ApiError, NotAuthenticated, RateLimited
from .._stores.contract import StoredSecret
from .evaluation import Observation
from .policy import Policy


@dataclass(frozen=True)
class DeclaredCredential:
    """One declared credential. ``position``: its place in the list."""

    position: int
    params: Mapping[str, Any]
    policy: Policy
    stored: Sequence[StoredSecret] = field(default=(), repr=False)
    former: int = 0  # how many of the stored secrets, at the end, are in stores that are to be cleared

    @property
    def name(self) -> str:
        return str(self.params["name"])

    @property
    def kind(self) -> str:
        return str(self.params["kind"])

    @property
    def in_use(self) -> Sequence[StoredSecret]:
        """What the stores hold that consumers read."""
        return self.stored[: len(self.stored) - self.former]

    @property
    def is_absent(self) -> bool:
        """Whether it is declared absent."""
        return self.params.get("state") == "absent"


@dataclass(frozen=True)
class Observed:
    """A declared credential with its observation, or with the error that prevented it."""

    declared: DeclaredCredential
    outcome: Observation | QuayError
    record_required: bool = False
    # What need not be read again to rotate the credential. Its kind hands it to itself, as the option ``seen``.
    seen: object = field(default=None, repr=False, compare=False)


def undeclared(kind: str, name: str, policy: Policy) -> DeclaredCredential:
    """What stands for the declaration of a credential that Quay lists."""
    return DeclaredCredential(0, {"kind": kind, "name": name}, policy)


def observe_or_report(
    credentials: Sequence[DeclaredCredential], observe: Callable[[], Sequence[Observed]]
) -> Iterator[Observed]:
    """What ``observe`` returns. An error that concerns these credentials only is reported instead of raised.

    One credential that cannot be read must not hide the others. Errors of the login or of the server concern all.
    """
    try:
        yield from observe()
    except (BadLogin, NotAuthenticated, RateLimited):
        raise
    except (ApiError, BadInput) as error:
        if isinstance(error, ApiError) and error.status >= 500:
            raise
        yield from (Observed(declared, error) for declared in credentials)
