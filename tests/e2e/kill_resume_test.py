"""A training that is killed at random moments always resumes, and ends with the very bytes of the uninterrupted run."""

import os
import pathlib
import random
import signal
import subprocess
import tempfile
import time
import unittest

from harness import COMMAND, ROOT, run

KILLS = int(os.environ.get("ODDITY_KILLS", "8"))
CONFIG = ROOT / "configs/anomaly/default.yaml"
SETTINGS = [
    "data.root=synthetic:line?n=40&test_good=4&test_defects=1&seed=5&size=64", "data.image_size=[64, 64]", "model.size=small",
    "training.steps=60", "training.batch=2", "training.checkpoint_every=3", "training.threads=1", "training.precision=f32",
]


class KillResume(unittest.TestCase):
    def test_killed_runs_end_with_the_same_bytes(self):
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            begun = time.monotonic()
            code, _, err = run("train", CONFIG, *SETTINGS, "--out", folder / "straight")
            self.assertEqual(code, 0, err)
            duration = time.monotonic() - begun
            environment = {**os.environ, "OMP_WAIT_POLICY": "PASSIVE"}
            chance = random.Random(1)
            killed = 0
            for _ in range(20 * KILLS):
                resume = ["--resume"] if (folder / "killed/config.yaml").exists() else []
                process = subprocess.Popen([COMMAND, "train", str(CONFIG), *SETTINGS, "--out", str(folder / "killed"), *resume],
                                           stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment)
                if killed < KILLS:
                    try:
                        process.wait(chance.uniform(0.3, 0.3 + 0.5 * duration))
                    except subprocess.TimeoutExpired:
                        process.send_signal(signal.SIGKILL)
                err = process.communicate()[1].decode()
                if process.returncode == -signal.SIGKILL:
                    killed += 1
                    continue
                self.assertEqual(process.returncode, 0, err)
                if killed >= KILLS:
                    break
                # It finished before it was killed: start over so that every kill hits a running training.
                subprocess.run(["rm", "-rf", str(folder / "killed")], check=True)
            self.assertEqual(killed, KILLS)
            straight, survivor = (folder / name / "checkpoints" for name in ("straight", "killed"))
            newest = sorted(p.name for p in straight.iterdir())[-1]
            for part in ("model.safetensors", "optimizer.safetensors"):
                self.assertEqual((straight / newest / part).read_bytes(), (survivor / newest / part).read_bytes(), part)
            for name in ("straight", "killed"):
                code, _, err = run("export", folder / name / "model.oddity", "--out", folder / f"{name}.onnx")
                self.assertEqual(code, 0, err)
            self.assertEqual((folder / "straight.onnx").read_bytes(), (folder / "killed.onnx").read_bytes(), "exported graphs")
            left = [str(p) for p in (folder / "killed").rglob(".*tmp-*")]
            self.assertEqual(left, [], "no temporary is left")
            print(f"{killed} kills, {duration:.1f} s uninterrupted, checkpoint {newest} equal byte for byte")


if __name__ == "__main__":
    unittest.main()
