#pragma once
// Commands on a recipe, with a trainer that is a script.

#include <string>

#include "tests/orchestrator/commands/command_test_support.h"

namespace beamgrid {

class SearchCommandsTest : public CommandTest {
 protected:
  SearchCommandsTest() {
    UseFakeTrainer();
    EXPECT_EQ(Call({"data", "synth", "--out", Path("data"), "--videos", "10", "--classes", "6",
                    "--seed", "1", "--features", "rgb=8,audio=4", "--max-frames", "4", "--quiet"})
                  .exit_code,
              0);
  }
  /// A recipe on the synthetic data.
  [[nodiscard]] std::string Recipe(const std::string& rest, const std::string& data = "") const {
    return Write("recipe.toml",
                 "beamgrid = 1\n[study]\nname = \"planned\"\nseeds = [1, 2]\n[data]\n"
                 "format = \"frame\"\ntrain = [\"data/train*.tfrecord\"]\n"
                 "validate = [\"data/validate*.tfrecord\"]\n" +
                     (data.empty() ? "classes = 6\nfeatures = { rgb = 8, audio = 4 }\n" : data) +
                     rest);
  }
};

}  // namespace beamgrid
