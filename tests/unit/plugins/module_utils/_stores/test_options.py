# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The registry of a store: as consumers look it up."""

from __future__ import annotations

import pytest

from ansible_collections.tokensmith.quay.plugins.module_utils._core.errors import BadInput
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.options import registry_from_options


@pytest.mark.parametrize(
    ("host", "registry"),
    [
        ("https://quay.example.com", "quay.example.com"),
        ("https://quay.example.com/", "quay.example.com"),
        ("https://Quay.Example.COM", "quay.example.com"),
        ("https://quay.example.com:443", "quay.example.com"),
        ("http://quay.example.com:80", "quay.example.com"),
        ("https://quay.example.com:80", "quay.example.com:80"),
        ("http://quay.example.com:443", "quay.example.com:443"),
        ("https://quay.example.com:8443", "quay.example.com:8443"),
        ("https://[2001:db8::1]:443", "[2001:db8::1]"),
        ("https://[2001:db8::1]:8443", "[2001:db8::1]:8443"),
    ],
)
@pytest.mark.parametrize("given", [None, "", "  "])
def test_registry_of_the_server(host: str, registry: str, given: str | None) -> None:
    assert registry_from_options({"registry": given}, host) == registry


@pytest.mark.parametrize(
    ("given", "registry"),
    [
        ("quay.example.com", "quay.example.com"),
        (" quay.example.com\n", "quay.example.com"),
        ("QUAY.example.com:8443", "quay.example.com:8443"),
        # Consumers that name the port look it up with the port.
        ("quay.example.com:443", "quay.example.com:443"),
        ("Quay.example.com/Acme/app", "quay.example.com/Acme/app"),
        ("localhost:5000", "localhost:5000"),
        ("[2001:DB8::1]:8443", "[2001:db8::1]:8443"),
    ],
)
def test_registry_that_is_given(given: str, registry: str) -> None:
    assert registry_from_options({"registry": given}, "https://other.example.com") == registry


@pytest.mark.parametrize(
    "given",
    [
        "https://quay.example.com",
        "quay.example.com/",
        "/acme",
        "quay.example.com:",
        "quay.example.com:port",
        "quay example.com",
        "acme+ci@quay.example.com",
        "quay.example.com?x",
        "..",
    ],
)
def test_registry_that_is_no_host(given: str) -> None:
    with pytest.raises(BadInput) as caught:
        registry_from_options({"registry": given}, "https://other.example.com")
    assert str(caught.value) == (
        "registry must be a host, as in podman login: quay.example.com or quay.example.com:8443"
    )
