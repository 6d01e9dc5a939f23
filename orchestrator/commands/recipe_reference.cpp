#include "orchestrator/commands/recipe_reference.h"

#include <string>

#include "orchestrator/commands/terminal.h"
#include "search/recipe_keys.h"

namespace beamgrid {
namespace {

constexpr char kIntroduction[] =
    "A recipe is TOML. A mistake in it is answered with its place, and nothing is started. The "
    "options of components are the trainer's: `beamgrid components` lists them, `beamgrid "
    "components NAME` those of one.";

std::string DefaultOf(const RecipeKey& key) {
  return key.fallback == "required" ? "required" : "default " + key.fallback;
}

/// Returns the text as a cell of a Markdown table.
std::string Cell(const std::string& text) {
  std::string cell;
  for (const char c : text) cell += c == '|' ? std::string("\\|") : std::string(1, c);
  return cell;
}

/// Returns a default as a cell: TOML as code, words as they are.
std::string DefaultCell(const std::string& fallback) {
  const bool toml = fallback.find_first_of("0123456789\"[") == 0;
  return toml ? "`" + fallback + "`" : fallback;
}

}  // namespace

void PrintRecipeReference(std::ostream& out, std::size_t width) {
  PrintWords(out, "", kIntroduction, 0, width);
  for (const RecipeSection& section : RecipeSections()) {
    out << "\n" << (section.name.empty() ? "Before the first section" : section.heading) << "\n";
    if (!section.help.empty()) PrintWords(out, "", section.help, 0, width);
    for (const RecipeKey& key : section.keys) {
      PrintWords(out, "  " + key.setting.name + ":", key.takes + "; " + DefaultOf(key), 6, width);
      PrintWords(out, std::string(6, ' '), key.setting.help, 6, width);
    }
  }
}

void PrintRecipeMarkdown(std::ostream& out) {
  out << "# Keys of a recipe\n\n"
         "<!-- Made by `beamgrid help recipe --markdown`. A test compares the two. -->\n\n"
      << kIntroduction << "\n";
  for (const RecipeSection& section : RecipeSections()) {
    out << "\n## "
        << (section.name.empty() ? "Before the first section" : "`" + section.heading + "`")
        << "\n\n";
    if (!section.help.empty()) out << section.help << "\n\n";
    out << "| key | takes | default | |\n|---|---|---|---|\n";
    for (const RecipeKey& key : section.keys) {
      out << "| `" << key.setting.name << "` | " << Cell(key.takes) << " | "
          << Cell(DefaultCell(key.fallback)) << " | " << Cell(key.setting.help) << " |\n";
    }
  }
}

}  // namespace beamgrid
