// `beamgrid components`: the catalogue of the trainer with every option, and the contract suite on
// one component.

#include <algorithm>

#include "orchestrator/commands/command.h"
#include "orchestrator/commands/list_selection.h"
#include "orchestrator/commands/lists.h"
#include "orchestrator/commands/query_table.h"
#include "orchestrator/commands/record.h"
#include "orchestrator/commands/terminal.h"
#include "orchestrator/commands/text_table.h"
#include "orchestrator/commands/trainer.h"
#include "orchestrator/workers/trainer_client.h"
#include "registry/util/error.h"
#include "registry/util/json.h"
#include "registry/util/nearest_spelling.h"
#include "registry/util/text.h"

namespace beamgrid {
namespace {

constexpr std::size_t kShownProblems = 3;

void Print(std::ostream& out, const ComponentInfo& component) {
  PrintHeading(out, component.criterion + ": " + component.name);
  PrintProse(out, "  ", component.help, 2);
  if (!component.source.empty()) PrintProse(out, "  Source: ", component.source, 4);
  if (component.criterion == "multimodal") {
    PrintProse(out, "  Works for: ", FeatureCountText(component), 4);
  }
  if (component.plugin) out << "  Plugin: " << component.plugin->path << "\n";
  if (!component.options.empty()) {
    TextTable table({"option", "default", "allowed", "help"});
    table.BreakLines({"default", "allowed", "help"});
    for (const OptionInfo& option : component.options) {
      const bool required = option.default_value.is_null();
      table.Add({option.name, required ? "-" : CanonicalJson(option.default_value),
                 AllowedText(option), option.help});
    }
    table.Print(out, "    ");
  }
}

ListRows RowsOf(const Catalogue& catalogue) {
  ListRows list{
      .columns = {"criterion", "name", "options", "option_names", "plugin", "source", "help"}};
  for (const ComponentInfo& component : catalogue.components) {
    boost::json::object row{{"criterion", component.criterion},
                            {"name", component.name},
                            {"options", component.options.size()},
                            {"option_names", Join(component.options, " ", &OptionInfo::name)},
                            {"plugin", nullptr},
                            {"source", component.source},
                            {"help", component.help}};
    if (component.plugin) row["plugin"] = component.plugin->path;
    list.rows.push_back(std::move(row));
  }
  return list;
}

/// Returns the trainer's answers about one component: one JSON object a line.
boost::json::array ParseLines(const std::string& text) {
  boost::json::array answers;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    if (end > begin) answers.push_back(ParseJson(text.substr(begin, end - begin)));
    begin = end + 1;
  }
  return answers;
}

bool Holds(const boost::json::value& answer) {
  return JsonReader(answer, "contract").List("problems").empty();
}

void PrintAnswer(std::ostream& out, const boost::json::value& answer) {
  const JsonReader reader(answer, "contract");
  const boost::json::array& problems = reader.List("problems");
  out << (problems.empty() ? "ok      " : "FAILED  ") << reader.Text("check") << "\n";
  for (std::size_t i = 0; i < std::min(problems.size(), kShownProblems); ++i) {
    out << "          " << problems[i].as_string().c_str() << "\n";
  }
  if (problems.size() > kShownProblems) {
    out << "          and " << problems.size() - kShownProblems << " more\n";
  }
}

class Components : public Subcommand {
 public:
  void AddOptions(CLI::App& app) override {
    auto* name = app.add_option("NAME", name_, "A component (netvlad) or a criterion (temporal)");
    app.add_option("--plugin", plugins_, "A shared library with more components")
        ->allow_extra_args(false)
        ->type_name("FILE");
    auto* test = app.add_option("--test", tested_,
                                "Check that a component (netvlad, temporal.netvlad) keeps the "
                                "contract of its criterion")
                     ->type_name("NAME")
                     ->excludes(name);
    app.add_option("--file", file_, "With --test: the file that the component needs")
        ->type_name("FILE")
        ->needs(test);
    app.add_option("--feature", features_, "With --test: a feature of the frames, as in rgb=1024")
        ->allow_extra_args(false)
        ->type_name("NAME=WIDTH")
        ->needs(test);
    app.add_option("--classes", classes_, "With --test: number of classes")
        ->type_name("N")
        ->needs(test);
    selection_.AddTo(app, "criterion = 'temporal'", "name,options,help");
    for (const char* option : {"--where", "--sort", "--columns", "--limit"}) test->excludes(option);
    AddJsonFlag(app, &json_);
  }
  [[nodiscard]] bool IsList() const override { return tested_.empty(); }

  int Run(CommandContext& context) override {
    return tested_.empty() ? List(context) : Test(context);
  }

 private:
  int List(const CommandContext& context) const {
    Catalogue catalogue = Chosen(OpenTrainer(context, Plugins()).catalogue);
    const ListRows list = RowsOf(catalogue);
    if (selection_.has_columns()) {
      PrintTable(context, selection_.Columns(list), json_);
      return kExitDone;
    }
    catalogue.components = At(catalogue.components, selection_.Places(list));
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

  int Test(const CommandContext& context) const {
    const boost::json::array answers = ParseLines(AskTrainer(FindTrainer(), Question(), kAnyTime));
    if (json_) {
      PrintJson(context.out, answers);
    } else {
      for (const boost::json::value& answer : answers) PrintAnswer(context.out, answer);
    }
    return std::ranges::all_of(answers, Holds) ? kExitDone : kExitBroken;
  }

  /// Returns the trainer's command line.
  [[nodiscard]] std::vector<std::string> Question() const {
    std::vector<std::string> question = {"contract", tested_};
    for (const NamedFile& plugin : Plugins()) {
      question.insert(question.end(), {"--plugin", plugin.path});
    }
    if (!file_.empty()) question.insert(question.end(), {"--file", FileOf(file_).path});
    for (const std::string& feature : ListItems(features_)) {
      question.insert(question.end(), {"--feature", feature});
    }
    if (!classes_.empty()) question.insert(question.end(), {"--classes", classes_});
    return question;
  }

  static NamedFile FileOf(const std::string& name) {
    try {
      return LookAtFile(name, std::filesystem::current_path());
    } catch (const Error& error) {
      throw UsageError(error.what());
    }
  }

  [[nodiscard]] std::vector<NamedFile> Plugins() const {
    std::vector<NamedFile> plugins;
    for (const std::string& name : ListedFiles(plugins_)) plugins.push_back(FileOf(name));
    return plugins;
  }

  /// Returns the components that the command line names; all without a name.
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
    const std::string hint = Suggestion(name_, names);
    throw UsageError("no component or criterion '" + name_ + "'" +
                     (hint.empty() ? "; `beamgrid components` lists them" : hint));
  }

  std::string name_;
  std::vector<std::string> plugins_, features_;
  std::string tested_, file_, classes_;
  ListSelection selection_;
  bool json_ = false;
};

REGISTER_COMMAND("components", kSearch, "The catalogue with every option; tests a component",
                 Components);

}  // namespace
}  // namespace beamgrid
