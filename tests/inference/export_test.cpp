#include "inference/export.h"

#include <filesystem>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/files.h"
#include "samples.h"

namespace oddity {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

class Export : public ::testing::Test {
protected:
  void SetUp() override {
    folder_ = fs::path(::testing::TempDir()) /
              (std::string("oddity_export_") + ::testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }
  fs::path folder_;
};

TEST_F(Export, OnnxIsTheMainGraph) {
  const Package package = samples::small_package();
  export_package(package, "onnx", folder_ / "part.onnx");
  EXPECT_EQ(read_file(folder_ / "part.onnx"), write_onnx(package.graphs.at("anomaly")));
}

TEST_F(Export, FolderHoldsGraphsAndExactNumbers) {
  Package package = samples::small_package();
  package.decision.threshold = 0.1 + 0.2;
  package.decision.calibration_scores = {1.0 / 3, 2.0 / 3};
  package.region.polygons = {{{0, 0}, {1, 0}, {1, 1.0 / 3}}};
  package.decision.pooling = "top_fraction";
  package.graphs.emplace("repair", samples::every_kind_graph());
  export_package(package, "folder", folder_ / "out");
  EXPECT_EQ(read_file(folder_ / "out/model.onnx"), write_onnx(package.graphs.at("anomaly")));
  EXPECT_EQ(read_file(folder_ / "out/repair.onnx"), write_onnx(package.graphs.at("repair")));
  const std::string text = read_text_file(folder_ / "out/package.json");
  EXPECT_NE(text.find("0.30000000000000004"), std::string::npos);
  const json description = json::parse(text);
  EXPECT_EQ(description["decision"]["threshold"].get<double>(), 0.1 + 0.2);
  EXPECT_EQ(description["decision"]["calibration_scores"].get<std::vector<double>>(),
            package.decision.calibration_scores);
  EXPECT_EQ(description["region_of_interest"][0][2][1].get<double>(), 1.0 / 3);
  EXPECT_EQ(description["components"][1]["file"], "repair.onnx");
  EXPECT_EQ(description["options"]["training"]["seed"], 3);
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_ / "out"), {}), 3);
}

TEST_F(Export, RefusesWhatItCannotDo) {
  Package package = samples::small_package();
  EXPECT_THROW(export_package(package, "torchscript", folder_ / "a"), InvalidArgument);
  fs::create_directories(folder_ / "full/inside");
  EXPECT_THROW(export_package(package, "folder", folder_ / "full"), PathError);
  EXPECT_THROW(export_package(package, "onnx", folder_ / "no/such/folder.onnx"), PathError);
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_), {}), 1);
  package.graphs.clear();
  EXPECT_THROW(export_package(package, "onnx", folder_ / "a"), InvalidArgument);
}

}  // namespace
}  // namespace oddity
