"""What the runs behind a table found, kept so that a killed one continues."""

import json

from tests.benchmarks.report_table import ROOT


class RunLog:
    """The findings of runs, one line of JSON each, in the folder `runs`.

    Args:
        name: Of the file, without its ending.
    """

    def __init__(self, name):
        self.path = ROOT / "runs" / f"{name}.jsonl"
        text = self.path.read_text() if self.path.exists() else ""
        whole = (json.loads(line) for line in text.splitlines() if line.endswith("}"))
        self.found = {tuple(row["run"]): row["found"] for row in whole}

    def get(self, run, find):
        """What a run found, from the log or now.

        Args:
            run: What identifies it, a tuple of plain values.
            find: Makes the run; returns values that JSON can hold.
        """
        if run not in self.found:
            line = json.dumps({"run": run, "found": find()})
            self.path.parent.mkdir(exist_ok=True)
            with self.path.open("a") as file:
                file.write(line + "\n")
            self.found[run] = json.loads(line)["found"]
        return self.found[run]
