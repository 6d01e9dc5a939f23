#pragma once
// docs/guide.md as a reader meets it: its sections, files to save, commands to run.

#include <filesystem>
#include <string>
#include <vector>

namespace beamgrid {

/// A fenced block: commands ("sh"), or a file whose name ends the paragraph before it ("Save it as
/// `NAME`:").
struct GuideBlock {
  std::string language;
  std::string name;
  std::string text;
};

struct GuideSection {
  std::string title;  ///< of its heading, as "3. Run it"; empty before the first
  std::vector<GuideBlock> blocks;
  std::vector<std::string> tables;  ///< the lines of Markdown tables outside of blocks
};

[[nodiscard]] std::vector<GuideSection> SectionsOfGuide();

/// Saves the section's files in the folder and runs its commands there, in its order; a command
/// that fails is a test's failure and ends it. Returns what the commands printed to stdout.
std::string FollowGuide(const GuideSection& section, const std::filesystem::path& folder);

}  // namespace beamgrid
