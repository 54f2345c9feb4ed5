# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Copies of the working tree for the tools to run in, each a git checkout of its own as ansible-test wants it."""

from __future__ import annotations

import shutil
from pathlib import Path

from . import places, shell


def refresh(tree: Path = places.TREE) -> None:
    """Make ``tree`` equal to the working tree: what git tracks, and what it neither tracks nor ignores."""
    with shell.alone("tree"):
        tree.mkdir(parents=True, exist_ok=True)
        git("init", "--quiet", checkout=tree)
        wanted = files(places.ROOT)
        for name in files(tree) - wanted:
            remove(tree, name)
        for name in wanted:
            copy(places.ROOT / name, tree / name)
        git("add", "--all", checkout=tree)


def git(*arguments: str, checkout: Path) -> str:
    """Run git in ``checkout`` and return what it printed."""
    return shell.read(["git", *arguments], shell.environment(), checkout)


def files(checkout: Path) -> set[Path]:
    """Return the files of ``checkout`` that are there and not ignored."""
    listing = git("ls-files", "-z", "--cached", "--others", "--exclude-standard", checkout=checkout)
    names = {Path(name) for name in listing.split("\0") if name}
    return {name for name in names if (checkout / name).is_symlink() or (checkout / name).is_file()}


def copy(source: Path, copied: Path) -> None:
    """Copy one file, unless the copy is the same already."""
    if look(source) == look(copied):
        return
    copied.parent.mkdir(parents=True, exist_ok=True)
    copied.unlink(missing_ok=True)
    shutil.copy2(source, copied, follow_symlinks=False)


def look(path: Path) -> tuple[int, int, int] | None:
    """Return what tells a changed file from an unchanged one."""
    try:
        status = path.lstat()
    except FileNotFoundError:
        return None
    return status.st_mode, status.st_size, status.st_mtime_ns


def remove(tree: Path, name: Path) -> None:
    """Remove one file, and the folders that it leaves empty."""
    gone = tree / name
    gone.unlink()
    for folder in gone.parents:
        if folder == tree or any(folder.iterdir()):
            return
        folder.rmdir()
