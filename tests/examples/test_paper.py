"""The paper's tables: what their studies are, and reports that need lines alone."""

import importlib
from pathlib import Path

import pytest

from examples.harness.lines import append_lines
from examples.study import curves, paper
from examples.study import report as study
from examples.study.options import StudyOptions
from examples.study.parts import PARTS
from examples.study.recipes import Recipe

EXAMPLES = Path(__file__).parents[2] / "examples"
CURVES = {"discrete_train_elbo": [-9.0, -8.0], "trained_test_bound": [-9.0, -7.0]}
CURVES |= {"test_log_likelihood": [-8.0, -6.0]}


def lines_of(options):
    """Two seeds of each recipe, and a run that was of tuning."""
    for i, recipe in enumerate(options.recipe):
        member = {"temperature": 0.5, "learning_rate": 0.003, "decay": "cosine"}
        member |= {"num_epochs": 2, "architecture": "linear", "dataset": "digits"}
        member |= recipe._asdict()
        for seed in range(2):
            scores = {"test_log_likelihood": -10.0 * i - seed, "test_elbo": -100.0}
            run = {"member": member | {"seed": seed, "test": True}}
            yield run | {"scores": scores, "curves": CURVES}
        tuned = {"validation_log_likelihood": 0.0}
        yield {"member": member | {"seed": 0, "test": False}, "scores": tuned}


def options_of(part):
    return StudyOptions.parse("A study.", PARTS[part].arguments)


STUDIES = [name for name, part in PARTS.items() if "recipes" in part.module]


@pytest.mark.parametrize("part", STUDIES)
def test_a_part_is_a_study_whose_runs_by_seeds_are_followed(part):
    options = options_of(part)
    assert options.num_followed > 0
    assert options.seconds == ()
    assert len(options.recipe) == len({str(recipe) for recipe in options.recipe})


def test_a_report_draws_and_prints_what_lines_say(tmp_path, capsys):
    part = STUDIES[0]
    options = options_of(part)
    append_lines(tmp_path / f"{part}.jsonl", lines_of(options), key="member")
    paper.main(["--report", f"--results={tmp_path}"])
    _, title, _, header, rule, *rows = capsys.readouterr().out.splitlines()
    assert title == PARTS[part].title
    assert len(rows) == len(options.recipe)
    assert {row.count("|") for row in (header, rule, *rows)} == {9}
    first = options.recipe[0]
    assert rows[0] == (
        f"| {first} | 0.5 | 0.003 | cosine | 2 | 2 | -0.50 ± 0.71 | -100.00 ± 0.00 |"
    )
    assert (tmp_path / f"{part}.png").stat().st_size > 1000
    assert len(list(tmp_path.iterdir())) == 2


def test_a_run_that_diverges_is_drawn_as_far_as_it_goes(tmp_path):
    line, *_ = lines_of(options_of(STUDIES[0]))
    line["curves"] = CURVES | {"trained_test_bound": [-9.0, float("nan")]}
    append_lines(tmp_path / f"{STUDIES[0]}.jsonl", [line], key="member")
    paper.main(["--report", f"--results={tmp_path}"])
    assert (tmp_path / f"{STUDIES[0]}.png").stat().st_size > 1000


def test_a_curve_is_a_mean_over_seeds_of_equal_settings(tmp_path, monkeypatch):
    drawn, name = {}, "test_log_likelihood"
    monkeypatch.setattr(
        curves, "save_figure", lambda figure, _: drawn.update(data_of(figure.axes[2]))
    )
    one, two, _, other, *_ = lines_of(options_of(STUDIES[0]))
    several = [change(one, num_epochs=1, temperature=t) for t in (0.25, 1.0)]
    for line, nats in zip([one, two, *several], (-8.0, -6.0, -5.0, -4.0), strict=True):
        epochs = range(line["member"]["num_epochs"])
        line["curves"] = dict.fromkeys(CURVES, [nats - epoch for epoch in epochs])
    curves.draw_curves([one, several[0], other, two, several[1]], tmp_path / "png")
    recipes = [paper.PARTS[STUDIES[0]].arguments[i] for i in (1, 2)]
    assert drawn == {
        f"{recipes[0]}, 1 epochs, 0.25, 0.003, cosine": [-5.0],
        f"{recipes[0]}, 1 epochs, 1.0, 0.003, cosine": [-4.0],
        f"{recipes[0]}, 2 epochs, 0.5, 0.003, cosine": [-7.0, -8.0],
        recipes[1]: other["curves"][name],
    }


def change(line, **settings):
    return line | {"member": line["member"] | settings}


def data_of(axis):
    return {line.get_label(): [*line.get_ydata()] for line in axis.lines}


def test_lines_that_are_not_of_runs_are_refused_in_one_line(tmp_path, capsys):
    path = tmp_path / f"{STUDIES[0]}.jsonl"
    path.write_text('{"timing": 1}\n')
    for report, where in ((paper, tmp_path), (study, path)):
        with pytest.raises(SystemExit):
            report.main(["--report"] * (report is paper) + [f"--results={where}"])
        said = f"{report.__name__}: error: {path}: expected lines of runs alone\n"
        assert capsys.readouterr().err == f"python -m {said}"


def test_a_report_says_what_its_lines_lack(tmp_path, capsys):
    *finals, tuned = lines_of(StudyOptions(recipe=(Recipe("igr", "stl"),)))
    lacking = {
        "expected lines of finals without --tuned, got none": ([tuned], []),
        "expected lines of tuning with --tuned, got none": (finals, ["--tuned"]),
        "expected timings of recipes with --figure, got none": (
            finals,
            [f"--figure={tmp_path / 'figure.png'}", f"--timings={tmp_path / 'none'}"],
        ),
    }
    for i, (error, (lines, arguments)) in enumerate(lacking.items()):
        append_lines(tmp_path / f"{i}", lines, key="member")
        with pytest.raises(SystemExit):
            study.main([f"--results={tmp_path / f'{i}'}", *arguments])
        said = capsys.readouterr()
        assert (said.out, said.err[-len(error) - 1 :]) == ("", f"{error}\n")
    assert not (tmp_path / "figure.png").exists()


@pytest.fixture
def ran(monkeypatch):
    """The command lines of the parts that were run."""
    found = []
    for module in {part.module for part in PARTS.values()}:
        if module.endswith("_numpyro"):
            pytest.importorskip("numpyro")
        monkeypatch.setattr(importlib.import_module(module), "main", found.append)
    return found


def test_parts_are_run_in_their_order_and_each_has_its_file(tmp_path, ran):
    paper.main([f"--results={tmp_path}", "--data-dir=there", "--more=-n 3 --device x"])
    for arguments, (name, part) in zip(ran, PARTS.items(), strict=True):
        of_run = "--data-dir=there", f"--results={tmp_path / name}.jsonl"
        assert arguments == (*part.arguments, *of_run, "-n", "3", "--device", "x")


@pytest.mark.parametrize(
    ("more", "error"),
    [
        ("--num-followed=3", "unrecognized arguments: --num-followed=3"),  # of the last
        ("--num-epochs=0", "expected --num-epochs to be at least 1, got 0"),
    ],
)
def test_no_part_is_run_if_one_of_them_refuses_an_option(
    tmp_path, ran, capsys, more, error
):
    with pytest.raises(SystemExit):
        paper.main([f"--results={tmp_path}", f"--more={more}"])
    assert capsys.readouterr().err.endswith(f"error: {error}\n")
    assert not ran


def test_the_page_of_results_has_each_table_of_the_lines_that_were_found():
    page = (EXAMPLES / "RESULTS.md").read_text()
    options = paper.PaperOptions(results=EXAMPLES / "study" / "found" / "paper")
    for title, header, rows in paper.tables(options):
        table = [f"<!-- {title} -->", header, *rows, f"<!-- end of {title} -->"]
        assert page.count("\n".join(table)) == 1, title
