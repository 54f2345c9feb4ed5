# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Extended attributes: what a new file gets of the former one's."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Iterator

import pytest

from ansible_collections.tokensmith.quay.plugins.module_utils._stores.file_attributes import copy_attributes, has_acl
from ansible_collections.tokensmith.quay.tests.unit.plugins.files import ACL, failing


class Attributes:
    """The extended attributes of two files, as the system would keep them, and what was set."""

    def __init__(self, source: dict[str, bytes], target: dict[str, bytes] | None = None) -> None:
        self.of = {1: source, 2: target or {}}
        self.calls: list[str] = []

    def listxattr(self, fd: int) -> list[str]:
        return list(self.of[fd])

    def getxattr(self, fd: int, name: str) -> bytes:
        if name not in self.of[fd]:
            raise OSError(errno.ENODATA, os.strerror(errno.ENODATA))
        return self.of[fd][name]

    def setxattr(self, fd: int, name: str, value: bytes) -> None:
        self.calls.append(f"set {name}")
        self.of[fd][name] = value

    def removexattr(self, fd: int, name: str) -> None:
        self.calls.append(f"remove {name}")
        del self.of[fd][name]


def install(monkeypatch: pytest.MonkeyPatch, attributes: Attributes) -> Attributes:
    for name in ("listxattr", "getxattr", "setxattr", "removexattr"):
        monkeypatch.setattr(os, name, getattr(attributes, name), raising=False)
    return attributes


def test_copy(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is equal is not set again: a label cannot be set by everybody."""
    source = {"security.selinux": b"label", "user.note": b"text", ACL: b"list"}
    attributes = install(monkeypatch, Attributes(dict(source), {"security.selinux": b"label"}))
    copy_attributes(1, 2, with_acl=True)
    assert attributes.of[2] == source
    assert attributes.calls == ["set user.note", f"set {ACL}"]


@pytest.mark.parametrize(
    "name", ["security.ima", "security.evm", "security.capability", "trusted.lov", "btrfs.compression"]
)
def test_attribute_of_the_content_or_the_file_system(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    attributes = install(monkeypatch, Attributes({name: b"x"}))
    copy_attributes(1, 2, with_acl=True)
    assert attributes.calls == []


@pytest.mark.parametrize("source", [{}, {ACL: b"theirs"}])
def test_list_of_the_directory_or_of_another_owner(monkeypatch: pytest.MonkeyPatch, source: dict[str, bytes]) -> None:
    """Neither gives rights to a secret that the former file did not give, or that its owner made up."""
    attributes = install(monkeypatch, Attributes(source, {ACL: b"of the directory"}))
    copy_attributes(1, 2, with_acl=not source)
    assert attributes.of[2] == {}


def test_attribute_that_cannot_be_set(monkeypatch: pytest.MonkeyPatch) -> None:
    attributes = install(monkeypatch, Attributes({"security.selinux": b"label"}))

    monkeypatch.setattr(os, "setxattr", failing(errno.EPERM), raising=False)
    with pytest.raises(PermissionError):
        copy_attributes(1, 2, with_acl=True)
    assert attributes.of[2] == {}


@pytest.fixture
def fd(tmp_path: Path) -> Iterator[int]:
    opened = os.open(str(tmp_path / "file"), os.O_RDWR | os.O_CREAT)
    yield opened
    os.close(opened)


def test_file_system_without_attributes(fd: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "listxattr", failing(errno.ENOTSUP), raising=False)
    assert not has_acl(fd)
    copy_attributes(fd, fd, with_acl=True)


@pytest.mark.parametrize("name", ["listxattr", "getxattr"])
def test_attributes_that_cannot_be_read(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Nobody would notice that the new file lacks them."""
    install(monkeypatch, Attributes({"user.note": b"text"}))
    monkeypatch.setattr(os, name, failing(errno.EIO), raising=False)
    with pytest.raises(OSError, match="Input/output error"):
        copy_attributes(1, 2, with_acl=True)


def test_system_without_attributes(fd: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "listxattr", raising=False)
    assert not has_acl(fd)
    copy_attributes(fd, fd, with_acl=True)
