"""The Python of the peers: a virtual environment of the per-user cache with requirements.txt, made on the first use (about 2 GB, some minutes). The torch of tools/setup
is taken over by a path file instead of a second copy, where its Python fits; otherwise pip installs one."""

import fcntl
import hashlib
import os
import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
REQUIREMENTS = pathlib.Path(__file__).resolve().parent / "requirements.txt"
TORCH = next(line.strip().split("==")[1] for line in REQUIREMENTS.read_text().splitlines() if line.startswith("torch=="))


def cache():
    """The folder that tools/setup uses."""
    base = os.environ.get("ODDITY_CACHE")
    if base:
        return (ROOT / base).resolve()
    return pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "oddity"


def python_and_torch():
    """A Python to base the environment on, and the site-packages of a torch that fits it, or None."""
    found = subprocess.run([ROOT / "tools/find_torch", TORCH], capture_output=True, text=True).stdout.strip()
    if found:
        site = pathlib.Path(found).parent
        python = site.parent.parent.parent / "bin/python3"
        if python.exists() and any(site.glob(f"torch-{TORCH}*.dist-info")):
            return python, site
    return pathlib.Path(sys.executable), None


def python_of_peers():
    """Path of the Python that has the peers; installs them when they are missing. Exits with a sentence when that fails."""
    folder, stamp_text = cache() / "bench-peers", hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()
    stamp, python = folder / ".oddity-complete", folder / "bin/python3"
    cache().mkdir(parents=True, exist_ok=True)
    with open(cache() / "bench-peers.lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if stamp.exists() and stamp.read_text() == stamp_text and python.exists():
            return python
        base, site = python_and_torch()
        print(f"bench: installing the peers into {folder} (about 2 GB, some minutes, once per user)", file=sys.stderr, flush=True)
        shutil.rmtree(folder, ignore_errors=True)
        pip = [python, "-I", "-m", "pip", "install", "--quiet", "--no-input", "--no-cache-dir", "--disable-pip-version-check"]
        environment = {k: v for k, v in os.environ.items() if k not in ("PIP_USER", "PIP_TARGET", "PIP_PREFIX", "PIP_REQUIRE_VIRTUALENV")}
        try:
            subprocess.run([base, "-I", "-m", "venv", folder], check=True)
            if site:
                own = next((folder / "lib").glob("python3*/site-packages"))
                (own / "oddity_torch.pth").write_text(f"{site}\n")
            alone = [line.split("#")[0].strip() for line in REQUIREMENTS.read_text().splitlines() if "# --no-deps" in line]
            others = folder / "requirements.txt"
            others.write_text("".join(line for line in REQUIREMENTS.read_text().splitlines(True) if "# --no-deps" not in line))
            for what in (["-r", others], ["--no-deps", *alone]):
                subprocess.run(list(map(str, pip + what)), check=True, env=environment, stdout=sys.stderr)
        except (OSError, subprocess.CalledProcessError) as error:
            sys.exit(f"bench: the peers could not be installed (network?): {error}")
        stamp.write_text(stamp_text)
    return python


def run_with_peers():
    """Starts the calling script again with the Python of the peers, unless it runs there already."""
    python = python_of_peers()
    if pathlib.Path(sys.prefix).resolve() != python.parent.parent.resolve():
        os.execv(python, [str(python), *sys.argv])


if __name__ == "__main__":
    print(python_of_peers())
