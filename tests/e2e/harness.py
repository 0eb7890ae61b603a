"""What the end-to-end tests share: running the command, small images, a small package. Python's standard library only."""

import json
import os
import pathlib
import struct
import subprocess
import tempfile
import unittest
import zlib

ROOT = pathlib.Path(__file__).resolve().parents[2]
COMMAND = os.environ.get("ODDITY_COMMAND", "")
CONFIG = ROOT / "configs/anomaly/pixel_template.yaml"
LINE = "synthetic:line?n=60&test_good=12&test_defects=2&seed=3&size=64"


def run(*arguments, cwd=None, preexec=None, stdout=subprocess.PIPE, timeout=240, environment=None):
    """Exit code, standard output and standard error of `oddity ARGUMENTS`."""
    done = subprocess.run(
        [COMMAND, *map(str, arguments)],
        cwd=cwd,
        stdout=stdout,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        timeout=timeout,
        preexec_fn=preexec,
        env={**os.environ, "OMP_WAIT_POLICY": "PASSIVE", **(environment or {})},
    )
    out = done.stdout.decode(errors="replace") if done.stdout is not None else ""
    return done.returncode, out, done.stderr.decode(errors="replace")


def png(width, height, channels=1, bits=8, value=lambda x, y, c: 128):
    """A PNG of 1 (grey), 3 (colour) or 4 (with alpha) channels."""

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    form = {1: 0, 2: 4, 3: 2, 4: 6}[channels]
    rows = b""
    for y in range(height):
        rows += b"\0"
        for x in range(width):
            for c in range(channels):
                rows += value(x, y, c).to_bytes(bits // 8, "big")
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, form, 0, 0, 0)) + chunk(
        b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def png_header(width, height):
    """A PNG that promises a size and holds almost nothing."""
    small = png(1, 1)
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return small[:12] + b"IHDR" + head + struct.pack(">I", zlib.crc32(b"IHDR" + head)) + small[33:]


def tiff_cmyk(width=64, height=64):
    """An uncompressed CMYK TIFF."""
    pixels = bytes(width * height * 4)
    tags = [(256, 3, 1, width), (257, 3, 1, height), (258, 3, 4, 8), (259, 3, 1, 1), (262, 3, 1, 5), (273, 4, 1, 200),
            (277, 3, 1, 4), (278, 3, 1, height), (279, 4, 1, len(pixels))]
    body = struct.pack("<2sHI", b"II", 42, 8) + struct.pack("<H", len(tags))
    for tag, kind, count, value in tags:
        if tag == 258:
            value = 180
        body += struct.pack("<HHII", tag, kind, count, value)
    body += struct.pack("<I", 0)
    body = body.ljust(180, b"\0") + struct.pack("<4H", 8, 8, 8, 8)
    return body.ljust(200, b"\0") + pixels


def texture(seed):
    """A pixel function that differs from image to image and from pixel to pixel."""
    return lambda x, y, c: (x * 7 + y * 13 + seed * 31 + (x * y * (seed + 3)) % 23 + 40 * c) % 120 + 60


class CommandTest(unittest.TestCase):
    """A folder of its own for each class, and a package trained once for all."""

    @classmethod
    def setUpClass(cls):
        cls._folder = tempfile.TemporaryDirectory(prefix="oddity-e2e-")
        cls.folder = pathlib.Path(cls._folder.name)

    @classmethod
    def tearDownClass(cls):
        for path in cls.folder.rglob("*"):  # packs are read-only
            if path.is_dir() and not path.is_symlink():
                path.chmod(0o755)
        cls._folder.cleanup()

    @classmethod
    def train_template(cls, name="run", root=LINE, size="[64, 64]", *overrides):
        code, out, error = run("train", CONFIG, f"data.root={root}", f"data.image_size={size}", *overrides, "--out",
                               cls.folder / name)
        if code != 0:
            raise AssertionError(f"training the template gave {code}: {error}")
        return cls.folder / name / "model.oddity"

    def expect(self, code, *arguments, says=(), **options):
        """Runs, checks the exit code and that an error is one line that holds every word of `says`."""
        got, out, error = run(*arguments, **options)
        shown = " ".join(map(str, arguments))[:300]
        self.assertEqual(got, code, f"oddity {shown}\n{out[-400:]}\n{error[-800:]}")
        if code != 0:
            lines = [line for line in error.splitlines() if line.startswith("oddity: error: ")]
            self.assertEqual(len(lines), 1, f"oddity {shown}: one error line expected\n{error[-800:]}")
            self.assertTrue(error.rstrip().endswith(lines[0]), "the error is the last thing said")
            self.assertNotIn("terminate called", error)
            for word in [says] if isinstance(says, str) else says:
                self.assertIn(word.lower(), lines[0].lower(), f"oddity {shown}")
        return out, error

    def leftovers(self, folder):
        """Temporary files that an interrupted write would leave."""
        return [path for path in folder.rglob(".*tmp-*")]


class MetricsTest(unittest.TestCase):
    """`oddity metrics` on a CSV file of the test's own."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="oddity-e2e-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.file = self.folder / "scores.csv"

    def write(self, header, rows, name="scores.csv"):
        """A CSV file with these rows; returns its path."""
        path = self.folder / name
        path.write_text("\n".join([header, *(",".join(map(str, row)) for row in rows)]) + "\n")
        return path

    def numbers(self, *arguments):
        """What `--json` prints, and standard error."""
        code, out, error = run("metrics", *arguments, "--json")
        self.assertEqual(code, 0, error)
        return json.loads(out), error

    def table(self, *arguments):
        """What people see."""
        code, out, error = run("metrics", *arguments)
        self.assertEqual(code, 0, error)
        self.assertTrue(out.startswith("metric "), out)
        return out

    def refused(self, cases):
        """Each case: exit code, a part of the message, and the arguments; nothing is printed but one line of error."""
        for code, part, *arguments in cases:
            with self.subTest(part=part, arguments=arguments):
                got, out, error = run("metrics", *arguments)
                self.assertEqual(got, code, error)
                self.assertIn(part, error)
                self.assertEqual(len([line for line in error.splitlines() if line.startswith("oddity: error: ")]), 1, error)
                self.assertEqual(out, "")


def main():
    if not COMMAND:
        raise SystemExit("ODDITY_COMMAND names the built command")
    unittest.main(verbosity=2)
