"""Peers on the protocol of bench/anomaly.py: the same images (train/good, all test images, the same labels left out), stretched to 128x128, metrics of the raw maps at that
size, masks by nearest neighbour. ODDITY_DATA names the folder that holds the sets. A row that was done is not done again, so an interrupted run goes on where it stopped.

PatchCore and PaDiM of anomalib on EfficientNet-Lite0 with ImageNet weights and on an untrained ResNet-18; a convolutional autoencoder from scratch. About an hour on two cores."""

import argparse
import csv
import hashlib
import json
import os
import pathlib
import statistics
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
WORK = ROOT / "build/bench/peers_anomaly"
sys.path.insert(0, str(HERE))
import environment  # noqa: E402

SETS = {"ball_screw": ["pitting_other_type"], "battery_weld": [], "deeppcb_patch": []}
SIZE = 128
COLUMNS = ["set", "peer", "weights", "image AUROC", "pixel AUROC", "pixel AP", "AUPRO 0.30", "ms, batch 1", "fit, CPU s"]


def read_set(root, exclude, limit):
    """Training images and test images as float tensors [n, 3, S, S], masks [n, S, S], defective [n]. `limit` keeps that many of each label (0 = all): smoke runs only."""
    import numpy as np
    import torch
    from PIL import Image

    def image(file):
        picture = Image.open(root / file).convert("RGB").resize((SIZE, SIZE), Image.Resampling.BILINEAR)
        return torch.from_numpy(np.array(picture)).permute(2, 0, 1)

    def mask(file):
        if not file:
            return np.zeros((SIZE, SIZE), bool)
        return np.array(Image.open(root / file).convert("L").resize((SIZE, SIZE), Image.Resampling.NEAREST)) > 127

    kept, rows = {}, []
    with open(root / "index.csv", newline="", encoding="utf-8") as lines:
        for row in sorted(csv.DictReader(lines), key=lambda r: r["file"]):
            key = (row["split"], row["label"])
            kept[key] = kept.get(key, 0) + 1
            if row["label"] not in exclude and (not limit or kept[key] <= limit):
                rows.append(row)
    train = [row for row in rows if row["split"] == "train" and row["label"] == "good"]
    test = [row for row in rows if row["split"] == "test"]
    without = [row["file"] for row in test if row["label"] != "good" and not row["mask"]]
    if without:
        sys.exit(f"bench: defects without mask in {root}: {without[:3]}; this protocol needs all masks")
    stack = [torch.stack([image(row["file"]) for row in part]).float() / 255 for part in (train, test)]
    return stack[0], stack[1], np.stack([mask(row["mask"]) for row in test]), np.array([row["label"] != "good" for row in test])


def milliseconds(peer, image, count=30):
    times = []
    for _ in range(count + 5):
        begun = time.perf_counter()
        peer.judge(image)
        times.append(1000 * (time.perf_counter() - begun))
    return statistics.median(times[5:])


def judge_peer(name, data, arguments):
    """Rows of one peer on one set; the autoencoder has two read-outs."""
    import torch
    import measures
    import models

    train, test, masks, defective = data
    torch.manual_seed(arguments.seed)
    makers = {
        ("PatchCore", "ImageNet"): lambda: models.PatchCore(models.LITE0), ("PaDiM", "ImageNet"): lambda: models.PaDiM(models.LITE0),
        ("PatchCore", "untrained"): lambda: models.PatchCore(models.RESNET), ("PaDiM", "untrained"): lambda: models.PaDiM(models.RESNET),
        ("autoencoder", "from scratch"): lambda: models.Autoencoder(arguments.autoencoder_steps, seed=arguments.seed),
    }
    peer = makers[name]()
    begun = time.process_time()
    peer.fit(train)
    common = {"weights": name[1], "fit, CPU s": time.process_time() - begun, "ms, batch 1": milliseconds(peer, test[:1])}
    if name[0] == "autoencoder":
        return [{"peer": f"autoencoder, {kind}", **common, **measures.measure(maps.amax((1, 2)).numpy(), maps.numpy(), masks, defective)}
                for kind, maps in peer.maps(test).items()]
    scores, maps = peer.judge(test)
    return [{"peer": name[0], **common, **measures.measure(scores.numpy(), maps.numpy(), masks, defective)}]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", help="comma-separated sets")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--autoencoder-steps", type=int, default=2000)
    parser.add_argument("--limit", type=int, default=0, help="images of each label, for a smoke run; its rows are marked and kept apart")
    arguments = parser.parse_args()
    data = os.environ.get("ODDITY_DATA")
    if not data:
        sys.exit("bench: ODDITY_DATA is not set; it names the folder that holds ball_screw, battery_weld and deeppcb_patch")
    environment.run_with_peers()
    os.environ["HF_HUB_OFFLINE"] = "1"
    import torch

    torch.set_num_threads(arguments.threads)
    sources = b"".join((HERE / name).read_bytes() for name in ("anomaly.py", "models.py", "measures.py", "requirements.txt"))
    settings = f"{arguments.seed} {arguments.threads} {arguments.autoencoder_steps} {arguments.limit}"
    key = hashlib.sha256(sources + settings.encode()).hexdigest()[:16]
    WORK.mkdir(parents=True, exist_ok=True)
    names = [("PatchCore", "ImageNet"), ("PaDiM", "ImageNet"), ("PatchCore", "untrained"), ("PaDiM", "untrained"), ("autoencoder", "from scratch")]
    rows = []
    for set_name, exclude in SETS.items():
        if arguments.only and set_name not in arguments.only.split(","):
            continue
        loaded = None
        for name in names:
            file = WORK / f"{set_name}-{name[0]}-{name[1].replace(' ', '_')}-{arguments.seed}{'-smoke' if arguments.limit else ''}.json"
            stored = json.loads(file.read_text()) if file.exists() else {}
            if stored.get("key") != key:
                print(f"{time.strftime('%H:%M:%S')} {name[0]} ({name[1]}) on {set_name}", flush=True)
                loaded = loaded or read_set(pathlib.Path(data) / set_name, exclude, arguments.limit)
                stored = {"key": key, "rows": judge_peer(name, loaded, arguments)}
                file.write_text(json.dumps(stored))
            rows += [{"set": set_name, **row} for row in stored["rows"]]
    smoke = ", smoke run on a part of the images" if arguments.limit else ""
    (ROOT / "build/bench/peers_anomaly.json").write_text(json.dumps({
        "title": f"Peers of the anomaly models on real parts{smoke}", "command": "tools/bench " + " ".join(["peers/anomaly", *sys.argv[1:]]),
        "columns": COLUMNS, "rows": rows,
        "notes": ["Same protocol as bench/anomaly.py: train/good only, 128x128 stretched, all test images, raw maps, pixel AP in step form, exact AUPRO, 8-connected regions.",
                  "PatchCore and PaDiM are anomalib's modules; ImageNet: EfficientNet-Lite0 (blocks 2 + 4; blocks 1 + 2 + 4, 100 dimensions); untrained: ResNet-18 (layers 2 + 3; 1 to 3).",
                  "PatchCore's memory holds 10 % of the patches, at most 3,000, chosen by anomalib's greedy search; image score as the model gives it.",
                  f"Autoencoder: {arguments.autoencoder_steps} steps of batch 16, image score = largest value of the map. Seed {arguments.seed}, {arguments.threads} threads."]}, indent=1))


if __name__ == "__main__":
    main()
