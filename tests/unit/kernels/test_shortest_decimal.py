from __future__ import annotations

import numpy as np

from assay.kernels.shortest_decimal import shortest_decimals

SPECIAL = [
    0.0,
    -0.0,
    np.inf,
    -np.inf,
    0.1,
    -0.3,
    1e-45,
    1.1754944e-38,
    3.4028235e38,
    1e22,
    1e-14,
    2**24,
    2**24 + 2,
    1e10,
]


def expected(numbers: np.ndarray) -> list[float]:
    return [float(text) for text in numbers.astype(str)]  # numpy prints the shortest decimal


def test_special_values() -> None:
    numbers = np.array(SPECIAL, np.float32)
    assert shortest_decimals(numbers).tolist() == expected(numbers)
    assert np.isnan(shortest_decimals(np.array([np.nan], np.float32))).all()


def test_any_bits_and_ordinary_numbers() -> None:
    random = np.random.default_rng(7)
    bits = random.integers(0, 2**32, 20_000, np.uint64).astype(np.uint32).view(np.float32)
    usual = (random.normal(size=20_000) * 10.0 ** random.integers(-6, 9, 20_000)).astype(np.float32)
    numbers = np.concatenate([bits[np.isfinite(bits)], usual])
    assert shortest_decimals(numbers).tolist() == expected(numbers)


def test_six_digits_survive_float32() -> None:
    decimals = np.round(np.random.default_rng(3).uniform(-1000, 1000, 20_000), 3)
    assert shortest_decimals(decimals.astype(np.float32)).tolist() == decimals.tolist()
