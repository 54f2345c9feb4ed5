# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Write the diagrams into the guides: `python -m diagrams FOLDER`."""

from __future__ import annotations

import sys
from pathlib import Path

from .placing import placed


def main() -> None:
    for path in sorted(Path(sys.argv[1]).glob("*.rst")):
        text = path.read_text()
        if placed(text) != text:
            path.write_text(placed(text))
            print(f"{path.name}: drawn")


if __name__ == "__main__":
    main()
