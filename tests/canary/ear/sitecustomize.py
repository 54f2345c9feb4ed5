# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every Python process of a run imports this before anything else, since PYTHONPATH says so.

It notes which programs the process starts, what it tells the system log, and which files it opens to write; and it
stops the process at the moment that a test has chosen, as if time stood still.
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

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT


def listen(record: str, moment: str) -> None:
    """``moment``: the name of an event, a blank, and words of its arguments."""
    file = os.open(record, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    chosen, _blank, words = moment.partition(" ")

    def hear(event: str, arguments: tuple[Any, ...]) -> None:
        if event == WRITES:
            path, _mode, flags = arguments
            if flags & _WRITING and not isinstance(path, int):
                note(event, [os.path.abspath(os.fsdecode(path))])  # noqa: PTH100
        elif event in STARTS or event == SYSTEM_LOG:
            note(event, list(_words(arguments)))
        if event == chosen and words in " ".join(_words(arguments)):
            note(STOPPED, [])
            os.kill(os.getpid(), signal.SIGSTOP)

    def note(event: str, said: list[str]) -> None:
        os.write(file, json.dumps([event, said]).encode() + b"\n")

    sys.addaudithook(hear)


def _words(value: Any) -> Iterator[str]:
    """All texts in an event's arguments."""
    if isinstance(value, dict):
        yield from _words(list(value.items()))
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from _words(part)
    elif isinstance(value, bytes):
        yield os.fsdecode(value)
    elif value is not None:
        yield str(value)


if "CANARY_RECORD" in os.environ:
    listen(os.environ["CANARY_RECORD"], os.environ.get("CANARY_MOMENT", ""))
