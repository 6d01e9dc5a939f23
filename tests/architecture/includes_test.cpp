// The include arrows of ARCHITECTURE.md, checked over every source file.

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <regex>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;

struct Include {
  std::string file;    // relative to the project
  std::string target;  // as written, without the quotes
};

bool StartsWith(const std::string& text, const std::string& prefix) {
  return text.rfind(prefix, 0) == 0;
}

std::vector<Include> IncludesBelow(const std::string& folder) {
  static const std::regex pattern(R"(^\s*#\s*include\s*[<"]([^>"]+)[>"])");
  std::vector<Include> includes;
  const fs::path root(BEAMGRID_SOURCE_DIR);
  for (const auto& entry : fs::recursive_directory_iterator(root / folder)) {
    const std::string extension = entry.path().extension();
    if (extension != ".h" && extension != ".cpp" && extension != ".cu") continue;
    std::ifstream in(entry.path());
    std::smatch match;
    for (std::string line; std::getline(in, line);) {
      if (std::regex_search(line, match, pattern)) {
        includes.push_back({fs::relative(entry.path(), root).string(), match[1]});
      }
    }
  }
  return includes;
}

const std::vector<std::string> kFolders = {"registry/", "search/", "trainer/", "orchestrator/",
                                           "reports/"};

// Every include of a folder of ours from `folder` must start with one of `allowed`.
void ExpectOnly(const std::string& folder, const std::vector<std::string>& allowed) {
  const auto includes = IncludesBelow(folder);
  EXPECT_FALSE(includes.empty()) << folder
                                 << " has no sources: is the test looking at the right place?";
  for (const Include& include : includes) {
    const auto starts = [&](const std::string& prefix) {
      return StartsWith(include.target, prefix);
    };
    if (std::none_of(kFolders.begin(), kFolders.end(), starts)) continue;
    EXPECT_TRUE(std::any_of(allowed.begin(), allowed.end(), starts))
        << include.file << " includes " << include.target
        << ", against the arrows of ARCHITECTURE.md";
  }
}

TEST(Includes, RegistryKnowsOnlyItself) { ExpectOnly("registry", {"registry/"}); }

TEST(Includes, SearchKnowsTheRegistry) { ExpectOnly("search", {"search/", "registry/"}); }

TEST(Includes, SearchIsPure) {
  for (const Include& include : IncludesBelow("search")) {
    for (const char* impure :
         {"thread", "chrono", "fstream", "filesystem", "registry/store/store.h"}) {
      EXPECT_NE(include.target, impure)
          << include.file << ": search/ has no clock, file, thread or store";
    }
  }
}

TEST(Includes, ReportsKnowRegistryAndSearch) {
  ExpectOnly("reports", {"reports/", "registry/", "search/"});
}

TEST(Includes, ProtocolAndDataAreFreeOfTheRestOfTheTrainer) {
  ExpectOnly("trainer/protocol", {"trainer/protocol/", "registry/"});
  ExpectOnly("trainer/data", {"trainer/data/", "registry/"});
}

TEST(Includes, TrainerKnowsTheRegistrysValuesOnly) {
  ExpectOnly("trainer", {"trainer/", "registry/"});
  for (const Include& include : IncludesBelow("trainer")) {
    EXPECT_NE(include.target, "registry/store/store.h")
        << include.file << ": only the orchestrator writes the database";
  }
}

TEST(Includes, OrchestratorKnowsAllButTheTrainersInsides) {
  ExpectOnly("orchestrator", {"orchestrator/", "registry/", "search/", "reports/",
                              "trainer/protocol/", "trainer/data/"});
}

TEST(Includes, OnlyTheTrainerSeesLibTorch) {
  for (const char* folder :
       {"registry", "search", "reports", "orchestrator", "trainer/protocol", "trainer/data"}) {
    for (const Include& include : IncludesBelow(folder)) {
      for (const char* torch : {"torch/", "ATen/", "c10/"}) {
        EXPECT_FALSE(StartsWith(include.target, torch))
            << include.file << " includes " << include.target;
      }
    }
  }
}

}  // namespace
