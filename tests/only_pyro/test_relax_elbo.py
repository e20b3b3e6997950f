"""TraceRELAX_ELBO in Pyro: unbiased, and quieter with training."""

import math

import pyro
import pyro.distributions as dist
import pytest
import torch
from pyro.distributions.torch_distribution import TorchDistributionMixin
from pyro.infer import SVI, TraceEnum_ELBO, config_enumerate
from pyro_families import fresh_host as fresh_host
from torch.distributions.relaxed_categorical import ExpRelaxedCategorical

from pyro_igr import (
    IGR,
    ControlNetwork,
    ExpIGR,
    IGRFlow,
    IGRStickBreaking,
    PlanarTransform,
    TraceRELAX_ELBO,
    discretize,
)

K, PIXELS = 3, 4
generator = torch.Generator().manual_seed(0)


def normal(*shape):
    return torch.randn(shape, generator=generator, dtype=torch.float64)


A, B, C = (0.5 * normal(*shape) for shape in ((2, K - 1), (2, 2, K - 1), (2, K)))
WEIGHTS = normal(3 * K, PIXELS)
IMAGES = (normal(2, PIXELS) > 0).double()
LOGITS = torch.linspace(-0.5, 0.5, K).double()
PRIOR = IGR.from_probs(0.5, LOGITS.softmax(-1))


def gumbel(logits):
    return dist.RelaxedOneHotCategorical(logits.new_tensor(0.5), logits=logits)


def one_hot(logits):
    return dist.OneHotCategorical(logits=logits)


def model(law=gumbel):
    """One site of each kind of noise, two of them in a plate: 3^5 codes."""
    weights = pyro.param("weights", WEIGHTS.clone())
    prior = pyro.param("prior", LOGITS.clone())
    a = pyro.sample("a", PRIOR)
    with pyro.plate("data", 2), pyro.poutine.scale(scale=0.7):
        b = pyro.sample("b", one_hot(prior))
        c = pyro.sample("c", law(LOGITS))
        logits = a @ weights[:K] + b @ weights[K:-K] + c @ weights[-K:]
        pyro.sample("x", dist.Bernoulli(logits=logits).to_event(1), obs=IMAGES)


def guide(law=gumbel):
    a, b = pyro.param("a_", A.clone()), pyro.param("b_", B.clone())
    c = pyro.param("c_", C.clone())
    pyro.sample("a", IGR(0.5, a[0], a[1].exp()))
    with pyro.plate("data", 2), pyro.poutine.scale(scale=0.7):
        pyro.sample("b", IGRStickBreaking(0.5, b[0], b[1].exp()))
        pyro.sample("c", law(c))


def gradients(engine, *programs_and_arguments):
    """Gradients of every parameter by name, and the loss."""
    loss = engine.differentiable_loss(*programs_and_arguments)
    loss.backward()
    found = {}
    for name, parameter in pyro.get_param_store().named_parameters():
        found[name], parameter.grad = parameter.grad, None
    return found, loss.item()


def network(z):
    """A control variate with a parameter, for every element of the plate."""
    w = pyro.param("w", WEIGHTS[:2, :K].clone())
    return (z["b"] * z["c"] @ w[0]).tanh() + z["c"] @ w[1]


ENGINES = {"rebar": None, "relax": network, "default": ControlNetwork(4)}
OUTPUTS = {"relax_output_a": normal(5), "relax_output_b": normal(5)}


@pytest.mark.parametrize("function", ENGINES.values(), ids=ENGINES)
def test_its_mean_is_the_gradient_of_the_enumerated_bound(function):
    enumerated = config_enumerate(discretize(guide), default="parallel")
    exact, bound = gradients(
        TraceEnum_ELBO(max_plate_nesting=1), discretize(model), enumerated, one_hot
    )
    options = {"vectorize_particles": True, "max_plate_nesting": 1}
    for name, weights in OUTPUTS.items():
        pyro.param(name, weights.clone())
    engine = TraceRELAX_ELBO(100, name="relax", control_variate=function, **options)
    runs = [gradients(engine, model, guide) for _ in range(40)]
    draws = {name: torch.stack([g[name] for g, _ in runs]) for name in exact}
    draws["loss"], exact["loss"] = torch.tensor([x for _, x in runs]), bound
    for name, found in draws.items():
        error = found.std(0) / len(runs) ** 0.5
        assert ((found.mean(0) - exact[name]).abs() < 4 * error).all(), name


GUIDE_PARAMETERS = "a_", "b_", "c_"
LEARNED = "relax_scale", "relax_temperature", "w"


def seeded_gradients(engine):
    torch.manual_seed(1)
    return gradients(engine, model, guide)[0]


def squared_norm(found):
    return sum((found[name] ** 2).sum() for name in GUIDE_PARAMETERS)


def test_what_is_learned_descends_the_squared_norm_of_the_gradient():
    engine = TraceRELAX_ELBO(3, name="relax", control_variate=network, temperature=0.8)
    slopes = seeded_gradients(engine)
    for name in LEARNED:
        parameter = pyro.get_param_store()._params[name]
        ends = []
        for step in (1e-6, -2e-6):
            parameter.data.view(-1)[0] += step
            ends.append(squared_norm(seeded_gradients(engine)))
        parameter.data.view(-1)[0] += 1e-6
        slope = (ends[0] - ends[1]) / 2e-6
        assert slopes[name].view(-1)[0].item() == pytest.approx(slope.item(), rel=1e-5)


def coded(law, is_log=False):
    """A model and guide of one code."""

    def model():
        z = pyro.sample("z", law(LOGITS))
        z = z.exp() if is_log else z
        mean = z @ WEIGHTS[:K]
        pyro.sample("x", dist.Normal(mean, 0.5).to_event(1), obs=IMAGES[0])

    def guide():
        pyro.sample("z", law(pyro.param("c_", C[0].clone())))

    return model, guide


def variance(engine, pair):
    draws = [gradients(engine, *pair)[0]["c_"] for _ in range(200)]
    return torch.stack(draws).var(0).sum()


TRAINED = {
    "temperature": (5.0, 0.1, ("relax_scale", "relax_temperature")),
    "network": (0.5, 0.03, ("relax_hidden_z", "relax_output_z")),
}


@pytest.mark.parametrize(("temperature", "lr", "names"), TRAINED.values(), ids=TRAINED)
def test_training_the_control_variate_lowers_the_variance(temperature, lr, names):
    pair = coded(gumbel)
    options = {"vectorize_particles": True, "max_plate_nesting": 0}
    engine = TraceRELAX_ELBO(20, name="relax", temperature=temperature, **options)
    optim = pyro.optim.Adam(lambda name: {"lr": lr if name in names else 0.0})
    before = variance(engine, pair)
    svi = SVI(*pair, optim, engine)
    for _ in range(100):
        svi.step()
    assert variance(engine, pair) < 0.7 * before


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.last = torch.nn.Linear(K, 1).double()

    def forward(self, z):
        return self.last(z["a"]).squeeze(-1)


def test_svi_trains_every_parameter_with_particles_in_turn():
    svi = SVI(
        model,
        guide,
        pyro.optim.Adam({"lr": 0.1}),
        TraceRELAX_ELBO(num_particles=2, control_variate=Net()),
    )
    svi.step()
    names = [name for name, _ in pyro.get_param_store().named_parameters()]
    before = {name: pyro.param(name).clone() for name in names}
    assert any("last.weight" in name for name in names)
    losses = [svi.step() for _ in range(24)]
    for name, value in before.items():
        assert (pyro.param(name) != value).all(), name
    assert sum(losses[-12:]) < sum(losses[:12])


class ExpGumbel(ExpRelaxedCategorical, TorchDistributionMixin):
    """The host's mixin makes it callable."""


def exp_gumbel(logits):
    return ExpGumbel(logits.new_tensor(0.5), logits=logits)


PAIRS = {
    "gumbel": (gumbel, exp_gumbel),
    "igr": tuple(
        lambda x, law=law: law(0.5, x[1:], x[1:].exp()) for law in (IGR, ExpIGR)
    ),
}


@pytest.mark.parametrize("pair", PAIRS.values(), ids=PAIRS)
def test_a_distribution_of_log_z_is_as_that_of_z(pair):
    found = []
    for is_log, law in enumerate(pair):
        torch.manual_seed(0)
        found.append(
            gradients(TraceRELAX_ELBO(name="relax"), *coded(law, is_log))[0]["c_"]
        )
    torch.testing.assert_close(*found)


def test_a_reparameterized_site_beside_it_keeps_its_pathwise_gradient():
    def model():
        u = pyro.sample("u", dist.Normal(LOGITS[0], 1.0))
        z = pyro.sample("z", one_hot(LOGITS))
        mean = z @ WEIGHTS[:K] + u.unsqueeze(-1) * WEIGHTS[-1]
        pyro.sample("x", dist.Normal(mean, 1.0).to_event(1), obs=IMAGES[0])

    def guide():
        u = pyro.sample("u", dist.Normal(pyro.param("u_", A[0, 0].clone()), 0.5))
        pyro.sample("z", one_hot(pyro.param("c_", C[0].clone()) * u.unsqueeze(-1)))

    enumerated = config_enumerate(guide, default="parallel")
    options = {"vectorize_particles": True, "max_plate_nesting": 0}
    runs = []
    for engine, q in (TraceRELAX_ELBO, guide), (TraceEnum_ELBO, enumerated):
        engine = engine(200, **options)
        draws = [gradients(engine, model, q)[0] for _ in range(40)]
        runs.append(torch.stack([torch.cat([d["u_"].view(1), d["c_"]]) for d in draws]))
    error = ((runs[0].var(0) + runs[1].var(0)) / 40).sqrt()
    assert ((runs[0].mean(0) - runs[1].mean(0)).abs() < 4 * error).all()


IMPOSSIBLE = [0.0, 0.0, -torch.inf]
EXTREMES = {
    "impossible": (lambda x: gumbel(x + x.new_tensor(IMPOSSIBLE)), 0.0, False),
    "improbable": (lambda x: ExpIGR(0.5, x[1:], 0.1), -42.6, True),
}


@pytest.mark.parametrize(("law", "start", "is_log"), EXTREMES.values(), ids=EXTREMES)
def test_what_is_learned_at_an_extreme_category_has_a_finite_gradient(
    law, start, is_log
):
    def model():
        z = pyro.sample("z", law(torch.full((K,), start)))
        mean = 100 * (z.exp() if is_log else z)[0]
        pyro.sample("x", dist.Normal(mean, 1.0), obs=torch.tensor(1.0))

    def guide():
        pyro.sample("z", law(pyro.param("c_", torch.full((K,), start))))

    found, loss = gradients(TraceRELAX_ELBO(name="relax"), model, guide)
    assert math.isfinite(loss)
    assert all(slope.isfinite().all() for slope in found.values())


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"temperature": -1.0}, "temperature to be positive, got -1.0"),
        ({"control_variate": 3}, "a function, a ControlNetwork or None, got 3"),
    ],
)
def test_an_argument_out_of_range_is_one_clear_error(options, match):
    with pytest.raises(ValueError, match=match):
        TraceRELAX_ELBO(**options)


@pytest.mark.parametrize("num_hidden", [0, 2.5])
def test_a_number_of_units_out_of_range_is_one_clear_error(num_hidden):
    with pytest.raises(ValueError, match=f"a positive integer, got {num_hidden}"):
        ControlNetwork(num_hidden)


def after(law):
    """A guide whose second site has this distribution given a discrete one."""

    def guide():
        pyro.sample("c", law(pyro.sample("z", one_hot(LOGITS))))

    return guide


PLANAR = PlanarTransform(LOGITS[1:], LOGITS[1:], LOGITS[0])
PROGRAMS = {
    "dependent": (
        coded(gumbel)[0],
        after(lambda z: IGR(0.5, z.argmax(-1) + LOGITS, 1.0)),
        "to depend on the discrete site 'z', got 'c'",
    ),
    "score": (
        coded(gumbel)[0],
        after(lambda z: dist.Poisson(1.0)),
        "reparameterized distribution at site 'c' .* got Poisson",
    ),
    "prior": (
        coded(lambda x: dist.Dirichlet(x.exp()))[0],
        coded(gumbel)[1],
        "behind it at site 'z' .* got Dirichlet",
    ),
    "tempering": (
        coded(gumbel)[0],
        coded(lambda x: IGRStickBreaking(0.5, x[1:], 1.0, tempering="weights"))[1],
        "given its category at site 'z' .* IGRStickBreaking with tempering \"weights\"",
    ),
    "flow": (
        coded(gumbel)[0],
        coded(lambda x: IGRFlow(0.5, x[1:], 1.0, PLANAR))[1],
        "given its category at site 'z' of the guide, got IGRFlow",
    ),
    "none": (
        lambda: None,
        lambda: pyro.sample("u", dist.Normal(0.0, 1.0)),
        "a discrete distribution behind it in the guide, got none",
    ),
}


@pytest.mark.filterwarnings("ignore:Found .*vars in guide:UserWarning")
@pytest.mark.parametrize(("model", "guide", "match"), PROGRAMS.values(), ids=PROGRAMS)
def test_a_program_it_cannot_train_is_one_clear_error(model, guide, match):
    with pytest.raises(ValueError, match=match):
        TraceRELAX_ELBO(name="relax").differentiable_loss(model, guide)


def test_a_control_variate_of_another_shape_is_one_clear_error():
    engine = TraceRELAX_ELBO(name="relax", control_variate=lambda z: z["b"])
    with pytest.raises(ValueError, match=r"plates around .* got shape \(2, 3\)"):
        engine.differentiable_loss(model, guide)


def test_engines_in_one_store_do_not_share_parameters():
    engines = [TraceRELAX_ELBO(control_variate=ControlNetwork(n)) for n in (2, 3)]
    pair = coded(gumbel)
    for engine, num_hidden in zip(engines, (2, 3), strict=True):
        gradients(engine, *pair)
        output = pyro.param(f"{engine.name}_output_z")
        assert output.shape == (num_hidden + 1,)
        pyro.param(f"{engine.name}_scale").data.fill_(num_hidden)
    names = [engine.name for engine in engines]
    assert [pyro.param(f"{name}_scale").item() for name in names] == [2, 3]


def test_engines_of_one_name_share_parameters():
    for temperature in (0.3, 0.7):
        engine = TraceRELAX_ELBO(name="mine", temperature=temperature)
        gradients(engine, *coded(gumbel))
        assert pyro.param("mine_temperature").item() == pytest.approx(0.3)
    assert TraceRELAX_ELBO().name not in ("mine", engine.name)
    with pytest.raises(ValueError, match="expected name to be a string .* got ''"):
        TraceRELAX_ELBO(name="")
