# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This doc fragment is PRIVATE to the collection: it can change at any time.
# Do not use it from other collections or from playbooks' own modules.

from __future__ import annotations


class ModuleDocFragment:
    """The connection of a lookup that asks Quay."""

    DOCUMENTATION = r"""
options:
  quay_host:
    description:
      - URL of the Quay server, with scheme and optional port, but without a path. Required.
    type: str
    env:
      - name: QUAY_HOST
    vars:
      - name: quay_host
  validate_certs:
    description:
      - Whether to verify the TLS certificate of the server. If not specified, it is verified.
    type: raw
    env:
      - name: QUAY_VERIFY_SSL
    vars:
      - name: quay_validate_certs
  ca_path:
    description:
      - Path of a file on the controller that contains the CA certificates to trust, in PEM format.
    type: str
    env:
      - name: QUAY_CA_PATH
    vars:
      - name: quay_ca_path
  timeout:
    description:
      - Number of seconds to wait for a connection, and then for a response, before a request fails. If not specified,
        V(10).
    type: raw
    env:
      - name: QUAY_TIMEOUT
    vars:
      - name: quay_timeout
requirements:
  - requests (Python library on the controller)
notes:
  - An empty value of an option, a variable or an environment variable counts as not specified.
  - An option in the call takes precedence over a variable, and a variable over the environment.
  - The file C(.netrc) is never read. Redirects are not followed, so that credentials never reach another server.
"""
