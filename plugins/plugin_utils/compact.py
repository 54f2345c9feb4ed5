# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a task returns for the next one, as one text.

Ansible goes through each value of a result when it converts, shows and registers it, and again for each variable that
holds it. For thousands of credentials, that takes longer than the rotation itself. A text is one value.
"""

from __future__ import annotations

import base64
import json
import zlib
from typing import Any, Iterable, Mapping

_COMPACT = "compact"


def compacted(result: Mapping[str, Any], keys: Iterable[str]) -> dict[str, Any]:
    """The result, with these of its values in one text."""
    long = {key: result[key] for key in keys if key in result}
    text = base64.b64encode(zlib.compress(json.dumps(long).encode(), 1)).decode("ascii")
    return {**{key: value for key, value in result.items() if key not in long}, _COMPACT: text}


def expanded(result: Mapping[str, Any]) -> dict[str, Any]:
    """The result before ``compacted``. Any other one stays as it is."""
    values = dict(result)
    text = values.pop(_COMPACT, None)
    return values if text is None else {**values, **json.loads(zlib.decompress(base64.b64decode(text)))}
