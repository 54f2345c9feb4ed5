# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One cell of the matrix: a rotation, a fault at one point of it, the runs after it, and the judgement."""

from __future__ import annotations

import json
import os
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

from . import proxy as proxies
from . import saboteur
from .proxy import Plan, Seen
from .scenarios import Arguments, Login, Scenario, held_in
from .site import Ground, Named, Site

# What becomes of a request in the client's own process.
_IN_CLIENT = ("refused", "gone", "killed-before", "killed-sending", "killed-waiting", "killed-after")
REQUEST_FAULTS = (*_IN_CLIENT, *proxies.FAULTS)
FILE_FAULTS = (*saboteur.ERRORS, *saboteur.KILLS)
PLACE_FAULTS = ("link", "directory")
FAULTS = tuple(dict.fromkeys((*REQUEST_FAULTS, *FILE_FAULTS, *PLACE_FAULTS)))

# Seconds after which a run gives up waiting, where an answer is held back.
_IMPATIENT = 0.5
_IMPATIENT_REAL = 5.0
# With this one the run asks again, for a server that asks for patience gets it.
_ASKS_AGAIN = "429-retry-after"

_NO_SENTENCE = re.compile(r"Internal error|Traceback|Error\(|<[a-z]+ |object at 0x")


@dataclass(frozen=True)
class Point:
    """Where a fault is tried: ``request 3``, ``file 12``, or a place where something else lies from request 3 on."""

    kind: str
    number: int
    what: str
    # Whether all is as it was after the change before this one, and so after a kill.
    unchanged: bool = False

    @property
    def name(self) -> str:
        return f"{self.kind}{self.number}"

    @property
    def faults(self) -> tuple[str, ...]:
        """The faults that can befall it."""
        if self.kind == "request":
            return REQUEST_FAULTS
        if self.kind != "file":
            return PLACE_FAULTS
        operation = self.what.split()[0]
        errors = [name for name, (_errno, _lasting, befallen) in saboteur.ERRORS.items() if operation in befallen]
        kills = [name for name, befallen in saboteur.KILLS.items() if operation in befallen]
        return (*errors, *(name for name in kills if name != "killed-before" or not self.unchanged))


@dataclass(frozen=True)
class Verdict:
    """What became of one cell; ``ending`` of its first run."""

    scenario: str
    point: Point
    fault: str
    ending: str
    problems: tuple[str, ...]
    message: str = ""

    @property
    def held(self) -> bool:
        return not self.problems


@dataclass
class Run:
    """How one run of a module ended, and what it asked."""

    status: int
    stdout: str = field(repr=False)
    stderr: str = field(repr=False)
    requests: list[Seen]
    steps: list[list[str]]
    struck: bool = False

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
    def message(self) -> str:
        return "" if self.killed else str(self.values.get("msg", ""))

    @property
    def ending(self) -> str:
        return "killed" if self.killed else "error" if self.failed else "success"


class Bench:
    """Runs cells, one after the other, until the block is left."""

    def __init__(self, real: Named | None = None) -> None:
        self._real = real
        self._stack = ExitStack()
        self._sites: dict[str, Site] = {}
        self._points: dict[str, list[Point]] = {}

    def __enter__(self) -> Self:
        folder = self._stack.enter_context(tempfile.TemporaryDirectory(prefix="faults-"))
        # As modules get to see it: with nothing in its name that is a link.
        self._folder = Path(folder).resolve()
        for name in ("home", "targets", "aside"):
            (self._folder / name).mkdir()
        self._modules = self._stack.enter_context(ModuleRunner(self._folder / "home"))
        return self

    def __exit__(self, *_exception: object) -> None:
        self._stack.close()

    def site(self, family: str) -> Site:
        if family not in self._sites:
            self._sites[family] = Site(self._stack, self._folder / "targets", family, self._real)
        return self._sites[family]

    def ground(self, scenario: Scenario) -> Ground:
        """The scenario's ground, on which its rotation is due."""
        site = self.site(scenario.family)
        remembered = site.remembered(scenario.name)
        if remembered:
            return remembered

        def earlier(arguments: Arguments) -> None:
            ran = self.run(scenario, site, arguments)
            assert not ran.failed, ran.message

        ground = site.new_ground(is_login=scenario.is_login)
        scenario.furnish(ground, earlier)
        site.remember(scenario.name, ground)
        # Also the first time as restored, so that every cell begins alike.
        return site.remembered(scenario.name) or ground

    def run(
        self,
        scenario: Scenario,
        site: Site,
        arguments: Arguments,
        plan: Plan | None = None,
        order: dict[str, Any] | None = None,
        **more: Any,
    ) -> Run:
        log = self._folder / "log"
        log.unlink(missing_ok=True)
        site.proxy.begin(plan)
        folder = str(Path(arguments["deliver"][0]["path"]).parent)
        setup = ["faults.saboteur", {"folder": folder, "log": str(log), **(order or {})}]
        ended = self._modules.run_unchecked(scenario.kind.module, arguments, setup=setup, **more)
        told = (order or {}).get("request", {})
        requests = site.proxy.settle(at_least=told["number"] if told.get("fault") == "killed-waiting" else 0)
        lines = [line.split("\t") for line in log.read_text().splitlines()] if log.exists() else []
        struck = ["struck"] in lines or bool(plan and plan.struck)
        return Run(ended["status"], ended["stdout"], ended["stderr"], requests, lines, struck)

    def run_plainly(self, scenario: Scenario, site: Site, arguments: Arguments) -> Run:
        """Without a saboteur, as fast as it is."""
        site.proxy.begin()
        ended = self._modules.run_unchecked(scenario.kind.module, arguments)
        return Run(ended["status"], ended["stdout"], ended["stderr"], site.proxy.settle(), [])

    # --- the points

    def points(self, scenario: Scenario) -> list[Point]:
        """Every point of the rotation, in order, by a run to which nothing happens."""
        if scenario.name not in self._points:
            self._points[scenario.name] = self._seek_points(scenario)
        return self._points[scenario.name]

    def _seek_points(self, scenario: Scenario) -> list[Point]:
        ground = self.ground(scenario)
        ran = self.run(scenario, ground.site, scenario.first(ground))
        assert not ran.failed, ran.message
        found = [Point("request", number, f"{seen.method} {seen.path}") for number, seen in enumerate(ran.requests, 1)]
        if self._real or not scenario.files:
            return found
        places = [Point(place, number, "in its place") for place in _PLACES for number in range(len(found) + 1)]
        files = [point for point in _file_points(ran.steps) if point.faults]
        return [*found, *files, *places]

    # --- a cell

    def try_cell(self, scenario: Scenario, point: Point, fault: str) -> Verdict:
        ground = self.ground(scenario)
        before = {path: path.read_bytes() for path in ground.folder.iterdir()}
        former = logins_of(ground)
        first = self._first(scenario, ground, point, fault)
        problems = [*self.judge_whole(scenario, ground, before)]
        obstacle = _Obstacle.of(ground, point, fault)
        if obstacle:
            problems += obstacle.removed()
        problems += self._judge_first(scenario, ground, first, fault)
        problems += self.judge_recovery(scenario, ground, former | logins_of(ground), forgiven=first.failed)
        return Verdict(scenario.name, point, fault, first.ending, tuple(dict.fromkeys(problems)), first.message)

    def _first(self, scenario: Scenario, ground: Ground, point: Point, fault: str) -> Run:
        """The run to which it happens."""
        arguments = scenario.first(ground)
        plan: Plan | None = None
        order: dict[str, Any] = {}
        if point.kind in ("request", "file"):
            if point.kind == "file" or fault in _IN_CLIENT:
                order = {point.kind: {"number": point.number, "fault": fault}}
            else:
                plan = Plan(point.number, fault)
            if fault in ("hang-then-act", "act-then-hang"):
                arguments["timeout"] = _IMPATIENT_REAL if self._real else _IMPATIENT
            if fault == _ASKS_AGAIN:
                arguments["retries"] = 1
        obstacle = _Obstacle.of(ground, point, fault)
        if obstacle and point.number == 0:
            obstacle.put()
            plan = Plan(0, "", struck=True)
        elif obstacle:
            plan = Plan(point.number, "", meanwhile=obstacle.put)
        return self.run(scenario, ground.site, arguments, plan, order)

    def _judge_first(self, scenario: Scenario, ground: Ground, first: Run, fault: str) -> Iterator[str]:
        if not first.struck:
            yield "the fault never struck"
        if first.killed:
            return
        yield from self.judge_output(ground, first, "the run")
        if not first.failed:
            yield from (f"false success: {problem}" for problem in self.judge_ground(scenario, ground, forgiven=False))
            return
        # Where nothing can be removed any more, the next run does it.
        if fault != "read-only" and any(_is_draft(path) for path in ground.folder.iterdir()):
            yield "a draft is left behind"
        if len(first.message.split()) < 4 or _NO_SENTENCE.search(first.message):
            yield f"the run fails without a clear sentence: {first.message}"

    def judge_recovery(
        self, scenario: Scenario, ground: Ground, former: set[Login], *, forgiven: bool
    ) -> Iterator[str]:
        """One more run, to which nothing happens, makes all well; a further one finds nothing to do.

        ``former``: what the stores held at any time. Where secrets overlap, one run more may end the former one.
        """
        names = ["the next run", "the run after it"] if scenario.overlaps else ["the next run"]
        for name in names:
            again = self.run(scenario, ground.site, scenario.arguments(ground))
            yield from self.judge_output(ground, again, name)
            if again.failed:
                yield f"{name} fails: {again.message or again.status}"
                return
            for problem in self.judge_ground(scenario, ground, forgiven=forgiven):
                yield f"after {name} {problem}"
            former = former | logins_of(ground)
        yield from self.judge_former(scenario, ground, former)
        yield from self._judge_last(scenario, ground)

    def judge_former(self, scenario: Scenario, ground: Ground, former: set[Login]) -> Iterator[str]:
        held = {login.secret for login in logins_of(ground)}
        for secret in {login.secret for login in former} - held:
            if any(ground.site.logs_in(name, secret) for name in scenario.kind.all_usernames(ground)):
                yield "a superseded secret is still accepted"

    def _judge_last(self, scenario: Scenario, ground: Ground) -> Iterator[str]:
        files = {path: path.read_bytes() for path in ground.folder.iterdir()}
        last = self.run(scenario, ground.site, scenario.arguments(ground))
        yield from self.judge_output(ground, last, "the third run")
        if last.failed:
            yield f"the third run fails: {last.message or last.status}"
        elif last.values["changed"]:
            yield "the third run changes something"
        writes = [f"{seen.method} {seen.path}" for seen in last.requests if seen.writes]
        if writes:
            yield f"the third run writes: {', '.join(writes)}"
        if files != {path: path.read_bytes() for path in ground.folder.iterdir()}:
            yield "the third run changes a file"

    def judge_output(self, ground: Ground, run: Run, name: str) -> Iterator[str]:
        printed = run.stdout + run.stderr
        if ground.site.proxy.tap.heard_in(printed):
            yield f"{name} tells a secret"
        if run.stderr:
            yield f"{name} writes to standard error: {run.stderr.strip().splitlines()[-1][:200]}"
        if "Traceback" in printed:
            yield f"{name} shows a traceback"
        try:
            values = json.loads(run.stdout)
        except ValueError:
            yield f"{name} answers no JSON (status {run.status})"
            return
        if run.status not in (0, 1) or bool(values.get("failed")) != (run.status == 1):
            yield f"{name} ends with status {run.status}"

    def judge_whole(self, scenario: Scenario, ground: Ground, before: dict[Path, bytes]) -> Iterator[str]:
        """Whatever happened: each file is the old one, a whole new one, or not there; and nobody else may read it."""
        known = ground.site.proxy.tap.secrets
        for path in ground.folder.iterdir():
            if path.is_symlink() or path.is_dir():
                continue
            if stat.S_IMODE(path.stat().st_mode) != 0o600:
                yield f"{path.name} can be read by others"
            content = path.read_bytes()
            if content == before.get(path) or _is_draft(path):
                continue
            if path in ground.stores:
                login = held_in(path)
                if login is None or login.secret not in known:
                    yield f"{path.name} is not whole"
            elif not _is_record(content):
                yield f"{path.name} is not whole"
        yield from (f"{path.name} is gone" for path in before if not os.path.lexists(path) and not _is_draft(path))
        if scenario.kind.seamless and scenario.kind.is_login:
            yield from self._judge_now(scenario, ground)

    def _judge_now(self, scenario: Scenario, ground: Ground) -> Iterator[str]:
        """A consumer that reads its store at this very moment gets in."""
        for login in logins_of(ground):
            names = [login.username] if login.username else scenario.kind.all_usernames(ground)
            if not any(ground.site.logs_in(name, login.secret) for name in names):
                yield "a store holds a secret that Quay refuses"

    def judge_ground(self, scenario: Scenario, ground: Ground, *, forgiven: bool) -> Iterator[str]:
        """What must hold once all is well again."""
        allowed = {path for store in ground.stores for path in (store, _record_of(store))}
        strange = {path.name for path in ground.folder.iterdir()} - {path.name for path in allowed}
        if strange:
            yield f"{', '.join(sorted(strange))} is left behind"
        for path in ground.folder.glob("*.record.json"):
            if ground.site.proxy.tap.heard_in(path.read_text()):
                yield f"{path.name} tells a secret"
        logins = {path: held_in(path) for path in ground.stores}
        empty = [path.name for path, login in logins.items() if login is None]
        if empty:
            yield f"{', '.join(empty)} holds no secret"
        held = [login for login in logins.values() if login]
        if len({login.secret for login in held}) > 1:
            yield "the stores hold different secrets"
        yield from scenario.kind.faults_of(ground, held, forgiven=forgiven)


def _file_points(steps: list[list[str]]) -> Iterator[Point]:
    number, unchanged = 0, False
    for kind, *words in steps:
        if kind == "request":
            unchanged = False
        if kind == "file":
            number += 1
            yield Point("file", number, " ".join(words), unchanged)
            unchanged = unchanged or words[0] in saboteur.CHANGES


def logins_of(ground: Ground) -> set[Login]:
    """What the stores hold."""
    return {login for login in map(held_in, ground.stores) if login}


def _record_of(store: Path) -> Path:
    return store.with_name(f"{store.name}.record.json")


def _is_draft(path: Path) -> bool:
    return path.name.startswith(".") and path.name.endswith(".draft")


def _is_record(content: bytes) -> bool:
    try:
        records = json.loads(content)
    except ValueError:
        return False
    return all(len(record["fingerprint"]) == len(fingerprint("")) for record in records.values())


class _Obstacle:
    """Something else lies where a store should be: a link to somebody's file, or a folder. The store is put aside."""

    def __init__(self, place: Path, fault: str) -> None:
        self._place = place
        self._fault = fault
        self._aside = place.parents[2] / "aside"
        self._treasure = self._aside / "treasure"

    @classmethod
    def of(cls, ground: Ground, point: Point, fault: str) -> _Obstacle | None:
        return cls(_PLACES[point.kind](ground), fault) if point.kind in _PLACES else None

    def put(self) -> None:
        shutil.rmtree(self._aside)
        self._aside.mkdir()
        if self._place.exists():
            self._place.rename(self._aside / "store")
        if self._fault == "directory":
            self._place.mkdir()
        else:
            self._treasure.write_text("somebody's\n")
            self._place.symlink_to(self._treasure)

    def removed(self) -> list[str]:
        """Clear it away; says what it suffered."""
        problems = []
        if self._fault == "link" and self._treasure.read_text() != "somebody's\n":
            problems.append("what the link points to was written")
        if self._place.is_symlink():
            self._place.unlink()
        elif self._place.is_dir():
            if any(self._place.iterdir()):
                problems.append("something was put into the folder")
            shutil.rmtree(self._place)
        store = self._aside / "store"
        if store.exists() and not self._place.exists():
            store.rename(self._place)
        return problems


_PLACES: dict[str, Callable[[Ground], Path]] = {
    "secret": lambda ground: ground.stores[0],
    "auth": lambda ground: ground.stores[1],
    "record": lambda ground: _record_of(ground.stores[0]),
}
