"""For each model of the library what an experiment could have been: a range of x, true parameters, and noise."""

import numpy as np

from nlsq_widget.models import exponential, gaussian, line, lorentzian, sine

POINTS = 120
CANDIDATES = [gaussian, lorentzian, line, exponential, sine]

TRUTHS = {
    "constant": (0, 10, (3.0,)),
    "line": (0, 10, (-2.0, 5.0)),
    "parabola": (-3, 5, (1.5, -2.0, 4.0)),
    "cubic": (-3, 3, (0.7, -0.5, -2.0, 1.0)),
    "polynomial(4)": (-2, 2, (1.0, -2.0, 0.5, 1.0, -0.8)),
    "gaussian": (0, 10, (3.0, 4.2, 0.7)),
    "lorentzian": (0, 10, (3.0, 6.1, 0.5)),
    "voigt": (-6, 6, (5.0, 0.4, 0.6, 0.5)),
    "pseudo_voigt": (0, 10, (3.0, 4.2, 1.4, 0.4)),
    "moffat": (-10, 10, (4.0, -1.0, 2.0, 1.7)),
    "skewed_gaussian": (0, 12, (2.0, 4.0, 2.0, 3.0)),
    "modified_gaussian": (0, 20, (6.0, 4.0, 0.6, 1.8)),
    "breit_wigner_fano": (0, 20, (2.0, 9.0, 1.5, 1.8)),
    "exponential": (0, 10, (4.0, 2.3)),
    "two_exponentials": (0, 20, (3.0, 0.8, 2.0, 7.0)),
    "stretched_exponential": (0, 20, (4.0, 3.0, 0.6)),
    "rise_and_decay": (0, 20, (5.0, 1.2, 4.5)),
    "exponential_growth": (0, 5, (0.3, 0.9)),
    "logistic": (0, 20, (5.0, 0.8, 8.0)),
    "gompertz": (0, 20, (5.0, 0.5, 7.0)),
    "richards": (0, 30, (5.0, 0.6, 12.0, 2.5)),
    "hill": (0, 20, (4.0, 5.0, 2.4)),
    "logistic4": (0.1, 30, (1.0, 6.0, 4.0, 1.8)),
    "logistic5": (0.1, 30, (1.0, 6.0, 3.0, 2.0, 2.2)),
    "michaelis_menten": (0, 20, (6.0, 3.0)),
    "substrate_inhibition": (0, 30, (9.0, 3.0, 12.0)),
    "sine": (0, 10, (2.0, 0.83, 0.6)),
    "damped_sine": (0, 20, (3.0, 0.61, 1.1, 7.0)),
    "erf_step": (0, 10, (3.0, 4.5, 0.8)),
    "arctan_step": (-10, 10, (3.0, 1.5, 0.8)),
    "logistic_step": (0, 10, (-3.0, 4.5, 0.6)),
    "power_law": (1, 20, (3.0, -1.4)),
    "shifted_power_law": (2, 20, (3.0, 0.9, 0.6)),
    "arrhenius": (250, 600, (4.0e3, 3200.0)),
    "planck": (0.1, 20, (3.0, 1.7)),
    "langmuir": (0, 20, (5.0, 0.4)),
    "saturating_exponential": (0, 10, (5.0, 2.2)),
    "rational": (0, 10, (1.0, 2.0, 0.6)),
}


def experiment(model, noise=0.01, seed=5):
    """x, y with noise, and what was put into them."""
    low, high, truth = TRUTHS[model.name]
    x = np.linspace(low, high, POINTS)
    y = model(x, *truth)
    return x, y + noise * np.abs(y).max() * np.random.default_rng(seed).standard_normal(POINTS), truth
