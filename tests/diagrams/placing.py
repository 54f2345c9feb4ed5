# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Places the drawings in the guides: after each line `.. diagram: NAME` stands the drawing of figures/NAME.yml."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path
from typing import Any

import yaml

from .drawing import draw

FIGURES = Path(__file__).parent / "figures"
NAMES = sorted(path.stem for path in FIGURES.glob("*.yml"))

_PLACE = re.compile(r"^\.\. diagram: (\w+)\n\n(?:\.\. raw:: html\n\n(?:    .*\n|\n(?=    ))*\n)?", re.MULTILINE)


def figure_of(name: str) -> dict[str, Any]:
    figure: dict[str, Any] = yaml.safe_load((FIGURES / f"{name}.yml").read_text())
    return figure


def drawing_of(name: str) -> str:
    return draw(name.replace("_", "-"), figure_of(name))


def names_in(guide: str) -> list[str]:
    """The names of the diagrams that the text of a guide has."""
    return [found[1] for found in _PLACE.finditer(guide)]


def placed(guide: str) -> str:
    """The text of a guide with its present drawings."""
    return _PLACE.sub(lambda found: _directive(found[1]), guide)


def _directive(name: str) -> str:
    # On a narrow screen, the drawing scrolls in its own frame. It can be reached by the keyboard.
    title = figure_of(name)["title"]
    opening = f'<div style="overflow-x: auto; margin-bottom: 1.5em" tabindex="0" role="group" aria-label="{title}">'
    frame = f"{opening}\n{drawing_of(name)}\n</div>"
    return f".. diagram: {name}\n\n.. raw:: html\n\n{textwrap.indent(frame, '    ')}\n\n"
