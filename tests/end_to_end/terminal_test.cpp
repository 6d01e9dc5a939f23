// What only somebody at a terminal meets, on one that `script` makes.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "registry/util/json.h"
#include "tests/end_to_end/study_folder.h"

namespace beamgrid {
namespace terminal_test {

using ::testing::HasSubstr;

/// Runs `beamgrid ARGUMENTS` in the folder at a terminal of 80 columns, and types `typed`.
Ended AtTerminal(const StudyFolder& folder, const std::string& arguments,
                 const std::string& typed) {
  const std::string command = "stty cols 80; " + Binary("beamgrid") + " " + arguments;
  return Process({"/bin/sh", "-c", "printf '%s\\n' \"$1\" | script -qefc \"$0\" /dev/null", command,
                  typed},
                 folder.path())
      .Wait();
}

TEST(TerminalTest, WhoSitsAtOneIsAsked) {
  const StudyFolder folder;
  folder.WriteRecipe({});
  ASSERT_EQ(folder.Run({"run", "recipe.toml"}).exit_code, 0);
  const Ended no = AtTerminal(folder, "rm small", "n");
  EXPECT_THAT(no.out, HasSubstr("[y/N]"));
  EXPECT_THAT(no.out, HasSubstr("nothing was changed"));
  EXPECT_THAT(folder.Run({"studies"}).out, HasSubstr("small"));
  const Ended yes = AtTerminal(folder, "rm small", "y");
  EXPECT_EQ(yes.exit_code, 0) << yes.out;
  EXPECT_EQ(folder.Run({"studies", "--json"}).out, "[]\n");
  const Ended nobody = folder.Run({"rm", "small"});
  EXPECT_EQ(nobody.exit_code, 2);
}

}  // namespace terminal_test
}  // namespace beamgrid
