# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A container engine without containers: `start` runs a stand-in in place of Quay. It records its calls.

`python -m functional.container_engine FOLDER ARGUMENT ...` keeps its state in the folder.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml


class Engine:
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def run(self, *arguments: str) -> int:
        """Do what a container engine does for the arguments. Return the exit status."""
        with (self.folder / "calls").open("a") as calls:
            calls.write(json.dumps(arguments) + "\n")
        actions: dict[str, Callable[..., int]] = {
            "network": self._network,
            "run": self._create,
            "create": self._create,
            "cp": self._copy,
            "exec": self._exec,
            "start": self._start,
            "rm": self._remove,
        }
        return actions[arguments[0]](*arguments[1:])

    def _network(self, action: str, name: str) -> int:
        place = self.folder / f"network-{name}"
        if action == "create":
            place.touch(exist_ok=False)
        elif not place.exists():
            return complain(f"unable to find network with name or ID {name}: network not found")
        else:
            place.unlink()
        return 0

    def _create(self, *arguments: str) -> int:
        options = dict(word[2:].split("=", 1) for word in arguments if word.startswith("--") and "=" in word)
        if not (self.folder / f"network-{options['network']}").exists():
            return complain("network not found")
        described = {**options, "image": arguments[-1]}
        with (self.folder / f"container-{options['name']}").open("x") as file:
            json.dump(described, file)
        return 0

    def _exec(self, name: str, *_command: str) -> int:
        return 0 if (self.folder / f"container-{name}").exists() else complain(f"no such container {name}")

    def _copy(self, source: str, target: str) -> int:
        assert source == "-"
        with tarfile.open(fileobj=sys.stdin.buffer, mode="r|") as archive:
            for member in archive:
                file = archive.extractfile(member)
                assert file
                content = file.read().decode()
                copied = {"uid": member.uid, "mode": member.mode, "target": target, "content": content}
                (self.folder / f"copied-{member.name}").write_text(json.dumps(copied))
        return 0

    def _start(self, name: str) -> int:
        described: dict[str, Any] = json.loads((self.folder / f"container-{name}").read_text())
        config = yaml.safe_load(json.loads((self.folder / "copied-config.yaml").read_text())["content"])
        host, port, _port = described["publish"].split(":")
        family = described["image"].rpartition(":")[2]
        command = [sys.executable, "-m", "standin", "--host", host, "--port", port, "--family", family]
        command += ["--server-hostname", config["SERVER_HOSTNAME"]]
        with (self.folder / "output").open("w") as output:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
            )
        (self.folder / f"pid-{name}").write_text(str(process.pid))
        return 0

    def _remove(self, *arguments: str) -> int:
        name = arguments[-1]
        container, pid = (self.folder / f"{kind}-{name}" for kind in ("container", "pid"))
        if not container.exists():
            return complain(f'no container with ID or name "{name}" found: no such container')
        container.unlink()
        if pid.exists():
            os.kill(int(pid.read_text()), signal.SIGTERM)
            pid.unlink()
        return 0


def complain(message: str) -> int:
    print(f"Error: {message}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(Engine(Path(sys.argv[1])).run(*sys.argv[2:]))
