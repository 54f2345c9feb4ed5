# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A kind of credential for test_new_kind: random texts, of which a file in place of a server knows the valid one."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import ansible_collections.tokensmith.quay.plugins.module_utils._credentials.rotation_order as order
from ansible_collections.tokensmith.quay.plugins.module_utils._core.credential import Credential, fingerprint
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.declaration_options import Option, read_path
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.declared import DeclaredCredential, Observed
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.evaluation import Observation, observe_each
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.kind import Kind, TokenModule
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.policy import (
    STORED_INVALID,
    STORED_VALID,
    ObservedState,
    policy_from_options,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._module.context import ModuleContext, Result
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.contract import StoredSecret
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.holders import holder_from_options

SERVER = {"server": {"type": "path"}}
OPTIONS = {**order.TOKEN_OPTIONS, **SERVER, "name": {"type": "str"}, "state": {"type": "str", "default": "present"}}


class ToyIssuer:
    changes_quay, secret_is_readable, invalidates, record_required = True, False, True, False

    def __init__(self, params: Mapping[str, Any]) -> None:
        self._name, self._server = params["name"], Path(params["server"])

    def observe(self, stored: Sequence[StoredSecret], *, proven: bool = False) -> Observation:
        return next(iter(observe_each(stored, self._observe_stored)), self._observe_stored(StoredSecret()))

    def prepare(self, observation: Observation) -> Observation:
        return observation

    def mint(self, observation: Observation) -> order.Minted:
        secret = secrets.token_hex(20)
        self._server.write_text(json.dumps({self._name: fingerprint(secret)}))
        return order.Minted(Credential(self._name, "toy", secret), existed=observation.state.exists)

    def retire(self, handle: str) -> None:
        """Nothing to do: the server knows one secret."""

    def _observe_stored(self, stored: StoredSecret) -> Observation:
        known = json.loads(self._server.read_text()) if self._server.exists() else {}
        valid = bool(stored.secret) and known.get(self._name) == fingerprint(stored.secret)
        state = ObservedState(exists=self._name in known, secret=STORED_VALID if valid else STORED_INVALID)
        return Observation(state, Credential(self._name, "toy", stored.secret if valid else None))


def _observe(_context: ModuleContext, credentials: Sequence[DeclaredCredential]) -> Iterator[Observed]:
    return (Observed(declared, ToyIssuer(declared.params).observe(declared.stored)) for declared in credentials)


def _ensure(context: ModuleContext) -> Result:
    with holder_from_options(context.params, check_mode=context.check_mode) as holder:
        policy = policy_from_options(context.params)
        return order.rotate(context, ToyIssuer(context.params), policy, holder, retires=False)


def _module() -> TokenModule:
    return TokenModule(OPTIONS, SERVER, policy_from_options, _observe, _ensure)


TOY = Kind("toy", "a toy", _module, {"server": Option(read_path)}, ["server"], instead={"scopes": "A toy does nothing"})
