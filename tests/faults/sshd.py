# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A real sshd of this machine on a free port of the loopback interface, with keys of its own."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from canary import processes

_SSHD = shutil.which("sshd", path=f"{os.defpath}:/usr/sbin:/usr/local/sbin")
_TIMEOUT_S = 30

# The folder without which sshd does not start as root. Packages create it when they start the service.
_PRIVILEGE_SEPARATION = Path("/run/sshd")


def has_sshd() -> bool:
    """Whether this machine has an sshd and an ssh client."""
    return bool(_SSHD and shutil.which("ssh"))


class SshServer:
    """Runs an sshd in the foreground until the block ends. ``folder``: a new one for its keys and settings."""

    def __init__(self, folder: Path, mark: str) -> None:
        """``mark``: of the runs whose commands it executes, see ``canary.processes``."""
        self._folder = folder
        self._mark = mark
        self._process: subprocess.Popen[bytes] | None = None
        self._made_folder = False
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])

    def connection(self, python: str) -> dict[str, Any]:
        """The variables of a host that is reached by it."""
        options = [
            "-o ControlMaster=no -o IdentitiesOnly=yes -o StrictHostKeyChecking=yes",
            f"-o UserKnownHostsFile={self._folder / 'known_hosts'} -F /dev/null",
        ]
        return {
            "ansible_connection": "ssh",
            "ansible_host": "127.0.0.1",
            "ansible_port": self.port,
            "ansible_user": getpass.getuser(),
            "ansible_ssh_private_key_file": str(self._folder / "user"),
            "ansible_ssh_args": " ".join(options),
            "ansible_python_interpreter": python,
        }

    def __enter__(self) -> Self:
        self._folder.mkdir(mode=0o700)
        for name in ("host", "user"):
            subprocess.run(
                ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(self._folder / name)], check=True
            )
        host_key = (self._folder / "host.pub").read_text()
        (self._folder / "known_hosts").write_text(f"[127.0.0.1]:{self.port} {host_key}")
        (self._folder / "sshd_config").write_text(self._settings())
        if os.geteuid() == 0 and not _PRIVILEGE_SEPARATION.exists():
            _PRIVILEGE_SEPARATION.mkdir(mode=0o755)
            self._made_folder = True
        assert _SSHD
        self._process = subprocess.Popen(
            [_SSHD, "-D", "-e", "-f", str(self._folder / "sshd_config")],
            stdin=subprocess.DEVNULL,
            stderr=(self._folder / "log").open("wb"),
        )
        self._wait()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process
        self._process.terminate()
        self._process.wait(_TIMEOUT_S)
        if self._made_folder:
            _PRIVILEGE_SEPARATION.rmdir()

    def _settings(self) -> str:
        return "\n".join(
            [
                f"ListenAddress 127.0.0.1:{self.port}",
                f"HostKey {self._folder / 'host'}",
                f"AuthorizedKeysFile {self._folder / 'user.pub'}",
                "PidFile none",
                "UsePAM no",
                "StrictModes no",
                "PasswordAuthentication no",
                "KbdInteractiveAuthentication no",
                "PermitRootLogin prohibit-password",
                f"SetEnv {processes.MARK}={self._mark}",
                "",
            ]
        )

    def _wait(self) -> None:
        """Wait until it accepts connections."""
        deadline = time.monotonic() + _TIMEOUT_S
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            except OSError:
                assert self._process
                assert self._process.poll() is None, (self._folder / "log").read_text()
                assert time.monotonic() < deadline
                time.sleep(0.05)
            else:
                return
