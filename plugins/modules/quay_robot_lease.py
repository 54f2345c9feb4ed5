#!/usr/bin/python
# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: quay_robot_lease
short_description: Issue a short-lived Quay robot account
version_added: "1.0.0"
author:
  - The tokensmith.quay authors (@tokensmith)
description:
  - Creates a robot account for a limited time, and returns or stores its secret. Each lease is a robot of its own, with
    a name that no robot had before. It is O(name_prefix), the time at which the lease expires, and a random text, for
    example C(acme+ci-20260131t120000z-k7m2xq9wd4hb).
  - "B(Quay does not end a robot by itself.) The secret is valid until the robot is deleted. To end expired leases, run
    M(tokensmith.quay.quay_robot_lease_sweep) regularly, for example each hour."
  - With O(token_path), O(deliver) or O(current_token), the module is idempotent. A lease that is valid for longer than
    O(renew_before) is kept. Otherwise the module creates another robot, gives it O(permissions), verifies its secret at
    C(/v2/auth), delivers it, and only then deletes the former robot. Without one of these options, every run creates a
    robot.
  - The lease is recorded in the metadata of the robot, which Quay stores at its creation and never changes. The module
    deletes a robot only if its metadata say that it is such a lease, and if its secret was stored where this task
    stores it.
  - After a response of Quay that does not say whether the robot was created, the module reads whether it exists. If
    not, it uses another name. Should Quay create the first robot after all, or should the run be interrupted before the
    secret is delivered, then nobody has the secret of that robot, and the sweep deletes it when its lease has expired.
extends_documentation_fragment:
  - tokensmith.quay._attributes
  - tokensmith.quay._attributes.action_group
  - tokensmith.quay._connection
  - tokensmith.quay._token
  - tokensmith.quay._credentials.robot_lease
attributes:
  check_mode:
    support: full
    details:
      - The name of a new robot is random, so RV(username) is null in check mode if a lease would be issued.
  diff_mode:
    support: full
  idempotent:
    support: partial
    details:
      - Only with O(token_path), O(deliver) or O(current_token).
      - With O(rotate=always), every run issues another lease.
options:
  name_prefix:
    description:
      - Namespace of the robots, and what their names begin with. Specify V(organization+prefix). For the personal
        namespace of the login, specify V(user+prefix), with the name of that user.
      - A prefix without a namespace also means the personal namespace of the login. The module then warns, because this
        is easily written by mistake.
      - C(-) is added if the prefix does not end with C(.), C(_) or C(-).
      - Required if O(credentials) is not specified.
    type: str
  lifetime:
    description:
      - How long a new lease lasts, for example V(12h). A lease that was issued before keeps its time.
      - The unit is V(s), V(m), V(h), V(d) or V(w).
      - Required with O(state=present).
    type: str
  renew_before:
    description:
      - Issue another lease when the remaining lifetime is this duration or shorter, for example V(2h). Set it to more
        than the time between two runs.
      - The unit is V(s), V(m), V(h), V(d) or V(w).
      - If not specified, it is a third of O(lifetime). It must be shorter than O(lifetime).
    type: str
  description:
    description:
      - Description of a new robot, which people see in Quay. An existing robot keeps its own.
    type: str
  owner:
    description:
      - Who the lease is for, for example a pipeline or a ticket. It is stored in the metadata of the robot, and has no
        effect.
    type: str
  permissions:
    description:
      - Roles of the robot on repositories of its namespace. A robot without roles can neither pull nor push.
      - Each repository must exist. A new robot has exactly these roles before its secret is delivered. A lease that is
        kept is given those that it lacks.
    type: list
    elements: dict
    suboptions:
      repository:
        description: The repository, as V(namespace/repository).
        type: str
        required: true
      role:
        description: V(read) allows pulling, V(write) allows pushing, and V(admin) allows everything.
        type: str
        choices: [read, write, admin]
        required: true
  state:
    description:
      - V(present) ensures that there is a lease.
      - V(absent) deletes the robot whose secret O(current_token), O(token_path) or O(deliver) holds, if it is a lease
        of O(name_prefix). It also deletes the file O(token_path), or removes the credential from the stores of
        O(deliver). A store with the secret of another robot is kept, with a warning.
    type: str
    choices: [present, absent]
    default: present
notes:
  - The user name changes with each lease, so consumers must read it together with the secret. A file with the secret
    alone (O(token_path), and the format V(token) of O(deliver)) has no place for it. Its record, the file
    C(.record.json), has the user name.
  - If a lease with a secret that was stored by an interrupted run is replaced, the robot that was to be deleted may
    remain. It expires as it was to.
  - Quay accepts a registry token (the answer of C(/v2/auth)) as the robot's password, and issues another one for it.
    This ends with the deletion of the robot. For up to an hour after it, registry tokens that the robot requested
    before can still be used for the repositories for which they were issued. Quay cannot revoke them.
  - If a mirror uses the former robot, Quay does not delete it. Its secret is then replaced by one that no store has,
    and the module warns.
  - The login must be able to create robots. For an organization, use an administrator of it, or a token with the scope
    C(org:admin); with O(permissions), also with C(user:admin) and C(repo:admin). For the personal namespace, a token
    needs the scope C(user:admin).
seealso:
  - module: tokensmith.quay.quay_robot_lease_sweep
  - module: tokensmith.quay.quay_robot_token
"""

EXAMPLES = r"""
- name: Keep a robot in a container engine's auth file that lasts for a day
  tokensmith.quay.quay_robot_lease:
    quay_host: https://quay.example.com
    quay_token: "{{ lookup('ansible.builtin.env', 'QUAY_TOKEN') }}"
    name_prefix: acme+build
    lifetime: 24h
    renew_before: 8h
    owner: build farm
    permissions:
      - repository: acme/app
        role: write
    deliver:
      - kind: container_auth
        path: /etc/containers/auth.json

- name: Keep a robot for each of two pipelines, with one login
  tokensmith.quay.quay_robot_lease:
    quay_host: https://quay.example.com
    quay_token: "{{ lookup('ansible.builtin.env', 'QUAY_TOKEN') }}"
    credentials:
      - name_prefix: acme+build
        lifetime: 24h
        permissions:
          - repository: acme/app
            role: write
        deliver:
          - kind: file
            path: /etc/ci/quay-build.json
            format: json
      - name_prefix: acme+scan
        lifetime: 24h
        permissions:
          - repository: acme/app
            role: read
        deliver:
          - kind: file
            path: /etc/ci/quay-scan.json
            format: json

- name: Issue a robot for the next tasks of this play
  tokensmith.quay.quay_robot_lease:
    quay_host: https://quay.example.com
    quay_token: "{{ lookup('ansible.builtin.env', 'QUAY_TOKEN') }}"
    name_prefix: acme+release
    lifetime: 30m
    permissions:
      - repository: acme/app
        role: read
  register: release
  no_log: true

- name: Delete that robot as soon as it is no longer needed
  tokensmith.quay.quay_robot_lease:
    quay_host: https://quay.example.com
    quay_token: "{{ lookup('ansible.builtin.env', 'QUAY_TOKEN') }}"
    name_prefix: acme+release
    current_token: "{{ release.token }}"
    state: absent
"""

RETURN = r"""
results:
  description:
    - With O(credentials), the result for each entry, in their order. It has the return values of this module for one
      credential, and C(changed).
    - For an entry that failed, it has C(name), C(changed), C(failed), which is V(true), and C(msg). The task then fails
      after all others were done, and returns this list nevertheless.
  returned: with O(credentials), also if the task fails because of some of them
  type: list
  elements: dict
  sample: []
token:
  description:
    - The secret of the robot. Null in check mode, with O(token_path) or O(deliver), with O(state=absent), and if
      O(current_token) is the secret of a lease that is kept.
  returned: success, without O(credentials)
  type: str
  sample: null
username:
  description:
    - Name of the robot, which is the user name for its secret, for example in C(podman login). Null in check mode if a
      lease would be issued.
  returned: success, without O(credentials)
  type: str
  sample: acme+ci-20260131t120000z-k7m2xq9wd4hb
registry:
  description: Host name, and port if any, for C(podman login). It is taken from O(quay_host).
  returned: success, without O(credentials)
  type: str
  sample: quay.example.com
api_url:
  description: URL of the API of the server.
  returned: success, without O(credentials)
  type: str
  sample: https://quay.example.com/api/v1
name:
  description: The prefix, as specified in O(name_prefix).
  returned: success, without O(credentials)
  type: str
  sample: acme+ci
uuid:
  description: Always null, because Quay identifies robots by name.
  returned: success, without O(credentials)
  type: str
  sample: null
description:
  description: Description of the robot in Quay. Empty if the robot has none.
  returned: success, without O(credentials)
  type: str
  sample: Build farm
owner:
  description: The option O(owner) with which the lease was issued.
  returned: success, without O(credentials)
  type: str
  sample: build farm
granted:
  description: The roles that were granted, or would be granted in check mode, each with its repository.
  returned: when O(permissions) is given, without O(credentials)
  type: list
  elements: str
  sample:
    - write on acme/app
created_at:
  description: Time at which the lease was issued (ISO 8601, UTC). Null in check mode for a lease that would be issued.
  returned: success, without O(credentials)
  type: str
  sample: "2026-01-30T12:00:00Z"
age_source:
  description:
    - Source of RV(created_at). V(mint) for a lease that was issued in this run, V(quay) for one that was kept.
  returned: success, without O(credentials)
  type: str
  sample: quay
expires_at:
  description:
    - Time at which the lease expires (ISO 8601, UTC). Null in check mode for a lease that would be issued.
  returned: success, without O(credentials)
  type: str
  sample: "2026-01-31T12:00:00Z"
last_accessed:
  description: Time at which the robot was last used (ISO 8601, UTC). Null if Quay does not report it.
  returned: success, without O(credentials)
  type: str
  sample: "2026-01-30T18:30:00Z"
fingerprint:
  description:
    - First 12 hexadecimal digits of the SHA-256 hash of the secret, safe to log. Null with O(state=absent), and in
      check mode for a lease that would be issued.
  returned: success, without O(credentials)
  type: str
  sample: 9f86d081884c
reason:
  description:
    - Why the lease was issued or delivered. One of V(missing), V(invalid), V(expired), V(expiring), V(forced),
      V(undelivered), V(absent) or V(not_due).
    - V(invalid) means that what is stored is not the secret of a lease of O(name_prefix), for example because its robot
      was deleted.
    - V(undelivered) means that a store does not hold the lease that another one holds. It is delivered again, and no
      other lease is issued.
    - V(absent) means that O(state=absent) removed something, or would remove it in check mode.
  returned: success, without O(credentials)
  type: str
  sample: not_due
minted:
  description: Whether a lease was issued, or would be issued in check mode.
  returned: success, without O(credentials)
  type: bool
  sample: false
window_seconds:
  description:
    - Number of seconds from just before the robot was created until the last delivery of its secret. Null if no lease
      was issued, and in check mode.
  returned: success, without O(credentials)
  type: float
  sample: null
delivered:
  description:
    - Paths of the stores of O(deliver), or of O(token_path), that were written, or would be written in check mode.
  returned: success, without O(credentials)
  type: list
  elements: str
  sample: [/etc/containers/auth.json]
retired:
  description: Names of the former robots that were deleted, or would be deleted in check mode.
  returned: success, without O(credentials)
  type: list
  elements: str
  sample: []
superseded:
  description: Names of former robots that could not be deleted, with a warning for each.
  returned: success, without O(credentials)
  type: list
  elements: str
  sample: []
deleted:
  description:
    - With O(state=absent), the names of the robots that were deleted, or would be deleted in check mode.
  returned: success, without O(credentials)
  type: list
  elements: str
  sample: []
removed:
  description:
    - With O(state=absent), the paths of the stores from which the credential was removed, or would be removed in check
      mode.
  returned: success, without O(credentials)
  type: list
  elements: str
  sample: []
"""

from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.robot_lease import (
    ROBOT_LEASE_OPTIONS,
    ensure_robot_leases,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._module.runner import run_module
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.holders import HOLDER_CHOICES


def main() -> None:
    run_module(
        ensure_robot_leases,
        ROBOT_LEASE_OPTIONS,
        or_many=True,
        mutually_exclusive=HOLDER_CHOICES,
    )


if __name__ == "__main__":
    main()
