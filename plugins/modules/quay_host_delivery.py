#!/usr/bin/python
# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: quay_host_delivery
short_description: Deliver what a rotation issued to the stores of a host
version_added: "1.0.0"
author:
  - The tokensmith.quay authors (@tokensmith)
description:
  - The role P(tokensmith.quay.rotation#role) runs this module once on each host of the play, after
    M(tokensmith.quay.quay_rotation). To deliver a single secret in a play of your own, use
    M(tokensmith.quay.quay_container_auth) or M(tokensmith.quay.quay_token_file).
  - The secrets are encrypted until the module is sent to the host. A host for which there is nothing is not connected
    to.
  - Each store is checked again, locked, written completely or not at all, and read back. A store that fails does not
    stop the others, and does not fail the task. See RV(deliveries).
extends_documentation_fragment:
  - tokensmith.quay._attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
    details:
      - M(tokensmith.quay.quay_rotation) returns the diff of all hosts.
  idempotent:
    support: full
options:
  run:
    description:
      - What M(tokensmith.quay.quay_rotation) returned, or the name of the variable in which that was registered.
        Required.
    type: raw
  rotator:
    description: The host that talks to Quay. Required.
    type: str
  quay_host:
    description: URL of the Quay server. It gives the default registry of an auth file.
    type: str
  deliveries:
    description: The stores and their secrets. The module sets it itself.
    type: list
    elements: dict
seealso:
  - module: tokensmith.quay.quay_rotation
"""

EXAMPLES = r"""
- name: Deliver to each host what was issued for it
  tokensmith.quay.quay_host_delivery:
    quay_host: https://quay.example.com
    run: "{{ rotation }}"
    rotator: localhost
  notify: quay credential delivered
"""

RETURN = r"""
credentials:
  description: Names of the credentials of which a store of this host was written, or would be written in check mode.
  returned: always
  type: list
  elements: str
  sample: [acme+ci]
deliveries:
  description:
    - The result of each delivery. C(error) is null, or says why the store was not written. C(fingerprint) is that of
      the secret that was read back.
  returned: always
  type: list
  elements: dict
  sample: []
"""

from ansible_collections.tokensmith.quay.plugins.module_utils._module.local_runner import run_consumer_module
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.host_delivery import deliver_to_host


def main() -> None:
    run_consumer_module(
        deliver_to_host,
        {
            "quay_host": {"type": "str"},
            "deliveries": {"type": "list", "elements": "dict", "no_log": True},
            "run": {"type": "raw"},
            "rotator": {"type": "str"},
        },
    )


if __name__ == "__main__":
    main()
