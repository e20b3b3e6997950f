"""Programs of NumPyro with discrete latent variables, read out of a checkout."""

import os
from argparse import Namespace
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist
from checkout import Edit, module, nested
from numpyro import handlers
from numpyro.contrib.funsor import config_enumerate
from program import Joint, Program

from numpyro_igr import lookup

SOURCE = Path(os.environ["NUMPYRO_SRC"])


def unrolled(step, carry, xs):
    """A scan as a loop, whose steps have names of their own."""
    for t, x in enumerate(xs):
        with handlers.scope(prefix=str(t)):
            carry, _ = step(carry, x)
    return carry, None


def mixed(weight, first, second):
    """What ``where`` is of a site that is 0 or 1, and of a relaxed one."""
    return (1.0 - weight) * first + weight * second


NAMES = {"lookup": lookup, "mixed": mixed, "unrolled": unrolled}
T = 4


def toy_mixture(edit):
    path = SOURCE / "examples" / "toy_mixture_model_discrete_enumeration.py"
    program = module(path, edit, NAMES)
    prior, _, data = handlers.seed(program.generate_data, 0)(20)
    return program.model, (prior, data, 20)


def annotation(function, *, of_items_only=False):
    def load(edit):
        program = module(SOURCE / "examples" / "annotation.py", edit, NAMES)
        annotators, annotations = program.get_data()
        annotations = annotations[::5]
        args = (annotations,) if of_items_only else (annotators, annotations)
        return getattr(program, function), args

    return load


def markov(edit):
    program = module(SOURCE / "examples" / "hmm_enum.py", edit, NAMES)
    rng = np.random.default_rng(0)
    sequences = jnp.array(rng.random((3, T, 5)) < 0.4, float)
    args = sequences, jnp.array([T, T - 1, T]), Namespace(hidden_dim=2)
    return program.model_1, args


def capture_recapture(edit):
    program = module(SOURCE / "examples" / "capture_recapture.py", edit, NAMES)
    history = np.random.default_rng(0).random((12, 5)) < 0.5
    history[:, 0] = True
    return program.model_1, (jnp.array(history, float), None)


def of_test_suite(function, data):
    def load(edit):
        path = SOURCE / "test" / "contrib" / "test_funsor.py"
        names = {"jnp": jnp, "numpyro": numpyro, "dist": dist, "K": 3, **NAMES}
        names |= {"config_enumerate": config_enumerate}
        return nested(path, function, edit, names), (data,)

    return load


def shells(edit):
    path = SOURCE / "examples" / "gaussian_shells.py"
    program = module(path, edit, NAMES, ("numpyro.contrib.nested_sampling",))
    centers = jnp.array([-3.5, 0.0]), jnp.array([3.5, 0.0])
    return program.model, (*centers, 2.0, 0.1)


NOISE = jax.random.normal(jax.random.key(0), (20,))
PROGRAMS = {
    "toy_mixture_model_discrete_enumeration.py": Program(
        toy_mixture, Edit("model", {"Vindex(p_C)[B]": "lookup(p_C, B, event_dim=0)"})
    ),
    "annotation.py multinomial": Program(
        annotation("multinomial", of_items_only=True),
        Edit("multinomial", {"zeta[c]": "lookup(zeta, c)"}),
        {"c"},
        max_plate_nesting=2,
    ),
    "annotation.py mace": Program(
        annotation("mace"),
        Edit(
            "mace",
            {
                "nn.one_hot(c, num_classes)": "lookup(jnp.eye(num_classes), c)",
                "jnp.where(": "mixed(",
                "s[..., None] == 0": "s[..., None]",
            },
        ),
        {"c"},
        Joint(
            (3, *[2] * 7),
            lambda x: {"c": jnp.tile(x[:1], (9, 1)), "s": jnp.tile(x[1:], (9, 1))},
            -2,
        ),
        max_plate_nesting=2,
    ),
    "hmm_enum.py model_1": Program(
        markov,
        Edit(
            "model_1",
            {
                "scan(transition_fn": "unrolled(transition_fn",
                "probs_x[x_prev]": "lookup(probs_x, x_prev)",
                "probs_y[x.squeeze(-1)]": "lookup(probs_y, x).squeeze(-2)",
            },
        ),
        {f"{t}/x" for t in range(T)},
        Joint((2,) * T, lambda x: {"x": jnp.tile(x[:, None, None], (3, 1))}, -2),
        max_plate_nesting=2,
    ),
    "capture_recapture.py model_1": Program(
        capture_recapture,
        Edit("model_1", {"scan(": "unrolled("}),
        joint=Joint((2,) * 4, lambda z: {"z": jnp.tile(z[:, None], 12)}),
    ),
    "test_funsor.py gmm": Program(
        of_test_suite("test_gaussian_mixture_model.gmm", NOISE + jnp.arange(20) % 3),
        Edit(
            "test_gaussian_mixture_model.gmm",
            {"cluster_means[assignments]": "lookup(cluster_means, assignments)"},
        ),
        {"assignments"},
    ),
    "test_funsor.py bernoulli_latent_model": Program(
        of_test_suite(
            "test_bernoulli_latent_model.model", NOISE + 2.0 * (jnp.arange(20) % 2)
        ),
        joint=Joint(
            (2, 2), lambda x: {"y": jnp.tile(x[0], 20), "z": jnp.tile(x[1], 20)}
        ),
    ),
    "gaussian_shells.py": Program(
        shells,
        Edit(
            "model",
            {
                "jnp.stack([center1, center2])[z]": "lookup("
                "jnp.stack([center1, center2]), z, event_dim=0)"
            },
        ),
    ),
}
