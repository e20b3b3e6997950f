"""Both twins against values computed in 50-digit arithmetic."""

import json
from pathlib import Path

import numpy as np
import pytest
from make_golden import of_case, of_hard_case

GOLDEN = json.loads((Path(__file__).parents[1] / "golden.json").read_text())
CASES = {
    f"{i}-{c['kind']}-tau{c['temperature']}-K{len(c['value'])}": c
    for i, c in enumerate(GOLDEN["cases"])
}
WITH_PROBS = {name: c for name, c in CASES.items() if "discrete_probs" in c}
SOFTMAX = {name: c for name, c in CASES.items() if c["kind"] == "softmax"}
TOLERANCE = 1e-10


def build(backend, case, loc, scale):
    igr, array = backend.igr, backend.array
    tau, loc, scale = case["temperature"], array(case[loc]), array(case[scale])
    if case["kind"] == "softmax":
        return igr.IGR(tau, loc, scale, case["delta"])
    return igr.IGRStickBreaking(tau, loc, scale, tempering=case["kind"])


def assert_close(actual, expected):
    expected = np.asarray(expected)
    error = np.abs(actual - expected) / (1 + np.abs(expected))
    assert error.max() < TOLERANCE


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_values_densities_and_kl_agree_with_the_golden_file(backend, case):
    q = build(backend, case, "loc", "scale")
    p = build(backend, case, "prior_loc", "prior_scale")
    (transform,) = q.transforms
    y, z = backend.array(case["noise_value"]), backend.array(case["value"])
    found = {
        "value": transform(y),
        "log_value": transform.to_log(y),
        "noise_value": transform.inv(z),
        "log_abs_det_jacobian": transform.log_abs_det_jacobian(y, z),
        "log_prob": q.log_prob(z),
        "kl": backend.kl(q, p),
    }
    for name, value in found.items():
        assert_close(backend.numpy(value), case[name])


@pytest.mark.parametrize("case", SOFTMAX.values(), ids=SOFTMAX.keys())
def test_exp_igr_agrees_with_the_golden_file(backend, case):
    loc, scale = backend.array(case["loc"]), backend.array(case["scale"])
    q = backend.igr.ExpIGR(case["temperature"], loc, scale, case["delta"])
    log_z = backend.array(case["log_value"])
    expected = case["log_prob"] + np.sum(case["log_value"])
    assert_close(backend.numpy(q.log_prob(log_z)), expected)


@pytest.mark.parametrize("case", WITH_PROBS.values(), ids=WITH_PROBS.keys())
def test_probs_agree_with_the_golden_file(backend, case):
    q = build(backend, case, "loc", "scale")
    assert_close(backend.numpy(q.probs), case["discrete_probs"])


@pytest.mark.parametrize("case", GOLDEN["discrete_probs_hard"])
@pytest.mark.parametrize(("rule", "bound"), [((16, 8), 1e-4), ((64, 16), 1e-8)])
def test_hard_discrete_probabilities_to_their_total_variation(
    backend, case, rule, bound
):
    loc, scale = backend.array(case["loc"]), backend.array(case["scale"])
    p = backend.numpy(backend.igr.argmax_probs(loc, scale, *rule))
    assert 0.5 * np.abs(p - case["discrete_probs"]).sum() < bound


@pytest.mark.parametrize("name", [n for n in CASES if n.endswith("K3")])
def test_the_values_of_a_case_are_what_its_inputs_give_in_50_digits(name):
    assert CASES[name] | of_case(CASES[name]) == CASES[name]


def test_so_are_probabilities_that_are_next_to_nothing():
    case = GOLDEN["discrete_probs_hard"][2]
    assert case | of_hard_case(case) == case
