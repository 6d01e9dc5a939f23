#include "tests/end_to_end/guide.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <sstream>

#include "tests/end_to_end/study_folder.h"

namespace beamgrid {
namespace {

std::string LastQuotedWord(const std::string& line) {
  const std::size_t end = line.rfind('`');
  if (end == std::string::npos || end == 0) return "";
  const std::size_t begin = line.rfind('`', end - 1);
  return begin == std::string::npos ? "" : line.substr(begin + 1, end - begin - 1);
}

}  // namespace

std::vector<GuideSection> SectionsOfGuide() {
  std::vector<GuideSection> sections(1);
  std::istringstream lines(ReadText(BEAMGRID_SOURCE_DIR "/docs/guide.md"));
  std::string before;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("## ")) sections.push_back({.title = line.substr(3)});
    if (line.starts_with("|")) sections.back().tables.push_back(line);
    if (!line.starts_with("```")) {
      if (!line.empty()) before = line;
      continue;
    }
    GuideBlock block{.language = line.substr(3), .name = LastQuotedWord(before), .text = ""};
    while (std::getline(lines, line) && line != "```") block.text += line + "\n";
    sections.back().blocks.push_back(block);
    before.clear();
  }
  return sections;
}

std::string FollowGuide(const GuideSection& section, const std::filesystem::path& folder) {
  const std::string path = std::string(BEAMGRID_BINARY_DIR ":") + std::getenv("PATH");
  std::string printed;
  for (const GuideBlock& block : section.blocks) {
    SCOPED_TRACE(block.text);
    if (block.language != "sh") {
      EXPECT_NE(block.name, "") << "a file without a name";
      WriteText(folder / block.name, block.text);
      continue;
    }
    const Ended ended =
        Process({"/usr/bin/env", "PATH=" + path, "bash", "-euo", "pipefail", "-c", block.text},
                folder)
            .Wait();
    EXPECT_EQ(ended.exit_code, 0) << ended.out << ended.err;
    printed += ended.out;
    if (ended.exit_code != 0) return printed;
  }
  return printed;
}

}  // namespace beamgrid
