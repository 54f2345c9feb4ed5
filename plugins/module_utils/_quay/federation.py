# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""The exchange of an OIDC token for a token of a robot (GET /oauth2/federation/robot/token), and what it needs."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Sequence

from .._core.errors import BadInput, RefusedCredential
from .._core.jwt import jwt_claims, jwt_header
from .._core.texts import listed
from .._core.times import format_duration, format_time, from_timestamp
from .._http.auth import BasicAuth
from .._http.client import QuayClient
from .._http.errors import ApiError, EndpointMissing, HttpError, RateLimited, TransportError
from .registry_auth import RegistryToken, parse_registry_token
from .robots import FederationEntry

PATH = "/oauth2/federation/robot/token"
# Quay waits for the issuer's keys without a limit of its own. Its nginx gives up after 60 seconds.
MIN_TIMEOUT = 65.0
# Quay accepts an OIDC token for so long after it expired.
LEEWAY = timedelta(seconds=30)
_ALGORITHMS = ("RS256", "RS384")


@dataclass(frozen=True)
class Identity:
    """An OIDC token and what it says of itself. Its signature is not verified here."""

    token: str = field(repr=False)
    issuer: str
    subject: str
    expires_at: datetime

    @property
    def entry(self) -> FederationEntry:
        """The entry that the robot's federation needs."""
        return FederationEntry(self.issuer, self.subject)

    def refuse_if_expired(self, now: datetime) -> None:
        """Raise BadInput if Quay would refuse it as expired."""
        late = now - self.expires_at
        if late > LEEWAY:
            raise BadInput(
                f"The OIDC token expired {format_duration(late)} ago, at {format_time(self.expires_at)}. Get a new one"
            )


def parse_identity(token: str, source: str) -> Identity:
    """The OIDC token, if Quay can accept one like it. ``source``: where it comes from, for messages.

    Raises BadInput. For some of these tokens Quay would answer 500 without a reason.
    """
    header, claims = jwt_header(token), jwt_claims(token)
    problem = "it is no JWT, which has three parts with dots between them"
    if header is not None and claims is not None and token.rpartition(".")[2]:
        problem = _problem_of(header, claims)
        if not problem:
            return Identity(token, claims["iss"], claims["sub"], from_timestamp(float(claims["exp"])))
    raise BadInput(f"{source} holds no OIDC token that Quay accepts: {problem}")


def _problem_of(header: dict[str, Any], claims: dict[str, Any]) -> str:
    """Why Quay would not accept such a token; empty if nothing is known."""
    if header.get("alg") not in _ALGORITHMS:
        return f"it is signed by {str(header.get('alg'))[:20]}, and Quay takes {' and '.join(_ALGORITHMS)} only"
    if not _is_text(header.get("kid")):
        return "its header has no kid, which names the key of the signature"
    missing = [name for name in ("iss", "sub") if not _is_text(claims.get(name))]
    missing += [name for name in ("exp", "iat") if not _is_time(claims.get(name))]
    if missing:
        return f"it lacks the claim {' and '.join(missing)}"
    if not claims["iss"].startswith("https://"):
        return f"its issuer '{claims['iss']}' has no https URL, and Quay asks no other issuers for their keys"
    return ""


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_time(value: Any) -> bool:
    try:
        return not isinstance(value, bool) and from_timestamp(float(value)) is not None
    except (TypeError, ValueError, OverflowError, OSError):
        return False


def mismatch(robot: str, identity: Identity, entries: Sequence[FederationEntry]) -> str:
    """Why this federation of a robot does not accept the OIDC token; empty if it does."""
    if identity.entry in entries:
        return ""
    wanted = f"Add the issuer '{identity.issuer}' with the subject '{identity.subject}' by quay_robot_token"
    if not entries:
        return f"{robot} has no federation. {wanted}"
    subjects = [entry.subject for entry in entries if entry.issuer == identity.issuer]
    if subjects:
        return (
            f"The federation of {robot} has the issuer of the OIDC token, but not its subject '{identity.subject}'. "
            f"It has: {listed([repr(subject) for subject in subjects])}. Subjects are compared exactly, without "
            "wildcards"
        )
    similar = [entry.issuer for entry in entries if _simplified(entry.issuer) == _simplified(identity.issuer)]
    if similar:
        return (
            f"The federation of {robot} has the issuer '{similar[0]}', and the OIDC token has '{identity.issuer}'. "
            "Quay compares them exactly, a slash at the end, blanks and the case of letters included"
        )
    return f"The federation of {robot} does not have the issuer of the OIDC token. {wanted}"


def _simplified(issuer: str) -> str:
    return issuer.strip().rstrip("/").lower()


def exchange_identity(client: QuayClient, robot: str, identity: Identity) -> RegistryToken:
    """Exchange an OIDC token for a token of the robot, which is valid for an hour. Sent once.

    ``robot``: the full name. Needs no login of Quay. Raises RefusedCredential for what Quay answers about the OIDC
    token or its issuer, and HttpError if Quay does not answer.
    """
    try:
        response = client.request(
            "GET",
            PATH,
            auth=BasicAuth(robot, identity.token),
            once=True,
            replay_when_limited=True,
            min_timeout=MIN_TIMEOUT,
        )
    except HttpError as error:
        reason = _reason(error, robot, identity)
        if not reason:
            raise
        raise RefusedCredential(f"{error}. {reason}" if reason not in str(error) else str(error)) from None
    token = parse_registry_token(str(response.json_object().get("token", "")))
    if token is None or token.subject != robot:
        raise response.unexpected("the response holds no token of the robot that can be read")
    return token


# What Quay says (400), and what it means. The first text that its message contains counts.
_MEANINGS = (
    ("could not find robot", "There is no robot {robot}. Names are compared exactly"),
    ("does not have federated login", "{robot} has no federation. {add}"),
    (
        "not configured for this robot",
        "The federation of {robot} does not have the issuer of the OIDC token. {exact} {add}",
    ),
    (
        "does not match robot",
        "The federation of {robot} has the issuer, but not the subject '{subject}' of the OIDC token. Subjects are "
        "compared exactly, without wildcards",
    ),
    ("signature has expired", "The OIDC token has expired. Get a new one"),
    ("cannot be in the future", "The clock of the issuer is ahead of Quay's by more than 30 seconds"),
    (
        "signature verification failed",
        "The OIDC token was not signed by the key that the issuer {issuer} publishes now",
    ),
    ("alg value is not allowed", "Quay accepts the algorithms RS256 and RS384 only"),
    ("not in configured issuers", "{discovery}"),
    ("invalid issuer", "{discovery}"),
    ("invalid token", "The OIDC token lacks something that Quay needs: kid, iss, sub, exp and iat"),
    ("does not contain issuer", "The OIDC token lacks the claim iss"),
)
_ADD = "Add the issuer '{issuer}' with the subject '{subject}' by quay_robot_token"
_EXACT = "Issuers are compared exactly, a slash at the end included."
_DISCOVERY = (
    "The discovery document of the issuer names another issuer than the OIDC token, '{issuer}'. With Quay 3.17 and "
    "older, a slash at the end is a difference"
)
_BROKEN = (
    "Quay answers so if the issuer {issuer} does not publish the key that signed the OIDC token, or if its discovery "
    "document or its keys are missing or broken"
)
_UNREACHABLE = (
    "Quay answers so if it cannot reach the issuer {issuer} within 5 seconds, or does not trust its TLS certificate, "
    "for which the CAs of the Quay server count. It does not mean that Quay is down"
)
_SLOW = "The issuer {issuer} takes longer than a minute to return its keys to Quay"
_NO_HEADER = "A proxy in front of Quay removed or changed the Authorization header"
_NOT_OFFERED = "Federation of robots needs Quay 3.13 or newer"


def _reason(error: HttpError, robot: str, identity: Identity) -> str:
    """What a failed exchange means; empty if it says nothing about the OIDC token or its issuer."""
    text = _text_for(error)
    facts = {"robot": robot, "issuer": identity.issuer, "subject": identity.subject}
    parts = {"add": _ADD.format(**facts), "exact": _EXACT, "discovery": _DISCOVERY.format(**facts)}
    return text.format(**facts, **parts)


def _text_for(error: HttpError) -> str:
    if isinstance(error, TransportError):
        if error.permanent or "timeout" in error.cause:
            return "" if error.permanent else _SLOW
        return _UNREACHABLE if error.sent else ""
    if not isinstance(error, ApiError) or isinstance(error, RateLimited):
        return ""
    if isinstance(error, EndpointMissing):
        return _NOT_OFFERED
    if error.status == 401:
        return "There is no robot {robot}" if "robot" in error.message.lower() else _NO_HEADER
    if error.status == 400:
        message = error.message.lower()
        return next((meaning for part, meaning in _MEANINGS if part in message), "")
    return {500: _BROKEN, 502: _UNREACHABLE, 504: _SLOW}.get(error.status, "")
