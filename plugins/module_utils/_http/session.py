# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""The requests library: imported under a guard, because it may be missing on a target. One way to send a request."""

from __future__ import annotations

import os
import ssl
import traceback
import warnings
from typing import Any

from .._core.errors import BadInput

try:
    import requests
except ImportError:
    REQUESTS_IMPORT_ERROR: str | None = traceback.format_exc()
else:
    REQUESTS_IMPORT_ERROR = None


def new_session() -> requests.Session:
    """A session, which pools connections."""
    return requests.Session()


def pool_connections(session: requests.Session, number: int) -> None:
    """Keep as many connections open as threads use."""
    for prefix in ("https://", "http://"):
        session.mount(prefix, requests.adapters.HTTPAdapter(pool_connections=number, pool_maxsize=number))


def send_once(
    session: requests.Session, method: str, url: str, *, verify: bool | str, **arguments: Any
) -> requests.Response:
    """Send one request with its own headers alone: no redirect is followed, and no other credentials are added."""

    def own_headers_only(request: Any) -> Any:
        # Given an auth callable, requests neither reads .netrc nor takes credentials out of the URL.
        return request

    silence_insecure_warnings(verify)
    return session.request(method, url, auth=own_headers_only, verify=verify, allow_redirects=False, **arguments)


def silence_insecure_warnings(verify: bool | str) -> None:
    """No warning of urllib3 at each request: users who switch verification off know it.

    Set for good, because requests of other threads may be on their way.
    """
    if verify is False:
        warnings.filterwarnings("ignore", message="Unverified HTTPS request")


def checked_verify(verify: bool | str, option: str = "ca_path") -> bool | str:
    """Refuse a CA file that cannot be used: what TLS reports about it later is hard to understand."""
    if isinstance(verify, str) and not os.path.isdir(verify):
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cafile=verify)
        except FileNotFoundError:
            raise BadInput(f"{option}: there is no file {verify} on the target") from None
        except ssl.SSLError:
            raise BadInput(f"{option}: {verify} holds no certificate in PEM form") from None
        except OSError as error:
            raise BadInput(f"{option}: {verify} cannot be read: {error.strerror}") from None
    return verify
