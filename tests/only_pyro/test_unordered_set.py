"""TraceUnorderedSet_ELBO in Pyro: the enumerated gradient in mean, or exactly."""

from itertools import product

import pyro
import pyro.distributions as dist
import pytest
import torch
from pyro import infer, poutine
from pyro_families import fresh_host as fresh_host

from pyro_igr import IGR, ExpIGR, IGRStickBreaking, TraceUnorderedSet_ELBO

X, TAU = torch.tensor(2.0).double(), torch.tensor(0.5).double()
CODES = torch.eye(3)[torch.tensor(list(product(range(3), repeat=2)))].double()
VALUES = torch.linspace(-1, 1, 6).double()
LOGITS = torch.tensor([[0.5, -1.0, 0.3], [0.0, 0.8, -0.4]]).double()


def gaussian(law):
    return lambda x: law(TAU, x[..., 1:], x[..., :2].exp())


LAWS = {
    "one_hot": lambda x: dist.OneHotCategorical(logits=x),
    "igr": gaussian(IGR),
    "sticks": gaussian(IGRStickBreaking),
    "gumbel": lambda x: dist.RelaxedOneHotCategorical(TAU, logits=x),
}
PARAMETERS = {"guide": LOGITS, "prior": -LOGITS.flip(0), "decoder": VALUES}


def parameters():
    return {name: pyro.param(name, value.clone()) for name, value in PARAMETERS.items()}


def pair(law, copies):
    """A model and a guide of copies of 2 variables of 3 categories."""

    def model():
        p = parameters()
        with pyro.plate("copies", copies):
            z = pyro.sample("z", LAWS[law](p["prior"]).to_event(1))
            x = dist.Normal(z.flatten(-2) @ p["decoder"], 1.0)
            pyro.sample("x", x, obs=X.expand(copies))

    def guide():
        with pyro.plate("copies", copies):
            pyro.sample("z", LAWS[law](parameters()["guide"]).to_event(1))

    return model, guide


def enumerated(law):
    """The loss of one copy, and its gradient."""
    p = {name: value.clone().requires_grad_() for name, value in PARAMETERS.items()}

    def log_probs(x):
        logits = LAWS[law](x).logits
        return dist.OneHotCategorical(logits=logits).to_event(1).log_prob(CODES)

    log_q = log_probs(p["guide"])
    log_x = dist.Normal(CODES.flatten(1) @ p["decoder"], 1.0).log_prob(X)
    loss = -(log_q.exp() * (log_x + log_probs(p["prior"]) - log_q)).sum()
    found = torch.autograd.grad(loss, [p[name] for name in sorted(p)])
    return loss.item(), torch.cat([gradient.flatten() for gradient in found])


def gradients(engine, model, guide, count=1):
    """Gradients of as many estimates, one a row, and their mean loss."""
    rows, losses = [], []
    for _ in range(count):
        loss = engine.differentiable_loss(model, guide)
        loss.backward()
        found = dict(pyro.get_param_store().named_parameters())
        rows.append(torch.cat([found[n].grad.flatten() for n in sorted(found)]))
        for p in found.values():
            p.grad = None
        losses.append(loss.item())
    return torch.stack(rows), sum(losses) / count


@pytest.mark.parametrize("replacement", [False, True])
def test_the_mean_gradient_is_that_of_enumeration(replacement):
    copies, engine = 1000, TraceUnorderedSet_ELBO(3, replacement=replacement)
    found, loss = gradients(engine, *pair("igr", copies), 100)
    expected_loss, expected = enumerated("igr")
    assert agrees_in_mean(found, expected, copies)
    assert loss / copies == pytest.approx(expected_loss, abs=0.01)


@pytest.mark.parametrize("law", LAWS)
def test_a_set_of_everything_gives_the_enumerated_gradient(law):
    found, loss = gradients(TraceUnorderedSet_ELBO(20), *pair(law, 5))
    expected_loss, expected = enumerated(law)
    torch.testing.assert_close(found[0] / 5, expected)
    assert loss / 5 == pytest.approx(expected_loss)
    assert TraceUnorderedSet_ELBO(9).loss(*pair(law, 5)) == pytest.approx(loss)


def test_one_sample_is_the_plain_score_function():
    logits, costs = torch.tensor([0.5, -1.0, 0.3]), torch.tensor([1.0, -2.0, 4.0])

    def model():
        z = pyro.sample("z", dist.OneHotCategorical(torch.ones(3) / 3))
        pyro.factor("cost", z @ costs)

    def guide():
        pyro.sample("z", dist.OneHotCategorical(logits=pyro.param("logits", logits)))

    log_q = logits.log_softmax(-1)
    f = costs - torch.tensor(3.0).log() - log_q
    possible = -f[:, None] * (torch.eye(3) - log_q.exp())
    for replacement in (False, True):
        engine = TraceUnorderedSet_ELBO(1, replacement=replacement)
        found, _ = gradients(engine, model, guide, 20)
        distances = (found[:, None] - possible).abs().amax(-1)
        assert (distances.amin(-1) < 1e-5).all()
        assert distances.argmin(-1).unique().numel() > 1


def agrees_in_mean(found, expected, copies):
    """Within 4 standard errors, which are small."""
    error = found.std(0) / copies / len(found) ** 0.5
    assert expected.abs().max() > 10 * error.max()
    return ((found.mean(0) / copies - expected).abs() < 4 * error).all()


def expectation(log_q, log_joint):
    return (log_q.exp() * (log_joint - log_q)).sum()


def one_hot(logits):
    return dist.OneHotCategorical(logits=logits)


def test_sites_of_unequal_sizes_and_inner_plates_make_one_configuration():
    a, b = torch.tensor([0.3, -0.2]), torch.tensor([[0.1, 0.7, -0.5], [0.0, 1.0, 0.4]])
    means = torch.arange(18.0).reshape(2, 3, 3) / 6

    def model():
        with pyro.plate("copies", 4, dim=-2):
            u = pyro.sample("a", one_hot(torch.zeros(2)))
            with pyro.plate("inner", 2, dim=-1):
                v = pyro.sample("b", one_hot(torch.zeros(3)))
            v = v.expand(*v.shape[:-2], 2, 3)
            mean = torch.einsum(
                "...i,...j,...k,ijk->...",
                u[..., 0, :],
                v[..., 0, :],
                v[..., 1, :],
                means,
            )
            pyro.sample("x", dist.Normal(mean.unsqueeze(-1), 1.0), obs=torch.ones(4, 1))

    def guide():
        with pyro.plate("copies", 4, dim=-2):
            with pyro.plate("inner", 2, dim=-1):
                pyro.sample("b", one_hot(pyro.param("b_logits", b)))
            pyro.sample("a", one_hot(pyro.param("a_logits", a)))

    def enumerate_(a, b):
        a, b = a.log_softmax(-1), b.log_softmax(-1)
        log_q = a[:, None, None] + b[0][:, None] + b[1]
        log_x = dist.Normal(means, 1.0).log_prob(torch.tensor(1.0))
        return -expectation(log_q, log_x - torch.tensor(18.0).log())

    found, loss = gradients(TraceUnorderedSet_ELBO(18), model, guide)
    expected = torch.autograd.functional.jacobian(enumerate_, (a, b))
    expected = torch.cat([x.flatten() for x in expected])
    torch.testing.assert_close(found[0] / 4, expected)
    assert loss / 4 == pytest.approx(enumerate_(a, b).item(), rel=1e-5)
    found, _ = gradients(TraceUnorderedSet_ELBO(6), model, guide, 300)
    assert agrees_in_mean(found, expected, 4)


def test_a_term_outside_of_the_plates_joins_their_elements():
    logits = torch.tensor([[0.5, -1.0, 0.3], [0.0, 0.8, -0.4]])

    def model():
        with pyro.plate("pair", 2):
            z = pyro.sample("z", one_hot(torch.zeros(3)))
        total = (z @ torch.arange(3.0)).prod(-1, keepdim=True)
        pyro.sample("x", dist.Normal(total, 1.0), obs=torch.tensor(2.0))

    def guide():
        with pyro.plate("pair", 2):
            pyro.sample("z", one_hot(pyro.param("logits", logits)))

    def enumerate_(logits):
        first, second = logits.log_softmax(-1)
        total = torch.arange(3.0)[:, None] * torch.arange(3.0)
        log_x = dist.Normal(total, 1.0).log_prob(torch.tensor(2.0))
        log_q = first[:, None] + second
        return -expectation(log_q, log_x - torch.tensor(9.0).log())

    engine = TraceUnorderedSet_ELBO(9)
    for _ in range(2):
        found, loss = gradients(engine, model, guide)
        expected = torch.autograd.functional.jacobian(enumerate_, logits)
        torch.testing.assert_close(found[0], expected.flatten())
        assert loss == pytest.approx(enumerate_(logits).item(), rel=1e-5)


def test_scales_masks_and_subsamples_count_as_in_the_host():
    logits, mask = (
        torch.linspace(-1, 1, 18).reshape(6, 3),
        torch.tensor([True, False, True]),
    )
    costs = torch.tensor([1.0, -2.0, 4.0])

    def model():
        with pyro.plate("data", 6, subsample_size=3), poutine.scale(scale=0.5):
            with poutine.mask(mask=mask):
                z = pyro.sample("z", one_hot(torch.zeros(3)))
            pyro.factor("cost", z @ costs)

    def guide():
        with pyro.plate("data", 6, subsample_size=3) as i, poutine.scale(scale=0.5):
            with poutine.mask(mask=mask):
                pyro.sample("z", one_hot(pyro.param("logits", logits)[i]))

    torch.manual_seed(0)
    i = poutine.trace(guide).get_trace().nodes["data"]["value"]
    torch.manual_seed(0)
    found, loss = gradients(TraceUnorderedSet_ELBO(3), model, guide)

    def enumerate_(logits):
        log_q = logits[i].log_softmax(-1)
        f = costs - mask[:, None] * (torch.tensor(3.0).log() + log_q)
        return -0.5 * 2 * (log_q.exp() * f).sum()

    expected = torch.autograd.functional.jacobian(enumerate_, logits)
    torch.testing.assert_close(found[0], expected.flatten())
    assert loss == pytest.approx(enumerate_(logits).item(), rel=1e-5)


# E log N(x; y, 1) - KL for Gaussian y given z, closed form: a mixture as a guide.
def test_reparameterized_sites_before_and_after_keep_their_gradients():
    start = {
        "mean": torch.tensor(0.3),
        "logits": LOGITS[0].float(),
        "means": torch.linspace(-1, 1, 3),
    }
    copies = 4000

    def model():
        with pyro.plate("copies", copies):
            w = pyro.sample("w", dist.Normal(0.0, 1.0))
            z = pyro.sample("z", one_hot(torch.zeros(3)))
            y = pyro.sample("y", dist.Normal(z @ torch.arange(3.0), 1.0))
            pyro.sample("x", dist.Normal(w + y, 1.0), obs=torch.full((copies,), 2.0))

    def guide():
        p = {name: pyro.param(name, value.clone()) for name, value in start.items()}
        with pyro.plate("copies", copies):
            w = pyro.sample("w", dist.Normal(p["mean"], 0.5))
            z = pyro.sample("z", one_hot(p["logits"]))
            pyro.sample("y", dist.Normal(z @ p["means"] - 0.5 * w, 1.0))

    def enumerate_(logits, m, y):
        log_q = logits.log_softmax(-1)
        squares = (2 - (m + y - 0.5 * m)) ** 2 + 1 + 0.25 * 0.25
        shifts = (y - 0.5 * m - torch.arange(3.0)) ** 2 + 0.25 * 0.25
        of_z = -squares / 2 - shifts / 2 - torch.tensor(3.0).log() - log_q
        return -(log_q.exp() * of_z).sum() + m**2 / 2

    found, _ = gradients(TraceUnorderedSet_ELBO(2), model, guide, 100)
    order = [start[name] for name in sorted(start)]
    expected = torch.autograd.functional.jacobian(enumerate_, tuple(order))
    expected = torch.cat([x.flatten() for x in expected])
    assert agrees_in_mean(found, expected, copies)


def chain(copies):
    """Two sites, the second given the first."""
    table = torch.tensor([[0.5, -0.5], [-1.0, 0.2], [0.0, 1.0]])

    def model():
        with pyro.plate("copies", copies):
            a = pyro.sample("a", one_hot(torch.zeros(3)))
            b = pyro.sample("b", one_hot(a @ table))
            pyro.factor("cost", 2 * a[..., 0] * b[..., 1])

    def guide():
        logits = pyro.param("logits", torch.tensor([0.5, 0.0, -0.5]))
        rows = pyro.param("rows", table.flip(0))
        with pyro.plate("copies", copies):
            a = pyro.sample("a", one_hot(logits))
            pyro.sample("b", one_hot(a @ rows))

    def enumerate_(logits, rows):
        a, b = logits.log_softmax(-1)[:, None], rows.log_softmax(-1)
        cost = torch.zeros(3, 2)
        cost[0, 1] = 2
        log_p = cost - torch.tensor(3.0).log() + table.log_softmax(-1)
        return -expectation(a + b, log_p)

    start = torch.tensor([0.5, 0.0, -0.5]), table.flip(0)
    return model, guide, torch.autograd.functional.jacobian(enumerate_, start)


def test_with_replacement_sites_may_depend_on_one_another():
    model, guide, expected = chain(2000)
    expected = torch.cat([x.flatten() for x in expected])
    engine = TraceUnorderedSet_ELBO(3, replacement=True)
    found, _ = gradients(engine, model, guide, 50)
    assert agrees_in_mean(found, expected, 2000)
    with pytest.raises(ValueError, match="site 'b' not to depend .* replacement=True"):
        TraceUnorderedSet_ELBO(3).loss(model, guide)


def test_impossible_categories_leave_everything_finite_and_exact():
    costs = torch.tensor([1.0, -2.0, 4.0])

    def model():
        z = pyro.sample("z", one_hot(torch.zeros(3)))
        pyro.factor("cost", z @ costs)

    def guide():
        logits = pyro.param("logits", torch.tensor([0.5, 0.0]))
        impossible = torch.full((1,), -torch.inf)
        with pyro.validation_enabled(False):
            pyro.sample("z", one_hot(torch.cat([logits, impossible])))

    def enumerate_(logits):
        log_q = logits.log_softmax(-1)
        return -expectation(log_q, costs[:2] - torch.tensor(3.0).log())

    found, loss = gradients(TraceUnorderedSet_ELBO(3), model, guide)
    logits = torch.tensor([0.5, 0.0])
    expected = torch.autograd.functional.jacobian(enumerate_, logits)
    torch.testing.assert_close(found[0], expected)
    assert loss == pytest.approx(enumerate_(logits).item(), rel=1e-5)


def site(law):
    return lambda: pyro.sample("z", law)


CODE = one_hot(torch.zeros(3))
NORMAL = dist.Normal(0.0, 1.0)
SOFT = IGR(0.5, torch.zeros(2), torch.ones(2))


class OwnExpIGR(ExpIGR):
    """A distribution of log z by another name."""


OWN = OwnExpIGR(0.5, torch.zeros(2), 1.0)
ERRORS = {
    "no_discrete_site": (NORMAL, NORMAL, "site that has a discrete distribution"),
    "logarithm": (SOFT, ExpIGR(0.5, torch.zeros(2), 1.0), "value of ExpIGR is log z"),
    "subclass": (SOFT, OWN, "value of OwnExpIGR is log z"),
    "model": (dist.Dirichlet(torch.ones(3)), SOFT, "model, as in the guide; got Dir"),
}


@pytest.mark.parametrize(("prior", "law", "match"), ERRORS.values(), ids=ERRORS)
def test_sites_that_do_not_fit_are_one_clear_error(prior, law, match):
    with pytest.raises(ValueError, match=match):
        TraceUnorderedSet_ELBO(2, max_plate_nesting=0).loss(site(prior), site(law))


def test_a_site_without_any_gradient_is_refused():
    def program():
        pyro.sample("z", CODE)
        pyro.sample("n", dist.Poisson(3.0))

    with pytest.raises(
        ValueError, match="reparameterized distribution at site 'n'.* Poisson"
    ):
        TraceUnorderedSet_ELBO(2).loss(program, program)


def test_a_set_has_at_least_one_sample():
    with pytest.raises(ValueError, match="a count num_samples, got 0"):
        TraceUnorderedSet_ELBO(0)


def test_particles_average_independent_sets():
    model, guide = pair("one_hot", 50)
    losses = []
    for vectorized in (False, True):
        engine = TraceUnorderedSet_ELBO(
            2, num_particles=50, vectorize_particles=vectorized
        )
        losses.append(engine.loss(model, guide) / 50)
    assert losses == pytest.approx([enumerated("one_hot")[0]] * 2, abs=0.15)


def test_it_trains_a_relaxed_guide():
    optim, engine = pyro.optim.Adam({"lr": 0.05}), TraceUnorderedSet_ELBO(3)
    svi = infer.SVI(*pair("sticks", 10), optim, engine)
    losses = [svi.step() / 10 for _ in range(100)]
    assert sum(losses[-10:]) / 10 < losses[0] - 1
