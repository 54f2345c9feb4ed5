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
  - Configures, changes and switches off the mirror of a repository, starts a sync and cancels one.
  - A field that the task does not name keeps its value, but for O(enabled).
  - Quay mirrors into repositories of the mode V(mirror) only, so O(state=present) puts the repository into it. Quay
    gives the robot the role V(write) by itself.
extends_documentation_fragment:
  - tokensmith.quay._attributes
  - tokensmith.quay._attributes.action_group
  - tokensmith.quay._connection
attributes:
  check_mode:
    support: full
    details:
      - Check mode does not ask whether the robot exists, nor whether Quay can resolve the name of the other registry.
  diff_mode:
    support: full
    details:
      - Of the password it tells V(new) when it is sent, V(absent) without a user name, and else V(unknown).
  idempotent:
    support: partial
    details:
      - Not with O(update_password=always), which sends the password in each run, nor with O(sync=now) once the sync
        that an earlier run asked for is over.
options:
  repository:
    description:
      - The repository to mirror into, as V(namespace/repository). It must exist.
    type: str
    required: true
  external_reference:
    description:
      - The repository to mirror from, without scheme, tag and user, as V(registry.example.com/library/base). Quay must
        be able to resolve the registry's name, and may refuse addresses of private networks.
      - Required for a new mirror.
    type: str
  external_registry_username:
    description:
      - User with whom Quay signs in to the other registry. An empty text takes user and password away.
    type: str
  external_registry_password:
    description:
      - Password of O(external_registry_username). Quay does not tell a stored password, so it is never compared;
        O(update_password) says when it is sent.
    type: str
  update_password:
    description:
      - With V(on_create), the password is sent for a new mirror, and when O(external_registry_username) changes.
      - With V(always), it is sent in each run, and each run reports a change.
    type: str
    choices: [on_create, always]
    default: on_create
  verify_tls:
    description:
      - Whether the other registry's certificate must be valid. V(true) for a new mirror.
    type: bool
  unsigned_images:
    description:
      - Whether to take images without a signature even where Quay's policy asks for one. V(false) for a new mirror.
    type: bool
  http_proxy:
    description:
      - Proxy for plain http, as a URL without user and password. An empty text is none.
    type: str
  https_proxy:
    description:
      - Proxy for https, as a URL without user and password. An empty text is none.
    type: str
  no_proxy:
    description:
      - Hosts that are reached without a proxy, separated by commas. An empty text is none.
    type: str
  tags:
    description:
      - Which tags to mirror, as names or patterns with C(*), C(?) and C([]).
      - Required for a new mirror.
    type: list
    elements: str
  robot:
    description:
      - Robot of the repository's own namespace, in full, that pushes what is mirrored.
      - Required for a new mirror.
    type: str
    aliases: [robot_username]
  sync_interval:
    description:
      - Time between two syncs, for example V(12h), V(1d) or a number of seconds. V(1d) for a new mirror.
    type: str
  sync_start_date:
    description:
      - When to sync first, for example V(2026-01-31T12:00:00Z). A date that is past means soon.
      - Quay moves the date on with each sync. As long as its date lies on the schedule that began at yours, nothing is
        changed.
      - Required for a new mirror.
    type: str
  skopeo_timeout:
    description:
      - How long one sync may take, for example V(10m) or a number of seconds; V(5m) at least, and for a new mirror.
    type: str
    aliases: [skopeo_timeout_interval]
  architectures:
    description:
      - Which architectures of images for several to mirror; an empty list is all.
      - Quay can choose only where C(FEATURE_SPARSE_INDEX) is on.
    type: list
    elements: str
    choices: [amd64, arm64, ppc64le, s390x]
    aliases: [architecture_filter]
  enabled:
    description:
      - Whether Quay syncs by the clock.
    type: bool
    default: true
    aliases: [is_enabled]
  sync:
    description:
      - V(now) asks for a sync, unless one is asked for or under way. V(cancel) cancels such a one.
      - Quay syncs in the background; the module does not wait for it.
      - Not together with O(state=absent).
    type: str
    choices: [now, cancel]
  state:
    description:
      - V(absent) disables the mirror and puts the repository from the mode V(mirror) back to V(normal). Quay has no way
        to forget a mirror. It keeps the configuration, the password included, and the robot cannot be deleted, until
        the repository is deleted.
    type: str
    choices: [present, absent]
    default: present
seealso:
  - module: tokensmith.quay.quay_repository
  - module: tokensmith.quay.quay_robot_token
"""

EXAMPLES = r"""
- name: Mirror two series of a public image once a day
  tokensmith.quay.quay_repository_mirror:
    quay_host: https://quay.example.com
    quay_token: "{{ lookup('ansible.builtin.env', 'QUAY_TOKEN') }}"
    repository: acme/base
    external_reference: registry.example.com/library/base
    tags: ["3.1*", latest]
    robot: acme+mirror
    sync_interval: 1d
    sync_start_date: "2026-01-31T02:00:00Z"

- name: Mirror a private image by way of a proxy, and sync now
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

- name: Cancel a sync
  tokensmith.quay.quay_repository_mirror:
    quay_host: https://quay.example.com
    quay_token: "{{ lookup('ansible.builtin.env', 'QUAY_TOKEN') }}"
    repository: acme/partner
    sync: cancel

- name: Mirror no more, and take pushes again
  tokensmith.quay.quay_repository_mirror:
    quay_host: https://quay.example.com
    quay_token: "{{ lookup('ansible.builtin.env', 'QUAY_TOKEN') }}"
    repository: acme/base
    state: absent
"""

RETURN = r"""
repository:
  description: The repository's full name.
  returned: success
  type: str
  sample: acme/base
external_reference:
  description: The repository that is mirrored. Null, like all that follow, where there is no mirror.
  returned: success
  type: str
  sample: registry.example.com/library/base
external_registry_username:
  description: User at the other registry; empty without one.
  returned: success
  type: str
  sample: ""
verify_tls:
  description: Whether the other registry's certificate must be valid.
  returned: success
  type: bool
  sample: true
unsigned_images:
  description: Whether images without a signature are taken.
  returned: success
  type: bool
  sample: false
http_proxy:
  description: Proxy for plain http, without a password that somebody else may have written into it.
  returned: success
  type: str
  sample: ""
https_proxy:
  description: Proxy for https, without a password that somebody else may have written into it.
  returned: success
  type: str
  sample: ""
no_proxy:
  description: Hosts that are reached without a proxy.
  returned: success
  type: str
  sample: ""
tags:
  description: Tags and patterns that are mirrored.
  returned: success
  type: list
  elements: str
  sample: ["3.1*", latest]
robot:
  description: Robot that pushes what is mirrored.
  returned: success
  type: str
  sample: acme+mirror
sync_interval:
  description: Seconds between two syncs.
  returned: success
  type: int
  sample: 86400
sync_start_date:
  description:
    - When to sync next (ISO 8601, UTC), or O(sync_start_date) as long as Quay's date lies on the schedule that it
      began.
    - Null also after a sync was cancelled.
  returned: success
  type: str
  sample: "2026-01-31T02:00:00Z"
skopeo_timeout:
  description: Seconds that one sync may take.
  returned: success
  type: int
  sample: 300
architectures:
  description: Architectures that are mirrored; empty for all.
  returned: success
  type: list
  elements: str
  sample: []
enabled:
  description: Whether Quay syncs by the clock.
  returned: success
  type: bool
  sample: true
mode:
  description: The repository's mode, V(mirror) while the mirror is present.
  returned: success
  type: str
  sample: mirror
sync_status:
  description: One of V(never_run), V(sync_now) (asked for), V(syncing), V(success), V(fail) or V(cancel).
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
            "repository": {"type": "str", "required": True},
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
            "tags": {"type": "list", "elements": "str"},
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
            "enabled": {"type": "bool", "default": True, "aliases": ["is_enabled"]},
            "sync": {"type": "str", "choices": ["now", "cancel"]},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        },
        required_by={"external_registry_password": "external_registry_username"},
    )


if __name__ == "__main__":
    main()
