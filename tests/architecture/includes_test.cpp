// The include arrows of ARCHITECTURE.md, checked over every source file: a line per wing.

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <ostream>
#include <regex>
#include <set>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;

/// A wing is a folder of sources, without the folders in it that are wings themselves.
struct Wing {
  std::string folder;
  std::vector<std::string> may_include;  ///< other wings, or single headers of them
};

void PrintTo(const Wing& wing, std::ostream* out) { *out << wing.folder; }

const std::vector<Wing> kWings = {
    {"registry/util", {}},
    {"registry/scoring", {"registry/util"}},
    {"registry", {"registry/scoring", "registry/util"}},
    {"registry/store", {"registry", "registry/util"}},
    {"search", {"search/ensemble/ensemble.h", "registry", "registry/scoring", "registry/util"}},
    // Its table of keys states the defaults and words of the metrics and of an ensemble's question.
    {"search/recipe",
     {"search", "search/ensemble/ensemble.h", "registry", "registry/scoring/metrics.h",
      "registry/util"}},
    {"search/strategies", {"search", "search/surrogate", "registry", "registry/util"}},
    {"search/surrogate", {"search", "registry", "registry/util"}},
    {"search/ensemble", {"registry/video_groups.h", "registry/scoring", "registry/util"}},
    {"search/effects", {}},
    {"trainer/protocol", {"registry", "registry/util"}},
    {"trainer/data", {"registry", "registry/scoring", "registry/util"}},
    {"trainer", {"trainer/data", "registry", "registry/util"}},
    {"trainer/components", {"trainer", "registry/util"}},
    {"trainer/contract", {"trainer", "registry"}},
    {"trainer/training",
     {"trainer", "trainer/data", "trainer/protocol", "registry", "registry/scoring",
      "registry/util"}},
    {"trainer/export",
     {"trainer", "trainer/protocol", "trainer/training", "registry", "registry/scoring",
      "registry/util"}},
    {"trainer/worker",
     {"trainer", "trainer/contract", "trainer/data", "trainer/export", "trainer/protocol",
      "trainer/training", "registry", "registry/scoring", "registry/util"}},
    {"reports",
     {"search", "search/effects", "search/ensemble", "registry", "registry/scoring",
      "registry/store", "registry/util"}},
    {"reports/page", {"reports", "search", "registry", "registry/store", "registry/util"}},
    // The core: what depends on processes, devices or time is behind its three seams.
    {"orchestrator/study",
     {"search", "search/recipe/warm_start_name.h", "trainer/protocol", "registry",
      "registry/scoring", "registry/store", "registry/util"}},
    {"orchestrator/workers",
     {"orchestrator/study/executor.h", "orchestrator/study/model_counter.h", "trainer/protocol",
      "registry", "registry/scoring", "registry/util"}},
    {"orchestrator/slurm",
     {"orchestrator/study/attempt_starter.h", "orchestrator/study/executor.h",
      "orchestrator/workers", "search/recipe.h", "trainer/protocol", "registry", "registry/store",
      "registry/util"}},
    {"orchestrator/machine",
     {"orchestrator/study/resources.h", "orchestrator/study/scheduler.h",
      "orchestrator/workers/process.h", "orchestrator/workers/trainer_client.h", "search",
      "registry", "registry/store", "registry/util"}},
    {"orchestrator/inputs",
     {"orchestrator/workers/trainer_client.h", "search", "trainer/data", "registry",
      "registry/scoring/metrics.h", "registry/scoring/predictions.h", "registry/util"}},
    {"orchestrator/importing",
     {"orchestrator/inputs/csv_table.h", "orchestrator/inputs/file_patterns.h",
      "orchestrator/inputs/input_file.h", "trainer/data", "registry/util"}},
    {"orchestrator/audit",
     {"orchestrator/machine", "orchestrator/workers", "orchestrator/study", "trainer/protocol",
      "registry", "registry/scoring", "registry/store", "registry/util"}},
    {"orchestrator/dashboard",
     {"orchestrator/study_snapshot.h", "orchestrator/trial_verdict.h",
      "orchestrator/machine/machine_share.h", "reports", "reports/page", "registry",
      "registry/store", "registry/util"}},
    {"orchestrator/exports",
     {"orchestrator/audit", "orchestrator/study/attempt_starter.h", "orchestrator/workers",
      "reports/sheet.h", "search/ensemble", "trainer/data/tfrecord.h", "trainer/protocol",
      "registry", "registry/scoring", "registry/store", "registry/util"}},
    {"orchestrator/housekeeping",
     {"orchestrator/audit", "search", "search/recipe/warm_start_name.h", "trainer/protocol",
      "registry/named_classes.h", "registry/scoring", "registry/store", "registry/util"}},
    {"orchestrator",
     {"orchestrator/audit", "orchestrator/commands/command_line.h", "orchestrator/inputs",
      "orchestrator/machine", "orchestrator/slurm", "orchestrator/workers", "orchestrator/study",
      "search", "trainer/data", "registry", "registry/store", "registry/util"}},
    {"orchestrator/commands",
     {"orchestrator",
      "orchestrator/audit",
      "orchestrator/dashboard",
      "orchestrator/exports",
      "orchestrator/housekeeping",
      "orchestrator/importing",
      "orchestrator/inputs",
      "orchestrator/machine",
      "orchestrator/slurm",
      "orchestrator/workers",
      "orchestrator/study",
      "reports",
      "reports/page",
      "search",
      "search/ensemble",
      "trainer/data",
      "registry",
      "registry/scoring",
      "registry/store",
      "registry/util"}},
};

bool IsIn(const std::string& path, const std::string& folder) {
  return path.rfind(folder + "/", 0) == 0;
}

/// The wing that a path lies in, by the longest folder; empty: it is not ours.
std::string WingOf(const std::string& path) {
  std::string best;
  for (const Wing& wing : kWings) {
    if (IsIn(path, wing.folder) && wing.folder.size() > best.size()) best = wing.folder;
  }
  return best;
}

struct Include {
  std::string file;    // relative to the project
  std::string target;  // as written, without the quotes
};

/// Every include of every source of ours, by the wing of the file.
const std::map<std::string, std::vector<Include>>& Includes() {
  static const auto all = [] {
    static const std::regex pattern(R"(^\s*#\s*include\s*[<"]([^>"]+)[>"])");
    std::map<std::string, std::vector<Include>> includes;
    const fs::path root(BEAMGRID_SOURCE_DIR);
    for (const char* top : {"registry", "search", "trainer", "reports", "orchestrator"}) {
      for (const auto& entry : fs::recursive_directory_iterator(root / top)) {
        const std::string extension = entry.path().extension();
        if (extension != ".h" && extension != ".cpp" && extension != ".cu") continue;
        const std::string file = fs::relative(entry.path(), root).string();
        std::ifstream in(entry.path());
        std::smatch match;
        for (std::string line; std::getline(in, line);) {
          if (std::regex_search(line, match, pattern)) {
            includes[WingOf(file)].push_back({file, match[1]});
          }
        }
      }
    }
    return includes;
  }();
  return all;
}

class WingTest : public testing::TestWithParam<Wing> {};

TEST_P(WingTest, IncludesWhatItMay) {
  const Wing& wing = GetParam();
  const auto includes = Includes().find(wing.folder);
  ASSERT_NE(includes, Includes().end()) << "no sources: is the test looking at the right place?";
  for (const Include& include : includes->second) {
    const std::string target = WingOf(include.target);
    if (target.empty() || target == wing.folder) continue;
    EXPECT_TRUE(std::ranges::any_of(
        wing.may_include,
        [&](const std::string& allowed) { return allowed == target || allowed == include.target; }))
        << include.file << " includes " << include.target
        << ", against the arrows of ARCHITECTURE.md";
  }
}

INSTANTIATE_TEST_SUITE_P(Wings, WingTest, testing::ValuesIn(kWings));

TEST(Wings, EverySourceLiesInOne) { EXPECT_FALSE(Includes().contains("")); }

/// No two wings need each other: a wing may include only wings (or headers) that come before it in
/// some order.
TEST(Wings, NoArrowRunsBack) {
  std::map<std::string, std::set<std::string>> arrows;
  for (const auto& [wing, includes] : Includes()) {
    for (const Include& include : includes) {
      const std::string target = WingOf(include.target);
      if (!target.empty() && target != wing) arrows[wing].insert(target);
    }
  }
  // main.cpp enters the command line, which is everything else that lies above.
  arrows["orchestrator"].erase("orchestrator/commands");
  while (!arrows.empty()) {
    const auto leaf = std::ranges::find_if(arrows, [&](const auto& arrow) {
      return std::ranges::none_of(arrow.second,
                                  [&](const std::string& wing) { return arrows.contains(wing); });
    });
    ASSERT_NE(leaf, arrows.end()) << "wings that need each other, among them "
                                  << arrows.begin()->first;
    arrows.erase(leaf);
  }
}

TEST(Includes, SearchIsPure) {
  for (const auto& [wing, includes] : Includes()) {
    if (wing != "search" && !IsIn(wing, "search")) continue;
    for (const Include& include : includes) {
      for (const char* impure : {"thread", "chrono", "fstream", "filesystem"}) {
        EXPECT_NE(include.target, impure)
            << include.file << ": search/ has no clock, file, thread or store";
      }
    }
  }
}

TEST(Includes, OnlyTheTrainerSeesLibTorch) {
  for (const auto& [wing, includes] : Includes()) {
    const bool torch_free = wing == "trainer/protocol" || wing == "trainer/data" ||
                            (wing != "trainer" && !IsIn(wing, "trainer"));
    if (!torch_free) continue;
    for (const Include& include : includes) {
      for (const char* torch : {"torch", "ATen", "c10"}) {
        EXPECT_FALSE(IsIn(include.target, torch)) << include.file << " includes " << include.target;
      }
    }
  }
}

}  // namespace
