// components --test and --plugin with a trainer that is a script.

#include <gmock/gmock.h>

#include <cstdlib>

#include "registry/util/files.h"
#include "tests/orchestrator/commands/command_test_support.h"

namespace beamgrid {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class ComponentsTest : public CommandTest {
 protected:
  /// A trainer that keeps its command line and answers `contract` with these problems of one check.
  void UseTrainer(const std::string& problems) const {
    const std::string trainer =
        Write("trainer", "#!/bin/sh\necho \"$@\" > " + Path("asked") +
                             "\necho '{\"component\":\"temporal.peak\",\"check\":\"padding changes "
                             "nothing\",\"problems\":[" +
                             problems + "]}'\n");
    std::filesystem::permissions(trainer, std::filesystem::perms::owner_all);
    setenv("BEAMGRID_TRAINER", trainer.c_str(), 1);
  }
};

TEST_F(ComponentsTest, APassedTestExitsWith0) {
  UseTrainer("");
  const Called called = Call({"components", "--test", "peak"});
  EXPECT_EQ(called.exit_code, 0) << called.err;
  EXPECT_EQ(called.out, "ok      padding changes nothing\n");
}

TEST_F(ComponentsTest, AFailedTestSaysWhyAndExitsWith1) {
  UseTrainer(R"("one","two","three","four")");
  const Called called = Call({"components", "--test", "peak"});
  EXPECT_EQ(called.exit_code, 1);
  EXPECT_EQ(called.out,
            "FAILED  padding changes nothing\n          one\n          two\n          three\n"
            "          and 1 more\n");
  const Called json = Call({"components", "--test", "peak", "--json"});
  EXPECT_EQ(json.exit_code, 1);
  EXPECT_EQ(json.Json().at(0).at("problems").as_array().size(), 4U);
}

TEST_F(ComponentsTest, TheTrainerIsAskedWithAbsolutePaths) {
  UseTrainer("");
  const std::string plugin = Write("a.so", "a"), file = Write("pool.pt", "p");
  const Called called = Call({"components", "--test", "peak", "--plugin", plugin, "--file", file,
                              "--feature", "rgb=8", "--feature", "audio=4", "--classes", "7"});
  EXPECT_EQ(called.exit_code, 0) << called.err;
  EXPECT_EQ(ReadFile(Path("asked")), "contract peak --plugin " + plugin + " --file " + file +
                                         " --feature rgb=8 --feature audio=4 --classes 7\n");
}

TEST_F(ComponentsTest, WhatCannotBeAskedIsRefused) {
  UseTrainer("");
  const auto refusal = [](const std::vector<std::string>& arguments) {
    const Called called = Call(arguments);
    EXPECT_EQ(called.exit_code, 2);
    return called.err;
  };
  EXPECT_THAT(refusal({"components", "--plugin", Path("none.so")}),
              AllOf(HasSubstr("none.so"), HasSubstr("there is no such file")));
  EXPECT_THAT(refusal({"components", "--test", "peak", "--file", Path("none.pt")}),
              HasSubstr("none.pt"));
  EXPECT_THAT(refusal({"components", "--file", "pool.pt"}), HasSubstr("--test"));
  EXPECT_THAT(refusal({"components", "netvlad", "--test", "netvlad"}), HasSubstr("NAME"));
}

TEST_F(ComponentsTest, ARequiredOptionHasNoDefault) {
  const std::string trainer = Write("trainer",
                                    R"(#!/bin/sh
echo '{"trainer_version":"1","libtorch_version":"1","components":[{"criterion":"temporal",
"name":"script","label":"","source":"","help":"runs a module","plugin":{"file":"a.so","hash":"1",
"path":"/p/a.so"},"options":[{"name":"file","type":"file","default":null,"allowed":"","help":"it",
"tag":"","always_named":true}]}]}'
)");
  std::filesystem::permissions(trainer, std::filesystem::perms::owner_all);
  setenv("BEAMGRID_TRAINER", trainer.c_str(), 1);
  const Called called = Call({"components", "script"});
  EXPECT_EQ(called.exit_code, 0) << called.err;
  EXPECT_THAT(called.out, AllOf(HasSubstr("Plugin: /p/a.so"), HasSubstr("file    -"),
                                HasSubstr("a file's path, relative to the recipe")));
}

}  // namespace
}  // namespace beamgrid
