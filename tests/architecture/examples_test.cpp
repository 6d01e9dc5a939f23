// CONTRIBUTING.md shows the examples word for word, so what it shows is what the tests build and
// run.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace {

using ::testing::HasSubstr;

std::string Read(const std::string& name) {
  std::ifstream in(std::filesystem::path(BEAMGRID_SOURCE_DIR) / name, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

class ShownExample : public ::testing::TestWithParam<std::pair<const char*, const char*>> {};

TEST_P(ShownExample, IsTheFile) {
  const auto& [file, language] = GetParam();
  const std::string content = Read(file);
  ASSERT_FALSE(content.empty()) << file;
  EXPECT_THAT(Read("CONTRIBUTING.md"), HasSubstr("```" + std::string(language) + "\n" + content));
}

INSTANTIATE_TEST_SUITE_P(Contributing, ShownExample,
                         ::testing::Values(std::pair("examples/plugin/peak.cpp", "cpp"),
                                           std::pair("examples/plugin/CMakeLists.txt", "cmake"),
                                           std::pair("examples/script/pool.py", "python")),
                         [](const auto& info) {
                           return std::filesystem::path(info.param.first).stem().string();
                         });

}  // namespace
