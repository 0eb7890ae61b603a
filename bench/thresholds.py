"""Honest thresholds: the overkill of fresh good parts keeps its promise. One model, calibrated anew on 400 parts of each of 20 data seeds at a budget of 1 %; the
count of rejected parts among 2,000 fresh ones must lie in the central 99.9 % of BetaBinomial(2000; 4, 397), and the 20 randomised PIT values must pass for uniform."""

import argparse
import json
import math
import os
import pathlib
import random
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
ODDITY = pathlib.Path(os.environ.get("ODDITY_COMMAND", ROOT / "build/release/oddity"))
WORK = ROOT / "build/bench/thresholds"


def run(*arguments):
    done = subprocess.run([ODDITY, *map(str, arguments)], env={**os.environ, "OMP_WAIT_POLICY": "PASSIVE"}, stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit(f"bench: {arguments[0]} failed:\n{done.stderr[-2000:]}")


def beta_binomial(n, a, b):
    """P(X = k) for k = 0..n."""
    def log_beta(x, y):
        return math.lgamma(x) + math.lgamma(y) - math.lgamma(x + y)
    return [math.exp(math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1) + log_beta(k + a, n - k + b) - log_beta(a, b)) for k in range(n + 1)]


def kolmogorov_p(values):
    """Asymptotic p-value of the one-sample test against uniform, with Stephens' small-sample factor."""
    ordered, n = sorted(values), len(values)
    d = max(max((i + 1) / n - v, v - i / n) for i, v in enumerate(ordered))
    x = (math.sqrt(n) + 0.12 + 0.11 / math.sqrt(n)) * d
    return min(1.0, 2 * sum((-1) ** (k - 1) * math.exp(-2 * k * k * x * x) for k in range(1, 101)))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--parts", type=int, default=400)
    parser.add_argument("--fresh", type=int, default=2000)
    parser.add_argument("--config", default=str(ROOT / "configs/anomaly/default.yaml"))
    parser.add_argument("--steps", type=int, default=300)
    arguments = parser.parse_args()
    shutil.rmtree(WORK, ignore_errors=True)
    WORK.mkdir(parents=True)
    run("train", arguments.config, "data.root=synthetic:line?n=120&seed=900", f"training.steps={arguments.steps}", "--out", WORK / "run")
    budget = 0.01
    k = math.floor((arguments.parts + 1) * budget + 1e-9)
    law = beta_binomial(arguments.fresh, k, arguments.parts + 1 - k)
    cumulative = [sum(law[:i]) for i in range(len(law) + 1)]
    low = next(i for i in range(len(law)) if cumulative[i + 1] > 0.0005)
    high = next(i for i in range(len(law)) if cumulative[i + 1] >= 0.9995)
    chance = random.Random(1)
    rows, pits = [], []
    for seed in range(arguments.seeds):
        calibrated = WORK / f"calibrated-{seed}.oddity"
        good = f"synthetic:line?n={arguments.parts}&test_good=1&test_defects=0&seed={1000 + seed}"
        fresh = f"synthetic:line?n=1&test_good={arguments.fresh}&test_defects=0&seed={1000 + seed}"
        run("recalibrate", WORK / "run/model.oddity", good, "--split", "train", "--budget", budget, "--out", calibrated)
        run("evaluate", calibrated, fresh, "--out", WORK / f"evaluation-{seed}")
        metrics = json.loads((WORK / f"evaluation-{seed}/metrics.json").read_text())
        count = metrics["confusion"]["overkill"]["k"] if isinstance(metrics["confusion"]["overkill"], dict) else metrics["confusion"]["overkill"]
        assert metrics["threshold"]["n_calibration"] == arguments.parts, metrics["threshold"]
        pits.append(cumulative[count] + chance.random() * law[count])
        rows.append({"data seed": 1000 + seed, "overkill": count, "of": arguments.fresh, "PIT": pits[-1], "target": f"{low} to {high}", "held": low <= count <= high})
        print(f"seed {1000 + seed}: {count} of {arguments.fresh} good parts rejected, expected {low} to {high}, PIT {pits[-1]:.3f}", flush=True)
    p = kolmogorov_p(pits)
    rows.append({"data seed": "all", "overkill": sum(r["overkill"] for r in rows), "of": arguments.seeds * arguments.fresh, "PIT": p,
                 "target": "Kolmogorov-Smirnov p of the PIT values >= 0.001", "held": p >= 1e-3})
    (ROOT / "build/bench/thresholds.json").write_text(json.dumps({
        "title": "Honest thresholds on the synthetic line", "command": f"tools/bench thresholds --seeds {arguments.seeds} --parts {arguments.parts} --fresh {arguments.fresh}",
        "columns": ["data seed", "overkill", "of", "PIT"], "rows": rows,
        "notes": [f"Law of the count: BetaBinomial({arguments.fresh}; {k}, {arguments.parts + 1 - k}); its central 99.9 % is {low} to {high}.", "Only calibration is repeated; the model is one."]}, indent=1))


if __name__ == "__main__":
    main()
