"""oddity.Engine on a package that the command trains here: the same verdicts as `oddity predict`, from several threads, and its refusals."""

import concurrent.futures
import json
import os
import struct
import subprocess
import zlib

import numpy as np
import pytest

import oddity

COMMAND = os.environ.get("ODDITY_COMMAND")
pytestmark = pytest.mark.skipif(not COMMAND, reason="ODDITY_COMMAND names no oddity command")


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    folder = tmp_path_factory.mktemp("engine")
    config = folder / "config.yaml"
    config.write_text("format: 1\nmodel: {name: pixel_template}\ndata: {root: 'synthetic:line?n=80&seed=3', image_size: [64, 64], fit: stretch}\n")
    subprocess.run([COMMAND, "train", config, "--out", folder / "run"], check=True, capture_output=True)
    return folder / "run" / "model.oddity"


@pytest.fixture(scope="module")
def engine(package):
    return oddity.Engine(package)


def image(seed):
    return np.random.default_rng(seed).integers(0, 256, (64, 64), dtype=np.uint8)


def png(grey):
    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    height, width = grey.shape
    rows = b"".join(b"\0" + row.tobytes() for row in grey)
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def test_the_version_is_that_of_the_command():
    said = subprocess.run([COMMAND, "--version"], check=True, capture_output=True, text=True).stdout
    assert said.split() == ["oddity", oddity.__version__]


def test_facts_of_the_package(engine):
    assert engine.model == "pixel_template"
    assert len(engine.digest) == 64
    assert list(engine.calibration_scores) == sorted(engine.calibration_scores)
    assert engine.threshold in engine.calibration_scores
    assert "pixel_template" in repr(engine)


def test_the_verdict_is_that_of_the_command(engine, package, tmp_path):
    noisy = image(0)
    file = tmp_path / "noisy.png"
    file.write_bytes(png(noisy))
    listed = subprocess.run([COMMAND, "predict", package, file, "--json"], check=True, capture_output=True, text=True).stdout
    theirs = json.loads(listed.splitlines()[0])
    ours = engine.judge(noisy)
    assert ours.decision == theirs["decision"] == "reject"
    assert ours.score == pytest.approx(theirs["score"], rel=1e-6)
    assert ours.p_value == pytest.approx(theirs["p_value"], rel=1e-12)
    assert ours.map.shape == (64, 64) and ours.map.dtype == np.float32
    assert all(region.contour.shape[1] == 2 for region in ours.regions)


def test_threads_share_an_engine(engine):
    alone = [engine.judge(image(seed)).score for seed in range(8)]
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda seed: engine.judge(image(seed)).score, range(8))) == alone


def test_rows_may_have_a_stride(engine):
    wide = np.zeros((64, 100), np.uint8)
    wide[:, :64] = image(1)
    assert engine.judge(wide[:, :64]).score == engine.judge(image(1)).score


@pytest.mark.parametrize(
    "argument, kind, part",
    [
        (np.zeros((64, 64)), TypeError, "image has dtype float64; expected uint8 or uint16"),
        (np.zeros((2, 64, 64, 3), np.uint8), ValueError, "got 4 dimensions"),
        (np.zeros((0, 64), np.uint8), ValueError, "image is empty"),
        (np.zeros((64, 128), np.uint8)[:, ::2], ValueError, "numpy.ascontiguousarray(image)"),
        (np.zeros((64, 64, 2), np.uint8), ValueError, "channels"),
    ],
)
def test_what_is_no_image_is_refused(engine, argument, kind, part):
    with pytest.raises(kind) as caught:
        engine.judge(argument)
    assert part in str(caught.value)


def test_what_is_no_package_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="nothing.oddity"):
        oddity.Engine(tmp_path / "nothing.oddity")
    garbage = tmp_path / "garbage.oddity"
    garbage.write_bytes(bytes(range(256)) * 8)
    with pytest.raises(ValueError, match="garbage.oddity"):
        oddity.Engine(garbage)
