# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The working tree, and copies of it in which the tools run. Each copy is a git checkout, as ansible-test needs it."""

from __future__ import annotations

import shutil
from pathlib import Path

from . import places, shell


def refresh(tree: Path = places.TREE) -> None:
    """Make ``tree`` equal to the working tree: the files that git tracks, and those that it would add."""
    with shell.lock("tree"):
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
    """Return the existing files of ``checkout`` that git does not ignore."""
    listing = git("ls-files", "-z", "--cached", "--others", "--exclude-standard", checkout=checkout)
    names = {Path(name) for name in listing.split("\0") if name}
    return {name for name in names if (checkout / name).is_symlink() or (checkout / name).is_file()}


def changed() -> set[Path]:
    """Return the changed and new files of the working tree; if there are none, those of the branch."""
    names = git("diff", "--name-only", "-z", "HEAD", checkout=places.ROOT)
    names += git("ls-files", "-z", "--others", "--exclude-standard", checkout=places.ROOT)
    if not names:
        base = git("merge-base", "HEAD", main_branch(), checkout=places.ROOT).strip()
        names = git("diff", "--name-only", "-z", base, "HEAD", checkout=places.ROOT)
    return {Path(name) for name in names.split("\0") if name} & files(places.ROOT)


def main_branch() -> str:
    """Return the main branch as near to its origin as this clone has it."""
    branches = git("for-each-ref", "--format=%(refname)", checkout=places.ROOT).splitlines()
    wanted = [f"refs/{place}/main" for place in ("remotes/upstream", "remotes/origin", "heads")]
    return next((branch for branch in wanted if branch in branches), "HEAD")


def copy(source: Path, copied: Path) -> None:
    """Copy one file, unless the copy is up to date."""
    if signature(source) == signature(copied):
        return
    copied.parent.mkdir(parents=True, exist_ok=True)
    copied.unlink(missing_ok=True)
    shutil.copy2(source, copied, follow_symlinks=False)


def signature(path: Path) -> tuple[int, int, int] | None:
    """Return mode, size and modification time of a file, which differ if it was changed; None if it is missing."""
    try:
        status = path.lstat()
    except FileNotFoundError:
        return None
    return status.st_mode, status.st_size, status.st_mtime_ns


def remove(tree: Path, name: Path) -> None:
    """Remove one file, and the folders that are then empty."""
    path = tree / name
    path.unlink()
    for folder in path.parents:
        if folder == tree or any(folder.iterdir()):
            return
        folder.rmdir()
