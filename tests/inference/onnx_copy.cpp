#include <cstdio>
#include <exception>
#include <fstream>
#include <iterator>
#include <span>
#include <string>
#include <vector>

#include "inference/graph.h"

/// The C++ half of onnx_peer_test.py: `onnx_copy IN OUT` reads a model and writes it again, `onnx_copy --operators`
/// prints the supported operators. Exit code 1 with the message on stderr when the model is refused.
int main(int count, char** arguments) {
  try {
    if (count == 2 && std::string(arguments[1]) == "--operators") {
      for (const auto op : oddity::supported_operators()) {
        std::printf("%.*s\n", static_cast<int>(op.size()), op.data());
      }
      return 0;
    }
    if (count != 3) {
      std::fputs("usage: onnx_copy IN OUT | --operators\n", stderr);
      return 2;
    }
    std::ifstream in(arguments[1], std::ios::binary);
    const std::vector<char> bytes{std::istreambuf_iterator<char>(in), {}};
    const auto written = oddity::write_onnx(oddity::read_onnx(std::as_bytes(std::span(bytes))));
    std::ofstream out(arguments[2], std::ios::binary);
    out.write(reinterpret_cast<const char*>(written.data()), static_cast<std::streamsize>(written.size()));
    return out.flush() ? 0 : 1;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
