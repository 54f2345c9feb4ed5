# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Secrets in one and in several namespaces, with a client that is replaced."""

from __future__ import annotations

import base64
import json
import time
from dataclasses import replace
from datetime import datetime, timezone
from typing import Any, Mapping

import pytest

from ansible_collections.tokensmith.quay.plugins.module_utils._core.credential import Record, fingerprint
from ansible_collections.tokensmith.quay.plugins.module_utils._core.errors import BadInput, StoreError
from ansible_collections.tokensmith.quay.plugins.module_utils._stores import kubernetes_secret
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.contract import OTHER
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.kinds import store_from_options
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.kubernetes_client import Answer, Unanswered
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.kubernetes_secret import KubernetesSecretStore
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.places import places_of, shared_places
from ansible_collections.tokensmith.quay.tests.unit.plugins.deliveries import DELIVERY, OTHER_SECRET, RECORD, SECRET
from ansible_collections.tokensmith.quay.tests.unit.plugins.deliveries import STORE_OPTIONS as NO_OPTIONS

HOST = "https://quay.example.com"
REGISTRY = "quay.example.com"
GIVEN: dict[str, Any] = {"kind": "kubernetes_secret", "namespaces": ["ci"], "secret_name": "pull"}
UNKNOWN = Unanswered("PATCH: HTTP 504 (Timeout)")
CONFLICT = Answer(409, {"reason": "Conflict"})
MISSING = Answer(404, {"reason": "NotFound"})
DENIED = Answer(403, {"reason": "Forbidden", "message": SECRET})
DONE = Answer(200, {})


class Client:
    """Replies in the order of a test, and keeps the Secrets that are applied."""

    def __init__(self) -> None:
        self.replies: list[Any] = []
        self.sent: list[str] = []
        self.bodies: list[Any] = []
        self.origin = "https://api.example.com"

    def request(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        query: Mapping[str, str] | None = None,
        content_type: str = "",
    ) -> Answer:
        flags = "".join(f" {key}" for key, value in (query or {}).items() if value in ("All", "true"))
        self.sent.append(f"{method}{flags} {path.rpartition('/namespaces/')[2]}")
        self.bodies.append(body)
        reply = self.replies.pop(0)
        if isinstance(reply, Exception):
            raise reply
        assert isinstance(reply, Answer)
        return reply


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Client:
    fake = Client()
    monkeypatch.setattr(kubernetes_secret, "KubernetesClient", lambda login: fake)
    return fake


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    waited: list[float] = []
    monkeypatch.setattr(time, "sleep", waited.append)
    return waited


def store_of(**options: Any) -> KubernetesSecretStore:
    store = store_from_options({**NO_OPTIONS, **GIVEN, **options}, HOST)
    assert isinstance(store, KubernetesSecretStore)
    return store


def holding(
    secret: str | None = SECRET,
    *,
    record: Record | None = RECORD,
    version: str = "7",
    auths: Mapping[str, Any] | None = None,
    **more: Any,
) -> Answer:
    """The response to a GET of a pull secret."""
    entries = dict(auths or {})
    if secret is not None:
        entries[REGISTRY] = {"auth": base64.b64encode(f"$oauthtoken:{secret}".encode()).decode()}
    metadata: dict[str, Any] = {"uid": "u", "resourceVersion": version, "annotations": {}}
    if record is not None and secret is not None:
        data: dict[str, Any] = {"fingerprint": fingerprint(secret), "keys": [".dockerconfigjson"], "uuid": record.uuid}
        data["created_at"] = record.created_at and record.created_at.strftime("%Y-%m-%dT%H:%M:%SZ")
        metadata["annotations"]["tokensmith.quay/records"] = json.dumps({REGISTRY: data})
    document = base64.b64encode(json.dumps({"auths": entries}).encode()).decode()
    body = {"type": "kubernetes.io/dockerconfigjson", "data": {".dockerconfigjson": document}, "metadata": metadata}
    body.update(more)
    return Answer(200, body)


def auths_in(body: Any) -> dict[str, Any]:
    return dict(json.loads(base64.b64decode(body["data"][".dockerconfigjson"]))["auths"])


# --- the options


def test_place_and_part() -> None:
    store = store_of(
        namespaces=["ci", " stage", "ci"], kubernetes_context="prod", registry="Quay.example.com:8443/team"
    )
    assert (store.place, store.part) == ("kubernetes_secret prod ci,stage/pull", "quay.example.com:8443/team")
    secrets = [(f"kubernetes_secret prod {namespace}/pull", store.part) for namespace in ("ci", "stage")]
    assert (store.files, places_of(store)) == ([], secrets)
    opaque = store_of(secret_type="Opaque", keys={"token": "ci", "username": "user"})
    assert (opaque.place, opaque.part) == ("kubernetes_secret ci/pull", "ci")
    assert store_of(secret_type="kubernetes.io/basic-auth").part == "password"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"namespaces": None}, "namespaces is missing: a store of the kind kubernetes_secret needs it"),
        ({"namespaces": ["", " "]}, "namespaces is missing"),
        ({"namespaces": ["CI"]}, "namespaces: 'CI' is not the name of a namespace"),
        ({"namespaces": ["../kube-system"]}, "namespaces: '../kube-system' is not the name of a namespace"),
        ({"secret_name": ""}, "secret_name is missing"),
        ({"secret_name": "a/b"}, "secret_name: 'a/b' is not the name of a Secret"),
        ({"keys": {"token": "a"}}, "keys has no effect on a Secret of the type kubernetes.io/dockerconfigjson"),
        ({"extra_values": {"a": "b"}}, "extra_values has no effect on a Secret of the type"),
        ({"secret_type": "Opaque", "keys": {"username": "a"}}, "keys has no name for token, which is the secret"),
        ({"secret_type": "Opaque", "keys": {"tokn": "a"}}, "keys: 'tokn' is not a field of a credential"),
        ({"secret_type": "Opaque", "keys": {"token": ""}}, "keys: token must be the name of a key, or a list of names"),
        ({"secret_type": "Opaque", "keys": {"token": []}}, "keys: token must be the name of a key, or a list of names"),
        ({"secret_type": "Opaque", "keys": {"token": "a b"}}, "'a b' is not a key of a Secret"),
        ({"secret_type": "Opaque", "keys": {"token": ".."}}, "'..' is not a key of a Secret"),
        ({"secret_type": "Opaque", "keys": {"token": ["a", "a"]}}, "keys and extra_values name the key a twice"),
        ({"secret_type": "Opaque", "extra_values": {"token": "x"}}, "keys and extra_values name the key token twice"),
        ({"secret_type": "Opaque", "extra_values": {"a": True}}, "extra_values: a must be a text. Write it in quotes"),
        ({"secret_type": "Opaque", "keys": {"token": "a"}, "registry": "x.example.com"}, "registry has no effect"),
        ({"labels": {"a": "b c"}}, "labels: the value of a may have up to 63 letters"),
        ({"labels": {"a b": "c"}}, "labels: 'a b' is not a name such as team"),
        ({"annotations": {"tokensmith.quay/records": "c"}}, "annotations: names that begin with tokensmith.quay/ are"),
        ({"annotations": {"a": None}}, "annotations: a must be a text"),
        ({"annotations": {"a": "\ud800"}}, "annotations holds a character that is none"),
        ({"annotations": {"a": "x" * 210000}}, "annotations has 210001 bytes"),
        ({"path": "/x"}, "path has no effect on a store of the kind kubernetes_secret"),
        ({"kubernetes_token": SECRET}, "kubernetes_token has no effect without kubernetes_host"),
    ],
)
def test_invalid_options(options: dict[str, Any], words: str) -> None:
    with pytest.raises(BadInput) as caught:
        store_of(**options)
    assert str(caught.value).startswith(words)
    assert SECRET not in str(caught.value)


# --- reading


def test_read(client: Client) -> None:
    client.replies = [holding()]
    found = store_of().read()
    assert (found.secret, found.username, found.permissions_match, found.foreign) == (
        SECRET,
        "$oauthtoken",
        True,
        False,
    )
    assert found.record is not None
    assert (found.record.uuid, found.record.created_at, found.recorded) == (RECORD.uuid, RECORD.created_at, True)
    assert client.sent == ["GET ci/secrets/pull"]


@pytest.mark.parametrize("reply", [MISSING, holding(None)])
def test_read_nothing(client: Client, reply: Answer) -> None:
    client.replies = [reply]
    assert store_of().read().secret is None


def test_entry_of_somebody_else_is_not_read(client: Client) -> None:
    client.replies = [holding(record=None)] * 2
    found = store_of().read()
    assert (found.secret, found.foreign) == (None, True)
    assert store_of(force=True).read().secret == SECRET


def test_namespaces_that_differ(client: Client) -> None:
    """The newest secret counts, and the store does not hold it everywhere, so that a pair takes no turn."""
    newer = replace(RECORD, created_at=datetime(2026, 3, 1, tzinfo=timezone.utc), uuid="newer")
    client.replies = [holding(), holding(OTHER_SECRET, record=newer), MISSING]
    found = store_of(namespaces=["a", "b", "c"]).read()
    assert (found.secret, found.record and found.record.uuid) == (OTHER_SECRET, "newer")
    assert found.compared_with(OTHER_SECRET) == OTHER


def test_record_of_another_secret(client: Client) -> None:
    """The secret is the present one, and its record is written again."""
    stale = holding()
    records = {REGISTRY: {"fingerprint": fingerprint(OTHER_SECRET), "keys": [".dockerconfigjson"]}}
    stale.body["metadata"]["annotations"]["tokensmith.quay/records"] = json.dumps(records)
    client.replies = [stale, DONE, holding()]
    store = store_of()
    assert not store.matches(DELIVERY)
    assert not store.read().recorded
    store.write(DELIVERY)
    assert store.matches(DELIVERY)


def test_check_reads_once(client: Client) -> None:
    client.replies = [holding(), DONE]
    store = store_of()
    store.check()
    assert (store.warnings(), store.read().secret, store.matches(DELIVERY)) == ([], SECRET, True)
    with store.prepare():
        pass
    assert client.sent == ["GET ci/secrets/pull", "PATCH force dryRun ci/secrets/pull"]
    assert SECRET not in json.dumps(client.bodies)


# --- writing


def test_write(client: Client) -> None:
    client.replies = [holding(None, auths={"docker.io": {}}), DONE, holding(auths={"docker.io": {}})]
    store_of().write(DELIVERY)
    assert client.sent == ["GET ci/secrets/pull", "PATCH force ci/secrets/pull", "GET ci/secrets/pull"]
    body = client.bodies[1]
    assert (body["metadata"]["resourceVersion"], body["metadata"]["uid"]) == ("7", "u")
    assert auths_in(body).keys() == {"docker.io", REGISTRY}
    record = json.loads(body["metadata"]["annotations"]["tokensmith.quay/records"])[REGISTRY]
    assert (record["uuid"], record["name"], record["username"]) == (RECORD.uuid, "nightly", "$oauthtoken")


def test_new_secret_takes_nothing_over(client: Client) -> None:
    client.replies = [MISSING, DONE, holding()]
    store_of().write(DELIVERY)
    assert client.sent[1] == "PATCH ci/secrets/pull"


def test_conflict_is_merged(client: Client, pauses: list[float]) -> None:
    client.replies = [
        holding(None),
        CONFLICT,
        holding(None, version="8", auths={"new.example.com": {}}),
        DONE,
        holding(auths={"new.example.com": {}}),
    ]
    store_of().write(DELIVERY)
    assert client.bodies[3]["metadata"]["resourceVersion"] == "8"
    assert auths_in(client.bodies[3]).keys() == {"new.example.com", REGISTRY}
    assert pauses == []


def test_conflict_in_the_own_place(client: Client) -> None:
    client.replies = [holding(None), CONFLICT, holding(OTHER_SECRET, version="8")]
    with pytest.raises(
        StoreError, match=r"^kubernetes_secret ci/pull: somebody else wrote quay\.example\.com at the same"
    ):
        store_of().write(DELIVERY)


def test_conflicts_without_end(client: Client) -> None:
    client.replies = [holding(None)] + [CONFLICT, holding(None)] * 10
    with pytest.raises(StoreError, match=r"was changed by others during each of 10 attempts to write it$"):
        store_of().write(DELIVERY)
    assert client.replies == []


def test_unknown_outcome_that_was_carried_out(client: Client, pauses: list[float]) -> None:
    client.replies = [holding(None), UNKNOWN, holding()]
    store_of().write(DELIVERY)
    assert (len(client.sent), pauses) == (3, [1.0])


def test_unknown_outcome_is_repeated_for_the_same_version(client: Client, pauses: list[float]) -> None:
    client.replies = [holding(None), UNKNOWN, UNKNOWN, holding(None), DONE, holding()]
    store_of().write(DELIVERY)
    assert client.bodies[1] == client.bodies[4]
    assert pauses == [1.0, 2.0]


def test_unknown_outcome_without_end(client: Client, pauses: list[float]) -> None:
    client.replies = [holding(None), UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN]
    with pytest.raises(Unanswered, match=r"^PATCH: HTTP 504 \(Timeout\)\. It is unknown whether it was carried"):
        store_of().write(DELIVERY)
    assert (pauses, client.replies) == ([1.0, 2.0, 4.0], [])


def test_write_that_something_else_reverts(client: Client) -> None:
    client.replies = [holding(OTHER_SECRET), DONE, holding(OTHER_SECRET)]
    with pytest.raises(StoreError, match=r"^kubernetes_secret ci/pull does not hold what was written\. Something else"):
        store_of().write(DELIVERY)


def test_denied_write_does_not_repeat_the_words_of_the_server(client: Client) -> None:
    client.replies = [holding(None), DENIED]
    with pytest.raises(StoreError, match=r"the login may not patch \(or create\) the Secret pull") as caught:
        store_of().write(DELIVERY)
    assert SECRET not in str(caught.value)


def test_some_namespaces_fail(client: Client) -> None:
    client.replies = [holding(None), holding(None), holding(None)]
    store = store_of(namespaces=["a", "b", "c"])
    store.read()
    client.replies = [DONE, holding(), DENIED, DONE, holding()]
    with pytest.raises(StoreError) as caught:
        store.write(DELIVERY)
    message = str(caught.value)
    assert message.startswith("kubernetes_secret a,b,c/pull: in b: kubernetes_secret b/pull: the login may not patch")
    assert message.endswith(". It was delivered in: a, c. The next run completes the others")


def test_present_namespace_is_not_written_again(client: Client) -> None:
    client.replies = [holding(), holding(None), DONE, holding()]
    store_of(namespaces=["a", "b"]).write(DELIVERY)
    assert client.sent == [
        "GET a/secrets/pull",
        "GET b/secrets/pull",
        "PATCH force b/secrets/pull",
        "GET b/secrets/pull",
    ]


# --- what is refused


def owned(manager: str, operation: str = "Apply") -> dict[str, Any]:
    fields: dict[str, Any] = {"f:data": {"f:.dockerconfigjson": {}}}
    answer = holding(None)
    entry = {"manager": manager, "operation": operation, "fieldsV1": fields}
    return {"metadata": {**answer.body["metadata"], "managedFields": [entry]}}


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (
            holding(record=None),
            "it already holds quay.example.com, which this collection did not write. Set force: true",
        ),
        (holding(OTHER_SECRET, immutable=True), "it is immutable, which cannot be changed. Delete the Secret"),
        (holding(None, type="Opaque"), "its type is Opaque instead of kubernetes.io/dockerconfigjson, which cannot"),
        (holding(None, **owned("argocd")), "its data .dockerconfigjson is applied by the field manager argocd"),
        (holding(None, metadata={"deletionTimestamp": "2026-11-25T10:00:00Z"}), "it is being deleted"),
        (holding(None, data={".dockerconfigjson": "Ww=="}), "its .dockerconfigjson is not a docker config"),
        (
            holding(None, data={".dockerconfigjson": "e30=", "x": "A" * 1400000}),
            "with the credential, its data would be",
        ),
    ],
    ids=["foreign", "immutable", "type", "owner", "deleting", "document", "size"],
)
def test_refused(client: Client, reply: Answer, words: str) -> None:
    """By the check, and by a write."""
    client.replies = [reply, reply]
    with pytest.raises(StoreError) as caught:
        store_of().check()
    assert str(caught.value).startswith(f"kubernetes_secret ci/pull: {words}")
    with pytest.raises(StoreError) as caught:
        store_of().write(DELIVERY)
    assert client.sent == ["GET ci/secrets/pull"] * 2


def test_field_of_a_person_is_taken_over(client: Client) -> None:
    client.replies = [holding(None, **owned("kubectl-edit", "Update")), DONE]
    store_of().check()
    assert client.sent[1] == "PATCH force dryRun ci/secrets/pull"


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (
            Answer(401),
            "the API server does not accept the login: its token or certificate is wrong or expired. Check it with "
            "kubectl auth whoami",
        ),
        (MISSING, "the namespace ci does not exist. Create it first"),
        (Answer(404), "there is no Kubernetes API at this address"),
        (
            Answer(403, {"details": {"causes": [{"reason": "NamespaceTerminating"}]}}),
            "the namespace ci is being deleted",
        ),
        (Answer(403, {"message": "exceeded quota: x"}), "a quota of the namespace ci allows no further Secret"),
        (Answer(413), "the Secret is too large"),
        (
            Answer(422, {"reason": "Invalid", "message": SECRET, "details": {"causes": [{"field": "data[a]"}]}}),
            "the API server refuses the Secret as Invalid: data[a]",
        ),
        (Answer(400, {"message": SECRET}), "the API server refuses the Secret as invalid"),
    ],
)
def test_refused_by_the_server(client: Client, answer: Answer, words: str) -> None:
    client.replies = [MISSING, answer]
    with pytest.raises(StoreError) as caught:
        store_of().check()
    url = "https://api.example.com/api/v1/namespaces/ci/secrets/pull"
    assert str(caught.value) == f"kubernetes_secret ci/pull: {words} (PATCH {url}: HTTP {answer.status})"


@pytest.mark.parametrize("allowed", [True, False])
def test_rights_are_asked_for_without_a_dry_run(client: Client, allowed: bool) -> None:
    no_dry_run = Answer(400, {"message": "admission webhook x does not support dry run"})
    client.replies = [MISSING, no_dry_run, Answer(201, {"status": {"allowed": allowed}})]
    if allowed:
        store_of().check()
    else:
        with pytest.raises(StoreError, match="the login may not patch"):
            store_of().check()
    assert client.bodies[2]["spec"]["resourceAttributes"] == {
        "namespace": "ci",
        "verb": "patch",
        "resource": "secrets",
        "name": "pull",
    }


# --- removing


CREATED = {"tokensmith.quay/created": "true"}


def created(**more: Any) -> Answer:
    answer = holding(**more)
    answer.body["metadata"]["annotations"].update(CREATED)
    return answer


def test_remove_deletes_what_the_collection_created(client: Client) -> None:
    client.replies = [created(), DONE]
    store_of().remove()
    assert client.sent[1] == "DELETE ci/secrets/pull"
    assert client.bodies[1]["preconditions"] == {"uid": "u", "resourceVersion": "7"}
    assert "dryRun" not in client.bodies[1]


@pytest.mark.parametrize("reply", [created(auths={"docker.io": {}}), holding()], ids=["others", "not created"])
def test_remove_keeps_the_secret(client: Client, reply: Answer) -> None:
    client.replies = [reply, DONE]
    store_of().remove()
    assert client.sent[1] == "PATCH force ci/secrets/pull"
    assert REGISTRY not in auths_in(client.bodies[1])


def test_remove_without_the_right_to_delete(client: Client) -> None:
    client.replies = [created(), DENIED, DONE]
    store_of().remove()
    assert client.sent[1:] == ["DELETE ci/secrets/pull", "PATCH force ci/secrets/pull"]
    assert auths_in(client.bodies[2]) == {}


@pytest.mark.parametrize("reply", [MISSING, holding(None), holding(record=None)])
def test_remove_nothing(client: Client, reply: Answer) -> None:
    client.replies = [reply]
    store_of().remove()
    assert client.sent == ["GET ci/secrets/pull"]


def test_remove_with_an_unknown_outcome(client: Client, pauses: list[float]) -> None:
    client.replies = [created(), UNKNOWN, MISSING]
    store_of().remove()
    assert pauses == [1.0]


def test_check_of_a_removal(client: Client) -> None:
    client.replies = [created(), DONE]
    store_of().check(removing=True)
    assert client.sent[1] == "DELETE ci/secrets/pull"
    assert client.bodies[1]["dryRun"] == ["All"]


def test_stores_that_share_a_namespace() -> None:
    first, second, third = (store_of(namespaces=names) for names in (["a", "b"], ["b", "c"], ["c"]))
    other = store_of(namespaces=["a", "b"], registry="other.example.com")
    stores = [(store.place, places_of(store)) for store in (first, second, third, other)]
    assert [(one, two) for one, two, _place in shared_places(stores)] == [
        (first.place, second.place),
        (second.place, third.place),
    ]
