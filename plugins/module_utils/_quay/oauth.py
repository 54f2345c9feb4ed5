# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""OAuth applications, their access tokens and a user's own tokens: typed records in, typed records out."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Iterable, Mapping, Sequence
from urllib.parse import parse_qs

from .._core.errors import BadInput, RefusedCredential
from .._core.times import parse_time
from .._http.address import api_path, encode_part
from .._http.auth import Auth, WebAuth
from .._http.client import QuayClient
from .._http.errors import ApiError, EndpointMissing, Forbidden, NotFound
from .._http.failures import split_location
from .._http.paging import read_list
from .scopes import ALL_SCOPES, SCOPES

# Ten years: Quay's maximum, and the fixed lifetime of tokens of the browser flow.
LONGEST_LIFETIME = timedelta(seconds=315576000)
_FORBIDDEN_SCOPES = (
    "Check that the login administers the organization, and may have each of the scopes itself: super:user, which all "
    "includes, is for superusers only, and a token as login must have all these scopes and org:admin"
)
# The error codes of POST /oauth/authorizeapp that mean a refusal.
_AUTHORIZE_ERRORS = {
    "unauthorized_client": "Quay refused to authorize: the client id is unknown, or the user does not administer the "
    "organization that owns the application. Check client_id, or use the login of an administrator",
    "invalid_scope": "Quay refused to authorize: it does not know one of the scopes. Check scopes",
    "access_denied": "Quay refused to authorize: the user may not have one of the scopes. Check scopes, or use another "
    "login",
}


def expand_scopes(scopes: Iterable[str]) -> list[str]:
    """Return the scopes sorted and without duplicates; ``all`` expands to SCOPES.

    Raises BadInput if the list is empty.
    """
    unique = set(scopes)
    if ALL_SCOPES in unique:
        return list(SCOPES)
    if not unique:
        raise BadInput("scopes must name at least one scope: a token without scopes has no permissions")
    return sorted(unique)


@dataclass(frozen=True)
class Application:
    """An OAuth application of an organization. Texts that are not set are empty."""

    name: str
    client_id: str
    client_secret: str = field(repr=False)
    description: str = ""
    application_uri: str = ""
    redirect_uri: str = ""
    avatar_email: str = ""

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Application:
        texts = {key: str(data.get(key) or "") for key in cls.__dataclass_fields__}
        return cls(**texts)


@dataclass(frozen=True)
class AccessToken:
    """One OAuth access token. ``secret`` is set only in the response that minted the token.

    ``name`` is None for tokens of the browser flow and for assigned tokens.
    """

    uuid: str
    name: str | None
    scopes: tuple[str, ...]
    created_at: datetime | None
    expires_at: datetime | None
    last_accessed: datetime | None
    created_by: str | None
    secret: str | None = field(default=None, repr=False)

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> AccessToken:
        return cls(
            uuid=str(data.get("uuid", "")),
            name=data.get("name"),
            scopes=tuple(sorted(str(data.get("scope") or "").split())),
            created_at=parse_time(data.get("created")),
            expires_at=parse_time(data.get("expires_at")),
            last_accessed=parse_time(data.get("last_accessed")),
            created_by=data.get("created_by"),
            secret=data.get("token") or None,
        )


@dataclass(frozen=True)
class Authorization:
    """One OAuth token of the signed-in user (GET /user/authorizations), which has no name, dates or client id."""

    uuid: str
    application: str
    organization: str
    scopes: tuple[str, ...]

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Authorization:
        application = data.get("application") or {}
        owner = application.get("organization") or {}
        return cls(
            uuid=str(data.get("uuid", "")),
            application=str(application.get("name") or ""),
            organization=str(owner.get("name") or ""),
            scopes=tuple(sorted(str(scope.get("scope")) for scope in data.get("scopes") or ())),
        )


@dataclass(frozen=True)
class Assignment:
    """An OAuth token that an administrator assigned to the signed-in user, who has not accepted it yet."""

    uuid: str
    client_id: str
    redirect_uri: str
    scopes: tuple[str, ...]
    application: str = ""
    organization: str = ""

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Assignment:
        application = data.get("application") or {}
        owner = application.get("organization") or {}
        return cls(
            uuid=str(data.get("uuid", "")),
            client_id=str(application.get("clientId") or ""),
            redirect_uri=str(data.get("redirectUri") or ""),
            scopes=tuple(sorted(str(scope.get("scope")) for scope in data.get("scopes") or ())),
            application=str(application.get("name") or ""),
            organization=str(owner.get("name") or ""),
        )


class Applications:
    """The OAuth applications of one organization (/api/v1/organization/{org}/applications, scope org:admin)."""

    def __init__(self, client: QuayClient, organization: str) -> None:
        self._client = client
        self._organization = organization
        self._root = api_path("organization", organization, "applications")

    def list(self) -> list[Application]:
        """Return all applications, in one request.

        Raises Forbidden or NotFound, with a hint, if the organization does not exist or the login does not administer
        it.
        """
        try:
            return [Application.of(item) for item in self._client.get(self._root).list_of("applications")]
        except (Forbidden, NotFound) as error:
            hint = (
                f"Check that the organization '{self._organization}' exists and that the login administers it (a token "
                "needs the scope org:admin)"
            )
            raise error.with_hint(hint) from None

    def find(self, name: str) -> Application | None:
        """Return the application of that name, or None. Names are not unique: raises BadInput if several have it."""
        return self.named(name, self.list())

    def named(self, name: str, listed: Iterable[Application]) -> Application | None:
        """Return the one of these applications that has the name, as ``find``."""
        matches = [application for application in listed if application.name == name]
        if len(matches) > 1:
            ids = ", ".join(sorted(application.client_id for application in matches))
            raise BadInput(
                f"The organization {self._organization} has {len(matches)} applications named '{name}' "
                f"(client ids {ids}). Set client_id to select one of them"
            )
        return matches[0] if matches else None

    def get(self, client_id: str) -> Application | None:
        """Return the application with that client id, or None."""
        try:
            return Application.of(self._client.get(f"{self._root}/{encode_part(client_id)}").object_with("client_id"))
        except NotFound:
            return None

    def create(self, fields: Mapping[str, str]) -> Application:
        """Create an application and return it. ``fields`` must have a name."""
        return Application.of(self._client.post(self._root, dict(fields)).json_object())

    def update(self, client_id: str, fields: Mapping[str, str]) -> Application:
        """Replace all fields and return the application. Quay resets omitted fields, so ``fields`` must be complete."""
        return Application.of(self._client.put(f"{self._root}/{encode_part(client_id)}", dict(fields)).json_object())

    def reset_secret(self, client_id: str) -> Application:
        """Generate a new client secret and return the application with it (POST .../resetclientsecret)."""
        return Application.of(
            self._client.post(f"{self._root}/{encode_part(client_id)}/resetclientsecret").json_object()
        )

    def delete(self, client_id: str) -> None:
        """Delete the application. Quay revokes all its tokens at once."""
        self._client.delete(f"{self._root}/{encode_part(client_id)}")


class ApplicationTokens:
    """The tokens of one application (.../applications/{client_id}/tokens, Quay 3.18 and later, scope org:admin)."""

    def __init__(self, client: QuayClient, organization: str, client_id: str) -> None:
        self._client = client
        self._root = api_path("organization", organization, "applications", client_id, "tokens")

    def list(self) -> list[AccessToken] | None:
        """Return the unexpired tokens, newest first, or None if Quay lacks the endpoint (3.17 and older)."""
        try:
            return [AccessToken.of(item) for item in read_list(self._client, self._root, "tokens")]
        except EndpointMissing:
            return None

    def mint(self, name: str, scopes: Sequence[str], lifetime: timedelta | None) -> AccessToken:
        """Create a token and return it. Only this response has the secret. Without ``lifetime`` it lives ten years.

        Raises Forbidden, with a hint, if the login may not have one of the scopes itself.
        """
        body: dict[str, Any] = {"name": name, "scope": " ".join(scopes)}
        if lifetime is not None:
            body["expiration"] = int(lifetime.total_seconds())
        try:
            return AccessToken.of(self._client.post(self._root, body).json_object())
        except Forbidden as error:
            raise error.with_hint(_FORBIDDEN_SCOPES) from None

    def revoke(self, uuid: str) -> bool:
        """Revoke one token. Returns False if it did not exist."""
        try:
            self._client.delete(f"{self._root}/{encode_part(uuid)}")
        except NotFound:
            return False
        return True


class UserTokens:
    """The OAuth tokens of the signed-in user, and the browser flow that mints them (all Quay versions)."""

    def __init__(self, client: QuayClient) -> None:
        self._client = client

    def authorizations(self) -> list[Authorization]:
        """Return all OAuth tokens of the user, including expired ones (GET /user/authorizations, scope user:admin)."""
        path = api_path("user", "authorizations")
        return [Authorization.of(item) for item in self._client.get(path).list_of("authorizations")]

    def revoke(self, uuid: str) -> bool:
        """Revoke one token of the user. Returns False if it did not exist."""
        try:
            self._client.delete(api_path("user", "authorizations", uuid))
        except NotFound:
            return False
        return True

    def assignments(self) -> list[Assignment]:
        """Return the tokens that are assigned to the user and not yet accepted (GET /user/assignedauthorization).

        Quay then deletes the user's notifications of them. Raises BadInput if the server does not offer assignments.
        """
        try:
            response = self._client.get(api_path("user", "assignedauthorization"))
        except EndpointMissing:
            raise assigning_is_off(self._client) from None
        return [Assignment.of(item) for item in response.list_of("authorizations")]

    def decline(self, uuid: str) -> bool:
        """Decline an assigned token (DELETE /user/assignedauthorization/{uuid}). Returns False if it did not exist."""
        try:
            self._client.delete(api_path("user", "assignedauthorization", uuid))
        except NotFound:
            return False
        return True

    def authorize(
        self, client_id: str, redirect_uri: str, scopes: Sequence[str], auth: Auth, assignment: str | None = None
    ) -> str:
        """Mint a token as the page "Generate Token" does, and return the secret (POST /oauth/authorizeapp).

        ``auth``: a session, or HTTP Basic with a CSRF token. ``assignment``: the uuid of an Assignment to accept. The
        token has no name and a fixed lifetime of ten years. Raises RefusedCredential if Quay refuses and mints nothing.
        """
        form = {
            "response_type": "token",
            "client_id": client_id,
            "redirect_uri": redirect_uri,
            "scope": " ".join(scopes),
        }
        if assignment is not None:
            form["assignment_uuid"] = assignment
        path = "/oauth/authorizeapp"
        response = self._client.request("POST", path, form=form, auth=auth, redirect=True)
        target = split_location(response.headers)
        secret = parse_qs(target.fragment).get("access_token", [""])[0]
        if secret:
            return secret
        error = parse_qs(target.query).get("error", [""])[0]
        if error in _AUTHORIZE_ERRORS:
            raise RefusedCredential(f"POST {self._client.origin}{path}: {_AUTHORIZE_ERRORS[error]}")
        raise response.unexpected("the response holds no access token")

    def assign(self, client_id: str, redirect_uri: str, scopes: Sequence[str], username: str) -> None:
        """Assign a token to another user (POST /oauth/authorize/assignuser).

        Requires a session of an administrator of the organization. Raises BadInput if the user or the application does
        not exist.
        """
        query = {
            "response_type": "token",
            "client_id": client_id,
            "redirect_uri": redirect_uri,
            "scope": " ".join(scopes),
            "username": username,
            "format": "json",
        }
        try:
            self._client.request("POST", "/oauth/authorize/assignuser", params=query)
        except EndpointMissing:
            # Quay answers with an HTML 404 here if the user or the application does not exist.
            raise BadInput(
                f"for_user: {self._client.origin} has no enabled user '{username}', or no application with the client "
                f"id '{client_id}'. Check for_user and client_id"
            ) from None


def assigning_is_off(client: QuayClient) -> BadInput:
    """Return the error for a server that does not offer to assign tokens."""
    return BadInput(f"{client.origin} does not offer assigned tokens (FEATURE_ASSIGN_OAUTH_TOKEN is off)")


def organization_of(client: QuayClient, client_id: str) -> str:
    """Return the name of the organization that owns an application. Raises BadInput if there is no such application."""
    return location_of(client, client_id)[0]


def location_of(client: QuayClient, client_id: str) -> tuple[str, str]:
    """Return the organization and the name of an application (GET /app/{client_id}, anonymous).

    Raises BadInput if there is no such application.
    """
    path = api_path("app", client_id)
    try:
        application = client.get(path, auth=Auth()).json_object()
    except NotFound:
        raise BadInput(
            f"client_id: {client.origin} has no application with the client id '{client_id}'. Check client_id and "
            "quay_host"
        ) from None
    return str((application.get("organization") or {}).get("name") or ""), str(application.get("name") or "")


def accepts_client_secret(client: QuayClient, client_id: str, secret: str) -> bool | None:
    """Return whether Quay accepts the client secret; None if this server does not say.

    Tries to exchange an authorization code that does not exist (POST /oauth/access_token), so that nothing is issued:
    Quay checks the client secret first. The request is anonymous and costs no password hash.
    """
    form = {
        "grant_type": "authorization_code",
        "client_id": client_id,
        "client_secret": secret,
        "redirect_uri": client.origin,
        "scope": "repo:read",
        "code": "no-such-code",
    }
    try:
        client.request("POST", "/oauth/access_token", form=form, auth=WebAuth())
    except EndpointMissing:
        return None
    except ApiError as refused:
        if refused.status != 400:
            raise
        return {"invalid_grant": True, "invalid_client": False}.get(refused.message)
    return None
