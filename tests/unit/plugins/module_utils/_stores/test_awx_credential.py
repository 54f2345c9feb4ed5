# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A credential in AWX as a store, on a fake AWX."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from requests.exceptions import ReadTimeout

from ansible_collections.tokensmith.quay.plugins.module_utils._core.errors import BadInput, StoreError
from ansible_collections.tokensmith.quay.plugins.module_utils._stores import awx_client
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.awx_credential import AwxCredentialStore
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.contract import (
    ABSENT,
    CURRENT,
    OTHER,
    UNKNOWN,
    Delivery,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.kinds import STORE_OPTIONS, store_from_options
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.places import collide, places_of
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.store_info import read_stores
from ansible_collections.tokensmith.quay.tests.unit.plugins.deliveries import (
    DELIVERY,
    FINGERPRINT,
    OTHER_SECRET,
    RECORD,
    SECRET,
    delivery_of,
    local_context,
)
from ansible_collections.tokensmith.quay.tests.unit.plugins.fake_awx import (
    HOST,
    PASSWORD,
    PLAIN_TYPE,
    QUAY_TYPE,
    READ_TOKEN,
    USER_TOKEN,
    WRITE_TOKEN,
    Answer,
    FakeAwx,
    FakeSession,
)
from ansible_collections.tokensmith.quay.tests.unit.plugins.fake_awx import (
    OTHER as OTHER_ORGANIZATION,
)

QUAY = "https://quay.example.com:8443"
LIST, TYPE, SOURCES = (
    "GET /api/v2/credentials/",
    "GET /api/v2/credential_types/18/",
    "GET /api/v2/credentials/100/input_sources/",
)
DETAIL, PATCH = "GET /api/v2/credentials/100/", "PATCH /api/v2/credentials/100/"
CHECK = [LIST, TYPE, SOURCES]
LOGIN_OF_DELIVERY = {"host": "quay.example.com:8443", "username": "$oauthtoken", "password": SECRET}


@pytest.fixture
def awx(monkeypatch: pytest.MonkeyPatch) -> FakeAwx:
    fake = FakeAwx()
    monkeypatch.setattr(awx_client, "new_session", lambda: FakeSession(fake))
    monkeypatch.setattr(awx_client, "_PAUSES", (0, 0, 0))
    for prefix in ("CONTROLLER", "TOWER"):
        for name in ("HOST", "OAUTH_TOKEN", "USERNAME", "PASSWORD", "VERIFY_SSL", "OPTIONAL_API_URLPATTERN_PREFIX"):
            monkeypatch.delenv(f"{prefix}_{name}", raising=False)
    return fake


def store(**more: Any) -> AwxCredentialStore:
    given = {"kind": "awx_credential", "credential": "quay-pull", "awx_host": HOST, "awx_token": WRITE_TOKEN, **more}
    found = store_from_options({**dict.fromkeys(STORE_OPTIONS), **given}, QUAY)
    assert isinstance(found, AwxCredentialStore)
    return found


def deliver(delivery: Delivery = DELIVERY, **more: Any) -> AwxCredentialStore:
    """One run: check, read, prepare, write."""
    used = store(**more)
    used.check()
    used.read()
    with used.prepare():
        used.write(delivery)
    return used


def state_of(delivery: Delivery = DELIVERY, **more: Any) -> str:
    return store(**more).read().compared_with(delivery.secret, record_required=True)


# --- delivery


def test_login_for_a_registry_is_written_and_other_inputs_are_kept(awx: FakeAwx) -> None:
    awx.add(inputs={"verify_ssl": False}, description="Pulls for CI")
    deliver()
    written = awx.credentials[100]
    assert written["inputs"] == {**LOGIN_OF_DELIVERY, "verify_ssl": False}
    assert written["description"].startswith(f"Pulls for CI [tokensmith.quay fingerprint={FINGERPRINT} ")
    assert awx.requests == [*CHECK, DETAIL, PATCH]
    stored = store().read()
    assert (stored.secret, stored.untold, stored.username) == (None, FINGERPRINT, "$oauthtoken")
    assert stored.record == replace(RECORD, username="$oauthtoken")
    assert stored.compared_with(SECRET, record_required=True) == CURRENT
    assert stored.compared_with(OTHER_SECRET) == OTHER


def test_other_secrets_of_the_credential_are_kept(awx: FakeAwx) -> None:
    inputs = {"host": "https://x.example.com", "other_secret": "KEPT", "validate_certs": True, "token": ""}
    awx.add(kind=QUAY_TYPE, inputs=inputs)
    deliver(inputs={"token": "token"})
    assert awx.credentials[100]["inputs"] == {**inputs, "token": SECRET}
    assert awx.bodies[-1]["inputs"]["other_secret"] == "$encrypted$"


def test_every_field_can_be_written(awx: FakeAwx, monkeypatch: pytest.MonkeyPatch) -> None:
    awx.add(kind=QUAY_TYPE)
    deliver(inputs={"token": "token", "host": "quay_host", "other_secret": "expires_at"})
    assert awx.credentials[100]["inputs"] == {
        "token": SECRET,
        "host": QUAY,
        "other_secret": "2026-04-30T12:00:00Z",
    }


def test_unknown_value_leaves_the_input_unset(awx: FakeAwx) -> None:
    awx.add(inputs={"username": "former"})
    deliver(delivery_of(SECRET, username=""))
    assert awx.credentials[100]["inputs"] == {"host": "quay.example.com:8443", "password": SECRET}


def test_present_secret_needs_no_write(awx: FakeAwx) -> None:
    awx.add()
    deliver()
    awx.advance(days=30)
    awx.requests.clear()
    again = store()
    again.check()
    assert again.matches(DELIVERY)
    assert awx.requests == CHECK


def test_secret_is_replaced(awx: FakeAwx) -> None:
    awx.add()
    deliver()
    awx.advance(days=30)
    assert not store().matches(delivery_of(OTHER_SECRET))
    deliver(delivery_of(OTHER_SECRET))
    assert awx.credentials[100]["inputs"]["password"] == OTHER_SECRET
    assert state_of(delivery_of(OTHER_SECRET)) == CURRENT


def test_password_needs_no_description_of_the_endpoint(awx: FakeAwx) -> None:
    """Only a token has a scope."""
    awx.add()
    deliver(awx_token=None, awx_username="admin", awx_password=PASSWORD)
    assert awx.requests == [LIST, TYPE, SOURCES, DETAIL, PATCH]


def test_credential_by_its_number(awx: FakeAwx) -> None:
    awx.add("one")
    awx.add("one", organization=OTHER_ORGANIZATION)
    used = deliver(credential=None, credential_id=101)
    assert used.place == "awx_credential https://awx.example.com #101"
    assert [bool(item["inputs"]) for item in awx.credentials.values()] == [False, True]


def test_secrets_travel_in_the_body_and_the_login_in_a_header_alone(
    awx: FakeAwx, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = FakeSession(awx)
    monkeypatch.setattr(awx_client, "new_session", lambda: session)
    awx.add()
    deliver()
    for arguments in session.arguments:
        assert arguments["allow_redirects"] is False
        assert arguments["verify"] is True
        assert arguments["timeout"] == awx_client.TIMEOUT
        assert arguments["auth"]("unchanged") == "unchanged"
        assert SECRET not in str({**arguments, "json": None})


# --- edited by hand


def test_edit_by_hand_is_repaired(awx: FakeAwx) -> None:
    awx.add()
    deliver()
    awx.advance(hours=1)
    awx.change(100, inputs={**awx.credentials[100]["inputs"], "password": "typed"})
    assert state_of() == OTHER
    assert store().read().fingerprint == UNKNOWN
    deliver()
    assert awx.credentials[100]["inputs"]["password"] == SECRET
    assert state_of() == CURRENT


@pytest.mark.parametrize(
    ("inputs", "state"),
    [
        ({**LOGIN_OF_DELIVERY, "host": "other.example.com"}, OTHER),
        ({**LOGIN_OF_DELIVERY, "username": "other"}, OTHER),
        ({**LOGIN_OF_DELIVERY, "verify_ssl": True}, CURRENT),
        ({"host": "quay.example.com:8443"}, ABSENT),
    ],
)
def test_edit_that_shows_at_once(awx: FakeAwx, inputs: dict[str, Any], state: str) -> None:
    awx.add()
    deliver()
    awx.change(100, inputs=inputs)
    assert state_of() == state


@pytest.mark.parametrize("ahead", [-3600, 3600])
def test_clock_of_a_proxy_makes_no_delivery_look_edited(awx: FakeAwx, ahead: int) -> None:
    awx.header_ahead = timedelta(seconds=ahead)
    awx.add()
    deliver()
    assert awx.requests == [*CHECK, DETAIL, PATCH, PATCH]
    assert awx.bodies[-1].keys() == {"description"}
    assert "delivered=2026-11-22T09:30:00Z" in awx.credentials[100]["description"]
    assert awx.credentials[100]["inputs"] == LOGIN_OF_DELIVERY
    assert state_of() == CURRENT


# --- what others keep there


@pytest.mark.parametrize("inputs", [{"password": "typed"}, {"host": "docker.example.com"}])
def test_values_that_were_set_by_hand_are_refused_without_force(awx: FakeAwx, inputs: dict[str, Any]) -> None:
    awx.add(inputs=inputs)
    with pytest.raises(StoreError, match="holds values that this collection did not write"):
        store().check()
    assert store().read().foreign
    assert awx.writes == []
    deliver(force=True)
    assert awx.credentials[100]["inputs"] == LOGIN_OF_DELIVERY
    store().check()


def test_prepared_credential_is_not_foreign(awx: FakeAwx) -> None:
    awx.add(inputs={"host": "quay.example.com:8443", "username": "somebody", "verify_ssl": True})
    deliver()
    assert awx.credentials[100]["inputs"]["username"] == "$oauthtoken"


def test_removal_clears_our_inputs_and_keeps_the_credential(awx: FakeAwx) -> None:
    awx.add(inputs={"verify_ssl": True}, description="Pulls")
    deliver()
    used = store()
    used.check(removing=True)
    assert used.read().fingerprint
    used.remove()
    assert awx.credentials[100]["inputs"] == {"verify_ssl": True}
    assert awx.credentials[100]["description"] == "Pulls"
    assert not store().read().fingerprint
    awx.requests.clear()
    store().remove()
    assert awx.writes == []


def test_removal_keeps_what_others_wrote(awx: FakeAwx) -> None:
    awx.add(inputs={"password": "typed"})
    used = store()
    used.check(removing=True)
    used.remove()
    assert awx.credentials[100]["inputs"] == {"password": "typed"}
    assert awx.writes == []


def test_removal_of_a_missing_credential(awx: FakeAwx) -> None:
    used = store()
    used.check(removing=True)
    assert not used.read().fingerprint
    used.remove()
    assert awx.writes == []


# --- creation

CREATED: dict[str, Any] = {"create": True, "credential_type": "Container Registry", "awx_organization": "Default"}


def test_missing_credential_is_created_before_the_secret_exists(awx: FakeAwx) -> None:
    used = store(**CREATED)
    used.check()
    assert used.read().compared_with(SECRET) == ABSENT
    assert awx.writes == []
    with used.prepare():
        assert awx.credentials[100]["inputs"] == {}
        used.write(DELIVERY)
    assert awx.credentials[100]["inputs"] == LOGIN_OF_DELIVERY
    assert awx.credentials[100]["organization"] == 1
    assert awx.writes == ["POST /api/v2/credentials/", PATCH]
    assert state_of(**CREATED) == CURRENT


def test_refused_creation_comes_before_the_secret(awx: FakeAwx) -> None:
    awx.may_create = False
    used = store(**CREATED)
    used.check()
    with pytest.raises(StoreError, match="POST .*: the login lacks the permission"), used.prepare():
        pytest.fail("a secret would be minted")


@pytest.mark.parametrize("fault", [{"status": 500, "after": True}, {"after": True}])
def test_creation_whose_response_is_lost(awx: FakeAwx, fault: dict[str, Any]) -> None:
    awx.fail("^POST", **fault)
    deliver(**CREATED)
    assert list(awx.credentials) == [100]
    assert awx.credentials[100]["inputs"] == LOGIN_OF_DELIVERY


def test_credential_that_another_run_creates_meanwhile(awx: FakeAwx) -> None:
    awx.hooks.append(("^POST", awx.add))
    deliver(**CREATED)
    assert list(awx.credentials) == [100]
    assert awx.credentials[100]["inputs"] == LOGIN_OF_DELIVERY


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"create": None}, "has no such credential, or the login may not see it. Create it, or set create: true"),
        ({"credential_type": "Registry"}, "no credential type 'Registry'"),
        ({"awx_organization": "None"}, "no organization 'None'"),
        ({"awx_token": READ_TOKEN}, "may not create credentials. A token needs the scope write"),
        ({"credential_type": "Quay"}, "has the type 'Quay'. Set inputs"),
        (
            {"credential_type": "Quay", "inputs": {"token": "token"}},
            "needs the input host, which inputs does not name",
        ),
    ],
)
def test_creation_that_cannot_succeed(awx: FakeAwx, change: dict[str, Any], words: str) -> None:
    with pytest.raises(StoreError) as caught:
        store(**{**CREATED, **change}).check()
    assert words in str(caught.value)
    assert awx.writes == []


# --- refusals before a secret is minted


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"awx_token": READ_TOKEN}, "awx_token may not change it. Use a token with the scope write"),
        ({"awx_token": USER_TOKEN}, "the user of the login may not change it"),
        ({"awx_token": "WRONG"}, "AWX does not accept the login: it is missing, wrong or expired"),
        ({"awx_api_path": "/api/controller"}, "there is no API of AWX at this URL"),
        ({"credential": None, "credential_id": 7}, "does not exist, or the login may not see it. Check credential_id"),
        ({"credential": None, "credential_id": 100, "credential_type": "Quay"}, "not 'Quay'"),
        ({"inputs": {"password": "token", "nope": "username"}}, "no input 'nope'"),
        ({"inputs": {"password": "token", "verify_ssl": "registry"}}, "'verify_ssl' cannot hold the registry"),
        ({"inputs": {"username": "token"}}, "'username' is not secret"),
    ],
)
def test_store_that_cannot_be_written(awx: FakeAwx, change: dict[str, Any], words: str) -> None:
    awx.add()
    with pytest.raises(StoreError) as caught:
        store(**change).check()
    assert words in str(caught.value)
    assert "WRONG" not in str(caught.value)
    assert awx.writes == []


def test_several_credentials_of_one_name(awx: FakeAwx) -> None:
    awx.add()
    awx.add(organization=OTHER_ORGANIZATION)
    with pytest.raises(StoreError, match=r"several credentials of this name \(ids 100, 101\)"):
        store().check()
    store(awx_organization="Other").check()


def test_type_tells_credentials_apart(awx: FakeAwx) -> None:
    awx.add(kind=QUAY_TYPE)
    awx.add()
    deliver(credential_type="Container Registry")
    assert awx.credentials[101]["inputs"] == LOGIN_OF_DELIVERY


def test_input_with_a_format(awx: FakeAwx) -> None:
    awx.add(kind=PLAIN_TYPE)
    with pytest.raises(StoreError, match="the input 'key' cannot hold the token: it is not a plain text"):
        store(inputs={"key": "token"}).check()


def test_input_that_comes_from_an_external_system(awx: FakeAwx) -> None:
    awx.sources[awx.add()] = ["password", "verify_ssl"]
    with pytest.raises(StoreError, match="reads the input password from an external system"):
        store().check()


def test_plain_http_gives_a_warning(awx: FakeAwx) -> None:
    assert store().warnings() == []
    assert "over plain http" in store(awx_host="http://awx.example.com").warnings()[0]


# --- faults


@pytest.mark.parametrize("status", [0, 429, 502, 503, 504])
def test_reading_is_repeated(awx: FakeAwx, status: int) -> None:
    awx.add()
    awx.fail("^GET", status=status)
    store().check()
    assert awx.requests == [LIST, *CHECK]


@pytest.mark.parametrize("status", [0, 500, 502, 504])
@pytest.mark.parametrize("after", [False, True])
def test_write_whose_response_is_lost(awx: FakeAwx, status: int, after: bool) -> None:
    awx.add()
    awx.fail("^PATCH", status=status, after=after)
    deliver()
    assert awx.credentials[100]["inputs"] == LOGIN_OF_DELIVERY
    assert awx.requests == [*CHECK, DETAIL, PATCH, DETAIL, *([] if after else [PATCH])]
    assert state_of() == CURRENT


def test_write_that_is_lost_twice(awx: FakeAwx) -> None:
    awx.add()
    awx.fail("^PATCH", status=502)
    awx.fail("^PATCH", status=503)
    with pytest.raises(StoreError, match=r"AWX answers 503\. Check that AWX works, and run the task again$"):
        deliver()
    assert awx.credentials[100]["inputs"] == {}


def test_permission_that_is_lost_meanwhile(awx: FakeAwx) -> None:
    awx.add()
    awx.fail("^PATCH", status=403)
    with pytest.raises(StoreError, match="PATCH .*: the login lacks the permission. It needs the role Admin"):
        deliver()
    assert awx.writes == [PATCH]


def test_refusal_does_not_repeat_what_awx_says(awx: FakeAwx) -> None:
    """AWX quotes the value that it refuses."""
    awx.add()
    used = store()
    used.check()
    awx.change(100, credential_type=QUAY_TYPE)
    with pytest.raises(StoreError) as caught:
        used.write(DELIVERY)
    assert str(caught.value).endswith("AWX refuses the request (400). It does not accept: inputs")
    assert SECRET not in str(caught.value)


def test_another_run_that_delivers_meanwhile(awx: FakeAwx) -> None:
    awx.add()
    first = store()
    first.check()
    deliver(delivery_of(OTHER_SECRET))
    with pytest.raises(StoreError, match="was changed by another run meanwhile. It was not written"):
        first.write(DELIVERY)
    assert awx.credentials[100]["inputs"]["password"] == OTHER_SECRET


def test_input_of_another_writer_is_kept(awx: FakeAwx) -> None:
    awx.add()
    used = store()
    used.check()
    awx.change(100, inputs={"verify_ssl": True}, description="now described")
    used.write(DELIVERY)
    assert awx.credentials[100]["inputs"] == {**LOGIN_OF_DELIVERY, "verify_ssl": True}
    assert awx.credentials[100]["description"].startswith("now described [tokensmith.quay ")


def test_token_that_is_typed_in_meanwhile(awx: FakeAwx) -> None:
    awx.add()
    used = store()
    used.check()
    awx.change(100, inputs={"password": "typed"})
    with pytest.raises(StoreError, match="was changed by another run meanwhile"):
        used.write(DELIVERY)
    assert awx.credentials[100]["inputs"] == {"password": "typed"}


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Answer(302, None, {"Location": "https://sso.example.com"}), "Redirects are not followed with credentials"),
        (Answer(200, None), "there is no API of AWX at this URL"),
        (Answer(200, ["x"]), "there is no API of AWX at this URL"),
        (Answer(200, {"results": None}), "there is no API of AWX at this URL"),
    ],
)
def test_answer_that_is_none_of_awx(awx: FakeAwx, answer: Answer, words: str) -> None:
    awx.add()
    awx.faults.append(("^GET", lambda _respond: answer))
    with pytest.raises(StoreError, match=words):
        store().check()
    assert awx.requests == [LIST]


def test_server_that_does_not_answer(awx: FakeAwx) -> None:
    def hang(_respond: Any) -> Answer:
        raise ReadTimeout

    awx.add()
    awx.faults += [("^GET", hang)] * 4
    with pytest.raises(StoreError, match=r"GET https://awx.example.com/api/v2/credentials/: no response within 30 s"):
        store().check()
    assert awx.requests == [LIST] * 4


@pytest.mark.parametrize("after", [False, True])
def test_write_that_hangs(awx: FakeAwx, after: bool) -> None:
    def hang(respond: Any) -> Answer:
        if after:
            respond()
        raise ReadTimeout

    awx.add()
    awx.faults.append(("^PATCH", hang))
    deliver()
    assert awx.credentials[100]["inputs"] == LOGIN_OF_DELIVERY
    assert awx.writes == ([PATCH] if after else [PATCH, PATCH])


def test_values_that_awx_did_not_keep(awx: FakeAwx) -> None:
    awx.add()
    awx.faults.append(("^PATCH", lambda respond: Answer(200, {**respond().data, "inputs": {"host": "x"}})))
    with pytest.raises(StoreError, match="AWX reports other values than those that were written"):
        deliver()


# --- reading alone


def test_store_info_shows_the_recorded_fingerprint(awx: FakeAwx) -> None:
    awx.add()
    entry = {**dict.fromkeys(STORE_OPTIONS), "kind": "awx_credential", "credential": "quay-pull", "awx_host": HOST}
    stores = [{**entry, "awx_token": WRITE_TOKEN}]

    def read() -> dict[str, Any]:
        found: dict[str, Any] = read_stores(local_context(stores=stores)).values["stores"][0]
        return {key: found[key] for key in ("token", "fingerprint", "created_at")}

    assert read() == {"token": None, "fingerprint": None, "created_at": None}
    deliver()
    assert read() == {"token": None, "fingerprint": FINGERPRINT, "created_at": "2026-01-31T12:00:00Z"}
    awx.advance(hours=1)
    awx.change(100, name="quay-pull")
    assert read() == {"token": None, "fingerprint": None, "created_at": None}


# --- options


def test_construction_sends_nothing(awx: FakeAwx) -> None:
    used = store(awx_organization="Default")
    assert used.place == "awx_credential https://awx.example.com Default/quay-pull"
    assert (used.files, used.part, used.tells_secret) == ((), "", False)
    assert collide(places_of(used)[0], places_of(store(awx_organization="Default"))[0])
    assert awx.requests == []


@pytest.mark.parametrize("prefix", ["CONTROLLER", "TOWER"])
@pytest.mark.parametrize("login", [{"OAUTH_TOKEN": WRITE_TOKEN}, {"USERNAME": "admin", "PASSWORD": PASSWORD}])
def test_login_from_the_environment(
    awx: FakeAwx, monkeypatch: pytest.MonkeyPatch, prefix: str, login: dict[str, str]
) -> None:
    awx.add()
    awx.api = "/api/controller/v2/"
    session = FakeSession(awx)
    monkeypatch.setattr(awx_client, "new_session", lambda: session)
    more = {"HOST": "awx.example.com/", "VERIFY_SSL": "False", "OPTIONAL_API_URLPATTERN_PREFIX": "/api/controller/"}
    for name, value in {**login, **more}.items():
        monkeypatch.setenv(f"{prefix}_{name}", value)
    used = store(awx_host=None, awx_token=None)
    used.check()
    assert used.place == "awx_credential https://awx.example.com quay-pull"
    assert session.arguments[0]["verify"] is False


def test_options_win_over_the_environment(awx: FakeAwx, monkeypatch: pytest.MonkeyPatch) -> None:
    awx.add()
    monkeypatch.setenv("CONTROLLER_OAUTH_TOKEN", "WRONG")
    store().check()
    store(awx_token=None, awx_username="admin", awx_password=PASSWORD).check()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"credential": None}, "either credential or credential_id"),
        ({"credential_id": 1}, "either credential or credential_id"),
        ({"credential": None, "credential_id": 1, "awx_organization": "x"}, "awx_organization has no effect"),
        ({"create": True}, "create needs credential, credential_type and awx_organization"),
        ({"inputs": {"password": "secret"}}, "inputs: 'password' must name what it holds: token, username"),
        ({"inputs": {"username": "username"}}, "exactly one input for the token"),
        ({"awx_username": "a", "awx_password": "b"}, "Give either awx_token, or awx_username and awx_password"),
        ({"awx_host": "https://u:p@awx.example.com"}, "awx_host must be the address of AWX alone"),
        ({"path": "/x"}, "path has no effect on a store of the kind awx_credential"),
    ],
)
def test_invalid_options(awx: FakeAwx, change: dict[str, Any], words: str) -> None:
    with pytest.raises(BadInput) as caught:
        store(**change)
    assert words in str(caught.value)
    assert awx.requests == []


@pytest.mark.parametrize(
    ("change", "words"),
    [({"awx_host": None}, "awx_host is missing"), ({"awx_token": None}, "No login for AWX: give awx_token")],
)
def test_missing_login_is_reported_before_anything_is_sent(awx: FakeAwx, change: dict[str, Any], words: str) -> None:
    with pytest.raises(BadInput, match=words):
        store(**change).check()
    assert awx.requests == []
