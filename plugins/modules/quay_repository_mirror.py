#!/usr/bin/python
# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: quay_repository_mirror
short_description: Mirror a repository of another registry into a Quay repository
version_added: "0.1.0"
author:
  - The tokensmith.quay authors (@tokensmith)
description:
  - Configures, changes and disables the mirror of a repository. Starts and cancels synchronisations.
  - Fields that are not specified keep their values in Quay. Defaults apply to a new mirror only.
  - Quay mirrors only into repositories with the mode V(mirror). A new mirror and O(enabled=true) set this mode. Quay
    gives the robot the role V(write) on the repository.
extends_documentation_fragment:
  - tokensmith.quay._attributes
  - tokensmith.quay._attributes.action_group
  - tokensmith.quay._connection
attributes:
  check_mode:
    support: full
    details:
      - Check mode does not verify that the robot exists, nor that Quay can resolve the host name of the other registry.
  diff_mode:
    support: full
    details:
      - For the password, the diff shows V(new) if it is sent, V(absent) if there is no user name, and V(unknown)
        otherwise.
  idempotent:
    support: partial
    details:
      - With O(update_password=always), every run sends the password.
      - With O(sync=now), a run starts another synchronisation if the one that an earlier run requested has finished.
options:
  repository:
    description:
      - Repository to mirror into, specified as V(namespace/repository). It must exist.
    type: str
    required: true
    aliases: [name]
  external_reference:
    description:
      - Repository to mirror from, without scheme, tag and user, for example V(registry.example.com/library/base). Quay
        must be able to resolve the host name of the registry. Quay can refuse addresses of private networks.
      - Required for a new mirror.
    type: str
  external_registry_username:
    description:
      - User name for the login to the other registry. An empty string removes user name and password.
    type: str
  external_registry_password:
    description:
      - Password of O(external_registry_username). Quay does not return a stored password, so the module cannot compare
        it. O(update_password) determines when it is sent.
    type: str
  update_password:
    description:
      - V(on_create) sends the password for a new mirror, and when O(external_registry_username) changes.
      - V(always) sends the password in every run. Every run then reports a change. It requires
        O(external_registry_password).
    type: str
    choices: [on_create, always]
    default: on_create
  verify_tls:
    description:
      - Whether to verify the TLS certificate of the other registry. Defaults to V(true) for a new mirror.
    type: bool
  unsigned_images:
    description:
      - Whether to accept unsigned images even if the policy of Quay requires a signature. Defaults to V(false) for a
        new mirror.
    type: bool
  http_proxy:
    description:
      - Proxy for HTTP, as a URL without user name and password. An empty string disables the proxy.
    type: str
  https_proxy:
    description:
      - Proxy for HTTPS, as a URL without user name and password. An empty string disables the proxy.
    type: str
  no_proxy:
    description:
      - Hosts to reach without a proxy, separated by commas. An empty string removes all hosts.
    type: str
  tags:
    description:
      - Tags to mirror, as names or patterns with C(*), C(?) and C([]).
      - Required for a new mirror.
    type: list
    elements: str
    aliases: [image_tags]
  robot:
    description:
      - Full name of the robot that pushes the mirrored images. It must belong to the namespace of the repository.
      - Required for a new mirror.
    type: str
    aliases: [robot_username]
  sync_interval:
    description:
      - Time between two synchronisations, for example V(12h) or V(1d). Defaults to V(1d) for a new mirror.
      - The unit is V(s), V(m), V(h), V(d) or V(w).
    type: str
  sync_start_date:
    description:
      - Time of the first synchronisation, for example V(2026-01-31T12:00:00Z). A time in the past starts it soon.
      - After each synchronisation, Quay moves this time forward by the interval. The module reports no change while the
        time in Quay belongs to the schedule that starts at the specified time.
      - Defaults to the beginning of the current hour for a new mirror, so the first synchronisation starts soon.
    type: str
  skopeo_timeout:
    description:
      - Maximum duration of one synchronisation, for example V(10m). The minimum is V(5m), which is also the default for
        a new mirror.
      - The unit is V(s), V(m), V(h), V(d) or V(w).
    type: str
    aliases: [skopeo_timeout_interval]
  architectures:
    description:
      - Architectures to mirror of multi-architecture images. An empty list mirrors all architectures.
      - A list that is not empty requires C(FEATURE_SPARSE_INDEX) in Quay.
    type: list
    elements: str
    choices: [amd64, arm64, ppc64le, s390x]
    aliases: [architecture_filter]
  enabled:
    description:
      - Whether Quay synchronises the mirror on schedule. V(true) also changes the mode of the repository to V(mirror).
      - If not specified, a disabled mirror stays disabled. Defaults to V(true) for a new mirror.
    type: bool
    aliases: [is_enabled]
  sync:
    description:
      - V(now) requests a synchronisation, unless one is already requested or running. A disabled mirror is synchronised
        once and stays disabled. V(cancel) cancels a requested or running synchronisation.
      - V(now) is refused if the mode of the repository is not V(mirror), because Quay would never start it.
      - Quay synchronises in the background. The module does not wait for the result. See RV(sync_status).
      - Cannot be used with O(state=absent).
    type: str
    choices: [now, cancel]
  state:
    description:
      - V(present) creates or changes the mirror.
      - V(absent) disables the mirror and changes the mode of the repository from V(mirror) to V(normal).
      - Quay cannot delete a mirror. It keeps the configuration, including the password, until the repository is
        deleted. The robot cannot be deleted before that either.
    type: str
    choices: [present, absent]
    default: present
seealso:
  - module: tokensmith.quay.quay_repository
  - module: tokensmith.quay.quay_robot_token
"""

EXAMPLES = r"""
- name: Mirror some tags of a public image once a day
  tokensmith.quay.quay_repository_mirror:
    quay_host: https://quay.example.com
    quay_token: "{{ lookup('ansible.builtin.env', 'QUAY_TOKEN') }}"
    repository: acme/base
    external_reference: registry.example.com/library/base
    tags: ["3.1*", latest]
    robot: acme+mirror
    sync_interval: 1d
    sync_start_date: "2026-01-31T02:00:00Z"

- name: Mirror a private image through a proxy and synchronise it now
  tokensmith.quay.quay_repository_mirror:
    quay_host: https://quay.example.com
    quay_token: "{{ lookup('ansible.builtin.env', 'QUAY_TOKEN') }}"
    repository: acme/partner
    external_reference: registry.example.com/partner/app
    external_registry_username: puller
    external_registry_password: "{{ lookup('ansible.builtin.env', 'PARTNER_PASSWORD') }}"
    verify_tls: true
    unsigned_images: false
    https_proxy: http://proxy.example.com:3128
    no_proxy: .example.com
    tags: ["*"]
    robot: acme+mirror
    sync_interval: 12h
    sync_start_date: "2026-01-31T02:00:00Z"
    skopeo_timeout: 10m
    sync: now

- name: Cancel a synchronisation
  tokensmith.quay.quay_repository_mirror:
    quay_host: https://quay.example.com
    quay_token: "{{ lookup('ansible.builtin.env', 'QUAY_TOKEN') }}"
    repository: acme/partner
    sync: cancel

- name: Synchronise a disabled mirror once
  tokensmith.quay.quay_repository_mirror:
    quay_host: https://quay.example.com
    quay_token: "{{ lookup('ansible.builtin.env', 'QUAY_TOKEN') }}"
    repository: acme/partner
    sync: now

- name: Disable the mirror and accept pushes again
  tokensmith.quay.quay_repository_mirror:
    quay_host: https://quay.example.com
    quay_token: "{{ lookup('ansible.builtin.env', 'QUAY_TOKEN') }}"
    repository: acme/base
    state: absent
"""

RETURN = r"""
repository:
  description: Full name of the repository.
  returned: success
  type: str
  sample: acme/base
external_reference:
  description: Repository that is mirrored. Null if there is no mirror.
  returned: success
  type: str
  sample: registry.example.com/library/base
external_registry_username:
  description: User name for the other registry. Empty if there is none. Null if there is no mirror.
  returned: success
  type: str
  sample: ""
verify_tls:
  description: Whether the TLS certificate of the other registry is verified. Null if there is no mirror.
  returned: success
  type: bool
  sample: true
unsigned_images:
  description: Whether unsigned images are accepted. Null if there is no mirror.
  returned: success
  type: bool
  sample: false
http_proxy:
  description:
    - Proxy for HTTP. A user name and password in the URL are masked. Empty if there is no proxy. Null if there is no
      mirror.
  returned: success
  type: str
  sample: ""
https_proxy:
  description:
    - Proxy for HTTPS. A user name and password in the URL are masked. Empty if there is no proxy. Null if there is no
      mirror.
  returned: success
  type: str
  sample: ""
no_proxy:
  description: Hosts that are reached without a proxy. Empty if there are none. Null if there is no mirror.
  returned: success
  type: str
  sample: ""
tags:
  description: Tags and patterns that are mirrored. Null if there is no mirror.
  returned: success
  type: list
  elements: str
  sample: ["3.1*", latest]
robot:
  description: Robot that pushes the mirrored images. Null if there is no mirror.
  returned: success
  type: str
  sample: acme+mirror
sync_interval:
  description: Number of seconds between two synchronisations. Null if there is no mirror.
  returned: success
  type: int
  sample: 86400
sync_start_date:
  description:
    - Time of the next synchronisation (ISO 8601, UTC). The value of O(sync_start_date) is returned while the time in
      Quay belongs to the schedule that starts at this value.
    - Null if there is no mirror, and after a synchronisation was cancelled.
  returned: success
  type: str
  sample: "2026-01-31T02:00:00Z"
skopeo_timeout:
  description: Maximum duration of one synchronisation, in seconds. Null if there is no mirror.
  returned: success
  type: int
  sample: 300
architectures:
  description: Architectures that are mirrored. Empty if all are mirrored. Null if there is no mirror.
  returned: success
  type: list
  elements: str
  sample: []
enabled:
  description: Whether Quay synchronises the mirror on schedule. Null if there is no mirror.
  returned: success
  type: bool
  sample: true
mode:
  description: Mode of the repository. V(mirror) while the mirror is present. Null if there is no mirror.
  returned: success
  type: str
  sample: mirror
sync_status:
  description:
    - Status of the latest synchronisation. One of V(never_run), V(sync_now) (requested), V(syncing), V(success),
      V(fail) or V(cancel). Null if there is no mirror.
  returned: success
  type: str
  sample: never_run
"""

from ansible_collections.tokensmith.quay.plugins.module_utils._module.runner import run_module
from ansible_collections.tokensmith.quay.plugins.module_utils._resources.repository_mirror import (
    ensure_repository_mirror,
)


def main() -> None:
    run_module(
        ensure_repository_mirror,
        {
            "repository": {"type": "str", "required": True, "aliases": ["name"]},
            "external_reference": {"type": "str"},
            "external_registry_username": {"type": "str"},
            "external_registry_password": {"type": "str", "no_log": True},
            "update_password": {
                "type": "str",
                "choices": ["on_create", "always"],
                "default": "on_create",
                "no_log": False,
            },
            "verify_tls": {"type": "bool"},
            "unsigned_images": {"type": "bool"},
            "http_proxy": {"type": "str"},
            "https_proxy": {"type": "str"},
            "no_proxy": {"type": "str"},
            "tags": {"type": "list", "elements": "str", "aliases": ["image_tags"]},
            "robot": {"type": "str", "aliases": ["robot_username"]},
            "sync_interval": {"type": "str"},
            "sync_start_date": {"type": "str"},
            "skopeo_timeout": {"type": "str", "aliases": ["skopeo_timeout_interval"]},
            "architectures": {
                "type": "list",
                "elements": "str",
                "choices": ["amd64", "arm64", "ppc64le", "s390x"],
                "aliases": ["architecture_filter"],
            },
            "enabled": {"type": "bool", "aliases": ["is_enabled"]},
            "sync": {"type": "str", "choices": ["now", "cancel"]},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        },
        required_by={"external_registry_password": "external_registry_username"},
        replaced={"force_sync": "Use sync=now to start a synchronisation"},
    )


if __name__ == "__main__":
    main()
