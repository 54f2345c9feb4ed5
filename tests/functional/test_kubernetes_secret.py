# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Credentials in Secrets of Kubernetes: on a stand-in, or on the API server of KUBERNETES_TEST_KUBECONFIG."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.tokensmith.quay.plugins.module_utils._core.credential import Record
from ansible_collections.tokensmith.quay.plugins.module_utils._stores import kubernetes_namespaced, kubernetes_secret
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.contract import Delivery as StoreDelivery
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.kinds import STORE_OPTIONS, store_from_options
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.kubernetes_client import KubernetesClient
from functional.harness import Harness, assert_refused
from functional.kubernetes_cluster import Cluster, docker_config
from functional.module_runner import Result, run_standalone
from standin.tokens import fingerprint
from standin_kubernetes import Fault, StandinKubernetes

MODULE = "quay_robot_token"
DOCKER_TYPE = "kubernetes.io/dockerconfigjson"
REAL = os.environ.get("KUBERNETES_TEST_KUBECONFIG")
OTHERS = {"docker.io": ("somebody", "else-12345678901234567890")}


@pytest.fixture
def family() -> str:
    return "3.18"


@pytest.fixture(scope="module")
def standin() -> Iterator[StandinKubernetes]:
    with StandinKubernetes() as server:
        yield server


@pytest.fixture
def cluster(standin: StandinKubernetes, tmp_path: Path, harness: Harness) -> Cluster:
    """The API server of KUBERNETES_TEST_KUBECONFIG, else the stand-in."""
    harness.known_secrets.add([standin.ADMIN])
    standin.reset()
    if REAL:
        return Cluster(Path(REAL), None)
    return Cluster(standin.write_kubeconfig(tmp_path / "kubeconfig"), standin)


@pytest.fixture
def faulty(standin: StandinKubernetes, tmp_path: Path, harness: Harness) -> Cluster:
    """A stand-in, for tests that inject faults or count requests."""
    standin.reset()
    harness.known_secrets.add([standin.ADMIN])
    return Cluster(standin.write_kubeconfig(tmp_path / "kubeconfig"), standin)


class Delivery:
    """A robot whose token is delivered to a Secret of a new namespace."""

    def __init__(self, harness: Harness, cluster: Cluster, **options: Any) -> None:
        self.harness, self.cluster = harness, cluster
        self.namespace = cluster.new_namespace()
        self.name = "quay-pull"
        self.registry = f"127.0.0.1:{harness.quay.port}"
        self.entry: dict[str, Any] = {
            "kind": "kubernetes_secret",
            "namespaces": [self.namespace],
            "secret_name": self.name,
            "kubeconfig": str(cluster.kubeconfig),
            **options,
        }

    def login(self, **options: Any) -> None:
        """Use another login."""
        self.entry = {
            key: value for key, value in self.entry.items() if key not in ("kubeconfig", "kubernetes_context")
        } | options
        token = options.get("kubernetes_token")
        self.harness.known_secrets.add([token] if token else [])

    @property
    def arguments(self) -> dict[str, Any]:
        return {"name": "acme+ci", "deliver": [self.entry]}

    def run(self, **more: Any) -> Result:
        return self.harness.run(MODULE, {**self.arguments, **more})

    def delivered(self, **more: Any) -> Result:
        """A run that succeeds."""
        result = self.run(**more)
        assert not result.failed, result.message
        return result

    def stored(self, namespace: str | None = None) -> tuple[str, str]:
        """User name and fingerprint in the Secret."""
        username, secret = self.cluster.auths(namespace or self.namespace, self.name)[self.registry]
        return username, fingerprint(secret)

    @property
    def present(self) -> str:
        """The fingerprint of the token that Quay has."""
        return fingerprint(self.harness.quay.state.robots["acme+ci"].token)


@pytest.fixture
def delivery(harness: Harness, cluster: Cluster) -> Delivery:
    return Delivery(harness, cluster)


@pytest.fixture
def faulty_delivery(harness: Harness, faulty: Cluster) -> Delivery:
    return Delivery(harness, faulty)


# --- create, update, remove


def test_secret_is_created_and_stays(delivery: Delivery) -> None:
    runs = delivery.harness.four_runs(MODULE, delivery.arguments)
    assert runs.first.changed
    assert not runs.second.changed
    assert delivery.stored() == ("acme+ci", delivery.present)
    body = delivery.cluster.read(delivery.namespace, delivery.name)
    assert body is not None
    assert body["type"] == DOCKER_TYPE
    record = delivery.cluster.records(delivery.namespace, delivery.name)[delivery.registry]
    assert record["fingerprint"] == delivery.present
    assert (record["name"], record["username"]) == ("acme+ci", "acme+ci")
    assert record["keys"] == [".dockerconfigjson"]
    place = f"kubernetes_secret {delivery.cluster.kubeconfig} {delivery.namespace}/{delivery.name}"
    assert runs.first["delivered"] == [place]


def test_requests_are_few(faulty_delivery: Delivery) -> None:
    standin = faulty_delivery.cluster.standin
    assert standin is not None
    standin.journal.clear()
    faulty_delivery.delivered()
    path = f"{faulty_delivery.namespace}/secrets/quay-pull"
    assert standin.requests == [f"GET {path}", f"PATCH dry {path}", f"PATCH {path}", f"GET {path}"]
    standin.journal.clear()
    faulty_delivery.delivered()
    assert standin.requests == [f"GET {path}", f"PATCH dry {path}"]


def test_token_is_rotated(delivery: Delivery) -> None:
    delivery.delivered()
    first = delivery.present
    assert delivery.delivered(rotate="always").changed
    assert delivery.present != first
    assert delivery.stored() == ("acme+ci", delivery.present)


def test_check_mode_writes_nothing(faulty_delivery: Delivery) -> None:
    standin = faulty_delivery.cluster.standin
    assert standin is not None
    result = faulty_delivery.harness.check(MODULE, faulty_delivery.arguments)
    assert result.changed
    assert standin.writes == [f"POST {faulty_delivery.namespace}"][:0]
    assert faulty_delivery.cluster.read(faulty_delivery.namespace, faulty_delivery.name) is None


def test_hand_edit_is_repaired(delivery: Delivery) -> None:
    delivery.delivered()
    edited = docker_config({**OTHERS, delivery.registry: ("acme+ci", "edited-by-hand-4567890123456")})
    delivery.cluster.edit_data(delivery.namespace, delivery.name, {".dockerconfigjson": edited})
    result = delivery.delivered()
    assert (result.changed, result["reason"], result["minted"]) == (True, "undelivered", False)
    assert delivery.stored() == ("acme+ci", delivery.present)
    assert delivery.cluster.auths(delivery.namespace, delivery.name)["docker.io"] == OTHERS["docker.io"]
    assert not delivery.delivered().changed


def test_removed_label_is_repaired(delivery: Delivery) -> None:
    delivery.entry.update(labels={"team": "build"}, annotations={"example.com/owner": "Team ü: build"})
    delivery.delivered()
    delivery.cluster.edit(delivery.namespace, delivery.name, {"metadata": {"labels": {"team": "other"}}})
    assert delivery.delivered().changed
    body = delivery.cluster.read(delivery.namespace, delivery.name)
    assert body is not None
    assert body["metadata"]["labels"] == {"team": "build"}
    assert body["metadata"]["annotations"]["example.com/owner"] == "Team ü: build"
    assert not delivery.delivered().changed


def test_other_registries_are_kept(delivery: Delivery) -> None:
    delivery.cluster.create_docker(delivery.namespace, delivery.name, OTHERS)
    delivery.delivered()
    auths = delivery.cluster.auths(delivery.namespace, delivery.name)
    assert auths["docker.io"] == OTHERS["docker.io"]
    assert auths.keys() == {"docker.io", delivery.registry}
    assert not delivery.delivered().changed
    delivery.delivered(state="absent")
    assert delivery.cluster.auths(delivery.namespace, delivery.name) == OTHERS


@pytest.mark.parametrize("document", ["{}", "null", '{"credHelpers": {"gcr.io": "gcloud"}}'])
def test_docker_config_without_auths(delivery: Delivery, document: str) -> None:
    delivery.cluster.create(delivery.namespace, delivery.name, {".dockerconfigjson": document}, DOCKER_TYPE)
    delivery.delivered()
    assert delivery.stored() == ("acme+ci", delivery.present)
    written = json.loads(delivery.cluster.data(delivery.namespace, delivery.name)[".dockerconfigjson"])
    assert written == {**(json.loads(document) or {}), "auths": written["auths"]}


def test_secret_is_deleted_with_the_credential(delivery: Delivery) -> None:
    delivery.delivered()
    predicted = delivery.harness.check(MODULE, {**delivery.arguments, "state": "absent"})
    assert delivery.stored() == ("acme+ci", delivery.present)
    removed = delivery.delivered(state="absent")
    assert predicted["removed"] == removed["removed"] == [delivery_place(delivery)]
    assert delivery.cluster.read(delivery.namespace, delivery.name) is None
    assert not delivery.delivered(state="absent").changed


def test_secret_of_somebody_else_is_emptied(delivery: Delivery) -> None:
    delivery.cluster.create(delivery.namespace, delivery.name, {".dockerconfigjson": "{}"}, DOCKER_TYPE)
    delivery.delivered()
    delivery.delivered(state="absent")
    assert delivery.cluster.data(delivery.namespace, delivery.name) == {".dockerconfigjson": '{"auths": {}}'}
    body = delivery.cluster.read(delivery.namespace, delivery.name)
    assert body is not None
    assert "annotations" not in body["metadata"]


def delivery_place(delivery: Delivery) -> str:
    return f"kubernetes_secret {delivery.cluster.kubeconfig} {delivery.namespace}/{delivery.name}"


# --- separate keys


def test_separate_keys(delivery: Delivery) -> None:
    delivery.entry.update(
        secret_type="Opaque",
        keys={"token": ["accessToken", "token"], "username": "user", "registry": "registry", "host": "host"},
        extra_values={"validateCerts": "false", "timeout": 10},
    )
    delivery.cluster.create(delivery.namespace, delivery.name, {"kept": "of others"})
    runs = delivery.harness.four_runs(MODULE, delivery.arguments)
    assert (runs.first.changed, runs.second.changed) == (True, False)
    data = delivery.cluster.data(delivery.namespace, delivery.name)
    assert {fingerprint(data.pop("accessToken")), fingerprint(data.pop("token"))} == {delivery.present}
    assert data == {
        "kept": "of others",
        "user": "acme+ci",
        "registry": delivery.registry,
        "host": delivery.harness.quay.url,
        "validateCerts": "false",
        "timeout": "10",
    }
    delivery.delivered(state="absent")
    assert delivery.cluster.data(delivery.namespace, delivery.name) == {"kept": "of others"}


def test_two_credentials_in_one_secret(delivery: Delivery) -> None:
    delivery.entry.update(secret_type="Opaque", keys={"token": "ci", "username": "ci-user"})
    delivery.delivered()
    other = {"kind": "kubernetes_secret", **delivery.entry, "keys": {"token": "cd", "username": "cd-user"}}
    other["labels"] = {"team": "cd"}
    delivery.delivered(name="acme+cd", deliver=[other])
    delivery.delivered(rotate="always")
    assert not delivery.delivered(name="acme+cd", deliver=[other]).changed
    data = delivery.cluster.data(delivery.namespace, delivery.name)
    robots = delivery.harness.quay.state.robots
    found = {key: fingerprint(data[key]) for key in ("ci", "cd")}
    assert found == {"ci": delivery.present, "cd": fingerprint(robots["acme+cd"].token)}
    delivery.delivered(name="acme+cd", deliver=[other], state="absent")
    assert delivery.cluster.data(delivery.namespace, delivery.name).keys() == {"ci", "ci-user"}
    delivery.delivered(state="absent")
    assert delivery.cluster.read(delivery.namespace, delivery.name) is None


def test_key_of_another_credential_is_refused(delivery: Delivery) -> None:
    delivery.entry.update(secret_type="Opaque", keys={"token": "ci", "username": "user"})
    delivery.delivered()
    other = {**delivery.entry, "keys": {"token": "cd", "username": "user"}, "force": True}
    arguments = {"name": "acme+cd", "deliver": [other]}
    assert_refused(delivery.harness, MODULE, arguments, "user belongs to another credential of this collection")


# --- several namespaces


def test_several_namespaces(delivery: Delivery) -> None:
    second = delivery.cluster.new_namespace()
    delivery.entry["namespaces"] = [delivery.namespace, second]
    delivery.delivered()
    assert delivery.stored() == delivery.stored(second) == ("acme+ci", delivery.present)
    delivery.cluster.delete(second, delivery.name)
    result = delivery.delivered()
    assert (result.changed, result["minted"]) == (True, False)
    assert delivery.stored(second) == ("acme+ci", delivery.present)
    assert not delivery.delivered().changed


def test_namespace_that_fails_half_way(faulty_delivery: Delivery) -> None:
    """The others receive the token, the message names both, and the next run repairs."""
    delivery = faulty_delivery
    assert delivery.cluster.standin is not None
    second = delivery.cluster.new_namespace()
    delivery.entry["namespaces"] = [second, delivery.namespace]
    delivery.delivered()
    old = delivery.present
    delivery.cluster.standin.faults.rules = [Fault("status", "PATCH", status=403, reason="Forbidden")]
    result = delivery.run(rotate="always")
    assert result.failed
    assert f"kubernetes_secret {second}/quay-pull: the login may not patch" in result.message
    assert f"It was delivered in: {delivery.namespace}. The next run completes the others" in result.message
    assert delivery.stored() == ("acme+ci", delivery.present)
    assert delivery.stored(second) == ("acme+ci", old)
    repaired = delivery.delivered()
    assert (repaired["reason"], repaired["minted"]) == ("undelivered", False)
    assert delivery.stored(second) == delivery.stored() == ("acme+ci", delivery.present)


# --- what others wrote


def test_entry_of_somebody_else_is_refused(delivery: Delivery) -> None:
    theirs = {**OTHERS, delivery.registry: ("somebody", "password-0123456789012345")}
    delivery.cluster.create_docker(delivery.namespace, delivery.name, theirs)
    words = f"it already holds {delivery.registry}, which this collection did not write. Set force: true"
    assert_refused(delivery.harness, MODULE, delivery.arguments, words)
    assert delivery.cluster.auths(delivery.namespace, delivery.name) == theirs
    delivery.entry["force"] = True
    delivery.delivered()
    assert delivery.stored() == ("acme+ci", delivery.present)
    assert delivery.cluster.auths(delivery.namespace, delivery.name)["docker.io"] == OTHERS["docker.io"]


def test_entry_of_somebody_else_is_not_removed(delivery: Delivery) -> None:
    theirs = {delivery.registry: ("acme+ci", "password-0123456789012345")}
    delivery.cluster.create_docker(delivery.namespace, delivery.name, theirs)
    result = delivery.delivered(state="absent")
    assert result.warned("holds something else than this credential")
    assert delivery.cluster.auths(delivery.namespace, delivery.name) == theirs


def test_field_of_another_manager_is_refused(delivery: Delivery) -> None:
    """Somebody who applies the field would restore it, so only force takes it over."""
    data = {".dockerconfigjson": docker_config(OTHERS)}
    delivery.cluster.apply(delivery.namespace, delivery.name, data, DOCKER_TYPE)
    words = "its data .dockerconfigjson is applied by the field manager argocd"
    assert_refused(delivery.harness, MODULE, delivery.arguments, words, "set force: true to take it over")
    assert delivery.cluster.auths(delivery.namespace, delivery.name) == OTHERS
    delivery.entry["force"] = True
    delivery.delivered()
    assert delivery.cluster.auths(delivery.namespace, delivery.name).keys() == {"docker.io", delivery.registry}


def test_immutable_secret_is_refused(delivery: Delivery) -> None:
    delivery.cluster.create_docker(delivery.namespace, delivery.name, OTHERS, immutable=True)
    assert_refused(delivery.harness, MODULE, delivery.arguments, "it is immutable, which cannot be changed. Delete the")
    delivery.entry["force"] = True
    words = "it also holds the entry of docker.io, which would be lost if it were created again"
    assert_refused(delivery.harness, MODULE, delivery.arguments, words)
    assert delivery.cluster.auths(delivery.namespace, delivery.name) == OTHERS


def test_own_immutable_secret_is_recreated_by_force(delivery: Delivery) -> None:
    delivery.delivered()
    delivery.cluster.edit(delivery.namespace, delivery.name, {"immutable": True})
    delivery.entry["force"] = True
    delivery.delivered(rotate="always")
    body = delivery.cluster.read(delivery.namespace, delivery.name)
    assert body is not None
    assert body["immutable"]
    assert delivery.stored() == ("acme+ci", delivery.present)


def test_other_type_is_refused(delivery: Delivery) -> None:
    delivery.cluster.create(delivery.namespace, delivery.name, {"a": "b"})
    words = f"its type is Opaque instead of {DOCKER_TYPE}, which cannot be changed"
    assert_refused(delivery.harness, MODULE, delivery.arguments, words)
    delivery.entry["force"] = True
    assert_refused(delivery.harness, MODULE, delivery.arguments, "it also holds the key a, which would be lost")


def test_empty_secret_of_another_type_is_recreated_by_force(delivery: Delivery) -> None:
    delivery.cluster.create(delivery.namespace, delivery.name, {})
    delivery.entry["force"] = True
    delivery.delivered()
    assert delivery.stored() == ("acme+ci", delivery.present)


def test_docker_config_that_is_none(delivery: Delivery) -> None:
    delivery.cluster.create(delivery.namespace, delivery.name, {".dockerconfigjson": '{"auths": [1]}'}, DOCKER_TYPE)
    assert_refused(delivery.harness, MODULE, delivery.arguments, "is not a docker config")


def test_other_names_of_the_registry(delivery: Delivery) -> None:
    delivery.cluster.create_docker(delivery.namespace, delivery.name, {f"https://{delivery.registry}/v2/": ("a", "b")})
    assert delivery.delivered().warned(f"another entry for the same registry, https://{delivery.registry}/v2/")


def test_too_large_secret_is_refused(delivery: Delivery) -> None:
    delivery.entry.update(secret_type="Opaque")
    delivery.cluster.create(delivery.namespace, delivery.name, {"large": "x" * 1048570})
    assert_refused(delivery.harness, MODULE, delivery.arguments, "its data would be larger than 1 MiB")


# --- where it cannot be written


def test_missing_namespace(delivery: Delivery) -> None:
    delivery.entry["namespaces"] = ["quay-test-missing"]
    words = "the namespace quay-test-missing does not exist. Create it first"
    assert_refused(delivery.harness, MODULE, delivery.arguments, words)


def test_terminating_namespace(delivery: Delivery) -> None:
    delivery.cluster.create(delivery.namespace, "other", {"a": "b"})
    delivery.cluster.terminate(delivery.namespace)
    words = f"the namespace {delivery.namespace} is being deleted"
    assert_refused(delivery.harness, MODULE, delivery.arguments, words)


def test_server_that_is_down(faulty_delivery: Delivery) -> None:
    faulty_delivery.entry["kubernetes_context"] = "nowhere"
    assert_refused(faulty_delivery.harness, MODULE, faulty_delivery.arguments, "http://127.0.0.1:9/", "refused")


def test_wrong_token(delivery: Delivery) -> None:
    login = delivery.cluster.restricted_login(delivery.namespace, delivery.name, "get")
    delivery.login(**{**login, "kubernetes_token": "wrong-token-0123456789"})
    assert_refused(delivery.harness, MODULE, delivery.arguments, "the API server does not accept the login", "HTTP 401")


def test_missing_context(delivery: Delivery) -> None:
    delivery.entry["kubernetes_context"] = "missing"
    words = "with the context missing gives no login to Kubernetes"
    assert_refused(delivery.harness, MODULE, delivery.arguments, words)


def test_login_from_the_environment(delivery: Delivery) -> None:
    """The variables that AWX sets for its credentials of Kubernetes."""
    login = delivery.cluster.restricted_login(delivery.namespace, delivery.name, "get", "patch", "create")
    delivery.login()
    delivery.harness.known_secrets.add([login["kubernetes_token"]])
    environ = {"K8S_AUTH_HOST": login["kubernetes_host"], "K8S_AUTH_API_KEY": login["kubernetes_token"]}
    environ["K8S_AUTH_SSL_CA_CERT"] = login.get("kubernetes_ca_path") or ""
    assert delivery.harness.run(MODULE, delivery.arguments, environ=environ).changed
    assert delivery.stored() == ("acme+ci", delivery.present)
    by_file = {"K8S_AUTH_KUBECONFIG": str(delivery.cluster.kubeconfig)}
    assert not delivery.harness.run(MODULE, delivery.arguments, environ=by_file).changed


# --- rights


def test_rights_by_name(delivery: Delivery) -> None:
    """get, patch and create on one name are enough to create, update and repair."""
    delivery.login(**delivery.cluster.restricted_login(delivery.namespace, delivery.name, "get", "patch", "create"))
    delivery.delivered()
    delivery.delivered(rotate="always")
    assert delivery.stored() == ("acme+ci", delivery.present)
    delivery.delivered(state="absent")
    assert delivery.cluster.auths(delivery.namespace, delivery.name) == {}


def test_rights_without_create(delivery: Delivery) -> None:
    login = delivery.cluster.restricted_login(delivery.namespace, delivery.name, "get", "patch")
    delivery.login(**login)
    assert_refused(
        delivery.harness, MODULE, delivery.arguments, "the login may not patch (or create) the Secret quay-pull"
    )
    delivery.cluster.create(delivery.namespace, delivery.name, {".dockerconfigjson": "{}"}, DOCKER_TYPE)
    delivery.delivered()
    assert delivery.stored() == ("acme+ci", delivery.present)


@pytest.mark.parametrize(("verb", "words"), [("get", "may not patch"), ("patch", "may not get")])
def test_missing_right(delivery: Delivery, verb: str, words: str) -> None:
    delivery.login(**delivery.cluster.restricted_login(delivery.namespace, delivery.name, verb))
    delivery.cluster.create(delivery.namespace, delivery.name, {".dockerconfigjson": "{}"}, DOCKER_TYPE)
    assert_refused(delivery.harness, MODULE, delivery.arguments, words, "Bind the login to a Role")


def test_webhook_without_dry_run(faulty_delivery: Delivery) -> None:
    """The rights are asked for instead."""
    delivery, standin = faulty_delivery, faulty_delivery.cluster.standin
    assert standin is not None
    standin.api.without_dry_run.add(delivery.namespace)
    delivery.login(**delivery.cluster.restricted_login(delivery.namespace, delivery.name, "get"))
    assert_refused(delivery.harness, MODULE, delivery.arguments, "the login may not patch")


# --- two writers


def test_two_writers(delivery: Delivery) -> None:
    """Each delivers its own registry to one Secret at the same moment. Nothing is lost."""
    registries = [f"r{number}.example.com" for number in range(4)]

    def deliver(registry: str) -> Result:
        entry = {**delivery.entry, "registry": registry}
        options = {"quay_host": delivery.harness.quay.url, **delivery.harness.login, "retries": 0}
        name = f"acme+{registry.partition('.')[0]}"
        return run_standalone(MODULE, {**options, "name": name, "deliver": [entry]})

    with ThreadPoolExecutor(len(registries)) as pool:
        results = list(pool.map(deliver, registries))
    assert [result.values.get("msg") for result in results] == [None] * 4
    auths = delivery.cluster.auths(delivery.namespace, delivery.name)
    robots = delivery.harness.quay.state.robots
    expected = {registry: robots[f"acme+{registry.partition('.')[0]}"].token for registry in registries}
    assert {registry: fingerprint(secret) for registry, (_name, secret) in auths.items()} == {
        registry: fingerprint(secret) for registry, secret in expected.items()
    }
    assert delivery.cluster.records(delivery.namespace, delivery.name).keys() == set(registries)


# --- faults

FAULTS = {
    "reset-before": Fault("reset_before", "PATCH"),
    "reset-after": Fault("reset_after", "PATCH"),
    "error-before": Fault("status", "PATCH", status=500),
    "error-after": Fault("status", "PATCH", status=500, after=True),
    "late": Fault("late", "PATCH"),
    "throttled": Fault("status", "PATCH", status=429, reason="TooManyRequests"),
    "conflict": Fault("status", "PATCH", status=409, reason="Conflict"),
    "page": Fault("page", "PATCH"),
    "reset-of-the-look": Fault("reset_before", "GET", nth=2),
    "error-of-the-look": Fault("status", "GET", nth=2, status=503),
}


@pytest.mark.parametrize("name", FAULTS)
@pytest.mark.parametrize("exists", [False, True], ids=["new", "existing"])
def test_write_survives_a_fault(faulty_delivery: Delivery, name: str, exists: bool) -> None:
    """The outcome is looked at, and the same apply repeated only for the same version."""
    delivery, standin = faulty_delivery, faulty_delivery.cluster.standin
    assert standin is not None
    if exists:
        delivery.cluster.create_docker(delivery.namespace, delivery.name, OTHERS)
    standin.faults.rules = [Fault(**{**vars(FAULTS[name]), "seen": 0})]
    result = delivery.delivered(rotate="always")
    assert result["minted"]
    assert len(delivery.harness.quay.journal.mints) == 1
    standin.faults.rules = []
    assert delivery.stored() == ("acme+ci", delivery.present)
    registries = {delivery.registry, *(OTHERS if exists else ())}
    assert delivery.cluster.auths(delivery.namespace, delivery.name).keys() == registries
    assert not delivery.delivered().changed


@pytest.mark.parametrize(
    "fault",
    [
        Fault("status", "PATCH", status=500, dry_run=True, message="SECRET-IN-A-MESSAGE"),
        Fault("status", "PATCH", status=422, reason="Invalid", dry_run=True, message="SECRET-IN-A-MESSAGE"),
        Fault("status", "PATCH", status=403, reason="Forbidden", dry_run=True, message="SECRET-IN-A-MESSAGE"),
        Fault("status", "GET", status=500, message="SECRET-IN-A-MESSAGE"),
        Fault("page", "GET"),
        Fault("reset_before", "GET"),
    ],
    ids=["500", "422", "403", "get-500", "page", "reset"],
)
def test_fault_of_the_check(faulty_delivery: Delivery, fault: Fault) -> None:
    """Nothing is minted, and the words of the server are not repeated."""
    standin = faulty_delivery.cluster.standin
    assert standin is not None
    standin.faults.rules = [Fault(**{**vars(fault), "seen": 0, "times": 2})]
    message = assert_refused(faulty_delivery.harness, MODULE, faulty_delivery.arguments, f"/{faulty_delivery.name}")
    assert "SECRET-IN-A-MESSAGE" not in message


def test_write_that_is_denied_later(faulty_delivery: Delivery) -> None:
    """A right that is lost after the check: the next run delivers the token that Quay returns again."""
    standin = faulty_delivery.cluster.standin
    assert standin is not None
    standin.faults.rules = [Fault("status", "PATCH", status=403, reason="Forbidden", times=1)]
    result = faulty_delivery.run(rotate="always")
    assert "the login may not patch" in result.message
    assert len(faulty_delivery.harness.quay.journal.mints) == 1
    repaired = faulty_delivery.delivered()
    assert (repaired["minted"], repaired["reason"]) == (False, "undelivered")
    assert faulty_delivery.stored() == ("acme+ci", faulty_delivery.present)


@pytest.mark.parametrize("kind", ["reset_before", "reset_after", "late"])
def test_removal_survives_a_fault(faulty_delivery: Delivery, kind: str) -> None:
    delivery, standin = faulty_delivery, faulty_delivery.cluster.standin
    assert standin is not None
    delivery.delivered()
    standin.faults.rules = [Fault(kind, "DELETE")]
    delivery.delivered(state="absent")
    assert delivery.cluster.read(delivery.namespace, delivery.name) is None


def test_write_without_a_response(faulty: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server carries the write out and never responds."""
    assert faulty.standin is not None
    monkeypatch.setattr(kubernetes_secret, "KubernetesClient", lambda login: KubernetesClient(login, 0.2))
    monkeypatch.setattr(kubernetes_namespaced, "_PAUSES", (0.0,))
    namespace, secret = faulty.new_namespace(), "hanging-write-012345678901234567"
    options = dict.fromkeys(STORE_OPTIONS)
    options.update(kind="kubernetes_secret", namespaces=[namespace], secret_name="pull")
    store = store_from_options({**options, "kubeconfig": str(faulty.kubeconfig)}, "https://quay.example.com")
    faulty.standin.faults.rules = [Fault("hang", "PATCH")]
    store.write(StoreDelivery(secret, "acme+ci", "acme+ci", Record(fingerprint(secret))))
    path = f"{namespace}/secrets/pull"
    assert faulty.standin.requests[-3:] == [f"GET {path}", f"PATCH {path}", f"GET {path}"]
    assert fingerprint(faulty.auths(namespace, "pull")["quay.example.com"][1]) == fingerprint(secret)


# --- other modules


def test_store_info(delivery: Delivery) -> None:
    delivery.delivered()
    delivery.harness.login = {}
    store = delivery.harness.run("quay_store_info", {"stores": [delivery.entry]})["stores"][0]
    assert fingerprint(store["token"]) == store["fingerprint"] == delivery.present
    assert store["kind"] == "kubernetes_secret"


def test_store_is_primary(harness: Harness, cluster: Cluster) -> None:
    """An API token, which Quay does not return again: the Secret is where the next run finds it."""
    delivery = Delivery(harness, cluster)
    arguments: dict[str, Any] = {"organization": "acme", "client_id": harness.accounts.automation, "name": "nightly"}
    arguments["deliver"] = [delivery.entry]
    first = harness.run("quay_api_token", arguments)
    assert not first.failed, first.message
    second = harness.run("quay_api_token", arguments)
    assert (second["minted"], second.changed, second["uuid"]) == (False, False, first["uuid"])
    record = cluster.records(delivery.namespace, delivery.name)[delivery.registry]
    assert (record["uuid"], record["name"], record["expires_at"]) == (first["uuid"], "nightly", first["expires_at"])
