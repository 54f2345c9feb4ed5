# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One ansible-core: runs of ansible-playbook and ansible as their users start them, and every trace of such a run."""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import signal
import subprocess
import time
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from contract import collection
from standin.faults import Fault

from . import processes
from .ear.sitecustomize import STARTS, STOPPED, SYSTEM_LOG, WRITES
from .search import Trace

VERBOSITY = "-vvvv"
PLAYBOOKS = Path(__file__).parent / "playbooks"

_EAR = Path(__file__).parent / "ear"
_LONGEST_RUN_S = 300
_PAUSE_S = 0.01

# Below the folder of a run: what its user wrote, and what the tests themselves keep. The run leaves everything else.
_GIVEN = "given"
_WATCH = "watch"


@dataclass(frozen=True)
class Moment:
    """When to kill a run: once a fault delays an answer, or once a Python process of the run comes to a call.

    ``call``: an audit event, a blank, and words of its arguments. ``spares_workers``: what has left the process group
    may come to its end; otherwise nothing of the run survives.
    """

    fault: Fault | None = None
    call: str = ""
    spares_workers: bool = False

    def reached(self, heard: list[Heard]) -> bool:
        return self.fault.fired > 0 if self.fault else any(item.event == STOPPED for item in heard)


@dataclass(frozen=True)
class Heard:
    """One event of a Python process of the run."""

    event: str
    said: list[str]


@dataclass(frozen=True)
class Run:
    """A run that is over, and what remains of it."""

    folder: Path
    status: int
    environment_given: Mapping[str, str] = field(repr=False)
    watch: processes.Watch = field(repr=False)

    @property
    def stdout(self) -> str:
        return (self.folder / _WATCH / "stdout").read_text()

    @property
    def stderr(self) -> str:
        return (self.folder / _WATCH / "stderr").read_text()

    @property
    def log(self) -> str:
        return (self.folder / "log" / "ansible.log").read_text()

    @property
    def failures(self) -> list[str]:
        """What Ansible displayed of tasks that failed, for whoever looks for the reason."""
        return re.findall(r"^(?:fatal|failed|\[?ERROR)[^\n]*(?:\n [^\n]*)*", self.stdout + self.stderr, re.MULTILINE)

    @property
    def heard(self) -> list[Heard]:
        return _heard(self.folder)

    @property
    def left(self) -> list[Path]:
        """The files that the run left in its own folder."""
        files = [path for path in self.folder.rglob("*") if path.is_file() and not path.is_symlink()]
        return [path for path in files if path.relative_to(self.folder).parts[0] not in (_GIVEN, _WATCH)]

    @property
    def written_elsewhere(self) -> list[Path]:
        """The files outside of its folder that it opened to write, as far as they are still there."""
        paths = {Path(path) for item in self.heard if item.event == WRITES for path in item.said}
        return [path for path in sorted(paths) if not path.is_relative_to(self.folder) and path.is_file()]

    def traces(self) -> Iterator[Trace]:
        yield Trace("stdout", self.stdout)
        yield Trace("stderr", self.stderr)
        given = {f"{name}={value}" for name, value in self.environment_given.items()}
        yield Trace("process arguments", "\n".join(self.watch.arguments))
        yield Trace("process environment", "\n".join(set(self.watch.environments) - given))
        for item in self.heard:
            if item.event in STARTS:
                yield Trace("program started", "\n".join(item.said))
            if item.event == SYSTEM_LOG:
                yield Trace("system log", "\n".join(item.said))
        for path in self.left:
            yield from contents(path, f"file {path.relative_to(self.folder)}")


@dataclass
class Controller:
    """The commands of one ansible-core, each run of them in a folder of its own with an empty home."""

    commands: Path
    folder: Path
    _runs: int = 0

    def playbook(self, name: str, variables: Mapping[str, Any], *options: str, **how: Any) -> Run:
        """Run a playbook; its variables come in a file of the user's."""
        folder = self._new_folder()
        given = folder / _GIVEN / "variables.json"
        given.touch(mode=0o600)
        given.write_text(json.dumps(variables))
        return self._run(folder, ["ansible-playbook", name, "-e", f"@{given}", *options], **how)

    def ad_hoc(self, module: str, arguments: str, *options: str, **how: Any) -> Run:
        command = ["ansible", "localhost", "-m", f"{collection.NAME}.{module}", "-a", arguments, *options]
        return self._run(self._new_folder(), command, **how)

    def _new_folder(self) -> Path:
        self._runs += 1
        folder = self.folder / f"{self._runs:03}"
        for name in ("facts", "home", "log", "retry", "tmp", "work", _GIVEN, _WATCH):
            (folder / name).mkdir(parents=True)
        return folder

    def _run(
        self,
        folder: Path,
        command: Sequence[str],
        *,
        environment: Mapping[str, str] | None = None,
        settings: Mapping[str, str] | None = None,
        pipelining: bool = False,
        debug: bool = False,
        moment: Moment | None = None,
    ) -> Run:
        """``environment``: what the user gives, secrets among it. ``settings``: of Ansible."""
        mark, given = secrets.token_hex(8), dict(environment or {})
        variables = {
            **self._variables(folder),
            **_switches(pipelining=pipelining, debug=debug),
            **(settings or {}),
            **given,
            processes.MARK: mark,
            "CANARY_MOMENT": moment.call if moment else "",
        }
        with processes.Watch(mark) as watch:
            process = _start([str(self.commands / command[0]), *command[1:], VERBOSITY, "--diff"], folder, variables)
            if moment:
                _kill_at(moment, process, mark, folder)
            status = process.wait(_LONGEST_RUN_S)
        return Run(folder, status, given, watch)

    def _variables(self, folder: Path) -> dict[str, str]:
        return {
            "ANSIBLE_CACHE_PLUGIN_CONNECTION": str(folder / "facts"),
            "ANSIBLE_COLLECTIONS_PATH": str(collection.COLLECTIONS),
            "ANSIBLE_LOG_PATH": str(folder / "log" / "ansible.log"),
            "ANSIBLE_NOCOLOR": "1",
            # Left alone, it would be below the home that the system knows, whatever HOME says.
            "ANSIBLE_REMOTE_TMP": str(folder / "home" / ".ansible" / "tmp"),
            "ANSIBLE_RETRY_FILES_SAVE_PATH": str(folder / "retry"),
            "CANARY_RECORD": str(folder / _WATCH / "record"),
            "HOME": str(folder / "home"),
            "LC_ALL": "C.UTF-8",
            "NO_PROXY": "127.0.0.1",
            "PATH": os.pathsep.join([str(self.commands), os.defpath]),
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONPATH": str(_EAR),
            "TMPDIR": str(folder / "tmp"),
        }


def _switches(**switches: bool) -> dict[str, str]:
    return {f"ANSIBLE_{name.upper()}": str(int(on)) for name, on in switches.items()}


def _start(command: Sequence[str], folder: Path, variables: Mapping[str, str]) -> subprocess.Popen[bytes]:
    with (folder / _WATCH / "stdout").open("wb") as out, (folder / _WATCH / "stderr").open("wb") as err:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            env=dict(variables),
            cwd=folder / "work",
            start_new_session=True,
        )


def _kill_at(moment: Moment, process: subprocess.Popen[bytes], mark: str, folder: Path) -> None:
    """Kill the process group, and then what has left it: newer cores give each worker a group of its own."""
    patience = time.monotonic() + _LONGEST_RUN_S
    while not moment.reached(_heard(folder)):
        assert process.poll() is None, "the run was over before its moment came"
        assert time.monotonic() < patience
        time.sleep(_PAUSE_S)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    while stragglers := processes.of_run(mark):
        assert time.monotonic() < patience
        for pid in stragglers if not moment.spares_workers else ():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(_PAUSE_S)


def _heard(folder: Path) -> list[Heard]:
    record = folder / _WATCH / "record"
    if not record.exists():
        return []
    # The last line may be half written.
    lines = record.read_text().rpartition("\n")[0].splitlines()
    return [Heard(*json.loads(line)) for line in lines]


def contents(path: Path, place: str) -> Iterator[Trace]:
    content = path.read_bytes()
    yield Trace(place, content.decode(errors="replace"))
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                yield Trace(f"{place} ({name})", archive.read(name).decode(errors="replace"))
