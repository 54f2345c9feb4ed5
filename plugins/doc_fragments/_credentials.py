# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This doc fragment is PRIVATE to the collection: it can change at any time.
# Do not use it from other collections or from playbooks' own modules.

from __future__ import annotations

import re
from typing import Any

import yaml

from ansible_collections.tokensmith.quay.plugins.doc_fragments._token import ModuleDocFragment as _Shared
from ansible_collections.tokensmith.quay.plugins.modules import (
    quay_api_token,
    quay_app_token,
    quay_client_secret,
    quay_federated_token,
    quay_referrers_token,
    quay_robot_lease,
    quay_robot_token,
)


def _with_list(module: str, *fragments: str, required: tuple[str, ...] = ()) -> str:
    """The options of a module that takes many credentials, too: each entry has the options of one.

    ``module`` and ``fragments``: the texts that document the options of one. ``required``: those that each entry needs.
    """
    options: dict[str, Any] = {}
    for text in (*fragments, module):
        for name, option in yaml.safe_load(text)["options"].items():
            options[name] = {**options.get(name, {}), **option}
    # In an entry, the other options are those of the same entry.
    names = re.compile(rf"\bO\((?=(?:{'|'.join(options)})\b)")
    entry = yaml.safe_load(names.sub("O(credentials[].", yaml.safe_dump(options, width=10**6)))
    for name in required:
        entry[name]["required"] = True
        entry[name]["description"] = [
            sentence for sentence in entry[name]["description"] if not sentence.startswith("Required if ")
        ]
    listed = {
        "credentials": {
            "description": [
                "Many credentials instead of one. Each entry has the options of one credential.",
                "All of them are worked on by one process, with one login. Those that share a store are worked on one "
                "after the other. RV(results) has a result for each.",
                "Everything is validated before anything is requested. A credential that fails later does not stop the "
                "others. The task fails at the end, and returns RV(results) nevertheless, with the tokens that were "
                "issued. To use them, handle the failure, for example with C(ignore_errors) or C(rescue).",
                "A task with entries that have neither O(credentials[].deliver) nor O(credentials[].token_path) needs "
                "C(no_log=true), because Ansible prints the complete result of a failed task, with their tokens.",
                "Cannot be used together with the options of one credential.",
            ],
            "type": "list",
            "elements": "dict",
            "suboptions": entry,
        },
        "parallel": {
            "description": [
                "How many entries of O(credentials) to work on at the same time, each with its own connection to Quay. "
                "A number above 32 counts as 32.",
            ],
            "type": "int",
            "default": 4,
        },
    }
    return yaml.safe_dump({"options": listed}, sort_keys=False, width=10**6)


class ModuleDocFragment:
    """The list of many credentials that a token module takes instead of one."""

    # Annotated, because ansible-test's yamllint reads what else is assigned here without running it.
    ROBOT_TOKEN: str = _with_list(
        quay_robot_token.DOCUMENTATION, _Shared.DOCUMENTATION, _Shared.MAX_AGE, required=("name",)
    )
    API_TOKEN: str = _with_list(quay_api_token.DOCUMENTATION, _Shared.DOCUMENTATION, _Shared.MAX_AGE)
    APP_TOKEN: str = _with_list(
        quay_app_token.DOCUMENTATION, _Shared.DOCUMENTATION, _Shared.MAX_AGE, required=("title",)
    )
    CLIENT_SECRET: str = _with_list(quay_client_secret.DOCUMENTATION, _Shared.DOCUMENTATION)
    REFERRERS_TOKEN: str = _with_list(
        quay_referrers_token.DOCUMENTATION, _Shared.DOCUMENTATION, required=("repositories",)
    )
    FEDERATED_TOKEN: str = _with_list(quay_federated_token.DOCUMENTATION, _Shared.DOCUMENTATION, required=("name",))
    ROBOT_LEASE: str = _with_list(quay_robot_lease.DOCUMENTATION, _Shared.DOCUMENTATION, required=("name_prefix",))
