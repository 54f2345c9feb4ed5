# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The API server: namespaces, Secrets, rights, and what it answers. One request at a time."""

from __future__ import annotations

import base64
import binascii
import copy
import json
import re
import uuid
from dataclasses import dataclass, field
from typing import Any

import yaml

from .errors import ApiError, invalid
from .owners import APPLY, UPDATE, Owners, Path, fields_of, set_field, shown

Body = dict[str, Any]
Answer = tuple[int, Body]

MAX_DATA = 1048576
MAX_BODY = 3 * 1024 * 1024
MAX_ANNOTATIONS = 262144
DOCKER_TYPE, DOCKER_KEY = "kubernetes.io/dockerconfigjson", ".dockerconfigjson"
_SECRETS = re.compile(r"/api/v1/namespaces/([^/]+)/secrets(?:/([^/]+))?")
_NAMESPACES = re.compile(r"/api/v1/namespaces(?:/([^/]+))?")
_REVIEW = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
_DATA_KEY = re.compile(r"(?!\.\.?$)[-._a-zA-Z0-9]{1,253}")
_LABEL_VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")
_YAML, _MERGE = "application/apply-patch+yaml", "application/merge-patch+json"


@dataclass(frozen=True)
class Rule:
    """A right: verbs on Secrets of a namespace, of all names or of one."""

    verbs: tuple[str, ...]
    namespace: str
    name: str | None = None

    def allows(self, verb: str, namespace: str, name: str | None) -> bool:
        return verb in self.verbs and namespace == self.namespace and self.name in (None, name)


@dataclass
class Secret:
    body: Body
    owners: Owners = field(default_factory=Owners)


@dataclass
class Request:
    method: str
    path: str
    query: dict[str, str]
    body: bytes
    content_type: str
    user: str | None = None
    agent: str = "test"

    @property
    def dry_run(self) -> bool:
        """Whether nothing is to be stored. A DELETE with a body has its options there, and its query is ignored."""
        if self.method == "DELETE" and self.body:
            return bool(json.loads(self.body).get("dryRun"))
        return self.query.get("dryRun") == "All"

    @property
    def manager(self) -> str:
        return self.query.get("fieldManager") or self.agent.partition("/")[0]


class Api:
    """The state of the API server. ``users``: the rights of each token; none means all rights."""

    def __init__(self) -> None:
        self.users: dict[str, tuple[str, list[Rule] | None]] = {}
        self.namespaces: dict[str, str] = {}
        self.secrets: dict[tuple[str, str], Secret] = {}
        # Namespaces with a webhook that does not support dry runs.
        self.without_dry_run: set[str] = set()
        self._version = 100

    def handle(self, request: Request) -> Answer:
        """The status and the body of the response."""
        try:
            return self._route(request)
        except ApiError as error:
            return error.status, error.body

    def _route(self, request: Request) -> Answer:
        if request.user is not None and request.user not in self.users:
            raise ApiError(401, "Unauthorized")
        if len(request.body) > MAX_BODY:
            raise ApiError(413, "Request entity too large: limit is 3145728")
        if request.path == _REVIEW:
            return self._review(request)
        match = _SECRETS.fullmatch(request.path)
        if match:
            return self._secrets(request, match.group(1), match.group(2))
        match = _NAMESPACES.fullmatch(request.path)
        if match:
            return self._create_namespace(request)
        raise ApiError(404, "the server could not find the requested resource")

    def _secrets(self, request: Request, namespace: str, name: str | None) -> Answer:
        verb = {"GET": "get", "POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}[request.method]
        self._require(request, verb, namespace, name)
        if request.method == "GET":
            return 200, self._shown(self._existing(namespace, name))
        if request.dry_run and namespace in self.without_dry_run:
            raise ApiError(400, 'admission webhook "policy.example.com" does not support dry run')
        if request.method == "DELETE":
            return self._delete(request, namespace, name)
        if request.method == "POST":
            body = self._json(request, 400)
            return self._create(request, namespace, str(body["metadata"]["name"]), body)
        assert name is not None
        if request.method == "PUT":
            return self._replace(request, self._existing(namespace, name), self._json(request, 400))
        if request.content_type == _MERGE:
            return self._merge(request, self._existing(namespace, name), self._json(request, 400))
        if request.content_type == _YAML:
            return self._apply(request, namespace, name)
        raise ApiError(415, "the body of the request was in an unknown format")

    # --- rights

    def _allowed(self, user: str | None, verb: str, namespace: str, name: str | None) -> bool:
        if user is None:
            return False
        rules = self.users[user][1]
        return rules is None or any(rule.allows(verb, namespace, name) for rule in rules)

    def _require(self, request: Request, verb: str, namespace: str, name: str | None) -> None:
        if not self._allowed(request.user, verb, namespace, name):
            who = self.users[request.user][0] if request.user else "system:anonymous"
            raise ApiError(
                403,
                f'secrets "{name}" is forbidden: User "{who}" cannot {verb} resource "secrets" in API group "" in the '
                f'namespace "{namespace}"',
            )

    def _review(self, request: Request) -> Answer:
        spec = self._json(request, 400)["spec"]["resourceAttributes"]
        allowed = self._allowed(request.user, spec["verb"], spec["namespace"], spec.get("name"))
        return 201, {"kind": "SelfSubjectAccessReview", "status": {"allowed": allowed}}

    # --- namespaces

    def _create_namespace(self, request: Request) -> Answer:
        name = str(self._json(request, 400)["metadata"]["name"])
        if name in self.namespaces:
            raise ApiError(409, f'namespaces "{name}" already exists', reason="AlreadyExists")
        self.namespaces[name] = "Active"
        return 201, {"kind": "Namespace", "metadata": {"name": name}}

    def _require_namespace(self, namespace: str) -> None:
        if namespace not in self.namespaces:
            raise ApiError(404, f'namespaces "{namespace}" not found')
        if self.namespaces[namespace] == "Terminating":
            raise ApiError(
                403,
                f"unable to create new content in namespace {namespace} because it is being terminated",
                causes=[{"reason": "NamespaceTerminating", "message": f"namespace {namespace} is being terminated"}],
            )

    # --- Secrets

    def _existing(self, namespace: str, name: str | None) -> Secret:
        secret = self.secrets.get((namespace, str(name)))
        if secret is None:
            raise ApiError(404, f'secrets "{name}" not found')
        return secret

    def _create(self, request: Request, namespace: str, name: str, body: Body) -> Answer:
        self._require_namespace(namespace)
        if (namespace, name) in self.secrets:
            raise ApiError(409, f'secrets "{name}" already exists', reason="AlreadyExists")
        secret = Secret({})
        new = _with_string_data(body)
        secret.owners.take((request.manager, UPDATE), {*fields_of(new), ("f:type",)})
        return self._store(request, namespace, name, secret, new, created=True)

    def _replace(self, request: Request, secret: Secret, body: Body) -> Answer:
        self._require_version(secret, body)
        new = {**_with_string_data(body), "type": body.get("type") or secret.body["type"]}
        return self._update(request, secret, new)

    def _merge(self, request: Request, secret: Secret, patch: Body) -> Answer:
        self._require_version(secret, patch)
        new = _with_string_data(_merged(_plain(secret.body), patch))
        for key, value in (new.get("data") or {}).items():
            if not _is_base64(value):
                # The real server repeats all data of the Secret here.
                data = json.dumps(secret.body["data"])
                raise ApiError(422, f"unable to decode {data}: illegal base64 data, key {key}")
        return self._update(request, secret, new)

    def _update(self, request: Request, secret: Secret, new: Body) -> Answer:
        old, after = fields_of(_plain(secret.body)), fields_of(new)
        owners = copy.deepcopy(secret.owners)
        gone = {path for path in old if path not in after}
        for owned in owners.fields.values():
            owned -= gone
        owners.take((request.manager, UPDATE), {path for path, value in after.items() if old.get(path) != value})
        name = secret.body["metadata"]["name"]
        return self._store(request, secret.body["metadata"]["namespace"], name, Secret(secret.body, owners), new)

    def _apply(self, request: Request, namespace: str, name: str) -> Answer:
        body = self._yaml(request)
        metadata = body.setdefault("metadata", {})
        if not request.query.get("fieldManager"):
            raise ApiError(422, "PatchOptions.meta.k8s.io is invalid: fieldManager: Required value")
        if "managedFields" in metadata:
            raise ApiError(400, "metadata.managedFields must be nil")
        for key, value in (body.get("data") or {}).items():
            if not isinstance(value, str) or not _is_base64(value):
                raise ApiError(500, f"failed to create typed patch object: .data.{key}: {value}")
        secret = self.secrets.get((namespace, name))
        if secret is None:
            return self._apply_new(request, namespace, name, body)
        desired, owners = fields_of(body), copy.deepcopy(secret.owners)
        manager = (request.manager, APPLY)
        self._require_no_conflict(request, secret, owners, manager, desired)
        new = _plain(secret.body)
        for path in owners.fields.get(manager, set()) - desired.keys():
            if not owners.others(manager, path):
                set_field(new, path, None)
        for path, value in desired.items():
            set_field(new, path, value)
        owners.fields[manager] = set(desired)
        owners.tidy()
        new.setdefault("type", secret.body["type"])
        self._require_uid(secret, metadata)
        self._require_version(secret, body)
        return self._store(request, namespace, name, Secret(secret.body, owners), new)

    def _apply_new(self, request: Request, namespace: str, name: str, body: Body) -> Answer:
        # A version does not prevent that the object is created; a uid does.
        self._require(request, "create", namespace, name)
        self._require_namespace(namespace)
        if body["metadata"].get("uid"):
            raise ApiError(409, f'Operation cannot be fulfilled on secrets "{name}": uid mismatch')
        secret = Secret({})
        secret.owners.take((request.manager, APPLY), set(fields_of(body)))
        return self._store(request, namespace, name, secret, _with_string_data(body), created=True)

    @staticmethod
    def _require_no_conflict(
        request: Request, secret: Secret, owners: Owners, manager: tuple[str, str], desired: dict[Path, Any]
    ) -> None:
        present = fields_of(_plain(secret.body))
        changed = {path for path, value in desired.items() if path in present and present[path] != value}
        conflicts = [(other, path) for path in sorted(changed) for other in owners.others(manager, path)]
        if conflicts and request.query.get("force") != "true":
            causes = [
                {"reason": "FieldManagerConflict", "message": f"conflict with {shown(other)}", "field": _dotted(path)}
                for other, path in conflicts
            ]
            words = "; ".join(f"conflict with {shown(other)}: {_dotted(path)}" for other, path in conflicts)
            count = f"{len(conflicts)} conflict{'s' if len(conflicts) > 1 else ''}"
            raise ApiError(409, f"Apply failed with {count}: {words}", causes=causes)
        for owned in (paths for other, paths in owners.fields.items() if other != manager):
            owned -= changed

    def _delete(self, request: Request, namespace: str, name: str | None) -> Answer:
        secret = self._existing(namespace, name)
        conditions = (self._json(request, 400) if request.body else {}).get("preconditions") or {}
        metadata = secret.body["metadata"]
        for key in ("uid", "resourceVersion"):
            if conditions.get(key) not in (None, metadata[key]):
                raise ApiError(409, f"Precondition failed: {key}")
        if not request.dry_run:
            del self.secrets[namespace, str(name)]
        return 200, {"kind": "Status", "status": "Success"}

    @staticmethod
    def _require_version(secret: Secret, body: Body) -> None:
        metadata = secret.body["metadata"]
        if (body.get("metadata") or {}).get("resourceVersion") not in (None, "", metadata["resourceVersion"]):
            raise ApiError(
                409,
                f'Operation cannot be fulfilled on secrets "{metadata["name"]}": the object has been modified; please '
                "apply your changes to the latest version and try again",
            )

    @staticmethod
    def _require_uid(secret: Secret, metadata: Body) -> None:
        if metadata.get("uid") not in (None, secret.body["metadata"]["uid"]):
            raise ApiError(409, f'Operation cannot be fulfilled on secrets "{metadata.get("name")}": uid mismatch')

    def _store(
        self, request: Request, namespace: str, name: str, secret: Secret, new: Body, *, created: bool = False
    ) -> Answer:
        new.setdefault("type", "Opaque")
        _validate(name, new, None if created else secret.body)
        old = secret.body.get("metadata") or {}
        unchanged = not created and fields_of(_plain(secret.body)) == fields_of(new)
        owners = self.secrets[namespace, name].owners if not created else None
        metadata = {
            "name": name,
            "namespace": namespace,
            "uid": old.get("uid") or str(uuid.uuid4()),
            "resourceVersion": old.get("resourceVersion") if unchanged else str(self._version + 1),
            "creationTimestamp": "2026-11-25T10:00:00Z",
        }
        for key in ("labels", "annotations"):
            if (new.get("metadata") or {}).get(key):
                metadata[key] = new["metadata"][key]
        body: Body = {"kind": "Secret", "apiVersion": "v1", "metadata": metadata, "type": new["type"]}
        for key in ("data", "immutable"):
            if new.get(key):
                body[key] = new[key]
        stored = Secret(body, secret.owners)
        if not request.dry_run:
            if not unchanged or secret.owners != owners:
                self._version += 1
                metadata["resourceVersion"] = metadata["resourceVersion"] if unchanged else str(self._version)
            self.secrets[namespace, name] = stored
        return 201 if created else 200, self._shown(stored)

    @staticmethod
    def _shown(secret: Secret) -> Body:
        body = copy.deepcopy(secret.body)
        body["metadata"]["managedFields"] = secret.owners.as_json()
        return body

    @staticmethod
    def _json(request: Request, status: int) -> Body:
        try:
            return dict(json.loads(request.body))
        except ValueError:
            raise ApiError(status, "the object provided is unrecognized") from None

    @staticmethod
    def _yaml(request: Request) -> Body:
        try:
            # Like the server: YAML 1.1, so that an unquoted y is a boolean.
            return dict(yaml.safe_load(request.body.decode("utf-8")))
        except (yaml.YAMLError, UnicodeDecodeError):
            raise ApiError(400, "error decoding YAML") from None


def _validate(name: str, new: Body, old: Body | None) -> None:
    data = new.get("data") or {}
    for key, value in data.items():
        if not _DATA_KEY.fullmatch(key):
            raise invalid(name, f"data[{key}]", "Invalid value: a valid config key must consist of alphanumerics")
        if not isinstance(value, str) or not _is_base64(value):
            raise ApiError(400, f"illegal base64 data: {value}")
    if sum(len(base64.b64decode(value)) for value in data.values()) > MAX_DATA:
        raise ApiError(
            422,
            f'Secret "{name}" is invalid: data: Too long: may not be more than {MAX_DATA} bytes',
            causes=[{"reason": "FieldValueTooLong", "message": "Too long", "field": "data"}],
        )
    metadata = new.get("metadata") or {}
    for value in (metadata.get("labels") or {}).values():
        if not isinstance(value, str) or not _LABEL_VALUE.fullmatch(value):
            raise invalid(name, "metadata.labels", "Invalid value: a valid label must be an empty string or consist of")
    texts = metadata.get("annotations") or {}
    if sum(len(key.encode()) + len(value.encode()) for key, value in texts.items()) > MAX_ANNOTATIONS:
        raise invalid(name, "metadata.annotations", "Too long: may not be more than 262144 bytes")
    if new["type"] == DOCKER_TYPE:
        _validate_docker(name, data)
    if old is not None:
        _validate_update(name, new, old)


def _validate_docker(name: str, data: Body) -> None:
    try:
        document = json.loads(base64.b64decode(data.get(DOCKER_KEY) or ""))
    except ValueError:
        document = []
    # {}, null and any other object are accepted: the server never looks for auths.
    if document is not None and not isinstance(document, dict):
        raise invalid(name, f"data[{DOCKER_KEY}]", 'Invalid value: "<secret contents redacted>": invalid')


def _validate_update(name: str, new: Body, old: Body) -> None:
    if new["type"] != old["type"]:
        raise invalid(name, "type", f"Invalid value: {new['type']!r}: field is immutable")
    if old.get("immutable") and (
        (new.get("data") or {}) != (old.get("data") or {}) or ("immutable" in new and not new["immutable"])
    ):
        cause = {"reason": "FieldValueForbidden", "message": "Forbidden", "field": "data"}
        message = f'Secret "{name}" is invalid: data: Forbidden: field is immutable when `immutable` is set'
        raise ApiError(422, message, causes=[cause])


def _plain(body: Body) -> Body:
    """A copy without what the server adds."""
    plain = copy.deepcopy(body)
    for key in ("uid", "resourceVersion", "creationTimestamp", "managedFields"):
        (plain.get("metadata") or {}).pop(key, None)
    return plain


def _merged(target: Body, patch: Body) -> Body:
    for key, value in patch.items():
        if value is None:
            target.pop(key, None)
        elif isinstance(value, dict):
            target[key] = _merged(dict(target.get(key) or {}), value)
        else:
            target[key] = value
    return target


def _with_string_data(body: Body) -> Body:
    body = copy.deepcopy(body)
    for key, value in (body.pop("stringData", None) or {}).items():
        body.setdefault("data", {})[key] = base64.b64encode(value.encode()).decode()
    return body


def _is_base64(value: Any) -> bool:
    try:
        base64.b64decode(value or "", validate=True)
    except (binascii.Error, ValueError, TypeError):
        return False
    return True


def _dotted(path: Path) -> str:
    return "".join(f".{step.removeprefix('f:')}" for step in path)
