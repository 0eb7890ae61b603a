"""Bad input of every kind: what the command says and its exit code, as a table. Issue 3, Shows 6 and 7."""

import json
import os
import pathlib
import resource
import unittest

import harness
from harness import CommandTest, LINE, png, png_header, texture, tiff_cmyk

GOOD = "format: 1\nfamily: anomaly\ndata:\n  root: '%s'\n" % LINE

# name: (text of the config, overrides, words of the message). Every one exits with 2.
CONFIGS = {
    "unknown key": (GOOD + "modle: {}\n", [], [":5:1", "modle", "model"]),
    "unknown nested key": (GOOD + "training: {stpes: 5}\n", [], [":5:12", "stpes", "steps"]),
    "key of another section": (GOOD + "steps: 5\n", [], [":5:1", "steps"]),
    "text for a number": (GOOD + "training: {steps: many}\n", [], [":5:19", "many"]),
    "number for a list": (GOOD.replace("data:\n", "data:\n  image_size: 128\n"), [], [":4:15", "image_size"]),
    "list too short": (GOOD.replace("data:\n", "data:\n  image_size: [128]\n"), [], ["image_size", "2"]),
    "fraction for an integer": (GOOD + "training: {steps: 1.5}\n", [], ["1.5"]),
    "negative steps": (GOOD + "training: {steps: -1}\n", [], ["-1"]),
    "batch of zero": (GOOD + "training: {batch: 0}\n", [], ["batch", "0"]),
    "not a number": (GOOD + "training: {learning_rate: .nan}\n", [], ["learning_rate"]),
    "infinite": (GOOD + "training: {learning_rate: .inf}\n", [], ["learning_rate"]),
    "integer beyond 64 bits": (GOOD + "training: {seed: 99999999999999999999}\n", [], ["99999999999999999999"]),
    "budget of one": (GOOD + "calibration: {overkill_budget: 1}\n", [], ["overkill_budget"]),
    "unknown choice": (GOOD.replace("data:\n", "data:\n  fit: strech\n"), [], ["strech", "stretch"]),
    "unknown model": (GOOD + "model: {name: patchcore}\n", [], ["patchcore"]),
    "image side of zero": (GOOD.replace("data:\n", "data:\n  image_size: [0, 128]\n"), [], ["image_size"]),
    "image side that the model cannot take": ("format: 1\nfamily: anomaly\ndata: {root: nowhere}\n", ["data.image_size=[100, 128]"],
                                              ["oddnet", "multiples of 16", "data.image_size=[96,128]"]),
    "excluded label that no image has": (GOOD, ["data.exclude_labels=[rsut]"], ["rsut", "expected some of", "good"]),
    "section is a list": (GOOD + "training: [1, 2]\n", [], ["training"]),
    "section is text": (GOOD + "training: fast\n", [], ["training"]),
    "key twice": (GOOD + "training: {steps: 5}\ntraining: {steps: 6}\n", [], ["training"]),
    "no format": (GOOD.replace("format: 1\n", ""), [], ["format"]),
    "newer format": (GOOD.replace("format: 1", "format: 2"), [], ["format", "2"]),
    "empty file": ("", [], []),
    "only a comment": ("# nothing\n", [], []),
    "no mapping": ("- 1\n- 2\n", [], []),
    "missing folder": (GOOD.replace(LINE, "nowhere/at/all"), [], ["nowhere/at/all"]),
    "empty root": (GOOD.replace(LINE, ""), [], ["data.root"]),
    "unknown family": (GOOD.replace("family: anomaly", "family: anomalies"), [], ["anomalies"]),
    "bad override: no value": (GOOD, ["training.steps"], ["training.steps"]),
    "bad override: unknown key": (GOOD, ["training.stpes=5"], ["stpes", "steps"]),
    "bad override: wrong type": (GOOD, ["training.steps=[1, 2]"], ["training.steps"]),
    "bad override: broken YAML": (GOOD, ["training.steps=[1, "], ["training.steps"]),
    "bad override: empty key": (GOOD, ["=5"], []),
    "bad override: into a value": (GOOD, ["training.steps.more=5"], ["steps"]),
    "tab for indentation": ("format: 1\ntraining:\n\tsteps: 5\n", [], [":3:"]),
    "bracket left open": (GOOD + "training: {steps: 5\n", [], []),
    "3,000 nested brackets": (GOOD + "training: " + "[" * 3000 + "]" * 3000 + "\n", [], ["deep"]),
    "3,000 nested brackets, open": ("[" * 3000, [], []),
    "alias without anchor": (GOOD + "training: *missing\n", [], []),
    "anchor and alias": (GOOD + "training: &a {steps: 5}\nmodel: *a\n", [], []),
    "2 MB of garbage": (os.urandom(2_000_000), [], []),
    "2 MB of one key": (b"a" * 2_000_000 + b": 1\n", [], []),
    "zero bytes inside": (b"format: 1\0\0\nfamily: anomaly\n", [], []),
    "broken UTF-8": (b"format: 1\nfamily: \xff\xfe\n", [], []),
    "unknown synthetic key": (GOOD.replace("seed=3", "sede=3"), [], ["sede", "seed"]),
    "unknown synthetic source": (GOOD.replace("synthetic:line", "synthetic:lime"), [], ["lime"]),
}


class BadConfigs(CommandTest):
    def test_table(self):
        self.assertGreaterEqual(len(CONFIGS), 30)
        for name, (text, overrides, says) in CONFIGS.items():
            with self.subTest(name):
                file = self.folder / "config.yaml"
                file.write_bytes(text if isinstance(text, bytes) else text.encode())
                out = self.folder / "run"
                self.expect(2, "train", file, *overrides, "--out", out, says=says)
                self.assertFalse((out / "model.oddity").exists())

    def test_config_that_is_not_there(self):
        self.expect(2, "train", self.folder / "no.yaml", says="no.yaml")
        self.expect(2, "train", self.folder, "--out", self.folder / "run", says=str(self.folder))
        self.expect(2, "train", "/dev/null", "--out", self.folder / "run")


class BadUse(CommandTest):
    def test_table(self):
        for arguments, says in [
            (["trian"], ["trian", "train"]),
            (["frobnicate"], ["frobnicate", "evaluate"]),
            (["data", "chekc"], ["chekc", "check"]),
            (["list", "modles"], ["modles", "models"]),
            (["train"], ["CONFIG", "oddity train --help"]),
            (["evaluate", "a", "b", "--tresholds"], ["--tresholds"]),
            (["evaluate", "a", "b", "--thread", "2"], ["--thread", "--threads"]),
            (["evaluate", "a", "b", "--threads", "two"], ["two"]),
            (["evaluate", "a", "b", "--threads", "-3"], ["-3"]),
            (["evaluate", "no.oddity", LINE], ["no.oddity"]),
            (["predict", "no.oddity", "also-no.png"], ["no.png"]),
            (["export", "no.oddity"], ["no.oddity"]),
            (["describe", "no.oddity"], ["no.oddity"]),
            (["describe", "model", "nope"], ["nope", "oddnet"]),
            (["describe", "command", "nope"], ["nope"]),
            (["data", "check", "no-folder"], ["no-folder"]),
            (["data", "check", "synthetic:line?variant=nope"], ["nope"]),
            (["recalibrate", "no.oddity", LINE], ["no.oddity"]),
        ]:
            with self.subTest(" ".join(arguments)):
                self.expect(2, *arguments, says=says)

    def test_no_arguments_show_the_help(self):
        code, out, _ = harness.run()
        self.assertEqual(code, 2)
        self.assertIn("train", out)


class BadImages(CommandTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.package = cls.train_template()
        good = png(64, 64, value=texture(0))
        noise = png(64, 64, value=lambda x, y, c: (x * x * 31 + y * y * 17 + x * y * 7) % 251)
        cls.images = {
            # name: (bytes, exit code, words)
            "zero_bytes.png": (b"", 3, []),
            "truncated.png": (noise[: len(noise) // 2], 3, []),
            "header_only.png": (good[:33], 3, []),
            "damaged.png": (noise[:200] + bytes(b ^ 0x55 for b in noise[200:400]) + noise[400:], 3, []),
            "text.png": (b"I am not an image, I am a sentence.\n" * 20, 3, []),
            "html.jpg": (b"<!DOCTYPE html><html></html>", 3, []),
            "huge_header.png": (png_header(20000, 20000), 3, ["20000"]),
            "absurd_header.png": (png_header(2**31 - 1, 2**31 - 1), 3, []),
            "jpeg_start.jpg": (b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01", 3, []),
            "cmyk.tif": (tiff_cmyk(), 3, ["CMYK"]),
            "one_pixel.png": (png(1, 1), 2, ["1x1"]),
            "colour.png": (png(64, 64, 3, value=texture(0)), 2, ["colour", "grey"]),
            "rgba.png": (png(64, 64, 4, value=texture(0)), 2, ["alpha", "grey"]),
            "grey16.png": (png(64, 64, 1, 16, value=lambda x, y, c: 257 * texture(0)(x, y, c)), 0, []),
            "larger.png": (png(200, 130, value=texture(0)), 0, []),
            "smaller.png": (png(16, 16, value=texture(0)), 0, []),
        }

    def test_table(self):
        for name, (content, code, says) in self.images.items():
            with self.subTest(name):
                file = self.folder / name
                file.write_bytes(content)
                got, out, error = harness.run("predict", self.package, file, "--json")
                self.assertEqual(got, code, f"{name}: {out[-300:]} {error[-300:]}")
                verdict = json.loads(out.splitlines()[0])
                if code == 0:
                    self.assertIn(verdict["decision"], ("accept", "reject"))
                    continue
                # Never accepted, never a number, always a reason that names the file or the rule.
                self.assertEqual(verdict["decision"], "error")
                self.assertIsNone(verdict["score"])
                self.assertEqual(len(verdict["reasons"]), 1)
                for word in says:
                    self.assertIn(word.lower(), verdict["reasons"][0].lower(), name)

    def test_sixteen_bit_judges_as_eight_bit(self):
        scores = []
        for bits in (8, 16):
            file = self.folder / f"depth{bits}.png"
            factor = 1 if bits == 8 else 257
            file.write_bytes(png(64, 64, 1, bits, value=lambda x, y, c: factor * texture(4)(x, y, c)))
            _, out, _ = harness.run("predict", self.package, file, "--json")
            scores.append(json.loads(out)["score"])
        # v * 257 / 65535 = v / 255: the same input up to rounding of float32.
        self.assertAlmostEqual(scores[0], scores[1], delta=1e-4 * max(1, abs(scores[0])))

    def test_a_package_that_may_convert_does(self):
        package = self.train_template("convert", LINE, "[64, 64]", "data.convert_channels=true")
        scores = []
        for channels in (1, 3, 4):
            file = self.folder / f"channels{channels}.png"
            file.write_bytes(png(64, 64, channels, value=lambda x, y, c: texture(5)(x, y, 0)))
            code, out, error = harness.run("predict", package, file, "--json")
            self.assertEqual(code, 0, error)
            scores.append(json.loads(out)["score"])
        # Grey stored as colour is the same grey.
        self.assertEqual(scores[0], scores[1])
        self.assertEqual(scores[0], scores[2])

    def test_damaged_images_in_a_dataset(self):
        for name in ("truncated.png", "zero_bytes.png", "text.png"):
            with self.subTest(name):
                root = self.folder / f"set-{name}"
                make_set(root)
                (root / "train/good/005.png").write_bytes(self.images[name][0])
                self.expect(3, "train", harness.CONFIG, f"data.root={root}", "--out", self.folder / "run-damaged", says="005.png")
                self.assertFalse((self.folder / "run-damaged/model.oddity").exists())
                self.expect(3, "data", "check", root)


def make_set(root, good=24, test=3, mask=(64, 64), size=(64, 64)):
    """A folder in MVTec layout."""
    for folder in ("train/good", "test/good", "test/scratch", "ground_truth/scratch"):
        (root / folder).mkdir(parents=True)
    for i in range(good):
        (root / f"train/good/{i:03}.png").write_bytes(png(*size, value=texture(i)))
    for i in range(test):
        (root / f"test/good/{i:03}.png").write_bytes(png(*size, value=texture(100 + i)))
        (root / f"test/scratch/{i:03}.png").write_bytes(png(*size, value=lambda x, y, c: 255 if 20 < x < 30 and 20 < y < 30 else texture(200 + i)(x, y, c)))
        (root / f"ground_truth/scratch/{i:03}_mask.png").write_bytes(png(*mask, value=lambda x, y, c: 255 if 20 < x < 30 and 20 < y < 30 else 0))


class BadDatasets(CommandTest):
    def train(self, code, root, *overrides, says=()):
        out = self.folder / "run-of-bad-set"
        self.expect(code, "train", harness.CONFIG, f"data.root={root}", "data.image_size=[64, 64]", *overrides, "--out", out, says=says)
        self.assertFalse((out / "model.oddity").exists())

    def test_empty_folders(self):
        empty = self.folder / "empty"
        empty.mkdir()
        self.train(3, empty, says="empty")
        (empty / "train/good").mkdir(parents=True)
        self.train(3, empty, says="empty")
        (empty / "test/good").mkdir(parents=True)
        self.train(3, empty, says="empty")

    def test_folders_that_a_user_would_give(self):
        photographs = self.folder / "photographs"
        photographs.mkdir()
        for i in range(20):
            (photographs / f"{i}.png").write_bytes(png(64, 64, value=texture(i)))
        self.train(2, photographs, says=["20 images without a label", "FOLDER/train/good"])
        (photographs / "train").mkdir()
        for file in photographs.glob("*.png"):
            file.rename(photographs / "train" / file.name)
        self.train(3, photographs, says=["20 images in", "move what is good to train/good"])
        (photographs / "train").rename(photographs / "ok")
        (photographs / "train").mkdir()
        (photographs / "ok").rename(photographs / "train/ok")
        self.train(3, photographs, says=["rename train/ok to train/good"])
        # One level too deep: read as class folders, with a word.
        root = self.folder / "level"
        make_set(root)
        _, error = self.expect(0, "train", harness.CONFIG, f"data.root={root / 'train'}", "data.image_size=[64, 64]", "--dry-run")
        self.assertIn("is read as class folders without splits, of which every fifth good image is for test: train: 20 good; test: 4 good", error)
        self.assertIn(f"warning: {root / 'train'} is read alone, although test lies beside it: give {root} to read all splits", error)

    def test_root_is_a_file_of_another_kind(self):
        file = self.folder / "notes.txt"
        file.write_text("hello")
        self.train(3, file, says="notes.txt")
        pack = self.folder / "fake.h5"
        pack.write_bytes(os.urandom(4096))
        self.train(3, pack, says="fake.h5")

    def test_too_few_images(self):
        root = self.folder / "few"
        make_set(root, good=9)
        self.train(2, root, says=["16"])

    def test_mask_of_another_size(self):
        root = self.folder / "masks"
        make_set(root, mask=(32, 32))
        package = self.train_template("run-masks", str(root))
        self.expect(3, "evaluate", package, root, says=["mask", "32"])
        self.expect(3, "data", "check", root)

    def test_group_that_spans_splits(self):
        root = self.folder / "groups"
        make_set(root)
        rows = ["file,split,label,group"]
        for file in sorted(root.glob("train/good/*.png")):
            rows.append(f"{file.relative_to(root)},train,good,lot{int(file.stem) % 4}")
        for file in sorted(root.glob("test/*/*.png")):
            rows.append(f"{file.relative_to(root)},test,{file.parent.name},lot1")
        (root / "index.csv").write_text("\n".join(rows) + "\n")
        self.train(2, root, "data.calibration_unit=group", says=["lot1"])

    def test_bad_index(self):
        root = self.folder / "index"
        make_set(root)
        for text, code, says in [
            ("file,label\ntrain/good/000.png,good\n", 3, ["index.csv", "split"]),
            ("file,split,label\ntrain/good/nope.png,train,good\n", 3, ["nope.png", "delete this line"]),
            ("file,split,label\ntrain/good/000.png,trian,good\n", 3, ["index.csv:2", "trian"]),
            ('file,split,label\n"train/good/000.png,train,good\n', 3, ["index.csv"]),
            ("file,split,label\ntrain/good/000.png,train\n", 3, ["index.csv:2"]),
            ("file,split,label\n../../../etc/passwd,train,good\n", 3, ["passwd"]),
            ("", 3, ["index.csv"]),
        ]:
            with self.subTest(text):
                (root / "index.csv").write_text(text)
                self.train(code, root, says=says)

    def test_images_of_mixed_channels(self):
        root = self.folder / "mixed"
        make_set(root)
        (root / "train/good/003.png").write_bytes(png(64, 64, 3, value=texture(3)))
        self.train(2, root, "data.channels=as_is", says=["000.png", "003.png", "grey"])


class BadPackages(CommandTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.package = cls.train_template()

    def test_damage_is_found(self):
        content = self.package.read_bytes()
        broken = self.folder / "broken.oddity"
        for name, damaged in {
            "empty": b"",
            "one byte": b"\0",
            "header cut": content[:100],
            "half": content[: len(content) // 2],
            "last byte missing": content[:-1],
            "one byte more": content + b"\0",
            "first bit": bytes([content[0] ^ 1]) + content[1:],
            "a bit in the middle": content[: len(content) // 2] + bytes([content[len(content) // 2] ^ 16]) + content[len(content) // 2 + 1:],
            "last bit": content[:-1] + bytes([content[-1] ^ 128]),
            "header of 2^63 bytes": (2**63).to_bytes(8, "little") + content[8:],
            "text": b"hello " * 100,
        }.items():
            with self.subTest(name):
                broken.write_bytes(damaged)
                for command in (["describe", broken], ["predict", broken, harness.ROOT / "README.md"], ["export", broken]):
                    self.expect(3, *command, says="broken.oddity")

    def test_a_config_is_no_package(self):
        self.expect(3, "evaluate", harness.CONFIG, LINE, says=["not a package but text", "oddity train"])

    def test_a_folder_is_no_package(self):
        self.expect(2, "evaluate", self.folder, LINE)


class BadOutputs(CommandTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.package = cls.train_template()
        cls.file = cls.folder / "a-file"
        cls.file.write_text("in the way")

    def test_parent_is_a_file(self):
        for command in (
            ["train", harness.CONFIG, f"data.root={LINE}", "--out", self.file / "run"],
            ["evaluate", self.package, LINE, "--out", self.file / "out"],
            ["predict", self.package, LINE, "--out", self.file / "out"],
            ["export", self.package, "--out", self.file / "model.onnx"],
            ["recalibrate", self.package, LINE, "--out", self.file / "new.oddity"],
            ["data", "synthesize", "line", "n=20", "--out", self.file / "line"],
            ["data", "import", LINE, "--out", self.file / "packs"],
        ):
            with self.subTest(command[0] + " " + str(command[1])):
                self.expect(2, *command, says="a-file")
        self.assertEqual(self.file.read_text(), "in the way")

    def test_file_size_limit(self):
        def limit():
            resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))

        out = self.folder / "limited"
        out.mkdir()
        for command in (
            ["train", harness.CONFIG, f"data.root={LINE}", "--out", out / "run"],
            ["evaluate", self.package, LINE, "--out", out / "evaluation"],
            ["predict", self.package, LINE, "--out", out / "prediction"],
            ["export", self.package, "--out", out / "model.onnx"],
            ["recalibrate", self.package, LINE, "--out", out / "new.oddity"],
            ["data", "import", LINE, "--out", out / "packs"],
            ["data", "synthesize", "line", "n=20", "--out", out / "line"],
        ):
            with self.subTest(command[0] + " " + str(command[1])):
                self.expect(1, *command, preexec=limit)
        self.assertEqual(self.leftovers(out), [])
        for name in ("model.oddity", "new.oddity", "model.onnx", "metrics.json", "scores.csv", "report.html"):
            self.assertEqual(list(out.rglob(name)), [], name)
        self.assertFalse((out / "line").exists())

    def test_dev_full(self):
        self.expect(1, "export", self.package, "--out", "/dev/full", says="/dev/full")
        self.expect(1, "recalibrate", self.package, LINE, "--out", "/dev/full", says="/dev/full")


if __name__ == "__main__":
    harness.main()
