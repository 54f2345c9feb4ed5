# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Consumers: each reads its auth file and logs in with the secret, in a loop.

A separate program. Its arguments are the registry, the URL of Quay, the path of its CA or an empty text, and the auth
files. When its standard input ends, it prints as JSON for each consumer the number of logins, the number of failed
logins, and the durations of failure.
"""

from __future__ import annotations

import base64
import json
import sys
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import requests


@dataclass
class Tally:
    """Counts of logins, and the durations of failure."""

    logins: int = 0
    failed: int = 0
    # Seconds from a failed login to the next successful one.
    windows: list[float] = field(default_factory=list)


def consume(registry: str, url: str, ca_path: str, auths: Sequence[Path]) -> list[Tally]:
    """Log in with each auth file without pauses until the standard input ends."""
    ended = threading.Event()
    with ThreadPoolExecutor(len(auths)) as pool:
        tasks = [pool.submit(_consume, ended, auth, registry, url, ca_path) for auth in auths]
        print("ready", flush=True)
        sys.stdin.read()
        ended.set()
        return [task.result() for task in tasks]


def _consume(ended: threading.Event, auth: Path, registry: str, url: str, ca_path: str) -> Tally:
    tally, failing_since = Tally(), 0.0
    with requests.Session() as session:
        session.trust_env = False
        session.verify = ca_path or True
        while not ended.is_set():
            start = time.monotonic()
            tally.logins += 1
            if _logs_in(session, auth, registry, url):
                if failing_since:
                    tally.windows.append(start - failing_since)
                failing_since = 0.0
            else:
                tally.failed += 1
                failing_since = failing_since or start
    if failing_since:
        tally.windows.append(time.monotonic() - failing_since)
    return tally


def _logs_in(session: requests.Session, auth: Path, registry: str, url: str) -> bool:
    entry = json.loads(auth.read_text())["auths"][registry]["auth"]
    username, _colon, secret = base64.b64decode(entry).decode().partition(":")
    response = session.get(
        f"{url}/v2/auth",
        params={"service": registry, "scope": "repository:consumer/consumer:pull"},
        auth=(username, secret),
        timeout=60,
    )
    return response.status_code == 200


if __name__ == "__main__":
    registry, url, ca_path, *auths = sys.argv[1:]
    print(json.dumps([vars(tally) for tally in consume(registry, url, ca_path, [Path(auth) for auth in auths])]))
