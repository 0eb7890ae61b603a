"""Accuracy of the default config, as shipped, on real parts. ODDITY_DATA names the folder that holds the sets; without it there is nothing to do.

Each row trains on good images only and judges the whole test split. A row that was done with this very command and config is not done again, so an interrupted run
goes on where it stopped. --full: mean of seeds 0 and 1, and the extra rows (native size, one model for all sets, variants of the synthetic line).
"""

import argparse
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
ODDITY = ROOT / "build/release/oddity"
CONFIG = ROOT / "configs/anomaly/default.yaml"
WORK = ROOT / "build/bench/anomaly"

# Targets: image AUROC, pixel AP, AUPRO 0.30. Peers: best cells with ImageNet features, one seed, same protocol (bench/peers/anomaly.py).
SETS = {
    "ball_screw": {"target": (0.90, 0.20, 0.82), "peer": (0.847, 0.099, 0.755), "exclude": ["pitting_other_type"]},
    "battery_weld": {"target": (0.98, 0.70, 0.82), "peer": (0.942, 0.329, 0.514), "exclude": []},
    "deeppcb_patch": {"target": (0.98, 0.40, 0.96), "peer": (0.869, 0.180, 0.919), "exclude": []},
}
GATE = (0.92, 0.34, 0.78)
VARIANTS = ["aligned", "jittered", "rotated", "texture", "two_level", "colored", "tiny", "large", "few", "drift"]
KEYS = (("image", "auroc"), ("pixel", "average_precision"), ("pixel", "aupro_030"))


def one_run(name, root, seed, exclude=(), more=()):
    """Trains and evaluates once; returns metrics, seconds of training and seconds of CPU."""
    overrides = [f"data.root={root}", f"training.seed={seed}", f"data.exclude_labels=[{', '.join(exclude)}]", *more]
    key = hashlib.sha256(("\n".join(overrides) + CONFIG.read_text() + ODDITY.read_bytes().hex()).encode()).hexdigest()[:16]
    out = WORK / f"{name}-{seed}"
    stamp = out / "stamp"
    if not (stamp.exists() and stamp.read_text() == key):
        shutil.rmtree(out, ignore_errors=True)
        environment = {**os.environ, "OMP_WAIT_POLICY": "PASSIVE"}
        print(f"{time.strftime('%H:%M:%S')} training {name}, seed {seed}", flush=True)
        for command in (["train", CONFIG, *overrides, "--out", out / "run"], ["evaluate", out / "run/model.oddity", root, "--out", out / "evaluation"]):
            done = subprocess.run([ODDITY, *map(str, command)], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
            if done.returncode:
                sys.exit(f"bench: {command[0]} of {name} failed:\n{done.stderr[-2000:]}")
        stamp.write_text(key)
    manifest = json.loads((out / "run/manifest.json").read_text())
    return json.loads((out / "evaluation/metrics.json").read_text()), manifest


def values_of(metrics):
    return [metrics[area][key]["value"] for area, key in KEYS]


def interval_of(metrics, index):
    area, key = KEYS[index]
    return metrics[area][key]["low"], metrics[area][key]["high"]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="mean of seeds 0 and 1, and the extra rows")
    parser.add_argument("--only", help="comma-separated sets")
    arguments = parser.parse_args()
    data = os.environ.get("ODDITY_DATA")
    if not data:
        sys.exit("bench: ODDITY_DATA is not set; it names the folder that holds ball_screw, battery_weld and deeppcb_patch")
    seeds = (0, 1) if arguments.full else (0,)
    columns = ["set", "seeds", "image AUROC", "pixel AP", "AUPRO 0.30", "95 % (AP)", "95 % (AUPRO)", "best peer", "CPU s"]
    rows, means = [], []
    for name, about in SETS.items():
        if arguments.only and name not in arguments.only.split(","):
            continue
        runs = [one_run(name, pathlib.Path(data) / name, seed, about["exclude"]) for seed in seeds]
        mean = [sum(v) / len(runs) for v in zip(*(values_of(m) for m, _ in runs))]
        means.append(mean)
        spans = [interval_of(runs[0][0], i) for i in (1, 2)]
        # Significantly below the best peer: the whole interval of the first seed lies under it.
        below = [k for k, i in (("AP", 1), ("AUPRO", 2)) if interval_of(runs[0][0], i)[1] < about["peer"][i]]
        rows.append({
            "set": name + (f" (significantly below the peer in {' and '.join(below)})" if below else ""), "seeds": len(runs),
            "image AUROC": mean[0], "pixel AP": mean[1], "AUPRO 0.30": mean[2],
            "95 % (AP)": "{:.3f} to {:.3f}".format(*spans[0]), "95 % (AUPRO)": "{:.3f} to {:.3f}".format(*spans[1]),
            "best peer": " / ".join(f"{v:.3f}" for v in about["peer"]), "CPU s": max(m["training_cpu_seconds"] for _, m in runs),
            "target": " / ".join(f"{v:.2f}" for v in about["target"]), "held": all(a >= b for a, b in zip(mean, about["target"])),
        })
    if len(means) == len(SETS):
        mean = [sum(v) / len(means) for v in zip(*means)]
        rows.append({"set": "mean of the sets (gate)", "seeds": len(seeds), "image AUROC": mean[0], "pixel AP": mean[1], "AUPRO 0.30": mean[2],
                     "target": " / ".join(f"{v:.2f}" for v in GATE), "held": all(a >= b for a, b in zip(mean, GATE))})
    if arguments.full:
        steps = int(next(line.split()[1] for line in CONFIG.read_text().splitlines() if line.strip().startswith("steps:")))
        for name, crop in (("ball_screw", "[128, 128]"), ("battery_weld", "[128, 128]")):
            metrics, manifest = one_run(f"{name}-native", pathlib.Path(data) / name, 0, SETS[name]["exclude"], ["data.fit=native", f"data.image_size={crop}"])
            v = values_of(metrics)
            rows.append({"set": f"{name}, native size, trained on 128x128 crops", "seeds": 1, "image AUROC": v[0], "pixel AP": v[1], "AUPRO 0.30": v[2],
                         "CPU s": manifest["training_cpu_seconds"]})
        for variant in VARIANTS:
            root = f"synthetic:line?variant={variant}&seed=1"
            ours, manifest = one_run(f"line-{variant}", root, 0, (), [f"training.steps={steps // 4}"])
            template, _ = one_run(f"line-{variant}-template", root, 0, (), ["model.name=pixel_template"])
            v, t = values_of(ours), values_of(template)
            rows.append({"set": f"synthetic line, {variant} (a quarter of the steps)", "seeds": 1, "image AUROC": v[0], "pixel AP": v[1], "AUPRO 0.30": v[2],
                         "best peer": "template " + " / ".join(f"{x:.3f}" for x in t), "CPU s": manifest["training_cpu_seconds"],
                         "target": "above the template", "held": all(a >= b for a, b in zip(v, t))})
    (ROOT / "build/bench").mkdir(parents=True, exist_ok=True)
    (ROOT / "build/bench/anomaly.json").write_text(json.dumps({
        "title": "Anomaly detection on real parts, default config as shipped",
        "command": "make bench-anomaly" + ("-full" if arguments.full else ""), "columns": columns, "rows": rows,
        "notes": ["Good images only; input stretched to 128x128 unless the row says otherwise; metrics at model size, masks by nearest neighbour; intervals by bootstrap over images.",
                  "Best peer: best cells of anomalib models with ImageNet features on the same protocol, one seed: image AUROC / pixel AP / AUPRO.",
                  "battery_weld has 13 good test images: its image AUROC is weak evidence."]}, indent=1))


if __name__ == "__main__":
    main()
