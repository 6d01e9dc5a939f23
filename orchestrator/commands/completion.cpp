// `beamgrid completion SHELL`: a completion script made from the same tree that parses the command
// line, so that it never lags behind it.

#include "orchestrator/commands/command.h"
#include "orchestrator/commands/terminal.h"

namespace beamgrid {
namespace {

struct Level {
  std::string path;   ///< "" for beamgrid itself, " data inspect"
  std::string words;  ///< what may follow: subcommands and long options
};

void CollectLevels(const CLI::App& app, const std::string& path, const std::string& inherited,
                   std::vector<Level>* levels) {
  std::string options;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) options += " --" + name;
  }
  const auto subcommands = app.get_subcommands([](const CLI::App*) { return true; });
  std::string words;
  for (const CLI::App* sub : subcommands) words += sub->get_name() + " ";
  levels->push_back({path, words + inherited + options});
  for (const CLI::App* sub : subcommands) {
    // Options of beamgrid itself may also follow the command (fallthrough).
    CollectLevels(*sub, path + " " + sub->get_name(), path.empty() ? options : inherited, levels);
  }
}

/// Returns the script of bash; zsh runs the same one through its bashcompinit.
std::string BashScript(const CLI::App& root) {
  std::vector<Level> levels;
  CollectLevels(root, "", "", &levels);
  std::string known, cases;
  for (const Level& level : levels) {
    if (!level.path.empty()) known += (known.empty() ? "" : " | ") + ("'" + level.path + "'");
    cases += "    '" + level.path + "') words='" + level.words + "' ;;\n";
  }
  return "_beamgrid() {\n"
         "  local path='' words='' i\n"
         "  for ((i = 1; i < COMP_CWORD; i++)); do\n"
         "    case \"$path ${COMP_WORDS[i]}\" in\n"
         "    " +
         known +
         ") path=\"$path ${COMP_WORDS[i]}\" ;;\n"
         "    esac\n"
         "  done\n"
         "  case \"$path\" in\n" +
         cases +
         "  esac\n"
         "  COMPREPLY=($(compgen -W \"$words\" -- \"${COMP_WORDS[COMP_CWORD]}\"))\n"
         "}\n"
         "complete -o default -F _beamgrid beamgrid\n";
}

class Completion : public Subcommand {
 public:
  void AddOptions(CLI::App& app) override {
    app_ = &app;
    app.add_option("SHELL", shell_, "bash or zsh")
        ->required()
        ->check(CLI::IsMember({"bash", "zsh"}));
    app.footer(
        "bash: beamgrid completion bash > ~/.local/share/bash-completion/completions/beamgrid");
  }

  int Run(CommandContext& context) override {
    const Verbatim as_it_is(context.out);
    if (shell_ == "zsh") context.out << "autoload -U +X bashcompinit && bashcompinit\n";
    context.out << BashScript(*app_->get_parent());
    return kExitDone;
  }

 private:
  const CLI::App* app_ = nullptr;
  std::string shell_;
};

REGISTER_COMMAND("completion", kMachine, "Print a completion script for a shell", Completion);

}  // namespace
}  // namespace beamgrid
