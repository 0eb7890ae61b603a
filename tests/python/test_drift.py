"""oddity.metrics.drift against definitions, numerical integrals and its own states."""

import concurrent.futures
import copy
import json
import math
import pickle

import numpy as np
import pytest

from oddity.metrics import drift

RANDOM = np.random.default_rng(5)
SCORES = RANDOM.normal(size=3000).round(1)  # ties
P_VALUES = RANDOM.random(500) ** 1.3 * 0.999 + 0.001
MAKERS = [drift.PowerMartingale, lambda: drift.PowerMartingale(epsilon=0.8), drift.MixtureMartingale, drift.JumperMartingale, lambda: drift.JumperMartingale(jump=0.3)]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_online_p_values_are_ranks(dtype):
    scores = SCORES.astype(dtype)
    p_values = drift.OnlinePValues(seed=1).add(scores)
    for t in range(len(scores)):
        greater, equal = (scores[:t] > scores[t]).sum(), (scores[:t] == scores[t]).sum()
        assert greater / (t + 1) < p_values[t] <= (greater + equal + 1) / (t + 1)
    assert (p_values != drift.OnlinePValues(seed=2).add(scores)).any()


def test_batches_priming_and_restoring_change_nothing():
    whole = drift.OnlinePValues(seed=9)
    expected = whole.add(SCORES)
    online = drift.OnlinePValues(seed=9)
    online.prime(SCORES[:500])
    assert len(online) == 500
    assert (online.add(SCORES[500:1000]) == expected[500:1000]).all()
    for carried in (copy.deepcopy(online), pickle.loads(pickle.dumps(online)), drift.OnlinePValues.from_state(online.state())):
        assert carried.add_one(SCORES[1000]) == expected[1000]
        assert (carried.add(SCORES[1001:]) == expected[1001:]).all() and len(carried) == 3000
    state = whole.state()
    values, counts = np.unique(SCORES, return_counts=True)
    assert (state["scores"] == values).all() and (state["counts"] == counts).all() and state["seed"] == 9
    text = json.dumps({"seed": state["seed"], "scores": state["scores"].tolist(), "counts": state["counts"].tolist()})
    assert len(drift.OnlinePValues.from_state(json.loads(text))) == 3000


def test_power_is_the_product_of_its_bets():
    martingale = drift.PowerMartingale(epsilon=0.4)
    expected = np.cumsum(np.log(0.4 * P_VALUES**-0.6))
    assert martingale.bet(P_VALUES) == pytest.approx(expected, abs=1e-10)
    assert martingale.log_capital == pytest.approx(expected[-1], abs=1e-10)
    assert martingale.log_maximum == pytest.approx(max(0, expected.max()), abs=1e-10) and martingale.steps == 500


def test_mixture_is_the_integral_over_epsilon():
    integrate, special = pytest.importorskip("scipy.integrate"), pytest.importorskip("scipy.special")
    path = drift.MixtureMartingale().bet(P_VALUES)
    sums = np.cumsum(-np.log(P_VALUES))
    for n in (1, 2, 10, 40):
        area, _ = integrate.quad(lambda e, n=n: math.exp(n * math.log(e) + (1 - e) * sums[n - 1]) if e > 0 else 0.0, 0, 1, epsabs=0, epsrel=1e-12)
        assert path[n - 1] == pytest.approx(math.log(area), abs=1e-9)
    n = np.arange(1, 501)
    closed = sums + special.gammaln(n + 1) - (n + 1) * np.log(sums) + np.log(special.gammainc(n + 1, sums))
    assert path == pytest.approx(closed, abs=1e-9)


def test_jumper_by_its_recursion():
    shares, expected = np.full(3, 1 / 3), []
    for p in P_VALUES:
        shares = (0.9 * shares + 0.1 / 3 * shares.sum()) * (1 + np.array([-1, 0, 1]) * (p - 0.5))
        expected.append(math.log(shares.sum()))
    assert drift.JumperMartingale(jump=0.1).bet(P_VALUES) == pytest.approx(np.array(expected), abs=1e-11)


@pytest.mark.parametrize("make", MAKERS)
def test_martingales_go_on_from_their_state(make):
    expected = make().bet(P_VALUES)
    martingale = make()
    assert (martingale.bet(P_VALUES[:200]) == expected[:200]).all()
    for carried in (copy.copy(martingale), pickle.loads(pickle.dumps(martingale)), type(martingale).from_state(json.loads(json.dumps(martingale.state())))):
        assert carried.bet_one(P_VALUES[200]) == expected[200]
        assert (carried.bet(P_VALUES[201:]) == expected[201:]).all() and carried.steps == 500
    assert martingale.steps == 200
    martingale.restart()
    assert (martingale.bet(P_VALUES) == expected).all()


def test_alarm_at_one_over_alpha():
    martingale = drift.PowerMartingale(epsilon=0.5)
    martingale.bet([1e-4])  # capital 50
    martingale.bet([1.0] * 10)
    assert martingale.log_maximum == pytest.approx(math.log(50))
    assert martingale.has_alarm(0.0201) and not martingale.has_alarm(0.0199)


def test_scores_that_grow_and_scores_that_shrink_are_noticed():
    online, jumper, power = drift.OnlinePValues(seed=3), drift.JumperMartingale(), drift.PowerMartingale()
    shrinking = np.concatenate([RANDOM.normal(size=500), RANDOM.normal(-1.5, size=500)])
    p_values = online.add(shrinking)
    jumper.bet(p_values), power.bet(p_values)
    assert jumper.has_alarm(0.001) and not power.has_alarm(0.1)


def test_cusum_is_the_best_ratio():
    path = drift.PowerMartingale(epsilon=0.6).bet(P_VALUES)
    cusum = drift.Cusum(average_run_length=1e300)  # no alarm
    expected = path - np.minimum.accumulate(np.append(0, path))[:-1]
    assert (cusum.add(path) == expected).all() and cusum.statistic == expected[-1]
    assert cusum.alarms == 0 and cusum.latest_alarm == 0
    sensitive = drift.Cusum(5)
    statistic = sensitive.add(path)
    at = np.flatnonzero(statistic >= math.log(5))
    assert sensitive.alarms == len(at) > 1 and sensitive.latest_alarm == at[-1] + 1
    assert statistic[at[0] + 1] == pytest.approx(path[at[0] + 1] - path[at[0]], abs=1e-12)
    first = drift.Cusum(5)
    first.add(path[:100])
    for carried in (copy.deepcopy(first), drift.Cusum.from_state(json.loads(json.dumps(first.state())))):
        assert carried.add_one(path[100]) == statistic[100]
        assert (carried.add(path[101:]) == statistic[101:]).all()


def test_torch_tensors_and_lists_are_read():
    torch = pytest.importorskip("torch")
    assert (drift.OnlinePValues(seed=1).add(torch.tensor(SCORES)) == drift.OnlinePValues(seed=1).add(SCORES)).all()
    assert (drift.JumperMartingale().bet(torch.tensor(P_VALUES)) == drift.JumperMartingale().bet(P_VALUES)).all()
    assert drift.OnlinePValues().add([]).tolist() == []
    assert (drift.JumperMartingale().bet(P_VALUES.tolist()) == drift.JumperMartingale().bet(P_VALUES)).all()


def test_threads_take_turns():
    online, jumper = drift.OnlinePValues(seed=1), drift.JumperMartingale()
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda i: jumper.bet(online.add(np.full(500, float(i)))), range(40)))
    assert len(online) == 20_000 and jumper.steps == 20_000
    assert online.state()["counts"].tolist() == [500] * 40


NAN = SCORES.copy()
NAN[4] = np.nan
ONLINE, JUMPER, CUSUM = drift.OnlinePValues(), drift.JumperMartingale(), drift.Cusum(10)
BAD_INPUT = [
    (lambda: drift.OnlinePValues(seed=-1), ValueError, "[metrics.OnlinePValues] seed is out of range; got -1"),
    (lambda: ONLINE.add(NAN), ValueError, "[metrics.OnlinePValues.add] scores must be finite; got NaN at index 4"),
    (lambda: ONLINE.add(SCORES[::2]), ValueError, "scores is not contiguous"),
    (lambda: ONLINE.add(SCORES.astype(int)), TypeError, "scores has dtype int64; expected float32 or float64"),
    (lambda: ONLINE.add(SCORES.reshape(30, 100)), ValueError, "scores must have 1 dimension"),
    (lambda: ONLINE.add_one(math.inf), ValueError, "score must be finite; got infinity"),
    (lambda: ONLINE.add_one("7"), TypeError, "score must be a real number; got '7'"),
    (lambda: ONLINE.prime(NAN), ValueError, "[metrics.OnlinePValues.prime] scores must be finite; got NaN at index 4"),
    (lambda: drift.OnlinePValues.from_state({"seed": 1, "scores": [2.0, 1.0], "counts": [1, 1]}), ValueError, "scores of the state must ascend strictly"),
    (lambda: drift.OnlinePValues.from_state({"seed": 1, "scores": [1.0], "counts": [-3]}), ValueError, "counts of the state must be above 0"),
    (lambda: drift.OnlinePValues.from_state({"seed": 1}), TypeError, "state must be what OnlinePValues.state() returned; got ['seed']"),
    (lambda: drift.OnlinePValues.from_state(7), TypeError, "state must be what OnlinePValues.state() returned; got int"),
    (lambda: drift.PowerMartingale(epsilon=1), ValueError, "[metrics.PowerMartingale] epsilon is out of range; got 1"),
    (lambda: drift.JumperMartingale(jump=0), ValueError, "[metrics.JumperMartingale] jump is out of range; got 0"),
    (lambda: JUMPER.bet([0.5, 0]), ValueError, "[metrics.Martingale.bet] p-values are out of range; got 0 at index 1"),
    (lambda: JUMPER.bet(np.array([np.nan])), ValueError, "p-values are out of range; got nan at index 0"),
    (lambda: JUMPER.bet(P_VALUES[::2]), ValueError, "p_values is not contiguous"),
    (lambda: JUMPER.bet_one(1.5), ValueError, "p-value is out of range; got 1.5"),
    (lambda: JUMPER.has_alarm(1), ValueError, "[metrics.has_alarm] alpha is out of range; got 1"),
    (lambda: drift.JumperMartingale.from_state({**JUMPER.state(), "shares": [1.0, 1.0, 1.0]}), ValueError, "shares of the state must be a distribution"),
    (lambda: drift.JumperMartingale.from_state({**JUMPER.state(), "steps": 1.5}), TypeError, "steps must be an integer; got 1.5"),
    (lambda: drift.PowerMartingale.from_state(JUMPER.state()), TypeError, "state must be what PowerMartingale.state() returned"),
    (lambda: drift.MixtureMartingale.from_state({**drift.MixtureMartingale().state(), "log_sum": -1}), ValueError, "log_sum of the state is out of range"),
    (lambda: drift.Cusum(0.5), ValueError, "[metrics.Cusum] average_run_length is out of range; got 0.5"),
    (lambda: CUSUM.add(NAN), ValueError, "[metrics.Cusum.add] log_capital must be finite; got NaN at index 4"),
    (lambda: CUSUM.add_one(None), TypeError, "log_capital must be a real number; got None"),
    (lambda: drift.Cusum.from_state({**CUSUM.state(), "alarms": 3}), ValueError, "[metrics.Cusum] state is not possible"),
]


@pytest.mark.parametrize("call, kind, part", BAD_INPUT, ids=[part for _, _, part in BAD_INPUT])
def test_bad_input_is_refused_with_a_message(call, kind, part):
    with pytest.raises(kind) as caught:
        call()
    assert part in str(caught.value)


def test_refused_input_changes_nothing():
    assert len(ONLINE) == 0 and JUMPER.steps == 0 and CUSUM.state()["steps"] == 0
