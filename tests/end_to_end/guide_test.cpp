// Every command of docs/guide.md, in its order, in an empty folder.

#include <gtest/gtest.h>

#include <cstdlib>
#include <sstream>
#include <string>
#include <vector>

#include "tests/end_to_end/study_folder.h"
#include "tests/support/temporary_folder.h"

namespace beamgrid {
namespace {

/// A fenced block: commands, or a file whose name ends the paragraph before it ("Save it as
/// `NAME`:").
struct Block {
  std::string language;
  std::string name;
  std::string text;
};

std::string LastQuoted(const std::string& line) {
  const std::size_t end = line.rfind('`');
  if (end == std::string::npos || end == 0) return "";
  const std::size_t begin = line.rfind('`', end - 1);
  return begin == std::string::npos ? "" : line.substr(begin + 1, end - begin - 1);
}

std::vector<Block> BlocksOf(const std::string& markdown) {
  std::vector<Block> blocks;
  std::istringstream lines(markdown);
  std::string before;
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("```")) {
      if (!line.empty()) before = line;
      continue;
    }
    Block block{.language = line.substr(3), .name = LastQuoted(before), .text = ""};
    while (std::getline(lines, line) && line != "```") block.text += line + "\n";
    blocks.push_back(block);
  }
  return blocks;
}

TEST(Guide, EachCommandDoesWhatItIsThereFor) {
  const TemporaryFolder folder;
  const std::string path = std::string(BEAMGRID_BINARY_DIR ":") + std::getenv("PATH");
  std::size_t commands = 0;
  for (const Block& block : BlocksOf(ReadText(BEAMGRID_SOURCE_DIR "/docs/guide.md"))) {
    SCOPED_TRACE(block.text);
    if (block.language != "sh") {
      ASSERT_NE(block.name, "") << "a file without a name";
      WriteText(folder.path() / block.name, block.text);
      continue;
    }
    ++commands;
    const Ended ended =
        Process({"/usr/bin/env", "PATH=" + path, "bash", "-euo", "pipefail", "-c", block.text},
                folder.path())
            .Wait();
    ASSERT_EQ(ended.exit_code, 0) << ended.out << ended.err;
  }
  EXPECT_GE(commands, 8U);
}

}  // namespace
}  // namespace beamgrid
