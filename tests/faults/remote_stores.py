# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The stores on other servers: a real OpenBao, and stand-ins of Kubernetes and AWX, each behind a fault proxy.

Each holds one object in which others keep something, too. It is read without code of the collection.
"""

from __future__ import annotations

import base64
import copy
import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, ClassVar

import requests

from awx.standin import StandinAwx
from functional.openbao import OpenBao
from standin_kubernetes import StandinKubernetes
from standin_kubernetes.api import Secret

from .file_stores import OTHER_LOGIN, OTHER_REGISTRY, REGISTRY, Login, login_in_auths
from .proxy import Proxy

_TIMEOUT_S = 60
_NEWCOMER = "newcomer.example.com"
_NEWCOMER_LOGIN = base64.b64encode(b"newcomer:something").decode()


class RemoteStore(ABC):
    """One object of one server. It exists as long as the stack of its creation."""

    # The name of the kind in ``deliver``.
    kind = ""
    # Responses of this server in JSON, by the name of the fault.
    responses: ClassVar[Mapping[str, tuple[int, Any]]] = {}
    # Whether a write is refused if somebody else has written since the object was read.
    has_conditional_writes = True

    def __init__(self, stack: ExitStack, url: str) -> None:
        self.proxy = stack.enter_context(Proxy(url, responses=self.responses))
        # Whether the object has what others keep in it, and what another writer adds during a run.
        self._has_others = False
        self._has_newcomer = False

    @property
    @abstractmethod
    def secrets(self) -> list[str]:
        """The secrets of the login to the server."""

    @abstractmethod
    def options(self) -> dict[str, Any]:
        """The entry of ``deliver``."""

    def names_it(self, message: str) -> bool:
        """Whether an error names the store."""
        return self.kind in message

    # --- the content

    def clear(self) -> None:
        """Remove the object."""
        self._has_others = self._has_newcomer = False
        self._restore(None)

    def fill(self) -> None:
        """Create the object with what others keep in it."""
        self._has_others = True
        self._put_others()

    def let_others_write(self) -> None:
        """Add something to the object, or create it, as somebody else does during a run."""
        self._has_newcomer = True
        self._put_newcomer()

    def save(self) -> Any:
        """Return the state, for restore()."""
        return self._has_others, self._has_newcomer, self.content()

    def restore(self, state: Any) -> None:
        self._has_others, self._has_newcomer, content = state
        self._restore(content)

    @abstractmethod
    def content(self) -> Any:
        """Everything that the server keeps of the object; none if there is none."""

    @abstractmethod
    def login(self) -> Login | None:
        """The login in the object, or none if it is incomplete."""

    def problems(self) -> Iterator[str]:
        """Yield what is missing of the content of others, and what is left of former runs."""
        if self._has_others and not self._keeps_others():
            yield f"{self.kind} lacks what others keep in it"
        if self._has_newcomer and not self._keeps_newcomer():
            yield f"{self.kind} lacks what another writer added"
        yield from self._leftovers()

    @abstractmethod
    def _restore(self, content: Any) -> None:
        """Let the server keep this content; none for no object."""

    @abstractmethod
    def _put_others(self) -> None: ...

    @abstractmethod
    def _put_newcomer(self) -> None: ...

    @abstractmethod
    def _keeps_others(self) -> bool: ...

    @abstractmethod
    def _keeps_newcomer(self) -> bool: ...

    def _leftovers(self) -> Iterator[str]:
        yield from ()


class VaultStore(RemoteStore):
    """A secret of KV version 2 in OpenBao, with a login of the least rights."""

    kind = "hashi_vault"
    responses: ClassVar[Mapping[str, tuple[int, Any]]] = {
        "forbidden": (403, {"errors": ["1 error occurred:\n\t* permission denied\n\n"]}),
        "conflict": (400, {"errors": ["check-and-set parameter did not match the current version"]}),
        "unavailable": (503, {"errors": ["Vault is sealed"]}),
        "gateway-timeout": (504, {"errors": ["context deadline exceeded"]}),
    }

    _PATH = "ci/quay"
    _OTHERS: ClassVar[dict[str, Any]] = {"team": "build", "nested": {"a": [1, 2]}}
    _NEWCOMER = "newcomer"
    _RULES: ClassVar[Mapping[str, list[str]]] = {
        f"secret/data/{_PATH}": ["create", "read", "update"],
        f"secret/metadata/{_PATH}": ["patch"],
        f"secret/delete/{_PATH}": ["update"],
    }

    def __init__(self, stack: ExitStack, folder: Path) -> None:
        self._bao = stack.enter_context(OpenBao(folder))
        self._token = self._bao.token_for("ci", self._RULES)
        super().__init__(stack, self._bao.url)

    @property
    def secrets(self) -> list[str]:
        return [self._token, self._bao.root_token]

    def options(self) -> dict[str, Any]:
        where = {"kind": self.kind, "vault_url": self.proxy.url, "path": self._PATH, "registry": REGISTRY}
        return {**where, "vault_token": self._token}

    def content(self) -> Any:
        metadata = self._bao.find_metadata(self._PATH)
        return None if metadata is None else (self._bao.get(self._PATH), metadata["custom_metadata"])

    @property
    def _custom_metadata(self) -> dict[str, str]:
        return dict((self._bao.find_metadata(self._PATH) or {}).get("custom_metadata") or {})

    def login(self) -> Login | None:
        data = self._bao.get(self._PATH) or {}
        if not {"token", "username", "registry"} <= data.keys() or data["registry"] != REGISTRY:
            return None
        return Login(data["username"], data["token"])

    def _restore(self, content: Any) -> None:
        self._bao.call("DELETE", f"secret/metadata/{self._PATH}")
        if content is None:
            return
        data, metadata = content
        self._bao.put(self._PATH, data)
        if metadata:
            self._bao.call("POST", f"secret/metadata/{self._PATH}", {"custom_metadata": metadata})

    def _put_others(self) -> None:
        self._bao.put(self._PATH, self._OTHERS)
        self._bao.call("POST", f"secret/metadata/{self._PATH}", {"custom_metadata": {"owner": "build"}})

    def _put_newcomer(self) -> None:
        self._bao.put(self._PATH, {**(self._bao.get(self._PATH) or {}), self._NEWCOMER: "1"})

    def _keeps_others(self) -> bool:
        kept = (self._bao.get(self._PATH) or {}).items()
        return self._OTHERS.items() <= kept and self._custom_metadata.get("owner") == "build"

    def _keeps_newcomer(self) -> bool:
        return (self._bao.get(self._PATH) or {}).get(self._NEWCOMER) == "1"

    def _leftovers(self) -> Iterator[str]:
        """The record of the present secret and that of the one before may be there."""
        records = [key for key in self._custom_metadata if key.startswith("quay_")]
        if len(records) > 2:
            yield f"{self.kind} has {len(records)} records"


class KubernetesStore(RemoteStore):
    """A Secret for pulls, with a login for another registry."""

    kind = "kubernetes_secret"
    responses: ClassVar[Mapping[str, tuple[int, Any]]] = {
        "forbidden": (403, {"kind": "Status", "status": "Failure", "reason": "Forbidden", "code": 403}),
        "conflict": (409, {"kind": "Status", "status": "Failure", "reason": "Conflict", "code": 409}),
        "unavailable": (503, {"kind": "Status", "status": "Failure", "reason": "ServiceUnavailable", "code": 503}),
        "gateway-timeout": (504, {"kind": "Status", "status": "Failure", "reason": "Timeout", "code": 504}),
    }

    _NAMESPACE, _NAME, _KEY = "ci", "pull", ".dockerconfigjson"

    def __init__(self, stack: ExitStack) -> None:
        self._standin = stack.enter_context(StandinKubernetes())
        self._standin.api.namespaces[self._NAMESPACE] = "Active"
        super().__init__(stack, self._standin.url)

    @property
    def secrets(self) -> list[str]:
        return [self._standin.ADMIN]

    def options(self) -> dict[str, Any]:
        where = {"kind": self.kind, "namespaces": [self._NAMESPACE], "secret_name": self._NAME, "registry": REGISTRY}
        return {**where, "kubernetes_host": self.proxy.url, "kubernetes_token": self._standin.ADMIN}

    def content(self) -> Any:
        secret = self._secret
        return copy.deepcopy(secret) if secret else None

    def login(self) -> Login | None:
        document = self._document
        if not self._has_others:
            document = {"auths": {**document.get("auths", {}), OTHER_REGISTRY: {"auth": OTHER_LOGIN}}}
        return login_in_auths(document) if self._secret else None

    @property
    def _secret(self) -> Secret | None:
        return self._standin.api.secrets.get((self._NAMESPACE, self._NAME))

    @property
    def _document(self) -> dict[str, Any]:
        secret = self._secret
        return dict(json.loads(base64.b64decode(secret.body["data"][self._KEY]))) if secret else {}

    def _restore(self, content: Any) -> None:
        self._standin.api.secrets.clear()
        self._standin.journal.clear()
        if content is not None:
            self._standin.api.secrets[self._NAMESPACE, self._NAME] = copy.deepcopy(content)

    def _put_others(self) -> None:
        metadata = {"name": self._NAME, "labels": {"team": "build"}}
        self._write(metadata, {OTHER_REGISTRY: {"auth": OTHER_LOGIN}}, note="build")

    def _put_newcomer(self) -> None:
        auths = self._document.get("auths", {})
        self._write({"name": self._NAME}, {**auths, _NEWCOMER: {"auth": _NEWCOMER_LOGIN}})

    def _write(self, metadata: Mapping[str, Any], auths: Mapping[str, Any], **more: str) -> None:
        """Create or edit the Secret as kubectl does."""
        texts = {self._KEY: json.dumps({"auths": auths}), **more}
        data = {key: base64.b64encode(text.encode()).decode() for key, text in texts.items()}
        body = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data}
        url = f"{self._standin.url}/api/v1/namespaces/{self._NAMESPACE}/secrets"
        headers = {"Authorization": f"Bearer {self._standin.ADMIN}", "User-Agent": "kubectl"}
        if self._secret:
            headers["Content-Type"] = "application/merge-patch+json"
            response = requests.patch(f"{url}/{self._NAME}", json=body, headers=headers, timeout=_TIMEOUT_S)
        else:
            body["type"] = "kubernetes.io/dockerconfigjson"
            response = requests.post(url, json=body, headers=headers, timeout=_TIMEOUT_S)
        assert response.ok, response.status_code

    def _keeps_others(self) -> bool:
        body = self._secret.body if self._secret else {"metadata": {}}
        return (
            self._document.get("auths", {}).get(OTHER_REGISTRY) == {"auth": OTHER_LOGIN}
            and body["metadata"].get("labels") == {"team": "build"}
            and "note" in body["data"]
        )

    def _keeps_newcomer(self) -> bool:
        return bool(self._document.get("auths", {}).get(_NEWCOMER) == {"auth": _NEWCOMER_LOGIN})


class AwxStore(RemoteStore):
    """A credential of the type for registries."""

    kind = "awx_credential"
    responses: ClassVar[Mapping[str, tuple[int, Any]]] = {
        "forbidden": (403, {"detail": "You do not have permission to perform this action."}),
        "conflict": (409, {"detail": "Conflict"}),
        "unavailable": (503, {"detail": "Service unavailable"}),
        "gateway-timeout": (504, {"detail": "Gateway timeout"}),
    }
    has_conditional_writes = False

    _NAME = "quay-pull"
    _OTHERS: ClassVar[dict[str, Any]] = {"inputs": {"verify_ssl": False}, "description": "Pulls for CI"}

    def __init__(self, stack: ExitStack) -> None:
        self._standin = stack.enter_context(StandinAwx())
        super().__init__(stack, self._standin.host)

    @property
    def secrets(self) -> list[str]:
        return self._standin.secrets

    def options(self) -> dict[str, Any]:
        create = {"create": True, "credential_type": self._standin.registry_type}
        where = {"credential": self._NAME, "awx_organization": self._standin.organization, "registry": REGISTRY}
        return {"kind": self.kind, **where, **create, **self._standin.login, "awx_host": self.proxy.url}

    def content(self) -> Any:
        return copy.deepcopy(self._standin.fake.credentials)

    def login(self) -> Login | None:
        inputs = self._credential.get("inputs", {})
        if not inputs.get("password") or inputs.get("host") != REGISTRY:
            return None
        return Login(inputs["username"], inputs["password"])

    @property
    def _credential(self) -> dict[str, Any]:
        return next(iter(self._standin.fake.credentials.values()), {})

    def _restore(self, content: Any) -> None:
        fake = self._standin.fake
        fake.credentials = copy.deepcopy(content or {})
        fake.requests.clear()
        fake.bodies.clear()

    def _put_others(self) -> None:
        self._standin.add(self._NAME, **copy.deepcopy(self._OTHERS))

    def _put_newcomer(self) -> None:
        credential = self._credential or self._standin.credential(self._standin.add(self._NAME))
        inputs = {**credential["inputs"], "verify_ssl": True}
        self._standin.change(credential["id"], inputs=inputs)

    def _keeps_others(self) -> bool:
        found = {"inputs": {}, "description": "", **self._credential}
        return "verify_ssl" in found["inputs"] and found["description"].startswith("Pulls for CI")

    def _keeps_newcomer(self) -> bool:
        return self._credential.get("inputs", {}).get("verify_ssl") is True

    def _leftovers(self) -> Iterator[str]:
        if len(self._standin.fake.credentials) > 1:
            yield f"{self.kind} has {len(self._standin.fake.credentials)} credentials of the name"


KINDS = (VaultStore.kind, KubernetesStore.kind, AwxStore.kind)


def start_store(kind: str, stack: ExitStack, folder: Path) -> RemoteStore:
    """Start the server of a kind of store. ``folder``: the home directory of its process."""
    if kind == VaultStore.kind:
        return VaultStore(stack, folder)
    return KubernetesStore(stack) if kind == KubernetesStore.kind else AwxStore(stack)
