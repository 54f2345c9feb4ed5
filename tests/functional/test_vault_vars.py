# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Variables in files that ansible-vault encrypts, as stores. The real program encrypts and decrypts."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.tokensmith.quay.plugins.module_utils._stores.yaml_variables import Unchangeable, YamlVariables
from functional.harness import Harness, assert_refused
from standin.tokens import fingerprint

ROBOT = "quay_robot_token"
PASSWORDS = {"ci": "vault-password-ci-0123456789", "prod": "vault-password-prod-0123456789"}
OTHERS = """---
# The registry
quay_url: https://quay.example.com  # of the team
other_secret: "OTHERSECRET"
quay_token: former
list:
  - one
"""


class Vault:
    """A file of variables, and the passwords that encrypt it, in a folder outside of that of the harness."""

    def __init__(self, harness: Harness, folder: Path) -> None:
        self.path = harness.folder / "vars.yml"
        self.folder = folder
        harness.known_secrets.add([*PASSWORDS.values(), "OTHERSECRET"])
        for label, password in PASSWORDS.items():
            (folder / label).write_text(password + "\n")

    def source(self, label: str) -> str:
        return f"{label}@{self.folder / label}"

    def run(self, *arguments: str, text: str = "") -> str:
        program = Path(sys.executable).with_name("ansible-vault")
        identities = [part for label in PASSWORDS for part in ("--vault-id", self.source(label))]
        environ = {"PATH": os.defpath, "HOME": str(self.folder), "LANG": "C.UTF-8"}
        process = subprocess.run(
            [str(program), *arguments, *identities, "--output", "-"],
            input=text,
            env=environ,
            capture_output=True,
            text=True,
            check=True,
        )
        return process.stdout

    def write(self, text: str, label: str = "ci") -> None:
        self.path.write_text(self.run("encrypt", "--encrypt-vault-id", label, text=text))
        self.path.chmod(0o640)

    def read(self) -> str:
        return self.run("decrypt", text=self.path.read_text())

    @property
    def header(self) -> str:
        return self.path.read_text().split("\n", maxsplit=1)[0]

    def arguments(self, **more: Any) -> dict[str, Any]:
        store = {
            "kind": "vault_vars",
            "path": str(self.path),
            "variables": {"token": "quay_token", "username": "quay_username"},
            "ansible_vault_id": self.source("ci"),
            **more,
        }
        return {"name": "acme+ci", "deliver": [{key: value for key, value in store.items() if value is not None}]}


@pytest.fixture
def family() -> str:
    return "3.18"


@pytest.fixture
def vault(harness: Harness, tmp_path_factory: pytest.TempPathFactory) -> Vault:
    return Vault(harness, tmp_path_factory.mktemp("vault"))


def test_variables_are_replaced_and_the_rest_is_kept(harness: Harness, vault: Vault) -> None:
    vault.write(OTHERS.replace("quay_token: former\n", ""))
    runs = harness.four_runs(ROBOT, vault.arguments())
    assert (runs.first.changed, runs.first["minted"], runs.first["delivered"]) == (True, False, [str(vault.path)])
    secret = harness.robot().token
    kept = OTHERS.replace("quay_token: former\n", "")
    assert vault.read() == f'{kept}quay_token: "{secret}"\nquay_username: "acme+ci"\n'
    assert vault.header == "$ANSIBLE_VAULT;1.2;AES256;ci"
    assert vault.path.stat().st_mode & 0o777 == 0o640
    renewed = harness.run(ROBOT, {**vault.arguments(), "rotate": "always"})
    assert renewed["fingerprint"] != fingerprint(secret)
    assert vault.read() == f'{kept}quay_token: "{harness.robot().token}"\nquay_username: "acme+ci"\n'


def test_new_file(harness: Harness, vault: Vault) -> None:
    runs = harness.four_runs(ROBOT, vault.arguments(variables={"token": "quay_token"}))
    assert runs.first.changed
    assert yaml.safe_load(vault.read()) == {"quay_token": harness.robot().token}
    assert vault.path.stat().st_mode & 0o777 == 0o600


def test_primary_store_of_a_secret_that_quay_returns_once(harness: Harness, vault: Vault) -> None:
    token = {**vault.arguments(), "name": "nightly", "organization": "acme", "client_id": harness.accounts.automation}
    runs = harness.four_runs("quay_api_token", token)
    assert (runs.first["minted"], runs.second["minted"]) == (True, False)
    assert yaml.safe_load(vault.read())["quay_username"] == "$oauthtoken"


def test_removal_leaves_the_rest(harness: Harness, vault: Vault) -> None:
    kept = OTHERS.replace("quay_token: former\n", "")
    vault.write(kept)
    harness.run(ROBOT, vault.arguments())
    runs = harness.four_runs(ROBOT, {**vault.arguments(), "state": "absent"})
    assert runs.first["removed"] == [str(vault.path)]
    assert vault.read() == kept
    assert [path.name for path in harness.folder.iterdir()] == ["vars.yml"]


def test_value_that_was_written_by_hand_needs_force(harness: Harness, vault: Vault) -> None:
    vault.write(OTHERS)
    assert_refused(harness, ROBOT, vault.arguments(), "quay_token was not written by this collection")
    harness.four_runs(ROBOT, vault.arguments(force=True))
    secret = harness.robot().token
    assert vault.read() == OTHERS.replace("former", f'"{secret}"') + 'quay_username: "acme+ci"\n'


def test_run_that_was_killed_before_it_wrote_the_value(harness: Harness, vault: Vault) -> None:
    """The records are written first. The value that is still there keeps its own, so that it is replaced."""
    harness.run(ROBOT, vault.arguments())
    former = vault.path.read_bytes()
    harness.run(ROBOT, {**vault.arguments(), "rotate": "always"})
    vault.path.write_bytes(former)
    runs = harness.four_runs(ROBOT, vault.arguments())
    assert (runs.first.changed, runs.first["minted"]) == (True, False)
    assert yaml.safe_load(vault.read())["quay_token"] == harness.robot().token


def test_file_keeps_its_vault_id(harness: Harness, vault: Vault) -> None:
    vault.write("a: 1\n", "prod")
    environ = {"ANSIBLE_VAULT_IDENTITY_LIST": f"{vault.source('ci')},{vault.source('prod')}"}
    result = harness.run(ROBOT, vault.arguments(ansible_vault_id=None), environ=environ)
    assert not result.failed, result.message
    assert vault.header == "$ANSIBLE_VAULT;1.2;AES256;prod"
    vault.path.unlink()
    refused = harness.run(ROBOT, vault.arguments(ansible_vault_id=None), environ=environ)
    assert "there are several vault ids" in refused.message
    assert "Set ansible_vault_id to a label" in refused.message


def test_client_script(harness: Harness, vault: Vault) -> None:
    script = vault.folder / "script-client.py"
    script.write_text(f"#!{sys.executable}\nprint({PASSWORDS['ci']!r})\n")
    script.chmod(0o700)
    vault.write("a: 1\n")
    result = harness.run(ROBOT, vault.arguments(ansible_vault_id=f"ci@{script}"))
    assert result.changed, result.message
    assert yaml.safe_load(vault.read())["quay_token"] == harness.robot().token


@pytest.mark.parametrize(
    ("prepare", "change", "words"),
    [
        (lambda vault: vault.path.write_text("a: 1\n"), {}, "is not encrypted by ansible-vault"),
        (lambda vault: vault.write("a: 1\n"), {"ansible_vault_id": None}, "there is no vault password for it"),
        (lambda vault: vault.write("a: 1\n", "prod"), {}, "there is no vault password for it"),
        (lambda vault: vault.write("- a\n"), {}, "is not a YAML file of variables, one mapping"),
        (lambda vault: vault.write("{a: 1}\n"), {}, "cannot be changed without changing other variables"),
        (lambda vault: vault.write("a: 1\na: 2\n"), {}, "defines a variable twice"),
        (lambda _vault: None, {"variables": {"username": "x"}}, "must name the variable for the token"),
        (lambda _vault: None, {"variables": {"token": "x", "nope": "y"}}, "there is no field nope"),
        (lambda _vault: None, {"variables": {"token": "a b"}}, "is not a name of a variable"),
        (lambda _vault: None, {"variables": None}, "variables is missing"),
    ],
)
def test_refusal(
    harness: Harness, vault: Vault, prepare: Callable[[Vault], object], change: dict[str, Any], words: str
) -> None:
    prepare(vault)
    assert_refused(harness, ROBOT, {**vault.arguments(**change), "rotate": "always"}, words)


def test_secret_is_read(harness: Harness, vault: Vault) -> None:
    harness.run(ROBOT, vault.arguments())
    stores = {"stores": vault.arguments()["deliver"], **dict.fromkeys(harness.login)}
    (found,) = harness.run("quay_store_info", stores)["stores"]
    assert fingerprint(found["token"]) == found["fingerprint"] == harness.robot_fingerprint()


# --- the text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", 't: "new"\n'),
        ("a: 1", 'a: 1\nt: "new"\n'),
        ("t: old # c\na: 1\n", 't: "new" # c\na: 1\n'),
        ("t:\na: 1\n", 't: "new"\na: 1\n'),
        ("t: |\n  old\n  lines\n\na: 1\n", 't: "new"\n\na: 1\n'),
        ("t: >-\n  old\n", 't: "new"\n'),
        ("'t': 'old'\n", "'t': \"new\"\n"),
        ("t: {a: b}\nx: [1]\n", 't: "new"\nx: [1]\n'),
        ("a: !vault |\n  $ANSIBLE_VAULT\nt: old\n", 'a: !vault |\n  $ANSIBLE_VAULT\nt: "new"\n'),
        ('{"t": "old", "a": 1}\n', '{"t": "new", "a": 1}\n'),
        ("# only a comment\n", '# only a comment\nt: "new"\n'),
    ],
)
def test_variable_is_replaced_where_it_stands(text: str, expected: str) -> None:
    assert YamlVariables(yaml, text).changed({"t": "new"}) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: 1\nt: old\nb: 2\n", "a: 1\nb: 2\n"),
        ("t: |\n  old\n  lines\nb: 2\n", "b: 2\n"),
        ("a: 1\nt: old", "a: 1\n"),
        ("t: old\n# c\n", "# c\n"),
    ],
)
def test_variable_is_removed(text: str, expected: str) -> None:
    assert YamlVariables(yaml, text).changed({"t": None}) == expected


def test_several_variables_are_replaced() -> None:
    text = "a: 1\nb: 2 # c\nd: 3\n"
    assert YamlVariables(yaml, text).changed({"a": "longer", "d": "new"}) == 'a: "longer"\nb: 2 # c\nd: "new"\n'


def test_change_of_another_variable_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(YamlVariables, "_replaced", lambda *_arguments: 't: "new"\na: 2\n')
    with pytest.raises(Unchangeable, match="cannot be changed without changing other variables"):
        YamlVariables(yaml, "t: old\na: 1\n").changed({"t": "new"})


@pytest.mark.parametrize("text", ["t: &x old\nb: *x\n", "a: 1\n...\n", "{a: 1}\n", "a: 1\n---\nb: 2\n", "- a\n", "x\n"])
def test_text_that_cannot_be_changed(text: str) -> None:
    with pytest.raises(Unchangeable):
        YamlVariables(yaml, text).changed({"t": "new"})
