# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""The options of a store in AWX: which credential, which login, and what its inputs hold."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any, Mapping

from .._core.errors import BadInput
from .._http.address import normalise_host
from .awx_client import KIND, AwxLogin
from .options import registry_from_options

# What an input can hold.
FIELDS = (
    "token",
    "username",
    "registry",
    "quay_host",
    "api_url",
    "name",
    "fingerprint",
    "created_at",
    "expires_at",
    "uuid",
)


@dataclass(frozen=True)
class Selection:
    """Which credential: by its number, or by its name with what tells it from others of that name."""

    name: str | None = None
    number: int | None = None
    type_name: str | None = None
    organization: str | None = None

    def __str__(self) -> str:
        if self.number is not None:
            return f"#{self.number}"
        return f"{self.organization}/{self.name}" if self.organization else str(self.name)


def selection_of(options: Mapping[str, Any]) -> Selection:
    name, number = _text(options["credential"]), options["credential_id"]
    if bool(name) == (number is not None):
        raise BadInput(f"a store of the kind {KIND} needs either credential or credential_id")
    if number is not None and _text(options["awx_organization"]):
        raise BadInput("awx_organization has no effect with credential_id. Leave it out")
    return Selection(name, number, _text(options["credential_type"]), _text(options["awx_organization"]))


def login_of(options: Mapping[str, Any]) -> AwxLogin:
    """The options of the login; those that are not given come from the environment, as in awx.awx."""
    token = _text(options["awx_token"])
    username, password = _text(options["awx_username"]), _text(options["awx_password"])
    if token and (username or password):
        raise BadInput("Give either awx_token, or awx_username and awx_password, not both")
    if not token and not (username and password):
        token = _environment("OAUTH_TOKEN")
        username, password = username or _environment("USERNAME"), password or _environment("PASSWORD")
    validate = options["awx_validate_certs"]
    if validate is None:
        validate = (_environment("VERIFY_SSL") or "true").lower() not in ("false", "no", "off", "0", "f", "n")
    return AwxLogin(
        host=_text(options["awx_host"]) or _environment("HOST"),
        token=token,
        username=username,
        password=password,
        api_path=_text(options["awx_api_path"]) or _environment("OPTIONAL_API_URLPATTERN_PREFIX") or "/api/",
        verify=(_text(options["awx_ca_path"]) or True) if validate else False,
    )


def _environment(name: str) -> str | None:
    """An environment variable as the awx.awx collection reads it."""
    return _text(os.environ.get(f"CONTROLLER_{name}")) or _text(os.environ.get(f"TOWER_{name}"))


def inputs_of(given: Mapping[Any, Any] | None) -> dict[str, str] | None:
    if not given:
        return None
    inputs = {str(name): str(field) for name, field in given.items()}
    for name, field in inputs.items():
        if field not in FIELDS:
            # Not repeated: somebody may have written a secret there.
            raise BadInput(f"inputs: '{name}' must name what it holds: {', '.join(FIELDS)}")
    if list(inputs.values()).count("token") != 1:
        raise BadInput("inputs must name exactly one input for the token, for example {password: token}")
    return inputs


def addresses_of(options: Mapping[str, Any], quay_host: str) -> dict[str, str]:
    registry, origin = registry_from_options(options, quay_host), normalise_host(quay_host)
    return {"registry": registry, "quay_host": origin, "api_url": f"{origin}/api/v1"}


def _text(value: Any) -> str | None:
    return str(value).strip() or None if value is not None else None
