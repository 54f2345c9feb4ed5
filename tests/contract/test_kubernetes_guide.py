# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The guide to Secrets maps every property of the operator's ApiToken resource to options that exist."""

from __future__ import annotations

import re

import yaml

from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.kinds import CREDENTIAL
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.kinds import KINDS

from . import collection
from .test_migration_guide import rows_of

GUIDE = (collection.ROOT / "docs" / "docsite" / "rst" / "guide_kubernetes.rst").read_text()
TABLE = rows_of(GUIDE[GUIDE.index("   * - ApiToken\n") :])

# The properties of the resource, and the keys of the Secret that it writes.
PROPERTIES = {
    *("metadata.name", "connSecretRef.name", "connSecretRef.namespace", "clientId"),
    *("clientIdFrom.name", "clientIdFrom.namespace", "clientIdFrom.key", "rights", "forUser"),
    *("retSecretRef.name", "retSecretRef.namespace", "preserveInQuayOnDeletion"),
    *("accessToken", "token", "host", "validateCerts", "timeout"),
}
RIGHTS = "org:admin repo:admin repo:create repo:read repo:write super:user user:admin user:read all"


def test_every_property_is_mapped() -> None:
    rows = re.findall(r"^   \* - ``([\w.]+)``", GUIDE[GUIDE.index("   * - ApiToken\n") :], re.MULTILINE)
    assert sorted(rows) == sorted(PROPERTIES)


def test_options_here_exist() -> None:
    known = {*CREDENTIAL, *KINDS["kubernetes_secret"].options, *_role_options()}
    for there, (here, remark) in TABLE.items():
        assert here <= known, there
        assert here or remark, f"{there}: say what to use"


def test_rights_are_scopes() -> None:
    scopes = collection.spec_of("quay_api_token").options["scopes"]
    assert set(scopes["choices"]) == {*RIGHTS.split()}


def _role_options() -> set[str]:
    specs = yaml.safe_load((collection.ROOT / "roles" / "rotation" / "meta" / "argument_specs.yml").read_text())
    return set(specs["argument_specs"]["main"]["options"])
