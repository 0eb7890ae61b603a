"""Plants violations of the include rules in a small tree and checks that tools/check_includes.py names each by file and line, and nothing else."""

import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools"))
sys.dont_write_bytecode = True
from check_includes import ALLOWED, check  # noqa: E402

CLEAN = {
    "src/core/error.h": "#pragma once\n#include <string>\n",
    "src/core/config.cpp": '#include "core/error.h"\n#include <yaml-cpp/yaml.h>\n#include <nlohmann/json.hpp>\n',
    "src/image/image.cpp": '#include "core/error.h"\n',
    "src/metrics/ranking.cpp": '#include "oddity/metrics/ranking.h"\n#include "core/error.h"\n',
    "include/oddity/metrics/ranking.h": "#include <vector>\n",
    "include/oddity/oddity.h": "#include <stdint.h>\n",
    "src/inference/engine.cpp": '#include "image/image.h"\n#include "oddity/metrics/ranking.h"\n',
    "src/data/decode.cpp": "#include <opencv2/imgcodecs.hpp>\n#include <hdf5.h>\n",
    "src/augment/blur.h": "#include <ATen/core/Tensor.h>\n",
    "src/augment/blur.cu": "#include <cuda_runtime_api.h>\n#ifdef __CUDA_ARCH__\n#endif\n",
    "src/augment/kernels.cu": "",
    "src/augment/kernels.h": "#include <cuda_runtime_api.h>\n",
    "src/models/template.cpp": '#include <torch/nn.h>\n#include "models/blocks.h"\n',
    "src/models/blocks.h": "#include <torch/nn/module.h>\n",
    "src/backends/torch/torch_backend.cpp": '#include "inference/backend.h"\n#include <ATen/ops/conv2d.h>\n',
    "src/training/train.cpp": '#include "models/template.h"\n#include "inference/package.h"\n#include "data/dataset.h"\n',
    "src/report/report.cpp": '#include "evaluation/evaluate.h"\n',
    "src/cli/train.cpp": '#include "training/train.h"\n#include "report/report.h"\n',
    "tests/core/error_test.cpp": '#include "core/error.h"\n#include <nlohmann/json.hpp>\n',
}

# file, text, lines that must be named (1-based)
PLANTED = [
    ("src/core/error.h", '#include "image/image.h"\n', [1]),
    ("src/image/image.h", '#pragma once\n#include "inference/engine.h"\n', [2]),
    ("src/metrics/ranking.cpp", '#include "image/image.h"\n', [1]),
    ("src/inference/engine.cpp", '#include "data/dataset.h"\n', [1]),
    ("src/inference/engine.cpp", '#include "backends/torch/torch_backend.h"\n', [1]),
    ("src/models/template.cpp", '#include "data/dataset.h"\n#include "augment/blur.h"\n', [1, 2]),
    ("src/data/decode.cpp", '#include "models/template.h"\n', [1]),
    ("src/augment/blur.cpp", '#include "data/sample.h"\n', [1]),
    ("src/augment/blur.cpp", '#include "inference/engine.h"\n', [1]),
    ("src/backends/torch/torch_backend.cpp", '#include "training/train.h"\n', [1]),
    ("src/training/train.cpp", '#include "report/report.h"\n#include "cli/train.h"\n', [1, 2]),
    ("src/report/report.cpp", '#include "cli/train.h"\n', [1]),
    ("include/oddity/oddity.h", '#include "training/train.h"\n', [1]),
    ("include/oddity/metrics/ranking.h", '#include "inference/engine.h"\n', [1]),
    ("src/core/log.cpp", "// why\n#include <ATen/core/Tensor.h>\n", [2]),
    ("src/image/image.cpp", "#include <c10/core/Device.h>\n", [1]),
    ("src/metrics/ranking.cpp", "  #  include  <torch/types.h>\n", [1]),
    ("include/oddity/oddity.h", "#include <torch/all.h>\n", [1, 1]),
    ("src/models/template.h", "#include <torch/nn/module.h>\n", [1]),
    ("src/models/template.h", '#include "models/blocks.h"\n', [1]),
    ("src/training/train.cpp", '#include "models/blocks.h"\n', [1]),
    ("src/training/trainer.cpp", "#include <torch/torch.h>\n", [1]),
    ("src/evaluation/evaluate.cpp", "#include <torch/optim.h>\n", [1]),
    ("src/image/decode.cpp", "#include <opencv2/core.hpp>\n", [1]),
    ("src/data/decode.h", "#include <opencv2/core.hpp>\n#include <hdf5.h>\n#include <H5Dpublic.h>\n", [1, 2, 3]),
    ("src/cli/data.cpp", "#include <hdf5_hl.h>\n", [1]),
    ("src/core/yaml.h", "#include <yaml-cpp/yaml.h>\n", [1]),
    ("src/cli/train.cpp", "#include <yaml-cpp/node/node.h>\n", [1]),
    ("src/core/files.cpp", "#include <yaml-cpp/yaml.h>\n", [1]),  # the second file of core after config.cpp
    ("src/core/json.h", "#include <nlohmann/json.hpp>\n", [1]),
    ("src/core/digest.h", "#include <openssl/evp.h>\n", [1]),
    ("include/oddity/metrics/features.h", "#include <Eigen/Dense>\n", [1]),
    ("src/augment/blur.cpp", "#include <cuda_runtime.h>\n", [1]),
    ("src/training/trainer.cpp", "#include <c10/cuda/CUDAStream.h>\n", [1]),
    ("src/augment/other.h", "#include <cuda_runtime_api.h>\n", [1]),  # no other.cu beside it
    ("src/training/trainer.cpp", "#ifdef ODDITY_CUDA_ENABLED\n#endif\n", [1]),
    ("src/augment/blur.cpp", "#if defined(USE_CUDA) && 1\n#endif\n", [1]),
    ("src/data/load.cpp", "#pragma omp parallel for\n", [1]),
    ("src/core/log.cpp", "#include <core/error.h>\n", [1]),
    ("src/core/log.cpp", '#include "error.h"\n', [1]),
    ("src/data/decode.cpp", '#include "../core/error.h"\n', [1]),
    ("src/newarea/x.h", "#pragma once\n", [1]),
    ("src/core/wire.cpp", "#include <google/protobuf/message.h>\n", [1]),
]


def problems(tree):
    with tempfile.TemporaryDirectory() as folder:
        for name, text in tree.items():
            file = pathlib.Path(folder, name)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        return check(folder)


class CheckIncludes(unittest.TestCase):
    def test_a_clean_tree_passes(self):
        self.assertEqual(problems(CLEAN), (len(CLEAN), []))

    def test_each_planted_violation_is_named(self):
        for file, text, lines in PLANTED:
            with self.subTest(file=file, text=text):
                _, found = problems({**CLEAN, file: text})
                self.assertEqual([f.rsplit(": ", 10)[0].split(":")[:2] for f in found], [[file, str(n)] for n in lines], found)

    def test_the_allowed_arrows_have_no_cycle(self):
        rank = {}
        while len(rank) < len(ALLOWED):
            ready = [a for a, below in ALLOWED.items() if a not in rank and below <= rank.keys()]
            self.assertTrue(ready, f"a cycle among {set(ALLOWED) - rank.keys()}")
            rank.update({a: len(rank) for a in ready})


if __name__ == "__main__":
    unittest.main()
