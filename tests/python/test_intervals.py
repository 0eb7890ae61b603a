"""oddity.metrics.intervals against closed forms and SciPy."""

import numpy as np
import pytest

from oddity.metrics import intervals


def test_zero_events_in_299_certify_one_percent_one_sided():
    assert intervals.clopper_pearson(0, 299, confidence=0.90).high == pytest.approx(1 - 0.05 ** (1 / 299), rel=1e-12)


@pytest.mark.parametrize("k, n", [(0, 10), (3, 10), (10, 10), (17, 1000)])
def test_clopper_pearson_and_wilson_agree_with_scipy(k, n):
    stats = pytest.importorskip("scipy.stats")
    for name, ours in (("exact", intervals.clopper_pearson), ("wilson", intervals.wilson)):
        theirs = stats.binomtest(k, n).proportion_ci(0.95, method=name)
        assert (ours(k, n).low, ours(k, n).high) == pytest.approx((theirs.low, theirs.high), abs=1e-10)


BAD_INPUT = [
    (lambda: intervals.clopper_pearson(3, 2), "[metrics.clopper_pearson] k"),
    (lambda: intervals.clopper_pearson(-1, 2), "k is out of range; got -1; expected an integer of at least 0"),
    (lambda: intervals.clopper_pearson(1.5, 2), "k must be an integer; got 1.5"),
    (lambda: intervals.wilson(1, 2, confidence="high"), "confidence must be a real number; got 'high'"),
    (lambda: intervals.clopper_pearson(1, 2, confidence=1.0), "confidence is out of range; got 1; expected a value in (0, 1)"),
    (lambda: intervals.wilson(1, 2, confidence=np.nan), "confidence is out of range; got nan"),
]


@pytest.mark.parametrize("call, part", BAD_INPUT, ids=[part for _, part in BAD_INPUT])
def test_bad_input_is_refused_with_a_message(call, part):
    with pytest.raises((ValueError, TypeError)) as caught:
        call()
    assert part in str(caught.value)
