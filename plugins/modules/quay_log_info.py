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
  - Returns the usage log entries of an organization, a user, a repository or the complete server, newest first.
  - With O(counts=true), returns the number of entries per day and kind instead.
  - Quay returns 20 entries per page. The module reads one page after the other, and only as many as it needs.
extends_documentation_fragment:
  - tokensmith.quay._attributes
  - tokensmith.quay._attributes.info
  - tokensmith.quay._attributes.action_group
  - tokensmith.quay._connection
options:
  organization:
    description:
      - Read the logs of this organization. A token needs the scope C(org:admin).
      - If none of O(organization), O(user) and O(repository) is specified, the logs of the complete server are read.
        This requires a superuser. A token then needs the scope C(super:user).
    type: str
  user:
    description:
      - Read the logs of this user's own namespace. Reading the logs of another user requires a superuser.
    type: str
  repository:
    description:
      - Read the logs of this repository, specified as namespace/name. A token needs the scope C(repo:admin).
    type: str
  from:
    description:
      - Start of the time range.
      - Specify a date such as V(2026-01-31) (from its first moment, UTC), a time such as V(2026-01-31T12:00:00Z), or a
        duration before now such as V(7d) or V(12h). The unit of a duration is V(s), V(m), V(h), V(d) or V(w).
    type: str
    default: 1d
  to:
    description:
      - End of the time range. If not specified, the current time is used.
      - Specify a date (up to its last moment, UTC), a time, or a duration before now.
    type: str
  kinds:
    description:
      - Return only entries of these kinds, such as V(create_robot) or V(regenerate_robot_token).
      - Quay cannot filter by kind. The module reads the daily counts first, and then only the days that have such
        entries.
    type: list
    elements: str
  performer:
    description:
      - Return only entries of this user or robot. Names are case-sensitive.
      - Quay cannot filter the logs of a repository or of the complete server by performer. The module then reads all
        entries and filters them itself.
    type: str
  limit:
    description:
      - Maximum number of entries to return. V(0) returns all entries.
    type: int
    default: 100
  counts:
    description:
      - Whether to return RV(counts) instead of RV(logs).
      - Quay counts entries per calendar day (UTC). All days from O(from) to O(to) are counted completely.
    type: bool
    default: false
notes:
  - Quay does not return entries that were rotated away (FEATURE_ACTION_LOG_ROTATION) or never written
    (DISABLED_FOR_AUDIT_LOGS), and does not report that they are missing.
  - Quay can lose entries between two pages. If more than one page was read to the end of the time range, the module
    compares the number of entries with the counts of Quay and warns about missing entries. The comparison costs one
    request for each 28 days. It does not include the current day.
seealso:
  - module: tokensmith.quay.quay_robot_token
"""

EXAMPLES = r"""
- name: List the log entries of an organization since yesterday
  tokensmith.quay.quay_log_info:
    quay_host: https://quay.example.com
    quay_token: "{{ lookup('ansible.builtin.env', 'QUAY_TOKEN') }}"
    organization: acme
  register: happened

- name: List all changes of robot tokens in the last four weeks
  tokensmith.quay.quay_log_info:
    quay_host: https://quay.example.com
    quay_token: "{{ lookup('ansible.builtin.env', 'QUAY_TOKEN') }}"
    organization: acme
    from: 28d
    kinds: [create_robot, regenerate_robot_token]
    limit: 0
  register: changes

- name: Count pulls and pushes of a repository in one month
  tokensmith.quay.quay_log_info:
    quay_host: https://quay.example.com
    quay_token: "{{ lookup('ansible.builtin.env', 'QUAY_TOKEN') }}"
    repository: acme/app
    from: "2026-01-01"
    to: "2026-01-31"
    kinds: [pull_repo, push_repo]
    counts: true
  register: traffic

- name: Read the latest entries of the complete server
  tokensmith.quay.quay_log_info:
    quay_host: https://quay.example.com
    quay_token: "{{ lookup('ansible.builtin.env', 'QUAY_TOKEN') }}"
    limit: 20
  register: everything
"""

RETURN = r"""
logs:
  description: Log entries, newest first. Empty with O(counts=true).
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
      description: Kind of the entry, such as V(create_robot).
      returned: success
      type: str
    time:
      description: Time of the entry (ISO 8601, UTC).
      returned: success
      type: str
    performer:
      description: Name of the user or robot that performed the action. Null if Quay does not report it.
      returned: success
      type: str
    namespace:
      description:
        - Organization or user to which the entry belongs. Null except in the logs of the complete server.
      returned: success
      type: str
    ip:
      description: IP address from which the action was performed.
      returned: success
      type: str
    metadata:
      description: Further details of the entry. The keys depend on RV(logs[].kind).
      returned: success
      type: dict
counts:
  description: Number of entries per day and kind, newest day first. Empty unless O(counts=true).
  returned: success
  type: list
  elements: dict
  sample: []
  contains:
    kind:
      description: Kind of the entries.
      returned: success
      type: str
    date:
      description: Date of the day (UTC).
      returned: success
      type: str
    count:
      description: Number of entries.
      returned: success
      type: int
from:
  description: Start of the time range (ISO 8601, UTC).
  returned: success
  type: str
  sample: "2026-01-30T12:00:00Z"
to:
  description: End of the time range (ISO 8601, UTC).
  returned: success
  type: str
  sample: "2026-01-31T12:00:00Z"
limit_reached:
  description: Whether the list was cut off at O(limit), so that older entries may exist.
  returned: success
  type: bool
  sample: false
searchable:
  description:
    - Whether Quay can search its usage logs. If false, an empty list does not mean that nothing happened.
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
