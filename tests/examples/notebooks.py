"""The notebooks of the examples, run in this process, and made anew.

python -m tests.examples.notebooks runs each and stores what it prints and draws.
"""

import json
from base64 import b64encode
from contextlib import redirect_stdout
from io import BytesIO, StringIO
from pathlib import Path

import matplotlib
import matplotlib.pyplot as plt

FOLDER = Path(__file__).parents[2] / "examples"
NOTEBOOKS = {host: FOLDER / f"start_{host}.ipynb" for host in ("pyro", "numpyro")}


def code_cells(notebook):
    """The cells of code, in order."""
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def printed(cell):
    """What the outputs of a cell say."""
    outputs = [o for o in cell["outputs"] if o["output_type"] == "stream"]
    return "".join("".join(output["text"]) for output in outputs)


def pictures(cell):
    """The PNGs among the outputs of a cell, in base 64."""
    outputs = [o for o in cell["outputs"] if o["output_type"] == "display_data"]
    return [output["data"]["image/png"] for output in outputs]


def execute(notebook):
    """Run the cells in one namespace, put what comes out in them, and return it."""
    matplotlib.use("Agg")
    namespace = {"__name__": "__main__"}
    for number, cell in enumerate(code_cells(notebook), 1):
        program = compile("".join(cell["source"]), f"cell {number}", "exec")
        with redirect_stdout(StringIO()) as out:
            exec(program, namespace)  # noqa: S102
        text = [_stream(out.getvalue())] if out.getvalue() else []
        figures = [_display(plt.figure(n)) for n in plt.get_fignums()]
        plt.close("all")
        cell.update(execution_count=number, outputs=text + figures)
    return namespace


def _stream(text):
    lines = text.splitlines(keepends=True)
    return {"name": "stdout", "output_type": "stream", "text": lines}


def _display(figure):
    file = BytesIO()
    figure.savefig(file, dpi=80, bbox_inches="tight", metadata={"Software": None})
    data = {"image/png": b64encode(file.getvalue()).decode() + "\n"}
    return {"data": data, "metadata": {}, "output_type": "display_data"}


def main():
    """Run the notebooks and store their outputs."""
    for path in NOTEBOOKS.values():
        notebook = json.loads(path.read_text())
        execute(notebook)
        path.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n")
        print("".join(map(printed, code_cells(notebook))))


if __name__ == "__main__":
    main()
