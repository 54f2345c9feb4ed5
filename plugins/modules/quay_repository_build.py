#!/usr/bin/python
# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: quay_repository_build
short_description: Build an image in Quay
version_added: "0.1.0"
author:
  - The tokensmith.quay authors (@tokensmith)
description:
  - Starts a build in Quay, which builds an image from an archive and pushes it to a repository. The module can also
    wait for a build and cancel a build.
  - If a build of the same archive, Dockerfile, context, tags and robot is waiting or running, the module uses that
    build. Otherwise every run starts a new build, even if the same build was completed before.
extends_documentation_fragment:
  - tokensmith.quay._attributes
  - tokensmith.quay._attributes.action_group
  - tokensmith.quay._connection
attributes:
  check_mode:
    support: full
    details:
      - Check mode cannot predict the result of a build. It does not verify that O(pull_robot) exists.
  diff_mode:
    support: full
  idempotent:
    support: partial
    details:
      - The module is idempotent while the same build is waiting or running. After the build has finished, the next run
        starts another one.
options:
  repository:
    description:
      - Repository to push the image to, specified as V(namespace/repository). It must exist and have the mode
        V(normal).
    type: str
    required: true
  archive_url:
    description:
      - URL of a V(.tar.gz) or zip archive, or of a Dockerfile. Quay downloads it.
      - The URL is visible to everyone who may push to the repository, so it must not contain a password.
      - Required for a new build. Mutually exclusive with O(uuid).
    type: str
  subdirectory:
    description:
      - Directory in the archive that contains the C(Dockerfile). It is also the build context, unless O(context) is
        specified.
      - Defaults to O(context) if that is specified, and to the root of the archive otherwise.
      - Mutually exclusive with O(dockerfile_path).
    type: str
  dockerfile_path:
    description:
      - Path of the Dockerfile in the archive. Specify it instead of O(subdirectory) if the file has another name.
    type: str
  context:
    description:
      - Directory in the archive that is used as the build context. Defaults to the directory of the Dockerfile.
    type: str
  tags:
    description:
      - Tags under which the image is pushed.
    type: list
    elements: str
    default: [latest]
  pull_robot:
    description:
      - Full name of the robot that pulls the base image. The login must administer the namespace of the robot.
    type: str
  uuid:
    description:
      - UUID of a build that an earlier task started. With O(state=present), the module waits for this build and starts
        no new one. With O(state=absent), it cancels this build.
    type: str
  wait:
    description:
      - Whether to wait until the build has finished. The task then fails unless the build completes successfully. The
        error message contains the last lines of the build log.
    type: bool
    default: true
  wait_timeout:
    description:
      - Maximum time to wait, for example V(30m). If the build has not finished by then, the task fails and the build
        continues.
      - The unit is V(s), V(m), V(h), V(d) or V(w).
    type: str
    default: 30m
  wait_interval:
    description:
      - Time between two requests for the status of the build, more than V(0).
      - The unit is V(s), V(m), V(h), V(d) or V(w).
    type: str
    default: 10s
  state:
    description:
      - V(present) starts a build, or waits for the build O(uuid).
      - V(absent) cancels the build O(uuid). A build that has finished or is unknown is ignored.
    type: str
    choices: [present, absent]
    default: present
seealso:
  - module: tokensmith.quay.quay_repository
"""

EXAMPLES = r"""
- name: Build an image and wait for it
  tokensmith.quay.quay_repository_build:
    quay_host: https://quay.example.com
    quay_token: "{{ lookup('ansible.builtin.env', 'QUAY_TOKEN') }}"
    repository: acme/app
    archive_url: https://files.example.com/app-1.0.tar.gz
    subdirectory: /container
    tags: ["1.0", latest]
    pull_robot: acme+puller
    wait_timeout: 1h

- name: Start a build without waiting for it
  tokensmith.quay.quay_repository_build:
    quay_host: https://quay.example.com
    quay_token: "{{ lookup('ansible.builtin.env', 'QUAY_TOKEN') }}"
    repository: acme/app
    archive_url: https://files.example.com/app-1.1.tar.gz
    wait: false
  register: build

- name: Wait for the build
  tokensmith.quay.quay_repository_build:
    quay_host: https://quay.example.com
    quay_token: "{{ lookup('ansible.builtin.env', 'QUAY_TOKEN') }}"
    repository: acme/app
    uuid: "{{ build.uuid }}"

- name: Cancel the build
  tokensmith.quay.quay_repository_build:
    quay_host: https://quay.example.com
    quay_token: "{{ lookup('ansible.builtin.env', 'QUAY_TOKEN') }}"
    repository: acme/app
    uuid: "{{ build.uuid }}"
    state: absent
"""

RETURN = r"""
repository:
  description: Full name of the repository.
  returned: success
  type: str
  sample: acme/app
uuid:
  description: UUID of the build. Null in check mode for a build that would be started.
  returned: success
  type: str
  sample: 2f1b0f0a-6a0e-4a56-8a3e-0d1c4b7e9f55
phase:
  description:
    - Phase of the build. One of V(waiting), V(build-scheduled), V(unpacking), V(pulling), V(building), V(pushing),
      V(internalerror) (Quay will try again), V(complete), V(error), V(expired) or V(cancelled).
    - Null if it cannot be predicted in check mode, and for an unknown build.
  returned: success
  type: str
  sample: complete
archive_url:
  description: URL of the archive or Dockerfile that is built. Null for an unknown build.
  returned: success
  type: str
  sample: https://files.example.com/app-1.0.tar.gz
dockerfile_path:
  description: Path of the Dockerfile in the archive. Null for an unknown build.
  returned: success
  type: str
  sample: /container/Dockerfile
context:
  description: Directory in the archive that is used as the build context. Null for an unknown build.
  returned: success
  type: str
  sample: /container
tags:
  description: Tags under which the image is pushed. Null for an unknown build.
  returned: success
  type: list
  elements: str
  sample: ["1.0", latest]
pull_robot:
  description: Robot that pulls the base image. Null if there is none, and for an unknown build.
  returned: success
  type: str
  sample: acme+puller
started_at:
  description:
    - Time at which the build was requested (ISO 8601, UTC). Null for an unknown build, and in check mode for a build
      that would be started.
  returned: success
  type: str
  sample: "2026-01-31T12:00:00Z"
progress:
  description:
    - Phases and steps of the build that were observed while waiting, in order. Empty if the module did not wait. Null
      in check mode if the module would have waited.
  returned: success
  type: list
  elements: dict
  contains:
    phase:
      description: The observed phase.
      returned: success
      type: str
    step:
      description: Number of the Dockerfile instruction that was being built. Null if Quay does not report it.
      returned: success
      type: int
    steps:
      description: Total number of Dockerfile instructions. Null if Quay does not report it.
      returned: success
      type: int
    seen_at:
      description: Time of the observation (ISO 8601, UTC).
      returned: success
      type: str
  sample:
    - phase: waiting
      step: null
      steps: null
      seen_at: "2026-01-31T12:00:00Z"
"""

from ansible_collections.tokensmith.quay.plugins.module_utils._module.runner import run_module
from ansible_collections.tokensmith.quay.plugins.module_utils._resources.repository_build import ensure_repository_build


def main() -> None:
    run_module(
        ensure_repository_build,
        {
            "repository": {"type": "str", "required": True},
            "archive_url": {"type": "str"},
            "subdirectory": {"type": "str"},
            "dockerfile_path": {"type": "str"},
            "context": {"type": "str"},
            "tags": {"type": "list", "elements": "str", "default": ["latest"]},
            "pull_robot": {"type": "str"},
            "uuid": {"type": "str"},
            "wait": {"type": "bool", "default": True},
            "wait_timeout": {"type": "str", "default": "30m"},
            "wait_interval": {"type": "str", "default": "10s"},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        },
        required_one_of=[("archive_url", "uuid")],
        required_if=[("state", "absent", ("uuid",))],
        mutually_exclusive=[("archive_url", "uuid"), ("subdirectory", "dockerfile_path")],
    )


if __name__ == "__main__":
    main()
