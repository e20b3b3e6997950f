"""How the variables of a discrete code are used, from its posterior probabilities."""

import numpy as np
from numpy.typing import NDArray

DEAD = 0.01


def dead_categories(probs: NDArray[np.floating]) -> tuple[int, ...]:
    """The number of dead categories of each variable.

    A category is dead if its posterior probability, averaged over the images, is
    below a hundredth of its share under the uniform prior.

    Args:
        probs: Posterior probabilities, with shape `(images, variables, categories)`.
    """
    dead = probs.mean(0) < DEAD / probs.shape[-1]
    return tuple(dead.sum(-1).tolist())


def most_informative(probs: NDArray[np.floating], number: int) -> NDArray[np.intp]:
    """The variables that tell most about the image, the best first.

    Ranked by the mutual information of image and category, the mean KL divergence of
    the posteriors of the images from their average.

    Args:
        probs: Posterior probabilities, with shape `(images, variables, categories)`.
        number: How many variables to return, at most.
    """
    log_ratio = np.log(np.maximum(probs, 1e-30) / np.maximum(probs.mean(0), 1e-30))
    information = (probs * log_ratio).sum(-1).mean(0)
    return np.argsort(-information)[:number]


def traverse(probs: NDArray[np.floating], variable: int) -> NDArray[np.float32]:
    """The most probable code of each image, with a variable set to each category.

    Args:
        probs: Posterior probabilities, with shape `(images, variables, categories)`.
        variable: The index of the variable to vary.

    Returns:
        One-hot codes, with shape `(images, categories, variables, categories)`.
    """
    one_hot = np.eye(probs.shape[-1], dtype=np.float32)
    codes = np.repeat(one_hot[probs.argmax(-1)][:, None], len(one_hot), axis=1)
    codes[:, :, variable] = one_hot
    return codes
