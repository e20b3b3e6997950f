"""A study picks settings on validation images, and its report needs lines alone."""

import importlib.util
from dataclasses import replace
from itertools import count, product
from pathlib import Path

import pytest

if importlib.util.find_spec("numpyro") is None:
    pytest.skip("numpyro is not installed", allow_module_level=True)

import jax
import jax.numpy as jnp
import numpy as np
from jax import random

from examples.discrete_vae.codes_numpyro import make_prior
from examples.discrete_vae.options import Options
from examples.harness.lines import append_lines, read_lines
from examples.study import recipe_scores, recipes_numpyro, report, timings_numpyro
from examples.study.chosen import USUAL, best_settings, seconds_per_epoch
from examples.study.options import StudyOptions
from examples.study.recipes import Recipe
from examples.study.refit_numpyro import InclusiveKL, refit
from examples.study.scores_numpyro import objectives_of

SMALL = {"num_variables": 2, "num_categories": 3, "num_importance_samples": 5}
RECIPE = Recipe("igr-sb", "discrete-kl")
SCORE = "validation_log_likelihood"
MEMBER = Options(**RECIPE._asdict(), num_variables=2, num_categories=3)


@pytest.mark.parametrize("word", ["igr-sb/discrete-kl", "igr/unordered-set/4"])
def test_a_recipe_is_a_word(word):
    assert str(Recipe.parse(word)) == word


@pytest.mark.parametrize("word", ["igr", "igr/none", "x/discrete-kl", "igr/stl/1/1"])
def test_another_word_is_refused(word):
    with pytest.raises(ValueError, match="expected FAMILY/ESTIMATOR"):
        Recipe.parse(word)


def test_settings_are_chosen_by_validation_images_and_finals_have_equal_time(tmp_path):
    paths = {name: tmp_path / name for name in ("results", "timings")}
    timing = {"recipe": str(RECIPE), "dataset": "digits"}
    timing |= {name: SMALL[name] for name in ("num_variables", "num_categories")}
    line = {"timing": timing, "seconds_per_epoch": 2.0}
    append_lines(paths["timings"], [line], key="timing")
    arguments = [f"--{name}={path}" for name, path in paths.items()]
    arguments += [f"--{k.replace('_', '-')}={v}" for k, v in SMALL.items()]
    arguments += ["--dataset=digits", f"--recipe={RECIPE}", "-n=1", "--seconds=4.1"]
    arguments += ["--refit=1", "--num-tenfold=5"]
    lists = "--temperature 0.5 --decay none --final-seed 0 1 --test".split()
    recipes_numpyro.main(arguments + lists)

    lines = read_lines(paths["results"])
    finals = [line for line in lines if line["member"]["test"]]
    of_run = [(x["member"]["num_epochs"], x["member"]["seed"]) for x in finals]
    assert of_run == list(product((1, 2), (0, 1)))
    best = recipe_scores.tuned(lines)
    for num_epochs, chosen in zip((1, 2), best, strict=True):
        of = [x for x in lines if x["member"]["num_epochs"] == num_epochs]
        tuned = [x for x in of if not x["member"]["test"]]
        assert len(tuned) == 2
        assert chosen == max(tuned, key=validation_of)
        rates = {x["member"]["learning_rate"] for x in of if x in finals}
        assert rates == {chosen["member"]["learning_rate"]}

    scores = finals[0]["scores"]
    assert scores["refitted_test_log_likelihood"] != scores["test_log_likelihood"]
    assert scores["few_log_likelihood"] < scores["few_tenfold_log_likelihood"]
    found = recipe_scores.summarize(finals, read_lines(paths["timings"]), "test")
    assert [(final.num_epochs, final.seconds) for final in found] == [(1, 2), (2, 4)]
    assert all(len(final.scores["few_tenfold"]) == 2 for final in found)
    (row, _) = report.rows(found)
    assert row.startswith(f"| {RECIPE} | 0.5 | 0.003 | none | 2 | 4 | 2 | -")
    report.draw(found, tmp_path / "figure.png")
    assert (tmp_path / "figure.png").stat().st_size > 1000


def test_a_timing_is_what_equal_time_is_reckoned_by(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(timings_numpyro, "TURNS", 1)
    path = tmp_path / "timings.jsonl"
    arguments = ["--dataset=digits", f"--recipe={RECIPE}", f"--timings={path}"]
    arguments += ["--num-variables=2", "--num-categories=3"]
    timings_numpyro.main(arguments)
    (line,) = read_lines(path)
    assert f"{RECIPE}  " in capsys.readouterr().out
    of_run = {"dataset": "digits", "num_variables": 2, "num_categories": 3}
    seconds = seconds_per_epoch([line], RECIPE, of_run)
    assert 0 < seconds == line["seconds_per_epoch"]
    options = StudyOptions(timings=path, seconds=(7.4 * seconds,), **of_run)
    assert recipes_numpyro.budgets(options, RECIPE) == [7, 30]


@pytest.mark.parametrize(
    "other",
    [
        {"dataset": "mnist"},
        {"architecture": "512-256"},
        {"pixels": "gray"},
        {"batch_size": 10},
        {"num_variables": 2},
        {"num_categories": 3},
    ],
    ids=str,
)
def test_a_timing_is_not_that_of_runs_which_cost_more_or_less(other):
    timing = {"recipe": str(RECIPE), "architecture": "linear", "dataset": "digits"}
    lines = [{"timing": timing, "seconds_per_epoch": 2.0}]
    same = {"dataset": "digits", "batch_size": 100, "num_variables": 20}
    assert seconds_per_epoch(lines, RECIPE, same) == 2
    assert seconds_per_epoch(lines, RECIPE, same | other) is None


@pytest.mark.parametrize("num_images", [30, 200])
def test_the_seconds_of_a_step_are_of_the_steps_that_were_taken(
    monkeypatch, num_images
):
    clock = count()
    monkeypatch.setattr(timings_numpyro, "perf_counter", lambda: float(next(clock)))
    images = jnp.ones((num_images, 4))
    run = timings_numpyro.time_steps(replace(MEMBER, batch_size=10), images)
    assert run() == pytest.approx(10 / num_images)


def test_lines_that_are_kept_are_known_by_all_that_a_member_is_known_by():
    known = StudyOptions().name(Options()).keys()
    folder = Path(report.__file__).with_name("found")
    kept = [line for path in folder.glob("*.jsonl") for line in read_lines(path)]
    members = [line["member"] for line in kept if "member" in line]
    members = [member for member in members if "example" not in member]  # single runs
    assert len(members) > 500
    assert all(member.keys() == known for member in members)


def validation_of(line):
    return line["scores"][SCORE]


def tuned_to(scores):
    member = RECIPE._asdict() | {"learning_rate": 0.003, "decay": "none"}
    return [
        {"member": member | {"temperature": t}, "scores": {SCORE: score}}
        for t, score in scores.items()
    ]


def test_a_run_without_a_finite_score_is_not_the_best():
    lines = tuned_to({0.1: float("nan"), 0.2: -5.0, 0.3: -6.0})
    assert best_settings(lines, RECIPE)["temperature"] == 0.2


def test_nothing_is_best_where_no_score_is_finite():
    lines = tuned_to({0.1: float("nan"), 0.2: float("-inf")})
    with pytest.raises(ValueError, match=rf"expected a finite score of {RECIPE}, got"):
        best_settings(lines, RECIPE)


def test_codes_that_are_discrete_in_training_have_no_temperature_to_tune():
    words = "gumbel-softmax/unordered-set/4", "gumbel-softmax/reinmax"
    sets, other = recipes = [*map(Recipe.parse, words)]
    options = StudyOptions(recipe=tuple(recipes), temperature=(0.5, 1.0))
    runs = [options.members_of(recipe) for recipe in recipes]
    assert {member.temperature for member in runs[0]} == {0.5}
    assert 2 * len(runs[0]) == len(runs[1])
    member = {"temperature": 0.5, "learning_rate": 0.1, "decay": "none", "seed": 0}
    member |= {"num_epochs": 1, "architecture": "linear", "dataset": "digits"}
    lines = [{"member": member | x._asdict(), "scores": {}} for x in (sets, other)]
    found = recipe_scores.summarize(lines, [], "test")
    assert [final.settings["temperature"] for final in found] == [0.5, ""]


def test_lines_of_other_images_are_not_averaged():
    member = USUAL | {"num_samples": 1, "num_epochs": 1, "architecture": "linear"}
    member |= {"dataset": "digits", "seed": 0, "pixels": "threshold"}
    scores = {"test_log_likelihood": -2.0, "test_elbo": -3.0}
    lines = [
        {"member": member | choice, "scores": scores}
        for choice in ({}, {"seed": 1, "pixels": "static"})
    ]
    with pytest.raises(ValueError, match=r"seed alone, got several .* of pixels"):
        recipe_scores.summarize(lines, [], "test")


def test_a_figure_has_one_line_for_each_recipe_of_many(monkeypatch, tmp_path):
    legends = []
    monkeypatch.setattr(
        report, "save_figure", lambda f, path: legends.append(f.axes[0].containers)
    )
    settings = {"temperature": 0.5, "learning_rate": 0.1}
    found = [
        recipe_scores.Final(f"recipe {i}", settings | {"decay": decay}, n, n, scores)
        for i, n, decay in product(range(16), (1, 2), ("average", "none"))
        for scores in [{"log_likelihood": [-1.0]}]
    ]
    report.draw(found, tmp_path / "figure.png")
    labels = [line.get_label() for line in legends[0]]
    assert len(labels) == len({*labels}) == 32


def test_what_is_not_among_the_lines_is_said(tmp_path):
    with pytest.raises(ValueError, match=r"expected lines of igr-sb/discrete-kl"):
        best_settings([], RECIPE)
    options = StudyOptions(timings=tmp_path / "none.jsonl")
    with pytest.raises(ValueError, match=r"expected a timing of igr-sb/discrete-kl"):
        recipes_numpyro.budgets(options, RECIPE)


def test_timings_are_looked_up_before_anything_is_trained(
    tmp_path, monkeypatch, capsys
):
    path = tmp_path / "timings"
    line = {"timing": {"recipe": str(RECIPE)}, "seconds_per_epoch": 2.0}
    append_lines(path, [line], key="timing")
    monkeypatch.setattr(recipes_numpyro, "study", None)
    recipes = "--recipe", str(RECIPE), "igr/stl"
    with pytest.raises(SystemExit):
        recipes_numpyro.main([*recipes, f"--timings={path}"])
    assert "expected a timing of igr/stl, got none: run" in capsys.readouterr().err


def test_the_usual_recipe_is_a_row_of_its_own_and_needs_no_timing():
    member = USUAL | {"num_samples": 1, "num_epochs": 1, "test": True}
    member |= {"architecture": "linear", "dataset": "digits"}
    scores = {"test_log_likelihood": -2.0, "test_elbo": -3.0}
    lines = [
        {"member": member | {"temperature": t, "seed": 0}, "scores": scores}
        for t in (0.5, 0.25)
    ]
    usual, other = sorted(report.rows(recipe_scores.summarize(lines, [], "test")))[::-1]
    assert usual.startswith("| gumbel-softmax/discrete-kl, the usual | 0.5 | 0.001 |")
    assert other == (
        "| gumbel-softmax/discrete-kl | 0.25 | 0.001 | none | 1 |  | 1 "
        "| -2.00 | -3.00 |  |  |  |"
    )


@pytest.fixture(scope="module")
def model():
    """A discrete VAE of two variables, some images and first parameters."""
    images = jnp.array(np.random.default_rng(0).random((100, 16)) < 0.5, jnp.float32)
    objectives, prior = objectives_of(MEMBER, images), make_prior(MEMBER)
    svi = objectives.training
    params = svi.get_params(svi.init(random.PRNGKey(0), images[:50], prior))
    return objectives.discrete, prior, images, params


def test_the_inclusive_kl_has_the_gradient_of_enumeration(model):
    svi, prior, images, params = model
    images = images[:3]

    def exact(params):
        codes = jnp.eye(3)[jnp.array(list(product(range(3), repeat=2)))]
        log_q = jax.vmap(lambda code: log_prob(svi.guide, code, params))(codes)
        log_p = jax.vmap(lambda code: log_prob(svi.model, code, params))(codes)
        posterior = jax.lax.stop_gradient(jax.nn.softmax(log_p, 0))
        return -(posterior * log_q).sum(0).mean()

    def log_prob(program, code, params):
        from numpyro import handlers

        code = jnp.broadcast_to(code, (len(images), *code.shape))
        given = handlers.substitute(program, data=params | {"code": code})
        sites = handlers.trace(handlers.seed(given, 0)).get_trace(images, prior)
        of = [s for n, s in sites.items() if n in ("code", "pixels")]
        return sum(site["fn"].log_prob(site["value"]) for site in of)

    loss = InclusiveKL(num_particles=20_000).loss
    of = model[0].model, model[0].guide, images, prior
    found = jax.jit(jax.grad(lambda x: loss(random.PRNGKey(1), x, *of)))(params)
    expected = jax.jit(jax.grad(exact))(params)
    for name in ("encoder$params", "decoder$params"):
        for one, other in zip(
            *map(jax.tree.leaves, (found[name], expected[name])), strict=True
        ):
            np.testing.assert_allclose(one, other, atol=0.01)
    assert max(abs(x).max() for x in jax.tree.leaves(found["encoder$params"])) > 0.05


def test_a_refit_leaves_the_decoder_as_it_is(model):
    svi, prior, images, params = model
    found = refit(svi, prior, images, 50, 2, params, random.PRNGKey(0))
    same = jax.tree.map(lambda one, other: bool((one == other).all()), found, params)
    assert all(jax.tree.leaves(same["decoder$params"]))
    assert not any(jax.tree.leaves(same["encoder$params"]))
