# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""Addresses: the origin of a Quay server, and encoded paths of its API."""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache
from urllib.parse import quote, urlsplit

from .._core.errors import BadInput

_API = "/api/v1/"
_DEFAULT_PORTS = {"http": 80, "https": 443}
_NOT_A_URL = "quay_host is not a URL; write it as https://quay.example.com or https://[2001:db8::1]:8443"
_HOST_NAME = re.compile(r"[\w-]{1,63}(\.[\w-]{1,63})*\.?")


@lru_cache(maxsize=64)
def normalise_host(text: str | None) -> str:
    """The origin (scheme, host, port) of a Quay server, from the text that a user typed.

    In lower case, without a trailing slash and without the default port of the scheme, which no container engine looks
    up. Raises BadInput for anything else. The message never repeats the text, because people paste URLs with passwords.
    """
    if not text or not text.strip():
        raise BadInput(
            "quay_host is missing: set it, or QUAY_HOST in the environment of the target, to the address of Quay, such "
            "as https://quay.example.com"
        )
    try:
        url = urlsplit(text.strip())
        host, port = url.hostname, url.port
    except ValueError:
        raise BadInput(_NOT_A_URL) from None
    if url.scheme not in ("http", "https") or not host:
        raise BadInput(
            "quay_host must start with https:// (or http://) and name a host, as in https://quay.example.com"
        )
    if url.username is not None or url.password is not None:
        raise BadInput("quay_host must not hold a user name or password; use quay_username and quay_password")
    if url.path.strip("/") or url.query or url.fragment:
        raise BadInput("quay_host must be the server alone, without a path or query: Quay serves its API at /api/v1")
    in_brackets = "[" in url.netloc
    if not (_is_ipv6(host) if in_brackets else _HOST_NAME.fullmatch(host)):
        raise BadInput(_NOT_A_URL)
    shown = f"[{host}]" if in_brackets else host
    port_shown = "" if port in (None, _DEFAULT_PORTS[url.scheme]) else f":{port}"
    return f"{url.scheme}://{shown}{port_shown}"


def _is_ipv6(host: str) -> bool:
    try:
        ipaddress.IPv6Address(host.partition("%")[0])
    except ValueError:
        return False
    return True


def credentials_in_url(url: str) -> str | None:
    """The text before the @ of a URL, where user name and password are; None if there is none.

    A password may hold any character, so everything before the last @ counts. Only ``scheme://`` is a scheme: in
    ``user:password@host`` the text before the first colon is a user name.
    """
    before = url.strip().rpartition("@")[0]
    return re.sub(r"^[A-Za-z][A-Za-z0-9+.-]*://", "", before) or None


def encode_part(part: str) -> str:
    """One part of a path, percent-encoded. Raises BadInput for a part that would change the path."""
    # Quay decodes an encoded slash before it routes the request.
    if part in ("", ".", "..") or "/" in part:
        raise BadInput(f"'{part}' cannot be the name of anything in Quay")
    return quote(part, safe="")


def api_path(*parts: str) -> str:
    """The path of an API endpoint: these parts below /api/v1, each percent-encoded. Raises BadInput as encode_part."""
    return _API + "/".join(map(encode_part, parts))
