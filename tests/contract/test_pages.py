"""Every public name is on a page of the interface, which the docstrings make."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / ".github" / "docs"
TWINS = "pyro_igr", "numpyro_igr"


def exported(folder):
    for node in ast.parse((folder / "__init__.py").read_text()).body:
        if isinstance(node, ast.Assign) and node.targets[0].id == "__all__":
            return set(ast.literal_eval(node.value))
    raise AssertionError(f"{folder} has no __all__")


def rooms_with_a_page(twin):
    for page in (DOCS / twin).glob("*.rst"):
        (module,) = re.findall(r"^\.\. automodule:: (\S+)$", page.read_text(), re.M)
        assert module == f"{twin}.{page.stem}"
        yield ROOT / twin / page.stem


@pytest.mark.parametrize("twin", TWINS)
def test_every_public_name_is_on_the_page_of_its_room(twin):
    on_pages = set().union(*map(exported, rooms_with_a_page(twin)))
    assert exported(ROOT / twin) - on_pages == set()


def test_the_front_page_leads_to_every_other():
    pages = [*DOCS.rglob("*.rst"), *DOCS.rglob("*.md")]
    names = {str(page.relative_to(DOCS).with_suffix("")) for page in pages}
    front = (DOCS / "index.md").read_text()
    assert set(re.findall(r"^([\w/]+)$", front, re.MULTILINE)) == names - {"index"}
