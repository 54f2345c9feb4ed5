# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs of several stages: what they will do, how long they take, and how they ended."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from . import environments, places, shell

Stage = Callable[..., None]

SET_UP = "set-up"
# Seconds that each stage, and each pipeline, took when it passed last.
DURATIONS = places.BUILD / "durations.json"


class Pipeline:
    """Stages that run up to the first that fails. Those of each lane run in a row, the lanes at the same time."""

    def __init__(self, name: str, *lanes: Mapping[str, Stage]) -> None:
        self._command = f"make {name}"
        self._lanes = lanes
        self._stages = {SET_UP: set_up, **{name: stage for lane in lanes for name, stage in lane.items()}}
        self._summary: dict[str, str] = {}
        self._durations = load_durations()

    def run(self) -> None:
        """Run all stages and print a summary. Raise `SystemExit` if one failed."""
        self._print_plan()
        started = time.monotonic()
        try:
            self._run_stage(SET_UP)
            if len(self._lanes) == 1:
                self._run_stages(*self._lanes[0])
            else:
                shell.side_by_side(*(partial(self._run_stages, *lane) for lane in self._lanes), stop_on_failure=True)
            self._durations[self._command] = time.monotonic() - started
        except shell.CommandFailed as failure:
            print(f"\n{failure}")
            raise SystemExit(1) from None
        finally:
            DURATIONS.write_text(json.dumps(self._durations, indent=2))
            self._print_summary(time.monotonic() - started)

    def _run_stages(self, *names: str) -> None:
        for name in names:
            self._run_stage(name)

    def _run_stage(self, name: str) -> None:
        shell.say(f"\n======== {name} ========")
        started = time.monotonic()
        outcome = "failed"
        try:
            self._stages[name]()
            outcome = "passed"
            self._durations[name] = time.monotonic() - started
        except shell.Stopped:
            outcome = "stopped"
            raise
        finally:
            self._summary[name] = f"  {name:<12} {outcome:<8} {minutes(time.monotonic() - started)}"

    def _print_plan(self) -> None:
        print(f"{self._command} runs these stages, up to the first that fails.")
        self._print_stages("", [SET_UP])
        titles = ["", *["At the same time:"] * (len(self._lanes) - 1)]
        for title, lane in zip(titles, self._lanes, strict=True):
            self._print_stages(title, list(lane))
        if self._command in self._durations:
            total = minutes(self._durations[self._command])
            print(f"\nThe times (minutes:seconds) are those of the last run. All stages together took {total}.")
        print(end="", flush=True)

    def _print_stages(self, title: str, names: Sequence[str]) -> None:
        if title:
            print(title)
        for name in names:
            last = minutes(self._durations[name]) if name in self._durations else ""
            print(f"  {name:<12} {last:>5}  {first_line(self._stages[name])}")

    def _print_summary(self, seconds: float) -> None:
        lines = [self._summary.get(name, f"  {name:<12} not run") for name in self._stages]
        outcomes = [line.split()[1] for line in self._summary.values()]
        print("\n======== summary ========", *lines, f"  {'total':<21} {minutes(seconds)}", sep="\n")
        print(f"stages: {outcomes.count('passed')} passed, {outcomes.count('failed')} failed", flush=True)


def set_up() -> None:
    """Create the missing virtual environments below build/."""
    environments.ensure_all()


def load_durations() -> dict[str, float]:
    """Return the durations of the last runs; none if there are no usable ones."""
    try:
        durations: dict[str, float] = json.loads(DURATIONS.read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return durations


def first_line(stage: Stage) -> str:
    """Return the first line of the docstring of ``stage``, without its full stop."""
    return (stage.__doc__ or "").partition("\n")[0].removesuffix(".")


def minutes(seconds: float) -> str:
    """Return a duration as minutes and seconds."""
    return "{:2}:{:02}".format(*divmod(round(seconds), 60))
