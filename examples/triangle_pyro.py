"""One discrete distribution, relaxed in three ways, on the triangle, in Pyro.

IGR, stick-breaking IGR and Gumbel-Softmax represent the same probabilities of three
categories at any temperature. Their samples at several temperatures are plotted.

    python -m examples.triangle_pyro
    python -m examples.triangle_pyro --weights 8 1 1 --temperature 2 1 0.5 0.1
"""

if __name__ == "__main__":  # before the imports, which take seconds
    from examples.harness import command_line

    command_line.end_in_one_line()

from collections.abc import Sequence

import numpy as np
import pyro
import torch
from numpy.typing import NDArray
from pyro.distributions import Distribution, RelaxedOneHotCategorical

from examples.harness.command_line import Parser
from examples.images.triangle import TriangleOptions, save_triangles
from pyro_igr import IGR, IGRStickBreaking

FAMILIES = {
    "IGR": IGR.from_probs,
    "IGR, sticks": IGRStickBreaking.from_probs,
    "Gumbel-Softmax": RelaxedOneHotCategorical,
}


def relax(family: str, temperature: float, probs: NDArray) -> Distribution:
    """The member of a family that stands for these probabilities."""
    return FAMILIES[family](torch.tensor(temperature), torch.from_numpy(probs))


def draw(options: TriangleOptions) -> dict[str, list[NDArray[np.floating]]]:
    """Samples of each family, at each temperature."""
    pyro.set_rng_seed(options.seed)
    return {
        family: [
            relax(family, t, options.probs).sample((options.num_samples,)).numpy()
            for t in options.temperature
        ]
        for family in FAMILIES
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Print what each family stands for, and draw it as the command line says."""
    options = TriangleOptions.parse(__doc__, arguments)
    try:
        options = options.in_folder("runs/triangle_pyro")
    except OSError as error:
        Parser(__doc__).error(str(error))
    for family in FAMILIES:
        probs = relax(family, options.temperature[0], options.probs).probs
        print(f"{family} stands for {' '.join(f'{p:.3f}' for p in probs.tolist())}")
    if options.figures:
        save_triangles(options.figure("triangle"), options, draw(options))
        print(f"its samples are in {options.figure('triangle')}")


if __name__ == "__main__":
    main()
