# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Credentials as hosts of an inventory: what ansible-inventory shows of the credentials of a file and of Quay."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from ansible.parsing.vault import VaultLib, VaultSecret

from functional.credential_inventory import SOURCE, CredentialInventory
from functional.documentation import examples_of_guide
from functional.harness import Harness
from functional.role import Role

ROBOTS = "GET /api/v1/organization/acme/robots"
VAULT_PASSWORD = "the vault password of a test"


@pytest.fixture
def family() -> str:
    return "3.18"


@pytest.fixture
def inventory(harness: Harness) -> CredentialInventory:
    return CredentialInventory(Role(harness))


def robot(name: str = "acme+ci", **options: Any) -> dict[str, Any]:
    return {"name": name, "kind": "robot", "deliver": [vault(name)], **options}


def vault(path: str) -> dict[str, Any]:
    """A store of the rotator. Listing does not reach it."""
    return {"kind": "hashi_vault", "vault_url": "https://vault.example.com", "path": path}


def api(name: str = "nightly", **options: Any) -> dict[str, Any]:
    location = {"organization": "acme", "application": "console"}
    return {"name": name, "kind": "api", **location, "deliver": [vault(name)], **options}


def test_hosts_have_their_declaration_status_and_groups(inventory: CredentialInventory, harness: Harness) -> None:
    due, new = robot(max_age="90d"), robot("acme+new", strategy="paired")
    on_machine: dict[str, Any] = {"name": "other", "kind": "api", "client_id": harness.accounts.automation}
    on_machine["deliver"] = [{"kind": "file", "path": "/etc/quay", "hosts": "build"}]
    harness.advance(days=100)
    inventory.write([due, new, api(), on_machine])
    found = inventory.list()
    status = found.hosts["acme+ci"]["quay_status"]
    assert (status["due"], status["reason"], status["error"]) == (True, "too_old", None)
    assert "age 10" in status["message"]
    assert {**found.hosts["acme+ci"], "quay_status": None} == {
        "quay_credential": due,
        "quay_kind": "robot",
        "quay_name": "acme+ci",
        "quay_organization": "acme",
        "quay_status": None,
    }
    assert found.hosts["nightly"]["quay_status"]["reason"] == "missing"
    assert found.group("declared") == ["acme+ci", "acme+new", "nightly", "other"]
    assert found.group("due") == ["acme+ci", "acme+new", "nightly", "other"]
    assert found.group("reason_too_old") == ["acme+ci"]
    assert found.group("reason_missing") == ["acme+new", "nightly", "other"]
    assert (found.group("kind_robot"), found.group("kind_api")) == (["acme+ci", "acme+new"], ["nightly", "other"])
    assert found.group("organization_acme") == ["acme+ci", "acme+new", "nightly"]
    assert found.group("machine_stores") == ["other"]
    assert found.data["quay_credentials"]["vars"] == {
        "ansible_connection": "local",
        "ansible_python_interpreter": "{{ ansible_playbook_python }}",
        "quay_credential_names": ["acme+ci", "acme+new", "nightly", "other"],
        "rotation_hosts_are_credentials": True,
    }
    # As many requests as quay_token_info sends.
    assert harness.requests.count(ROBOTS) == 1
    assert harness.writes == []
    assert not found.warnings


def test_status_is_that_of_quay_token_info(inventory: CredentialInventory, harness: Harness) -> None:
    inventory.write([robot(max_age="90d"), api(), robot("rival+ci")])
    listed = inventory.list()
    requests = list(harness.requests)
    asked = [
        {"name": "acme+ci", "kind": "robot", "max_age": "90d"},
        {"name": "nightly", "kind": "api", "organization": "acme", "application": "console"},
        {"name": "rival+ci", "kind": "robot"},
    ]
    info = harness.run("quay_token_info", {"credentials": asked})["credentials"]
    assert harness.requests == requests
    for name, values in zip(("acme+ci", "nightly", "rival+ci"), info, strict=True):
        # The message has the age.
        status = {**listed.hosts[name]["quay_status"], "message": None}
        assert status == {**{key: values[key] for key in status}, "message": None}
    # One that cannot be read hides no other one, and the run reports why.
    assert "rival" in listed.hosts["rival+ci"]["quay_status"]["error"]
    assert listed.group("reason_unknown") == ["rival+ci"]
    assert "rival+ci" in listed.group("due")
    assert "acme+ci" not in listed.group("due")


def test_what_quay_lists_is_undeclared(inventory: CredentialInventory, harness: Harness) -> None:
    browser = harness.accounts.alice.browser()
    for short in ("old", "duo_a", "test-1"):
        browser.call("PUT", f"/api/v1/organization/acme/robots/{short}", {"description": "{{ 1 + 1 }}"})
    path = f"/api/v1/organization/acme/applications/{harness.accounts.automation}/tokens"
    uuid = browser.call("POST", path, {"name": "{{ 1 + 1 }}", "scope": "repo:read"}).json()["uuid"]
    browser.call("POST", path, {"name": "nightly", "scope": "repo:read"})
    declared = [robot(), robot("acme+duo", strategy="paired"), api(application="automation")]
    inventory.write(declared, discover=[{"organization": "acme"}], exclude=["acme+test-*", ""], status=False)
    found = inventory.list()
    # An application token may have been given a name by anybody. It is not evaluated as a template.
    (token,) = [name for name in found.group("undeclared") if name != "acme+old"]
    assert found.hosts[token]["quay_name"] == "{ { 1 + 1 }}"
    assert found.hosts[token]["quay_listed"]["uuid"] == uuid
    assert found.hosts["acme+old"]["quay_kind"] == "robot"
    assert "quay_credential" not in found.hosts["acme+old"]
    assert found.group("declared") == ["acme+ci", "acme+duo", "nightly"]
    assert found.group("organization_acme") == ["acme+ci", "acme+duo", "nightly", "acme+old", token]
    # Quay was not asked for the status.
    assert "due" not in found.data
    assert harness.requests.count(ROBOTS) == 1
    assert found.hosts["acme+ci"]["quay_status"] is None


def test_patterns_leave_out_hosts_and_their_requests(inventory: CredentialInventory, harness: Harness) -> None:
    inventory.write([robot(), robot("rival+ci"), api()], include=["acme+*", "rival+*"], exclude=["rival+*"])
    found = inventory.list()
    assert found.group("declared") == ["acme+ci"]
    assert harness.requests == [ROBOTS]
    # The role must know the names of all, to tell those of other slices from mistakes.
    assert found.data["quay_credentials"]["vars"]["quay_credential_names"] == ["acme+ci", "rival+ci", "nightly"]


def test_constructed_groups_and_variables(inventory: CredentialInventory) -> None:
    inventory.write(
        [robot(strategy="paired"), api()],
        status=False,
        compose={"owner": "quay_organization ~ ' team'"},
        groups={"pairs": "quay_credential.strategy | default('') == 'paired'"},
        keyed_groups=[{"key": "quay_credential.deliver | map(attribute='kind') | list", "prefix": "store"}],
    )
    found = inventory.list()
    assert found.hosts["nightly"]["owner"] == "acme team"
    assert found.group("pairs") == ["acme+ci"]
    assert found.group("store_hashi_vault") == ["acme+ci", "nightly"]


def test_without_status_no_login_is_needed(inventory: CredentialInventory, harness: Harness) -> None:
    inventory.role.environ = {"QUAY_TOKEN": "", "QUAY_HOST": ""}
    inventory.write(None, credentials=[robot()], status=False, quay_host="https://quay.example.com")
    assert inventory.list().group("quay_credentials") == ["acme+ci"]
    assert harness.requests == []
    inventory.write(None, credentials=[robot()], quay_host=harness.quay.url)
    inventory.refuse("No login: give quay_token (or QUAY_TOKEN)")
    inventory.write(None, credentials=[robot()], status=False)
    inventory.refuse("quay_host is missing")


def test_cache_answers_without_requests_and_holds_no_secret(inventory: CredentialInventory, harness: Harness) -> None:
    cache = {
        "cache": True,
        "cache_plugin": "ansible.builtin.jsonfile",
        "cache_connection": str(inventory.work / "cache"),
        "quay_token": harness.accounts.alice_token,
    }
    inventory.role.environ = {"QUAY_TOKEN": ""}
    discover = [{"organization": "acme", "kinds": ["robot"]}]
    inventory.write([robot()], discover=discover, **cache)
    first = inventory.list()
    assert harness.requests == [ROBOTS, ROBOTS]
    again = inventory.list()
    assert harness.requests == []
    assert again.data == first.data
    (kept,) = (inventory.work / "cache").iterdir()
    assert "not_due" in kept.read_text()
    assert harness.known_secrets.in_text(kept.read_text()) == []
    # A flushed cache and changed declarations ask again.
    inventory.list("--list", "--flush-cache")
    assert harness.requests == [ROBOTS, ROBOTS]
    inventory.write([robot(), robot("acme+new")], discover=discover, **cache)
    assert inventory.list().group("due") == ["acme+new"]
    assert harness.requests == [ROBOTS, ROBOTS]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"statuss": True}, "statuss is not an option. Did you mean status?"),
        ({"credentials": [], "credentials_file": "x.yml"}, "credentials and credentials_file are mutually exclusive"),
        ({}, "Declare credentials by credentials_file or credentials, or name organizations in discover"),
        ({"credentials_file": "missing.yml"}, "credentials_file: there is no file"),
        ({"credentials_file": "list.yml"}, "must be a list of credentials, or a mapping"),
        ({"credentials_file": "broken.yml"}, "is no valid YAML, near line 3"),
        ({"credentials_file": "encrypted.yml"}, "is encrypted, and no vault password decrypts it"),
        ({"discover": [{"organisation": "acme"}]}, "discover must be a list of mappings with organization"),
        ({"discover": [{"organization": "acme", "kinds": ["app"]}]}, "discover: kinds must be robot or api, not 'app'"),
        ({"credentials": [robot(), robot()]}, "credentials 1 and 2 have the same name, acme+ci"),
        ({"credentials": [robot()], "timeout": "soon"}, "timeout must be a number of seconds"),
    ],
)
def test_bad_options_are_refused(inventory: CredentialInventory, options: dict[str, Any], words: str) -> None:
    for name, text in {
        "list.yml": "credentials: []\n",
        "broken.yml": "- name: x\n  kind: robot\n - b: SECRETx: y\n",
        "encrypted.yml": "$ANSIBLE_VAULT;1.1;AES256\n6162\n",
    }.items():
        (inventory.work / name).write_text(text)
    inventory.write(None, **options)
    text = inventory.refuse(words)
    assert "SECRET" not in text


def test_secrets_are_refused_and_not_repeated(inventory: CredentialInventory) -> None:
    login = {"quay_username": "acme+ci", "quay_password": "a-password-of-mine"}
    scan = {"name": "scan", "kind": "referrers", "repositories": ["acme/app"], "deliver": [vault("scan")], **login}
    stored = api(deliver=[{**vault("nightly"), "vault_token": "a-token-of-mine"}])
    inventory.write([scan])
    text = inventory.refuse(
        "credential 1 (scan): quay_password is a secret, and an inventory shows its variables",
        "set them as quay_credential_login in encrypted variables of the host",
    )
    inventory.write([stored])
    text += inventory.refuse("vault_token is a secret. Set it in rotation_store_logins")
    assert "of-mine" not in text


def test_unreachable_quay(inventory: CredentialInventory) -> None:
    """Nothing is added, and Ansible fails if it is configured to."""
    url = "http://127.0.0.1:9"
    inventory.write([robot()], quay_host=url, retries=0)
    text = inventory.refuse(f"{SOURCE}: ", f"GET {url}/api/v1/organization/acme/robots", "refused")
    assert "Traceback" not in text
    process = inventory.inventory("--list")
    assert "acme+ci" not in process.stdout


def test_encrypted_file(inventory: CredentialInventory) -> None:
    password = inventory.work / "password"
    password.write_text(VAULT_PASSWORD)
    secret = ("default", VaultSecret(VAULT_PASSWORD.encode()))
    inventory.write([robot()])
    file = inventory.work / "credentials.yml"
    file.write_bytes(VaultLib([secret]).encrypt(file.read_bytes()))
    listed = inventory.list("--list", "--export", "--vault-password-file", str(password))
    assert listed.hosts["acme+ci"]["quay_credential"] == robot()
    inventory.refuse("is encrypted, and no vault password decrypts it")


def test_encrypted_login(inventory: CredentialInventory, harness: Harness) -> None:
    password = inventory.work / "password"
    password.write_text(VAULT_PASSWORD)
    encrypted = VaultLib([("default", VaultSecret(VAULT_PASSWORD.encode()))]).encrypt(harness.accounts.alice_token)
    inventory.role.environ = {"QUAY_TOKEN": ""}
    inventory.write([robot()])
    lines = encrypted.decode().splitlines()
    with (inventory.work / SOURCE).open("a") as file:
        file.write("quay_token: !vault |\n" + "".join(f"  {line}\n" for line in lines))
    assert inventory.list("--list", "--vault-password-file", str(password)).group("declared") == ["acme+ci"]
    assert harness.requests == [ROBOTS]


def test_examples_of_the_guide(inventory: CredentialInventory, harness: Harness) -> None:
    examples = [yaml.safe_load(text) for text in examples_of_guide("guide_credential_inventory") if "plugin:" in text]
    assert len(examples) == 2
    harness.accounts.alice.browser().call("PUT", "/api/v1/organization/acme/robots/old", {})
    cache = {"cache_connection": str(inventory.work / "cache")}
    for example, undeclared in zip(examples, ([], ["acme+old"]), strict=True):
        used = {**example, "quay_host": harness.quay.url, **({} if "cache" not in example else cache)}
        assert used.pop("credentials_file") == "credentials.yml"
        inventory.write([robot()], **used)
        found = inventory.list()
        assert found.group("declared") == ["acme+ci"]
        assert [name for name in found.group("undeclared") if not name.startswith("token")] == undeclared
        assert not found.warnings
