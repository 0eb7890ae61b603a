"""Speed of the training loop: a whole step (data, corruption, forward, backward, optimiser) beside the same step on one batch held in memory, host reads per step, and
where the time goes in one training and one evaluation. Writes build/bench/training_speed.json and build/bench/profile.json; program: bench/training_speed.cpp."""

import argparse
import json
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
ODDITY = pathlib.Path(os.environ.get("ODDITY_COMMAND", ROOT / "build/release/oddity"))
PROGRAMS = pathlib.Path(os.environ.get("ODDITY_BENCH_PROGRAMS", ODDITY.parent / "bench"))
SETS = {"aligned parts": "synthetic:line?n=200&variant=aligned", "free parts": "synthetic:line?n=200&variant=texture"}
GATE = 0.85


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--threads", type=int, default=min(2, os.cpu_count() or 1))
    arguments = parser.parse_args()
    program = PROGRAMS / "training_speed_bench"
    if not program.exists():
        sys.exit(f"bench: {program} is missing; make bench-training builds it")
    rows, profile = [], []
    for name, root in SETS.items():
        done = subprocess.run([program, ROOT / "configs/anomaly/default.yaml", str(arguments.steps), str(arguments.threads), f"data.root={root}"],
                              env={**os.environ, "OMP_WAIT_POLICY": "PASSIVE"}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if done.returncode:
            sys.exit(f"bench: {program.name} failed:\n{done.stderr[-2000:]}")
        out = json.loads(done.stdout)
        shown = {"parts": name, "full step, ms": out["full_ms"], "step on a fixed batch, ms": out["fixed_ms"]}
        rows.append({**shown, "what": "loop speed", "value": out["ratio"], "target": f">= {GATE}", "held": out["ratio"] >= GATE})
        rows.append({"parts": name, "what": "loop speed in processor time", "value": out["ratio_cpu"]})
        rows.append({"parts": name, "what": "host reads per step", "value": out["host_reads_per_step"], "target": "0", "held": out["host_reads_per_step"] == 0})
        for run in ("training", "evaluation"):
            for part in out[f"{run}_parts"]:
                profile.append({"run": f"{run}, {name}", "kind": "part", "what": part["part"], "calls": part["count"], "s": part["seconds"],
                                "CPU s": part["cpu_seconds"], "ms a call": 1000 * part["seconds"] / max(1, part["count"])})
            for row in out[f"{run}_operators"]:
                profile.append({"run": f"{run}, {name}", "kind": "operator", "what": row["operator"], "calls": row["calls"], "s": row["seconds"],
                                "ms a call": 1000 * row["seconds"] / row["calls"], "share of operators": row["share"]})
    load = f"Load average of the machine at the end: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores."
    command = " ".join(["tools/bench training_speed", *sys.argv[1:]])
    results = ROOT / "build/bench"
    results.mkdir(parents=True, exist_ok=True)
    (results / "training_speed.json").write_text(json.dumps({
        "title": "Speed of the training loop", "command": command,
        "columns": ["parts", "what", "value", "full step, ms", "step on a fixed batch, ms"], "rows": rows,
        "notes": [f"Medians of {arguments.steps} steps each, in turns, {out['threads']} threads, {out['precision']}, batch {out['batch']}, model {out['model']}.",
                  "Loop speed = median step on one batch held in memory / median whole step (data, corruption, forward, backward, optimiser, log reads).", load]}, indent=1))
    (results / "profile.json").write_text(json.dumps({
        "title": "Where the time goes: one training, one evaluation", "command": command,
        "columns": ["run", "kind", "what", "calls", "s", "CPU s", "ms a call", "share of operators"], "rows": profile,
        "notes": ["Operators: self time without the operators they call, the 15 most expensive; 20 training steps, 50 images. Measuring them costs a callback an operator.",
                  "`full step` holds `batch and forward, whole step`, `backward`, `optimiser` and the log; `draw ...`, `draw defects` and the forward on a fixed batch are "
                  "measured apart and are parts of `batch and forward`; what is left there is jitter, noise and blur.", load]}, indent=1))


if __name__ == "__main__":
    main()
