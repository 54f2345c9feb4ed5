# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""quay_assigned_token and quay_assigned_token_info: alice assigns tokens to carol, who accepts or declines them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from functional.documentation import documented_reasons
from functional.harness import Harness, assert_kept, assert_refused
from functional.test_faults import FAULTS, add_fault, each_fault
from standin.state import Assignment, OAuthToken
from standin.tokens import fingerprint

MODULE = "quay_assigned_token"
INFO = "quay_assigned_token_info"
CONFIG = "GET /config"
SIGN_IN = ["GET /csrf_token", "POST /api/v1/signin"]
ASSIGN = "POST /oauth/authorize/assignuser"
AUTHORIZE = "POST /oauth/authorizeapp"
VERIFY = "GET /v2/auth"
ASSIGNED = "GET /api/v1/user/assignedauthorization"
AUTHORIZATIONS = "GET /api/v1/user/authorizations"
COUNTS = "GET /api/v1/organization/acme/aggregatelogs"
LOGS = "GET /api/v1/organization/acme/logs"
UNKNOWN = "5f0c1a52-5f3c-4f0d-8a56-0d6c5d1b2f11"


class Assigned:
    """The application "automation" of acme, which alice administers. Carol is a member without rights."""

    def __init__(self, harness: Harness) -> None:
        self.harness = harness
        self.client_id = harness.accounts.automation
        self.app = f"GET /api/v1/app/{self.client_id}"
        self.tokens = f"GET /api/v1/organization/acme/applications/{self.client_id}/tokens"
        # The requests that show what alice can know, and that would be refused.
        self.look = [CONFIG, self.app, *SIGN_IN, self.tokens, COUNTS]
        self.checks = ["GET /api/v1/user/", "GET /api/v1/users/carol"]

    def by_alice(self, **options: Any) -> dict[str, Any]:
        self.harness.login = self.harness.accounts.alice.by_password
        return {
            "client_id": self.client_id,
            "scopes": ["repo:read"],
            "for_user": "carol",
            "state": "assigned",
            **options,
        }

    def by_carol(self, **options: Any) -> dict[str, Any]:
        self.harness.login = self.harness.accounts.carol.by_password
        return {"client_id": self.client_id, "state": "accepted", **options}

    def in_file(self, **options: Any) -> dict[str, Any]:
        return self.by_carol(**{"token_path": str(self.harness.token_path), **options})

    def assign(self, scope: str = "repo:read", client_id: str | None = None) -> str:
        """Assign a token to carol in alice's browser. Returns the uuid of the assignment."""
        before = self.pending().keys()
        query = {
            "response_type": "token",
            "client_id": client_id or self.client_id,
            "redirect_uri": f"{self.harness.quay.url}/oauth/localapp",
            "scope": scope,
            "username": "carol",
            "format": "json",
        }
        self.harness.accounts.alice.browser().call("POST", ASSIGN.split()[1], params=query)
        (uuid,) = self.pending().keys() - before
        return uuid

    def pending(self) -> dict[str, Assignment]:
        found = self.harness.quay.state.assignments.values()
        return {item.uuid: item for item in found if item.username == "carol"}

    def valid(self) -> dict[str, OAuthToken]:
        """Carol's valid tokens of the application, by uuid."""
        found = self.harness.valid_tokens(self.client_id)
        return {uuid: token for uuid, token in found.items() if token.username == "carol"}

    def accept(self, scope: str = "repo:read", **options: Any) -> str:
        """Carol accepts a token into her file. Returns its uuid."""
        self.assign(scope)
        result = self.harness.run(MODULE, self.in_file(**options))
        assert not result.failed, result.message
        return str(result["uuid"])


@pytest.fixture
def assigned(harness: Harness) -> Assigned:
    return Assigned(harness)


# --- assigned


def test_token_is_assigned_once(assigned: Assigned) -> None:
    harness = assigned.harness
    runs = harness.four_runs(MODULE, assigned.by_alice())
    assert runs.requests[0] == [*assigned.look, *assigned.checks]
    assert runs.requests[1] == [*assigned.look, *assigned.checks, ASSIGN]
    assert runs.requests[2] == runs.requests[3] == [*assigned.look, LOGS]
    (pending,) = assigned.pending().values()
    assert (pending.client_id, pending.scope, pending.response_type) == (assigned.client_id, "repo:read", "token")
    assert pending.redirect_uri == f"{harness.quay.url}/oauth/localapp"
    assert runs.first.content == {
        "token": None,
        "name": "automation",
        "username": "$oauthtoken",
        "registry": f"127.0.0.1:{harness.quay.port}",
        "api_url": f"{harness.quay.url}/api/v1",
        "organization": "acme",
        "client_id": assigned.client_id,
        "scopes": ["repo:read"],
        "uuid": None,
        "created_at": None,
        "expires_at": None,
        "last_accessed": None,
        "age_source": None,
        "fingerprint": None,
        "reason": "missing",
        "due": False,
        "assignment": None,
        "assigned_at": None,
        "declined": [],
        "minted": False,
        "delivered": [],
        "retired": [],
        "deleted": [],
        "removed": [],
        "superseded": [],
    }
    assert runs.first.diff == {
        "before": {"for_user": "carol", "token": "absent"},
        "after": {"for_user": "carol", "token": "assigned"},
    }
    assert (runs.second["reason"], harness.is_now(runs.second["assigned_at"])) == ("not_due", True)
    assert runs.second.warned(f"A token of the application {assigned.client_id} was assigned to carol at")
    assert runs.second.warned("It counts as pending, so nothing was assigned")
    assert not runs.first.warned("was assigned to carol")


def test_application_by_its_name(assigned: Assigned) -> None:
    arguments = assigned.by_alice(client_id=None, organization="acme", application="automation")
    runs = assigned.harness.four_runs(MODULE, arguments)
    listed = "GET /api/v1/organization/acme/applications"
    look = [CONFIG, *SIGN_IN, listed, assigned.tokens, COUNTS]
    assert runs.requests[1] == [*look, *assigned.checks, ASSIGN]
    assert runs.first["client_id"] == assigned.client_id
    assert len(assigned.pending()) == 1


def test_accepted_token_is_not_assigned_again(assigned: Assigned) -> None:
    uuid = assigned.accept()
    runs = assigned.harness.four_runs(MODULE, assigned.by_alice())
    assert not runs.first.changed
    if assigned.harness.quay.quay.family == "3.18":
        assert runs.requests == [[CONFIG, assigned.app, *SIGN_IN, assigned.tokens]] * 4
        assert (runs.first["uuid"], runs.first["age_source"]) == (uuid, "quay")
        assert not runs.first.warned("was assigned to carol")
    else:
        assert runs.requests == [[*assigned.look, LOGS]] * 4
        assert runs.first["uuid"] is None
        assert runs.first.warned("It counts as pending")
    assert assigned.pending() == {}


def test_other_scopes_are_assigned_in_addition_to_an_accepted_token(assigned: Assigned) -> None:
    if assigned.harness.quay.quay.family == "3.17":
        # There, what was accepted cannot be told from what is pending.
        assigned.harness.run(MODULE, assigned.by_alice(rotate="always"))
    assigned.accept()
    assigned.harness.advance(seconds=5)
    arguments = assigned.by_alice(scopes=["repo:write", "repo:read"])
    if assigned.harness.quay.quay.family == "3.17":
        assert not assigned.harness.run(MODULE, arguments).changed
        return
    assigned.harness.four_runs(MODULE, arguments)
    assert [item.scope for item in assigned.pending().values()] == ["repo:read repo:write"]


def test_assignment_is_repeated_when_it_is_no_longer_pending(assigned: Assigned) -> None:
    harness = assigned.harness
    arguments = assigned.by_alice(pending_for="10d")
    harness.run(MODULE, arguments)
    harness.advance(days=9)
    assert not harness.run(MODULE, arguments).changed
    harness.advance(days=2)
    assert harness.four_runs(MODULE, arguments).first.changed
    assert len(assigned.pending()) == 2


def test_without_pending_for_the_logs_are_not_read(assigned: Assigned) -> None:
    runs = assigned.harness.four_runs(MODULE, assigned.by_alice(pending_for="0"), idempotent=False)
    assert runs.requests[3] == [CONFIG, assigned.app, *SIGN_IN, assigned.tokens, *assigned.checks, ASSIGN]
    assert len(assigned.pending()) == 2


def test_forced_assignment(assigned: Assigned) -> None:
    runs = assigned.harness.four_runs(MODULE, assigned.by_alice(rotate="always"), idempotent=False)
    assert (runs.second["reason"], runs.second.changed, len(assigned.pending())) == ("forced", True, 2)


def test_assignments_of_others_do_not_count(assigned: Assigned) -> None:
    """Neither those to another user, nor those of another application, nor those that another administrator made."""
    harness = assigned.harness
    assigned.assign(client_id=harness.accounts.console)
    harness.run(MODULE, assigned.by_alice(for_user="bob"))
    alice = harness.accounts.alice.browser()
    alice.call("PUT", "/api/v1/organization/acme/team/owners/members/bob")
    arguments = assigned.by_alice()
    harness.login = harness.accounts.bob.by_password
    assert harness.run(MODULE, arguments).changed
    assert harness.four_runs(MODULE, assigned.by_alice()).first.changed
    assert [item.client_id for item in assigned.pending().values()].count(assigned.client_id) == 2


def test_logs_that_cannot_be_searched(assigned: Assigned) -> None:
    harness = assigned.harness
    harness.quay.config["FEATURE_AGGREGATED_LOG_COUNT_RETRIEVAL"] = False
    runs = harness.four_runs(MODULE, assigned.by_alice(), idempotent=False)
    assert runs.second.changed
    assert runs.second.warned("Whether a token was assigned before is unknown, so one is assigned")


def test_disabled_user(assigned: Assigned) -> None:
    """Quay does not show that a user is disabled, so only a real run finds out."""
    assigned.harness.quay.state.users["carol"].enabled = False
    result = assigned.harness.run(MODULE, assigned.by_alice())
    assert result.failed
    assert "for_user: " in result.message
    assert "has no enabled user 'carol'" in result.message
    assert assigned.pending() == {}


def test_superuser_who_is_a_member(assigned: Assigned) -> None:
    """Quay shows a superuser as an administrator, and refuses the request."""
    harness = assigned.harness
    harness.accounts.alice.browser().call("PUT", "/api/v1/organization/acme/team/readers/members/root")
    arguments = assigned.by_alice()
    harness.login = harness.accounts.root.by_password
    result = harness.run(MODULE, arguments)
    assert result.failed
    assert "Quay answered 403" in result.message
    assert "The login does not administer the organization acme as a member of a team" in result.message
    assert assigned.pending() == {}


@each_fault
def test_lost_response_to_an_assignment(assigned: Assigned, fault: str) -> None:
    harness = assigned.harness
    has_effect = add_fault(harness, fault, "POST", "/oauth/authorize/assignuser")
    result = harness.run(MODULE, assigned.by_alice(retries=1))
    assert harness.requests.count(ASSIGN) == 1
    assert result.failed == (not has_effect)
    assert len(assigned.pending()) == has_effect
    again = harness.run(MODULE, assigned.by_alice())
    assert again.changed == (not has_effect)
    assert len(assigned.pending()) == 1


# --- accepted


def test_token_is_accepted_into_a_file(assigned: Assigned) -> None:
    harness = assigned.harness
    assignment = assigned.assign("repo:write repo:read")
    runs = harness.four_runs(MODULE, assigned.in_file())
    before = [assigned.app, CONFIG, *SIGN_IN, ASSIGNED, AUTHORIZATIONS]
    assert runs.requests[0] == before
    assert runs.requests[1] == [*before, AUTHORIZE, VERIFY]
    assert runs.requests[2] == runs.requests[3] == [assigned.app, VERIFY, *SIGN_IN, AUTHORIZATIONS]
    ((uuid, token),) = assigned.valid().items()
    assert (set(token.scope.split()), token.name) == ({"repo:read", "repo:write"}, None)
    assert harness.is_oauth_token(uuid, harness.stored_fingerprint())
    assert harness.token_record()["uuid"] == uuid
    assert assigned.pending() == {}
    first = runs.first
    assert (first["reason"], first["minted"], first["due"]) == ("missing", True, True)
    assert (first["uuid"], first["assignment"], first["token"]) == (uuid, assignment, None)
    assert (first["name"], first["organization"], first["scopes"]) == (
        "automation",
        "acme",
        ["repo:read", "repo:write"],
    )
    assert first["delivered"] == [str(harness.token_path)]
    assert first.diff == {
        "before": {
            "name": "automation",
            "token": "absent",
            "scopes": None,
            "assignment": "pending",
            **harness.deliver_diff("absent"),
        },
        "after": {
            "name": "automation",
            "token": "new",
            "scopes": ["repo:read", "repo:write"],
            "assignment": "accepted",
            **harness.deliver_diff("new"),
        },
    }
    second = runs.second
    assert (second["reason"], second["due"], second["assignment"], second["uuid"]) == ("not_due", False, None, uuid)
    assert (second["age_source"], second["scopes"]) == ("record", ["repo:read", "repo:write"])


def test_token_is_accepted_and_returned(assigned: Assigned) -> None:
    harness = assigned.harness
    assigned.assign()
    result = harness.run(MODULE, assigned.by_carol())
    (uuid,) = assigned.valid()
    assert harness.is_oauth_token(uuid, result.token)
    kept = harness.four_runs(MODULE, assigned.by_carol(current_token=result.values["token"]))
    assert (kept.first["reason"], kept.first["token"]) == ("not_due", None)


def test_valid_token_is_kept_and_nothing_is_used_up(assigned: Assigned) -> None:
    uuid = assigned.accept()
    pending = assigned.assign()
    runs = assigned.harness.four_runs(MODULE, assigned.in_file(scopes=["repo:read"]))
    assert (runs.first["reason"], runs.first["uuid"], runs.first.changed) == ("not_due", uuid, False)
    assert assigned.pending().keys() == {pending}


def _revoked(assigned: Assigned) -> dict[str, Any]:
    uuid = assigned.accept()
    assigned.harness.accounts.carol.browser().call("DELETE", f"/api/v1/user/authorizations/{uuid}")
    return {}


def _accepted(assigned: Assigned, *, scope: str = "repo:read", days: float = 0, **options: Any) -> dict[str, Any]:
    assigned.accept(scope)
    assigned.harness.advance(days=days)
    return options


REASONS: dict[str, Callable[[Assigned], dict[str, Any]]] = {
    "missing": lambda _assigned: {},
    "forced": lambda assigned: _accepted(assigned, rotate="always"),
    "invalid": _revoked,
    "expired": lambda assigned: _accepted(assigned, days=3653),
    "scopes_changed": lambda assigned: _accepted(assigned, scope="repo:write", scopes=["repo:read"]),
    "expiring": lambda assigned: _accepted(assigned, days=3640),
    "too_old": lambda assigned: _accepted(assigned, days=91, max_age="90d"),
}


@pytest.mark.parametrize("reason", REASONS)
def test_reason_to_accept_another_token(assigned: Assigned, reason: str) -> None:
    options = REASONS[reason](assigned)
    former = set(assigned.valid())
    pending = [assigned.assign(), assigned.assign()]
    runs = assigned.harness.four_runs(MODULE, assigned.in_file(**options), idempotent=reason != "forced")
    assert runs.predicted["reason"] == runs.first["reason"] == reason
    assert runs.first["due"]
    assert set(runs.first["retired"]) == former
    assert runs.first["assignment"] in pending
    assert assigned.valid().keys() == {runs.second["uuid"]}
    assert len(assigned.pending()) == (0 if reason == "forced" else 1)


def test_reasons_are_documented() -> None:
    own = {"absent", "not_due", "undelivered"}
    assert documented_reasons(MODULE) == REASONS.keys() | own


def test_replaced_token_stays_valid_for_a_while(assigned: Assigned) -> None:
    former = assigned.accept()
    assigned.assign()
    arguments = assigned.in_file(rotate="always", retire_after="2d")
    result = assigned.harness.run(MODULE, arguments)
    assert (result["superseded"], result["retired"]) == ([former], [])
    assert assigned.valid().keys() == {former, result["uuid"]}
    assigned.harness.advance(days=3)
    later = assigned.harness.four_runs(MODULE, {**arguments, "rotate": "when_due"})
    assert later.first["retired"] == [former]
    assert assigned.valid().keys() == {result["uuid"]}


@pytest.mark.parametrize("scopes", [["repo:write"], ["repo:read", "repo:write"]], ids=str)
def test_other_scopes_than_those_assigned_are_refused(assigned: Assigned, scopes: list[str]) -> None:
    uuid = assigned.assign()
    words = f"What is assigned has other scopes than {' '.join(scopes)}: {uuid} has repo:read"
    assert_refused(assigned.harness, MODULE, assigned.by_carol(scopes=scopes), words)
    assert assigned.pending().keys() == {uuid}


def test_one_of_several_assignments(assigned: Assigned) -> None:
    harness = assigned.harness
    read, write = assigned.assign("repo:read"), assigned.assign("repo:write")
    words = "Tokens with different scopes are assigned", "Select one by scopes or uuid"
    assert_refused(harness, MODULE, assigned.by_carol(), *words)
    result = harness.run(MODULE, assigned.in_file(uuid=write))
    assert (result["assignment"], result["scopes"]) == (write, ["repo:write"])
    result = harness.run(MODULE, assigned.by_carol(scopes=["repo:read"]))
    assert (result["assignment"], result["scopes"]) == (read, ["repo:read"])
    assert assigned.pending() == {}


@pytest.mark.parametrize("options", [{}, {"uuid": UNKNOWN}, {"scopes": ["repo:read"]}], ids=str)
def test_nothing_is_assigned(assigned: Assigned, options: dict[str, Any]) -> None:
    assigned.assign(client_id=assigned.harness.accounts.console)
    words = (
        f"No token of the application {assigned.client_id}",
        "is assigned to the signed-in user. An administrator of the organization acme assigns one",
    )
    message = assert_refused(assigned.harness, MODULE, assigned.by_carol(**options), *words)
    assert "its secret is lost" not in message


def test_nothing_is_assigned_although_a_token_would_be_due(assigned: Assigned) -> None:
    uuid = assigned.accept()
    assigned.harness.advance(days=91)
    arguments = assigned.in_file(max_age="90d", assignment_required=False)
    runs = assigned.harness.four_runs(MODULE, arguments)
    assert not runs.first.changed
    assert (runs.first["due"], runs.first["assignment"], runs.first["reason"]) == (True, None, "too_old")
    assert runs.first["uuid"] == uuid
    assert runs.first.warned("Nothing was changed")
    assert assigned.valid().keys() == {uuid}


def test_token_of_another_user_in_the_file(assigned: Assigned) -> None:
    """The token of the administrator is replaced, but only its user can revoke it."""
    harness = assigned.harness
    secret = harness.accounts.alice.token(assigned.client_id, "repo:read")
    harness.store_secret(secret)
    (former,) = harness.valid_tokens(assigned.client_id)
    arguments = assigned.by_carol(state="absent", current_token=secret)
    assert_refused(harness, MODULE, arguments, f"The stored token {former} is valid, but it belongs to another user")
    assert harness.run(MODULE, assigned.in_file(state="absent")).failed
    assert fingerprint(secret) == harness.stored_fingerprint()
    assigned.assign()
    runs = harness.four_runs(MODULE, assigned.in_file())
    assert (runs.first["reason"], runs.first["retired"], runs.first["superseded"]) == ("invalid", [], [])
    assert runs.first.warned(f"The stored token {former} is valid, but it belongs to another user")
    assert former in harness.valid_tokens(assigned.client_id)
    assert harness.is_oauth_token(runs.first["uuid"], harness.stored_fingerprint())


def test_token_of_another_application_in_the_file(assigned: Assigned) -> None:
    harness = assigned.harness
    console = harness.accounts.console
    assigned.assign(client_id=console)
    other = harness.run(MODULE, assigned.in_file(client_id=console))["uuid"]
    assigned.assign()
    runs = harness.four_runs(MODULE, assigned.in_file())
    assert runs.first["reason"] == "invalid"
    assert other in harness.valid_tokens(console)


# A redirect is complete in its headers, so it cannot break off.
@pytest.mark.parametrize("fault", sorted(FAULTS.keys() - {"answer breaks off"}))
def test_lost_response_to_an_acceptance(assigned: Assigned, fault: str) -> None:
    """It is not repeated. The message says what Quay did, and with what its user can repair it."""
    harness = assigned.harness
    has_effect = add_fault(harness, fault, "POST", "/oauth/authorizeapp")
    pending = assigned.assign()
    result = harness.run(MODULE, assigned.in_file(retries=1))
    assert harness.requests.count(AUTHORIZE) == 1
    assert result.failed
    assert not harness.token_path.exists()
    if not has_effect:
        assert assigned.pending().keys() == {pending}
        assert assigned.valid() == {}
        assert "The token is still assigned, and no credential was replaced. Run the task again" in result.message
        assert not harness.run(MODULE, assigned.in_file()).failed
        return
    (lost,) = assigned.valid()
    assert f"Quay issued the token {lost}, whose secret is lost" in result.message
    words = ("No token of the application", f"does not hold ({lost})", "its secret is lost")
    assert_refused(harness, MODULE, assigned.by_carol(), *words)
    assert harness.run(MODULE, assigned.by_carol(state="absent", uuid=lost)).changed
    assigned.assign()
    repaired = harness.four_runs(MODULE, assigned.in_file())
    assert assigned.valid().keys() == {repaired.first["uuid"]}


def test_lost_token_is_named_when_another_one_is_accepted(assigned: Assigned) -> None:
    harness = assigned.harness
    assigned.assign()
    add_fault(harness, "cut after the effect", "POST", "/oauth/authorizeapp")
    assert harness.run(MODULE, assigned.in_file()).failed
    (lost,) = assigned.valid()
    assigned.assign()
    runs = harness.four_runs(MODULE, assigned.in_file())
    for run in (runs.predicted, runs.first):
        (warning,) = [text for text in run.warnings if "its secret is lost" in text]
        assert f"does not hold ({lost})" in warning
    assert not runs.second.warned("its secret is lost")
    assert assigned.valid().keys() == {lost, runs.first["uuid"]}


def test_acceptance_whose_response_and_result_are_unknown(assigned: Assigned) -> None:
    assigned.assign()
    add_fault(assigned.harness, "cut after the effect", "POST", "/oauth/authorizeapp")
    assigned.harness.quay.faults.add("cut_before", method="GET", path="/assignedauthorization", nth=2, times=None)
    result = assigned.harness.run(MODULE, assigned.in_file())
    assert result.failed
    assert "It is unknown whether Quay issued the token" in result.message
    assert assigned.harness.requests.count(AUTHORIZE) == 1


def test_assignment_that_another_run_takes_first(assigned: Assigned) -> None:
    harness = assigned.harness
    assigned.assign()
    harness.before_request("POST /oauth/authorizeapp", harness.quay.state.assignments.clear)
    result = harness.run(MODULE, assigned.in_file())
    assert result.failed
    assert "Quay refused to authorize" in result.message
    assert assigned.valid() == {}
    assert not harness.token_path.exists()


def test_token_is_delivered_to_several_stores(assigned: Assigned) -> None:
    harness = assigned.harness
    paths = [harness.folder / "one", harness.folder / "two"]
    assigned.assign()
    arguments = assigned.by_carol(deliver=[{"kind": "file", "path": str(path)} for path in paths])
    runs = harness.four_runs(MODULE, arguments)
    assert runs.first["delivered"] == [str(path) for path in paths]
    paths[1].unlink()
    repaired = harness.four_runs(MODULE, arguments)
    assert (repaired.first["reason"], repaired.first["minted"]) == ("undelivered", False)
    assert paths[0].read_text() == paths[1].read_text()


def test_store_that_cannot_be_written(assigned: Assigned) -> None:
    pending = assigned.assign()
    arguments = assigned.in_file(token_path=str(assigned.harness.folder / "none" / "token"))
    assert_refused(assigned.harness, MODULE, arguments, "none")
    assert assigned.pending().keys() == {pending}


# --- declined


def test_assignments_are_declined(assigned: Assigned) -> None:
    harness = assigned.harness
    other = assigned.assign(client_id=harness.accounts.console)
    declined = [assigned.assign(), assigned.assign("repo:write")]
    runs = harness.four_runs(MODULE, assigned.by_carol(state="declined"))
    assert set(runs.requests[1][-2:]) == {f"DELETE /api/v1/user/assignedauthorization/{uuid}" for uuid in declined}
    assert (set(runs.first["declined"]), runs.first["reason"]) == (set(declined), "absent")
    assert runs.first.diff == {"before": {"assignments": runs.first["declined"]}, "after": {"assignments": []}}
    assert (runs.second["declined"], runs.second["reason"]) == ([], "not_due")
    assert runs.requests[3] == [assigned.app, *SIGN_IN, ASSIGNED]
    assert assigned.pending().keys() == {other}


@pytest.mark.parametrize("options", [{"scopes": ["repo:write"]}, {"uuid": "of write"}, {"uuid": "alone"}], ids=str)
def test_one_assignment_is_declined(assigned: Assigned, options: dict[str, Any]) -> None:
    read, write = assigned.assign(), assigned.assign("repo:write")
    if "uuid" in options:
        options = {"uuid": write, **({"client_id": None} if options["uuid"] == "alone" else {})}
    runs = assigned.harness.four_runs(
        MODULE, assigned.by_carol(state="declined", **options), unknown={"organization", "client_id"}
    )
    assert runs.first["declined"] == [write]
    assert (runs.first["organization"], runs.first["client_id"]) == ("acme", assigned.client_id)
    assert runs.first["name"] == "automation"
    assert assigned.pending().keys() == {read}


def test_declined_meanwhile(assigned: Assigned) -> None:
    assigned.assign()
    assigned.harness.before_request("DELETE ", assigned.harness.quay.state.assignments.clear)
    assert not assigned.harness.run(MODULE, assigned.by_carol(state="declined")).failed


def test_decline_and_revoke_with_a_token(assigned: Assigned) -> None:
    harness = assigned.harness
    assigned.assign("user:admin")
    accepted = harness.run(MODULE, assigned.by_carol())
    assigned.assign()
    harness.login = {"quay_token": accepted.values["token"]}
    arguments = {"client_id": assigned.client_id, "state": "declined"}
    assert harness.four_runs(MODULE, arguments).first.changed
    assert assigned.pending() == {}
    listed = harness.run(INFO, {})
    assert listed["assignments"] == []
    revoked = harness.run(MODULE, {**arguments, "state": "absent", "uuid": accepted["uuid"]})
    assert revoked["retired"] == [accepted["uuid"]]
    assert assigned.valid() == {}


# --- absent


def test_stored_token_is_revoked(assigned: Assigned) -> None:
    harness = assigned.harness
    uuid = assigned.accept()
    other = assigned.assign()
    runs = harness.four_runs(MODULE, assigned.in_file(state="absent"))
    assert (runs.first["reason"], runs.first["retired"]) == ("absent", [uuid])
    assert runs.first["removed"] == [str(harness.token_path)]
    assert runs.requests[1] == [
        assigned.app,
        VERIFY,
        *SIGN_IN,
        AUTHORIZATIONS,
        CONFIG,
        f"DELETE /api/v1/user/authorizations/{uuid}",
    ]
    assert assigned.valid() == {}
    assert list(harness.folder.iterdir()) == []
    assert assigned.pending().keys() == {other}


def test_token_is_revoked_by_its_uuid(assigned: Assigned) -> None:
    uuid = assigned.accept()
    runs = assigned.harness.four_runs(MODULE, assigned.by_carol(state="absent", uuid=uuid))
    assert runs.first["retired"] == [uuid]
    assert assigned.valid() == {}


def test_uuid_of_another_token_than_the_one_in_the_file(assigned: Assigned) -> None:
    uuid = assigned.accept()
    assigned.harness.token_path.unlink()
    held = assigned.accept()
    arguments = assigned.in_file(state="absent", uuid=uuid)
    assert_kept(assigned.harness, MODULE, arguments, f"names the token {uuid}", f"hold the token {held}")
    assert assigned.valid().keys() == {uuid, held}


def test_token_of_another_user_is_not_revoked_by_its_uuid(assigned: Assigned) -> None:
    assigned.harness.accounts.alice.token(assigned.client_id, "repo:read")
    (uuid,) = assigned.harness.valid_tokens(assigned.client_id)
    assert not assigned.harness.four_runs(MODULE, assigned.by_carol(state="absent", uuid=uuid)).first.changed
    assert uuid in assigned.harness.valid_tokens(assigned.client_id)


# --- list


def test_list(assigned: Assigned) -> None:
    harness = assigned.harness
    console = assigned.assign(client_id=harness.accounts.console)
    write, read = assigned.assign("repo:write repo:read"), assigned.assign()
    assigned.by_carol()
    runs = harness.four_runs(INFO, {})
    assert runs.requests == [[*SIGN_IN, ASSIGNED]] * 4
    assert [item["uuid"] for item in runs.first["assignments"]] == [read, write, console]
    assert runs.first["assignments"][1] == {
        "uuid": write,
        "organization": "acme",
        "application": "automation",
        "client_id": assigned.client_id,
        "scopes": ["repo:read", "repo:write"],
        "redirect_uri": f"{harness.quay.url}/oauth/localapp",
    }
    filtered = harness.run(INFO, {"client_id": harness.accounts.console})
    assert [item["uuid"] for item in filtered["assignments"]] == [console]


# --- what is refused

NEEDS_PASSWORD = "needs quay_username and quay_password of"
REFUSED: dict[str, tuple[str, dict[str, Any], dict[str, Any], str]] = {
    "assigned by a bearer": ("bearer", {}, {}, f"state=assigned {NEEDS_PASSWORD} an administrator"),
    "accepted by a bearer": ("bearer", {}, {"state": "accepted"}, f"state=accepted {NEEDS_PASSWORD} the user"),
    "assigned by a robot": ("robot", {}, {}, "is the name of a robot, which can log in to the registry only"),
    "assigned by a member": ("carol", {}, {}, "403"),
    "assigned by a superuser": ("root", {}, {}, "does not administer the organization acme as a member of a team"),
    "assigned with the feature off": ("alice", {"FEATURE_ASSIGN_OAUTH_TOKEN": False}, {}, "ASSIGN_OAUTH_TOKEN is off"),
    "accepted with the feature off": (
        "carol",
        {"FEATURE_ASSIGN_OAUTH_TOKEN": False},
        {"state": "accepted"},
        "does not offer assigned tokens (FEATURE_ASSIGN_OAUTH_TOKEN is off)",
    ),
    "declined with the feature off": (
        "carol",
        {"FEATURE_ASSIGN_OAUTH_TOKEN": False},
        {"state": "declined"},
        "does not offer assigned tokens (FEATURE_ASSIGN_OAUTH_TOKEN is off)",
    ),
    "assigned in a read-only registry": ("alice", {"REGISTRY_STATE": "readonly"}, {}, "the registry is read-only"),
    "accepted in a read-only registry": (
        "carol",
        {"REGISTRY_STATE": "readonly"},
        {"state": "accepted"},
        "the registry is read-only",
    ),
    "unknown user": ("alice", {}, {"for_user": "nobody"}, "has no user 'nobody'"),
    "unknown client id": ("alice", {}, {"client_id": "NOPE"}, "has no application with the client id 'NOPE'"),
    "unknown application": (
        "alice",
        {},
        {"client_id": None, "organization": "acme", "application": "nope"},
        "has no application named 'nope'",
    ),
    "application of another organization": (
        "alice",
        {},
        {"organization": "rival"},
        "belongs to the organization acme, not rival",
    ),
    "without a user": ("alice", {}, {"for_user": None}, "state=assigned needs for_user"),
    "without scopes": ("alice", {}, {"scopes": None}, "state=assigned needs for_user"),
    "without an application": ("alice", {}, {"client_id": None}, "Name the application by client_id, or by"),
    "assigned into a file": (
        "alice",
        {},
        {"token_path": "/tmp/token"},
        "token_path cannot be used with state=assigned. Only the user who accepts the token gets its secret",
    ),
    "assigned by uuid": ("alice", {}, {"uuid": UNKNOWN}, "uuid cannot be used with state=assigned. It has no effect"),
    "accepted by another user": (
        "alice",
        {},
        {"state": "accepted"},
        "for_user is carol, but the login is alice. With state=accepted, the login must be that of the user",
    ),
    "accepted by the name of the application": (
        "carol",
        {},
        {"state": "accepted", "client_id": None, "organization": "acme", "application": "automation"},
        "state=accepted: name the application by client_id. Quay lets only administrators",
    ),
    "declined into a file": (
        "carol",
        {},
        {"state": "declined", "token_path": "/tmp/token", "max_age": "1d"},
        "token_path and max_age cannot be used with state=declined",
    ),
    "declined without an application": (
        "carol",
        {},
        {"state": "declined", "client_id": None},
        "state=declined: name the application by client_id or the token by uuid",
    ),
    "absent without a token": (
        "carol",
        {},
        {"state": "absent", "scopes": None},
        "state=absent: name the token to revoke by uuid, current_token, token_path or deliver",
    ),
    "contradictory revocation": (
        "carol",
        {},
        {"state": "accepted", "revoke_superseded": False, "retire_after": "2d"},
        "Leave one of them out",
    ),
    "renewed at once": ("carol", {}, {"state": "accepted", "renew_before": "5000d"}, "must be shorter than"),
    "pending for a number": ("alice", {}, {"pending_for": "3"}, "pending_for"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(assigned: Assigned, case: str) -> None:
    harness = assigned.harness
    who, config, options, words = REFUSED[case]
    arguments = {**assigned.by_alice(), **options}
    harness.login = {
        "bearer": {"quay_token": harness.accounts.alice_token},
        "robot": {"quay_username": "acme+ci", "quay_password": harness.accounts.robot_token},
    }.get(who) or getattr(harness.accounts, who).by_password
    harness.quay.config.update(config)
    assert_refused(harness, MODULE, arguments, words)
    assert assigned.pending() == {}


@pytest.mark.parametrize("config", [{"FEATURE_ASSIGN_OAUTH_TOKEN": False}, {}], ids=["feature off", "scope"])
def test_list_that_is_refused(assigned: Assigned, config: dict[str, Any]) -> None:
    harness = assigned.harness
    harness.quay.config.update(config)
    words = "does not offer assigned tokens (FEATURE_ASSIGN_OAUTH_TOKEN is off)"
    if not config:
        harness.login = harness.accounts.alice.by_token(harness.accounts.console, "org:admin")
        words = "lacks the permission or the scope user:admin"
    assert_refused(harness, INFO, {}, words)
