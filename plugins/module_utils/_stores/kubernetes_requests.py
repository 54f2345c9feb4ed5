# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""The requests for one Secret, and what the API server's refusals mean."""

from __future__ import annotations

from typing import Any, Mapping
from urllib.parse import quote

from .._core.errors import StoreError
from .kubernetes_client import KIND, Answer, KubernetesClient
from .kubernetes_objects import MANAGER, Snapshot, snapshot_of

_APPLY = "application/apply-patch+yaml"
_REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"


class SecretRequests:
    """The requests for the Secret of this name in this namespace."""

    def __init__(self, client: KubernetesClient, namespace: str, name: str) -> None:
        self.namespace = namespace
        self.name = name
        self.place = f"{KIND} {namespace}/{name}"
        self._client = client
        self._path = f"/api/v1/namespaces/{quote(namespace, safe='')}/secrets/{quote(name, safe='')}"

    def read(self) -> Snapshot:
        """GET the Secret. One that is missing is an empty snapshot, and so is one in a missing namespace."""
        answer = self._client.request("GET", self._path)
        if answer.status == 404 and answer.reason == "NotFound":
            return Snapshot()
        if not answer.ok:
            raise self._error("GET", answer)
        return snapshot_of(answer.body)

    def apply(self, body: Mapping[str, Any], *, force: bool, dry_run: bool = False) -> bool:
        """Create or update the Secret by server-side apply. Returns false if it changed since it was read.

        Raises Unanswered if the outcome is unknown.
        """
        query = {"fieldManager": MANAGER, "force": str(force).lower()}
        if dry_run:
            query["dryRun"] = "All"
        answer = self._client.request("PATCH", self._path, body, query=query, content_type=_APPLY)
        if dry_run and answer.status == 400 and answer.says("does not support dry run"):
            self._require_right("patch")
            return True
        if answer.status == 409:
            return False
        if not answer.ok:
            raise self._error("PATCH", answer)
        return True

    def delete(self, snapshot: Snapshot, *, dry_run: bool = False, may_be_denied: bool = False) -> bool:
        """Delete the Secret that was read. Returns false if that is denied and may be.

        Raises StoreError if it changed, and Unanswered if the outcome is unknown.
        """
        body: dict[str, Any] = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "preconditions": {"uid": snapshot.uid, "resourceVersion": snapshot.version},
        }
        if dry_run:
            # With a body, the server ignores the query.
            body["dryRun"] = ["All"]
        answer = self._client.request("DELETE", self._path, body)
        if answer.status == 404 and answer.reason == "NotFound":
            return True
        if answer.status == 403 and may_be_denied:
            return False
        if answer.status == 409:
            raise StoreError(f"{self.place} was changed by somebody else at the same moment. Run the task again")
        if not answer.ok:
            raise self._error("DELETE", answer)
        return True

    def _require_right(self, verb: str) -> None:
        """Raise if the login may not do this. Only for servers whose webhooks allow no dry run."""
        attributes = {"namespace": self.namespace, "verb": verb, "resource": "secrets", "name": self.name}
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": attributes},
        }
        answer = self._client.request("POST", _REVIEWS, review)
        if not answer.ok:
            raise self._error("POST", answer)
        if not (answer.body.get("status") or {}).get("allowed"):
            raise self._error("PATCH", Answer(403))

    def _error(self, method: str, answer: Answer) -> StoreError:
        what = f"{method} {self._client.origin}{self._path}: HTTP {answer.status}"
        return StoreError(f"{self.place}: {self._meaning(method, answer)} ({what})")

    def _meaning(self, method: str, answer: Answer) -> str:
        if answer.status == 401:
            return (
                "the API server does not accept the login: its token or certificate is wrong or expired. Check it with "
                "kubectl auth whoami"
            )
        if answer.status == 403:
            return self._denied(method, answer)
        if answer.status == 404:
            if answer.reason == "NotFound":
                return f"the namespace {self.namespace} does not exist. Create it first"
            return "there is no Kubernetes API at this address"
        if answer.status == 413:
            return "the Secret is too large"
        fields = f": {', '.join(answer.fields)}" if answer.fields else ""
        return f"the API server refuses the Secret as {answer.reason or 'invalid'}{fields}"

    def _denied(self, method: str, answer: Answer) -> str:
        if answer.has_cause("NamespaceTerminating"):
            return f"the namespace {self.namespace} is being deleted"
        if answer.has_cause("QuotaExceeded") or answer.says("exceeded quota"):
            return f"a quota of the namespace {self.namespace} allows no further Secret"
        verb = {"GET": "get", "PATCH": "patch (or create)", "DELETE": "delete"}.get(method, "use")
        return (
            f"the login may not {verb} the Secret {self.name} in the namespace {self.namespace}, or an admission "
            "webhook denied it. Bind the login to a Role with the verbs get, patch and create for the resource secrets "
            f"and the resource name {self.name}"
        )
