# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The tests of Secrets, on the API server of KUBECONFIG or on a stand-in."""

from __future__ import annotations

import os
from pathlib import Path

from .. import environments, shell

TESTS = "tests/functional/test_kubernetes_secret.py"


def integration_kubernetes(*arguments: str) -> None:
    """Run the tests of Secrets on the API server of KUBECONFIG, else on a stand-in."""
    kubeconfig = os.environ.get("KUBECONFIG", "")
    shell.say(f"\n-- Secrets on {f'the API server of {kubeconfig}' if kubeconfig else 'a stand-in'}")
    variables = {"KUBERNETES_TEST_KUBECONFIG": Path(kubeconfig).absolute()} if kubeconfig else {}
    environments.main().run("pytest", "--quiet", TESTS, *arguments, variables=variables)
