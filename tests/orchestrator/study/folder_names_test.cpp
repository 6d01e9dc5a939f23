// No name of a study or of a trial leads out of the folder that attempts are written to.

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "orchestrator/study/attempt_starter.h"
#include "search/recipe.h"
#include "tests/search/test_catalogue.h"

namespace beamgrid {
namespace {

namespace fs = std::filesystem;

const std::vector<std::string> kNasty = {"",
                                         ".",
                                         "..",
                                         "../x",
                                         "../../../../etc/passwd",
                                         "/",
                                         "/etc/passwd",
                                         "a/../../b",
                                         "a/",
                                         "a\\b",
                                         std::string("a\0b", 3),
                                         std::string("..\0", 3),
                                         "a\nb",
                                         "-rf",
                                         "~",
                                         "$(reboot)",
                                         "a;b|c&d",
                                         "*",
                                         "\x1b[31m",
                                         "\xc3\xa4\xf0\x9f\x98\x80",
                                         "\xff\xfe",
                                         "\xe2\x80\xae",
                                         std::string(5'000, 'n'),
                                         std::string(5'000, '/')};

/// As TOML writes it: every byte that is not plain as a code point.
std::string Quoted(const std::string& name) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text = "\"";
  for (const char letter : name) {
    const auto byte = static_cast<unsigned char>(letter);
    if (byte >= ' ' && byte < 0x7f && letter != '"' && letter != '\\') {
      text += letter;
    } else {
      text += std::string("\\u00") + kDigits[byte >> 4] + kDigits[byte & 15];
    }
  }
  return text + "\"";
}

std::string RecipeNamed(const std::string& name) {
  return "beamgrid = 1\n[study]\nname = " + Quoted(name) +
         "\n[data]\nformat = \"frame\"\ntrain = \"t\"\nvalidate = \"v\"\nclasses = 10\n";
}

TEST(FolderNames, NastyNamesOfStudiesAreRefused) {
  EXPECT_EQ(ParseRecipe(RecipeNamed("A-good_1"), "r.toml", TestCatalogue()).name, "A-good_1");
  for (const std::string& name : kNasty) {
    if (name == "-rf") continue;  // is a folder's name like any other below runs/
    EXPECT_THROW(static_cast<void>(ParseRecipe(RecipeNamed(name), "r.toml", TestCatalogue())),
                 RecipeError)
        << Quoted(name);
  }
}

void ExpectOneFolder(const std::string& folder) {
  const fs::path attempt = (fs::path("/runs/study") / folder / "1").lexically_normal();
  EXPECT_EQ(attempt.parent_path().parent_path(), "/runs/study") << Quoted(folder);
  EXPECT_EQ(folder.find_first_of(std::string("/\\\0\n\x1b$;|&*~", 12)), std::string::npos)
      << Quoted(folder);
  EXPECT_NE(folder.front(), '-');
  EXPECT_NE(folder.front(), '.');
  EXPECT_LT(folder.size(), 256U);
  for (const char letter : folder) EXPECT_TRUE(letter > ' ' && letter < 0x7f) << Quoted(folder);
}

TEST(FolderNames, NastyNamesOfTrialsBecomeOneFolder) {
  for (const std::string& name : kNasty) {
    ExpectOneFolder(TrialFolderName(name, 1, "0123456789abcdef"));
    ExpectOneFolder(TrialFolderName("MC-BLSTM", 9'223'372'036'854'775'807, name));
    ExpectOneFolder(TrialFolderName(name, -1, name));
  }
}

TEST(TrialFolderName, KeepsWhatShellsAndFileSystemsBear) {
  EXPECT_EQ(TrialFolderName("MC-BLSTM-MoE2", 3, "0123456789abcdef"), "MC-BLSTM-MoE2-s3-01234567");
  EXPECT_EQ(TrialFolderName("a/b c*\"x\"", 1, "0123456789"), "a_b_c__x_-s1-01234567");
  EXPECT_EQ(TrialFolderName("../x", 1, "0123456789"), "_.._x-s1-01234567");
  EXPECT_LT(TrialFolderName(std::string(5'000, 'n'), 1, "0123456789").size(), 255U);
}

}  // namespace
}  // namespace beamgrid
