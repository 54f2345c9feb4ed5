# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Records audit events of a run. Every Python process of the run imports this file at start, because of PYTHONPATH.

It records which programs the process starts, what it writes to the system log, and which files it opens for writing.
It stops the process at the kill point of a test.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterator
from typing import Any

STARTS = ("os.exec", "os.posix_spawn", "os.system", "subprocess.Popen")
SYSTEM_LOG = "syslog.syslog"
WRITES = "open"
STOPPED = "stopped"

_WRITE_FLAGS = os.O_WRONLY | os.O_RDWR | os.O_CREAT


def install(record: str, kill_point: str) -> None:
    """Install the audit hook. ``kill_point``: the name of an event, a blank, and words of its arguments."""
    file = os.open(record, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    chosen, _blank, words = kill_point.partition(" ")

    def on_event(event: str, arguments: tuple[Any, ...]) -> None:
        if event == WRITES:
            path, _mode, flags = arguments
            if flags & _WRITE_FLAGS and not isinstance(path, int):
                write(event, [os.path.abspath(os.fsdecode(path))])  # noqa: PTH100
        elif event in STARTS or event == SYSTEM_LOG:
            write(event, list(_texts(arguments)))
        if event == chosen and words in " ".join(_texts(arguments)):
            write(STOPPED, [])
            os.kill(os.getpid(), signal.SIGSTOP)

    def write(event: str, texts: list[str]) -> None:
        os.write(file, json.dumps([event, texts]).encode() + b"\n")

    sys.addaudithook(on_event)


def _texts(value: Any) -> Iterator[str]:
    """Yield all strings in the arguments of an event."""
    if isinstance(value, dict):
        yield from _texts(list(value.items()))
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from _texts(part)
    elif isinstance(value, bytes):
        yield os.fsdecode(value)
    elif value is not None:
        yield str(value)


if "CANARY_EVENTS" in os.environ:
    install(os.environ["CANARY_EVENTS"], os.environ.get("CANARY_KILL_POINT", ""))
