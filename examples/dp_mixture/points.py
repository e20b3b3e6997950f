"""Points to group: principal components of data sets that come with scikit-learn."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn import datasets
from sklearn.decomposition import PCA

SOURCES = {
    "wine": datasets.load_wine,
    "iris": datasets.load_iris,
    "breast-cancer": datasets.load_breast_cancer,
    "diabetes": datasets.load_diabetes,
    "digits": datasets.load_digits,
}
UNLABELED, OF_ONE_UNIT = ("diabetes",), ("digits",)


class Points(NamedTuple):
    """Points, and the groups that they are known to be of.

    Args:
        name: Of the data set.
        x: In single precision, `(points, d)`.
        labels: Of the groups; None if there are none.
    """

    name: str
    x: NDArray[np.float32]
    labels: NDArray[np.integer] | None


def load_points(name: str, dimensions: int) -> Points:
    """The first principal components of the columns, each of variance one.

    Pixels, which have one unit, keep their variances.
    """
    x, labels = SOURCES[name](return_X_y=True)
    x = x[:, x.std(0) > 0]
    x = (x - x.mean(0)) / (x.std() if name in OF_ONE_UNIT else x.std(0))
    found = PCA(min(dimensions, x.shape[1]), random_state=0).fit_transform(x)
    return Points(name, found.astype(np.float32), None if name in UNLABELED else labels)
