# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.
"""The program ansible-vault of the controller. Texts go to it and come back through pipes alone.

It finds the passwords as Ansible does: vault ids, password files, client scripts, ansible.cfg and the environment. It
runs as a process of its own, because a module cannot rely on importing the controller's code.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

from .._core.errors import BadInput, StoreError

_HEADER = "$ANSIBLE_VAULT;"
# Seconds. A client script may ask another system.
_TIMEOUT = 60.0


class AnsibleVault:
    """Encrypts and decrypts texts. ``place``: what it is used for, in messages."""

    def __init__(self, place: str, vault_id: str | None = None, password_file: str | None = None) -> None:
        """``vault_id``: ``label`` or ``label@source``. ``password_file``: a file or a client script."""
        self._place = place
        self._label, _at, source = (vault_id or "").partition("@")
        self._identity = [
            *(["--vault-id", str(vault_id)] if source else []),
            *(["--vault-password-file", password_file] if password_file else []),
        ]

    def decrypt(self, text: str) -> str:
        """The plain text. Raises StoreError for a text that is not encrypted, or by another password."""
        if not is_encrypted(text):
            raise StoreError(f"{self._place} is not encrypted by ansible-vault. Encrypt it: ansible-vault encrypt")
        return self._run("decrypt", text, [])

    def encrypt(self, text: str, like: str | None) -> str:
        """The encrypted text, by the vault id of the option, or else of the text ``like`` that it replaces."""
        label = self._label or (_label_of(like) if like else "")
        return self._run("encrypt", text, ["--encrypt-vault-id", label] if label else [])

    def _run(self, action: str, text: str, more: list[str]) -> str:
        try:
            # Without the module, which a store does not know, so that its run_command is out of reach.
            process = subprocess.run(  # pylint: disable=ansible-bad-function
                [_program(), action, *self._identity, *more, "--output", "-"],
                input=text.encode("utf-8"),
                capture_output=True,
                timeout=_TIMEOUT,
                check=False,
                # Without a terminal, it cannot wait for a password that nobody types.
                start_new_session=True,
            )
        except subprocess.TimeoutExpired:
            problem = (
                f"ansible-vault {action} did not end within {_TIMEOUT:g} s. Check the script of the vault password"
            )
        except OSError as error:
            problem = f"ansible-vault cannot be run: {error.strerror}"
        else:
            if process.returncode == 0:
                return process.stdout.decode("utf-8")
            problem = self._problem(action, process.stderr.decode("utf-8", "replace"))
        # Outside of the except block: the exception holds the input.
        raise StoreError(f"{self._place}: {problem}")

    @staticmethod
    def _problem(action: str, said: str) -> str:
        """What went wrong, without the program's own words: they may be those of a script that prints passwords."""
        if "available to encrypt" in said:
            return (
                "there are several vault ids, and it is not known which one encrypts. Set ansible_vault_id to a label"
            )
        if "prompt" in said or "no vault secrets" in said.lower():
            return (
                "there is no vault password for it. Set ansible_vault_password_file or ansible_vault_id, or configure "
                "ANSIBLE_VAULT_PASSWORD_FILE or ANSIBLE_VAULT_IDENTITY_LIST"
            )
        return f"ansible-vault {action} failed. Run ansible-vault view on the same host to see why"


def is_encrypted(text: str) -> bool:
    return text.startswith(_HEADER)


def _label_of(text: str) -> str:
    """The vault id in the header of an encrypted text; empty if it has none."""
    parts = text.split("\n", maxsplit=1)[0].strip().split(";")
    return parts[3] if len(parts) > 3 else ""


def _program() -> str:
    beside = os.path.join(os.path.dirname(sys.executable), "ansible-vault")
    found = beside if os.access(beside, os.X_OK) else shutil.which("ansible-vault")
    if not found:
        raise BadInput(
            f"A store of the kind vault_vars needs the program ansible-vault, which is neither next to "
            f"{sys.executable} nor on the PATH. Install ansible-core on the host that runs the module"
        )
    return found
