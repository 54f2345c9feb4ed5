#!/usr/bin/python
# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: quay_robot_lease_sweep
short_description: Delete the robots of expired leases
version_added: "1.0.0"
author:
  - The tokensmith.quay authors (@tokensmith)
description:
  - Deletes the robots that M(tokensmith.quay.quay_robot_lease) created with O(name_prefix), and whose lease expired.
    Quay itself never ends a robot. B(The secret of an expired lease is valid until this module runs), so run it often,
    for example each hour.
  - A robot is deleted only if all of this is true. Its name is O(name_prefix), followed by a time and a random text as
    M(tokensmith.quay.quay_robot_lease) writes them. Its metadata, which cannot be changed after its creation, say that
    it is such a lease, and that it expired by the clock of Quay. Its metadata agree with its name and with its creation
    date.
  - A robot that has such a name but not such metadata is kept, and a warning names it. All other robots are not even
    read.
  - The robots are listed with one request. Two more are sent for each robot whose name has a time that is over, one to
    read its metadata and one to delete it, and one more to learn whether the registry is read-only. If nothing has
    expired, the list is the only request after the login.
  - In check mode, the deletion of a robot is not sent. To predict which of them Quay refuses, the mirrors of the
    namespace are read instead (the list of its repositories, and one request for each repository that is a mirror).
extends_documentation_fragment:
  - tokensmith.quay._attributes
  - tokensmith.quay._attributes.action_group
  - tokensmith.quay._connection
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  name_prefix:
    description:
      - The option O(tokensmith.quay.quay_robot_lease#module:name_prefix) with which the leases were issued. Specify
        V(organization+prefix), or V(user+prefix) for the personal namespace of the login.
      - Leases of longer prefixes are other leases. V(acme+ci) does not include those of V(acme+ci-nightly).
    type: str
    required: true
  parallel:
    description:
      - How many robots to work on at the same time, each with its own connection to Quay. A number above 32 counts as
        32.
    type: int
    default: 4
notes:
  - The task fails if an expired lease could not be deleted, because its secret is still valid. It fails after all other
    robots were worked on, and returns its values nevertheless. Quay does not delete a robot that a mirror uses.
  - For up to an hour after the deletion, registry tokens that the robot requested before can still be used for the
    repositories for which they were issued. Quay cannot revoke them.
  - The login must be able to delete robots. For an organization, use an administrator of it, or a token with the scope
    C(org:admin). For the personal namespace, a token needs the scope C(user:admin).
seealso:
  - module: tokensmith.quay.quay_robot_lease
"""

EXAMPLES = r"""
- name: Delete the robots of a pipeline whose leases expired
  tokensmith.quay.quay_robot_lease_sweep:
    quay_host: https://quay.example.com
    quay_token: "{{ lookup('ansible.builtin.env', 'QUAY_TOKEN') }}"
    name_prefix: acme+ci
"""

RETURN = r"""
deleted:
  description: Names of the robots that were deleted, or would be deleted in check mode.
  returned: success, and if some robots could not be deleted
  type: list
  elements: str
  sample: [acme+ci-20260131t120000z-k7m2xq9wd4hb]
kept:
  description: The robots that have the name of an expired lease and were not deleted.
  returned: success, and if some robots could not be deleted
  type: list
  elements: dict
  contains:
    name:
      description: Name of the robot.
      returned: success
      type: str
    reason:
      description: Why the robot was not deleted.
      returned: success
      type: str
  sample: []
active:
  description: The leases that have not expired, as far as the names of their robots show it.
  returned: success, and if some robots could not be deleted
  type: list
  elements: dict
  contains:
    name:
      description: Name of the robot.
      returned: success
      type: str
    expires_at:
      description: Time at which the lease expires (ISO 8601, UTC).
      returned: success
      type: str
  sample:
    - name: acme+ci-20260201t120000z-w3pn8cqt5rzv
      expires_at: "2026-02-01T12:00:00Z"
"""

from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.robot_lease_sweep import (
    LEASE_SWEEP_OPTIONS,
    sweep_robot_leases,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._module.runner import run_module


def main() -> None:
    run_module(sweep_robot_leases, LEASE_SWEEP_OPTIONS)


if __name__ == "__main__":
    main()
