# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Small images, and how to push them."""

from __future__ import annotations

import json
from typing import Any

import requests

from conformance.client import MANIFEST, Client, digest_of

CONFIG = b"{}"
EMPTY = "application/vnd.oci.empty.v1+json"


def manifest(**more: Any) -> bytes:
    """A manifest with CONFIG as its only blob."""
    descriptor = {"mediaType": EMPTY, "digest": digest_of(CONFIG), "size": len(CONFIG)}
    return json.dumps(
        {"schemaVersion": 2, "mediaType": MANIFEST, "config": descriptor, "layers": [descriptor]} | more
    ).encode()


def push_blob(client: Client, name: str, content: bytes = CONFIG) -> None:
    started = client.request("POST", f"/v2/{name}/blobs/uploads/")
    assert started.status_code == 202, started.text
    upload = f"/v2/{name}/blobs/uploads/{started.headers['Docker-Upload-UUID']}"
    headers = {"Content-Type": "application/octet-stream"}
    finished = client.request("PUT", upload, params={"digest": digest_of(content)}, data=content, headers=headers)
    assert finished.status_code == 201, finished.text


def get_manifest(client: Client, name: str, reference: str) -> requests.Response:
    """Without the header, Quay answers that the manifest is unknown."""
    return client.request("GET", f"/v2/{name}/manifests/{reference}", headers={"Accept": MANIFEST})


def push_manifest(client: Client, name: str, reference: str, content: bytes) -> requests.Response:
    headers = {"Content-Type": MANIFEST}
    return client.request("PUT", f"/v2/{name}/manifests/{reference}", data=content, headers=headers)
