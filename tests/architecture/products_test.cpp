// A component that multiplies past trainer/products.h would stay fp32 under train.arithmetic, and
// nobody would notice.

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <string>

namespace {

namespace fs = std::filesystem;

TEST(Products, OfComponentsGoThroughOneHeader) {
  static const std::regex multiplies(
      R"(torch::nn::Linear\b|torch::(linear|matmul|mm|bmm|addmm|baddbmm|einsum|conv1d)\()"
      R"(|\.(matmul|mm|bmm|addmm|addmm_|baddbmm|baddbmm_)\()");
  // Sums and means over frames or videos, and vectors: fp32 in any arithmetic.
  const std::map<std::string, int> left = {
      {"classifier/many_to_many.cpp", 2},       // means over frames
      {"loss/center.cpp", 1},                   // sums over videos
      {"temporal/adaptive_noise.cpp", 1},       // a vector
      {"temporal/indirect_clustering.cpp", 1},  // vectors
      {"temporal/position_encoding.cpp", 1},    // sums over frames
      {"temporal/weighted_sum.h", 1},           // sums over frames
  };
  std::map<std::string, int> found;
  const fs::path root = fs::path(BEAMGRID_SOURCE_DIR) / "trainer/components";
  for (const auto& entry : fs::recursive_directory_iterator(root)) {
    const std::string extension = entry.path().extension();
    if (extension != ".h" && extension != ".cpp") continue;
    std::ifstream in(entry.path());
    for (std::string line; std::getline(in, line);) {
      if (std::regex_search(line, multiplies)) {
        ++found[fs::relative(entry.path(), root).string()];
      }
    }
  }
  EXPECT_EQ(found, left);
}

}  // namespace
