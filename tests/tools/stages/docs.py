# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The documentation as web pages, and the changelog."""

from __future__ import annotations

import shutil

from .. import environments, places

# The folder with the style sheet of the web pages.
STYLES = places.TREE / "tests" / "tools" / "site"

# As `antsibull-docs sphinx-init` sets them, but without the inventories of other sites, which would have to be
# downloaded. So references to pages of ansible-core cannot be resolved. antsibull-docs checks the collection's own.
SETTINGS = (
    "project=tokensmith.quay",
    "html_title=tokensmith.quay",
    "extensions=sphinx_antsibull_ext",
    "html_theme=sphinx_ansible_theme",
    "html_show_sphinx=0",
    "html_copy_source=0",
    "html_use_index=0",
    f"html_static_path={STYLES}",
    "html_css_files=site.css",
    "pygments_style=ansible",
    "highlight_language=YAML+Jinja",
    "suppress_warnings=ref.ref,ref.envvar",
)

FOLDER = places.BUILD / "docs"


def docs() -> None:
    """Build the documentation of all plugins and the guides as web pages. Raises CommandFailed for a warning."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    rst, html = FOLDER / "rst", FOLDER / "html"
    # antsibull-docs refuses a folder to which others may write.
    rst.mkdir(parents=True, mode=0o755)
    main = environments.main()
    collect = ("antsibull-docs", "collection", "--use-current", "--squash-hierarchy", "--fail-on-error")
    main.run(*collect, "--dest-dir", rst, "tokensmith.quay")
    settings = [word for setting in SETTINGS for word in ("-D", setting)]
    main.run("sphinx-build", "--quiet", "--fail-on-warning", "--keep-going", "-C", *settings, rst, html)
    print(f"\nThe first page is {places.shorten(str(html / 'index.html'))}")


def diagrams() -> None:
    """Draw the diagrams of the guides again."""
    variables = {"PYTHONPATH": str(places.ROOT / "tests"), "PYTHONDONTWRITEBYTECODE": "1"}
    environments.main().run("python", "-m", "diagrams", "docs/docsite/rst", cwd=places.ROOT, variables=variables)


def changelog() -> None:
    """Write the changelog of the version in galaxy.yml, from its fragments and the new plugins."""
    environments.main().run("antsibull-changelog", "release", "--reload-plugins", "--update-existing", cwd=places.ROOT)
