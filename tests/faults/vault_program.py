# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The program ansible-vault in the process of a module, so that no interpreter starts for each call. It can fail.

The program itself is tested by tests/functional.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from . import vault_format
from .fault_injection import FaultInjector, replace_function

FAULTS = ("program-missing", "program-fails", "program-hangs", "program-killed")
KILLS = ("killed-before", "killed-after")
# These stay for the rest of the run.
LASTING = ("program-missing", "program-fails")


class Program:
    """Replaces the program, counts its calls, and applies the fault to one of them."""

    def __init__(self, injector: FaultInjector, fault: dict[str, Any], kill: Callable[[], None]) -> None:
        """``kill``: ends the process at once."""
        self._injector = injector
        self._target: int = fault.get("number", 0)
        self._fault: str = fault.get("fault", "")
        self._kill = kill
        self._number = 0

    def install(self) -> None:
        from ansible_collections.tokensmith.quay.plugins.module_utils._stores import ansible_vault

        real_program = ansible_vault._program

        def program() -> str:
            """Where the program is. It is counted here, because it may be missing."""
            self._number += 1
            self._injector.log("program\tansible-vault")
            if not self._fires("program-missing"):
                return real_program()
            self._injector.log("fired")
            executable, sys.executable = sys.executable, "/nonexistent/python"
            try:
                return real_program()
            finally:
                sys.executable = executable

        replacement = SimpleNamespace(run=self._run, TimeoutExpired=subprocess.TimeoutExpired)
        replace_function(ansible_vault, "_program", program)
        replace_function(ansible_vault, "subprocess", replacement)

    def _fires(self, *faults: str) -> bool:
        lasting = self._fault in LASTING and self._number > self._target > 0
        return self._fault in faults and (lasting or self._number == self._target)

    def _run(self, command: list[str], *, input: bytes, timeout: float, **_options: Any) -> Any:  # noqa: A002
        action = command[1]
        if self._fires(*FAULTS, *KILLS):
            self._injector.log("fired")
        if self._fires("killed-before"):
            self._kill()
        if self._fires("program-hangs"):
            raise subprocess.TimeoutExpired(command, timeout)
        if self._fires("program-fails"):
            return subprocess.CompletedProcess(command, 1, b"", b"[ERROR]: Decryption failed\n" + input[:20])
        if self._fires("program-killed"):
            return subprocess.CompletedProcess(command, -9, b"", b"")
        output = _encrypted(command, input) if action == "encrypt" else _decrypted(command, input)
        if self._fires("killed-after"):
            self._kill()
        return subprocess.CompletedProcess(command, 0, output, b"")


def _encrypted(command: list[str], text: bytes) -> bytes:
    label = command[command.index("--encrypt-vault-id") + 1]
    return vault_format.encrypt(text, label, _password(command))


def _decrypted(command: list[str], text: bytes) -> bytes:
    return vault_format.decrypt(text, _password(command))


def _password(command: list[str]) -> bytes:
    """The password in the file of the option, which is ``label@file``."""
    file = command[command.index("--vault-id") + 1].partition("@")[2]
    return Path(file).read_bytes().strip()
