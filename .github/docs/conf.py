"""The pages of both packages, from their docstrings; ``bash .ci/pages`` builds them."""

import logging
import os
import re
from importlib import import_module
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

from pyro_igr import __version__

ROOT = Path(__file__).parents[2]
ROOMS = [
    ".".join(page.relative_to(Path(__file__).parent).with_suffix("").parts)
    for page in sorted(Path(__file__).parent.glob("*/*.rst"))
]
PAGES = {
    ".github/REFERENCE.md": "reference.md",
    ".github/CHANGELOG.md": "changelog.md",
}

project = "IGR for Pyro and NumPyro"
project_copyright = "Apache-2.0 licensed"
release = __version__
extensions = [
    "myst_parser",
    "sphinx-mathjax-offline",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.intersphinx",
    "sphinx.ext.mathjax",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
]
html_theme = "furo"
html_title = f"{project} {release}"
myst_enable_extensions = ["html_image"]
myst_heading_anchors = 3
napoleon_numpy_docstring = False
napoleon_custom_sections = ["Shape", "Units", "Accuracy", "Source"]
autosummary_generate = False
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
autodoc_typehints_format = "short"
autodoc_default_options = {
    "members": True,
    "inherited-members": True,
    "show-inheritance": True,
}
toc_object_entries_show_parents = "hide"
python_maximum_signature_line_length = 80
python_use_unqualified_type_names = True
intersphinx_timeout = 5
intersphinx_mapping = {
    "python": ("https://docs.python.org/3", None),
    "torch": ("https://docs.pytorch.org/docs/stable", None),
    "pyro": ("https://docs.pyro.ai/en/stable", None),
    "jax": ("https://docs.jax.dev/en/latest", None),
    "numpyro": ("https://num.pyro.ai/en/stable", None),
}
# Without a network the names of the hosts are no links, and nothing else changes.
logging.getLogger("sphinx.sphinx.ext.intersphinx").addFilter(
    lambda record: "failed to reach" not in str(record.msg)
)


def home(thing: Any) -> str:
    """The module that defines it, if any."""
    return getattr(getattr(thing, "fget", thing), "__module__", None) or ""


def is_ours(thing: Any) -> bool:
    """Whether one of the packages defines it."""
    return home(thing).split(".")[0] in ("pyro_igr", "numpyro_igr")


def public_names() -> dict[Any, str]:
    """What the rooms export, and the full name that it has on its page."""
    names = {room: import_module(room).__all__ for room in ROOMS}
    return {
        getattr(import_module(room), name): f"{room}.{name}"
        for room, exported in names.items()
        for name in exported
    }


def skip_hosts(app: Sphinx, what: str, name: str, thing: Any, *_: Any) -> bool | None:
    """Leave out what a class has from its host, and what it only refuses."""
    left_out = home(thing).endswith("._absent") or not is_ours(thing)
    return True if what == "class" and left_out else None


def show_public_base(
    app: Sphinx, name: str, thing: type, options: Any, bases: list[type]
) -> None:
    """Show the nearest base that a user can import, in place of plumbing."""
    public = public_names()
    bases[:] = [b for b in thing.__mro__[1:] if b in public or not is_ours(b)][:1]


def add_table(
    app: Sphinx, what: str, name: str, thing: Any, options: Any, lines: list[str]
) -> None:
    """Open the page of a room with a table of its names."""
    if what == "module":
        lines += [".. autosummary::", "   :nosignatures:", ""]
        lines += [f"   {name}" for name in thing.__all__]


def find_in_other_rooms(
    app: Sphinx, env: BuildEnvironment, node: pending_xref, shown: nodes.TextElement
) -> nodes.reference | None:
    """Resolve a name that another room of the same twin exports."""
    domain = env.domains.python_domain
    twin = node.get("py:module", "").split(".")[0]
    for full_name, *_ in domain.get_objects():
        if full_name.startswith(f"{twin}.") and full_name.endswith(
            f".{node['reftarget']}"
        ):
            node["reftarget"] = full_name
            target = (node["refdoc"], app.builder, node["reftype"], full_name)
            return domain.resolve_xref(env, *target, node, shown)
    return None


def redirect_links(app: Sphinx, file: Path, parent: str, content: list[str]) -> None:
    """Let links to other files lead to their pages, or to the repository if known."""
    server, repository = map(os.environ.get, ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY"))

    def redirect(link: re.Match[str]) -> str:
        text, path = link.groups()
        if path not in PAGES and not repository:
            return text
        root = f"{server}/{repository}/blob/main/"
        return f"[{text}]({PAGES.get(path, root + path)})"

    relative = re.compile(r"(?<!!)\[([^\]]*)\]\((?![a-z]+:|#)([^)]+)\)")
    content[:] = [relative.sub(redirect, text) for text in content]


def setup(app: Sphinx) -> None:
    """Connect the above."""
    app.connect("autodoc-skip-member", skip_hosts)
    app.connect("autodoc-process-bases", show_public_base)
    app.connect("autodoc-process-docstring", add_table, priority=900)
    app.connect("missing-reference", find_in_other_rooms)
    app.connect("include-read", redirect_links)
