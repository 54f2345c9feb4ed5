# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""A store that is a Secret of one name in one or more namespaces of a Kubernetes cluster."""

from __future__ import annotations

import contextlib
import re
from datetime import datetime, timezone
from typing import Any, Callable, Iterator, Mapping, Sequence

from .._core.errors import BadInput, StoreError
from .._http.address import normalise_host
from .contract import Delivery, StoredSecret
from .kubernetes_client import KIND, KubernetesClient, login_from_options
from .kubernetes_forms import DockerConfig, Form, SeparateKeys
from .kubernetes_namespaced import NamespacedSecret
from .kubernetes_objects import ANNOTATION_PREFIX
from .kubernetes_requests import SecretRequests
from .options import registry_from_options
from .remote_options import DOCKER_TYPE
from .secret_file import SecretFile

# The keys of each type without the option keys.
_DEFAULT_KEYS: Mapping[str, Mapping[str, str]] = {
    "Opaque": {"token": "token", "username": "username", "registry": "registry", "api_url": "api_url"},
    "kubernetes.io/basic-auth": {"token": "password", "username": "username"},
}
_FIELDS = ("token", "username", "name", "registry", "host", "api_url")

_NAMESPACE = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_NAME = re.compile(r"(?=.{1,253}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_DATA_KEY = re.compile(r"(?!\.\.?$)[-._a-zA-Z0-9]{1,253}")
_LABEL_NAME = re.compile(r"([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
_LABEL_VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")
_MAX_ANNOTATIONS = 200 * 1024  # the limit of Kubernetes is 256 KiB; the rest is for records

_OLDEST = datetime.min.replace(tzinfo=timezone.utc)


class KubernetesSecretStore:
    """The Secret in each of the namespaces. Each is written completely or not at all, one after the other."""

    tells_secret = True

    def __init__(self, place: str, part: str, secrets: Sequence[NamespacedSecret], places: Sequence[str] = ()) -> None:
        """``places``: the names of the single Secrets, by which stores that overlap are recognised."""
        self.place = place
        self.places = places or [place]
        self.part = part
        self.files: Sequence[SecretFile] = []
        self._secrets = secrets

    def check(self, *, removing: bool = False) -> None:
        for secret in self._secrets:
            secret.check(removing=removing)

    def warnings(self) -> list[str]:
        return [warning for secret in self._secrets for warning in secret.warnings()]

    def read(self) -> StoredSecret:
        """The newest of the namespaces. It is as declared only if all hold the same."""
        found = [secret.read() for secret in self._secrets]
        newest = max(found, key=_age_order)
        same = all(each.secret == newest.secret and not each.foreign for each in found)
        labelled = all(each.permissions_match for each in found)
        foreign = any(each.foreign for each in found) and newest.secret is None
        return StoredSecret(newest.secret, newest.record, newest.username, labelled, foreign, complete=same)

    def matches(self, delivery: Delivery) -> bool:
        return all(secret.holds(delivery) for secret in self._secrets)

    @contextlib.contextmanager
    def prepare(self) -> Iterator[None]:
        for secret in self._secrets:
            secret.prepare()
        yield

    def write(self, delivery: Delivery) -> None:
        self._in_each("delivered", lambda secret: None if secret.holds(delivery) else secret.write(delivery))

    def remove(self) -> None:
        self._in_each("removed", NamespacedSecret.remove)

    def _in_each(self, done: str, action: Callable[[NamespacedSecret], None]) -> None:
        """Do this in each namespace, also after a failure in one. Raises StoreError that names both kinds."""
        failures: dict[str, StoreError] = {}
        for secret in self._secrets:
            try:
                action(secret)
            except StoreError as error:
                failures[secret.namespace] = error
        if not failures:
            return
        if len(self._secrets) == 1:
            raise failures.popitem()[1]
        words = "; ".join(f"in {namespace}: {error}" for namespace, error in failures.items())
        others = [secret.namespace for secret in self._secrets if secret.namespace not in failures]
        if others:
            words += f". It was {done} in: {', '.join(others)}. The next run completes the others"
        raise StoreError(f"{self.place}: {words}")


def kubernetes_secret_store(options: Mapping[str, Any], quay_host: str) -> KubernetesSecretStore:
    """The store that the options describe. Raises BadInput for invalid options."""
    namespaces = _checked_namespaces(options["namespaces"])
    name = str(options["secret_name"]).strip()
    if not _NAME.fullmatch(name):
        raise BadInput(f"secret_name: '{name}' is not the name of a Secret: lower-case letters, digits, - and .")
    secret_type = options["secret_type"] or DOCKER_TYPE
    form = _form(options, secret_type, quay_host)
    login = login_from_options(options)
    client = KubernetesClient(login)
    secrets = [
        NamespacedSecret(
            SecretRequests(client, namespace, name),
            form,
            secret_type,
            labels=_labels(options["labels"]),
            annotations=_annotations(options["annotations"]),
            force=bool(options["force"]),
        )
        for namespace in namespaces
    ]
    kind = " ".join(filter(None, (KIND, login.name)))
    places = [f"{kind} {namespace}/{name}" for namespace in namespaces]
    return KubernetesSecretStore(f"{kind} {','.join(namespaces)}/{name}", form.part, secrets, places)


def _checked_namespaces(given: Any) -> list[str]:
    names = list(dict.fromkeys(str(name).strip() for name in given or () if str(name).strip()))
    if not names:
        raise BadInput(f"namespaces is missing: a store of the kind {KIND} needs it")
    for name in names:
        if not _NAMESPACE.fullmatch(name):
            raise BadInput(f"namespaces: '{name}' is not the name of a namespace: lower-case letters, digits and -")
    return names


def _form(options: Mapping[str, Any], secret_type: str, quay_host: str) -> Form:
    if secret_type == DOCKER_TYPE:
        for option in ("keys", "extra_values"):
            if options[option]:
                raise BadInput(f"{option} has no effect on a Secret of the type {DOCKER_TYPE}. Use secret_type: Opaque")
        return DockerConfig(registry_from_options(options, quay_host))
    names = _key_names(options["keys"] or _DEFAULT_KEYS[secret_type])
    if options.get("registry") and "registry" not in names:
        raise BadInput("registry has no effect, because keys has no name for it. Leave it out")
    fixed = _texts(options["extra_values"], "extra_values")
    used: list[str] = [*(key for keys in names.values() for key in keys), *fixed]
    for key in used:
        if not _DATA_KEY.fullmatch(key):
            raise BadInput(f"'{key}' is not a key of a Secret: letters, digits, - _ and .")
        if used.count(key) > 1:
            raise BadInput(f"keys and extra_values name the key {key} twice")
    host = normalise_host(quay_host)
    addresses = {"registry": registry_from_options(options, quay_host), "host": host, "api_url": f"{host}/api/v1"}
    return SeparateKeys(names, addresses, fixed)


def _key_names(given: Mapping[str, Any]) -> dict[str, list[str]]:
    """The keys of each field: one name, or a list of them."""
    names = {}
    for field, value in given.items():
        if field not in _FIELDS:
            raise BadInput(f"keys: '{field}' is not a field of a credential. There are: {', '.join(_FIELDS)}")
        keys = value if isinstance(value, list) else [value]
        if not keys or not all(isinstance(key, str) and key for key in keys):
            raise BadInput(f"keys: {field} must be the name of a key, or a list of names")
        names[str(field)] = [str(key) for key in keys]
    if "token" not in names:
        raise BadInput("keys has no name for token, which is the secret")
    return names


def _texts(given: Any, option: str) -> dict[str, str]:
    """A mapping of texts and numbers, as texts."""
    for key, value in (given or {}).items():
        if isinstance(value, (bool, dict, list)) or value is None:
            raise BadInput(f"{option}: {key} must be a text. Write it in quotes")
    return {str(key): str(value) for key, value in (given or {}).items()}


def _labels(given: Any) -> dict[str, str]:
    labels = _texts(given, "labels")
    _check_names(labels, "labels")
    for key, value in labels.items():
        if not _LABEL_VALUE.fullmatch(value):
            raise BadInput(
                f"labels: the value of {key} may have up to 63 letters, digits and - _ . between letters or digits"
            )
    return labels


def _annotations(given: Any) -> dict[str, str]:
    annotations = _texts(given, "annotations")
    _check_names(annotations, "annotations")
    try:
        size = sum(len(key.encode("utf-8")) + len(value.encode("utf-8")) for key, value in annotations.items())
    except UnicodeEncodeError:
        raise BadInput("annotations holds a character that is none (a lone surrogate)") from None
    if size > _MAX_ANNOTATIONS:
        raise BadInput(f"annotations has {size} bytes; at most {_MAX_ANNOTATIONS} are possible")
    return annotations


def _check_names(texts: Mapping[str, str], option: str) -> None:
    for key in texts:
        if not _LABEL_NAME.fullmatch(key):
            raise BadInput(f"{option}: '{key}' is not a name such as team or example.com/team")
        if key.startswith(ANNOTATION_PREFIX):
            raise BadInput(f"{option}: names that begin with {ANNOTATION_PREFIX} are for this collection")


def _age_order(found: StoredSecret) -> tuple[bool, bool, datetime]:
    created = found.record.created_at if found.record else None
    return found.secret is not None, found.recorded, created or _OLDEST
