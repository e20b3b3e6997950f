"""Tables of single runs: chosen by validation images, resumed, reported by lines."""

import importlib.util
import sys
from dataclasses import replace
from importlib import import_module
from itertools import product
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import pytest
from few_images import load_few

from examples.harness import command_line
from examples.harness.lines import append_lines, read_lines
from examples.harness.run import CheckpointError, keeping
from examples.structured_prediction.prediction import PredictionOptions
from examples.study import mixtures, prediction
from examples.study.finals import finals_of
from examples.study.single_runs import HOSTS, SingleRuns, TableOptions

HOST = next(host for host in ("pyro", *HOSTS) if importlib.util.find_spec(host))
BEST = {0.1: -3.0, 0.2: -1.0, 0.3: float("nan")}  # of validation images, by rate


class Found(NamedTuple):
    """What a run of the stub returns: test images say the opposite of validation."""

    validation: float
    test: float


class Stub(ModuleType):
    """An example that notes its epochs, and may be killed after one of them."""

    def __init__(self):
        super().__init__("stub")
        self.epochs, self.killed_after = [], None
        self.said, self.folders = [], []

    def train(self, options):
        self.folders.append(str(options.figures))
        with keeping(options, {"device": "abacus"}) as kept:
            for epoch in range(kept.epochs_done, options.num_epochs):
                self.said.append(command_line.saved)
                self.epochs.append((options.learning_rate, options.seed, epoch))
                kept.save_if_due(epoch + 1, bytes)
                if self.killed_after == len(self.epochs):
                    raise KeyboardInterrupt
        score = BEST[options.learning_rate]
        return Found(score, -score)


def scores_of(found):
    return found._asdict() | {"seconds": 1.0}


@pytest.fixture
def stub(monkeypatch):
    stub = Stub()
    monkeypatch.setitem(sys.modules, f"stub_{HOST}", stub)
    return stub


@pytest.fixture
def runs(tmp_path):
    paths = {"results": tmp_path / "lines", "figures": tmp_path / "figures"}
    few = {"num_epochs": 2, "final_seed": (0, 1)}
    return SingleRuns(TableOptions(host=HOST, **paths, **few), "stub", scores_of)


def grid(runs, *rates):
    return [runs.options.run(PredictionOptions, learning_rate=rate) for rate in rates]


def test_the_best_on_validation_images_runs_by_seeds_and_test_images_do_not_choose(
    stub, runs
):
    runs.study(grid(runs, *BEST))
    lines = read_lines(runs.options.results)
    assert [(x["member"]["learning_rate"], x["member"]["seed"]) for x in lines] == [
        *((rate, 100) for rate in BEST),
        (0.2, 0),
        (0.2, 1),
    ]
    tuning, finals = lines[:3], lines[3:]
    assert all(line["scores"].keys() == {"validation"} for line in tuning)
    assert {x["member"]["num_importance_samples"] for x in tuning} == {2}
    of_final = {"validation": -1.0, "test": 1.0, "seconds": 1.0}
    assert all(line["scores"] == of_final for line in finals)
    assert all(line["on"]["device"] == "abacus" for line in lines)
    assert all(line["on"].keys() > {"pyro-igr", *HOSTS[HOST]} for line in lines)
    (final,) = finals_of(lines, "stub", ["learning_rate"])
    assert final.chosen == "best of 3"
    assert final.values("test") == [1.0, 1.0]


def test_each_final_has_a_folder_for_figures_of_its_own(stub, runs, monkeypatch):
    monkeypatch.setitem(sys.modules, "stub_other", stub)
    monkeypatch.setitem(HOSTS, "other", HOSTS[HOST])
    (of,) = grid(runs, 0.1)
    for host in HOST, "other":
        each = replace(runs, options=replace(runs.options, host=host))
        each.study([of])
        each.study([replace(of, temperature=2.0)])
    assert len({*stub.folders}) == len(stub.folders) == 8
    for seed, host in product((0, 1), (HOST, "other")):
        named = [x for x in stub.folders if f"mnist_threshold_igr_{host}_{seed}_" in x]
        assert len(named) == 2


def test_runs_that_tune_and_those_of_no_figures_draw_none(stub, runs):
    runs.choose(grid(runs, 0.1, 0.2))
    none = replace(runs.options, figures=None)
    replace(runs, options=none).study(grid(runs, 0.1))
    assert {*stub.folders} == {"None"}


def test_no_run_that_tunes_is_reported():
    with pytest.raises(ValueError, match="expected --final-seed without 3, which is"):
        TableOptions(seed=3, final_seed=(0, 3))


def test_what_leaves_no_choice_is_not_tuned(stub, runs):
    runs.study(grid(runs, 0.1))
    assert [seed for _, seed, _ in stub.epochs] == [0, 0, 1, 1]
    lines = read_lines(runs.options.results)
    (final,) = finals_of(lines, "stub", ["learning_rate"])
    assert final.chosen == "given"


@pytest.mark.parametrize("killed_after", range(1, 9))
def test_a_killed_study_loses_no_epoch_and_writes_each_line_once(
    stub, runs, killed_after
):
    stub.killed_after = killed_after
    with pytest.raises(KeyboardInterrupt):
        runs.study(grid(runs, 0.1, 0.2))
    stub.killed_after = None
    runs.study(grid(runs, 0.1, 0.2))
    assert len(stub.epochs) == len(set(stub.epochs)) == 8
    lines = read_lines(runs.options.results)
    assert len(lines) == 4
    times = [line["scores"].get("seconds") for line in lines[2:]]
    resumed = (killed_after - 1) // 2 - 2  # of the finals, which one
    assert times == [None if i == resumed else 1.0 for i in range(2)]
    (final,) = finals_of(lines, "stub", ["learning_rate"])
    assert final.values("seconds") == [x for x in times if x]

    before = runs.options.results.read_bytes()
    left = next(runs.options.results.parent.glob("lines*"))
    assert left == runs.options.results
    runs.study(grid(runs, 0.1, 0.2))
    assert len(stub.epochs) == 8
    assert runs.options.results.read_bytes() == before


def test_what_an_interrupted_study_says_is_saved_is_there(stub, runs, monkeypatch):
    monkeypatch.setattr(command_line, "saved", "nothing new is saved")
    monkeypatch.setattr(command_line, "again", "--resume")
    stub.killed_after, results = 3, runs.options.results
    with pytest.raises(KeyboardInterrupt):
        runs.study(grid(runs, 0.1))
    (checkpoint,) = results.parent.glob("lines.*")
    has_first = f"{checkpoint} has the run up to epoch 1, for the same command"
    has_line = f"{results} has the results up to line"
    nothing, of_other, after_it = stub.said
    assert (nothing, after_it) == ("nothing new is saved", f"{has_line} 1")
    assert of_other.endswith(" has the run up to epoch 1, for the same command")
    assert command_line.saved == has_first
    stub.killed_after, command_line.saved = None, nothing
    runs.study(grid(runs, 0.1))
    assert stub.said[3:] == [has_first]
    assert command_line.saved == f"{has_line} 2"


def test_a_checkpoint_that_outlived_its_line_goes_and_the_run_is_not_made_again(
    stub, runs
):
    (of,), stub.killed_after = grid(runs, 0.1), 2
    with pytest.raises(KeyboardInterrupt):
        runs.find(of, test=True)
    (checkpoint,) = runs.options.results.parent.iterdir()
    content = checkpoint.read_bytes()
    found = runs.find(of, test=True)
    assert not checkpoint.exists()
    checkpoint.write_bytes(content)
    assert runs.find(of, test=True) == found
    assert not checkpoint.exists()
    assert len(stub.epochs) == 2


def test_nothing_is_chosen_if_no_score_is_finite(stub, runs):
    with pytest.raises(ValueError, match="expected a finite score in .*lines"):
        runs.choose(grid(runs, 0.3, 0.3))


def test_two_studies_do_not_make_the_same_run(stub, runs):
    (of,) = grid(runs, 0.1)

    def train_again(options):
        with keeping(options, {}):
            runs.find(of, test=True)

    stub.train = train_again
    with pytest.raises(CheckpointError, match="another run keeps itself there"):
        runs.find(of, test=True)


MEMBER = {"host": "numpyro", "dataset": "mnist", "num_epochs": 3, "seed": 0}
MEMBER |= {"num_importance_samples": 1000, "test": True, "pixels": "static"}
UNITS = MEMBER | {"example": prediction.EXAMPLE, "family": "igr"}
UNITS |= {"temperature": 0.5, "learning_rate": 0.001}


def line(member, scores, **choice):
    return {"member": member | choice, "on": {}, "scores": scores}


def tuned(score, **choice):
    few = {"test": False, "seed": 100, "num_importance_samples": 2}
    return line(UNITS, {"validation": score}, **few, **choice)


def test_a_row_of_table_2_is_of_the_seeds_of_its_settings():
    found = [{"tenth": -5.0, "all": -4.0 - i, "relaxed": -6.0} for i in range(2)]
    lines = [tuned(-3.0), tuned(-9.0, temperature=2.0), tuned(-9.0, family="igr-sb")]
    lines += [line(UNITS, scores, seed=seed) for seed, scores in enumerate(found)]
    lines += [line(UNITS, found[0], temperature=2.0), line(UNITS, {}, example="other")]
    best, other, eq_18 = prediction.rows(lines)
    assert best == (
        "| mnist, static | numpyro | IGR, and IGR-SB | 0.5 | 0.001 | best of 2 | 3 | 2 "
        "| 1000 | -5.00 ± 0.00 | -4.50 ± 0.71 | -6.00 ± 0.00 |"
    )
    assert " | 2.0 | 0.001 | not best of 2 | 3 | 1 | 1000 | -5.00 | -4.00 |" in other
    assert "IGR-SB by eq. 18 | none: its units are above 1/2" in eq_18
    assert len({row.count("|") for row in (best, other, eq_18)}) == 1
    assert best.count("|") == prediction.HEADER.splitlines()[0].count("|")


def test_a_row_of_table_3_says_which_components_are_used_by_seed():
    found = {"elbo": -9.0, "log_likelihood": -8.0, "used": 7, "needed": 6.5}
    found |= {"overflow": 0.01, "capacity": 20, "is_growing": False, "seconds": 60.0}
    found |= {"neighbor_errors": [0.05, 0.06, 0.07]}
    member = MEMBER | {"example": mixtures.EXAMPLE, "family": "igr-sb"}
    member |= {"truncation": 15}
    grown = found | {"is_growing": True, "used": 9, "seconds": None}
    lines = [line(member, found), line(member, grown, seed=1)]
    dldpmm = line(member, found, family="dldpmm")
    open_, of_k = mixtures.rows([*lines, dldpmm])
    assert open_ == (
        "| mnist, static | numpyro | IGR-SB-MM | open, 20 |  | 3 | 2 | -9.00 ± 0.00 "
        "| 1000 | -8.00 ± 0.00 | 7, 9+ | 6.5 | 1.0% | 5.0 ± 0.0 | 6.0 ± 0.0 "
        "| 7.0 ± 0.0 | 60 |"
    )
    assert of_k.startswith(
        "| mnist, static | numpyro | DLDPMM | 15 | given | 3 | 1 | -9.00 |"
    )
    assert open_.count("|") == mixtures.HEADER.splitlines()[0].count("|")


def test_lines_that_are_kept_are_known_by_all_that_a_run_is_known_by():
    runs = SingleRuns(TableOptions(), prediction.EXAMPLE, scores_of)
    known = runs.name(PredictionOptions(), test=True).keys()
    lines = read_lines(
        Path(prediction.__file__).parent / "found/prediction_digits.jsonl"
    )
    assert len(lines) == 39
    assert all(line["member"].keys() == known for line in lines)


@pytest.mark.parametrize(
    "content", ["notes", "notes\n", "3\n", "\n", '{"x": 1}\n[]\n', "{'x': 1}\n"]
)
def test_a_file_of_other_content_is_named_and_left_as_it_is(content, tmp_path):
    path = tmp_path / "file"
    path.write_text(content)
    for use in read_lines, lambda path: append_lines(path, [{"x": 2}], key="x"):
        with pytest.raises(ValueError, match=f"^{path}: expected .* JSON"):
            use(path)
    assert path.read_text() == content


SMALL = "--dataset=digits -n 1 -b 400 --num-importance-samples 20 --seed 7"
OF_TABLE = {
    prediction: "--num-units 3 --family igr gumbel-softmax -lr 0.01 "
    "--temperature 0.5 1 --final-seed 0 1",
    mixtures: "-k 7 9 --latent-dim 2 --encoder 5 --decoder --capacity 3 --final-seed 0",
}


@pytest.mark.parametrize("table", OF_TABLE, ids=lambda x: x.__name__)
def test_a_small_table_is_made_and_its_report_needs_lines_alone(
    table, tmp_path, capsys, monkeypatch
):
    path = tmp_path / "lines"
    load_few(import_module(f"{table.EXAMPLE}_{HOST}"), monkeypatch)
    where = [f"--host={HOST}", f"--results={path}"]
    table.main([*SMALL.split(), *OF_TABLE[table].split(), *where])
    printed = capsys.readouterr().out
    header, _, *rows = printed.splitlines()
    assert f"{header}\n" == table.HEADER.partition("|---")[0]
    assert all(row.startswith(f"| digits, threshold | {HOST} | ") for row in rows[:2])
    assert all("best of 2" in row for row in rows[table is mixtures : 2])
    assert "nan" not in printed
    assert [file.name for file in tmp_path.iterdir()] == ["lines"]

    monkeypatch.setattr(SingleRuns, "study", None)  # nothing is trained
    table.main(["--report", f"--results={path}"])
    assert capsys.readouterr().out == printed


@pytest.mark.parametrize("table", [prediction, mixtures], ids=lambda x: x.__name__)
def test_what_is_of_no_use_is_said_in_one_line(table, tmp_path, capsys):
    path = tmp_path / "lines"

    def said(*arguments):
        with pytest.raises(SystemExit):
            table.main([*arguments, f"--results={path}"])
        return capsys.readouterr()

    program = f"python -m {table.__name__}: error: "
    assert said("--report") == (
        "",
        f"{program}{path}: expected lines of finals, got none\n",
    )
    path.write_text('{"timing": 1}\n')
    assert said() == ("", f"{program}{path}: expected lines of runs alone\n")
    path.unlink()
    error = said("--data-dir=none", f"--host={HOST}").err
    assert error == f"{program}data_dir none is not a folder\n"


def test_a_host_that_is_not_there_is_named(monkeypatch, runs):
    monkeypatch.setitem(sys.modules, f"stub_{HOST}", None)
    with pytest.raises(ValueError, match=f"cannot use --host {HOST}: "):
        runs.study(grid(runs, 0.1))
