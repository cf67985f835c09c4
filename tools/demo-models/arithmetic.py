"""Weight arithmetic on numpy arrays: RESTA, DARE, the LoRA fold and the controls.

Float32 throughout, one operation at a time, and one rounding to float16 (nearest, ties to even) at the end: what the
page's merge promises, written independently of it so that either can catch the other.
"""

import numpy as np

Weights = dict[str, np.ndarray]
"""Tensors by name; float16 when they are what a file holds."""

Vector = dict[str, np.ndarray]
"""A float32 difference of two `Weights`."""


def _wide(weights: Weights) -> Vector:
    return {name: array.astype(np.float32) for name, array in weights.items()}


def rounded(wide: Vector) -> Weights:
    return {name: array.astype(np.float16) for name, array in wide.items()}


def difference(minuend: Weights, subtrahend: Weights) -> Vector:
    left, right = _wide(minuend), _wide(subtrahend)
    return {name: left[name] - right[name] for name in left}


def add_scaled(weights: Weights, vector: Vector, scale: float) -> Vector:
    """weights + scale * vector, unrounded: a float32 multiplication, then a float32 addition."""
    return {name: array.astype(np.float32) + np.float32(scale) * vector[name] for name, array in weights.items()}


def resta(sft: Weights, safety_vector: Vector, g: float) -> Weights:
    """sft + g * (aligned - unaligned), equation of RESTA (Bhardwaj et al. 2024). `sft` may be unrounded."""
    return rounded(add_scaled(sft, safety_vector, g))


def fold_lora(aligned: Weights, adapter: Weights, scale: float) -> Vector:
    """aligned + scale * B @ A for every adapted module, unrounded; scale is alpha / rank."""
    folded = _wide(aligned)
    for name in adapter:
        if not name.endswith(".lora_A.weight"):
            continue
        down = adapter[name].astype(np.float32)
        up = adapter[name.replace(".lora_A.", ".lora_B.")].astype(np.float32)
        target = name.removeprefix("base_model.model.").replace(".lora_A.weight", ".weight")
        folded[target] = folded[target] + np.float32(scale) * (up @ down)
    return folded


def drop_and_rescale(sft: Weights, aligned: Weights, drop_rate: float, seed: int) -> Vector:
    """DARE (Yu et al. 2024): drops entries of sft - aligned at random and divides the rest by 1 - drop_rate.

    numpy's generator, not the page's: the figures of a sweep are comparable with the page's, single masks are not.
    """
    rng = np.random.default_rng(seed)
    kept = {}
    for name, delta in sorted(difference(sft, aligned).items()):
        survives = rng.random(delta.shape, dtype=np.float32) >= np.float32(drop_rate)
        kept[name] = aligned[name].astype(np.float32) + survives * delta / np.float32(1 - drop_rate)
    return kept


def interpolate(sft: Weights, aligned: Weights, toward_aligned: float) -> Weights:
    """The control that needs no unaligned model: part of the way back from sft to aligned."""
    return rounded(add_scaled(sft, difference(aligned, sft), toward_aligned))


def random_vector_like(vector: Vector, seed: int) -> Vector:
    """The control for the direction: Gaussian noise with the norm of `vector`, tensor by tensor."""
    rng = np.random.default_rng(seed)
    noise = {}
    for name, array in sorted(vector.items()):
        draw = rng.standard_normal(array.shape, dtype=np.float32)
        noise[name] = draw * np.float32(np.linalg.norm(array) / np.linalg.norm(draw))
    return noise


def norm(vector: Vector) -> float:
    return float(np.sqrt(sum(np.square(array.astype(np.float64)).sum() for array in vector.values())))


def cosine(left: Vector, right: Vector) -> float:
    inner = sum((left[name].astype(np.float64) * right[name]).sum() for name in left)
    return float(inner / (norm(left) * norm(right)))
