"""From denoising errors to a reward.

With l the squared denoising error of one noised latent, averaged over its elements, the rewards
are means over the noise levels t:

``dpo``  -beta / 2 (l_policy - l_reference): the implicit reward of Diffusion-DPO up to a term of
    the prompt alone (Wallace et al., CVPR 2024, arXiv:2311.12908, eq. 14, with the weights w and
    the factor T taken into beta, as its released training does; beta 2,000 to 5,000);
``mapo`` beta gamma l / (exp(gamma l) - 1): the bounded, reference-free link function of MaPO
    (Hong et al., 2024, arXiv:2406.06424v2, eq. 11), with the gamma = 0.5 (``snr_value``) of its
    released training, where the number of noise levels T stands in place of beta. Here beta is
    only a scale;
``elbo`` -l: the evidence bound up to constants, as in Diffusion Classifier (Li et al., ICCV 2023,
    arXiv:2303.16203, eq. 4).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["BETAS", "GAMMA", "reward"]

Floats = NDArray[np.float64]
#: Objectives and the beta that each is used with by default.
BETAS = {"dpo": 5000.0, "mapo": 0.1, "elbo": 1.0}
GAMMA = 0.5


def reward(objective: str, beta: float, policy: Floats, reference: Floats | None = None) -> Floats:
    """One reward per picture.

    Parameters
    ----------
    objective: a key of :data:`BETAS`.
    policy, reference: denoising errors, shape (pictures, noise levels); only ``dpo`` needs the
        reference's.

    Raises
    ------
    ValueError: for an unknown objective, or ``dpo`` without a reference.
    """
    if objective == "dpo":
        if reference is None:
            raise ValueError("the dpo reward needs the reference's errors")
        each = -0.5 * (policy - reference)
    elif objective == "mapo":
        scaled = GAMMA * policy
        # x / (exp(x) - 1) goes to 1 as x goes to 0
        each = np.where(scaled > 1e-12, scaled / np.expm1(np.maximum(scaled, 1e-12)), 1.0)
    elif objective == "elbo":
        each = -policy
    else:
        raise ValueError(f"unknown objective {objective!r}")
    out: Floats = beta * each.mean(axis=1)
    return out
