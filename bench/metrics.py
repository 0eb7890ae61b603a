"""Metrics beside their peers: same data, same process, medians, agreement and ratio. Each file of bench/metrics/ is one area and runs in a process of its own; its
`rows(oddity)` yields dictionaries with what, ours, peer, peer_name, ratio, agreement, agrees, target, held, note (seconds unless said otherwise)."""

import argparse
import importlib.util
import json
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
AREAS = ROOT / "bench" / "metrics"
PACKAGE = ROOT / "build/release/python"
sys.path.insert(0, str(ROOT / "bench/peers"))


def rows_of(area):
    """Runs in the child: the rows of one area as a list of dictionaries."""
    import oddity

    spec = importlib.util.spec_from_file_location(f"bench_metrics_{area}", AREAS / f"{area}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for row in module.rows(oddity):
        print(json.dumps(row), flush=True)


def in_child(area):
    """One JSON line a row; an area that stops is reported and fails the run: agreement is a gate."""
    environment = {**os.environ, "PYTHONPATH": str(PACKAGE), "PYTHONWARNINGS": "ignore", "OMP_WAIT_POLICY": "PASSIVE"}
    child = subprocess.Popen([sys.executable, __file__, "--area", area], env=environment, stdout=subprocess.PIPE, text=True)
    for line in child.stdout:
        if line.startswith("{"):
            yield json.loads(line)
    if child.wait():
        sys.exit(f"bench: bench/metrics/{area}.py stopped with exit code {child.returncode}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--area", help=argparse.SUPPRESS)
    parser.add_argument("--only", help="one area")
    arguments = parser.parse_args()
    if arguments.area:
        return rows_of(arguments.area)
    if not PACKAGE.exists():
        sys.exit("bench: there is no Python package in build/release/python; run make build-python")
    from environment import run_with_peers

    run_with_peers()
    areas = sorted(p.stem for p in AREAS.glob("*.py"))
    if arguments.only:
        if arguments.only not in areas:
            sys.exit(f"bench: no area '{arguments.only}'; known: {', '.join(areas)}")
        areas = [arguments.only]
    rows, disagreements = [], []
    for area in areas:
        for row in in_child(area):
            ratio = row.get("ratio")
            print(f"{area}: {row['what']}: " + (f"{ratio:.3g} x {row['peer_name']}" if ratio else row.get("note") or ""), file=sys.stderr, flush=True)
            if row.get("agrees") is False:
                disagreements.append(f"{row['what']} / {row['peer_name']}")
            rows.append({"area": area, **row, "peer": row["peer_name"], "peer s": row["peer"], "ours s": row["ours"]})
    result = {
        "title": "Metrics beside their peers",
        "command": "make bench-metrics",
        "columns": ["area", "what", "peer", "ours s", "peer s", "ratio", "agreement", "note"],
        "rows": rows,
        "notes": [
            "ratio: time of the peer over ours, both in this process on the same arrays; medians of at least 3 calls",
            f"disagreements with a peer (each explained in its note): {', '.join(disagreements) or 'none'}",
        ],
    }
    out = ROOT / "build/bench/metrics.json"
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(result, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
