# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""The document of a container engine's auth file: containers-auth.json, Docker's config.json. Pure."""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any, Mapping

from .._core.errors import BadInput
from .._core.secret_input import clean_secret, refuse_masked_values
from .options import registry_from_options


def parse_document(text: str | None) -> dict[str, Any] | None:
    """The document that a text holds, an empty one for no text; None for anything else."""
    if text is None or not text.strip():
        return {}
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return document if is_document(document) else None


def is_document(value: Any) -> bool:
    """Whether a value is such a document: an object whose ``auths``, if there are any, are an object."""
    return isinstance(value, dict) and isinstance(value.get("auths", {}), dict)


def auths_of(document: Mapping[str, Any]) -> dict[str, Any]:
    """The entries by registry."""
    auths = document.get("auths")
    return auths if isinstance(auths, dict) else {}


def login_in(entry: Any) -> tuple[str | None, str | None]:
    """User name and secret of an entry; None twice for anything else."""
    if not isinstance(entry, dict) or not isinstance(entry.get("auth"), str):
        return None, None
    try:
        username, colon, secret = base64.b64decode(entry["auth"]).decode("utf-8").partition(":")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return None, None
    return (username, secret) if colon and secret else (None, None)


def with_login(document: Mapping[str, Any], registry: str, username: str, secret: str) -> dict[str, Any]:
    """The same document with this login for the registry. Everything else in it is kept."""
    pair = base64.b64encode(f"{username}:{secret}".encode()).decode("ascii")
    return {**document, "auths": {**auths_of(document), registry: {"auth": pair}}}


def without_login(document: Mapping[str, Any], registry: str) -> dict[str, Any]:
    """The same document without the entry of the registry."""
    others = {other: entry for other, entry in auths_of(document).items() if other != registry}
    return {**document, "auths": others}


def helper_in(document: Mapping[str, Any], registry: str) -> str | None:
    """The credential helper that container engines use instead of the entry, if the document names one."""
    helpers = document.get("credHelpers")
    # Helpers are named by host, also for an entry of one repository.
    named = helpers.get(registry.partition("/")[0]) if isinstance(helpers, dict) else None
    return named or document.get("credsStore") or None


def document_text(document: Mapping[str, Any]) -> str:
    """The text of a document."""
    return json.dumps(document, indent="\t") + "\n"


def merge_login(given: Any, registry: Any, username: Any, token: Any) -> tuple[dict[str, Any], str]:
    """The document with the login, and the name of the registry in it.

    ``given``: a document, its text, or nothing. ``registry``: as in podman login, or the address of Quay. Raises
    BadInput for anything else; the message does not repeat the token.
    """
    texts = {name: _text(value, name) for name, value in (("registry", registry), ("username", username))}
    secret = clean_secret(_text(token, "token"), "token")
    refuse_masked_values({**texts, "token": secret})
    login = texts["username"]
    if not login or not secret:
        raise BadInput("username and token are required: an entry of an auth file has a user name and a secret")
    if ":" in login:
        raise BadInput("username must not hold a colon: an auth file separates the user name and the secret by one")
    document = given if isinstance(given, dict) else parse_document(None if given is None else str(given))
    if document is None or not is_document(document):
        raise BadInput("the input is not a container auth document (JSON with an object 'auths'), nor empty")
    entry = _registry(texts["registry"])
    return with_login(document, entry, login, secret), entry


def _text(value: Any, name: str) -> str:
    """A text without white space around it. A vaulted value is a class of its own in some versions of ansible-core."""
    if value is None or isinstance(value, (bool, int, float, dict, list, tuple)):
        raise BadInput(f"{name} must be a text. Write a number in quotes")
    return str(value).strip()


def _registry(given: str) -> str:
    """The name of the entry. The address of Quay is accepted, too; engines look up its host, without a default port."""
    is_address = given.startswith(("https://", "http://"))
    if not given:
        raise BadInput("registry is missing. Use a host as in podman login, for example quay.example.com")
    try:
        return registry_from_options({"registry": None if is_address else given}, given)
    except BadInput:
        raise BadInput(
            "registry must be a host as in podman login, such as quay.example.com or quay.example.com:8443/acme, or "
            "the address of Quay, such as https://quay.example.com"
        ) from None
