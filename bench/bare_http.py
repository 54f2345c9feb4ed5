# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rotate robots by bare HTTP requests: bare_http.py ORGANIZATION THREADS ROBOT ...

The least that rotates and verifies robots: for each one POST regenerate, then GET /v2/auth with the new token. Nothing
is stored. The login is in the environment variables of the collection.
"""

from __future__ import annotations

import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import requests

TIMEOUT_S = 60
_local = threading.local()


def session() -> requests.Session:
    """Return the session of this thread, which keeps its connection open."""
    if not hasattr(_local, "session"):
        _local.session = requests.Session()
        _local.session.trust_env = False
        _local.session.verify = os.environ.get("QUAY_CA_PATH") or True
    found: requests.Session = _local.session
    return found


def rotate(organization: str, robot: str) -> None:
    """Mint a token of a robot, and verify it."""
    url, bearer = os.environ["QUAY_HOST"], f"Bearer {os.environ['QUAY_TOKEN']}"
    path = f"{url}/api/v1/organization/{organization}/robots/{robot.partition('+')[2]}/regenerate"
    minted = session().post(path, headers={"Authorization": bearer}, json={}, timeout=TIMEOUT_S)
    minted.raise_for_status()
    service = {"service": urlsplit(url).netloc, "scope": f"repository:{organization}/bench:pull"}
    login = robot, str(minted.json()["token"])
    session().get(f"{url}/v2/auth", params=service, auth=login, timeout=TIMEOUT_S).raise_for_status()


def main() -> None:
    organization, threads, *robots = sys.argv[1:]
    with ThreadPoolExecutor(int(threads)) as pool:
        for done in [pool.submit(rotate, organization, robot) for robot in robots]:
            done.result()


if __name__ == "__main__":
    main()
