# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role with federated tokens: without a login of Quay, with a robot of the same run, and with many of them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from functional.federated import AUTH, EXCHANGE, SUBJECT, Federated
from functional.fleet import Fleet
from functional.role import PLAY, Role, stored

WITHOUT_LOGIN = {"QUAY_TOKEN": ""}
STATUS = """
    - name: Get the status
      tokensmith.quay.quay_token_info:
        quay_token: "{{ token }}"
        credentials:
          - {name: acme+ci, kind: federated, deliver: "{{ rotation_credentials.0.deliver }}"}
          - {name: job, kind: federated, robot: acme+ci, held: [{token: unknown}]}
      register: status
      no_log: true
    - name: Save the status
      ansible.builtin.copy:
        content: "{{ status.credentials | to_json }}"
        dest: "{{ report_path }}.status"
        mode: "0600"
"""


@pytest.fixture
def family() -> str:
    return "3.18"


@pytest.fixture
def role(federated: Federated) -> Role:
    return Role(federated.harness, WITHOUT_LOGIN)


def declared(federated: Federated, role: Role, **options: Any) -> dict[str, Any]:
    """A credential whose OIDC token is in a file."""
    path = role.work / "identity"
    path.write_text(federated.token())
    return {
        "name": "acme+ci",
        "kind": "federated",
        "oidc_token_path": str(path),
        "deliver": [role.file(), {"kind": "container_auth", "path": str(role.folder / "auth.json")}],
        **options,
    }


def test_role_needs_no_login_of_quay(federated: Federated, role: Role) -> None:
    credentials, file = [declared(federated, role)], role.folder / "ci.json"
    predicted = role.rotate(credentials, "--check")
    assert predicted.lines[0] == "1 would be created"
    assert role.harness.requests == []
    assert list(role.folder.iterdir()) == []
    planned = role.report()

    created = role.rotate(credentials)
    assert created.lines[0] == "1 created"
    assert role.harness.requests == [EXCHANGE, AUTH]
    unknown = {"fingerprint": None, "window_seconds": None, "expires_at": None}
    assert [{**row, **unknown} for row in role.report()] == [{**row, **unknown} for row in planned]
    assert stored(file) == role.report()[0]["fingerprint"]
    content = json.loads(file.read_text())
    assert content["username"] == "acme+ci"
    assert federated.is_accepted(content["token"])

    again = role.rotate(credentials)
    assert again.lines[0] == "1 not due"
    assert role.harness.requests == []

    forced = role.rotate(credentials, rotation_force="acme+ci")
    assert forced.lines[0] == "1 rotated"
    assert "the former token stays valid until" in "\n".join(forced.lines)


def test_login_is_missing_for_another_kind(federated: Federated, role: Role) -> None:
    text = role.refuse([declared(federated, role), role.robot("acme+new")]).text
    assert "No login: give quay_token" in text


def test_robot_of_the_same_run_is_made_before(federated: Federated, role: Role) -> None:
    """The robot and its federation do not exist yet, and check mode knows that they will."""
    role.environ.clear()
    federation = [{"issuer": federated.issuer.url, "subject": SUBJECT}]
    credentials = [
        declared(federated, role, name="job", robot="acme+new"),
        role.robot("acme+new", federation=federation),
    ]
    assert role.rotate(credentials, "--check").lines[0] == "2 would be created"
    real = role.rotate(credentials)
    assert real.lines[0] == "2 created"
    assert f"trusted {SUBJECT} of {federated.issuer.url}" in real.text
    assert json.loads((role.folder / "ci.json").read_text())["username"] == "acme+new"
    assert role.report()[0]["name"] == "job"
    assert role.rotate(credentials).lines[0] == "2 not due"
    # What is not declared any more is removed at once, although no token is due.
    credentials[1]["federation"] = []
    removed = role.rotate(credentials)
    assert role.harness.robot("acme+new").federation == []
    assert f"distrusted {SUBJECT} of" in removed.text
    assert role.report()[1]["federation_removed"] == [f"{SUBJECT} of {federated.issuer.url}"]
    predicted = role.run(credentials, "--check", rotation_force="job")
    assert predicted.failed
    assert "acme+new has no federation" in predicted.text


@pytest.mark.slow
def test_secret_of_a_client_reaches_the_rotator_alone(federated: Federated, role: Role) -> None:
    given = federated.by_client(kind="federated", deliver=[role.file()])
    role.harness.known_secrets.add([given["oidc_client_secret"]])
    run = role.rotate([given], "-vvv")
    assert "1 created" in run.text
    assert federated.is_accepted(json.loads((role.folder / "ci.json").read_text())["token"])
    del given["oidc_client_secret"]
    role.harness.advance(minutes=59)
    refused = role.run([given], rotation_force="acme+ci")
    assert "Its oidc_client_secret is not known" in refused.text


def test_failed_exchange_does_not_stop_the_others(federated: Federated, role: Role) -> None:
    (other,) = federated.more_robots(1)
    federated.trust()
    credentials = [
        declared(federated, role, deliver=[role.file("one.json")]),
        declared(federated, role, name=other, deliver=[role.file("two.json")]),
    ]
    run = role.run(credentials)
    assert run.failed
    assert run.lines[0] == "1 failed, 1 created"
    assert "acme+ci has no federation. Add the issuer" in run.text
    assert json.loads((role.folder / "two.json").read_text())["username"] == other


@pytest.mark.slow
def test_status(federated: Federated, role: Role) -> None:
    role.harness.known_secrets.add([role.harness.accounts.alice_token])
    role.rotate([declared(federated, role)])
    role.rotate([declared(federated, role)], play=PLAY + STATUS, token=role.harness.accounts.alice_token)
    found, held = json.loads((role.work / "report.json.status").read_text())
    assert (found["reason"], found["holds"], found["username"]) == ("not_due", ["current", "current"], "acme+ci")
    assert found["fingerprint"] == stored(role.folder / "ci.json")
    assert (held["reason"], held["action"], held["username"]) == ("invalid", "mint", "acme+ci")
    assert role.harness.requests == []


@pytest.mark.slow
def test_hosts_get_one_token(federated: Federated, role: Role) -> None:
    names = ["node1", "node2", "node3"]
    fleet = Fleet(role, names)
    credential = declared(
        federated,
        role,
        deliver=[
            {"kind": "file", "path": f"{role.folder}/{{{{ inventory_hostname }}}}/ci.json", "format": "json"},
            {**role.file("primary.json"), "hosts": "localhost"},
        ],
    )
    fleet.rotate([credential])
    tokens = {stored(fleet.folder(name) / "ci.json") for name in names}
    assert tokens == {stored(role.folder / "primary.json")}
    assert role.harness.requests == [EXCHANGE, AUTH]
    fleet.rotate([credential])
    assert role.harness.requests == []


@pytest.mark.slow
def test_hundred_robots_and_one_request_to_the_issuer(federated: Federated, role: Role) -> None:
    credentials = [
        federated.by_client(name=name, kind="federated", deliver=[role.file(f"{name}.json")])
        for name in federated.more_robots(100)
    ]
    role.harness.known_secrets.add([credentials[0]["oidc_client_secret"]])
    run = role.rotate(credentials)
    assert run.lines[0] == "100 created"
    assert federated.issuer.requests.count("POST /token") == 1
    assert len(role.harness.requests) == 200
    assert role.rotate(credentials).lines[0] == "100 not due"
    assert role.harness.requests == []
