#!/usr/bin/python
# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: quay_log_info
short_description: Read the usage logs of a Quay registry
version_added: "0.1.0"
author:
  - The tokensmith.quay authors (@tokensmith)
description:
  - Reads who did what and when, for an organization, a user, a repository or the whole server, newest first; or counts
    how often what happened on which day.
  - Quay gives 20 entries a page. Pages are read one after the other, and no more of them than are needed.
extends_documentation_fragment:
  - tokensmith.quay._attributes
  - tokensmith.quay._attributes.info
  - tokensmith.quay._attributes.action_group
  - tokensmith.quay._connection
options:
  organization:
    description:
      - The logs of this organization. A token needs the scope C(org:admin).
      - Without O(organization), O(user) and O(repository), the logs of the whole server, which needs a superuser; a
        token then needs the scope C(super:user).
    type: str
  user:
    description:
      - The logs of this user's own namespace. For somebody else's, a superuser is needed.
    type: str
  repository:
    description:
      - The logs of this repository, as namespace/name. A token needs the scope C(repo:admin).
    type: str
  from:
    description:
      - Where to begin. A date such as V(2026-01-31) (from its first moment, UTC), a time such as
        V(2026-01-31T12:00:00Z), or how long ago, such as V(7d) or V(12h).
    type: str
    default: 1d
  to:
    description:
      - Where to end. A date (up to its last moment, UTC), a time, or how long ago. Defaults to now.
    type: str
  kinds:
    description:
      - Only entries of these kinds, such as V(create_robot) or V(regenerate_robot_token). Quay itself cannot look for
        them; the module lets it count first, and then reads only the days that have some.
    type: list
    elements: str
  performer:
    description:
      - Only what this user or robot did. Names are case-sensitive. Logs of a repository or of the whole server are read
        and then sorted out, as Quay cannot look for a performer there.
    type: str
  limit:
    description:
      - How many entries to return at most; V(0) is all of them.
    type: int
    default: 100
  counts:
    description:
      - Return RV(counts) instead of RV(logs). Only whole days are counted; O(from) and O(to) say which.
    type: bool
    default: false
notes:
  - Quay tells nothing of entries that were rotated away (FEATURE_ACTION_LOG_ROTATION) or never written
    (DISABLED_FOR_AUDIT_LOGS).
  - Where more than one page was read to its end, one request more for each 28 days compares the number of entries with
    what Quay counts, except for the present day, because Quay can lose entries between two pages. A warning says so.
seealso:
  - module: tokensmith.quay.quay_robot_token
"""

EXAMPLES = r"""
- name: See what happened in an organization since yesterday
  tokensmith.quay.quay_log_info:
    quay_host: https://quay.example.com
    quay_token: "{{ lookup('ansible.builtin.env', 'QUAY_TOKEN') }}"
    organization: acme
  register: happened

- name: Find out who changed robots' tokens in the last four weeks
  tokensmith.quay.quay_log_info:
    quay_host: https://quay.example.com
    quay_token: "{{ lookup('ansible.builtin.env', 'QUAY_TOKEN') }}"
    organization: acme
    from: 28d
    kinds: [create_robot, regenerate_robot_token]
    limit: 0
  register: changes

- name: Count pulls and pushes of a repository in a month
  tokensmith.quay.quay_log_info:
    quay_host: https://quay.example.com
    quay_token: "{{ lookup('ansible.builtin.env', 'QUAY_TOKEN') }}"
    repository: acme/app
    from: "2026-01-01"
    to: "2026-01-31"
    kinds: [pull_repo, push_repo]
    counts: true
  register: traffic

- name: Read the last entries of the whole server
  tokensmith.quay.quay_log_info:
    quay_host: https://quay.example.com
    quay_token: "{{ lookup('ansible.builtin.env', 'QUAY_TOKEN') }}"
    limit: 20
  register: everything
"""

RETURN = r"""
logs:
  description: The entries, newest first; empty with O(counts=true).
  returned: success
  type: list
  elements: dict
  sample:
    - kind: create_robot
      time: "2026-01-31T12:00:00Z"
      performer: jdoe
      namespace: null
      ip: 192.0.2.1
      metadata: {robot: ci, description: builds}
  contains:
    kind:
      description: What happened.
      returned: success
      type: str
    time:
      description: When it happened (ISO 8601, UTC).
      returned: success
      type: str
    performer:
      description: Name of the user or robot who did it; null where Quay does not tell.
      returned: success
      type: str
    namespace:
      description: Organization or user to whom it happened; null but in the logs of the whole server.
      returned: success
      type: str
    ip:
      description: Address from which it was done.
      returned: success
      type: str
    metadata:
      description: What else Quay tells; its keys depend on RV(logs[].kind).
      returned: success
      type: dict
counts:
  description: How often what happened on which day, newest day first; empty but with O(counts=true).
  returned: success
  type: list
  elements: dict
  sample: []
  contains:
    kind:
      description: What happened.
      returned: success
      type: str
    date:
      description: The day (UTC).
      returned: success
      type: str
    count:
      description: How often.
      returned: success
      type: int
from:
  description: Where the span begins (ISO 8601, UTC).
  returned: success
  type: str
  sample: "2026-01-30T12:00:00Z"
to:
  description: Where the span ends (ISO 8601, UTC).
  returned: success
  type: str
  sample: "2026-01-31T12:00:00Z"
limit_reached:
  description: Whether O(limit) ended the list, so that there may be older entries.
  returned: success
  type: bool
  sample: false
searchable:
  description: Whether Quay can look into its logs; where not, an empty list does not mean that nothing happened.
  returned: success
  type: bool
  sample: true
"""

from ansible_collections.tokensmith.quay.plugins.module_utils._module.runner import run_module
from ansible_collections.tokensmith.quay.plugins.module_utils._resources.log_info import read_logs


def main() -> None:
    run_module(
        read_logs,
        {
            "organization": {"type": "str"},
            "user": {"type": "str"},
            "repository": {"type": "str"},
            "from": {"type": "str", "default": "1d"},
            "to": {"type": "str"},
            "kinds": {"type": "list", "elements": "str"},
            "performer": {"type": "str"},
            "limit": {"type": "int", "default": 100},
            "counts": {"type": "bool", "default": False},
        },
        mutually_exclusive=[("organization", "user", "repository")],
    )


if __name__ == "__main__":
    main()
