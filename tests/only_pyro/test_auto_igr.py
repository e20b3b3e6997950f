"""AutoIGR in Pyro: plates without a size, jit, copies, and masks changed in place."""

import copy
import pickle
from contextlib import nullcontext
from functools import partial

import pyro
import pyro.distributions as dist
import pytest
import torch
from pyro import infer, poutine
from pyro.nn import PyroModule
from pyro.optim import Adam
from pyro_families import fresh_host as fresh_host

from pyro_igr import (
    GEM,
    AutoIGR,
    InfiniteIGR,
    assert_analytic_kl,
    discretize,
    relax,
)

TAU = 0.3
PROBS = torch.tensor([0.1, 0.2, 0.4, 0.3])
LAW = dist.OneHotCategorical(PROBS)


@pytest.mark.filterwarnings("ignore:Singular sample detected")
def test_a_support_without_bijection_is_refused_by_name():
    def model():
        pyro.sample("covariance", dist.Wishart(torch.tensor(4.0), torch.eye(2)))

    with pytest.raises(NotImplementedError, match="covariance"):
        AutoIGR(model, TAU)()


class Located(PyroModule):
    """A guide that returns nothing, with a parameter of its own."""

    def __init__(self):
        super().__init__()
        self.loc = torch.nn.Parameter(torch.tensor(1.0))

    def forward(self):
        pyro.sample("u", dist.Normal(self.loc, 1.0))


@pytest.mark.parametrize("scale", [1.0, 0.5])
def test_a_module_need_not_return_its_values(scale):
    def model():
        with poutine.scale(scale=scale):
            pyro.sample("z", LAW)
        pyro.sample("u", dist.Normal(0.0, 1.0))

    guide = AutoIGR(model, TAU, continuous=lambda _: Located())
    assert set(guide()) == {"u", "z"}
    assert any(name.endswith("loc") for name, _ in guide[1].named_parameters())


X = torch.tensor([0.5, -1.0, 1.5])
MEANS = torch.tensor([-1.0, 0.0, 1.0, 2.0])


def mixture():
    with pyro.plate("data", len(X)):
        z = pyro.sample("z", LAW)
        pyro.sample("x", dist.Normal(z @ MEANS, 1.0), obs=X)


def of_any_size(x):
    with pyro.plate("data", len(x)):
        z = pyro.sample("z", LAW)
        pyro.sample("x", dist.Normal(z @ MEANS, 1.0), obs=x)


@pytest.mark.parametrize("is_local", [False, True])
def test_a_guide_for_other_data_needs_parameters_of_its_own(is_local):
    with pyro.settings.context(module_local_params=is_local):
        guide = AutoIGR(of_any_size, TAU)
        guide(X)
        with pytest.raises(ValueError, match=r"clear_param_store.*module_local_params"):
            guide(X[:2])
        if not is_local:
            pyro.clear_param_store()
        assert AutoIGR(of_any_size, TAU)(X[:2])["z"].shape == (2, 4)


@pytest.mark.filterwarnings("ignore:.*torch.jit")
def test_a_falling_temperature_is_traced_once():
    runs = []

    def model(temperature):
        runs.append(1)
        return relax(mixture, temperature)()

    guide = AutoIGR(model, lambda temperature: temperature)
    guide(torch.tensor(1.0))
    runs.clear()
    engine = infer.JitTrace_ELBO(ignore_jit_warnings=True)
    svi = infer.SVI(model, guide, Adam({"lr": 0.01}), engine)
    for tau in 1.0, 0.9, 0.8, 0.7:
        svi.step(torch.tensor(tau))
    first = len(runs)
    svi.step(torch.tensor(0.6))
    assert len(runs) == first == 2


def test_a_mask_that_is_changed_in_place_can_be_trained_under():
    def model():
        seen = torch.tensor([True, False])
        with pyro.plate("data", 2), poutine.mask(mask=seen):
            z = pyro.sample("z", dist.Bernoulli(0.9))
            pyro.sample("x", dist.Normal(z, 1.0), obs=torch.ones(2))
        seen |= True

    guide = AutoIGR(relax(model, 0.3), 0.3)
    elbo = infer.TraceMeanField_ELBO()
    svi = infer.SVI(relax(model, 0.3), guide, Adam({"lr": 0.01}), elbo)
    assert abs(svi.step()) < 100


def masked_from_a_step_on(step):
    with poutine.mask(mask=False) if step >= 120 else nullcontext():
        z = pyro.sample("z", LAW)
    pyro.sample("x", dist.Normal(z @ MEANS, 1.0), obs=X[0])


def test_a_mask_that_begins_at_a_step_that_is_counted_is_applied():
    model = relax(masked_from_a_step_on, TAU)
    guide = AutoIGR(model, TAU)
    for step in range(120):
        guide(step)
    trace = poutine.trace(guide).get_trace(120)
    assert trace.log_prob_sum() == 0


def test_a_plate_without_a_size_is_named():
    def model(x):
        with pyro.plate("data"):
            z = pyro.sample("z", dist.OneHotCategorical(torch.ones(len(x), 2)))
            pyro.sample("x", dist.Normal(z[:, 0], 1.0), obs=x)

    model, x = relax(model, TAU), torch.zeros(3)
    with pytest.raises(ValueError, match="plate 'data' has no size: .* dim=-1"):
        AutoIGR(model, TAU)(x)
    sized = AutoIGR(
        model, TAU, create_plates=lambda x: pyro.plate("data", len(x), dim=-1)
    )
    assert_analytic_kl(model, sized, x)


def minibatch(indices):
    with pyro.plate("data", len(X), subsample=indices):
        z = pyro.sample("z", LAW)
        pyro.sample("x", dist.Normal(z @ MEANS, 1.0), obs=X[indices])


def test_a_plate_that_is_given_its_subsample_needs_create_plates():
    model, indices = relax(minibatch, TAU), torch.tensor([2, 0])
    AutoIGR(model, TAU)(torch.arange(3))
    with pytest.raises(ValueError, match="plate 'data' is given .* create_plates"):
        AutoIGR(model, TAU)(indices)

    def plates(indices):
        return pyro.plate("data", len(X), dim=-1, subsample=indices)

    guide = AutoIGR(model, TAU, create_plates=plates)
    guide(indices)
    (loc,) = guide.parameters()
    loc.data[1:] = 1e3
    assert guide(indices)["z"][:, 0].gt(0.99).tolist() == [True, False]


COPIED = {"deepcopy": copy.deepcopy, "pickle": lambda x: pickle.loads(pickle.dumps(x))}


def shifted(mask):
    with pyro.plate("data", len(X)), poutine.mask(mask=mask):
        w = pyro.sample("w", dist.Normal(0.0, 1.0))
        z = pyro.sample("z", LAW)
        pyro.sample("x", dist.Normal(z @ MEANS + w, 1.0), obs=X)


@pytest.mark.parametrize("mask", [True, torch.tensor([True, False, True])], ids=str)
@pytest.mark.parametrize("copied", COPIED.values(), ids=COPIED)
def test_a_guide_that_was_copied_goes_on_and_so_does_its_copy(copied, mask):
    model = relax(shifted, TAU)
    guide = AutoIGR(model, TAU)

    def loss(guide):
        pyro.set_rng_seed(0)
        return infer.Trace_ELBO().loss(model, guide, mask)

    guide(mask)
    before = loss(guide)
    other = copied(guide)
    assert loss(guide) == loss(other) == before


def test_a_pickle_of_a_local_model_goes_on_until_it_needs_to_run_it():
    def model(x):
        with pyro.plate("data", len(X)):
            pyro.sample("x", dist.Normal(pyro.sample("z", LAW) @ MEANS, 1.0), obs=x)

    guide = AutoIGR(relax(model, TAU), TAU)
    guide(X)
    other = COPIED["pickle"](guide)
    assert other(X)["z"].shape == (3, 4)
    with pytest.raises(ValueError, match="pickled without its model"):
        other(X.expand(2, 3))


class Owner(pyro.nn.PyroModule):
    def __init__(self):
        super().__init__()
        self.guide = AutoIGR(relax(self.model, TAU), TAU)

    def model(self):
        return pyro.sample("z", LAW)


def test_a_pickled_module_has_a_guide_of_its_own_model():
    owner = Owner()
    owner.guide()
    other = COPIED["pickle"](owner)
    assert other.guide()["z"].shape == LAW.event_shape
    relaxed = other.guide.model.args[1]
    assert relaxed.args[1].args[1].__self__ is other


def test_counts_whose_rate_is_drawn_need_the_number_of_sticks():
    def model():
        pyro.sample("n", dist.Poisson(pyro.sample("rate", dist.Gamma(5.0, 0.1))))

    with pytest.raises(ValueError, match="site 'n_weights' has .* num_sticks"):
        AutoIGR(relax(model, TAU), TAU)()


def test_an_option_is_followed_though_the_first_run_has_no_gradients():
    def model():
        alpha = pyro.param("alpha", torch.tensor(1.0), dist.constraints.positive)
        tail = GEM(alpha, 1)
        law = InfiniteIGR(TAU, torch.zeros(3), torch.ones(3), 1.0, tail=tail)
        pyro.sample("z", law)

    guide = AutoIGR(model, TAU, scale="learned")
    with torch.no_grad():
        guide()
    pyro.get_param_store()["alpha"] = torch.tensor(3.0)
    assert_analytic_kl(model, guide)


PLATE, MASK = partial(pyro.plate, "data", len(X), dim=-1), poutine.mask(mask=X > 0)


def chain():
    moves = torch.tensor([[0.7, 0.3], [0.2, 0.8]])
    state, plate = torch.tensor(0), PLATE()
    for t in pyro.markov(range(3)):
        with plate, MASK:
            law, mark = dist.Categorical(moves[state]), {"enumerate": "parallel"}
            state = pyro.sample(f"state{t}", law, infer=mark)
            mean = MEANS[state] + pyro.sample(f"other{t}", LAW) @ MEANS
            pyro.sample(f"x{t}", dist.Normal(mean, 1.0), obs=t + X)


def of_other_sites():
    with PLATE(), MASK:
        for t in range(3):
            pyro.sample(f"other{t}", LAW)


def test_a_masked_chain_is_enumerated_beside_sites_that_follow_its_mask():
    model = relax(chain, TAU, keep={"state0", "state1", "state2"})
    pair = discretize(model), discretize(AutoIGR(model, TAU))
    losses = [
        infer.TraceEnum_ELBO(max_plate_nesting=1).loss(p, infer.config_enumerate(q))
        for p, q in (pair, (chain, of_other_sites))
    ]
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)


@pytest.mark.parametrize("scale", [None, 1.0, "learned"])
def test_parameters_of_another_number_of_categories_are_named(scale):
    def model(size):
        pyro.sample("z", dist.OneHotCategorical(torch.ones(size) / size))

    AutoIGR(model, TAU, scale=scale)(3)
    stale = r"shape \(2,\) for site 'z', whose shape is \(3,\) now.*clear_param_store"
    with pytest.raises(ValueError, match=stale):
        AutoIGR(model, TAU, scale=scale)(4)
    pyro.clear_param_store()
    AutoIGR(model, TAU, scale=scale)(4)


def test_a_first_run_that_fails_leaves_the_parameters_that_were_loaded():
    def model(is_bounded):
        pyro.sample("z", dist.OneHotCategorical(torch.ones(3) / 3))
        x = pyro.sample("x", dist.HalfNormal(torch.tensor(1.0)))
        top = x if is_bounded else torch.ones_like(x)
        pyro.sample("y", dist.Uniform(torch.zeros_like(x), top))

    AutoIGR(model, TAU)(False)
    store = pyro.get_param_store()
    start, locs = store.get_state(), torch.tensor([3.0, -3.0])
    for names in [*start["params"]], ["AutoIGR.0.locs.z"]:
        pyro.clear_param_store()
        state = start | {x: {n: start[x][n] for n in names} for x in start}
        store.set_state(state)
        pyro.param(names[0]).data = locs
        guide = AutoIGR(model, TAU)
        with pytest.raises(ValueError, match="support of site 'y' depends"):
            guide(True)
        assert [*store.keys()] == names
        guide(False)
        assert store.keys() == start["params"].keys()
        torch.testing.assert_close(guide[0].locs.z.detach(), locs)
