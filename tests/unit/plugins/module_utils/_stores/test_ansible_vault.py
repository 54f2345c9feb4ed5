# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The program ansible-vault as a store runs it, by a program of its place that says how it was run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.tokensmith.quay.plugins.module_utils._core.errors import BadInput, StoreError
from ansible_collections.tokensmith.quay.plugins.module_utils._stores import ansible_vault
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.ansible_vault import AnsibleVault

PLAIN = "quay_token: S3CRET\n"
UNLABELLED, LABELLED = "$ANSIBLE_VAULT;1.1;AES256\n6162\n", "$ANSIBLE_VAULT;1.2;AES256;prod\n6162\n"


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[tuple[list[str], dict[str, Any]]]:
    """What was run. Each run answers with the text that it got."""
    recorded: list[tuple[list[str], dict[str, Any]]] = []

    def run(command: list[str], **options: Any) -> Any:
        recorded.append((command[1:], options))
        return subprocess.CompletedProcess(command, 0, options["input"], b"")

    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.setattr(ansible_vault, "_program", lambda: "ansible-vault")
    return recorded


def fails(monkeypatch: pytest.MonkeyPatch, said: str) -> None:
    def run(command: list[str], **options: Any) -> Any:
        return subprocess.CompletedProcess(command, 1, options["input"], said.encode())

    monkeypatch.setattr(subprocess, "run", run)


@pytest.mark.parametrize(
    ("options", "like", "expected"),
    [
        ((), None, []),
        ((), UNLABELLED, []),
        ((), LABELLED, ["--encrypt-vault-id", "prod"]),
        (("ci",), LABELLED, ["--encrypt-vault-id", "ci"]),
        (("ci@pw",), None, ["--vault-id", "ci@pw", "--encrypt-vault-id", "ci"]),
        ((None, "/pw"), UNLABELLED, ["--vault-password-file", "/pw"]),
    ],
)
def test_arguments(runs: list[Any], options: tuple[Any, ...], like: str | None, expected: list[str]) -> None:
    assert AnsibleVault("vars.yml", *options).encrypt(PLAIN, like) == PLAIN
    ((command, how),) = runs
    assert command == ["encrypt", *expected, "--output", "-"]
    assert (how["input"], how["start_new_session"]) == (PLAIN.encode(), True)


def test_text_that_is_not_encrypted(runs: list[Any]) -> None:
    with pytest.raises(StoreError, match="vars.yml is not encrypted by ansible-vault"):
        AnsibleVault("vars.yml").decrypt(PLAIN)
    assert runs == []


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("The vault-ids ci,b are available to encrypt.", "Set ansible_vault_id to a label"),
        ("EOFError (ctrl-d) on prompt for (default)", "there is no vault password for it"),
        ("Decryption failed (no vault secrets were found that could decrypt)", "there is no vault password for it"),
        ("The script said PASSW0RD", "Run ansible-vault view on the same host to see why"),
    ],
)
def test_failure_does_not_repeat_what_the_program_said(
    runs: list[Any], monkeypatch: pytest.MonkeyPatch, said: str, words: str
) -> None:
    fails(monkeypatch, said)
    with pytest.raises(StoreError) as caught:
        AnsibleVault("vars.yml").encrypt(PLAIN, None)
    assert words in str(caught.value)
    assert "PASSW0RD" not in str(caught.value)
    assert caught.value.__context__ is None


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (subprocess.TimeoutExpired("ansible-vault", 60, PLAIN.encode()), "did not end within 60 s"),
        (PermissionError(13, "Permission denied"), "ansible-vault cannot be run: Permission denied"),
    ],
)
def test_program_that_does_not_run(
    runs: list[Any], monkeypatch: pytest.MonkeyPatch, error: Exception, words: str
) -> None:
    def run(*_command: Any, **_options: Any) -> Any:
        raise error

    monkeypatch.setattr(subprocess, "run", run)
    with pytest.raises(StoreError, match=words) as caught:
        AnsibleVault("vars.yml").decrypt(LABELLED)
    assert caught.value.__context__ is None


def test_program_is_found_beside_python_and_then_on_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    with pytest.raises(BadInput, match="needs the program ansible-vault, which is neither next to"):
        AnsibleVault("vars.yml").encrypt(PLAIN, None)
    for folder in ("bin", "."):
        program = tmp_path / folder / "ansible-vault"
        program.parent.mkdir(exist_ok=True)
        program.write_text(f"#!/bin/sh\nprintf %s {folder}\n")
        program.chmod(0o700)
        assert AnsibleVault("vars.yml").encrypt(PLAIN, None) == folder
