"""What chance explains: intervals and tests on whole numbers alone, so that no float decides anything.

Wilson's interval, as Wald's would mark 21% of schools of eight pupils where 5% is meant. The test of a school against
the rest is two-sided mid-p by doubling the smaller tail, in big integers: hypergeometric where the rest is few schools,
else binomial with the rest's rate. Groups are many tests at once, and are held to Benjamini and Hochberg's rate.

Sources: Brown, Cai and DasGupta, Interval Estimation for a Binomial Proportion (2001); Lancaster, Significance Tests in
Discrete Distributions (1961); Benjamini and Hochberg, Controlling the False Discovery Rate (1995).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import repeat
from math import comb, isqrt

UNIT = 10**18  # probabilities are told in this many parts, rounded upwards
LEVEL = 5  # per cent
FEW_SCHOOLS = 20  # below as many, the rest is itself a small sample

_Z2, _ONE = 3_841_459, 1_000_000  # the square of 1.959964: 95% of a normal distribution
_FINE = 10**12

# Student's t at 97.5%, in thousandths, by degrees of freedom; between them the one below is taken, which is wider.
_T = {
    **dict(enumerate((12706, 4303, 3182, 2776, 2571, 2447, 2365, 2306, 2262, 2228), 1)),
    **dict(enumerate((2201, 2179, 2160, 2145, 2131, 2120, 2110, 2101, 2093, 2086), 11)),
    **dict(enumerate((2080, 2074, 2069, 2064, 2060, 2056, 2052, 2048, 2045, 2042), 21)),
    40: 2021,
    60: 2000,
    120: 1980,
    1000: 1962,
}


def wilson(count: int, of: int) -> tuple[int, int]:
    """The 95% interval of a share of `of` pupils, at least one, in thousandths, rounded half up."""
    root = isqrt(_FINE * _Z2 * of * (_Z2 * of + 4 * _ONE * count * (of - count)))  # times a million
    middle = (2 * count * _ONE + _Z2) * of * isqrt(_FINE)
    under = 2 * of * (of * _ONE + _Z2) * isqrt(_FINE)
    low, high = ((2000 * (middle + side) + under) // (2 * under) for side in (-root, root))
    return max(0, low), min(1000, high)


_WITHIN = (1_960, 3_090)  # a normal distribution's 95% and 99.8%, in thousandths


def funnel(met: int, of: int, pupils: int) -> tuple[int, int, int, int]:
    """Where a school of so many pupils lies by chance, if the rate is `met` of `of`: low and high, 95% then 99.8%.

    In thousandths, cut to 0 to 1000. Spiegelhalter, Funnel plots for comparing institutional performance (2005).
    """
    middle = (2000 * met + of) // (2 * of)
    root = isqrt(_FINE * met * (of - met) // (of * of * pupils))  # in millionths
    halves = [(within * root + 500_000) // 10**6 for within in _WITHIN]
    inner, outer = ((max(0, middle - half), min(1000, middle + half)) for half in halves)
    return (*inner, *outer)


def mean_interval(counts: Mapping[int, int]) -> tuple[int, int] | None:
    """The 95% interval of the mean of numbers, by how many pupils have each, in tenths; None of fewer than two."""
    number = sum(counts.values())
    if number < 2:
        return None
    total = sum(value * count for value, count in counts.items())
    squares = sum(value * value * count for value, count in counts.items())
    t = _T[max(freedom for freedom in _T if freedom <= number - 1)]
    # t times the root of the variance of the mean, in millionths: t is in thousandths.
    half = t * isqrt(_FINE * 10**6 * (number * squares - total * total) // (number * number * (number - 1))) // 10**6
    middle = 10**6 * total // number
    low, high = middle - half, middle + half
    return (low + 50_000) // 100_000, (high + 50_000) // 100_000


def binomial(count: int, of: int, met: int, rest: int) -> int:
    """The two-sided mid-p of `count` or further, of `of` pupils, if each reaches it as `met` of the `rest` do."""
    if not rest:
        return UNIT
    if not 0 < met < rest:  # the count that is certain: nobody, or everybody
        return UNIT if count == (of if met else 0) else 0
    return _mid_p(count, _binomial_weights(of, met, rest), rest**of)


def _binomial_weights(of: int, met: int, rest: int) -> Iterator[int]:
    """The ways that lead to 0, 1, 2... of `of`, each from the one before: quicker than powers of such length."""
    weight = (rest - met) ** of
    for k in range(of):
        yield weight
        weight = weight * ((of - k) * met) // ((k + 1) * (rest - met))  # without a remainder
    yield weight


def hypergeometric(count: int, of: int, met: int, rest: int) -> int:
    """The same, if the school's pupils were drawn from all pupils, its own among them."""
    return _mid_p(count, _hypergeometric_weights(of, count + met, of + rest), comb(of + rest, of))


def _hypergeometric_weights(of: int, together: int, everybody: int) -> Iterator[int]:
    """The ways to draw 0, 1, 2... of `together` among `of` of everybody, each from the one before."""
    least = max(0, of + together - everybody)  # so many are among them for certain
    yield from repeat(0, least)
    weight = comb(together, least) * comb(everybody - together, of - least)
    for k in range(least, of):
        yield weight
        weight = weight * ((together - k) * (of - k)) // ((k + 1) * (everybody - together - of + k + 1))
    yield weight


def against_rest(count: int, of: int, met: int, rest: int, schools: int) -> int:
    """The mid-p of a school with `count` of `of` against `met` of the `rest`, who are of so many schools."""
    return (hypergeometric if schools < FEW_SCHOOLS else binomial)(count, of, met, rest)


def _mid_p(count: int, weights: Iterable[int], total: int) -> int:
    below = at = 0
    for k, weight in enumerate(weights):
        if k < count:
            below += weight
        elif k == count:
            at = weight
            break
    above = total - below - at
    doubled = 2 * min(below, above) + at  # twice the tail, with half of what is as likely as the count itself
    return min(UNIT, -(-doubled * UNIT // total))


def marked(p: int) -> bool:
    """Whether a single figure is marked: at LEVEL per cent."""
    return 100 * p <= LEVEL * UNIT


def discoveries(ps: Sequence[int]) -> list[bool]:
    """Which of many figures are marked, so that of all that are marked LEVEL per cent are so by chance."""
    order = sorted(range(len(ps)), key=lambda at: (ps[at], at))
    last = 0
    for rank, at in enumerate(order, 1):
        if 100 * len(ps) * ps[at] <= LEVEL * rank * UNIT:
            last = rank
    found = [False] * len(ps)
    for at in order[:last]:
        found[at] = True
    return found


def children(count: int, of: int, percent: int) -> int:
    """How many children more (or fewer, below 0) than at a rate of so many per cent, to the nearest whole child."""
    more = 100 * count - of * percent
    return (2 * abs(more) + 100) // 200 * (1 if more >= 0 else -1)
