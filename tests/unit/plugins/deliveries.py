# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A secret with its record, and the options of the modules that deliver it, for the tests of stores."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

from ansible_collections.tokensmith.quay.plugins.module_utils._core.credential import Record, fingerprint
from ansible_collections.tokensmith.quay.plugins.module_utils._module.context import LocalContext
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.contract import Delivery

SECRET = "S3CRET" * 6 + "ABCD"
OTHER_SECRET = "0TH3R" * 8
FINGERPRINT = "bfc7212b0943"
RECORD = Record(
    fingerprint(SECRET),
    created_at=datetime(2026, 1, 31, 12, 0, 0, tzinfo=timezone.utc),
    expires_at=datetime(2026, 4, 30, 12, 0, 0, tzinfo=timezone.utc),
    uuid="6e3a1d0c",
    superseded=("a1", "b2"),
)
DELIVERY = Delivery(SECRET, "$oauthtoken", "nightly", RECORD)

# The options of quay_token_file and quay_container_auth, as AnsibleModule returns them, without path.
OPTIONS: dict[str, Any] = {
    "quay_host": "https://quay.example.com:8443",
    "format": "token",
    "prefix": None,
    "merge": False,
    "owner": None,
    "group": None,
    "mode": "0600",
    "force": False,
    "backup": False,
    "unsafe_writes": False,
    "registry": None,
    "token": SECRET,
    "fingerprint": None,
    "name": "nightly",
    "username": "acme+ci",
    "uuid": None,
    "created_at": None,
    "expires_at": None,
    "state": "present",
}


# The options of one entry of a list of stores, without path and kind. They have no defaults.
STORE_OPTIONS: dict[str, Any] = dict.fromkeys(
    (
        "format",
        "prefix",
        "merge",
        "owner",
        "group",
        "mode",
        "force",
        "backup",
        "unsafe_writes",
        "registry",
        "namespaces",
        "secret_name",
        "secret_type",
        "keys",
        "extra_values",
        "labels",
        "annotations",
        "kubeconfig",
        "kubernetes_context",
        "kubernetes_host",
        "kubernetes_token",
        "kubernetes_ca_path",
        "kubernetes_validate_certs",
        "vault_url",
        "mount",
        "kv_version",
        "vault_namespace",
        "vault_auth_method",
        "vault_auth_mount",
        "vault_token",
        "vault_token_path",
        "vault_role_id",
        "vault_secret_id",
        "vault_role",
        "vault_jwt",
        "vault_service_account_token_path",
        "vault_username",
        "vault_password",
        "vault_ca_path",
        "vault_validate_certs",
        "vault_timeout",
    )
)


def delivery_of(secret: str, username: str = "acme+ci") -> Delivery:
    """A delivery whose record has the fingerprint alone."""
    return Delivery(secret, username, record=Record(fingerprint(secret)))


def local_context(warnings: list[str] | None = None, *, check_mode: bool = False, **options: Any) -> LocalContext:
    """One run of a module that delivers, with OPTIONS and these. Its warnings are added to ``warnings``."""
    return LocalContext({**OPTIONS, **options}, check_mode, [] if warnings is None else warnings)
