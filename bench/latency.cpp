// latency_bench PACKAGE THREADS COUNT: judges one image COUNT times on one worker and prints the times as JSON. The
// image is the package's first self-test, so it has the size and depth of the parts it was trained on. End to end:
// stored pixels in, verdict with map and regions out.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "backends/torch/torch_backend.h"
#include "core/error.h"
#include "inference/engine.h"

using namespace oddity;

int main(int argc, char** argv) try {
  if (argc != 4 || std::atoi(argv[2]) < 1 || std::atoi(argv[3]) < 1) {
    std::fprintf(stderr, "usage: latency_bench PACKAGE THREADS COUNT\n");
    return 2;
  }
  const int count = std::atoi(argv[3]);
  EngineOptions options;
  options.backend.threads = std::atoi(argv[2]);
  Package package = read_package(argv[1]);
  if (package.self_tests.empty()) {
    fail<ContentError>("[bench.latency] the package has no self-test, so no image; got {}", argv[1]);
  }
  const Image image = package.self_tests.front().input;
  const Engine engine(std::move(package), *make_torch_backend(), options);
  const auto worker = engine.make_worker();
  for (int i = 0; i < 20; ++i) {  // the first calls plan kernels and grow buffers
    worker->judge(image.view());
  }
  std::vector<double> times;
  double score = 0;
  const std::clock_t cpu_begun = std::clock();
  for (int i = 0; i < count; ++i) {
    const auto begun = std::chrono::steady_clock::now();
    score = worker->judge(image.view()).score;
    times.push_back(std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begun).count());
  }
  const double cpu_ms = 1000.0 * static_cast<double>(std::clock() - cpu_begun) / CLOCKS_PER_SEC / count;
  std::sort(times.begin(), times.end());
  const nlohmann::ordered_json out = {{"threads", options.backend.threads},
                                      {"count", count},
                                      {"height", image.height},
                                      {"width", image.width},
                                      {"channels", image.channels},
                                      {"score", score},
                                      {"median_ms", times[times.size() / 2]},
                                      {"min_ms", times.front()},
                                      {"cpu_ms", cpu_ms}};
  std::printf("%s\n", out.dump().c_str());
} catch (const std::exception& error) {
  std::fprintf(stderr, "latency_bench: %s\n", error.what());
  return 1;
}
