# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run a command, and write its use of resources to a file: launcher.py USAGE_FILE COMMAND [ARGUMENT ...].

Linux counts the memory of the process that starts a command as memory of the command. This process is small.
"""

from __future__ import annotations

import json
import os
import sys
import time


def main() -> int:
    usage_file, *command = sys.argv[1:]
    begin = time.monotonic()
    process = os.spawnvp(os.P_NOWAIT, command[0], command)
    _process, status, usage = os.wait4(process, 0)
    measured = {
        "wall_seconds": time.monotonic() - begin,
        # Those of the command and of all processes below it.
        "cpu_seconds": usage.ru_utime + usage.ru_stime,
        # That of the largest process, in KiB.
        "peak_memory": usage.ru_maxrss,
    }
    with open(usage_file, "w") as file:  # noqa: PTH123 (pathlib would enlarge this process)
        json.dump(measured, file)
    return os.waitstatus_to_exitcode(status)


if __name__ == "__main__":
    sys.exit(main())
