// `beamgrid help`: what `--help` says, asked for in the other order; and every key of a recipe.

#include <sys/ioctl.h>
#include <unistd.h>

#include <iostream>

#include "orchestrator/commands/command.h"
#include "orchestrator/commands/recipe_reference.h"
#include "registry/util/error.h"

namespace beamgrid {
namespace {

constexpr std::size_t kUsualWidth = 80;

/// Returns the characters in a line of the terminal that `out` is, or the usual number.
std::size_t WidthOf(const std::ostream& out) {
  winsize size{};
  const bool terminal =
      &out == &std::cout && ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return terminal ? size.ws_col : kUsualWidth;
}

class Help : public Subcommand {
 public:
  void AddOptions(CLI::App& app) override {
    app.add_option("COMMAND", topic_,
                   "A command, as in `data synth`; recipe: every key of a recipe; none: all "
                   "commands");
    app.add_flag("--markdown", markdown_, "With recipe: as Markdown");
  }

  int Run(CommandContext& context) override {
    // Any other word has become `WORD --help` before it was parsed.
    if (topic_ != "recipe") throw UsageError("--markdown: only `beamgrid help recipe` has it");
    if (markdown_) {
      PrintRecipeMarkdown(context.out);
    } else {
      PrintRecipeReference(context.out, WidthOf(context.out));
    }
    return kExitDone;
  }

 private:
  std::string topic_;
  bool markdown_ = false;
};

REGISTER_COMMAND("help", kMachine, "What a command takes; help recipe: every key of a recipe",
                 Help);

}  // namespace
}  // namespace beamgrid
