# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""The client secret of an OAuth application (quay_client_secret).

An application has exactly one. Resetting it invalidates the former one at once: programs that exchange an authorization
code for a token are refused until they have the new one. Access tokens that were issued before stay valid. Quay returns
the client secret again.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any, Iterator, Mapping, Sequence

from .._core.credential import Credential, fingerprint
from .._core.errors import BadInput, QuayError, RefusedCredential
from .._http.address import api_path
from .._module.context import ModuleContext, Result
from .._quay.logs import Logs, LogsUnavailable
from .._quay.oauth import Application, Applications, accepts_client_secret, organization_of
from .._stores.contract import StoredSecret
from .._stores.holders import SecretHolder, holder_from_options
from .application_list import ApplicationList
from .declaration_options import is_login_of_engine
from .declared import DeclaredCredential, Observed, observe_or_report
from .evaluation import Observation, kept_secrets
from .kind import TokenModule
from .policy import AGE_FROM_LOG, AGE_FROM_MINT, AGE_FROM_RECORD, ObservedState, Policy, policy_from_options
from .rotation_order import TOKEN_OPTIONS, Minted, clear_stores, rotate
from .token_list import Entry, TokenKind, ensure_one_or_many, same_claims

# How often to read the secret again if other writers keep resetting it.
_MAX_ATTEMPTS = 3

# The options of quay_client_secret, with their defaults.
CLIENT_SECRET_OPTIONS: dict[str, Any] = {
    **TOKEN_OPTIONS,
    "organization": {"type": "str"},
    "application": {"type": "str"},
    "client_id": {"type": "str"},
    "max_age": {"type": "str"},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}


def ensure_client_secrets(context: ModuleContext) -> Result:
    """The module quay_client_secret: one credential, or many."""
    return ensure_one_or_many(_CLIENT_SECRETS, context)


def ensure_client_secret(context: ModuleContext) -> Result:
    """Ensure one credential."""
    params = context.params
    # Invalid options are reported before anything is read.
    policy = _declared(params)
    with holder_from_options(params, check_mode=context.check_mode) as holder:
        seen = params.get("seen")
        organization, application = _find(context, params, seen)
        if params["state"] == "absent":
            return _ensure_absent(context, organization, application, holder)
        issuer = ClientSecretIssuer(context, organization, application, policy, listed=seen is not None)
        return rotate(context, issuer, policy, holder, retires=False)


def observe_client_secrets(context: ModuleContext, credentials: Sequence[DeclaredCredential]) -> Iterator[Observed]:
    """Observe many client secrets: one list for each organization."""
    lists: dict[str, ApplicationList] = {}
    for declared in credentials:
        yield from observe_or_report([declared], partial(_observe_declared, context, declared, lists))


def _observe_declared(
    context: ModuleContext, declared: DeclaredCredential, lists: dict[str, ApplicationList]
) -> list[Observed]:
    params = declared.params
    organization = params["organization"] or organization_of(context.client, params["client_id"])
    listed = lists.setdefault(organization, ApplicationList(context.client, organization))
    organization, application = _find(context, {**params, "organization": organization}, listed)
    issuer = ClientSecretIssuer(context, organization, application, declared.policy)
    observation = issuer.observe(declared.stored)
    if declared.is_absent:
        # Quay has nothing to remove: only the stores are cleared.
        kept = kept_secrets(declared.stored, partial(_other_application, application, listed))
        observation = replace(observation, exists_in_quay=False, kept=kept)
    return [Observed(declared, observation, seen=listed)]


def _declared(params: Mapping[str, Any]) -> Policy:
    """The policy that the options declare. Raises BadInput if they are wrong, whatever Quay says."""
    if not params["client_id"] and not (params["organization"] and params["application"]):
        raise BadInput("Name the application by client_id, or by organization and application")
    if any(map(is_login_of_engine, params["deliver"] or ())):
        raise BadInput(
            "deliver: a client secret is not a password, so container engines cannot use it from an auth file. "
            "Deliver it to a store of the kind file"
        )
    return policy_from_options(params)


def _find(context: ModuleContext, params: Mapping[str, Any], seen: ApplicationList | None) -> tuple[str, Application]:
    """The organization and the application. Raises BadInput if there is none, or if its client secret is hidden."""
    client_id, name = params["client_id"], params["application"]
    organization = params["organization"] or organization_of(context.client, client_id)
    applications = Applications(context.client, organization)
    if seen is not None and seen.organization == organization:
        found = seen.by_client_id(client_id) if client_id else seen.by_name(name)
    else:
        found = applications.get(client_id) if client_id else applications.find(name)
    if found is None:
        named = f"with the client id '{client_id}'" if client_id else f"named '{name}'"
        raise BadInput(f"The organization {organization} has no application {named}. Create it with quay_application")
    if not found.client_secret:
        raise BadInput(
            f"This login may see the application {found.client_id} but not its client secret. Use the login of an "
            "administrator of the organization; a token needs the scope org:admin"
        )
    return organization, found


class ClientSecretIssuer:
    """The client secret of one application."""

    changes_quay = True
    secret_is_readable = True
    invalidates = True
    record_required = False

    def __init__(
        self,
        context: ModuleContext,
        organization: str,
        application: Application,
        policy: Policy,
        *,
        listed: bool = False,
    ) -> None:
        """``application``: as it is now, or as it was ``listed`` for many credentials a moment ago."""
        self._context = context
        self._listed = listed
        self._organization = organization
        self._application = application
        self._policy = policy
        self._applications = Applications(context.client, organization)
        self._logged: datetime | None = None
        self._searched = False

    def observe(self, stored: Sequence[StoredSecret], *, proven: bool = False) -> Observation:
        if proven and self._listed:
            self._application = self._applications.get(self._application.client_id) or self._application
        issued, source = self._age(stored)
        credential = replace(self._credential(self._application), created_at=issued, age_source=source)
        return Observation(
            ObservedState(exists=True, created_at=issued),
            credential,
            # It may have been reset since the list was read.
            by_record=self._listed,
            mints_by_record=self._listed,
            extra_diff={"former_client_secret": ("accepted", "refused")},
        )

    def prepare(self, observation: Observation) -> Observation:
        path = api_path("organization", self._organization, "applications", self._application.client_id)
        self._context.server.refuse_if_read_only("POST", f"{path}/resetclientsecret")
        self._context.warn(
            f"Resetting the client secret of the application {self._application.name} ({self._application.client_id}) "
            "makes the former one invalid at once. Programs that have it from elsewhere than the stores of this "
            "credential can no longer exchange authorization codes for tokens. Access tokens that the application has "
            "issued stay valid."
        )
        return observation

    def mint(self, observation: Observation) -> Minted:
        application, verification_error = self._verified(self._reset())
        now = self._context.client.now()
        credential = replace(self._credential(application), created_at=now, age_source=AGE_FROM_MINT)
        return Minted(credential, True, verification_error)

    def retire(self, handle: str) -> None:
        """Nothing to do: the former client secret became invalid when it was reset."""

    def _reset(self) -> Application:
        """The application with a new client secret. After a lost response, Quay's present one shows what happened."""
        try:
            return self._applications.reset_secret(self._application.client_id)
        except QuayError as error:
            found = self._applications.get(self._application.client_id) if error.outcome_unknown else None
            if found is None or found.client_secret in ("", self._application.client_secret):
                raise
            return found

    def _verified(self, application: Application) -> tuple[Application, QuayError | None]:
        """The application with a client secret that Quay accepts: from this run, or from another writer.

        The second value is the error if Quay could not be asked. A server that does not say has returned the secret.
        """
        client_id = application.client_id
        for _attempt in range(_MAX_ATTEMPTS):
            try:
                if accepts_client_secret(self._context.client, client_id, application.client_secret) is not False:
                    return application, None
            except QuayError as error:
                # The former one is invalid: an unverified new one serves consumers better than none.
                return application, error
            found = self._applications.get(client_id)
            if found is None or found.client_secret == application.client_secret:
                break
            application = found
        raise RefusedCredential(
            f"Quay does not accept the new client secret of {client_id} at /oauth/access_token. Quay returns the "
            "present one again: run the task again, and check whether something else resets it"
        )

    def _age(self, stored: Sequence[StoredSecret]) -> tuple[datetime | None, str | None]:
        """When the client secret was issued, and where that is known from. Quay keeps no date for it."""
        secret = self._application.client_secret
        records = (item.record for item in stored if item.record and item.record.fits(secret))
        recorded = next((record.created_at for record in records if record.created_at), None)
        if recorded is not None:
            return recorded, AGE_FROM_RECORD
        if self._policy.max_age is None:
            return None, None
        if not self._searched:
            self._logged = self._search_logs(self._context.client.now() - self._policy.max_age)
            self._searched = True
        return self._logged, AGE_FROM_LOG if self._logged else None

    def _search_logs(self, since: datetime) -> datetime | None:
        """When the usage logs say that it was issued. A warning if they do not: then it does not count as too old."""
        client_id, reason = self._application.client_id, f"the usage logs have no entry since {since:%Y-%m-%d}"
        try:
            changes = Logs(self._context.client, self._organization).client_secret_changes([client_id], since)
        except LogsUnavailable as error:
            changes, reason = {}, str(error)
        if client_id not in changes:
            self._context.warn(
                f"The age of the client secret of {client_id} is unknown: no store has a record of it, and {reason}. "
                "max_age has no effect until it is reset once, for example with rotate: always."
            )
        return changes.get(client_id)

    def _credential(self, application: Application) -> Credential:
        return client_secret_credential(self._organization, application)


def client_secret_credential(organization: str, application: Application) -> Credential:
    """The client secret of an application. Its user name is the client id."""
    return Credential(
        name=application.name,
        username=application.client_id,
        secret=application.client_secret,
        details={"organization": organization, "client_id": application.client_id},
    )


def _ensure_absent(context: ModuleContext, organization: str, application: Application, holder: SecretHolder) -> Result:
    """Clear the stores. An application always has a client secret, which stays valid."""
    credential = replace(client_secret_credential(organization, application), secret=None)
    seen = context.params.get("seen")
    listed = seen if seen and seen.organization == organization else ApplicationList(context.client, organization)
    other = partial(_other_application, application, listed)
    result = clear_stores(context, holder, credential, existed=False, other=other)
    if result.changed:
        context.warn(
            f"The client secret of {application.client_id} is still valid, because an application always has one. "
            "Reset it with rotate: always, or delete the application with quay_application."
        )
    return result


def _other_application(application: Application, listed: ApplicationList, stored: StoredSecret) -> str:
    """Of which other application of the organization a store holds the client secret; empty if of none.

    The list is read only if the store has no user name with the secret.
    """
    if stored.username is not None or stored.fingerprint == fingerprint(application.client_secret):
        return ""
    found = listed.by_secret(stored.fingerprint)
    return f"the client secret of the application {found.name} ({found.client_id})" if found else ""


def _check_listed(context: ModuleContext) -> None:
    _declared(context.params)


def _conflicts(context: ModuleContext, entries: Sequence[Entry]) -> Iterator[str]:
    """Two credentials of one application would make each other's secret invalid."""

    def applications(entry: Entry) -> Iterator[str]:
        if entry.params["client_id"]:
            yield f"the client secret of the application {entry.params['client_id']}"
        else:
            yield f"the client secret of the application {entry.params['organization']}/{entry.params['application']}"

    return same_claims(entries, applications)


def _look(context: ModuleContext, entries: Sequence[Entry]) -> None:
    """One list for each organization that several entries name."""
    organizations = [entry.params["organization"] for entry in entries]
    shared = {name for name in organizations if name and organizations.count(name) > 1}
    lists = {name: ApplicationList(context.client, name) for name in shared}
    for entry in entries:
        entry.params["seen"] = lists.get(entry.params["organization"])


def _located(status: Mapping[str, Any]) -> dict[str, Any]:
    """The status includes the client id, so the application need not be looked up by its name again."""
    return {"organization": status.get("organization"), "client_id": status.get("client_id"), "application": None}


_CLIENT_SECRETS = TokenKind(ensure_client_secret, _check_listed, _conflicts, _look)

_STATUS_OPTIONS = ("organization", "application", "client_id", "max_age")

CLIENT_SECRET_MODULE = TokenModule(
    options=CLIENT_SECRET_OPTIONS,
    status_options={name: CLIENT_SECRET_OPTIONS[name] for name in _STATUS_OPTIONS},
    policy=policy_from_options,
    observe=observe_client_secrets,
    ensure=ensure_client_secret,
    located=_located,
)
