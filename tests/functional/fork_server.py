# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs modules, each in a forked process. Common imports are loaded only once, so each run is fast.

The arguments of the program are further modules to import. The protocol is JSON, one line per run. The input has the
file of the module, its arguments and its environment. The output has the exit status and what the module printed. A
module gets its arguments on standard input, so that no secret is on a command line. A run can have a `setup` (a module
of the tests and the argument of its `install`), and can be killed after a number of seconds.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import runpy
import signal
import sys
import tempfile
import time
import traceback
from typing import IO, Any

from contract import collection

_TIMEOUT_S = 120

# Modules that are imported late. Not every ansible-core has them.
_LATE_IMPORTS = (
    "_strptime",
    "ansible.module_utils._internal._json._profiles._module_legacy_c2m",
    "ansible.module_utils._internal._json._profiles._module_legacy_m2c",
    # A client library of a store, which is imported where it is used.
    "kubernetes",
)


def serve() -> None:
    for path in (collection.PLUGINS / "module_utils").rglob("*.py"):
        name = ".".join(path.relative_to(collection.PLUGINS).with_suffix("").parts)
        importlib.import_module(f"ansible_collections.{collection.NAME}.plugins.{name}")
    for name in (*_LATE_IMPORTS, *sys.argv[1:]):
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    # Garbage collection in a fork would only copy the loaded modules.
    gc.freeze()
    for line in sys.stdin.buffer:
        print(json.dumps(_run(json.loads(line))), flush=True)


def _run(job: dict[str, Any]) -> dict[str, Any]:
    with tempfile.TemporaryFile() as stdin_file, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        stdin_file.write(json.dumps(job["arguments"]).encode())
        stdin_file.seek(0)
        child = os.fork()
        if child == 0:
            _run_in_child(job, stdin_file, out, err)
        if "kill_after" in job:
            time.sleep(job["kill_after"])
            # The process was not waited for yet, so its id cannot belong to another process.
            os.kill(child, signal.SIGKILL)
        _pid, status = os.waitpid(child, 0)
        return {"status": os.waitstatus_to_exitcode(status), "stdout": _text(out), "stderr": _text(err)}


def _run_in_child(job: dict[str, Any], stdin_file: IO[bytes], out: IO[bytes], err: IO[bytes]) -> None:
    """Run the module in this forked process."""
    status: Any = 1
    try:
        for number, file in enumerate((stdin_file, out, err)):
            os.dup2(file.fileno(), number)
        sys.stdin = open(0, closefd=False)  # noqa: SIM115
        sys.argv = [job["module"]]
        os.environ.clear()
        os.environ.update(job["environ"])
        tempfile.tempdir = None
        signal.alarm(_TIMEOUT_S)
        if "setup" in job:
            name, options = job["setup"]
            importlib.import_module(name).install(options)
        status = 0
        runpy.run_path(job["module"], run_name="__main__")
    except SystemExit as end:
        status = end.code
    except BaseException:
        traceback.print_exc()
        status = 1
    finally:
        with contextlib.suppress(OSError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(status if isinstance(status, int) else 1)


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode()


if __name__ == "__main__":
    serve()
