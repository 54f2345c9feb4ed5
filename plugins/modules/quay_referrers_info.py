#!/usr/bin/python
# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: quay_referrers_info
short_description: List the referrers of an image in Quay, such as signatures and SBOMs
version_added: "0.1.0"
author:
  - The tokensmith.quay authors (@tokensmith)
description:
  - Lists the referrers of a manifest (OCI distribution specification 1.1), identified by digest or tag.
  - The module requests the registry token that it needs. The token is valid for one hour and allows only pulling from
    this repository.
  - If Quay does not offer the referrers API, the module reads the fallback tag of the specification and warns about it.
extends_documentation_fragment:
  - tokensmith.quay._attributes
  - tokensmith.quay._attributes.action_group
  - tokensmith.quay._attributes.info
  - tokensmith.quay._connection
options:
  repository:
    description:
      - The repository, specified as V(namespace/repository).
    type: str
    required: true
  digest:
    description:
      - Digest of the manifest, for example V(sha256:) followed by 64 hexadecimal digits.
      - Specify either this option or O(tag).
    type: str
  tag:
    description:
      - Tag of the manifest. Specify either this option or O(digest).
      - Quay counts the lookup of a tag as a pull, and writes it to its usage log.
    type: str
  artifact_type:
    description:
      - Return only referrers of this artifact type, for example V(application/vnd.dev.cosign.artifact.sig.v1+json).
    type: str
notes:
  - A robot can also be used as the login, with its name in O(quay_username) and its token in O(quay_password). An app
    token can be used with the user name V($app).
seealso:
  - module: tokensmith.quay.quay_referrers_token
"""

EXAMPLES = r"""
- name: List the signatures of an image
  tokensmith.quay.quay_referrers_info:
    quay_host: https://quay.example.com
    quay_token: "{{ lookup('ansible.builtin.env', 'QUAY_TOKEN') }}"
    repository: acme/app
    tag: "1.0"
    artifact_type: application/vnd.dev.cosign.artifact.sig.v1+json
  register: signatures

- name: List all referrers of a digest, as a robot
  tokensmith.quay.quay_referrers_info:
    quay_host: https://quay.example.com
    quay_username: acme+scanner
    quay_password: "{{ lookup('ansible.builtin.env', 'SCANNER_TOKEN') }}"
    repository: acme/app
    digest: "{{ image_digest }}"
  register: attached
"""

RETURN = r"""
repository:
  description: Full name of the repository.
  returned: success
  type: str
  sample: acme/app
digest:
  description: Digest of the manifest whose referrers are listed.
  returned: success
  type: str
  sample: sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
referrers:
  description: The referrers, in the order in which Quay returns them. Empty if there are none.
  returned: success
  type: list
  elements: dict
  contains:
    digest:
      description: Digest of the referrer's own manifest.
      returned: success
      type: str
    media_type:
      description: Media type of the referrer's own manifest.
      returned: success
      type: str
    size:
      description: Size of the referrer's own manifest, in bytes.
      returned: success
      type: int
    artifact_type:
      description: Artifact type of the referrer. Empty if the referrer does not specify one.
      returned: success
      type: str
    annotations:
      description: Annotations of the referrer.
      returned: success
      type: dict
  sample:
    - digest: sha256:60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752
      media_type: application/vnd.oci.image.manifest.v1+json
      size: 742
      artifact_type: application/vnd.dev.cosign.artifact.sig.v1+json
      annotations: {}
source:
  description:
    - Source of the list. V(api) for the referrers API. V(tag) for the fallback tag, if Quay does not offer the
      referrers API.
  returned: success
  type: str
  sample: api
"""

from ansible_collections.tokensmith.quay.plugins.module_utils._module.runner import run_module
from ansible_collections.tokensmith.quay.plugins.module_utils._resources.referrers_info import list_referrers


def main() -> None:
    run_module(
        list_referrers,
        {
            "repository": {"type": "str", "required": True},
            "digest": {"type": "str"},
            "tag": {"type": "str"},
            "artifact_type": {"type": "str"},
        },
        required_one_of=[("digest", "tag")],
        mutually_exclusive=[("digest", "tag")],
    )


if __name__ == "__main__":
    main()
