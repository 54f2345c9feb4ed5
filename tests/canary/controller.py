# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs ansible-playbook and ansible of one ansible-core as users do, and collects the traces of a run."""

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
from .recorder.sitecustomize import STARTS, STOPPED, SYSTEM_LOG, WRITES
from .search import Trace

VERBOSITY = "-vvvv"
PLAYBOOKS = Path(__file__).parent / "playbooks"

_RECORDER = Path(__file__).parent / "recorder"
_TIMEOUT_S = 300
_PAUSE_S = 0.01

# Folders below that of a run: the files of the user, and the records of the tests. All other files come from the run.
_GIVEN = "given"
_RECORDS = "records"


@dataclass(frozen=True)
class KillPoint:
    """When to kill a run: when a fault delays a response, or when a Python process of the run reaches a call.

    ``call``: an audit event, a blank, and words of its arguments. ``keep_workers``: processes outside of the process
    group may finish; otherwise all processes of the run are killed.
    """

    fault: Fault | None = None
    call: str = ""
    keep_workers: bool = False

    def is_reached(self, audit_events: list[AuditEvent]) -> bool:
        return self.fault.fired > 0 if self.fault else any(item.event == STOPPED for item in audit_events)


@dataclass(frozen=True)
class AuditEvent:
    """An audit event of a Python process of the run."""

    event: str
    texts: list[str]


@dataclass(frozen=True)
class Run:
    """A finished run, and its output and files."""

    folder: Path
    status: int
    environment_given: Mapping[str, str] = field(repr=False)
    watcher: processes.ProcessWatcher = field(repr=False)

    @property
    def stdout(self) -> str:
        return (self.folder / _RECORDS / "stdout").read_text()

    @property
    def stderr(self) -> str:
        return (self.folder / _RECORDS / "stderr").read_text()

    @property
    def log(self) -> str:
        return (self.folder / "log" / "ansible.log").read_text()

    @property
    def failures(self) -> list[str]:
        """The messages of failed tasks, for reports of failed tests."""
        return re.findall(r"^(?:fatal|failed|\[?ERROR)[^\n]*(?:\n [^\n]*)*", self.stdout + self.stderr, re.MULTILINE)

    @property
    def audit_events(self) -> list[AuditEvent]:
        return _read_events(self.folder)

    @property
    def files_left(self) -> list[Path]:
        """The files that the run left in its folder."""
        files = [path for path in self.folder.rglob("*") if path.is_file() and not path.is_symlink()]
        return [path for path in files if path.relative_to(self.folder).parts[0] not in (_GIVEN, _RECORDS)]

    @property
    def files_written_elsewhere(self) -> list[Path]:
        """The files outside of its folder that the run opened for writing and that still exist."""
        paths = {Path(path) for item in self.audit_events if item.event == WRITES for path in item.texts}
        return [path for path in sorted(paths) if not path.is_relative_to(self.folder) and path.is_file()]

    def traces(self) -> Iterator[Trace]:
        yield Trace("stdout", self.stdout)
        yield Trace("stderr", self.stderr)
        given = {f"{name}={value}" for name, value in self.environment_given.items()}
        yield Trace("process arguments", "\n".join(self.watcher.arguments))
        yield Trace("process environment", "\n".join(set(self.watcher.environments) - given))
        for item in self.audit_events:
            if item.event in STARTS:
                yield Trace("program started", "\n".join(item.texts))
            if item.event == SYSTEM_LOG:
                yield Trace("system log", "\n".join(item.texts))
        for path in self.files_left:
            yield from contents(path, f"file {path.relative_to(self.folder)}")


@dataclass
class Controller:
    """Runs commands of one ansible-core. Each run has a new folder with an empty home directory."""

    commands: Path
    folder: Path
    _runs: int = 0

    def playbook(self, name: str, variables: Mapping[str, Any], *options: str, **run_options: Any) -> Run:
        """Run a playbook with variables from a file."""
        folder = self._new_folder()
        given = folder / _GIVEN / "variables.json"
        given.touch(mode=0o600)
        given.write_text(json.dumps(variables))
        return self._run(folder, ["ansible-playbook", name, "-e", f"@{given}", *options], **run_options)

    def ad_hoc(self, module: str, arguments: str, *options: str, **run_options: Any) -> Run:
        command = ["ansible", "localhost", "-m", f"{collection.NAME}.{module}", "-a", arguments, *options]
        return self._run(self._new_folder(), command, **run_options)

    def _new_folder(self) -> Path:
        self._runs += 1
        folder = self.folder / f"{self._runs:03}"
        for name in ("facts", "home", "log", "retry", "tmp", "work", _GIVEN, _RECORDS):
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
        kill_point: KillPoint | None = None,
    ) -> Run:
        """``environment``: variables of the user, which may be secrets. ``settings``: settings of Ansible."""
        mark, given = secrets.token_hex(8), dict(environment or {})
        variables = {
            **self._variables(folder),
            **_settings_of(pipelining=pipelining, debug=debug),
            **(settings or {}),
            **given,
            processes.MARK: mark,
            "CANARY_KILL_POINT": kill_point.call if kill_point else "",
        }
        with processes.ProcessWatcher(mark) as watcher:
            process = _start([str(self.commands / command[0]), *command[1:], VERBOSITY, "--diff"], folder, variables)
            if kill_point:
                _kill_at(kill_point, process, mark, folder)
            status = process.wait(_TIMEOUT_S)
        return Run(folder, status, given, watcher)

    def _variables(self, folder: Path) -> dict[str, str]:
        return {
            "ANSIBLE_CACHE_PLUGIN_CONNECTION": str(folder / "facts"),
            "ANSIBLE_COLLECTIONS_PATH": str(collection.COLLECTIONS),
            "ANSIBLE_LOG_PATH": str(folder / "log" / "ansible.log"),
            "ANSIBLE_NOCOLOR": "1",
            # By default it is in the home directory of the system account, whatever HOME is.
            "ANSIBLE_REMOTE_TMP": str(folder / "home" / ".ansible" / "tmp"),
            "ANSIBLE_RETRY_FILES_SAVE_PATH": str(folder / "retry"),
            "CANARY_EVENTS": str(folder / _RECORDS / "events"),
            "HOME": str(folder / "home"),
            "LC_ALL": "C.UTF-8",
            "NO_PROXY": "127.0.0.1",
            "PATH": os.pathsep.join([str(self.commands), os.defpath]),
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONPATH": str(_RECORDER),
            "TMPDIR": str(folder / "tmp"),
        }


def _settings_of(**switches: bool) -> dict[str, str]:
    return {f"ANSIBLE_{name.upper()}": str(int(on)) for name, on in switches.items()}


def _start(command: Sequence[str], folder: Path, variables: Mapping[str, str]) -> subprocess.Popen[bytes]:
    with (folder / _RECORDS / "stdout").open("wb") as out, (folder / _RECORDS / "stderr").open("wb") as err:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            env=dict(variables),
            cwd=folder / "work",
            start_new_session=True,
        )


def _kill_at(kill_point: KillPoint, process: subprocess.Popen[bytes], mark: str, folder: Path) -> None:
    """Kill the process group, and then the other processes: newer ansible-core starts each worker in its own group."""
    deadline = time.monotonic() + _TIMEOUT_S
    while not kill_point.is_reached(_read_events(folder)):
        assert process.poll() is None, "the run finished before its kill point"
        assert time.monotonic() < deadline
        time.sleep(_PAUSE_S)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    while remaining := processes.of_run(mark):
        assert time.monotonic() < deadline
        for pid in remaining if not kill_point.keep_workers else ():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(_PAUSE_S)


def _read_events(folder: Path) -> list[AuditEvent]:
    record = folder / _RECORDS / "events"
    if not record.exists():
        return []
    # The last line may be incomplete.
    lines = record.read_text().rpartition("\n")[0].splitlines()
    return [AuditEvent(*json.loads(line)) for line in lines]


def contents(path: Path, place: str) -> Iterator[Trace]:
    content = path.read_bytes()
    yield Trace(place, content.decode(errors="replace"))
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                yield Trace(f"{place} ({name})", archive.read(name).decode(errors="replace"))
