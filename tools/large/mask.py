"""Which elements DARE drops: Philox4x32-10 (Salmon et al., SC 2011) keyed by seed and tensor name, as src/core/philox.ts defines it."""

import numpy as np

MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
WEYL = (0x9E3779B9, 0xBB67AE85)
WORD = np.uint64(0xFFFFFFFF)
SHIFT = np.uint64(32)


def philox4x32(counter: list[np.ndarray], key: tuple[int, int]) -> list[np.ndarray]:
    """Ten rounds on arrays of words, each a uint64 below 2^32."""
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(10):
        first, second = c0 * np.uint64(MULTIPLIERS[0]), c2 * np.uint64(MULTIPLIERS[1])
        c0, c1, c2, c3 = (second >> SHIFT) ^ c1 ^ np.uint64(k0), second & WORD, (first >> SHIFT) ^ c3 ^ np.uint64(k1), first & WORD
        k0, k1 = (k0 + WEYL[0]) & 0xFFFFFFFF, (k1 + WEYL[1]) & 0xFFFFFFFF
    return [c0, c1, c2, c3]


def name_hash(name: str) -> int:
    """64-bit FNV-1a over UTF-8."""
    value = 0xCBF29CE484222325
    for byte in name.encode():
        value = (value ^ byte) * 0x100000001B3 % 2**64
    return value


def dropped(seed: int, name: str, rate: float, first: int, count: int) -> np.ndarray:
    """True where element first + i of the tensor is dropped; `first` on a border of 16 elements."""
    assert first % 16 == 0
    blocks = np.arange(first // 16 * 4, -(-(first + count) // 16) * 4, dtype=np.uint64)
    key, named = seed % 2**64, name_hash(name)
    counter = [blocks & WORD, blocks >> SHIFT] + [np.full_like(blocks, word) for word in (named & 0xFFFFFFFF, named >> 32)]
    words = philox4x32(counter, (key & 0xFFFFFFFF, key >> 32))
    # Element e is word (e >> 2) & 3 of block (e >> 4) * 4 + (e & 3): sixteen elements are four words of four blocks each.
    by_element = np.stack([word.reshape(-1, 4) for word in words], axis=1).reshape(-1)
    return by_element[:count] < np.uint64(int(rate * 2**32))


def check_known_answers() -> None:
    """From the generator's own distribution (Random123, kat_vectors)."""
    answers = {
        (0, 0, 0, 0, 0, 0): (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8),
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344, 0xA4093822, 0x299F31D0): (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    }
    for (*counter, k0, k1), wanted in answers.items():
        words = philox4x32([np.array([word], dtype=np.uint64) for word in counter], (k0, k1))
        assert tuple(int(word[0]) for word in words) == wanted
