# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""The errors that end a task. The runner turns each into the message of a failed module, and nothing else.

Every message is for the person who runs the play: what happened, where, what to do. No message holds a secret.
"""

from __future__ import annotations


class QuayError(Exception):
    """Anything that the collection reports as a failed task.

    ``outcome_unknown`` is true when a write may have taken effect although no proper response arrived. Code that
    catches such an error reads the server's state before it does anything else.
    """

    outcome_unknown = False


class BadInput(QuayError):
    """An option is wrong; nothing has been sent yet."""


class BadLogin(BadInput):
    """The login cannot work, whatever it is used for; nothing has been sent with it."""


class LocalFileError(QuayError):
    """A file on the target cannot be read or written."""


class StoreError(QuayError):
    """A store in another system, such as a Vault server, cannot be read or written."""


class IdentityError(QuayError):
    """An OIDC token cannot be obtained from its issuer."""


class RefusedCredential(QuayError):
    """A new secret failed its verification, or Quay granted less than was asked for."""


class Unconfirmed(QuayError):
    """Quay reported success, but its present state is not what was written."""
