"""Programs of Pyro with discrete latent variables, read out of a checkout."""

import csv
import importlib.util
import os
import sys
from argparse import Namespace
from pathlib import Path

import pyro
import pyro.distributions as dist
import torch
import torch.nn.functional as F
from checkout import Edit, cell, module
from program import Joint, Program

from pyro_igr import lookup

SOURCE = Path(os.environ["PYRO_SRC"])
NAMES = {"lookup": lookup}
NOT_NEEDED = ("torchvision", "torchvision.datasets", "visdom")
T = 4


def toy_mixture(edit):
    path = SOURCE / "examples" / "toy_mixture_model_discrete_enumeration.py"
    program = module(path, edit, NAMES)
    pyro.set_rng_seed(0)
    prior, _, data = program.generate_data(20)
    return program.model, (prior, data, 20)


def markov(function):
    def load(edit):
        path = SOURCE / "examples" / "hmm.py"
        program = module(path, edit, NAMES, NOT_NEEDED)
        sequences = torch.bernoulli(torch.full((3, T, 5), 0.4), generator=_seeded())
        lengths = torch.tensor([T, T - 1, T])
        args = (sequences, lengths, Namespace(hidden_dim=2, jit=False))
        return getattr(program, function), args

    return load


def topics(edit):
    program = module(SOURCE / "examples" / "lda.py", edit, NAMES)
    args = Namespace(num_topics=2, num_words=6, num_docs=5, num_words_per_doc=6)
    pyro.set_rng_seed(0)
    return program.model, (program.model(args=args)[2], args)


def vae_with_labels(edit):
    folder = SOURCE / "examples" / "vae"
    _import_from(folder, "utils.custom_mlp")
    absent = (*NOT_NEEDED, "utils", "utils.mnist_cached", "utils.vae_plots")
    program = module(folder / "ss_vae_M2.py", edit, NAMES, absent)
    pyro.set_rng_seed(0)
    vae = program.SSVAE(3, 9, 2, [8], config_enum="parallel")
    images = torch.eye(3).repeat_interleave(3, -1).repeat(6, 1)
    flipped = torch.rand(18, 9, generator=_seeded()) < 0.1
    return vae.model, (torch.where(flipped, 1 - images, images),)


def dirichlet_process(edit):
    path = SOURCE / "tutorial" / "source" / "dirichlet_process_mixture.ipynb"
    names = {**vars(dist), "pyro": pyro, "torch": torch, "F": F, **NAMES}
    names |= {"T": 4, "N": 20, "alpha": 1.0}
    names = cell(path, 5, None, names)
    centers = torch.tensor([[3.0, 0.0], [-3.0, 1.0]]).repeat(10, 1)
    data = centers + torch.randn(20, 2, generator=_seeded())
    return cell(path, 7, edit, names)["model"], (data,)


def capture_recapture(edit):
    folder = SOURCE / "examples" / "capture_recapture"
    program = module(folder / "cjs.py", edit, NAMES)
    with open(folder / "dipper_capture_history.csv") as file:
        rows = [list(map(float, row[1:])) for row in csv.reader(file)]
    return program.model_1, (torch.tensor(rows[::25])[:, :5], None)


def epidemic(edit):
    program = module(SOURCE / "examples" / "sir_hmc.py", edit, NAMES)
    program.args = Namespace(recovery_time=7.0, population=50)
    return program.discrete_model, (program.args, torch.tensor([1.0, 1.0, 2.0]))


def _seeded():
    return torch.Generator().manual_seed(0)


def _import_from(folder, name):
    path = folder.joinpath(*name.split(".")).with_suffix(".py")
    spec = importlib.util.spec_from_file_location(name, path)
    sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sys.modules[name])


STATES = frozenset(f"x_{t}" for t in range(T))
CHAIN = Joint(
    (2,) * T,
    lambda x: {f"x_{t}": torch.full((3, 1), x[t]) for t in range(T)},
    dim=-2,
)
ALIVE = Joint(
    (2,) * 5,
    lambda z: {f"z_{t}": torch.full((12,), float(z[t])) for t in range(5)},
)
PROGRAMS = {
    "toy_mixture_model_discrete_enumeration.py": Program(
        toy_mixture,
        Edit(
            "model", {"Vindex(p_C)[B.type(torch.long)]": "lookup(p_C, B, event_dim=0)"}
        ),
    ),
    "hmm.py model_1": Program(
        markov("model_1"),
        Edit(
            "model_1",
            {
                "probs_x[x]": "lookup(probs_x, x)",
                "probs_y[x.squeeze(-1)]": "lookup(probs_y, x).squeeze(-2)",
            },
        ),
        STATES,
        CHAIN,
        max_plate_nesting=2,
    ),
    "hmm.py model_2": Program(
        markov("model_2"),
        Edit(
            "model_2",
            {
                "probs_x[x]": "lookup(probs_x, x)",
                "probs_y[x, y, tones]": "Vindex(lookup(probs_y, x))[..., y, tones]",
            },
        ),
        STATES,
        CHAIN,
        max_plate_nesting=2,
    ),
    "lda.py": Program(
        topics,
        Edit(
            "model",
            {"topic_words[word_topics]": "lookup(topic_words, word_topics)"},
        ),
        {"word_topics"},
        max_plate_nesting=2,
    ),
    "ss_vae_M2.py": Program(
        vae_with_labels, create_plates=lambda x: pyro.plate("data", len(x), dim=-1)
    ),
    "dirichlet_process_mixture.ipynb": Program(
        dirichlet_process, Edit("model", {"mu[z]": "lookup(mu, z)"}), {"z"}
    ),
    "cjs.py model_1": Program(capture_recapture, joint=ALIVE),
    "sir_hmc.py": Program(epidemic, refused="count"),
}
