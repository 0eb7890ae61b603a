#!/usr/bin/env python3
"""check_includes.py [ROOT]: who may include what (design of the areas), read from the include lines of src/, include/, python_bindings/, bench/, tests/.

Prints `file:line: what is wrong` for each violation and exits 1; prints how much was checked and exits 0 otherwise.
"""

import pathlib
import re
import sys

# For each area the areas that it may include besides itself. Arrows only point down; the makers (models, augment, data) do not know one another; the line
# (inference) knows the ground only. `api` are the installed headers of include/oddity outside metrics/: the C ABI and its C++ wrapper.
GROUND = {"core", "image", "metrics"}
MAKERS = {"models", "augment", "data"}
RUNS = {"training", "evaluation", "report"}
ALLOWED = {
    "core": set(),
    "image": {"core"},
    "metrics": {"core"},
    "inference": GROUND,
    "backends": GROUND | {"inference"},
    "data": GROUND,
    "augment": GROUND,
    "models": GROUND,
    "training": GROUND | MAKERS | {"inference", "backends"},
    "evaluation": GROUND | MAKERS | {"inference", "backends", "training"},
    "report": GROUND | MAKERS | {"inference", "backends", "training", "evaluation"},
    "cli": GROUND | MAKERS | RUNS | {"inference", "backends", "api"},
    "api": GROUND | {"inference"},
}
EVERYTHING = set(ALLOWED)
LIBTORCH_FREE = GROUND | {"inference", "api"}  # compiles in seconds, runs under sanitisers, ships to the line

TORCH = re.compile(r"^(torch|ATen|c10|caffe2)/")
TORCH_NN = re.compile(r"^torch/(torch\.h|all\.h|nn\.h|nn/|optim|csrc/api/include/torch/)")
OPENCV_HDF5 = re.compile(r"^(opencv2?/|hdf5|H5[A-Z]?[a-z]*\.h|highfive/)")
YAML = re.compile(r"^yaml-cpp/")
IN_CPP_ONLY = re.compile(r"^(nlohmann/(?!json_fwd)|openssl/|Eigen/)")
CUDA_RUNTIME = re.compile(r"^(cuda|cublas|cudnn|curand|cusparse|cusolver|nccl|cub/|thrust/|cuda/)|^(c10|ATen)/cuda/|^nvtx3/")
CUDA_SWITCH = re.compile(r"^\s*#\s*(if|ifdef|ifndef|elif)\b.*\b(ODDITY_CUDA\w*|USE_CUDA|WITH_CUDA|__CUDACC__|__CUDA_ARCH__|CUDA_VERSION)\b")
OPENMP = re.compile(r"^\s*#\s*pragma\s+omp\b|^omp\.h$")
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^">]+)[">]')
SOURCES = {".h", ".cpp", ".cu", ".cuh"}


def area_of(path):
    """Area of a file, from its path relative to the root; None outside src/ and include/."""
    parts = path.parts
    if parts[0] == "src" and len(parts) > 2:
        return parts[1]
    if parts[0] == "include" and parts[1] == "oddity":
        return "metrics" if parts[2] == "metrics" else "api"
    return None


def area_of_include(name):
    """Area that an include line names, or None when it is not one of ours."""
    if name.startswith("oddity/"):
        return "metrics" if name.startswith("oddity/metrics/") else "api"
    first = name.split("/")[0]
    return first if "/" in name and first in EVERYTHING - {"api"} else None


def launch_headers(root):
    """Headers beside a .cu file with the same stem: the only plain headers that may speak of CUDA runtime types."""
    return {cu.with_suffix(".h") for cu in root.glob("src/**/*.cu")} | set(root.glob("src/**/*.cuh"))


def includes_of(file):
    return [m.group(2) for m in map(INCLUDE.match, file.read_text(encoding="utf-8").splitlines()) if m]


def module_headers(root):
    """Names ("models/blocks.h") of the headers in which the .cpp files of src/models share modules: nobody else may include them."""
    files = root.glob("src/models/**/*blocks.h")
    return {str(f.relative_to(root / "src")) for f in files if any(map(TORCH_NN.match, includes_of(f)))}


def problems_of(root, file, launchers, modules, yaml_files):
    path = file.relative_to(root)
    area = area_of(path)
    in_cpp = file.suffix == ".cpp"
    in_cuda = file.suffix in {".cu", ".cuh"}
    if area is not None and area not in ALLOWED:
        yield 1, f"unknown area '{area}'; areas are {', '.join(sorted(ALLOWED))}"
        return
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        if OPENMP.search(line):
            yield number, "OpenMP brings a second runtime beside the one of LibTorch; use the thread pool of core or at::parallel_for"
        if CUDA_SWITCH.search(line) and not in_cuda and area is not None:
            yield number, "the absence of CUDA is a file (x_nocuda.cpp), never an #ifdef"
        match = INCLUDE.match(line)
        if not match:
            continue
        quote, name = match.groups()
        other = area_of_include(name)
        if other is not None and quote == "<":
            yield number, f'write "{name}" in quotes: it is a header of this project'
        if quote == '"' and area is not None and (name.startswith(("./", "../")) or (other is None and "/" not in name)):
            yield number, f'"{name}" must be included by its path from src/ or include/'
        if name == "omp.h":
            yield number, "OpenMP brings a second runtime beside the one of LibTorch"
        if CUDA_RUNTIME.match(name) and not in_cuda and file not in launchers and area is not None:
            yield number, f"<{name}>: CUDA runtime types stay in .cu files and their launch headers"
        if area is None:
            continue
        if other is not None and other != area and other not in ALLOWED[area]:
            yield number, f"{area} must not include {other} (\"{name}\"); it may include {', '.join(sorted(ALLOWED[area])) or 'nothing of ours'}"
        if TORCH.match(name) and area in LIBTORCH_FREE:
            yield number, f"<{name}>: {area} knows no LibTorch"
        module_file = area == "models" and (in_cpp or path.name.endswith("blocks.h"))
        if TORCH_NN.match(name) and not module_file:
            yield number, f"<{name}>: torch::nn stays in .cpp files of src/models (and the *blocks.h that they share); take narrow ATen headers"
        if name in modules and not module_file:
            yield number, f'"{name}" brings in torch::nn: only .cpp files of src/models may include it'
        if name.startswith("torch/extension"):
            yield number, f"<{name}>: only python_bindings/ know Python"
        if OPENCV_HDF5.match(name) and not (area == "data" and in_cpp):
            yield number, f"<{name}>: OpenCV and HDF5 stay in src/data/*.cpp"
        if YAML.match(name):
            if area != "core" or not in_cpp:
                yield number, f"<{name}>: yaml-cpp stays in one .cpp file of core"
            elif yaml_files - {path}:
                yield number, f"<{name}>: yaml-cpp stays in one file; it is already in {min(yaml_files)}"
            else:
                yaml_files.add(path)
        if IN_CPP_ONLY.match(name) and not (in_cpp or in_cuda):
            yield number, f"<{name}>: only in .cpp files (compile time and public headers)"
        if name.startswith("google/protobuf"):
            yield number, "libprotobuf clashes with the copy inside LibTorch"


def check(root):
    root = pathlib.Path(root).resolve()
    launchers, modules = launch_headers(root), module_headers(root)
    files = sorted(f for top in ("src", "include", "python_bindings", "bench", "tests") for f in root.glob(f"{top}/**/*") if f.suffix in SOURCES)
    found, yaml_files = [], set()
    for file in files:
        for number, what in problems_of(root, file, launchers, modules, yaml_files):
            found.append(f"{file.relative_to(root)}:{number}: {what}")
    return len(files), found


if __name__ == "__main__":
    count, violations = check(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parent.parent)
    print("\n".join(violations) if violations else f"{count} files keep the include rules")
    sys.exit(1 if violations or count == 0 else 0)
