"""How far the formulas of "When SNN meets ANN" are from equality as printed, and which correction gives what.

A random network of six layers (width 64, batch norm), Q = 16, T = 4: the quantised ANN of Eq. 2 against the
spiking network of Eq. 9–10, both written out here in NumPy float64; share of neurons whose value differs, by
layer. The missing scale of the input weight 2^(t−1) is supplied in every variant (1/Q), or nothing would agree.

    python reproduce/as_printed.py     → reproduce/as_printed.json
"""

import time
from pathlib import Path

import numpy as np
from conditions import conditions
from numpy.typing import NDArray

from spikewright.data.files import write_json

Array = NDArray[np.float64]
LAYERS, WIDTH, SAMPLES, Q, T = 6, 64, 2000, 16, 4
SEEDS = (0, 1, 2, 3, 4)
# name: (weights from the most significant bit, half-step offset, codes clipped at)
VARIANTS = {
    "as printed (Eq. 2 clipped at Q, Eq. 9-10)": (False, False, Q),
    "step weights from the most significant bit": (True, False, Q),
    "and the half-step offset": (True, True, Q),
    "step weights and clip at Q - 1, no offset": (True, False, Q - 1),
    "step weights, clip at Q - 1 and half-step offset": (True, True, Q - 1),
}


def compare(seed: int, most_significant_first: bool, offset: bool, top: int) -> list[float]:
    """Share of neurons that differ, layer by layer."""
    random = np.random.default_rng(seed)
    value = spiking = random.standard_normal((SAMPLES, WIDTH))
    train: Array | None = None
    levels = top  # Q levels as printed, or Q − 1 = 2^T − 1
    theta, shares = 1.0, []
    for _ in range(LAYERS):
        weight = random.standard_normal((WIDTH, WIDTH)) / np.sqrt(WIDTH)
        z = value @ weight.T
        mean, deviation = z.mean(0), z.std(0)
        gamma, beta = random.uniform(0.5, 1.0, WIDTH), random.normal(0.0, 0.2, WIDTH)
        # Eq. 2 on Eq. 1
        normalised = gamma * (z - mean) / deviation + beta
        code = np.clip(np.floor(normalised * levels / theta + 0.5), 0, top)
        value = theta / levels * code
        # Eq. 9, with the batch norm bias of Proposition I (its appendix), and Eq. 10
        if train is None:
            potential = gamma * (spiking @ weight.T - mean) / deviation + beta
        else:
            shifted = beta / T + (1 - 1 / T) * gamma * mean / deviation
            potential = np.zeros((SAMPLES, WIDTH))
            for step in range(T):
                worth = (2 ** (T - 1 - step) if most_significant_first else 2**step) * theta / levels
                potential += gamma * (worth * (train[step] @ weight.T) - mean) / deviation + shifted
        if offset:
            potential = potential + theta / (2 * levels)
        spikes = []
        for step in range(T):
            threshold = theta / 2 ** (step + 1) if levels == Q else 2 ** (T - 1 - step) * theta / levels
            fired = (potential >= threshold).astype(np.float64)
            potential = potential - fired * threshold
            spikes.append(fired)
        train = np.stack(spikes)
        decoded = sum(2 ** (T - 1 - step) * train[step] for step in range(T))
        shares.append(float((decoded != code).mean()))
    return shares


def main() -> None:
    began = time.monotonic()
    rows = []
    for name, settings in VARIANTS.items():
        shares = np.mean([compare(seed, *settings) for seed in SEEDS], axis=0)
        rows.append({"variant": name, "differing_share_by_layer": [round(float(share), 4) for share in shares]})
        print(f"{name:55} " + "  ".join(f"{share:6.1%}" for share in shares))
    write_json(
        Path(__file__).with_suffix(".json"),
        {
            "shows": "share of neurons whose spiking value differs from the quantised ANN's, layers 1 to 6",
            "against_print": "the paper states equality (Proposition II); only the corrected form has it",
            **conditions(began, seeds=SEEDS),
            "settings": {"layers": LAYERS, "width": WIDTH, "samples": SAMPLES, "Q": Q, "T": T},
            "rows": rows,
        },
    )


if __name__ == "__main__":
    main()
