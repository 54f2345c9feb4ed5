# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Content of open files: complete, whatever the system does at once."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Iterator

import pytest

from ansible_collections.tokensmith.quay.plugins.module_utils._stores.descriptors import (
    close_flushed,
    read_all,
    replace_content,
)
from ansible_collections.tokensmith.quay.tests.unit.plugins.files import failing


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "file"


@pytest.fixture
def fd(file: Path) -> Iterator[int]:
    opened = os.open(str(file), os.O_RDWR | os.O_CREAT)
    yield opened
    os.close(opened)


@pytest.mark.parametrize("size", [0, 1, 65536, 200000])
def test_read(file: Path, fd: int, size: int) -> None:
    file.write_bytes(b"x" * size)
    assert read_all(fd, 10**6) == b"x" * size
    assert read_all(fd, 10) == b"x" * min(size, 10)


@pytest.mark.parametrize("old", [b"", b"old", b"o" * 200000])
@pytest.mark.parametrize("new", [b"", b"new", b"n" * 100000])
def test_replace(file: Path, fd: int, old: bytes, new: bytes) -> None:
    file.write_bytes(old)
    replace_content(fd, new)
    assert file.read_bytes() == new


def test_short_reads_and_writes(file: Path, fd: int, monkeypatch: pytest.MonkeyPatch) -> None:
    read, write = os.pread, os.pwrite
    monkeypatch.setattr(os, "pread", lambda fd, size, offset: read(fd, min(size, 7), offset))
    monkeypatch.setattr(os, "pwrite", lambda fd, data, offset: write(fd, data[:3], offset))
    replace_content(fd, b"0123456789" * 10)
    assert read_all(fd, 1000) == b"0123456789" * 10


@pytest.mark.parametrize("call", ["pwrite", "ftruncate", "fsync"])
def test_error(fd: int, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    monkeypatch.setattr(os, call, failing(errno.ENOSPC))
    with pytest.raises(OSError, match="No space left on device"):
        replace_content(fd, b"new")


def test_error_when_a_file_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "close", failing(errno.EIO))
    close_flushed(0)
