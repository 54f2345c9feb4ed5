# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""Tokens of robots that are issued for an OIDC token (quay_federated_token).

Each is valid for an hour as a password of the robot. Issuing one changes nothing in Quay. It can be neither listed nor
revoked.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any, Iterator, Mapping, Sequence

from .._core.credential import Credential
from .._core.errors import BadInput, BadLogin, QuayError, RefusedCredential
from .._http.errors import ApiError, Forbidden, NotAuthenticated
from .._module.context import ModuleContext, Result
from .._quay.federation import Identity, exchange_identity, mismatch
from .._quay.registry_auth import RegistryToken, parse_registry_token, verify_secret
from .._quay.robots import FederationEntry, RobotName, Robots, is_unknown_robot
from .._stores.contract import StoredSecret
from .._stores.holders import holder_from_options
from .declared import DeclaredCredential, Observed, observe_or_report
from .evaluation import Observation, kept_secrets, observe_each
from .hourly_token import hourly_token_policy, is_from_future
from .identity_source import IDENTITY_OPTIONS, check_identity_source, obtain_identity
from .kind import TokenModule
from .own_namespace import in_its_namespace
from .policy import AGE_FROM_MINT, AGE_FROM_QUAY, STORED_INVALID, STORED_VALID, ObservedState, Policy
from .rotation_order import TOKEN_OPTIONS, Minted, clear_stores, rotate
from .token_list import Entry, TokenKind, ensure_one_or_many, same_claims

# The options of quay_federated_token, with their defaults.
FEDERATED_TOKEN_OPTIONS: dict[str, Any] = {
    **TOKEN_OPTIONS,
    "name": {"type": "str", "required": True},
    "robot": {"type": "str"},
    **IDENTITY_OPTIONS,
    "renew_before": {"type": "str"},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}


def ensure_federated_tokens(context: ModuleContext) -> Result:
    """The module quay_federated_token: one credential, or many."""
    return ensure_one_or_many(_FEDERATED_TOKENS, context)


def ensure_federated_token(context: ModuleContext) -> Result:
    """Ensure one credential."""
    issuer, policy = _declared(context)
    with holder_from_options(context.params, check_mode=context.check_mode) as holder:
        if context.params["state"] == "absent":
            return clear_stores(context, holder, issuer.without_token(), existed=False, other=issuer.other)
        return rotate(context, issuer, policy, holder, retires=False)


def _declared(context: ModuleContext) -> tuple[FederatedIssuer, Policy]:
    """What the options declare. Raises BadInput if they are wrong, whatever Quay says."""
    issuer = FederatedIssuer(context, context.params)
    policy = hourly_token_policy(context.params)
    if context.params["state"] != "absent":
        check_identity_source(context.params)
    return issuer, policy


class FederatedIssuer:
    """One token of a robot, issued for an OIDC token. It cannot be listed or revoked; it expires within the hour."""

    changes_quay = False
    secret_is_readable = False
    invalidates = False
    record_required = False

    def __init__(self, context: ModuleContext, params: Mapping[str, Any]) -> None:
        """Raises BadInput if the options do not have the full name of a robot."""
        self._context = context
        self._params = params
        self._robot = full_name(params.get("robot") or params["name"])
        self._identity: Identity | None = None

    def without_token(self) -> Credential:
        """The credential without a secret."""
        return Credential(self._params["name"], str(self._robot))

    def observe(self, stored: Sequence[StoredSecret], *, proven: bool = False) -> Observation:
        """Read the stored tokens. No request is sent: a token says itself what it is."""
        observations = observe_each(stored, self._observe_stored)
        return observations[0] if observations else self._observation(False, None)

    def prepare(self, observation: Observation) -> Observation:
        """Obtain the OIDC token and check it. In check mode, compare it with the robot's federation, too."""
        self._identity = self._obtain()
        if self._context.check_mode:
            self._refuse_mismatch(self._identity)
        return observation

    def mint(self, observation: Observation) -> Minted:
        if self._identity is None:
            raise RuntimeError("prepare comes first")
        token = exchange(self._context, self._robot, self._identity)
        return Minted(self._credential(token, AGE_FROM_MINT), existed=observation.state.exists)

    def request(self) -> RegistryToken:
        """A token, without looking at what is stored."""
        return exchange(self._context, self._robot, self._obtain())

    def retire(self, handle: str) -> None:
        """Nothing to do: such a token cannot be revoked, and expires within the hour."""

    def other(self, stored: StoredSecret) -> str:
        """What a stored secret is, if it is valid and no such token of this robot; else empty.

        Only a secret that is no registry token costs a request: it may be the robot's own one, which has no end.
        """
        endless = f"the token of the robot {self._robot} that does not expire"
        if stored.secret is None:
            # Only its record is known.
            return endless if stored.record and stored.recorded and stored.record.expires_at is None else ""
        token = parse_registry_token(stored.secret)
        if token is not None:
            is_other = token.subject != str(self._robot) and token.expires_at > self._context.client.now()
            return f"a valid token of {token.subject}" if is_other else ""
        namespace = self._robot.organization or ""
        return endless if verify_secret(self._context.client, str(self._robot), stored.secret, namespace).live else ""

    def _obtain(self) -> Identity:
        identity = obtain_identity(self._context)
        if identity.expires_at < self._context.client.now():
            # The local clock may be wrong. Quay's answer has the time of Quay.
            self._context.server.hostname()
            identity.refuse_if_expired(self._context.client.now())
        return identity

    def _refuse_mismatch(self, identity: Identity) -> None:
        if self._is_declared(identity):
            return
        entries = _federation_of(self._context, self._robot)
        problem = mismatch(str(self._robot), identity, entries) if entries is not None else ""
        if problem:
            raise RefusedCredential(problem)

    def _is_declared(self, identity: Identity) -> bool:
        """Whether another credential of the same run gives the robot this federation, before its turn."""
        return any(
            entry["kind"] == "robot"
            and entry["name"] == str(self._robot)
            and identity.entry in [FederationEntry(each["issuer"], each["subject"]) for each in entry["federation"]]
            for entry in self._params.get("declared") or ()
            if entry.get("federation")
        )

    def _observe_stored(self, stored: StoredSecret) -> Observation:
        token = parse_registry_token(stored.secret or "")
        is_own = token is not None and token.subject == str(self._robot)
        return self._observation(True, token if is_own else None)

    def _observation(self, exists: bool, token: RegistryToken | None) -> Observation:
        state = ObservedState(
            exists=exists,
            secret=STORED_INVALID if token is None or is_from_future(self._context, token) else STORED_VALID,
            created_at=token.issued_at if token else None,
            expires_at=token.expires_at if token else None,
        )
        return Observation(state, self._credential(token, AGE_FROM_QUAY) if token else self.without_token())

    def _credential(self, token: RegistryToken, source: str) -> Credential:
        return Credential(
            name=self._params["name"],
            username=str(self._robot),
            secret=token.token,
            created_at=token.issued_at,
            expires_at=token.expires_at,
            age_source=source,
        )


def full_name(text: str) -> RobotName:
    """The robot of this full name. Raises BadInput for any other name."""
    name = RobotName.parse(text)
    if name.organization is None:
        raise BadInput(
            f"name: '{text}' has no namespace. Write the full name of the robot, as organization+{name.short}, or as "
            f"user+{name.short} for a robot of a user"
        )
    return name


def exchange(context: ModuleContext, name: RobotName, identity: Identity) -> RegistryToken:
    """A token of the robot that Quay accepts. Raises RefusedCredential if it issues none, or does not accept it."""
    try:
        token = exchange_identity(context.client, str(name), identity)
    except RefusedCredential as refusal:
        # Quay's own message does not show what the federation of the robot is.
        raise _explained(context, name, identity, refusal) from None
    if not verify_secret(context.client, str(name), token.token, name.organization or "").live:
        disallowed = " It does not allow robot accounts (ROBOTS_DISALLOW)." if context.server.disallows_robots() else ""
        raise RefusedCredential(f"Quay issued a token for {name} that it does not accept at /v2/auth.{disallowed}")
    return token


def _explained(
    context: ModuleContext, name: RobotName, identity: Identity, refusal: RefusedCredential
) -> RefusedCredential:
    """The error for a refused exchange: what the federation of the robot lacks, if the login may read it."""
    try:
        entries = _federation_of(context, name)
    except RefusedCredential as error:
        return error
    except QuayError:
        return refusal
    problem = mismatch(str(name), identity, entries) if entries is not None else ""
    return RefusedCredential(problem) if problem else refusal


def _federation_of(context: ModuleContext, name: RobotName) -> list[FederationEntry] | None:
    """The federation of the robot, if the login may read it; None if there is no login or it may not.

    Raises RefusedCredential if the robot does not exist.
    """
    refusals: list[str] = context.shared.get("refused login", list, lambda _list: True)
    if context.client.auth.kind == "anonymous" or refusals:
        return None
    try:
        return in_its_namespace(context, name, Robots(context.client).federation)
    except (BadLogin, Forbidden, NotAuthenticated) as error:
        if not isinstance(error, Forbidden):
            # Each further attempt may lock the account.
            refusals.append(str(error))
        if context.check_mode:
            context.warn(f"The login cannot read the federation of {name}, so it was not compared: {error}")
        return None
    except ApiError as error:
        if not is_unknown_robot(error):
            raise
        raise RefusedCredential(f"There is no robot {name}") from None


def observe_federated_tokens(context: ModuleContext, credentials: Sequence[DeclaredCredential]) -> Iterator[Observed]:
    """Observe many such tokens, without a request."""
    for declared in credentials:
        yield from observe_or_report([declared], partial(_observe_declared, context, declared))


def _observe_declared(context: ModuleContext, declared: DeclaredCredential) -> list[Observed]:
    issuer = FederatedIssuer(context, declared.params)
    observation = issuer.observe(declared.stored)
    if declared.is_absent:
        observation = replace(observation, kept=kept_secrets(declared.stored, issuer.other))
    return [Observed(declared, observation)]


def _conflicts(context: ModuleContext, entries: Sequence[Entry]) -> Iterator[str]:
    """Two entries for one robot are one credential, which can have several stores."""
    return same_claims(entries, lambda entry: [f"the robot {entry.params['robot'] or entry.params['name']}"])


_FEDERATED_TOKENS = TokenKind(ensure_federated_token, _declared, _conflicts)

FEDERATED_MODULE = TokenModule(
    options=FEDERATED_TOKEN_OPTIONS,
    status_options={name: FEDERATED_TOKEN_OPTIONS[name] for name in ("robot", "renew_before")},
    policy=hourly_token_policy,
    observe=observe_federated_tokens,
    ensure=ensure_federated_token,
)
