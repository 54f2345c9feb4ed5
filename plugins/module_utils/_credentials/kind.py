# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""What the collection must know of a kind of credential. Each kind is one file, which ends with its ``Kind``."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Callable, Hashable, Iterable, Iterator, Mapping, Sequence

from .declaration_options import Option

if TYPE_CHECKING:
    from .._module.context import ModuleContext, Result
    from .._stores.contract import StoredSecret
    from .declared import DeclaredCredential, Observed
    from .policy import Policy


# The role of a team whose members administer the organization and all its repositories.
ADMINISTRATOR = "admin"


def _no_options(_values: Mapping[str, Any]) -> Mapping[str, Any]:
    return {}


def _as_declared(params: Mapping[str, Any], _stored: Sequence[StoredSecret]) -> Mapping[str, Any]:
    return params


def _is_any_user(_params: Mapping[str, Any], _username: str | None) -> bool:
    return True


def _never(_params: Mapping[str, Any]) -> bool:
    return False


@dataclass(frozen=True)
class TokenModule:
    """What is done for credentials of one kind: the code of its module, for one credential and for many at once.

    ``options``: the argument spec of one credential. ``params`` are these options, converted, with ``deliver``.
    """

    options: Mapping[str, Any]
    # Those of the options that quay_token_info takes, as it takes them: any of them can be left out.
    status_options: Mapping[str, Any]
    # The rotation policy. Raises BadInput for options that exclude each other.
    policy: Callable[[Mapping[str, Any]], Policy]
    # Observe many, with as few requests as possible. Their policies and what their stores hold are known.
    observe: Callable[[ModuleContext, Sequence[DeclaredCredential]], Iterator[Observed]]
    # Ensure one. Its result has the values of ``rotation_order.return_values``.
    ensure: Callable[[ModuleContext], Result]
    # List all that exist, declared or not: of an organization, or of the login's user if that is None.
    list_all: Callable[[ModuleContext, str | None, Policy], Iterator[Observed]] | None = None
    # The options, completed by what the stores hold.
    complete: Callable[[Mapping[str, Any], Sequence[StoredSecret]], Mapping[str, Any]] = _as_declared
    # Options that the status of a credential answers, so that ``ensure`` need not ask again.
    located: Callable[[Mapping[str, Any]], Mapping[str, Any]] = _no_options
    # Whether a secret of this user may be one of the credential. A store with another one is not cleared.
    owns: Callable[[Mapping[str, Any], str | None], bool] = _is_any_user
    # Whether there is something to ensure for a credential that is not due.
    has_more: Callable[[Mapping[str, Any]], bool] = _never

    @property
    def defaults(self) -> dict[str, Any]:
        """Each option with its default."""
        return {name: option.get("default") for name, option in self.options.items()}

    @property
    def rotations(self) -> Sequence[str]:
        """The values of the option rotate."""
        choices: Sequence[str] = self.options["rotate"]["choices"]
        return choices


def _no_problems(_options: Mapping[str, Any]) -> Iterator[str]:
    return iter(())


def _nothing(_values: Mapping[str, Any]) -> Iterable[Hashable]:
    return ()


def _no_scopes(_options: Mapping[str, Any]) -> Iterable[str]:
    return ()


def _no_role(_options: Mapping[str, Any]) -> str | None:
    return None


def _declared_organization(values: Mapping[str, Any]) -> str | None:
    return values.get("organization")


@dataclass(frozen=True)
class Kind:
    """One kind of credential: how it is declared in a play. Pure.

    It is loaded on every host of a play, so its file imports no client at its top. ``module`` loads what asks Quay.
    """

    name: str  # in a declaration
    title: str  # of one secret, in sentences: "a registry token"
    module: Callable[[], TokenModule]
    # The options of a declaration, in addition to those of every kind. An option of several kinds is read in one way.
    options: Mapping[str, Option]
    required: Sequence[str] = ()
    # What is wrong with a declaration: sentences. Pure. The options are converted, and may lack required ones.
    check: Callable[[Mapping[str, Any]], Iterator[str]] = _no_problems
    # What to use instead of options of other kinds: sentences without a full stop.
    instead: Mapping[str, str] = field(default_factory=dict)
    # Whether Quay returns the present secret again. Otherwise a store must be one that can be read back.
    secret_is_readable: bool = False
    # Whether container engines and nodes can use the secret as a password.
    is_password: bool = True
    # Whether a replaced secret can be ended before it expires.
    is_revocable: bool = True
    # Whether what was issued for a secret can outlive it. The result then says in ``ended`` whether all of it ended.
    can_outlive_secret: bool = False
    # Whether Quay must be asked with a login for credentials of this kind.
    needs_login: bool = True
    # Whether it may need what other credentials of the same run create, such as a robot account.
    comes_last: bool = False
    # Whether Quay lists the credentials of an organization and of a user, so that ``module().list_all`` exists.
    is_listed: bool = False
    # The kind in whose list its credentials are, if not its own: short-lived robot accounts are robot accounts.
    listed_as: str = ""
    # Whether it belongs to the user of the login, so that no organization lists it.
    belongs_to_user: bool = False
    # The organization of a declared credential, or of a listed one.
    organization: Callable[[Mapping[str, Any]], str | None] = _declared_organization
    # Words for what in Quay only one declaration may use: "the robot account acme+ci". Raises BadInput.
    uses: Callable[[Mapping[str, Any]], Iterable[Hashable]] = _nothing
    # What identifies all credentials in Quay that a declaration may have issued, and a listed one. Raises BadInput.
    identities: Callable[[Mapping[str, Any]], Iterable[Hashable]] = _nothing
    # The scopes that a token needs as the login that rotates the credential.
    login_scopes: Callable[[Mapping[str, Any]], Iterable[str]] = _no_scopes
    # The role that the user of this login needs: ADMINISTRATOR in the organization, or another one on each repository;
    # None for what belongs to the user.
    login_role: Callable[[Mapping[str, Any]], str | None] = _no_role
    # Whether a run can log in with a credential of this kind.
    may_be_login: bool = False
    listed_identities: Callable[[Mapping[str, Any]], Iterable[Hashable]] = _nothing
