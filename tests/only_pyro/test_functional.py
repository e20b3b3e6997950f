"""The distributions under torch.func, torch.jit and torch.compile."""

from functools import partial

import pyro
import pytest
import torch
from pyro.distributions import Binomial, Poisson
from pyro.distributions import RelaxedOneHotCategorical as Gumbel
from pyro_families import LOC, SCALE, K, every_family, every_family_and_flow, make
from pyro_families import fresh_host as fresh_host
from torch.func import grad, jacfwd, jacrev, jvp, vmap
from torch.nn.functional import pad

import pyro_igr
from pyro_igr import (
    GEM,
    IGR,
    ExpIGR,
    IGRFlow,
    IGRStickBreaking,
    InfiniteIGR,
    OneHotCategoricalReinMax,
    PlanarTransform,
    RaoBlackwellized,
    StickBreakingTransform,
    tail_start,
)
from pyro_igr._numerics import normal, normal_tails
from pyro_igr.discrete import reinmax

B = 5
TAUS = torch.linspace(0.2, 0.9, B)
LOCS = LOC + torch.linspace(-1, 1, B).unsqueeze(-1)
SCALES = SCALE * torch.linspace(0.5, 2, B).unsqueeze(-1)


@pytest.fixture
def values(name):
    return make(name, TAUS, LOCS, SCALES).rsample()


@every_family_and_flow
def test_vmap_of_the_constructor_and_the_density(name, values):
    def log_prob(tau, loc, scale, value):
        with pyro.validation_enabled(False):
            return make(name, tau, loc, scale).log_prob(value)

    expected = make(name, TAUS, LOCS, SCALES).log_prob(values)
    found = vmap(log_prob)(TAUS, LOCS, SCALES, values)
    torch.testing.assert_close(found, expected)


@every_family_and_flow
def test_vmap_of_the_density_with_validation(name, values):
    law = make(name, 0.5)
    values = law.rsample((B,))
    torch.testing.assert_close(vmap(law.log_prob)(values), law.log_prob(values))


@every_family_and_flow
def test_vmap_of_sampling_draws_anew_for_each(name):
    law = make(name)
    found = vmap(lambda _: law.rsample(), randomness="different")(torch.zeros(B))
    assert found.shape == (B, K)
    if name != "straight_through":
        assert len(found[:, 0].unique()) == B


@every_family_and_flow
def test_vmap_of_sampling_over_parameters(name):
    def one(tau, loc, scale):
        with pyro.validation_enabled(False):
            return make(name, tau, loc, scale).rsample()

    found = vmap(one, randomness="different")(TAUS, LOCS, SCALES)
    assert found.shape == (B, K)
    assert make(name, TAUS, LOCS, SCALES).support.check(found).all()


# Of a special function of the host, which it loops over.
slow_in_the_host = pytest.mark.filterwarnings("ignore:There is a performance drop")


@slow_in_the_host
@every_family_and_flow
@pytest.mark.parametrize("what", ["probs", "mode", "value"])
def test_vmap_of_the_discrete_distribution_and_of_given_noise(name, what):
    def one(tau, loc, scale, noise):
        with pyro.validation_enabled(False):
            law = make(name, tau, loc, scale)
            if what == "value":
                return law.transforms[0](law.loc + law.scale * noise)
            return getattr(law, what)

    inputs = TAUS, LOCS, SCALES, torch.randn(B, K - 1)
    torch.testing.assert_close(vmap(one)(*inputs), one(*inputs))


@slow_in_the_host
@pytest.mark.parametrize("law", [IGR, ExpIGR, IGRStickBreaking, InfiniteIGR])
def test_vmap_of_matching(law):
    def loc(probs, scale):
        return law.from_probs(0.5, probs, scale=scale).loc

    probs = torch.randn(B, K).softmax(-1)
    torch.testing.assert_close(vmap(loc)(probs, SCALES), loc(probs, SCALES))
    jacobians = vmap(jacrev(loc))(probs, SCALES)
    torch.testing.assert_close(jacobians[0], jacrev(loc)(probs[0], SCALES[0]))


def drawn(make):
    def draw(x):
        torch.manual_seed(0)
        law = make(x.exp()[0], x[:2], x.exp()[1:])
        return RaoBlackwellized(law, 2).rsample()

    return draw


MODES = {
    "match_probs": lambda x: pyro_igr.match_probs(x.exp()),
    "match_moments": lambda x: pyro_igr.match_moments(x.exp(), 0.5, num_samples=10)[0],
    "reinmax": lambda x: reinmax(torch.eye(3)[1], x, 0.5),
    "Rao-Blackwellized": drawn(IGR),
    "Gumbel-Rao": drawn(lambda tau, loc, _: Gumbel(tau, logits=pad(loc, (0, 1)))),
}


@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated")
@pytest.mark.parametrize("fn", MODES.values(), ids=MODES)
def test_forward_mode_gives_the_derivatives_of_reverse_mode(fn):
    x, tangent = torch.tensor([[0.2, -0.4, 0.3], [1.0, 0.5, -1.0]])
    found = jvp(fn, (x,), (tangent,))[1]
    torch.testing.assert_close(found, jacrev(fn)(x) @ tangent, atol=1e-5, rtol=1e-4)


@slow_in_the_host
def test_vmap_of_plain_functions():
    def moments(weights, tau):
        return pyro_igr.match_moments(weights, tau, num_samples=100)[0]

    probs = torch.randn(B, K).softmax(-1)
    for function, inputs in (
        (pyro_igr.match_probs, (probs, SCALES)),
        (moments, (probs, TAUS)),
        (pyro_igr.argmax_probs, (LOCS, SCALES)),
        (pyro_igr.stick_probs, (LOCS, SCALES)),
        (pyro_igr.truncate, (probs, TAUS)),
        (pyro_igr.num_active, (probs, TAUS)),
        (pyro_igr.straight_through, (probs,)),
        (partial(pyro_igr.lookup, torch.arange(K)), (probs,)),
        (partial(pyro_igr.lookup, torch.arange(K)), (torch.arange(B) % K,)),
    ):
        torch.testing.assert_close(vmap(function)(*inputs), function(*inputs))


CERTAIN = torch.tensor([99.0, 0.0, 0.0])
VERTICES = {
    "straight_through": lambda x: pyro_igr.straight_through(x.softmax(-1)),
    "vertex": StickBreakingTransform(0.5, "vertex"),
    "ReinMax": lambda x: OneHotCategoricalReinMax(1.0, logits=x + CERTAIN).rsample(),
}


@pytest.mark.parametrize("fn", VERTICES.values(), ids=VERTICES)
def test_vmap_of_the_gradients_of_what_has_one_largest_entry(fn):
    def loss(x):
        return fn(x).square().mul(torch.arange(fn(x).shape[-1])).sum()

    x = torch.randn(B, 3)
    found = vmap(grad(loss), randomness="different")(x)
    torch.testing.assert_close(found, grad(loss)(x))


def test_vmap_of_bounded_counts_needs_no_number_of_sticks():
    def probs(law, p):
        return InfiniteIGR.from_discrete(0.5, law(p)).probs

    p = torch.tensor([0.2, 0.6])
    expected = Binomial(2, p).log_prob(torch.arange(3.0).unsqueeze(-1)).exp().T
    torch.testing.assert_close(vmap(partial(probs, partial(Binomial, 2)))(p), expected)
    with pytest.raises(ValueError, match="expected num_sticks to be given"):
        vmap(partial(probs, Poisson))(p)


def test_vmap_over_the_inverse_of_planar_layers():
    def inverse(u, w, bias, y):
        return PlanarTransform(u, w, bias)._inverse(y)

    u, w, y = torch.randn(3, B, 3)
    inputs = u, w, torch.linspace(-1, 1, B), y
    torch.testing.assert_close(vmap(inverse)(*inputs), inverse(*inputs))
    shared = vmap(inverse, (0, 0, 0, None))(*inputs[:3], y[0])
    torch.testing.assert_close(shared, inverse(*inputs[:3], y[0]))
    twice = vmap(vmap(inverse, (None, None, None, 0)), (0, 0, 0, None))(*inputs)
    torch.testing.assert_close(twice[:, 0], shared)


def test_vmap_of_the_counts_of_a_flow_and_of_tails():
    flow = PlanarTransform(torch.tensor([0.3, 0.9]), torch.tensor([0.8, -1.0]))
    locs, alphas = torch.randn(B, 2), torch.linspace(0.1, 9, B)

    def probs(loc):
        return IGRFlow(0.5, loc, torch.ones(2), flow).probs

    def start(loc, alpha):
        law = InfiniteIGR(None, loc, torch.ones(2), tail=GEM(alpha, 1))
        return tail_start(law, 1)

    with pyro.validation_enabled(False):
        torch.testing.assert_close(vmap(probs)(locs), probs(locs))
        torch.testing.assert_close(vmap(start)(locs, alphas), start(locs, alphas))
        nested = vmap(vmap(probs))(locs.unsqueeze(0))
    torch.testing.assert_close(nested[0], probs(locs))


@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated")
@pytest.mark.parametrize("outer", [jacfwd, jacrev])
@pytest.mark.parametrize("inner", [jacfwd, jacrev])
def test_modes_of_differentiation_agree_through_an_inverse(outer, inner):
    layer = PlanarTransform(torch.tensor([0.3, 0.9]), torch.tensor([0.8, -1.0]), 0.2)
    points = torch.randn(B, 2, dtype=torch.float64)

    def first(y):
        return layer._inverse(y)[0]

    found = vmap(outer(inner(first)))(points)
    expected = [torch.autograd.functional.hessian(first, y) for y in points]
    torch.testing.assert_close(found, torch.stack(expected))


@every_family
def test_func_grad_agrees_with_autograd(name):
    value = make(name).sample((B,))

    def objective(loc, scale, tau):
        law = make(name, tau, loc, scale)
        kl = torch.distributions.kl_divergence(law, make(name, tau))
        torch.manual_seed(0)
        return law.log_prob(value).sum() + law.rsample()[0] + kl

    inputs = LOC + 0.1, SCALE + 0.1, torch.tensor(0.5)
    if name == "straight_through":
        value = make("igr").sample((B,))
    leaves = [x.clone().requires_grad_() for x in inputs]
    expected = torch.autograd.grad(objective(*leaves), leaves)
    with pyro.validation_enabled(False):
        found = grad(objective, (0, 1, 2))(*inputs)
    torch.testing.assert_close(found, expected)


def density_and_kl(name):
    """A function of tensors that goes through the whole of a law."""

    def fn(tau, loc, scale, value):
        law = make(name, tau, loc, scale)
        kl = torch.distributions.kl_divergence(law, make(name, tau))
        return law.log_prob(value) + kl

    return fn


@pytest.mark.filterwarnings("ignore:.*torch.jit")
@pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning")
@every_family
def test_torch_jit_follows_new_parameters(name, values):
    fn = density_and_kl(name)
    with pyro.validation_enabled(False):
        traced = torch.jit.trace(fn, (TAUS, LOCS, SCALES, values))
        new = TAUS.flip(0), LOCS + 0.1, 2 * SCALES, values
        torch.testing.assert_close(traced(*new), fn(*new))


@every_family
def test_torch_compile_needs_no_graph_break(name, values):
    torch.compiler.reset()
    fn = density_and_kl(name)
    inputs = TAUS, LOCS, SCALES, values
    with pyro.validation_enabled(False):
        expected = fn(*inputs)  # where the host looks up the KL, once
        compiled = torch.compile(fn, backend="eager", fullgraph=True)
        torch.testing.assert_close(compiled(*inputs), expected)


@every_family
def test_torch_compile_samples_without_a_graph_break(name):
    torch.compiler.reset()

    def fn(tau, loc, scale):
        return make(name, tau, loc, scale).rsample((2,))

    with pyro.validation_enabled(False):
        compiled = torch.compile(fn, backend="eager", fullgraph=True)
        torch.manual_seed(0)
        found = compiled(TAUS, LOCS, SCALES)
        torch.manual_seed(0)
        torch.testing.assert_close(found, fn(TAUS, LOCS, SCALES))


@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated")
@pytest.mark.parametrize("name", ["argmax", "stick", "largest_weight"])
def test_hessians_by_forward_over_reverse_mode_are_those_of_autograd(name):
    weights = torch.tensor([0.3, -1.0, 0.7], dtype=torch.float64)
    probs = getattr(pyro_igr.discrete, f"{name}_probs")

    def objective(v):
        return (probs(v[:2], v[2:]) * weights).sum()

    point = torch.tensor([0.5, -0.2, 0.8, 1.1], dtype=torch.float64)
    expected = torch.autograd.functional.hessian(objective, point)
    torch.testing.assert_close(torch.func.hessian(objective)(point), expected)


class _Ended(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.clone()

    @staticmethod
    def backward(ctx, gradient):
        return None


@pytest.mark.parametrize(
    "fn", [normal.log_ndtr, lambda x: normal_tails.log_ndtr_of_both(x)[0]]
)
def test_no_gradient_passes_where_none_comes(fn):
    x = torch.zeros(3, requires_grad=True)
    (_Ended.apply(fn(x)) + x).sum().backward()
    assert x.grad.tolist() == [1, 1, 1]
