"""Tables of the reports, each between two marks of its own."""

import os
import platform
from importlib.metadata import version
from itertools import chain
from pathlib import Path

import torch

from examples.study.tables import to_header as to_header
from examples.study.tables import to_row as to_row
from examples.study.tables import with_spread as with_spread

ROOT = Path(__file__).parent.parent.parent
EXAMPLES = ROOT / "examples" / "RESULTS.md"
TESTS = ROOT / "tests" / "README.md"
BENCHMARKS = ROOT / "tests" / "benchmarks" / "README.md"


def write_table(name, header, rows, *reports):
    """Prints a table, and puts it between the marks of its name.

    Args:
        name: What the marks `<!-- name -->` and `<!-- end of name -->` say.
        header: Its first two lines.
        rows: The others, printed as they come.
        reports: The files.
    """
    lines = []
    for line in chain([header], rows):
        print(line, flush=True)
        lines.append(line)
    table = "\n".join(lines)
    begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    for report in reports:
        before, rest = report.read_text().split(begin)
        after = rest.split(end)[1]
        report.write_text(f"{before}{begin}\n{table}\n{end}{after}")


def machine(device="cpu"):
    """What the figures hold for: the processor, and the versions of the hosts."""
    lines = Path("/proc/cpuinfo")
    text = lines.read_text() if lines.exists() else ""
    models = [x.split(": ")[1] for x in text.splitlines() if x.startswith("model name")]
    packages = "torch", "pyro-ppl", "jax", "numpyro"
    versions = ", ".join(f"{name} {version(name)}" for name in packages)
    name = f"{(models or [platform.processor()])[0]}, {os.cpu_count()} cores"
    if device == "cuda":
        name = torch.cuda.get_device_name()
    return f"{name}; {versions}."
