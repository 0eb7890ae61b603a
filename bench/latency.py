"""Latency of one 128x128 image, batch 1: oddity's engine (stored pixels in, verdict with map and regions out) beside anomalib's PaDiM on EfficientNet-Lite0 (eager, as it
ships; prepared float image in, map and score out). Same run, same threads, in turns, so that other load on the machine meets both. Two packages, because aligned parts get
one Gaussian a position and free ones a single Gaussian; they are trained for a few steps, which does not change what an image costs."""

import argparse
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
ODDITY = pathlib.Path(os.environ.get("ODDITY_COMMAND", ROOT / "build/release/oddity"))
PROGRAMS = pathlib.Path(os.environ.get("ODDITY_BENCH_PROGRAMS", ODDITY.parent / "bench"))
WORK = ROOT / "build/bench/latency"
SETS = {"aligned": "synthetic:line?n=60&variant=aligned", "free": "synthetic:line?n=60&variant=texture"}
GATE, PURSUED = 0.6, 0.4
sys.path.insert(0, str(ROOT / "bench/peers"))
import environment  # noqa: E402


def output_of(*command):
    done = subprocess.run(list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit(f"bench: {' '.join(map(str, command[:2]))} failed:\n{done.stderr[-2000:]}")
    return done.stdout


def peer_of(torch):
    import models

    torch.manual_seed(0)
    peer = models.PaDiM(models.LITE0)
    peer.fit(torch.rand(32, 3, 128, 128))
    return peer.model


def time_peer(torch, model, image, count):
    """Median, least and processor milliseconds of an image."""
    times = []
    with torch.inference_mode():
        for _ in range(20):  # as latency_bench warms up
            model(image)
        cpu_begun = time.process_time()
        for _ in range(count):
            begun = time.perf_counter()
            model(image)
            times.append(1000 * (time.perf_counter() - begun))
        cpu = 1000 * (time.process_time() - cpu_begun) / count
    return statistics.median(times), min(times), cpu


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=100, help="images a round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=40, help="training steps of the packages")
    arguments = parser.parse_args()
    if not (PROGRAMS / "latency_bench").exists():
        sys.exit(f"bench: {PROGRAMS / 'latency_bench'} is missing; make bench-latency builds it")
    os.environ["OMP_WAIT_POLICY"] = "PASSIVE"  # for both
    environment.run_with_peers()
    os.environ["HF_HUB_OFFLINE"] = "1"
    import torch

    model = peer_of(torch)
    image = torch.rand(1, 3, 128, 128) * 2 - 1
    rows = []
    for name, root in SETS.items():
        out = WORK / name
        shutil.rmtree(out, ignore_errors=True)
        output_of(ODDITY, "train", ROOT / "configs/anomaly/default.yaml", f"data.root={root}", f"training.steps={arguments.steps}",
                  f"augment.alignment={name}", "--out", out)
        for threads in (1, 2):
            torch.set_num_threads(threads)
            ours, theirs = [], []
            for _ in range(arguments.rounds):
                done = json.loads(output_of(PROGRAMS / "latency_bench", out / "model.oddity", threads, arguments.count))
                ours.append((done["median_ms"], done["min_ms"], done["cpu_ms"]))
                theirs.append(time_peer(torch, model, image, arguments.count))
            a, b = (statistics.median(t[0] for t in times) for times in (ours, theirs))
            ratio, least = a / b, min(t[1] for t in ours) / min(t[1] for t in theirs)
            cpu = statistics.median(t[2] for t in ours) / statistics.median(t[2] for t in theirs)
            rows.append({"parts": name, "threads": threads, "oddity, ms": a, "anomalib PaDiM, ms": b, "ratio": ratio, "ratio of the least": least,
                         "ratio of processor time": cpu, f"<= {PURSUED}": "yes" if ratio <= PURSUED else "no", "target": f"ratio <= {GATE}", "held": ratio <= GATE})
            print(f"{name}, {threads} thread(s): {a:.2f} ms against {b:.2f} ms, ratio {ratio:.2f} (processor time {cpu:.2f})", flush=True)
    (ROOT / "build/bench/latency.json").write_text(json.dumps({
        "title": "Latency of one 128x128 image", "command": " ".join(["tools/bench latency", *sys.argv[1:]]),
        "columns": ["parts", "threads", "oddity, ms", "anomalib PaDiM, ms", "ratio", "ratio of the least", "ratio of processor time",
                    f"<= {PURSUED}"], "rows": rows,
        "notes": [f"Median over {arguments.rounds} rounds of the median of {arguments.count} images, in turns; `ratio of the least` compares the fastest images, which other load touches least.",
                  "oddity: engine in f32, from stored pixels to verdict. anomalib: PaDiM on EfficientNet-Lite0, 100 dimensions, eager, from the normalised tensor to map and score.",
                  f"Load average of the machine at the end: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores."]}, indent=1))


if __name__ == "__main__":
    main()
