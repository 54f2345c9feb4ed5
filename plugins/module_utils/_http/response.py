# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""A successful response, and the shapes in which Quay sends its JSON."""

from __future__ import annotations

from typing import Any, Mapping

from .errors import UnexpectedResponse


class Response:
    """A response with a 2xx status, or a redirect that the caller asked for: status, headers and the parsed JSON."""

    def __init__(
        self, status: int, headers: Mapping[str, str], data: Any, method: str, path: str, origin: str = ""
    ) -> None:
        self.status = status
        self.headers = headers
        self.data = data
        self._method = method
        self._path = path
        self._origin = origin

    def unexpected(self, problem: str) -> UnexpectedResponse:
        """The error to raise where the response is not what Quay sends here. ``problem`` completes a sentence."""
        error = UnexpectedResponse(self._method, self._path, problem)
        error.origin = self._origin
        return error

    def json_object(self) -> dict[str, Any]:
        """The body as a JSON object; raises UnexpectedResponse when it is anything else."""
        if not isinstance(self.data, dict):
            raise self.unexpected("the response is not a JSON object as Quay sends it")
        return self.data

    def object_with(self, key: str) -> dict[str, Any]:
        """The body as the JSON object of one thing, which always has ``key``; raises UnexpectedResponse otherwise."""
        if not self.json_object().get(key):
            raise self.unexpected(f"the response has no '{key}' as Quay sends it")
        return self.json_object()

    def list_of(self, key: str) -> list[dict[str, Any]]:
        """The list of objects below ``key``; raises UnexpectedResponse when it is not there."""
        return self._objects(self.json_object().get(key), f"a list '{key}'")

    def json_list(self) -> list[dict[str, Any]]:
        """The body as a JSON list of objects; raises UnexpectedResponse when it is anything else."""
        return self._objects(self.data, "a list")

    def _objects(self, value: Any, shape: str) -> list[dict[str, Any]]:
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            raise self.unexpected(f"the response is not {shape} of objects as Quay sends it")
        return value
