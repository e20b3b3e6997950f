"""What users install: its version, its files, and the commands that check it."""

import importlib
import re
import subprocess
import tomllib
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
TARGETS = PROJECT["tool"]["hatch"]["build"]["targets"]
TWINS = "pyro_igr", "numpyro_igr"
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def stated(twin):
    text = (ROOT / twin / "__init__.py").read_text()
    (found,) = re.findall(r'^__version__ = "(.*)"$', text, re.MULTILINE)
    return found


def test_the_twins_have_the_version_of_what_is_installed():
    assert PROJECT["project"]["dynamic"] == ["version"]
    assert PROJECT["tool"]["hatch"]["version"]["path"] == "pyro_igr/__init__.py"
    found = {stated(twin) for twin in TWINS}
    assert found == {version("pyro-igr")}, "install again: pip install -e '.[dev]'"


@pytest.mark.parametrize("twin", [t for t in TWINS if find_spec(t[:-4])])
def test_the_version_is_an_attribute(twin):
    assert importlib.import_module(twin).__version__ == stated(twin)


def test_the_changelog_opens_with_the_version():
    changes = (ROOT / ".github" / "CHANGELOG.md").read_text()
    assert re.findall(r"^## \[(.*)\]", changes, re.MULTILINE)[0] == stated("pyro_igr")


def tracked():
    """The files of the project, relative to its root; in an sdist, those of folders."""
    if not (ROOT / ".git").exists():
        folders = [ROOT / name.strip("/") for name in TARGETS["sdist"]["include"]]
        found = [path for folder in folders for path in folder.rglob("*.*")]
        return [p.relative_to(ROOT) for p in found if p.parent.name != "__pycache__"]
    command = ["git", "ls-files"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return [Path(line) for line in done.stdout.splitlines()]


def test_the_sdist_has_every_folder():
    folders = {path.parts[0] for path in tracked() if len(path.parts) > 1}
    assert folders <= {name.strip("/") for name in TARGETS["sdist"]["include"]}


def test_the_wheel_has_the_packages_alone_and_says_that_they_are_typed():
    assert TARGETS["wheel"]["packages"] == list(TWINS)
    for twin in TWINS:
        assert (ROOT / twin / "py.typed").exists()
    inside = [path for path in tracked() if path.parts[0] in TWINS]
    assert {path.suffix for path in inside if path.name != "py.typed"} == {".py"}


@pytest.mark.parametrize("host", ["pyro", "numpyro"])
def test_the_tests_with_one_host_exist(host):
    script = (ROOT / ".ci" / "one_host").read_text()
    lists = re.findall(r"tests/contract/test_{(.*)}\.py", script)
    assert len(lists) == 2
    names = ",".join(lists).split(",")
    files = [f"tests/contract/test_{name}.py" for name in names]
    (name,) = re.findall(r"tests/only_\$host/test_(.*)\.py", script)
    files.append(f"tests/only_{host}/test_{name}.py")
    assert [f for f in files if not (ROOT / f).exists()] == []


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_runs_scripts_that_exist(workflow):
    for script in re.findall(r"\.ci/\w+", workflow.read_text()):
        assert (ROOT / script).exists(), script


def test_continuous_integration_runs_each_version_of_python_that_is_claimed():
    text = (ROOT / ".github" / "workflows" / "test.yml").read_text()
    (run,) = re.findall(r"python: \[(.*)\]", text)
    claimed = [c.rsplit(" ", 1)[1] for c in PROJECT["project"]["classifiers"]]
    claimed = [c for c in claimed if re.fullmatch(r"3\.\d+", c)]
    assert re.findall(r'"(.*?)"', run) == claimed
    assert PROJECT["project"]["requires-python"] == f">={claimed[0]}"


def test_the_readme_of_a_release_links_to_files_of_its_tag():
    command = ["bash", ".ci/absolute_links", "owner/name", "v1"]
    text = subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout
    links = re.findall(r"\]\((.*?)\)", text.decode())
    assert [link for link in links if not link.startswith("https://")] == []
    ours = "https://github.com/owner/name/"
    paths = [li.removeprefix(ours).split("#")[0] for li in links if ours in li]
    assert len(paths) > 10
    assert {path.split("/")[0] for path in paths} == {"raw", "blob"}
    missing = [p for p in paths if not (ROOT / p.split("/", 2)[2]).exists()]
    assert missing == []
