// `beamgrid components`: the catalogue of the trainer, with every option.

#include <algorithm>

#include "orchestrator/commands/command.h"
#include "orchestrator/commands/output.h"
#include "orchestrator/commands/record.h"
#include "orchestrator/commands/text_table.h"
#include "orchestrator/commands/trainer.h"
#include "registry/error.h"
#include "registry/json.h"

namespace beamgrid {
namespace {

void Print(std::ostream& out, const ComponentInfo& component) {
  out << component.criterion << ": " << component.name << "\n  " << component.help << "\n";
  if (!component.source.empty()) out << "  Source: " << component.source << "\n";
  if (!component.options.empty()) {
    TextTable table({"option", "default", "allowed", "help"});
    for (const OptionInfo& option : component.options) {
      table.Add(
          {option.name, CanonicalJson(option.default_value), AllowedText(option), option.help});
    }
    table.Print(out, "    ");
  }
}

class Components : public Subcommand {
 public:
  void AddOptions(CLI::App& app) override {
    app.add_option("NAME", name_, "A component (netvlad) or a criterion (temporal)");
    AddJsonFlag(app, &json_);
  }

  int Run(CommandContext& context) override {
    const Catalogue catalogue = Chosen(OpenTrainer(context).catalogue);
    if (json_) {
      PrintJson(context.out, ToJson(catalogue).at("components"));
      return kExitDone;
    }
    for (const ComponentInfo& component : catalogue.components) {
      if (&component != &catalogue.components.front()) context.out << "\n";
      Print(context.out, component);
    }
    return kExitDone;
  }

 private:
  /// The components that the command line names; all without a name.
  [[nodiscard]] Catalogue Chosen(Catalogue catalogue) const {
    if (name_.empty()) return catalogue;
    std::vector<std::string> names;
    for (const ComponentInfo& component : catalogue.components) {
      names.push_back(component.name);
      names.push_back(component.criterion);
    }
    std::erase_if(catalogue.components, [this](const ComponentInfo& component) {
      return component.name != name_ && component.criterion != name_;
    });
    if (!catalogue.components.empty()) return catalogue;
    const std::string nearest = NearestSpelling(name_, names);
    throw UsageError("no component or criterion '" + name_ + "'" +
                     (nearest.empty() ? "; `beamgrid components` lists them"
                                      : "; did you mean '" + nearest + "'?"));
  }

  std::string name_;
  bool json_ = false;
};

REGISTER_COMMAND("components", kSearch, "The catalogue with every option", Components);

}  // namespace
}  // namespace beamgrid
