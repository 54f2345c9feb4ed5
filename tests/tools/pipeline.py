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

# Seconds that each stage took when it passed last, by its name.
DURATIONS = places.BUILD / "durations.json"
SET_UP = "set-up"


class Pipeline:
    """Stages that run one after the other, up to the first that fails; some may run beside the others."""

    def __init__(self, name: str, stages: Mapping[str, Stage], beside: Sequence[str] = ()) -> None:
        self._name = name
        self._stages = {SET_UP: set_up, **stages}
        self._beside = [name for name in self._stages if name in beside]
        self._lines: dict[str, str] = {}
        self._durations = load_durations()
        self._total = f"make {name}"

    def run(self) -> None:
        """Run all stages and print a summary. Raise `SystemExit` if one failed."""
        self._announce()
        started = time.monotonic()
        try:
            self._stage(SET_UP)
            one_by_one = [name for name in self._stages if name not in (SET_UP, *self._beside)]
            lanes = [partial(self._run_all, names) for names in (one_by_one, self._beside) if names]
            if len(lanes) == 1:
                lanes[0]()
            else:
                shell.side_by_side(*lanes, stop_on_failure=True)
            self._durations[self._total] = time.monotonic() - started
        except shell.CommandFailed as failure:
            print(f"\n{failure}")
            raise SystemExit(1) from None
        finally:
            DURATIONS.write_text(json.dumps(self._durations, indent=2))
            self._summarize(time.monotonic() - started)

    def _announce(self) -> None:
        """Print which stages will run, and how long they took last time."""
        print(f"make {self._name} runs these stages, up to the first that fails:\n")
        for name, stage in self._stages.items():
            beside = " (at the same time as the others)" if name in self._beside else ""
            print(f"  {name:<12} {self._last(name):>7}  {first_line(stage)}{beside}")
        if self._total in self._durations:
            print(f"\nThe times (minutes:seconds) are those of the last run, which took {self._last(self._total)}.")
        print(end="", flush=True)

    def _last(self, name: str) -> str:
        return minutes(self._durations[name]) if name in self._durations else ""

    def _run_all(self, names: Sequence[str]) -> None:
        for name in names:
            self._stage(name)

    def _stage(self, name: str) -> None:
        """Run one stage and note how it ended."""
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
            self._lines[name] = f"  {name:<12} {outcome:<8} {minutes(time.monotonic() - started)}"

    def _summarize(self, seconds: float) -> None:
        lines = [self._lines.get(name, f"  {name:<12} not run") for name in self._stages]
        outcomes = [line.split()[1] for line in self._lines.values()]
        print("\n======== summary ========", *lines, f"  {'total':<21} {minutes(seconds)}", sep="\n")
        print(f"stages: {outcomes.count('passed')} passed, {outcomes.count('failed')} failed", flush=True)


def set_up() -> None:
    """Create the missing virtual environments below build/."""
    environments.ensure_all()


def load_durations() -> dict[str, float]:
    """Return the noted durations; none if there are no usable ones."""
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
