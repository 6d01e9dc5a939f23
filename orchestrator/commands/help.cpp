// `beamgrid help`: what `--help` says, asked for in the other order; and every key of a recipe.

#include "orchestrator/commands/command.h"
#include "orchestrator/commands/recipe_reference.h"
#include "orchestrator/commands/terminal.h"
#include "registry/util/error.h"

namespace beamgrid {
namespace {

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
      const Verbatim as_it_is(context.out);
      PrintRecipeMarkdown(context.out);
    } else {
      PrintRecipeReference(context.out, TerminalWidth(context.out).value_or(kUsualWidth));
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
