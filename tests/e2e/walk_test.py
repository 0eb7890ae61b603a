"""The whole walk on a small synthetic line: data, train, describe, evaluate, predict, export, recalibrate."""

import csv
import io
import json
import os
import pathlib
import signal
import subprocess
import time
import unittest

import harness
from harness import CommandTest, LINE, png, run


class Walk(CommandTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.package = cls.train_template()

    def test_synthesize_check_stats_and_import(self):
        line = self.folder / "new" / "parents" / "line"
        self.expect(0, "data", "synthesize", "line", "n=40", "test_good=8", "test_defects=1", "seed=3", "size=64", "--out", line)
        rows = list(csv.DictReader(io.StringIO((line / "index.csv").read_text())))
        self.assertEqual(sum(row["split"] == "train" for row in rows), 40)
        self.assertTrue(any(key.startswith("context.") for key in rows[0]))
        for row in rows:
            self.assertTrue((line / row["file"]).is_file())
            self.assertEqual(bool(row["mask"]), row["label"] != "good")
        out, _ = self.expect(0, "data", "check", line)
        self.assertIn("40", out)
        out, _ = self.expect(0, "data", "stats", line)
        self.assertRegex(out, r"train +good +40\n")
        # What is there is not replaced, and nothing is rendered in vain.
        begun = time.monotonic()
        self.expect(2, "data", "synthesize", "line", "n=100000", "size=512", "--out", line, says=["exists", "not empty"])
        self.assertLess(time.monotonic() - begun, 60)
        out, _ = self.expect(0, "data", "synthesize", "--help")
        for word in ("validation_defects", "two_level", "bracket"):
            self.assertIn(word, out)
        out, _ = self.expect(0, "data", "import", line, "--out", self.folder / "packs")
        pack = pathlib.Path(out.strip())
        self.assertTrue(pack.is_file())
        # The same images, whichever way they are stored.
        scores = []
        for source in (line, pack):
            self.expect(0, "evaluate", self.package, source, "--out", self.folder / "by-source")
            scores.append((self.folder / "by-source/scores.csv").read_bytes())
        self.assertEqual(scores[0], scores[1])
        self.expect(2, "data", "synthesize", "line", "n=40", "sede=3", "--out", self.folder / "x", says="seed")

    def test_train_leaves_a_run(self):
        run_folder = self.package.parent
        for name in ("config.yaml", "manifest.json", "model.oddity"):
            self.assertTrue((run_folder / name).is_file(), name)
        self.assertEqual(self.leftovers(run_folder), [])
        # The resolved config trains again; a run is never overwritten.
        self.expect(2, "train", run_folder / "config.yaml", "--out", run_folder, says=str(run_folder))
        _, error = self.expect(0, "train", harness.CONFIG, f"data.root={LINE}", "--dry-run", "--out", self.folder / "never")
        self.assertFalse((self.folder / "never").exists())
        self.assertIn("dry run", error)
        self.assertIn("is read as train: 60 good; test: ", error)
        # A finished run is left as it is.
        before = self.package.read_bytes()
        out, error = self.expect(0, "train", harness.CONFIG, f"data.root={LINE}", "data.image_size=[64, 64]", "--resume", "--out", run_folder)
        self.assertIn("is finished", error)
        self.assertEqual(out.strip(), str(self.package))
        self.assertEqual(self.package.read_bytes(), before)

    def test_a_time_budget_without_use_is_said(self):
        _, error = self.expect(0, "train", harness.ROOT / "configs/anomaly/default.yaml", f"data.root={LINE}", "data.image_size=[64, 64]",
                               "model.size=small", "training.max_seconds=0.2", "--out", self.folder / "hasty")
        self.assertRegex(error, r"warning: \d+ steps? are too few: the model will not be usable; 50 steps need training.max_seconds=\d+")

    def test_training_waits_passively_unless_told_otherwise(self):
        for given, expected in ((None, b"PASSIVE"), ("ACTIVE", b"ACTIVE")):
            environment = {key: value for key, value in os.environ.items() if key != "OMP_WAIT_POLICY"}
            if given:
                environment["OMP_WAIT_POLICY"] = given
            out = self.folder / f"policy-{given}"
            process = subprocess.Popen([harness.COMMAND, "train", harness.CONFIG, f"data.root={LINE}", "--out", out],
                                       stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment)
            seen = set()
            while process.poll() is None:
                try:
                    block = pathlib.Path(f"/proc/{process.pid}/environ").read_bytes()
                    seen |= {entry.split(b"=")[1] for entry in block.split(b"\0") if entry.startswith(b"OMP_WAIT_POLICY=")}
                except OSError:
                    pass
                time.sleep(0.02)
            process.communicate()
            self.assertEqual(process.returncode, 0)
            self.assertEqual(seen, {expected})

    def test_evaluate_writes_three_files(self):
        out_folder = self.folder / "evaluation"
        out, _ = self.expect(0, "evaluate", self.package, LINE, "--out", out_folder, "--threads", "2")
        self.assertIn("image.auroc", out)
        numbers = json.loads((out_folder / "metrics.json").read_text())
        for level, keys in {"image": ("auroc", "average_precision", "f1_max"),
                            "pixel": ("auroc", "average_precision", "aupro_030", "aupro_005", "f1_max")}.items():
            for key in keys:
                value = numbers[level][key]
                self.assertLessEqual(value["low"], value["value"], key)
                self.assertLessEqual(value["value"], value["high"], key)
                self.assertEqual(value["n_good"], 12, key)
        self.assertEqual(numbers["counts"]["good"], 12)
        self.assertEqual(numbers["counts"]["errors"], 0)
        confusion = numbers["confusion"]
        self.assertEqual(confusion["true_accept"]["k"] + confusion["overkill"]["k"], 12)
        rows = list(csv.DictReader(io.StringIO((out_folder / "scores.csv").read_text())))
        self.assertEqual(list(rows[0]), ["file", "label", "score", "p_value", "decision", "type", "difficulty", "ood_score"])
        self.assertEqual(len(rows), numbers["counts"]["images"])
        # AUROC by counting pairs.
        good = [float(row["score"]) for row in rows if row["label"] == "good"]
        bad = [float(row["score"]) for row in rows if row["label"] != "good"]
        pairs = sum((b > g) + 0.5 * (b == g) for b in bad for g in good)
        self.assertAlmostEqual(numbers["image"]["auroc"]["value"], pairs / len(good) / len(bad), places=12)
        self.assertLess((out_folder / "report.html").stat().st_size, 5_000_000)
        self.assertEqual(self.leftovers(out_folder), [])
        again = self.folder / "evaluation-1"
        self.expect(0, "evaluate", self.package, LINE, "--out", again, "--threads", "1")
        self.assertEqual((again / "scores.csv").read_bytes(), (out_folder / "scores.csv").read_bytes())

    def test_train_with_a_report(self):
        out = self.folder / "reported"
        self.expect(0, "train", harness.CONFIG, f"data.root={LINE}", "--report", "--out", out)
        for name in ("report.html", "metrics.json", "scores.csv"):
            self.assertTrue((out / name).is_file(), name)

    def test_overkill_beyond_the_promise_is_said(self):
        out, _ = self.expect(0, "evaluate", self.package.parent, "synthetic:line?variant=rotated&test_good=40&test_defects=1&size=64&seed=2")
        self.assertRegex(out, r"warning: 0 to \d+ overkills were to be expected of 40 good parts \(95 %\), \d+ occurred: .*oddity recalibrate")

    def test_a_stop_is_no_error_and_resumable_in_training_only(self):
        many = "synthetic:line?n=20000&test_good=0&test_defects=0&size=64"
        process = subprocess.Popen([harness.COMMAND, "predict", str(self.package), many], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        error = process.communicate(timeout=120)[1].decode()
        self.assertEqual(process.returncode, 1, error)
        self.assertIn("oddity: [cli.predict] stopped on request", error)
        self.assertNotIn("error: ", error)
        process = subprocess.Popen([harness.COMMAND, "train", str(harness.ROOT / "configs/anomaly/default.yaml"), f"data.root={LINE}",
                                    "data.image_size=[64, 64]", "model.size=small", "training.log_every=1", "--out",
                                    str(self.folder / "stopped")], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        lines = self.folder / "stopped/metrics.jsonl"
        while process.poll() is None and not (lines.exists() and lines.stat().st_size > 0):
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        error = process.communicate(timeout=120)[1].decode()
        self.assertEqual(process.returncode, 75, error)
        self.assertRegex(error, r"oddity: \[training.run\] stopped on request at step \d+ of phase main; go on with --resume")
        self.assertNotIn("error: ", error)

    def test_evaluate_leaves_out_labels(self):
        out = self.folder / "excluded"
        code, _, error = run("evaluate", self.package, LINE, "--exclude-label", "scrach")
        self.assertEqual(code, 2)
        label = error.split("expected one of ")[1].split(",")[0].strip()
        self.assertNotEqual(label, "good")
        self.expect(0, "evaluate", pathlib.Path(self.package).parent, LINE, "--exclude-label", label, "--out", out)
        self.assertNotIn(label, json.loads((out / "metrics.json").read_text())["per_type"])

    def test_predict_prints_and_writes(self):
        line = self.folder / "parts"
        self.expect(0, "data", "synthesize", "line", "n=0", "test_good=5", "test_defects=1", "seed=9", "size=64", "--out", line)
        images = sorted(path for path in (line / "test").rglob("*.png"))
        out, _ = self.expect(0, "predict", self.package, line, "--json", "--out", self.folder / "judged")
        verdicts = [json.loads(text) for text in out.splitlines()]
        self.assertEqual([verdict["file"] for verdict in verdicts], [str(path) for path in images])
        for verdict in verdicts:
            self.assertIn(verdict["decision"], ("accept", "reject"))
            self.assertEqual(verdict["decision"] == "reject", verdict["score"] > verdict["threshold"])
            for region in verdict["regions"]:
                x0, y0, x1, y1 = region["box"]
                self.assertTrue(0 <= x0 < x1 <= 64 and 0 <= y0 < y1 <= 64, region["box"])
        written = (self.folder / "judged/verdicts.jsonl").read_text().splitlines()
        self.assertEqual([json.loads(text)["score"] for text in written], [verdict["score"] for verdict in verdicts])
        self.assertEqual(len(list((self.folder / "judged/overlays").glob("*.png"))), len(images))
        self.assertEqual(len((self.folder / "judged/scores.csv").read_text().splitlines()), len(images) + 1)
        # Again with other images: no picture of before stays; an index.csv that leaves images out is said.
        alone = self.folder / "alone"
        alone.mkdir()
        (alone / "x.png").write_bytes(images[0].read_bytes())
        _, error = self.expect(0, "predict", self.package, alone, "--out", self.folder / "judged")
        self.assertIn("1 image: ", error)
        self.assertEqual(len(list((self.folder / "judged/overlays").glob("*.png"))), 1)
        (line / "extra.png").write_bytes(images[0].read_bytes())
        self.assertRegex(self.expect(0, "data", "stats", line)[1], "warning: 1 image file in .* is not in its index.csv and is not used: extra.png; add")
        (line / "extra.png").unlink()
        # Shards share the work without overlap.
        parts = []
        for shard in ("1/3", "2/3", "3/3"):
            out, _ = self.expect(0, "predict", self.package, line, "--json", "--shard", shard)
            parts += [json.loads(text)["file"] for text in out.splitlines()]
        self.assertEqual(sorted(parts), sorted(str(path) for path in images))
        # Results of shards are replaced by their own next call, and by one that judges everything; strangers stay.
        shared = self.folder / "sharded"
        for shard in ("1/2", "2/2", "2/2"):
            self.expect(0, "predict", self.package, line, "--out", shared, "--shard", shard)
        self.assertEqual(len(list((shared / "overlays").glob("*.png"))), len(images))
        (shared / "overlays" / "mine.png").write_bytes(b"")
        self.expect(0, "predict", self.package, alone, "--out", shared)
        self.assertEqual(sorted(path.name for path in shared.iterdir()), ["overlays", "scores.csv", "verdicts.jsonl"])
        self.assertEqual(len(list((shared / "overlays").glob("*.png"))), 2)
        out, _ = self.expect(0, "predict", self.package, images[0])
        self.assertIn(str(images[0]), out)

    def test_one_bad_image_does_not_stop_the_others(self):
        mixed = self.folder / "mixed"
        mixed.mkdir()
        (mixed / "a.png").write_bytes(png(64, 64, value=harness.texture(1)))
        (mixed / "b.png").write_bytes(b"this is text")
        (mixed / "c.png").write_bytes(png(64, 64, value=harness.texture(2)))
        code, out, error = run("predict", self.package, mixed, "--json")
        self.assertEqual(code, 3)
        decisions = {pathlib.Path(v["file"]).name: v["decision"] for v in map(json.loads, out.splitlines())}
        self.assertEqual(decisions["b.png"], "error")
        self.assertNotEqual(decisions["a.png"], "error")
        self.assertNotEqual(decisions["c.png"], "error")
        self.assertIn("1 of 3", error)

    def test_describe_and_list(self):
        out, _ = self.expect(0, "describe", self.package)
        for word in ("pixel_template", "SHA-256", "overkill budget", "calibration parts"):
            self.assertIn(word, out)
        self.assertEqual(self.expect(0, "describe", self.package.parent)[0], out.replace(str(self.package), str(self.package)))
        out, _ = self.expect(0, "describe", harness.CONFIG)
        self.assertIn("data.root", out)
        out, _ = self.expect(0, "describe", "model", "pixel_template")
        self.assertIn("pixel_template", out)
        out, _ = self.expect(0, "describe", "predict")
        self.assertIn("--shard", out)
        self.assertIn("oddnet", self.expect(0, "list", "models")[0])
        self.assertIn("default.yaml", self.expect(0, "list", "configs", cwd=harness.ROOT)[0])
        self.assertIn("image.auroc", self.expect(0, "list", "metrics")[0])
        self.assertGreaterEqual(len(self.expect(0, "list", "perturbations")[0].splitlines()), 13)

    def test_help_of_every_command_has_examples(self):
        for command in ("train", "evaluate", "predict", "describe", "list", "data", "export", "recalibrate"):
            out, _ = self.expect(0, command, "--help")
            self.assertIn(f"  oddity {command} ", out, command)
        out, _ = self.expect(0, "--help")
        self.assertIn("Exit codes", out)
        self.assertRegex(self.expect(0, "--version")[0], r"^oddity \d+\.\d+\.\d+\n$")

    def test_export(self):
        self.expect(0, "export", self.package, "--format", "onnx", "--out", self.folder / "model.onnx")
        self.assertGreater((self.folder / "model.onnx").stat().st_size, 100)
        self.expect(0, "export", self.package, "--format", "folder", "--out", self.folder / "files")
        self.assertEqual((self.folder / "files/model.onnx").read_bytes(), (self.folder / "model.onnx").read_bytes())
        contract = json.loads((self.folder / "files/package.json").read_text())
        self.assertEqual((contract["input"]["image_height"], contract["input"]["image_width"]), (64, 64))
        deep = self.folder / "no" / "such" / "folder" / "model.onnx"
        self.expect(0, "export", self.package.parent, "--out", deep)
        self.assertEqual(deep.read_bytes(), (self.folder / "model.onnx").read_bytes())
        self.expect(2, "export", self.package, "--format", "folder", "--out", self.folder / "files", says="not empty")

    def test_recalibrate(self):
        new = self.folder / "again.oddity"
        fresh = "synthetic:line?n=150&test_good=0&test_defects=0&seed=5&size=64"
        out, _ = self.expect(0, "recalibrate", self.package, fresh, "--budget", "0.02", "--out", new)
        self.assertIn("150 good parts at an overkill budget of 0.02", out)
        self.assertIn("0.02 used", self.expect(0, "describe", new)[0])
        # floor(151 * 0.02) = 3 of 151 ranks lie above the threshold: at most 2 of the 150 parts are rejected.
        out, _ = self.expect(0, "predict", new, fresh, "--json")
        self.assertEqual(sum(json.loads(text)["decision"] == "reject" for text in out.splitlines()), 2)
        # Images that the package was trained on are no calibration parts, wherever they come from.
        _, error = self.expect(0, "recalibrate", self.package, LINE, "--out", new)
        self.assertRegex(error, r"\d+ of 72 good parts are images that the package was trained on and are left out")
        seen = self.folder / "seen"
        self.expect(0, "data", "synthesize", LINE, "--out", seen)
        self.assertIn("are left out", self.expect(0, "recalibrate", self.package, seen, "--out", new)[1])
        few = "synthetic:line?n=30&test_good=0&test_defects=0&seed=6&size=64"
        out, _ = self.expect(0, "recalibrate", self.package, few, "--budget", "0.01", "--out", new)
        self.assertIn("needs more parts", out)
        self.expect(2, "recalibrate", self.package, few, "--budget", "1.5", says="--budget")

    def test_images_of_another_form_are_judged_with_a_word(self):
        wide = self.folder / "wide.png"
        wide.write_bytes(png(400, 50, value=harness.texture(1)))
        out, _ = self.expect(0, "predict", self.package, wide)
        self.assertIn("The image is 400x50 px and was stretched to the shape of the training images, about 64x64 px", out)
        deep = self.folder / "deep.png"
        deep.write_bytes(png(64, 64, 1, 16, value=lambda x, y, c: 257 * harness.texture(1)(x, y, c)))
        reasons = json.loads(self.expect(0, "predict", self.package, deep, "--json")[0])["reasons"]
        self.assertIn("The image has 16 bit and the training images had 8", reasons[-1])

    def test_a_closed_pipe_ends_quietly_a_full_disk_does_not(self):
        read, write = os.pipe()
        os.close(read)
        try:
            code, _, error = run("list", "metrics", stdout=write)
        finally:
            os.close(write)
        self.assertEqual((code, error), (1, ""))
        # What was asked for as files is written all the same.
        parts = "synthetic:line?n=400&test_good=0&test_defects=0&size=64"
        process = subprocess.Popen([harness.COMMAND, "predict", str(self.package), parts, "--json", "--overlays", "none", "--out",
                                    str(self.folder / "unheard")], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        process.stdout.close()
        error = process.stderr.read().decode()
        self.assertEqual(process.wait(120), 1)
        process.stderr.close()
        self.assertIn("400 images: ", error)
        self.assertNotIn("error: ", error)
        self.assertEqual(len((self.folder / "unheard/scores.csv").read_text().splitlines()), 401)
        with open("/dev/full", "wb") as full:
            code, _, error = run("list", "metrics", stdout=full)
        self.assertEqual(code, 1)
        self.assertIn("oddity: error: ", error)


if __name__ == "__main__":
    harness.main()
