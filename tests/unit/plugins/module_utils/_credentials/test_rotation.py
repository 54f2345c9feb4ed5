# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rotation of many credentials by one process: what each module is called with, and what is returned."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Callable, Mapping

import pytest

from ansible_collections.tokensmith.quay.plugins.module_utils._core.credential import Credential, Record, fingerprint
from ansible_collections.tokensmith.quay.plugins.module_utils._core.errors import BadInput
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials import rotation
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.kind import Kind
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.kinds import KINDS
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.rotation import run_rotation
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.token_info import Status
from ansible_collections.tokensmith.quay.plugins.module_utils._http.auth import BearerAuth, SessionAuth
from ansible_collections.tokensmith.quay.plugins.module_utils._module.context import ModuleContext, Result
from ansible_collections.tokensmith.quay.plugins.module_utils._quay.robots import Robot
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.contract import Delivery
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.holders import Fleet
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.kinds import store_from_options
from ansible_collections.tokensmith.quay.tests.unit.plugins.deliveries import DELIVERY, SECRET
from ansible_collections.tokensmith.quay.tests.unit.plugins.fake_quay import ORIGIN, FakeQuay, ok
from ansible_collections.tokensmith.quay.tests.unit.plugins.robots import (
    robot_list,
    robot_reply,
    verified,
)
from ansible_collections.tokensmith.quay.tests.unit.plugins.rotations import module_context

NOW = datetime(2026, 11, 22, 9, 30, 0, tzinfo=timezone.utc)
DAY = timedelta(days=1)
FORMER, PRESENT = "FORMER" * 10, "PRESENT" * 9

# The options of quay_rotation, as AnsibleModule returns them.
OPTIONS: dict[str, Any] = {
    "quay_host": ORIGIN,
    "quay_token": "login",
    "quay_token_path": None,
    "quay_username": None,
    "quay_password": None,
    "validate_certs": True,
    "ca_path": None,
    "timeout": 10.0,
    "retries": 0,
    "phase": "rotate",
    "force": [],
    "compromised": [],
    "forced_before": False,
    "minted_before": [],
    "parallel": 1,
    "batch": 0,
    "missing_hosts": "wait",
    "logins": None,
    "store_logins": None,
}
# What the status of a credential and the result of its module have in common with the return value.
STATUS: dict[str, Any] = {
    "kind": "robot",
    "reason": "too_old",
    "message": "age 91 days, limit 90 days",
    "action": "mint",
    "error": None,
    "is_login": False,
    "fingerprint": None,
    "expires_at": None,
}
VALUES: dict[str, Any] = {"reason": "too_old", "minted": True, "delivered": [], "fingerprint": "f1", "token": None}


def robot(name: str = "acme+ci", **options: Any) -> dict[str, Any]:
    """A credential as the action of the rotation combines it from the hosts."""
    return {"name": name, "kind": "robot", "deliver": [], "consumers": [], "missing": [], "out_of_reach": [], **options}


def consumer(host: str = "a", entry: int = 0, **inspected: Any) -> dict[str, Any]:
    """A file of a host, with what it holds."""
    options = {"kind": "file", "path": "/etc/ci/quay", "format": "json"}
    found: dict[str, Any] = {
        "place": options["path"],
        "part": "",
        "error": None,
        "warnings": [],
        "fingerprint": None,
        "username": None,
    }
    found.update(record=None, permissions_match=True, foreign=False, removable=True)
    return {**found, "host": host, "entry": entry, "options": options, **inspected}


def holds(secret: str, username: str = "acme+ci") -> dict[str, Any]:
    """What a host's file holds after a delivery."""
    return {"fingerprint": fingerprint(secret), "username": username, "record": {"fingerprint": fingerprint(secret)}}


class Modules:
    """Stands for the modules of all kinds. Records what each is called with."""

    def __init__(self) -> None:
        self.contexts: list[ModuleContext] = []
        self.statuses: dict[str, dict[str, Any]] = {}
        self.present: dict[str, Credential] = {}
        self.outcomes: dict[str, Any] = {}  # by name: a Result, an exception, or a function of the context

    @property
    def names(self) -> list[str]:
        return [context.params["name"] for context in self.contexts]

    @property
    def params(self) -> dict[str, Any]:
        """The options of the only call."""
        (context,) = self.contexts
        return context.params

    def ensure(self, context: ModuleContext) -> Result:
        self.contexts.append(context)
        outcome = self.outcomes.get(context.params["name"], Result(True, VALUES))
        if isinstance(outcome, Exception):
            raise outcome
        return outcome(context) if callable(outcome) else outcome  # type: ignore[no-any-return]


def _with_fake(kind: Kind, fake: Modules) -> Kind:
    module = replace(kind.module(), ensure=fake.ensure)
    return replace(kind, module=lambda: module)


@pytest.fixture
def modules(monkeypatch: pytest.MonkeyPatch) -> Modules:
    fake = Modules()

    def statuses(_context: ModuleContext, observed: list[Mapping[str, Any]]) -> list[Status]:
        return [
            Status(
                {**STATUS, "name": item["name"], **fake.statuses.get(item["name"], {})}, fake.present.get(item["name"])
            )
            for item in observed
        ]

    monkeypatch.setattr(rotation, "KINDS", {name: _with_fake(kind, fake) for name, kind in KINDS.items()})
    monkeypatch.setattr(rotation, "declared_credentials", lambda _context, entries, _force: entries)
    monkeypatch.setattr(rotation, "statuses_of", statuses)
    return fake


Run = Callable[..., Result]


@pytest.fixture
def warnings() -> list[str]:
    return []


@pytest.fixture
def run(quay: FakeQuay, clock: datetime, warnings: list[str]) -> Run:
    assert clock == NOW

    def act(*credentials: dict[str, Any], check_mode: bool = False, **options: Any) -> Result:
        params = {**OPTIONS, "credentials": list(credentials), **options}
        context = module_context(quay, warnings, auth=BearerAuth("login"), check_mode=check_mode, params=params)
        return run_rotation(context)

    return act


def rows(result: Result) -> list[dict[str, Any]]:
    return list(result.values["results"])


def deliveries(result: Result) -> list[dict[str, Any]]:
    """What other machines have to deliver."""
    unpacked: list[dict[str, Any]] = result.values["deliveries"]
    return unpacked


def test_options_that_are_not_declared_have_the_defaults_of_their_module(run: Run, modules: Modules) -> None:
    run(robot(max_age="90d"))
    assert {
        name: modules.params[name] for name in ("max_age", "strategy", "copy_rights", "state", "rotate", "pair")
    } == {
        "max_age": "90d",
        "strategy": None,
        "copy_rights": True,
        "state": "present",
        "rotate": "when_due",
        "pair": None,
    }
    assert modules.params["quay_host"] == ORIGIN


def test_module_knows_the_hosts(run: Run, modules: Modules) -> None:
    given = robot(consumers=[consumer("a"), consumer("b", 2)], missing=["c (unreachable)"], out_of_reach=["d"])
    run(given, missing_hosts="proceed")
    assert [(store.place, store.entry) for store in modules.params["consumers"]] == [
        ("a:/etc/ci/quay", 0),
        ("b:/etc/ci/quay", 2),
    ]
    assert modules.params["fleet"] == Fleet(("c (unreachable)",), ("d",), proceeds=True, confirming=False)


def test_login_to_stores_is_added_and_a_declared_option_wins(run: Run, modules: Modules) -> None:
    stores = [{"kind": "file", "path": "/a"}, {"kind": "file", "path": "/b", "owner": "ci"}, {"kind": "container_auth"}]
    run(
        robot(deliver=stores),
        store_logins={"file": {"owner": "root"}, "kubernetes_secret": {"kubernetes_context": "c"}},
    )
    assert modules.params["deliver"] == [{**stores[0], "owner": "root"}, stores[1], stores[2]]


@pytest.mark.parametrize(
    ("kind", "options", "expected"),
    [
        ("robot", {"force": ["x"]}, ("always", "0")),
        ("api", {"force": ["x"]}, ("always", "0")),
        ("referrers", {"force": ["x"]}, ("always", None)),
        ("robot", {"force": ["x"], "compromised": ["x"]}, ("compromised", "0")),
        ("api", {"force": ["x"], "compromised": ["x"]}, ("always", "0")),
        ("robot", {"force": ["y"], "compromised": ["y"]}, ("when_due", "2d")),
        # An earlier batch has done it. What it replaced is retired at once.
        ("robot", {"force": ["x"], "forced_before": True}, ("when_due", "0")),
        ("robot", {"force": ["x"], "compromised": ["x"], "forced_before": True}, ("when_due", "0")),
        ("robot", {"force": ["x"], "phase": "confirm"}, ("never", "0")),
        ("robot", {"phase": "confirm"}, ("never", "2d")),
    ],
)
def test_when_it_is_rotated(
    run: Run, modules: Modules, kind: str, options: dict[str, Any], expected: tuple[str, str | None]
) -> None:
    given = robot("x", kind=kind, **({} if kind == "referrers" else {"retire_after": "2d"}))
    run(given, **options)
    assert (modules.params["rotate"], modules.params.get("retire_after")) == expected
    assert modules.params["fleet"].confirming is (options.get("phase") == "confirm")


def test_nothing_is_called_for_a_credential_that_is_not_due(run: Run, modules: Modules) -> None:
    modules.statuses["acme+ci"] = {"action": "nothing", "reason": "not_due", "message": "valid", "fingerprint": "f0"}
    result = run(robot(), robot("acme+due"))
    assert modules.names == ["acme+due"]
    assert [(row["name"], row["changed"], row["reason"]) for row in rows(result)] == [
        ("acme+ci", False, "not_due"),
        ("acme+due", True, "too_old"),
    ]
    assert result.changed is True
    assert run(robot()).changed is False


@pytest.mark.parametrize(
    ("given", "options"),
    [
        ({"permissions": [{"repository": "acme/app", "role": "read"}]}, {}),
        ({}, {"phase": "confirm"}),
    ],
)
def test_what_is_looked_at_although_it_is_not_due(run: Run, modules: Modules, given: Any, options: Any) -> None:
    modules.statuses["acme+ci"] = {"action": "nothing", "reason": "not_due"}
    run(robot(**given), **options)
    assert modules.names == ["acme+ci"]


def test_missing_host_costs_nothing_if_nothing_is_due(run: Run, modules: Modules) -> None:
    modules.statuses["acme+ci"] = {"action": "nothing", "reason": "not_due"}
    run(robot(missing=["c (unreachable)"]))
    assert modules.names == []


def test_permissions_of_an_absent_robot_are_not_looked_at(run: Run, modules: Modules) -> None:
    modules.statuses["acme+ci"] = {"action": "nothing", "reason": "not_due"}
    run(robot(permissions=[{"repository": "acme/app", "role": "read"}], state="absent"))
    assert modules.names == []


def test_failure_does_not_stop_the_others(run: Run, modules: Modules) -> None:
    modules.statuses["acme+broken"] = {"error": "its file is a link"}
    modules.outcomes["acme+refused"] = BadInput("pair needs two names")
    modules.outcomes["acme+defect"] = ValueError(SECRET)
    result = run(robot("acme+broken"), robot("acme+refused"), robot("acme+defect"), robot())
    errors = [row["error"] for row in rows(result)]
    assert errors[:2] == ["its file is a link", "pair needs two names"]
    assert errors[2].startswith("Internal error: ValueError in ensure")
    assert SECRET not in json.dumps(rows(result))
    assert errors[3] is None
    assert [row["changed"] for row in rows(result)] == [False, False, False, True]
    assert modules.names == ["acme+refused", "acme+defect", "acme+ci"]


def test_credential_with_which_the_run_signs_in_is_last(run: Run, modules: Modules) -> None:
    modules.statuses["rotator"] = {"is_login": True}
    result = run(robot("rotator", kind="api"), robot(), robot("acme+b"))
    assert modules.names == ["acme+ci", "acme+b", "rotator"]
    assert [row["name"] for row in rows(result)] == ["rotator", "acme+ci", "acme+b"]


# --- the login of the run


LOGIN_UUID = verified(context={"entity_kind": "oauthtoken", "entity_reference": "login"}, sub="ann")
NEEDS: dict[str, Any] = {
    "scopes": {
        "org:admin": {"names": ["rotator", "acme+ci"], "count": 2},
        "user:admin": {"names": ["acme+ci"], "count": 1},
    },
    "further": [],
    "complete": True,
}


def login_file(folder: Path) -> dict[str, Any]:
    """The options of a login that is read from a file."""
    path = folder / "login"
    path.write_text("login\n")
    return {"quay_token": None, "quay_token_path": str(path)}


def login_as(modules: Modules, *scopes: str, expires: timedelta = 90 * DAY, secret: str = "login") -> dict[str, Any]:
    """The credential ``rotator``, whose present token is the login of the run."""
    details = {"scopes": list(scopes)}
    modules.statuses["rotator"] = {"is_login": True}
    modules.present["rotator"] = Credential(
        "rotator", "$oauthtoken", secret, "u", NOW - 80 * DAY, NOW + expires, age_source="quay", details=details
    )
    return robot("rotator", kind="api", scopes=["org:admin", "user:admin"])


def test_login_that_no_store_shows_is_last(run: Run, modules: Modules, quay: FakeQuay) -> None:
    """A run that was killed has delivered its successor. One request shows that it is what is about to be revoked."""
    quay.answers(LOGIN_UUID)
    modules.statuses["rotator"] = {"action": "retire", "superseded": ["login"]}
    run(robot("rotator", kind="api"), robot())
    assert modules.names == ["acme+ci", "rotator"]
    assert modules.contexts[-1].login_uuid == "login"
    assert len(quay.requests) == 1


@pytest.mark.parametrize(
    ("kind", "status", "replies"),
    [
        ("api", {"action": "nothing", "superseded": ["login"]}, 0),
        ("api", {"action": "mint", "superseded": []}, 0),
        ("app", {"action": "mint", "superseded": ["login"]}, 0),
        ("api", {"action": "mint", "superseded": ["other"]}, 1),
        ("api", {"action": "mint", "superseded": ["login"], "is_login": True}, 0),
    ],
)
def test_login_is_asked_for_only_if_it_may_be_revoked(
    run: Run, modules: Modules, quay: FakeQuay, kind: str, status: dict[str, Any], replies: int
) -> None:
    quay.answers(*[LOGIN_UUID] * replies)
    modules.statuses["rotator"] = status
    run(robot("rotator", kind=kind), robot())
    assert len(quay.requests) == replies
    if not status.get("is_login"):
        assert modules.names == [
            name for name in ("rotator", "acme+ci") if name != "rotator" or status["action"] != "nothing"
        ]


def test_next_tasks_log_in_with_the_new_token(run: Run, modules: Modules) -> None:
    given = login_as(modules, "org:admin", "user:admin")
    modules.outcomes["rotator"] = Result(True, VALUES, secret=PRESENT)
    values = run(given, robot(), login_needs=NEEDS).values
    assert values["login_successor"] == {"fingerprint": fingerprint("login"), "token": PRESENT}
    assert PRESENT not in json.dumps(values["results"])
    # The run after it is given the former token still.
    run(given, login_successors=[values["login_successor"]])
    assert modules.contexts[-1].client.auth.headers("GET") == {"Authorization": f"Bearer {PRESENT}"}
    assert PRESENT in modules.contexts[-1].hidden
    run(given, login_successors=[{"fingerprint": fingerprint("another"), "token": PRESENT}])
    assert modules.contexts[-1].client.auth.headers("GET") == {"Authorization": "Bearer login"}


@pytest.mark.parametrize("secret", [None, "login"])
def test_nothing_replaces_a_login_that_stays(run: Run, modules: Modules, secret: str | None) -> None:
    """Check mode issues nothing."""
    given = login_as(modules, "org:admin")
    modules.outcomes["rotator"] = Result(True, VALUES, secret=secret)
    assert run(given).values["login_successor"] is None
    modules.outcomes["acme+ci"] = Result(True, VALUES, secret=PRESENT)
    assert run(given, robot()).values["login_successor"] is None


@pytest.mark.parametrize("check_mode", [False, True])
def test_login_must_keep_the_scopes_that_it_needs(run: Run, modules: Modules, check_mode: bool) -> None:
    given = {**login_as(modules, "org:admin", "user:admin", "repo:read"), "scopes": ["org:admin"]}
    result = run(given, robot(), login_needs=NEEDS, check_mode=check_mode)
    assert modules.names == ["acme+ci"]
    assert rows(result)[0]["error"] == (
        "Its token is the login of this run, and its scopes lack what the present token has and these credentials "
        "need: user:admin for acme+ci. The next run could not rotate them. Add the scopes to its declaration"
    )


@pytest.mark.parametrize(
    ("present", "declared"),
    [
        (["org:admin", "user:admin"], None),  # kept as they are
        (["org:admin", "user:admin"], ["all"]),
        # What the present token lacks already is no loss.
        (["org:admin"], ["org:admin"]),
        (["org:admin", "repo:read"], ["org:admin"]),
    ],
)
def test_scopes_of_the_login_that_are_enough(run: Run, modules: Modules, present: list[str], declared: Any) -> None:
    run({**login_as(modules, *present), "scopes": declared}, login_needs=NEEDS)
    assert modules.names == ["rotator"]


@pytest.mark.parametrize("action", ["mint", "retire"])
def test_login_must_be_delivered_to_where_it_is_read_from(
    run: Run, modules: Modules, tmp_path: Path, action: str
) -> None:
    given, of_file = login_as(modules, "org:admin"), login_file(tmp_path)
    modules.statuses["rotator"]["action"] = action
    elsewhere = {"kind": "file", "path": str(tmp_path / "other")}
    (row,) = rows(run({**given, "deliver": [elsewhere]}, check_mode=True, **of_file))
    assert row["error"] == (
        f"Its token is the login of this run, which is read from {tmp_path}/login, and deliver does not name that "
        "file. It would keep a revoked token. Add the file to deliver"
    )
    assert modules.names == []


@pytest.mark.parametrize(
    "more",
    [
        {"deliver": [{"kind": "file", "path": "{folder}/other"}, {"kind": "file", "path": "{folder}/../{name}/login"}]},
        # Another system may update the file.
        {"deliver": [{"kind": "kubernetes_secret", "namespaces": ["ci"], "secret_name": "login"}]},
        {"deliver": [{"kind": "tasks", "tasks_file": "deliver.yml"}]},
        {"state": "absent", "deliver": []},
    ],
)
def test_login_that_is_delivered_to_where_it_is_read_from(
    run: Run, modules: Modules, tmp_path: Path, more: dict[str, Any]
) -> None:
    given, of_file = login_as(modules, "org:admin"), login_file(tmp_path)
    text = json.dumps({**given, **more}).replace("{folder}", str(tmp_path)).replace("{name}", tmp_path.name)
    run(json.loads(text), **of_file)
    assert modules.names == ["rotator"]


def test_warnings_of_the_login(run: Run, modules: Modules, warnings: list[str], quay: FakeQuay) -> None:
    given = {**login_as(modules, "org:admin", "super:user", expires=DAY), "rotate": "never", "scopes": None}
    values = run(given, robot(), login_needs=NEEDS).values
    assert values["login_warnings"] == warnings
    assert [sentence.partition(":")[0] for sentence in warnings] == [
        "The token of the login lacks the scope user",
        "The token of the login has more scopes than it needs",
        "The token of the login expires at 2026-11-23T09",
    ]
    assert warnings[-1].endswith("It is not renewed, because its credential has rotate: never.")
    assert quay.requests == []


def test_login_that_is_renewed_does_not_expire(run: Run, modules: Modules, warnings: list[str]) -> None:
    given = login_as(modules, "org:admin", "user:admin", expires=DAY)
    run(given, robot(), login_needs=NEEDS)
    assert warnings == []
    modules.outcomes["rotator"] = BadInput("Quay refused")
    run(given, robot(), login_needs=NEEDS)
    assert [sentence.rpartition("Z. ")[2] for sentence in warnings] == [
        "It was not renewed, because its credential failed."
    ]


def test_scopes_that_are_not_known_are_not_warned_of(run: Run, modules: Modules, warnings: list[str]) -> None:
    """Older servers do not list a token. Nor is one known that is no credential of the run."""
    given = login_as(modules, "org:admin", "super:user")
    modules.present["rotator"] = replace(modules.present["rotator"], age_source="record")
    run(given, login_needs=NEEDS)
    login_as(modules, "super:user", secret="its successor")
    run(given, login_needs=NEEDS)
    run(robot(), login_needs=NEEDS)
    assert warnings == []


def test_expiry_in_the_record_of_the_file_of_the_login(
    run: Run, modules: Modules, warnings: list[str], tmp_path: Path
) -> None:
    of_file = login_file(tmp_path)
    record = {"fingerprint": fingerprint("login"), "expires_at": "2026-11-25T00:00:00Z", "uuid": "u"}
    (tmp_path / "login.record.json").write_text(json.dumps({"token": record}))
    run(robot(), login_needs=NEEDS, **of_file)
    assert warnings == [
        "The token of the login expires at 2026-11-25T00:00:00Z. No declared credential renews it. Declare it with "
        "kind: api, delivered to where the login is read from."
    ]
    (tmp_path / "login.record.json").write_text(json.dumps({"token": {**record, "fingerprint": "other"}}))
    warnings.clear()
    run(robot(), login_needs=NEEDS, **of_file)
    assert warnings == []
    # Only the first task of a run speaks of it.
    run(robot(), phase="confirm", **of_file)
    assert warnings == []


def test_application_of_an_api_token_is_not_looked_up_again(run: Run, modules: Modules) -> None:
    modules.statuses["nightly"] = {"organization": "acme", "client_id": "ID"}
    run(robot("nightly", kind="api", organization="acme", application="console"))
    found = {name: modules.params[name] for name in ("organization", "client_id", "application")}
    assert found == {"organization": "acme", "client_id": "ID", "application": None}


def test_result_has_what_the_module_returned_and_never_its_secret(run: Run, modules: Modules) -> None:
    modules.statuses["acme+ci"] = {"fingerprint": "f0", "expires_at": "2026-12-01T00:00:00Z", "holds": ["other"]}
    modules.outcomes["acme+ci"] = Result(
        True, {**VALUES, "token": SECRET, "registry": "quay.example.com", "retired": ["old"], "reason": "forced"}
    )
    (row,) = rows(run(robot()))
    assert row == {
        **STATUS,
        "name": "acme+ci",
        "holds": ["other"],
        "changed": True,
        "former_expires_at": "2026-12-01T00:00:00Z",
        "expires_at": "2026-12-01T00:00:00Z",
        "minted": True,
        "delivered": [],
        "retired": ["old"],
        "fingerprint": "f1",
    }


def test_reason_and_message_of_the_module_win(run: Run, modules: Modules) -> None:
    """Hosts that were not seen can change the decision. The status does not know of them."""
    modules.outcomes["acme+ci"] = Result(
        False, {**VALUES, "reason": "undelivered"}, message="age 91 days; waits for c", waiting_for=("c",)
    )
    (row,) = rows(run(robot(missing=["c"])))
    assert (row["reason"], row["message"]) == ("undelivered", "age 91 days; waits for c")
    assert row["waiting_for"] == ["c"]


def test_what_an_earlier_batch_issued_is_not_due_again(run: Run, modules: Modules) -> None:
    """The hosts of that batch would be left with an invalid secret."""
    given = {"max_age": "1s", "renew_before": "90d", "rotate": "always"}
    run(robot("nightly", kind="api", **given), robot("acme+ci", **given), minted_before=["nightly"])
    first, second = ({name: item.params[name] for name in given} for item in modules.contexts)
    assert first == {"max_age": None, "renew_before": None, "rotate": "when_due"}
    assert second == given
    run(robot("nightly", kind="api", rotate="never"), minted_before=["nightly"])
    assert modules.contexts[-1].params["rotate"] == "never"


def test_expiry_of_a_former_secret_is_known_only_if_there_was_one(run: Run, modules: Modules) -> None:
    modules.statuses["acme+ci"] = {"fingerprint": None, "expires_at": "2026-12-01T00:00:00Z"}
    assert rows(run(robot()))[0]["former_expires_at"] is None


def test_diffs_of_all_credentials(run: Run, modules: Modules) -> None:
    modules.outcomes["acme+ci"] = Result(True, VALUES, {"token": "present"}, {"token": "new"})
    modules.outcomes["acme+b"] = Result(False, VALUES, {"token": "present"}, {"token": "present"})
    result = run(robot(), robot("acme+b"))
    assert result.values["changes"] == [{"before": {"token": "present"}, "after": {"token": "new"}}]


def test_own_login_of_a_credential(run: Run, modules: Modules) -> None:
    logins = {"scan": {"quay_username": "acme+scan", "quay_password": "swordfish"}}
    run(robot("scan", kind="referrers"), robot(), logins=logins)
    own, of_run = modules.contexts
    assert isinstance(own.client.auth, SessionAuth)
    assert (own.params["quay_token"], own.params["quay_username"]) == (None, "acme+scan")
    assert own.client.origin == ORIGIN
    assert isinstance(of_run.client.auth, BearerAuth)
    assert (of_run.params["quay_token"], of_run.params["quay_username"]) == ("login", None)


def test_own_login_that_is_not_known(run: Run, modules: Modules) -> None:
    """The login of the run may have more rights."""
    result = run(robot("scan", kind="referrers", quay_username="acme+scan"), robot())
    assert "Its quay_password is not known" in rows(result)[0]["error"]
    assert modules.names == ["acme+ci"]


def test_what_hosts_have_to_deliver(run: Run, modules: Modules) -> None:
    def ensure(context: ModuleContext) -> Result:
        first, second, unchanged = context.params["consumers"]
        first.write(DELIVERY)
        second.remove()
        assert unchanged.handed_over is None
        return Result(True, VALUES)

    modules.outcomes["acme+ci"] = ensure
    held = holds(FORMER)
    result = run(robot(consumers=[consumer("a"), consumer("b", 1, **held), consumer("c")]), robot("acme+b"))
    assert SECRET not in json.dumps({**result.values, "deliveries": []})
    options = {"kind": "file", "path": "/etc/ci/quay", "format": "json", "declared": "acme+ci"}
    found = deliveries(result)
    assert {**options, "host": "a", "entry": 0, "state": "present", "token": SECRET}.items() <= found[0].items()
    assert found[1:] == [{**options, "host": "b", "entry": 1, "state": "absent", "fingerprint": fingerprint(FORMER)}]


def test_nothing_to_deliver(run: Run, modules: Modules) -> None:
    assert deliveries(run(robot())) == []
    assert modules.names == ["acme+ci"]


def quay_robot(token: str = PRESENT, age: timedelta = 400 * DAY) -> Robot:
    return Robot("acme+ci", NOW - age, NOW - DAY, "builds", token)


def test_one_mint_for_all_hosts(quay: FakeQuay, run: Run) -> None:
    former = quay_robot(FORMER)
    quay.answers(robot_list(former), robot_reply(former), ok({}), robot_reply(quay_robot()), verified(sub="acme+ci"))
    held = holds(FORMER)
    result = run(robot(rotate="always", consumers=[consumer("a", **held), consumer("b", **held)]))
    (row,) = rows(result)
    assert (row["minted"], row["reason"], row["error"]) == (True, "forced", None)
    assert row["delivered"] == ["a:/etc/ci/quay", "b:/etc/ci/quay"]
    assert [(item["host"], item["token"]) for item in deliveries(result)] == [("a", PRESENT), ("b", PRESENT)]
    assert [target for method, target in quay.calls if method == "POST"] == [
        "/api/v1/organization/acme/robots/ci/regenerate"
    ]


def test_host_that_holds_another_secret_gets_the_present_one(quay: FakeQuay, run: Run) -> None:
    quay.answers(robot_list(quay_robot()), robot_reply(quay_robot()))
    result = run(robot(consumers=[consumer("a", **holds(PRESENT)), consumer("b", **holds(FORMER))]))
    (row,) = rows(result)
    assert (row["minted"], row["reason"], row["delivered"]) == (False, "undelivered", ["b:/etc/ci/quay"])
    assert [item["host"] for item in deliveries(result)] == ["b"]


def test_robot_in_place_waits_for_a_missing_host(quay: FakeQuay, run: Run) -> None:
    held = {**holds(PRESENT), "record": {"fingerprint": fingerprint(PRESENT), "created_at": "2026-01-01T00:00:00Z"}}
    quay.answers(robot_list(quay_robot()), robot_reply(quay_robot()))
    result = run(robot(max_age="90d", consumers=[consumer("a", **held)], missing=["c (unreachable)"]))
    (row,) = rows(result)
    assert (row["minted"], row["reason"], row["changed"], deliveries(result)) == (False, "too_old", False, [])
    assert row["waiting_for"] == ["c (unreachable)"]
    assert row["message"] == "age 325 days, limit 90 days; waits for c (unreachable)"
    assert {method for method, _target in quay.calls} == {"GET"}


@pytest.mark.parametrize(
    ("logins", "problem"),
    [
        ({"hashi_valt": {"vault_token": "s3cret"}}, "'hashi_valt' is no kind of store. Did you mean hashi_vault?"),
        ({"hashi_vault": {"vault_tokn": "s3cret"}}, "vault_tokn is not an option of a store of the kind hashi_vault"),
        ({"hashi_vault": "s3cret"}, "hashi_vault must be a mapping of options, not a text"),
    ],
)
def test_login_of_stores_that_do_not_exist(run: Run, modules: Modules, logins: Any, problem: str) -> None:
    with pytest.raises(BadInput) as caught:
        run(robot(), store_logins=logins)
    assert str(caught.value).startswith("rotation_store_logins: ")
    assert problem in str(caught.value)
    assert "s3cret" not in str(caught.value)
    assert modules.names == []


TASKS = {"kind": "tasks", "tasks_file": "gitlab.yml", "variables": {"project": "acme/app"}}


def handed_to_tasks(result: Result) -> list[dict[str, Any]]:
    unpacked: list[dict[str, Any]] = result.values["tasks"]
    return unpacked


def test_tasks_get_the_present_secret_of_what_is_not_due(run: Run, modules: Modules) -> None:
    modules.statuses["acme+ci"] = {"action": "nothing", "reason": "not_due"}
    modules.present["acme+ci"] = Credential("acme+ci", "acme+ci", PRESENT)
    result = run(robot(deliver=[TASKS]))
    assert modules.names == []
    (task,) = handed_to_tasks(result)
    assert (task["name"], task["kind"], task["registry"]) == ("acme+ci", "robot", "quay.example.com")
    assert (task["place"], task["options"]) == ("tasks gitlab.yml", TASKS)
    assert (task["state"], task["secret"], task["username"]) == ("present", PRESENT, "acme+ci")
    assert task["fingerprint"] == fingerprint(PRESENT)
    assert PRESENT not in json.dumps({**result.values, "tasks": []})


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        # Nobody knows the secret: it was issued in this run, or predicted, or could not be read.
        ({}, Result(True, VALUES)),
        ({"error": "its file is a link"}, None),
        ({}, BadInput("its permissions are not enough")),
    ],
)
def test_tasks_get_nothing_that_may_be_outdated(run: Run, modules: Modules, status: Any, outcome: Any) -> None:
    modules.statuses["acme+ci"] = status
    modules.present["acme+ci"] = Credential("acme+ci", "acme+ci", FORMER)
    modules.outcomes["acme+ci"] = outcome
    assert handed_to_tasks(run(robot(deliver=[TASKS]))) == []


def test_tasks_of_an_absent_credential(run: Run, modules: Modules) -> None:
    modules.statuses["acme+ci"] = {"action": "nothing", "reason": "not_due"}
    modules.present["acme+ci"] = Credential("acme+ci", "acme+ci", FORMER)
    (task,) = handed_to_tasks(run(robot(deliver=[TASKS], state="absent")))
    assert (task["state"], task["secret"]) == ("absent", None)


def test_tasks_get_what_was_issued(quay: FakeQuay, run: Run) -> None:
    former = quay_robot(FORMER)
    quay.answers(robot_list(former), robot_reply(former), ok({}), robot_reply(quay_robot()), verified(sub="acme+ci"))
    result = run(robot(rotate="always", deliver=[TASKS]))
    (row,) = rows(result)
    assert (row["minted"], row["delivered"], row["error"]) == (True, ["tasks gitlab.yml"], None)
    assert [task["secret"] for task in handed_to_tasks(result)] == [PRESENT]


# --- stores that are no longer used


def former_file(path: Path, **record: Any) -> dict[str, Any]:
    """A file of the rotator that holds what an earlier run delivered."""
    given = {"kind": "file", "path": str(path), "format": "json"}
    store = store_from_options(given, ORIGIN)
    delivery = Delivery(FORMER, "acme+ci", "acme+ci", Record(fingerprint(FORMER), username="acme+ci"))
    with store.prepare():
        store.write(delivery)
    if record:
        path.write_text(json.dumps({**json.loads(path.read_text()), **record}))
    return given


@pytest.mark.parametrize("check_mode", [False, True])
def test_former_store_is_cleared(run: Run, modules: Modules, tmp_path: Path, check_mode: bool) -> None:
    modules.statuses["acme+ci"] = {"action": "nothing", "reason": "not_due"}
    path = tmp_path / "old.json"
    on_host = consumer("a", 1, **holds(FORMER))
    result = run(robot(former=[former_file(path)], former_consumers=[on_host]), check_mode=check_mode)
    (row,) = rows(result)
    assert (row["removed"], row["changed"], row["error"]) == ([str(path), "a:/etc/ci/quay"], True, None)
    assert path.exists() is check_mode
    handed = [] if check_mode else [("absent", fingerprint(FORMER))]
    assert [(item["state"], item["fingerprint"]) for item in deliveries(result)] == handed
    assert result.values["changes"] == [
        {"before": dict.fromkeys(row["removed"], "present"), "after": dict.fromkeys(row["removed"], "absent")}
    ]


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        ({}, Result(True, VALUES)),
        ({"action": "deliver"}, Result(True, {**VALUES, "minted": False, "delivered": ["/etc/ci/quay"]})),
        ({"error": "its file is a link"}, None),
        ({}, BadInput("its permissions are not enough")),
    ],
)
def test_former_store_stays_until_all_others_have_the_secret(
    run: Run, modules: Modules, tmp_path: Path, status: Any, outcome: Any
) -> None:
    modules.statuses["acme+ci"], modules.outcomes["acme+ci"] = status, outcome
    path = tmp_path / "old.json"
    (row,) = rows(run(robot(former=[former_file(path)])))
    assert path.exists()
    assert not row.get("removed")


@pytest.mark.parametrize("changed", [{"username": "acme+other"}, {"token": SECRET}])
def test_what_others_keep_in_a_former_store_stays(
    run: Run, modules: Modules, warnings: list[str], tmp_path: Path, changed: dict[str, str]
) -> None:
    modules.statuses["acme+ci"] = {"action": "nothing", "reason": "not_due"}
    path = tmp_path / "old.json"
    (row,) = rows(run(robot(former=[former_file(path, **changed)])))
    assert path.exists()
    assert (row.get("removed"), row["changed"], row["error"]) == (None, False, None)
    assert warnings == [f"{path} holds something else than this credential. It was not changed."]


def test_former_store_of_an_absent_credential_is_cleared_with_the_others(run: Run, modules: Modules) -> None:
    given = {"kind": "file", "path": "/etc/ci/old", "format": "json"}
    run(robot(state="absent", former=[given], former_consumers=[consumer("b", 1)]))
    assert (modules.params["deliver"], modules.params["former"]) == ([given], [])
    assert [store.place for store in modules.params["consumers"]] == ["b:/etc/ci/quay"]


def test_former_task_file_clears_in_each_run(run: Run, modules: Modules) -> None:
    """Its content is unknown. It waits like every former store until the others have the present secret."""
    modules.present["acme+ci"] = Credential("acme+ci", "acme+ci", PRESENT)
    modules.statuses["acme+ci"] = {"action": "nothing", "reason": "not_due"}
    other = {**TASKS, "tasks_file": "github.yml"}
    for check_mode in (True, False):
        tasks = handed_to_tasks(run(robot(deliver=[TASKS], former=[other]), check_mode=check_mode))
        assert [(task["place"], task["state"], task["secret"]) for task in tasks] == [
            ("tasks gitlab.yml", "present", PRESENT),
            ("tasks github.yml", "absent", None),
        ]
    modules.statuses["acme+ci"] = {}
    assert handed_to_tasks(run(robot(former=[other]))) == []


def test_former_task_file_of_an_absent_credential(run: Run, modules: Modules) -> None:
    modules.statuses["acme+ci"] = {"action": "nothing", "reason": "not_due"}
    (task,) = handed_to_tasks(run(robot(state="absent", former=[TASKS])))
    assert (task["place"], task["state"]) == ("tasks gitlab.yml", "absent")


# --- several at the same time, and in batches


class Meetings:
    """Outcomes of modules that wait for each other, and show which of them ran at the same time."""

    def __init__(self, parties: int = 1) -> None:
        self.together: list[set[str]] = []
        self._running: set[str] = set()
        self._lock = threading.Lock()
        self._met = threading.Barrier(parties, timeout=30)

    def __call__(self, context: ModuleContext) -> Result:
        with self._lock:
            self._running.add(context.params["name"])
            self.together.append(set(self._running))
        self._met.wait()
        with self._lock:
            self._running.remove(context.params["name"])
        return Result(True, VALUES)


def test_credentials_are_rotated_at_the_same_time(run: Run, modules: Modules) -> None:
    both = Meetings(parties=2)
    modules.outcomes = dict.fromkeys(["acme+a", "acme+b"], both)
    result = run(robot("acme+a"), robot("acme+b"), parallel=4)
    assert both.together[-1] == {"acme+a", "acme+b"}
    assert [row["name"] for row in rows(result)] == ["acme+a", "acme+b"]


def test_credentials_that_share_a_store_are_rotated_one_after_the_other(run: Run, modules: Modules) -> None:
    shared = [{"kind": "container_auth", "path": "/etc/ci/auth.json", "registry": "a.example.com"}]
    other = [{"kind": "container_auth", "path": "/etc/ci/../ci/auth.json", "registry": "b.example.com"}]
    one = Meetings()
    modules.outcomes = dict.fromkeys(["acme+a", "acme+b", "acme+c"], one)
    run(robot("acme+a", deliver=shared), robot("acme+b", deliver=other), robot("acme+c", former=other), parallel=4)
    assert one.together == [{"acme+a"}, {"acme+b"}, {"acme+c"}]


def test_login_is_replaced_when_nothing_else_runs(run: Run, modules: Modules) -> None:
    modules.statuses["acme+a"] = {"is_login": True}
    run(*(robot(f"acme+{letter}") for letter in "abcd"), parallel=4)
    assert modules.names[-1] == "acme+a"
    result = run(*(robot(f"acme+{letter}") for letter in "abcd"), parallel=4, batch=2)
    assert modules.names[-1] != "acme+a"
    assert result.values["remaining"] == ["acme+d", "acme+a"]


def test_warnings_are_in_the_order_of_the_credentials(run: Run, modules: Modules, warnings: list[str]) -> None:
    second_is_done = threading.Event()

    def first(context: ModuleContext) -> Result:
        assert second_is_done.wait(30)
        context.warn("first")
        return Result(True, VALUES)

    def second(context: ModuleContext) -> Result:
        context.warn("second")
        second_is_done.set()
        return Result(True, VALUES)

    modules.outcomes = {"acme+a": first, "acme+b": second}
    run(robot("acme+a"), robot("acme+b"), parallel=2)
    assert warnings == ["first", "second"]


def test_batch_has_the_first_for_which_there_is_something_to_do(run: Run, modules: Modules) -> None:
    modules.statuses["acme+b"] = {"action": "nothing", "reason": "not_due"}
    given = [robot(f"acme+{letter}") for letter in "abcd"]
    values = run(*given, batch=2).values
    assert [row["name"] for row in values["results"]] == ["acme+a", "acme+b", "acme+c"]
    assert (values["worked_on"], values["remaining"]) == (["acme+a", "acme+c"], ["acme+d"])
    assert modules.names == ["acme+a", "acme+c"]
    assert run(*given, batch=2, check_mode=True).values["remaining"] == []


@pytest.mark.parametrize("changed", [False, True])
def test_robot_is_read_again_only_if_a_store_changed_since(
    run: Run, quay: FakeQuay, tmp_path: Path, changed: bool
) -> None:
    """As another run would have changed it, which waited for the same lock."""
    path = tmp_path / "ci.json"
    path.write_text(json.dumps({"token": FORMER, "username": "acme+ci"}))
    path.chmod(0o600)
    former = quay_robot(FORMER)

    def list_robots(_request: Any) -> Any:
        if changed:
            path.write_text(json.dumps({"token": PRESENT, "username": "acme+ci"}))
        return robot_list(former)

    read = [robot_reply(quay_robot(PRESENT))] if changed else []
    quay.answers(list_robots, *read, ok({}), robot_reply(quay_robot("NEW" * 20)), verified(sub="acme+ci"))
    given = robot(deliver=[{"kind": "file", "path": str(path), "format": "json"}])
    run(given, force=["acme+ci"])
    asked = [target for method, target in quay.calls if method == "GET" and target.endswith("/robots/ci")]
    assert len(asked) == len(read)
    assert json.loads(path.read_text())["token"] == "NEW" * 20
