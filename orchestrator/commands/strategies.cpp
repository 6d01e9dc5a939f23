// `beamgrid strategies`: how a grid can be searched, and what [search] takes for each way.

#include <algorithm>
#include <sstream>

#include "orchestrator/commands/command.h"
#include "orchestrator/commands/record.h"
#include "orchestrator/commands/terminal.h"
#include "orchestrator/commands/text_table.h"
#include "registry/util/error.h"
#include "registry/util/json.h"
#include "registry/util/nearest_spelling.h"
#include "registry/util/text.h"
#include "search/recipe_keys.h"
#include "search/strategy.h"

namespace beamgrid {
namespace {

/// Returns the section of the recipe's reference.
const RecipeSection& SectionNamed(const std::string& name) {
  return *std::ranges::find(RecipeSections(), name, &RecipeSection::name);
}

/// Returns the strategies that a help is for, "greedy: ..." or "random, model: ..."; none: for all.
std::vector<std::string> NamesBefore(const std::string& help) {
  std::vector<std::string> names;
  std::string before = help.substr(0, std::min(help.find(": "), help.size()));
  std::ranges::replace(before, ',', ' ');
  std::istringstream words(before);
  for (std::string word; words >> word;) {
    if (!std::ranges::count(Strategies(), word, &StrategyInfo::name)) return {};
    names.push_back(word);
  }
  return names;
}

bool IsOf(const StrategyInfo& strategy, const std::string& help) {
  return std::ranges::count(NamesBefore(help), strategy.name) > 0;
}

std::string WithoutNames(const std::string& help) {
  return NamesBefore(help).empty() ? help : help.substr(help.find(": ") + 2);
}

/// Returns what is said of a strategy's option, by whichever has it.
std::string HelpOf(const std::string& option_name) {
  for (const StrategyInfo& strategy : Strategies()) {
    for (const OptionInfo& option : strategy.options) {
      if (option.name == option_name && !option.help.empty()) return option.help;
    }
  }
  return "";
}

/// Returns the keys of [search] that the strategy heeds and not all do.
std::vector<RecipeKey> KeysOf(const StrategyInfo& strategy) {
  std::vector<RecipeKey> keys;
  for (const RecipeKey& key : SectionNamed("search").keys) {
    const bool own = std::ranges::any_of(strategy.options, [&](const OptionInfo& option) {
      return option.name == key.setting.name;
    });
    if (!own && IsOf(strategy, key.setting.help)) keys.push_back(key);
  }
  for (const OptionInfo& option : strategy.options) {
    // Its own words: two strategies may have an option of one name.
    keys.push_back({.setting = option,
                    .takes = AllowedText(option),
                    .fallback = CanonicalJson(option.default_value)});
  }
  for (RecipeKey& key : keys) {
    // Where several strategies have it, one of them says what it is.
    if (key.setting.help.empty()) key.setting.help = HelpOf(key.setting.name);
    key.setting.help = WithoutNames(key.setting.help);
  }
  return keys;
}

/// Returns the sections that the strategy alone heeds: [[search.stage]].
std::vector<RecipeSection> SectionsOf(const StrategyInfo& strategy) {
  std::vector<RecipeSection> sections;
  std::ranges::copy_if(RecipeSections(), std::back_inserter(sections),
                       [&](const RecipeSection& section) {
                         return section.name.starts_with("search.") && IsOf(strategy, section.help);
                       });
  return sections;
}

void PrintKeys(std::ostream& out, const std::vector<RecipeKey>& keys) {
  if (keys.empty()) return;
  TextTable table({"key", "default", "takes", "help"});
  table.BreakLines({"default", "takes", "help"});
  for (const RecipeKey& key : keys) {
    table.Add({key.setting.name, key.fallback, key.takes, key.setting.help});
  }
  table.Print(out, "    ");
}

void Print(std::ostream& out, const StrategyInfo& strategy) {
  out << strategy.name << "\n";
  PrintProse(out, "  ", strategy.help, 2);
  PrintKeys(out, KeysOf(strategy));
}

/// Prints beside that what is for any strategy, and how a recipe asks for this one.
void PrintInFull(std::ostream& out, const StrategyInfo& strategy) {
  Print(out, strategy);
  for (const RecipeSection& section : SectionsOf(strategy)) {
    out << "\n" << section.heading << "\n";
    PrintProse(out, "  ", WithoutNames(section.help), 2);
    PrintKeys(out, section.keys);
  }
  const RecipeSection& baseline = SectionNamed("search.baseline");
  out << "\n" << baseline.heading << ", for every strategy\n";
  PrintProse(out, "  ", baseline.help, 2);
  out << "\nIn a recipe:\n  [search]\n  strategy = \"" << strategy.name << "\"\n";
  for (const OptionInfo& option : strategy.options) {
    out << "  " << option.name << " = " << CanonicalJson(option.default_value) << "\n";
  }
}

boost::json::object KeyJson(const RecipeKey& key) {
  const OptionInfo& setting = key.setting;
  boost::json::object json = {{"name", setting.name},
                              {"takes", key.takes},
                              {"default", key.fallback},
                              {"help", setting.help}};
  if (setting.minimum) json["minimum"] = *setting.minimum;
  if (setting.maximum) json["maximum"] = *setting.maximum;
  if (!setting.choices.empty()) json["choices"] = JsonList(setting.choices);
  return json;
}

boost::json::object StrategyJson(const StrategyInfo& strategy) {
  return {{"name", strategy.name},
          {"help", strategy.help},
          {"options", JsonList(KeysOf(strategy), KeyJson)}};
}

class StrategiesCommand : public Subcommand {
 public:
  void AddOptions(CLI::App& app) override {
    app.add_option("NAME", name_, "Only this one, in full");
    AddJsonFlag(app, &json_);
    app.footer("A recipe names one in search.strategy.");
  }

  int Run(CommandContext& context) override {
    const std::vector<StrategyInfo> chosen = Chosen();
    if (json_) {
      PrintJson(context.out, JsonList(chosen, StrategyJson));
      return kExitDone;
    }
    for (const StrategyInfo& strategy : chosen) {
      if (&strategy != &chosen.front()) context.out << "\n";
      name_.empty() ? Print(context.out, strategy) : PrintInFull(context.out, strategy);
    }
    return kExitDone;
  }

 private:
  /// Returns the strategies that are asked for, by name: the linker's order says nothing.
  [[nodiscard]] std::vector<StrategyInfo> Chosen() const {
    std::vector<StrategyInfo> strategies = Strategies();
    std::ranges::sort(strategies, {}, &StrategyInfo::name);
    if (name_.empty()) return strategies;
    const auto found = std::ranges::find(strategies, name_, &StrategyInfo::name);
    if (found != strategies.end()) return {*found};
    std::vector<std::string> names;
    for (const StrategyInfo& strategy : strategies) names.push_back(strategy.name);
    throw UsageError("no strategy '" + name_ + "'" + Suggestion(name_, names) +
                     "; there are: " + Join(names));
  }

  std::string name_;
  bool json_ = false;
};

REGISTER_COMMAND("strategies", kSearch, "How a grid can be searched, with every option",
                 StrategiesCommand);

}  // namespace
}  // namespace beamgrid
