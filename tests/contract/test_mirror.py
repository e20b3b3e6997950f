"""The twins have the same files, names, signatures and words."""

import ast
import re
from graphlib import TopologicalSorter
from pathlib import Path

import pytest
from mirror_exceptions import EXCEPTIONS

ROOT = Path(__file__).parents[2]
TWINS = "pyro_igr", "numpyro_igr"
FLOORS = {
    "_host": -3,
    "_typed": -2,
    "_numerics": -1,
    "transforms": 0,
    "discrete": 0,
    "distributions": 1,
    "handlers": 2,
    "infer": 3,
}
FUNCTIONAL = {"key", "params"}  # which NumPyro hands over: chance, and parameters


def files(twin):
    return sorted(str(p.relative_to(ROOT / twin)) for p in (ROOT / twin).rglob("*.py"))


def tree(twin, file):
    return ast.parse((ROOT / twin / file).read_text())


def public(twin, file):
    """Public names of a file, methods included: name -> (arguments, docstring)."""
    found = {}

    def visit(node, prefix=""):
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.ClassDef | ast.FunctionDef):
                name = child.name
                if name.startswith("_") and name != "__init__":
                    continue
                found[prefix + name] = (arguments(child), ast.get_docstring(child))
                if isinstance(child, ast.ClassDef):
                    visit(child, f"{prefix}{name}.")

    visit(tree(twin, file))
    return found


def arguments(node):
    if isinstance(node, ast.ClassDef):
        return None
    a = node.args
    names = [arg.arg for arg in (*a.posonlyargs, *a.args, *a.kwonlyargs)]
    names = [name for name in names if name not in FUNCTIONAL]
    keywords = zip(a.kwonlyargs, a.kw_defaults, strict=True)
    shared = [default for arg, default in keywords if arg.arg not in FUNCTIONAL]
    defaults = [ast.dump(d) for d in (*a.defaults, *shared) if d is not None]
    return names, defaults


def in_neutral_words(text):
    """A docstring without the names of its host and its example."""
    if text is None:
        return None
    text, *_ = text.split("Example:")
    for theirs, neutral in [
        ("numpyro.distributions.transforms.", ""),
        ("torch.distributions.", ""),
        ("NumPyro", "HOST"),
        ("Pyro", "HOST"),
        ("numpyro", "host"),
        ("pyro", "host"),
        ("key: the random key.", ""),
        ("params: of model and guide, as SVI returns them; else initial values.", ""),
    ]:
        text = text.replace(theirs, neutral)
    return text.split()


OF_ONE = {file for file, names in EXCEPTIONS.items() if names == {"*"}}
SHARED = sorted(set(files("numpyro_igr")) - OF_ONE)


def without_exceptions(file, names):
    return [name for name in names if name not in EXCEPTIONS.get(file, ())]


def test_the_twins_have_the_same_files():
    ours, theirs = (set(files(twin)) for twin in TWINS)
    assert ours ^ theirs == OF_ONE


@pytest.mark.parametrize("file", SHARED)
def test_the_twins_have_the_same_public_names_and_signatures(file):
    ours, theirs = (public(twin, file) for twin in TWINS)
    shared = without_exceptions(file, ours)
    assert shared == without_exceptions(file, theirs)
    for name in shared:
        assert ours[name][0] == theirs[name][0], name


@pytest.mark.parametrize("file", SHARED)
def test_the_twins_say_the_same_words(file):
    ours, theirs = (public(twin, file) for twin in TWINS)
    for name in without_exceptions(file, ours):
        pair = [in_neutral_words(words[name][1]) for words in (ours, theirs)]
        assert pair[0] == pair[1], name
    heads = [ast.get_docstring(tree(twin, file)) for twin in TWINS]
    assert in_neutral_words(heads[0]) == in_neutral_words(heads[1])


def test_a_docstring_names_its_own_host():
    words = [in_neutral_words(f"As {host} does.") for host in ("Pyro", "NumPyro")]
    assert words[0] == words[1] != in_neutral_words("As the host does.")


def exported(twin, file="__init__.py"):
    """The names of its ``__all__``, None without one."""
    for node in tree(twin, file).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return ast.literal_eval(node.value)
    return None


@pytest.mark.parametrize(
    "file",
    [f for f in SHARED if f.endswith("__init__.py") and f[0] != "_" or f[1] == "_"],
)
def test_the_twins_export_the_same_names(file):
    shared = [without_exceptions(file, exported(twin, file)) for twin in TWINS]
    assert shared[0] == shared[1]


def found_in(twin, file):
    """What a table of exceptions can name: the names of a file, and its exports."""
    return dict.fromkeys(exported(twin, file) or ()) | {
        name: (signature, in_neutral_words(words))
        for name, (signature, words) in public(twin, file).items()
    }


@pytest.mark.parametrize("file", EXCEPTIONS)
def test_an_exception_that_no_longer_applies_has_no_place(file):
    if file in OF_ONE:
        assert (file in files("numpyro_igr")) != (file in files("pyro_igr"))
        return
    ours, theirs = (found_in(twin, file) for twin in TWINS)
    for name in EXCEPTIONS[file]:
        differs = name in ours and name in theirs and ours[name] != theirs[name]
        assert differs or (name in ours) != (name in theirs), name


@pytest.mark.parametrize("twin", TWINS)
def test_every_public_class_and_function_is_documented(twin):
    for file in files(twin):
        for name, (_, words) in public(twin, file).items():
            method = "." in name
            assert words or method, f"{twin}/{file}: {name}"


def imports(twin, file):
    for node in ast.walk(tree(twin, file)):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


@pytest.mark.parametrize("twin", TWINS)
def test_imports_go_one_way(twin):
    for file in files(twin):
        folder = file.split("/")[0].removesuffix(".py")
        for module in imports(twin, file):
            parts = module.split(".")
            if parts[0] == twin and len(parts) > 1 and folder in FLOORS:
                below = FLOORS[parts[1]] < FLOORS[folder]
                assert below or parts[1] == folder, f"{file} imports {module}"


@pytest.mark.parametrize("twin", TWINS)
def test_no_circles_within_a_folder(twin):
    graph = {}
    for file in files(twin):
        module = f"{twin}/{file}".removesuffix(".py").replace("/", ".")
        module = module.removesuffix(".__init__")
        graph[module] = {m for m in imports(twin, file) if m.startswith(twin)}
    TopologicalSorter(graph).prepare()  # whose error has the circle


def modules(twin):
    """Folders with their public modules: folder -> names of files."""
    for package in (ROOT / twin).rglob("__init__.py"):
        folder = package.parent
        inside = [p.stem for p in folder.iterdir() if p.suffix == ".py" or p.is_dir()]
        yield folder.relative_to(ROOT / twin), [m for m in inside if m[0] != "_"]


@pytest.mark.parametrize("twin", TWINS)
def test_no_module_has_the_name_of_what_its_package_exports(twin):
    for folder, names in modules(twin):
        file = folder / "__init__.py"
        if "__all__" in (ROOT / twin / file).read_text():
            assert not set(names) & set(exported(twin, file)), folder


@pytest.mark.parametrize("twin", TWINS)
def test_a_module_without_an_underscore_is_one_whose_names_are_exported(twin):
    for folder, names in modules(twin):
        if str(folder) == "." or folder.name.startswith("_"):
            continue
        shown = exported(twin, folder / "__init__.py")
        for name in set(names) - {"kl"}:  # which registers, and has no names
            found = folder / f"{name}.py"
            if (ROOT / twin / found).exists():
                defined = [n for n in public(twin, found) if "." not in n]
                assert set(defined) & set(shown), found


def test_files_are_short():
    for twin in TWINS:
        for file in files(twin):
            assert len((ROOT / twin / file).read_text().splitlines()) <= 180, file


UNDOCUMENTED = {
    "pyro_igr": re.compile(
        r"(pyro\.(distributions\.|infer\.|poutine\.|ops\.|)\w*util\w*|pyro\.infer\.enum"
        r"|pyro\.\w+\.runtime|pyro\.infer\.autoguide\.utils) import "
        r"|initialization import Init"
        r"|torch\._|\b(dist|distribution|wrapper|Distribution)\._(mask|validate_args)\b"
    ),
    "numpyro_igr": re.compile(
        r"numpyro\.(distributions\.|infer\.|ops\.|)\w*(util|provenance)\w* import "
        r"|numpyro\.primitives import |infer.elbo import MultiFrame|jax\.extend|jax\._"
        r"|\b(dist|distribution|wrapper|Distribution)\._(mask|validate_args)\b"
    ),
}


@pytest.mark.parametrize("twin", TWINS)
def test_what_the_host_does_not_document_is_used_in_one_file(twin):
    for file in files(twin):
        if file != "_host.py":
            text = (ROOT / twin / file).read_text()
            found = UNDOCUMENTED[twin].search(text)
            assert not found, f"{file}: {found and found[0]}"


def names_of_tests(host):
    folder = ROOT / "tests" / f"only_{host}"
    trees = [ast.parse(file.read_text()) for file in folder.glob("test_*.py")]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    names = {node.name for node in nodes if isinstance(node, ast.FunctionDef)}
    return {name for name in names if name.startswith("test_")}


def test_what_is_true_of_both_hosts_is_tested_once():
    assert names_of_tests("pyro") & names_of_tests("numpyro") == set()
