# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs of the role rotation for a fleet of hosts, which can be killed at any step, and what the hosts hold then."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests

from canary import processes
from functional.accounts import create_accounts
from functional.fleet import Fleet
from functional.harness import Harness
from functional.known_secrets import KnownSecrets
from functional.module_runner import ModuleRunner
from functional.role import PLAY, Role, Run
from standin import Standin
from standin.request_handler import CONTROL_PREFIX, Environ, RequestHandler, Response

from .file_stores import Login
from .sshd import SshServer

ROBOT, PAIR, TOKEN = "acme+ci", "acme+duo", "nightly"
NAMES = (ROBOT, PAIR, TOKEN)
MAX_AGE_DAYS = 7

# The store of each credential in the folder of each host.
STORES = {ROBOT: "ci.json", PAIR: "auth.json", TOKEN: "nightly.json"}

# Which credential a request that mints belongs to.
_MINTS = {ROBOT: "/robots/ci(/|$)", PAIR: "/robots/duo_", TOKEN: "/tokens$"}

# Who is killed: every process of the run, the controller alone, or the process that sent a request.
EVERYTHING, CONTROLLER, ROTATOR = "everything", "controller", "rotator"

_TIMEOUT_S = 300
_PAUSE_S = 0.01

# A fact in the cache of each host, so that the cache is not empty.
_PLAY = PLAY.replace(
    "  tasks:\n",
    "  tasks:\n    - name: Cache a fact\n      ansible.builtin.set_fact: {site: north, cacheable: true}\n"
    "      run_once: true\n",
)


@dataclass(frozen=True)
class Kill:
    """When a run is killed, and who is killed.

    ``request``: at the request of this number that matches a pattern of METHOD and path. Only those count that come
    after a secret was minted (``minted``), and after so many commands on hosts (``commands``). ``answered``: after Quay
    has executed the request. ``command``: before the command of this number on a host. ``seconds``: this long after the
    start.
    """

    request: str = ""
    number: int = 1
    answered: bool = False
    minted: bool = False
    commands: int = 0
    command: int = 0
    seconds: float = 0.0
    victim: str = EVERYTHING


@dataclass(frozen=True)
class FleetRun:
    """A run that finished or was killed. ``mints``: how many secrets were minted, by credential."""

    run: Run = field(repr=False)
    killed: bool
    mints: Counter[str]
    requests: int
    commands: int
    seconds: float


class _Switch:
    """Stops the request at which a run is to be killed, until it is killed."""

    def __init__(self, fleet: KillableFleet, kill: Kill) -> None:
        self.fleet, self.kill = fleet, kill
        self.reached, self.done = threading.Event(), threading.Event()
        self.port = 0  # of the process that sent the request
        self._count = 0
        self._lock = threading.Lock()

    def meets(self, request: str) -> bool:
        kill = self.kill
        if not kill.request or not re.search(kill.request, request):
            return False
        if (kill.minted and not self.fleet.quay.journal.mints) or self.fleet.commands < kill.commands:
            return False
        with self._lock:
            self._count += 1
            return self._count == kill.number

    def stop(self, port: int) -> None:
        self.port = port
        self.reached.set()
        self.done.wait(_TIMEOUT_S)


@dataclass
class KillableFleet:
    """The hosts, the stand-in, and the credentials: a robot in place, paired robots, and an API token."""

    fleet: Fleet
    harness: Harness = field(repr=False)
    mark: str = field(default_factory=lambda: secrets.token_hex(8))
    # The variables of hosts that are reached by ssh, and those of them that are unreachable.
    connections: dict[str, dict[str, Any]] = field(default_factory=dict)
    _unreachable: set[str] = field(default_factory=set)
    _switch: _Switch | None = None
    _saved: dict[str, Any] = field(default_factory=dict, repr=False)

    @property
    def quay(self) -> Standin:
        return self.harness.quay

    @property
    def names(self) -> list[str]:
        return self.fleet.names

    @property
    def primary(self) -> Path:
        return self.fleet.role.folder / "primary.json"

    @property
    def commands(self) -> int:
        """The number of commands on local hosts in this run."""
        path = self.fleet.work / "commands"
        return path.stat().st_size if path.exists() else 0

    def credentials(self, **options: Any) -> list[dict[str, Any]]:
        """The declarations. ``options``: for all of them."""

        def on_each_host(name: str, kind: str = "file") -> dict[str, Any]:
            form = {"format": "json"} if kind == "file" else {}
            return {"kind": kind, "path": "{{ folder }}/" + STORES[name], "hosts": "nodes", **form}

        primary = {"kind": "file", "format": "json", "path": str(self.primary), "hosts": "localhost"}
        application = {"organization": "acme", "application": "automation", "lifetime": "60d"}
        common = {"max_age": f"{MAX_AGE_DAYS}d", **options}
        return [
            {"name": ROBOT, "kind": "robot", "deliver": [on_each_host(ROBOT)], **common},
            {
                "name": PAIR,
                "kind": "robot",
                "strategy": "paired",
                "deliver": [on_each_host(PAIR, "container_auth")],
                **common,
            },
            {"name": TOKEN, "kind": "api", "deliver": [primary, on_each_host(TOKEN)], **application, **common},
        ]

    # --- losing hosts

    @property
    def local(self) -> list[str]:
        """The hosts that are not reached by ssh. They can be lost during a run."""
        return [host for host in self.names if host not in self.connections]

    def reach_by_ssh(self, hosts: Iterable[str], server: SshServer) -> None:
        self.connections.update({host: server.connection(sys.executable) for host in hosts})
        self._write_inventory()

    def lose(self, host: str, *, after: int = 0, executes: bool = False) -> None:
        if host in self.connections:
            self._unreachable.add(host)
            self._write_inventory()
        else:
            self.fleet.lose(host, after=after, executes=executes)

    def find(self, host: str) -> None:
        self._unreachable.discard(host)
        self._write_inventory()
        self.fleet.find(host)

    def _write_inventory(self) -> None:
        # Nothing listens on this port.
        gone = {host: {**self.connections[host], "ansible_port": 1} for host in self._unreachable}
        self.fleet.write_inventory(**{**self.connections, **gone})

    # --- running

    def run(
        self,
        *arguments: str,
        credentials: Any = None,
        kill: Kill | None = None,
        play: str = _PLAY,
        **variables: Any,
    ) -> FleetRun:
        """Run the role for all credentials. Asserts that neither output nor files outside of stores have a secret."""
        for name in ("commands", "stop", "stopped"):
            (self.fleet.work / name).unlink(missing_ok=True)
        given = {"inventory": "hosts.yml", "rotation_hosts": "nodes", **variables}
        declared = self.credentials() if credentials is None else credentials
        command = self.fleet.role.command(declared, "-vvvv", "--diff", *arguments, play=play, **given)
        start = time.monotonic()
        output, killed = self._execute(command, kill)
        seconds = time.monotonic() - start
        journal = self.quay.journal
        mints = Counter(name for entry in journal.mints for name, path in _MINTS.items() if re.search(path, entry.path))
        finished = self.fleet.role.finished(output)
        assert killed or finished.recap, output
        self._assert_no_secret_in_files()
        return FleetRun(finished, killed, mints, len(journal), self.commands, seconds)

    def _execute(self, command: list[str], kill: Kill | None) -> tuple[str, bool]:
        """Run a command. Returns its output, and whether it was killed."""
        self._switch = _Switch(self, kill) if kill else None
        if kill and kill.command:
            (self.fleet.work / "stop").write_text(str(kill.command))
        environment = {**self.fleet.role.variables_of_environment, processes.MARK: self.mark}
        log = self.fleet.work / "output"
        with log.open("wb") as file:
            process = subprocess.Popen(
                command,
                env=environment,
                cwd=self.fleet.work,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            killed = self._wait(process, self._switch)
        self._switch = None
        return log.read_text(errors="replace"), killed

    def _wait(self, process: subprocess.Popen[bytes], switch: _Switch | None) -> bool:
        """Wait for the end of a run, or kill it. Returns whether it was killed while it was running."""
        start = time.monotonic()
        struck = False
        while True:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_PAUSE_S)
                break
            assert time.monotonic() - start < _TIMEOUT_S
            if switch and not struck and self._is_reached(switch, time.monotonic() - start):
                self._kill(process, switch)
                struck = True
        if switch and switch.kill.victim != ROTATOR:
            return struck and process.returncode == -signal.SIGKILL
        return struck

    def _is_reached(self, switch: _Switch, seconds: float) -> bool:
        if switch.kill.seconds:
            return seconds >= switch.kill.seconds
        return switch.reached.is_set() or (self.fleet.work / "stopped").exists()

    def _kill(self, process: subprocess.Popen[bytes], switch: _Switch) -> None:
        """Kill the victims. Those that only lost their controller may finish."""
        if switch.kill.victim == ROTATOR:
            os.kill(self._process_at(switch.port), signal.SIGKILL)
        else:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        if switch.kill.victim == EVERYTHING:
            self._end_processes(modules_finish=False)
        (self.fleet.work / "stopped").unlink(missing_ok=True)
        switch.done.set()
        if switch.kill.victim == CONTROLLER:
            self._end_processes(modules_finish=True)

    def _end_processes(self, *, modules_finish: bool) -> None:
        """Kill the remaining processes of the run, which newer ansible-core starts in their own groups.

        ``modules_finish``: first let the modules finish. The workers that started them wait for their controller.
        """
        deadline = time.monotonic() + _TIMEOUT_S
        while remaining := processes.of_run(self.mark):
            assert time.monotonic() < deadline
            if not modules_finish or all(map(_is_worker, remaining)):
                for pid in remaining:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
            time.sleep(_PAUSE_S)

    def _process_at(self, port: int) -> int:
        """The process of the run whose connection has this local port."""
        lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        sockets = {f"socket:[{words[9]}]" for words in lines if words[1].endswith(f":{port:04X}")}
        for pid in processes.of_run(self.mark):
            with contextlib.suppress(OSError):
                if any(str(link.readlink()) in sockets for link in Path(f"/proc/{pid}/fd").iterdir()):
                    return pid
        raise AssertionError("no process of the run has this connection")

    def install(self, patch: pytest.MonkeyPatch) -> None:
        """Let the requests of a run stop where it is killed."""
        handle = RequestHandler.handle

        def stoppable(handler: RequestHandler, environ: Environ, body: bytes) -> Response:
            switch = self._switch
            request = f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}"
            if handler.quay is not self.quay.quay or not switch or str(environ["PATH_INFO"]).startswith(CONTROL_PREFIX):
                return handle(handler, environ, body)
            meets = switch.meets(request)
            if meets and not switch.kill.answered:
                switch.stop(int(environ["REMOTE_PORT"]))
                if switch.kill.victim != CONTROLLER:
                    return Response(cut=True)
            response = handle(handler, environ, body)
            if meets and switch.kill.answered:
                switch.stop(int(environ["REMOTE_PORT"]))
            return response

        patch.setattr(RequestHandler, "handle", stoppable)

    # --- what the hosts hold

    def held(self, host: str) -> dict[str, Login | None]:
        """The login that each store of a host holds. Raises ValueError for an incomplete store."""
        return {name: _read_login(self.fleet.folder(host) / store) for name, store in STORES.items()}

    def held_by_rotator(self) -> Login | None:
        return _read_login(self.primary)

    def logs_in(self, login: Login) -> bool:
        """Whether the registry accepts a login."""
        parameters = {"service": self.quay.url.partition("://")[2], "scope": "repository:acme/app:pull"}
        pair = login.username, login.secret
        with requests.Session() as session:
            session.trust_env = False
            response = session.get(f"{self.quay.url}/v2/auth", params=parameters, auth=pair, timeout=60)
        return response.status_code == 200

    def living(self) -> dict[str, int]:
        """How many secrets of each credential Quay has."""
        robots = self.quay.state.robots
        return {
            ROBOT: sum(name == ROBOT for name in robots),
            PAIR: sum(name.startswith(PAIR) for name in robots),
            TOKEN: len(self.harness.valid_tokens(self.harness.accounts.automation)),
        }

    def leftovers(self) -> list[str]:
        """The files in the folders of the stores that are neither stores nor their records.

        The lock of a killed run is empty. It stays until a run writes the store again, which takes it over.
        """
        folder = self.fleet.role.folder
        expected = {self.primary, *(self.fleet.folder(host) / name for host in self.names for name in STORES.values())}
        expected |= {path.with_name(f"{path.name}.record.json") for path in expected}
        found = {path for path in folder.rglob("*") if path.is_file() and not _is_lock(path)}
        return sorted(str(path.relative_to(folder)) for path in found - expected)

    # --- states

    def save(self) -> None:
        """Save the state of Quay and the stores."""
        self._saved = self.quay.quay.snapshot()
        shutil.copytree(self.fleet.role.folder, self.fleet.work / "saved")

    def restore(self) -> None:
        """Restore the saved state, with all hosts reachable."""
        self.quay.quay.restore(self._saved)
        shutil.rmtree(self.fleet.role.folder)
        shutil.copytree(self.fleet.work / "saved", self.fleet.role.folder)
        for host in self.names:
            self.find(host)

    def _assert_no_secret_in_files(self) -> None:
        """Assert that no file of the run contains a secret: homes, temporary files, fact cache, artifacts."""
        excluded = [self.fleet.role.folder, self.fleet.work / "saved"]
        for path in self.fleet.work.rglob("*"):
            if path.is_file() and not any(path.is_relative_to(folder) for folder in excluded):
                found = self.harness.known_secrets.in_text(path.read_text(errors="replace"))
                assert found == [], path.relative_to(self.fleet.work)


@contextlib.contextmanager
def killable_fleet(folder: Path, names: Iterable[str]) -> Iterator[KillableFleet]:
    """Hosts of these names and a stand-in. ``folder``: a new one for all files."""
    stores = folder / "target"
    for path in (stores, folder / "tmp"):
        path.mkdir(parents=True)
    with pytest.MonkeyPatch.context() as patch, Standin("3.18") as quay:
        known = KnownSecrets(patch)
        accounts = create_accounts(quay)
        known.add(user.password for user in (accounts.root, accounts.alice, accounts.bob, accounts.carol))
        harness = Harness(quay, accounts, known, ModuleRunner(folder), stores)
        role = Role(harness)
        role.environ = {
            "TMPDIR": str(folder / "tmp"),
            "ANSIBLE_REMOTE_TMP": str(folder / "tmp"),
            "ANSIBLE_CACHE_PLUGIN": "ansible.builtin.jsonfile",
            "ANSIBLE_CACHE_PLUGIN_CONNECTION": str(folder / "facts"),
        }
        fleet = KillableFleet(Fleet(role, list(names)), harness)
        fleet.install(patch)
        yield fleet


def _is_lock(path: Path) -> bool:
    return path.suffix == ".lock" and path.stat().st_size == 0


def _is_worker(pid: int) -> bool:
    """Whether a process is a worker of a playbook, and not a module."""
    with contextlib.suppress(OSError):
        return b"play.yml" in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    return True


def _read_login(path: Path) -> Login | None:
    """The login in a store; None without one."""
    if not path.exists():
        return None
    document = json.loads(path.read_text())
    if "auths" not in document:
        return Login(document["username"], document["token"])
    (entry,) = document["auths"].values()
    username, _colon, secret = base64.b64decode(entry["auth"]).decode().partition(":")
    return Login(username, secret)
