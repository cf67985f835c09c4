"""One rounding from float64 to a stored type, by its bits, and the distance of stored values in steps. Nothing goes through float32."""

import numpy as np
import torch

# type of a tensor: exponent bits, mantissa bits, unsigned integers and signed integers of its size
LAYOUTS = {
    torch.bfloat16: (8, 7, np.uint16, torch.int16),
    torch.float16: (5, 10, np.uint16, torch.int16),
    torch.float32: (8, 23, np.uint32, torch.int32),
}


def rounded_bits(values: np.ndarray, dtype: torch.dtype) -> np.ndarray:
    """float64 -> the bits of the nearest value of `dtype`, ties to even, overflow to infinity; NaN to a quiet NaN."""
    exponent_bits, mantissa_bits, unsigned, _ = LAYOUTS[dtype]
    bias = (1 << (exponent_bits - 1)) - 1
    infinity = ((1 << exponent_bits) - 1) << mantissa_bits
    cut = 52 - mantissa_bits
    bits = np.abs(values).view(np.uint64)
    half = np.uint64((1 << (cut - 1)) - 1)
    nearest = (bits + half + ((bits >> np.uint64(cut)) & np.uint64(1))) >> np.uint64(cut)
    normal = nearest.astype(np.int64) - ((1023 - bias) << mantissa_bits)
    # Below the smallest normal number steps are equal: scaling by a power of two is exact, and rint takes ties to even.
    smallest = 2.0 ** (1 - bias)
    subnormal = np.rint(np.minimum(np.abs(values), smallest) * 2.0 ** (bias - 1 + mantissa_bits)).astype(np.int64)
    magnitude = np.where(np.abs(values) < smallest, subnormal, np.minimum(normal, infinity))
    magnitude = np.where(np.isnan(values), infinity + (1 << (mantissa_bits - 1)), magnitude)
    sign = np.signbit(values).astype(np.int64) << (exponent_bits + mantissa_bits)
    return (magnitude | sign).astype(unsigned)


def stored_bits(tensor: torch.Tensor) -> np.ndarray:
    _, _, unsigned, signed = LAYOUTS[tensor.dtype]
    return tensor.view(signed).numpy().view(unsigned)


def steps_apart(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """How many representable values lie between two arrays of bits; the two zeros are the same value."""
    width = 8 * a.dtype.itemsize
    mask = (1 << (width - 1)) - 1

    def place(bits: np.ndarray) -> np.ndarray:
        wide = bits.astype(np.int64)
        return np.where(wide >> (width - 1), -(wide & mask), wide & mask)

    return np.abs(place(a) - place(b))


def check_against_torch() -> None:
    """Values that are exact in float32 are rounded once by torch too; those beyond lie just beside ties."""
    generator = torch.Generator().manual_seed(0)
    bits = torch.randint(-(2**31), 2**31, (1 << 20,), generator=generator, dtype=torch.int64).to(torch.int32)
    singles = bits.view(torch.float32)
    singles = singles[~singles.isnan()]
    for dtype in LAYOUTS:
        assert (rounded_bits(singles.double().numpy(), dtype) == stored_bits(singles.to(dtype))).all(), dtype
    tie = 1 + 2.0**-8
    beside = np.array([tie, tie + 2.0**-40, tie - 2.0**-40, -tie - 2.0**-40, 3 * 2.0**-134, 1e39, 2.0**-134, 2.0**-134 * (1 + 2.0**-50)])
    wanted = np.array([0x3F80, 0x3F81, 0x3F80, 0xBF81, 0x0002, 0x7F80, 0x0000, 0x0001])
    assert (rounded_bits(beside, torch.bfloat16) == wanted).all()
