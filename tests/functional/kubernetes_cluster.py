# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The Kubernetes cluster of the tests: a stand-in, or the API server of KUBECONFIG."""

from __future__ import annotations

import base64
import importlib
import json
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from standin_kubernetes import StandinKubernetes
from standin_kubernetes.api import Rule

# Without its types, so that mypy does not need it.
kubernetes: Any = importlib.import_module("kubernetes")

_MERGE, _APPLY = "application/merge-patch+json", "application/apply-patch+yaml"

Body = dict[str, Any]


class Cluster:
    """Prepares and reads Secrets as an administrator, by requests that do not use the collection."""

    def __init__(self, kubeconfig: Path, standin: StandinKubernetes | None) -> None:
        self.kubeconfig = kubeconfig
        self.standin = standin
        client = kubernetes.config.new_client_from_config(str(kubeconfig))
        self.host = str(client.configuration.host)
        self.ca_path = client.configuration.ssl_ca_cert
        self._configuration = client.configuration
        self._pool = client.rest_client.pool_manager

    def call(self, method: str, path: str, body: Body | None = None, content_type: str = "application/json") -> Body:
        """Send a request. A response that is no success raises an AssertionError."""
        status, answer = self.try_call(method, path, body, content_type)
        assert 200 <= status < 300, (status, answer.get("message"))
        return answer

    def try_call(
        self, method: str, path: str, body: Body | None = None, content_type: str = "application/json"
    ) -> tuple[int, Body]:
        headers = {"Content-Type": content_type, "User-Agent": "somebody"}
        for setting in self._configuration.auth_settings().values():
            headers[setting["key"]] = setting["value"]
        text = None if body is None else json.dumps(body)
        response = self._pool.request(method, self.host + path, body=text, headers=headers, timeout=60, retries=False)
        return int(response.status), dict(json.loads(response.data))

    def new_namespace(self) -> str:
        name = f"quay-test-{secrets.token_hex(4)}"
        metadata = {"name": name}
        self.call("POST", "/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
        return name

    def read(self, namespace: str, name: str) -> Body | None:
        status, body = self.try_call("GET", _path(namespace, name))
        return None if status == 404 else body

    def data(self, namespace: str, name: str) -> dict[str, str]:
        """The decoded texts of a Secret."""
        body = self.read(namespace, name)
        assert body is not None, "there is no Secret"
        return {key: base64.b64decode(value).decode() for key, value in (body.get("data") or {}).items()}

    def auths(self, namespace: str, name: str) -> dict[str, tuple[str, str]]:
        """User name and secret of each registry in a docker config."""
        document = json.loads(self.data(namespace, name)[".dockerconfigjson"])
        pairs = {}
        for registry, entry in document["auths"].items():
            username, _colon, secret = base64.b64decode(entry["auth"]).decode().partition(":")
            pairs[registry] = (username, secret)
        return pairs

    def records(self, namespace: str, name: str) -> dict[str, dict[str, Any]]:
        body = self.read(namespace, name)
        assert body is not None, "there is no Secret"
        return dict(json.loads(body["metadata"]["annotations"]["tokensmith.quay/records"]))

    def create(
        self, namespace: str, name: str, data: Mapping[str, str], secret_type: str = "Opaque", **more: Any
    ) -> Body:
        """Create a Secret as ``kubectl create`` does."""
        return self.call(
            "POST",
            f"{_path(namespace)}?fieldManager=kubectl-create",
            {**_body(name, data, secret_type), **more},
        )

    def create_docker(self, namespace: str, name: str, auths: Mapping[str, tuple[str, str]], **more: Any) -> Body:
        data = {".dockerconfigjson": docker_config(auths)}
        return self.create(namespace, name, data, "kubernetes.io/dockerconfigjson", **more)

    def edit(self, namespace: str, name: str, patch: Body, manager: str = "kubectl-edit") -> Body:
        """Change a Secret as ``kubectl edit`` does."""
        return self.call("PATCH", f"{_path(namespace, name)}?fieldManager={manager}", patch, _MERGE)

    def edit_data(self, namespace: str, name: str, data: Mapping[str, str], manager: str = "kubectl-edit") -> Body:
        return self.edit(namespace, name, {"data": _encoded(data)}, manager)

    def apply(
        self,
        namespace: str,
        name: str,
        data: Mapping[str, str],
        secret_type: str = "Opaque",
        *,
        manager: str = "argocd",
        force: bool = False,
    ) -> Body:
        """Apply a Secret as a controller does."""
        query = f"fieldManager={manager}&force={str(force).lower()}"
        return self.call("PATCH", f"{_path(namespace, name)}?{query}", _body(name, data, secret_type), _APPLY)

    def delete(self, namespace: str, name: str) -> None:
        self.call("DELETE", _path(namespace, name))

    def restricted_login(self, namespace: str, name: str, *verbs: str) -> dict[str, Any]:
        """The options of a login with these verbs on one Secret."""
        if self.standin is not None:
            token = f"restricted-{secrets.token_hex(16)}"
            self.standin.add_user(token, Rule(verbs, namespace, name))
        else:
            token = self._restricted_token(namespace, name, verbs)
        options = {"kubernetes_host": self.host, "kubernetes_token": token}
        return {**options, "kubernetes_ca_path": self.ca_path} if self.ca_path else options

    def _restricted_token(self, namespace: str, name: str, verbs: tuple[str, ...]) -> str:
        account = f"restricted-{secrets.token_hex(4)}"
        metadata = {"name": account, "namespace": namespace}
        core, rbac = f"/api/v1/namespaces/{namespace}", f"/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}"
        group = "rbac.authorization.k8s.io"
        self.call("POST", f"{core}/serviceaccounts", {"metadata": metadata})
        rule = {"apiGroups": [""], "resources": ["secrets"], "resourceNames": [name], "verbs": list(verbs)}
        self.call("POST", f"{rbac}/roles", {"metadata": metadata, "rules": [rule]})
        binding = {
            "metadata": metadata,
            "roleRef": {"apiGroup": group, "kind": "Role", "name": account},
            "subjects": [{"kind": "ServiceAccount", "name": account, "namespace": namespace}],
        }
        self.call("POST", f"{rbac}/rolebindings", binding)
        token = self.call("POST", f"{core}/serviceaccounts/{account}/token", {"spec": {"expirationSeconds": 3600}})
        return str(token["status"]["token"])

    def terminate(self, namespace: str) -> None:
        """Let a namespace be deleted, which takes as long as something is in it."""
        if self.standin is not None:
            self.standin.api.namespaces[namespace] = "Terminating"
        else:
            self.call("DELETE", f"/api/v1/namespaces/{namespace}")


def docker_config(auths: Mapping[str, tuple[str, str]]) -> str:
    pairs = {registry: base64.b64encode(":".join(pair).encode()).decode() for registry, pair in auths.items()}
    return json.dumps({"auths": {registry: {"auth": pair} for registry, pair in pairs.items()}})


def _path(namespace: str, name: str = "") -> str:
    return f"/api/v1/namespaces/{namespace}/secrets" + (f"/{name}" if name else "")


def _encoded(data: Mapping[str, str]) -> dict[str, str]:
    return {key: base64.b64encode(text.encode()).decode() for key, text in data.items()}


def _body(name: str, data: Mapping[str, str], secret_type: str) -> Body:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name},
        "type": secret_type,
        "data": _encoded(data),
    }
