// Every recipe that ships parses and is planned against the real catalogue.

#include <gtest/gtest.h>

#include "registry/json.h"
#include "tests/end_to_end/study_folder.h"

namespace beamgrid {
namespace {

TEST(ShippedRecipes, AreAllPlanned) {
  const TemporaryFolder folder;
  int recipes = 0;
  for (const auto& entry : std::filesystem::directory_iterator(
           std::filesystem::path(BEAMGRID_SOURCE_DIR) / "recipes")) {
    const std::string path = entry.path().string();
    if (entry.path().extension() != ".toml" || entry.path().filename() == "paper_tables.toml") {
      continue;
    }
    ++recipes;
    const Ended plan =
        Beamgrid(folder.path(), {"plan", path, "--no-data", "--limit", "200", "--json"});
    ASSERT_EQ(plan.exit_code, 0) << path << "\n" << plan.err;
    const auto json = ParseJson(plan.out);
    EXPECT_FALSE(json.at("trials").as_array().empty()) << path;
    for (const auto& trial : json.at("trials").as_array()) {
      EXPECT_GT(trial.at("parameters").as_int64(), 0) << path;
      EXPECT_GE(trial.at("size_bytes").as_int64(), 4 * trial.at("parameters").as_int64()) << path;
    }
  }
  EXPECT_GT(recipes, 0);
}

}  // namespace
}  // namespace beamgrid
