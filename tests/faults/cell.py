# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run one cell of the matrix: a rotation with a fault at one point, the runs after it, and the checks."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from functional.module_runner import ModuleRunner
from standin.tokens import fingerprint

from . import fault_injection, vault_program
from . import proxy as proxies
from .file_stores import Login, read_store
from .proxy import PlannedFault, RecordedRequest
from .remote_stores import RemoteStore, start_store
from .scenarios import Arguments, Scenario
from .servers import RealQuay, Server, Workspace

# Faults of a request in the process of the module.
_IN_CLIENT = ("refused", "gone", "killed-before", "killed-sending", "killed-waiting", "killed-after")
REQUEST_FAULTS = (*_IN_CLIENT, *proxies.FAULTS)
FILE_FAULTS = (*fault_injection.ERRORS, *fault_injection.KILLS)
PLACE_FAULTS = ("link", "directory")
# Somebody else changes another part of the object just before the request.
_OTHER_WRITER = "other-writer"
STORE_WRITE_FAULTS = (*_IN_CLIENT, *proxies.STORE_WRITE_FAULTS, _OTHER_WRITER)
STORE_READ_FAULTS = ("gone", "killed-before", *proxies.STORE_READ_FAULTS, _OTHER_WRITER)
PROGRAM_FAULTS = (*vault_program.FAULTS, *vault_program.KILLS)
FAULTS = tuple(dict.fromkeys((*REQUEST_FAULTS, *FILE_FAULTS, *PLACE_FAULTS, *STORE_WRITE_FAULTS, *PROGRAM_FAULTS)))
# The faults of requests that change Quay, where other scenarios have all faults and all requests.
_FAULTS_OF_QUAY_WITH_STORE = ("reset-after", "500-after", "killed-before", "killed-after")
# After these faults the rest of the run cannot reach the store, or not write it.
_LASTING_FAULTS = ("gone", *proxies.LASTING, *vault_program.LASTING)

# Timeouts of a run in seconds, where a response is delayed.
_SHORT_TIMEOUT_S = 0.5
_SHORT_TIMEOUT_REAL_S = 5.0
# With this fault the run retries the request, because the server sends Retry-After.
_RETRIED_FAULT = "429-retry-after"

# What modules import late, so that each run is fast.
_PRELOADED = ("hvac.adapters", "yaml", "cryptography.hazmat.primitives.ciphers")

_UNCLEAR_MESSAGE = re.compile(r"Internal error|Traceback|Error\(|<[a-z]+ |object at 0x")


@dataclass(frozen=True)
class Point:
    """A point for faults.

    A request to Quay (``request``) or to the server of a store (``store``), a file operation (``file``), a call of
    ansible-vault (``program``), or a file that is replaced before a request.
    """

    kind: str
    number: int
    what: str
    # The faults that are possible at this point.
    faults: tuple[str, ...]

    @property
    def name(self) -> str:
        return f"{self.kind}{self.number}"


@dataclass(frozen=True)
class CellResult:
    """The result of one cell. ``outcome`` is that of its first run."""

    scenario: str
    point: Point
    fault: str
    outcome: str
    problems: tuple[str, ...]
    message: str = ""

    @property
    def passed(self) -> bool:
        return not self.problems


@dataclass
class Run:
    """The result of one run of a module, with its requests and file operations."""

    status: int
    stdout: str = field(repr=False)
    stderr: str = field(repr=False)
    requests: list[RecordedRequest]
    steps: list[list[str]]
    fired: bool = False
    store_requests: list[RecordedRequest] = field(default_factory=list)
    # The step at which a fault of a server was planned.
    fault_step: list[str] = field(default_factory=lambda: ["fired"])

    @property
    def killed(self) -> bool:
        return self.status < 0

    @property
    def values(self) -> dict[str, Any]:
        return dict(json.loads(self.stdout))

    @property
    def failed(self) -> bool:
        return self.status != 0

    @property
    def writes_after_the_fault(self) -> list[str]:
        """The requests that may have changed something in Quay after a file operation or the store failed."""
        since = self.steps.index(self.fault_step) if self.fault_step in self.steps else len(self.steps)
        numbers = [int(words[0]) for kind, *words in self.steps[since:] if kind == "request"]
        requests = [self.requests[number - 1] for number in numbers]
        return [f"{request.method} {request.path}" for request in requests if request.writes]

    @property
    def message(self) -> str:
        return "" if self.killed else str(self.values.get("msg", ""))

    @property
    def outcome(self) -> str:
        return "killed" if self.killed else "error" if self.failed else "success"


class CellRunner:
    """Runs cells, one after the other. Servers and folders are removed at the end of the block."""

    def __init__(self, real: RealQuay | None = None) -> None:
        self._real = real
        self._stack = ExitStack()
        self._servers: dict[str, Server] = {}
        self._remotes: dict[str, RemoteStore] = {}
        self._points: dict[str, list[Point]] = {}
        # The requests by which Quay issued secrets since the workspace was restored.
        self._mints = 0

    def __enter__(self) -> Self:
        folder = self._stack.enter_context(tempfile.TemporaryDirectory(prefix="faults-"))
        # Resolved, because modules see the path without symbolic links.
        self._folder = Path(folder).resolve()
        for name in ("home", "targets", "backup"):
            (self._folder / name).mkdir()
        self._module_runner = self._stack.enter_context(ModuleRunner(self._folder / "home", preload=_PRELOADED))
        return self

    def __exit__(self, *_exception: object) -> None:
        self._stack.close()

    def server(self, family: str) -> Server:
        if family not in self._servers:
            self._servers[family] = Server(self._stack, self._folder / "targets", family, self._real)
        return self._servers[family]

    def remote(self, kind: str) -> RemoteStore:
        if kind not in self._remotes:
            self._remotes[kind] = start_store(kind, self._stack, self._folder / "home")
        return self._remotes[kind]

    def workspace(self, scenario: Scenario) -> Workspace:
        """Return a workspace in which the rotation of the scenario is due."""
        workspace = self._workspace(scenario)
        self._mints = 0
        return workspace

    def _workspace(self, scenario: Scenario) -> Workspace:
        server = self.server(scenario.family)
        restored = server.restored_workspace(scenario.name)
        if restored:
            return restored

        def run_earlier(arguments: Arguments) -> None:
            ran = self.run(scenario, workspace, arguments)
            assert not ran.failed, ran.message

        remote = self.remote(scenario.remote_kind) if scenario.remote_kind else None
        workspace = server.new_workspace(scenario.store_kinds, remote)
        scenario.set_up(workspace, run_earlier)
        server.save_workspace(scenario.name, workspace)
        # Also restored the first time, so that all cells start in the same way.
        return server.restored_workspace(scenario.name) or workspace

    def run(
        self,
        scenario: Scenario,
        workspace: Workspace,
        arguments: Arguments,
        planned: PlannedFault | None = None,
        injected: dict[str, Any] | None = None,
        **more: Any,
    ) -> Run:
        log = self._folder / "log"
        log.unlink(missing_ok=True)
        proxies = _proxies_of(workspace)
        for name, proxy in proxies.items():
            proxy.start_run(planned if planned and planned.server == name else None)
        setup = {
            "folder": str(workspace.folder),
            "log": str(log),
            "servers": {name: proxy.port for name, proxy in proxies.items()},
            "with_program": "vault_vars" in workspace.kinds,
            **(injected or {}),
        }
        finished = self._module_runner.run_unchecked(
            scenario.kind.module, arguments, setup=["faults.fault_injection", setup], **more
        )
        requests = {name: proxy.wait_until_idle(_arriving(setup.get(name, {}))) for name, proxy in proxies.items()}
        lines = [line.split("\t") for line in log.read_text().splitlines()] if log.exists() else []
        self._mints += sum(request.mints for request in requests["request"])
        return Run(
            finished["status"],
            finished["stdout"],
            finished["stderr"],
            requests["request"],
            lines,
            fired=["fired"] in lines or bool(planned and planned.fired),
            store_requests=requests.get("store", []),
            fault_step=[planned.server, str(planned.number)] if planned else ["fired"],
        )

    def run_without_faults(self, scenario: Scenario, server: Server, arguments: Arguments) -> Run:
        """Run a module without fault injection, at full speed."""
        server.proxy.start_run()
        finished = self._module_runner.run_unchecked(scenario.kind.module, arguments)
        return Run(finished["status"], finished["stdout"], finished["stderr"], server.proxy.wait_until_idle(), [])

    # --- the points

    def points(self, scenario: Scenario) -> list[Point]:
        """Return all points of the rotation in order, from a run without faults."""
        if scenario.name not in self._points:
            self._points[scenario.name] = self._find_points(scenario)
        return self._points[scenario.name]

    def _find_points(self, scenario: Scenario) -> list[Point]:
        workspace = self.workspace(scenario)
        ran = self.run(scenario, workspace, scenario.first_arguments(workspace))
        assert not ran.failed, ran.message
        found = [
            Point("request", number, f"{request.method} {request.path}", _FAULTS_OF_QUAY_WITH_STORE)
            if scenario.stores
            else Point("request", number, f"{request.method} {request.path}", REQUEST_FAULTS)
            for number, request in enumerate(ran.requests, 1)
            if request.writes or not scenario.stores
        ]
        if workspace.remote:
            found += _store_points(ran.store_requests, workspace.remote)
        found += _program_points(ran.steps)
        if self._real or not scenario.files:
            return found
        found += [point for point in _file_points(ran.steps) if point.faults]
        if not scenario.stores:
            requests = range(len(ran.requests) + 1)
            found += [Point(place, number, "replaced", PLACE_FAULTS) for place in _PLACES for number in requests]
        return found

    # --- a cell

    def try_cell(self, scenario: Scenario, point: Point, fault: str) -> CellResult:
        workspace = self.workspace(scenario)
        before = {path: path.read_bytes() for path in workspace.folder.iterdir()}
        former = stored_logins(workspace)
        held = workspace.remote.login() if workspace.remote else None
        first = self._run_with_fault(scenario, workspace, point, fault)
        problems = [*self.check_files(scenario, workspace, before), *self._check_remote(workspace, held)]
        obstacle = _Obstacle.of(workspace, point, fault)
        if obstacle:
            problems += obstacle.remove()
        problems += self._check_first_run(scenario, workspace, first, point, fault)
        problems += self.check_recovery(
            scenario, workspace, former | stored_logins(workspace), orphans_allowed=int(first.failed)
        )
        if scenario.stores and self._mints > scenario.kind.max_mints:
            problems.append(f"Quay was asked for {self._mints} secrets")
        return CellResult(scenario.name, point, fault, first.outcome, tuple(dict.fromkeys(problems)), first.message)

    def _run_with_fault(self, scenario: Scenario, workspace: Workspace, point: Point, fault: str) -> Run:
        """Run the rotation with the fault."""
        arguments = scenario.first_arguments(workspace)
        planned: PlannedFault | None = None
        injected: dict[str, Any] = {}
        if point.kind in ("request", "store", "file", "program"):
            if point.kind in ("file", "program") or fault in _IN_CLIENT:
                injected = {point.kind: {"number": point.number, "fault": fault}}
            else:
                planned = PlannedFault(point.number, fault, server=point.kind)
            if fault == _OTHER_WRITER:
                assert workspace.remote
                planned = PlannedFault(point.number, "", server="store", action=workspace.remote.let_others_write)
            if fault in ("hang-then-act", "act-then-hang"):
                timeout = _SHORT_TIMEOUT_REAL_S if self._real else _SHORT_TIMEOUT_S
                (arguments if point.kind == "request" else injected)["timeout"] = timeout
            if fault == _RETRIED_FAULT:
                arguments["retries"] = 1
        obstacle = _Obstacle.of(workspace, point, fault)
        if obstacle and point.number == 0:
            obstacle.create()
            planned = PlannedFault(0, "", fired=True)
        elif obstacle:
            planned = PlannedFault(point.number, "", action=obstacle.create)
        return self.run(scenario, workspace, arguments, planned, injected)

    def _check_first_run(
        self, scenario: Scenario, workspace: Workspace, first: Run, point: Point, fault: str
    ) -> Iterator[str]:
        if not first.fired:
            yield "the fault did not occur"
        if first.killed:
            return
        yield from self.check_output(workspace, first, "the run")
        if not first.failed:
            yield from (
                f"false success: {problem}"
                for problem in self.check_workspace(scenario, workspace, orphans_allowed=0)
                if not (_prevents_removal(point, fault) and problem.endswith(" is left"))
            )
            return
        if _is_lasting(point, fault) and first.writes_after_the_fault:
            yield f"the store could not be written, but Quay was: {', '.join(first.writes_after_the_fault)}"
        # On a read-only file system nothing can be removed; the next run does it.
        if not _prevents_removal(point, fault) and any(_is_temporary(path) for path in workspace.folder.iterdir()):
            yield "a draft or lock is left"
        if len(first.message.split()) < 4 or _UNCLEAR_MESSAGE.search(first.message):
            yield f"the run fails without a clear message: {first.message}"
        if point.kind == "store" and workspace.remote and not workspace.remote.names_it(first.message):
            yield f"the run fails with a message that does not name the store: {first.message}"
        if workspace.remote and workspace.stores and point.kind in ("store", "file"):
            yield from self._check_other_stores(scenario, workspace, point)

    def _check_other_stores(self, scenario: Scenario, workspace: Workspace, point: Point) -> Iterator[str]:
        """Check that a store of another kind than the one that failed holds a valid secret, if it holds any."""
        assert workspace.remote
        names = scenario.kind.all_usernames(workspace)
        for name, login in workspace.logins().items():
            failed = (name == workspace.remote.kind) == (point.kind == "store")
            if login and not failed and not any(workspace.server.logs_in(user, login.secret) for user in names):
                yield f"{name} has a secret that Quay refuses, although it did not fail"

    def _check_remote(self, workspace: Workspace, held: Login | None) -> Iterator[str]:
        """Check that the remote store is unchanged or complete, and keeps what others keep in it."""
        if workspace.remote is None:
            return
        login = workspace.remote.login()
        if held is not None and login is None:
            yield f"{workspace.remote.kind} is incomplete"
        if login and login.secret not in workspace.server.proxy.secret_recorder.secrets:
            yield f"{workspace.remote.kind} has an unknown secret"
        yield from workspace.remote.problems()

    def check_recovery(
        self, scenario: Scenario, workspace: Workspace, former: set[Login], *, orphans_allowed: int
    ) -> Iterator[str]:
        """Check that one more run without faults repairs everything, and that a further one changes nothing.

        ``former``: all secrets that the stores had. With overlapping secrets one more run may retire the former one.
        ``orphans_allowed``: how many secrets may have been issued whose response was lost: one for each failed run.
        """
        names = ["the next run", "the run after it"] if scenario.overlaps else ["the next run"]
        for name in names:
            again = self.run(scenario, workspace, scenario.arguments(workspace))
            yield from self.check_output(workspace, again, name)
            if again.failed:
                yield f"{name} fails: {again.message or again.status}"
                return
            for problem in self.check_workspace(scenario, workspace, orphans_allowed=orphans_allowed):
                yield f"after {name} {problem}"
            former = former | stored_logins(workspace)
        yield from self.check_former(scenario, workspace, former)
        yield from self._check_last_run(scenario, workspace)

    def check_former(self, scenario: Scenario, workspace: Workspace, former: set[Login]) -> Iterator[str]:
        stored = {login.secret for login in stored_logins(workspace)}
        for secret in {login.secret for login in former} - stored if scenario.kind.revocable else ():
            if any(workspace.server.logs_in(name, secret) for name in scenario.kind.all_usernames(workspace)):
                yield "a superseded secret is still accepted"
        yield from scenario.kind.former_problems(workspace, stored_logins(workspace))

    def _check_last_run(self, scenario: Scenario, workspace: Workspace) -> Iterator[str]:
        files = {path: path.read_bytes() for path in workspace.folder.iterdir()}
        content = workspace.remote.content() if workspace.remote else None
        last = self.run(scenario, workspace, scenario.arguments(workspace))
        yield from self.check_output(workspace, last, "the third run")
        if last.failed:
            yield f"the third run fails: {last.message or last.status}"
        elif last.values["changed"]:
            yield "the third run changes something"
        requests = (*last.requests, *last.store_requests)
        writes = [f"{request.method} {request.path}" for request in requests if request.writes]
        if writes:
            yield f"the third run writes: {', '.join(writes)}"
        if files != {path: path.read_bytes() for path in workspace.folder.iterdir()}:
            yield "the third run changes a file"
        if workspace.remote and content != workspace.remote.content():
            yield f"the third run changes {workspace.remote.kind}"

    def check_output(self, workspace: Workspace, run: Run, name: str) -> Iterator[str]:
        printed = run.stdout + run.stderr
        if workspace.server.proxy.secret_recorder.in_text(printed):
            yield f"{name} prints a secret"
        if run.stderr:
            yield f"{name} writes to standard error: {run.stderr.strip().splitlines()[-1][:200]}"
        if "Traceback" in printed:
            yield f"{name} shows a traceback"
        try:
            values = json.loads(run.stdout)
        except ValueError:
            yield f"{name} prints no JSON (status {run.status})"
            return
        if run.status not in (0, 1) or bool(values.get("failed")) != (run.status == 1):
            yield f"{name} ends with status {run.status}"

    def check_files(self, scenario: Scenario, workspace: Workspace, before: dict[Path, bytes]) -> Iterator[str]:
        """Check that each file is unchanged, completely new or absent, and that only its owner can read it."""
        known = workspace.server.proxy.secret_recorder.secrets
        for path in workspace.folder.iterdir():
            if path.is_symlink() or path.is_dir():
                continue
            if stat.S_IMODE(path.stat().st_mode) != 0o600:
                yield f"{path.name} can be read by others"
            content = path.read_bytes()
            if content == before.get(path) or _is_temporary(path):
                continue
            if path in workspace.stores:
                login = read_store(path)
                if login is None or login.secret not in known:
                    yield f"{path.name} is incomplete"
            elif not _is_record(content):
                yield f"{path.name} is incomplete"
        stores = [path for path in before if not _is_temporary(path)]
        yield from (f"{path.name} is missing" for path in stores if not os.path.lexists(path))
        if scenario.kind.always_valid and scenario.kind.is_login:
            yield from self._check_logins(scenario, workspace)

    def _check_logins(self, scenario: Scenario, workspace: Workspace) -> Iterator[str]:
        """Check that a consumer can log in with the secret in each store."""
        for login in stored_logins(workspace):
            names = [login.username] if login.username else scenario.kind.all_usernames(workspace)
            if not any(workspace.server.logs_in(name, login.secret) for name in names):
                yield "a store has a secret that Quay refuses"

    def check_workspace(self, scenario: Scenario, workspace: Workspace, *, orphans_allowed: int) -> Iterator[str]:
        """Check files, stores and Quay after a successful run."""
        allowed = {path for store in workspace.stores for path in (store, _record_of(store))}
        unexpected = {path.name for path in workspace.folder.iterdir()} - {path.name for path in allowed}
        if unexpected:
            yield f"{', '.join(sorted(unexpected))} is left"
        for path in workspace.folder.glob("*.record.json"):
            if workspace.server.proxy.secret_recorder.in_text(path.read_text()):
                yield f"{path.name} contains a secret"
        logins = workspace.logins()
        without_secret = [name for name, login in logins.items() if login is None]
        if without_secret:
            yield f"{', '.join(without_secret)} contains no secret"
        stored = [login for login in logins.values() if login]
        if len({login.secret for login in stored}) > 1:
            yield "the stores have different secrets"
        if workspace.remote:
            yield from workspace.remote.problems()
        yield from scenario.kind.problems(workspace, stored, orphans_allowed=orphans_allowed)


def _file_points(steps: list[list[str]]) -> Iterator[Point]:
    number, unchanged = 0, False
    for kind, *words in steps:
        if kind == "request":
            unchanged = False
        if kind == "file":
            number += 1
            yield Point("file", number, " ".join(words), _file_faults(words, unchanged))
            unchanged = unchanged or words[0] in fault_injection.CHANGES


def _file_faults(words: list[str], unchanged: bool) -> tuple[str, ...]:
    """The faults of a file operation. ``unchanged``: nothing has changed since the previous change."""
    operation, *names = words
    errors = [name for name in fault_injection.ERRORS if fault_injection.meets(name, operation, " ".join(names))]
    kills = [name for name, operations in fault_injection.KILLS.items() if operation in operations]
    return (*errors, *(name for name in kills if name != "killed-before" or not unchanged))


def _store_points(requests: list[RecordedRequest], remote: RemoteStore) -> Iterator[Point]:
    for number, request in enumerate(requests, 1):
        faults: tuple[str, ...] = STORE_WRITE_FAULTS if request.writes else STORE_READ_FAULTS
        if request.writes and not remote.has_conditional_writes:
            # No client of such a server can prevent that it replaces what was written directly before.
            faults = tuple(fault for fault in faults if fault != _OTHER_WRITER)
        what = f"{request.method}{' dry run of' if request.dry_run else ''} {request.path}"
        yield Point("store", number, what, faults)


def _program_points(steps: list[list[str]]) -> Iterator[Point]:
    calls = [words for kind, *words in steps if kind == "program"]
    yield from (Point("program", number, " ".join(words), PROGRAM_FAULTS) for number, words in enumerate(calls, 1))


def _proxies_of(workspace: Workspace) -> dict[str, proxies.Proxy]:
    """The proxies in front of Quay and of the store, by the kinds of their points."""
    remote = {"store": workspace.remote.proxy} if workspace.remote else {}
    return {"request": workspace.server.proxy, **remote}


def _arriving(fault: dict[str, Any]) -> int:
    """How many requests arrive for certain: one that was sent before the process was killed still does."""
    return int(fault["number"]) if fault.get("fault") == "killed-waiting" else 0


def _is_lasting(point: Point, fault: str) -> bool:
    """Whether the store cannot be written in the rest of the run."""
    if point.kind == "file":
        return fault_injection.is_permanent(fault)
    return point.kind in ("store", "program") and fault in _LASTING_FAULTS


def random_lasting_error(points: list[Point], rng: random.Random) -> tuple[Point, str]:
    """Select a file operation of any kind, and an error that it and all of its name get from then on."""
    files = [point for point in points if point.kind == "file"]
    operation = rng.choice(sorted({point.what.split()[0] for point in files}))
    point = rng.choice([point for point in files if point.what.split()[0] == operation])
    return point, fault_injection.LASTING + rng.choice(fault_injection.RANDOM_ERRORS)


def stored_logins(workspace: Workspace) -> set[Login]:
    """Return the logins in the stores."""
    return {login for login in workspace.logins().values() if login}


def _prevents_removal(point: Point, fault: str) -> bool:
    """Whether a run with this fault may be unable to remove its drafts or locks. The next run does it."""
    is_lock = point.what.startswith("unlink") and point.what.endswith(".lock")
    return is_lock or fault == "read-only" or fault.startswith(fault_injection.LASTING)


def _record_of(store: Path) -> Path:
    return store.with_name(f"{store.name}.record.json")


def _is_temporary(path: Path) -> bool:
    """Whether a file is a draft or a lock, which the next run removes after a killed one."""
    return path.name.startswith(".") and path.name.endswith((".draft", ".lock"))


def _is_record(content: bytes) -> bool:
    try:
        records = json.loads(content)
    except ValueError:
        return False
    return all(len(record["fingerprint"]) == len(fingerprint("")) for record in records.values())


class _Obstacle:
    """Replaces a store by a link to another file or by a folder. The store is moved to a backup."""

    def __init__(self, place: Path, fault: str) -> None:
        self._place = place
        self._fault = fault
        self._backup = place.parents[2] / "backup"
        self._link_target = self._backup / "target"

    @classmethod
    def of(cls, workspace: Workspace, point: Point, fault: str) -> _Obstacle | None:
        return cls(_PLACES[point.kind](workspace), fault) if point.kind in _PLACES else None

    def create(self) -> None:
        shutil.rmtree(self._backup)
        self._backup.mkdir()
        if self._place.exists():
            self._place.rename(self._backup / "store")
        if self._fault == "directory":
            self._place.mkdir()
        else:
            self._link_target.write_text("foreign\n")
            self._place.symlink_to(self._link_target)

    def remove(self) -> list[str]:
        """Remove the obstacle and restore the store. Returns problems: changes of the obstacle."""
        problems = []
        if self._fault == "link" and self._link_target.read_text() != "foreign\n":
            problems.append("the target of the link was written")
        if self._place.is_symlink():
            self._place.unlink()
        elif self._place.is_dir():
            if any(self._place.iterdir()):
                problems.append("a file was created in the folder")
            shutil.rmtree(self._place)
        store = self._backup / "store"
        if store.exists() and not self._place.exists():
            store.rename(self._place)
        return problems


_PLACES: dict[str, Callable[[Workspace], Path]] = {
    "secret": lambda workspace: workspace.stores[0],
    "auth": lambda workspace: workspace.stores[1],
    "record": lambda workspace: _record_of(workspace.stores[0]),
}
