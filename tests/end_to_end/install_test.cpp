// beamgrid outside its build folder: an installed prefix and an unpacked Debian package.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <vector>

#include "registry/util/json.h"
#include "tests/end_to_end/study_folder.h"

namespace beamgrid {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

const fs::path kBuild = fs::path(BEAMGRID_BINARY_DIR).parent_path();

/// A program of PATH, to its end.
Ended Tool(const fs::path& folder, std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "/usr/bin/env");
  return Process(arguments, folder).Wait();
}

/// What a user does first, with the programs of `prefix` and nothing of the build folder.
void ExpectWorks(const fs::path& prefix) {
  for (const char* program : {"beamgrid", "beamgrid-trainer"}) {
    EXPECT_THAT(ReadText(prefix / "bin" / program), Not(HasSubstr(kBuild.string()))) << program;
  }
  for (const char* file :
       {"share/beamgrid/recipes/demo.toml", "share/doc/beamgrid/README.md",
        "share/doc/beamgrid/docs/guide.md", "share/doc/beamgrid/copyright",
        "share/beamgrid/beamgrid_plugin.cmake", "include/beamgrid/trainer/component.h"}) {
    EXPECT_TRUE(fs::is_regular_file(prefix / file)) << file;
  }
  EXPECT_THAT(ReadText(prefix / "share/bash-completion/completions/beamgrid"),
              HasSubstr("complete -o default -F _beamgrid beamgrid"));

  const StudyFolder folder;
  const auto run = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), (prefix / "bin/beamgrid").string());
    return Process(arguments, folder.path()).Wait();
  };
  const auto report = ParseJson(run({"doctor", "--json"}).out);
  EXPECT_EQ(report.at("trainer").at("path").as_string(),
            (prefix / "bin/beamgrid-trainer").string());
  EXPECT_FALSE(report.at("trainer").at("report").is_null());

  RecipeText recipe;
  recipe.grid = "[[grid.classifier]]\nuse = \"logistic\"\n";
  recipe.train = "epochs = 1";
  folder.WriteRecipe(recipe);
  for (const char* command : {"check", "plan", "run"}) {
    const Ended ended = run({command, "recipe.toml"});
    EXPECT_EQ(ended.exit_code, 0) << command << ": " << ended.err;
  }
  EXPECT_THAT(run({"table", "small"}).out, HasSubstr("2 seeds"));
}

TEST(Install, APrefixElsewhereHasAllThatAStudyNeeds) {
  const TemporaryFolder folder;
  const fs::path prefix = folder.path() / "a prefix";
  const Ended install =
      Tool(folder.path(), {"cmake", "--install", kBuild.string(), "--prefix", prefix.string()});
  ASSERT_EQ(install.exit_code, 0) << install.err;
  ExpectWorks(prefix);
}

TEST(Install, TheDebianPackageHoldsTheSameAndNamesWhatItNeeds) {
  const TemporaryFolder folder;
  if (Tool(folder.path(), {"which", "dpkg-shlibdeps", "dpkg-deb", "file"}).exit_code != 0) {
    GTEST_SKIP() << "scripts/setup --package installs what makes a package";
  }
  const Ended made = Tool(
      folder.path(), {"cpack", "--config", (kBuild / "CPackConfig.cmake").string(), "-B", "made"});
  ASSERT_EQ(made.exit_code, 0) << made.out << made.err;
  const std::string package = (folder.path() / "made/beamgrid.deb").string();
  EXPECT_THAT(Tool(folder.path(), {"dpkg-deb", "--field", package, "Depends"}).out,
              AllOf(HasSubstr("libtorch"), HasSubstr("libopenblas"), HasSubstr("libboost-json")));
  ASSERT_EQ(Tool(folder.path(), {"dpkg-deb", "--extract", package, "root"}).exit_code, 0);
  ExpectWorks(folder.path() / "root/usr");
}

}  // namespace
}  // namespace beamgrid
