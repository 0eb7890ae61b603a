#!/usr/bin/env python3
"""check_files.py RULE [ROOT]: house rules about files that git tracks or would add. RULE is length, binary or readme.

length: sources have at most 500 lines. binary: no images, archives or other binary files. readme: README and CONTRIBUTING name targets, files and links that
exist, and README names `make demo` and `make test`. Prints `file:line: what is wrong` and exits 1 on violations; exits 77 (skipped) outside a git checkout.
"""

import pathlib
import re
import subprocess
import sys

LIMIT = 500
SOURCES = {".h", ".cpp", ".cu", ".cuh", ".py", ".cmake", ".sh", ".js", ".css"}
BINARY = {".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".gif", ".webp", ".zip", ".gz", ".xz", ".zst", ".tar", ".so", ".a", ".o", ".h5", ".hdf5", ".onnx",
          ".oddity", ".safetensors", ".npy", ".npz", ".pt", ".whl", ".pdf"}


def length(root, files):
    for name in files:
        path = root / name
        if path.suffix in SOURCES or (path.parent.name == "tools" and not path.suffix):
            lines = path.read_bytes().count(b"\n")
            if lines > LIMIT:
                yield f"{name}:{LIMIT + 1}: {lines} lines; at most {LIMIT}: split it by noun"


def binary(root, files):
    for name in files:
        path = root / name
        if path.suffix.lower() in BINARY:
            yield f"{name}:1: {path.suffix} files are made by tests and tools, never committed"
            continue
        data = path.read_bytes()
        if b"\0" in data[:65536]:
            yield f"{name}:1: binary content"
        elif len(data) > 1 << 20:
            yield f"{name}:1: {len(data)} bytes; text files stay below 1 MiB"


def readme(root, files):
    del files
    targets = set(re.findall(r"^([a-z][a-z-]*):", (root / "Makefile").read_text(encoding="utf-8"), re.M))
    for name in ("README.md", "CONTRIBUTING.md"):
        text = (root / name).read_text(encoding="utf-8")
        fenced = False
        for number, line in enumerate(text.splitlines(), 1):
            fenced ^= line.startswith("```")
            commands = re.findall(r"`([^`]+)`", line) + ([line] if fenced else [])
            for target in re.findall(r"\bmake ([a-z][a-z-]*)", "\n".join(commands)):
                if target not in targets:
                    yield f"{name}:{number}: `make {target}` is no target of the Makefile"
            for path in re.findall(r"`((?:src|include|tests|tools|configs|cmake|bench|examples|python_bindings)/[\w./-]+)`", line):
                if not (root / path).exists():
                    yield f"{name}:{number}: {path} does not exist"
            for link in re.findall(r"\]\(([^)#:]+)\)", line):
                if not (root / link).exists():
                    yield f"{name}:{number}: link to {link}, which does not exist"
        if name == "README.md":
            for command in ("make demo", "make test"):
                if command not in text:
                    yield f"{name}:1: does not name `{command}`"


RULES = {"length": length, "binary": binary, "readme": readme}


def tracked(root):
    out = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=root, capture_output=True, check=True)
    return [n for n in sorted(set(out.stdout.decode().split("\0"))) if n and (root / n).is_file()]


def main(rule, root):
    if not (root / ".git").exists():
        print("not a git checkout")
        return 77
    files = tracked(root)
    found = list(RULES[rule](root, files))
    print("\n".join(found) if found else f"{rule}: {len(files)} files are fine")
    return 1 if found or not files else 0


if __name__ == "__main__":
    if len(sys.argv) < 2 or sys.argv[1] not in RULES:
        sys.exit(f"usage: check_files.py {'|'.join(RULES)} [ROOT]")
    here = pathlib.Path(__file__).resolve().parent.parent
    sys.exit(main(sys.argv[1], pathlib.Path(sys.argv[2]).resolve() if len(sys.argv) > 2 else here))
