// `beamgrid serve`: the record as live pages, on this machine alone.

#include <algorithm>
#include <chrono>
#include <functional>
#include <list>
#include <map>
#include <optional>

#include "orchestrator/commands/class_names.h"
#include "orchestrator/commands/command.h"
#include "orchestrator/commands/paper_tables.h"
#include "orchestrator/commands/record.h"
#include "orchestrator/commands/reported_ensemble.h"
#include "orchestrator/commands/trainer.h"
#include "orchestrator/dashboard/dashboard.h"
#include "orchestrator/interrupts.h"
#include "orchestrator/workers/process.h"
#include "registry/util/error.h"
#include "registry/util/files.h"
#include "reports/study_effects.h"
#include "reports/table_label.h"

namespace beamgrid {
namespace {

constexpr std::uint16_t kUsualPort = 8017;

void AddOnce(const std::string& text, std::vector<std::string>& texts) {
  if (std::ranges::count(texts, text) == 0) texts.push_back(text);
}

/// Adds a component and it with each value of an option that has several: "moe", "moe experts=2".
void AddChoices(const VariantSet& entry, std::vector<std::string>& choices) {
  AddOnce(entry.component, choices);
  for (const OptionAxis& axis : entry.axes) {
    for (const std::vector<OptionValue>& step : axis.steps) {
      boost::json::object options;
      for (std::size_t i = 0; i < axis.names.size(); ++i) options[axis.names[i]] = step[i];
      const std::string text = entry.component + " " + OptionsText(options);
      if (ParsePartOfFilter(text)) AddOnce(text, choices);
    }
  }
}

/// Returns what the recipe has candidates for.
Choices ChoicesOf(const Recipe& recipe) {
  Choices choices;
  for (const auto& [criterion, entries] : recipe.grid) {
    std::vector<std::string> parts;
    for (const VariantSet& entry : entries) AddChoices(entry, parts);
    if (parts.size() > 1) choices[criterion] = std::move(parts);
  }
  for (const ExtraAxis& extra : recipe.extras) {
    AddOnce(extra.name, choices["extras"]);
    for (const std::optional<VariantSet>& value : extra.values) {
      if (!value) continue;
      VariantSet named = *value;
      named.component = extra.name;
      AddChoices(named, choices["extras"]);
    }
  }
  return choices;
}

/// Trainers knows the catalogue for each study: what the trainer has, with the plugins of the
/// study's models. Asking it takes longer than a page may.
class Trainers {
 public:
  explicit Trainers(const CommandContext& context) : context_(context) {}

  /// Throws as OpenTrainer does.
  const Catalogue& CatalogueFor(const Store& store, const StudyRecord& study) {
    std::vector<NamedFile> plugins = PluginsOf(store, {study});
    for (const auto& [known, catalogue] : catalogues_) {
      if (known == plugins) return catalogue;
    }
    Catalogue catalogue = OpenTrainer(context_, plugins).catalogue;
    return catalogues_.emplace_back(std::move(plugins), std::move(catalogue)).second;
  }

  /// Returns what the study's recipe has candidates for; nothing where no trainer can read it.
  Choices ChoicesFor(const Store& store, const StudyRecord& study) {
    const std::string key = study.name + " " + HashBytes(study.recipe_text);
    const auto found = choices_.find(key);
    if (found != choices_.end()) return found->second;
    Choices choices;
    try {
      const Catalogue& catalogue = CatalogueFor(store, study);
      if (const auto recipe = RecordedRecipe(study, catalogue)) choices = ChoicesOf(*recipe);
    } catch (const Error& error) {
      context_.Detail(error.what());
    } catch (const UsageError& error) {
      context_.Detail(error.what());
    }
    return choices_.emplace(key, std::move(choices)).first->second;
  }

 private:
  CommandContext context_;
  std::list<std::pair<std::vector<NamedFile>, Catalogue>> catalogues_;
  std::map<std::string, Choices> choices_;
};

class Serve : public Subcommand {
 public:
  void AddOptions(CLI::App& app) override {
    app.add_option("--port", port_, "Port of 127.0.0.1; 0: any that is free")
        ->capture_default_str()
        ->check(CLI::Range(0, 65535));
    database_.AddTo(app);
    database_.AddRunsTo(app);
    app.footer(
        "Shows studies while they run, in other processes: trials with growing curves, queue,\n"
        "devices, pace, leaderboard, and every section of `beamgrid report`; /api/studies and\n"
        "/api/studies/NAME are the same for programs. It only reads, and answers to this machine\n"
        "alone: `ssh -L 8017:127.0.0.1:8017 MACHINE` brings the page of another one here. Ctrl-C "
        "ends\n"
        "it, with exit code 0.");
  }

  int Run(CommandContext& context) override {
    // Whatever is wrong with the record at the beginning is told here and not on a page.
    const std::vector<Target> first = FirstTargets();
    Trainers trainers(context);
    Views views(
        {.report =
             [&](const Store& store, const StudyRecord& study, const KeepTrial& keep) {
               StudyFacts facts = ReadStudyFacts(store, trainers.CatalogueFor(store, study), study,
                                                 FindPaperTable, keep);
               // An ensemble is one of all trials.
               if (!keep) AddEnsembleFact(facts, store);
               if (facts.data) facts.class_names = NamesOf(store, study.id, *facts.data).names;
               return facts;
             },
         .choices = [&](const Store& store,
                        const StudyRecord& study) { return trainers.ChoicesFor(store, study); },
         .machine = [] { return LivingNotes(DefaultShareFolder()); },
         .now = std::chrono::system_clock::now,
         .class_names = [](const Store& store, StudyId study,
                           const DataSpec& data) { return NamesOf(store, study, data).names; },
         .options = CommandOptions()});
    RecordWatch watch(database_.path, [this] { return database_.OpenForReading(); });
    std::uint64_t version = 0;
    const auto look = [&] {
      const bool changed = watch.Look();
      if (changed) ++version;
      return changed;
    };
    const auto make = [&](const Target& target) {
      return Made(target, [&] {
        const Store& store = watch.store();
        return views.Make(target, store, watch.running(), version);
      });
    };
    Publisher publisher(look, make, [this] { return FileIdentity(database_.path); });
    Dashboard dashboard(publisher);
    AllowManyOpenFiles();
    IgnoreBrokenPipes();
    HttpServer server(static_cast<std::uint16_t>(port_), dashboard);
    for (const Target& target : first) publisher.Prepare(target);
    {
      const InterruptSignals signals([&server] { server.Stop(); });
      context.out << "http://127.0.0.1:" << server.port() << "/" << std::endl;
      server.Run();
    }
    // Before the server goes: nothing may be delivered to it then.
    publisher.Stop();
    return kExitDone;
  }

 private:
  /// Returns what is made before anybody asks for it: the list, and the latest studies.
  [[nodiscard]] std::vector<Target> FirstTargets() const {
    constexpr std::size_t kStudiesMost = 16;
    std::vector<StudyRecord> studies = database_.OpenForReading()->Studies();
    std::ranges::stable_sort(studies, std::greater(), &StudyRecord::created_at);
    studies.resize(std::min(kStudiesMost, studies.size()));
    std::vector<Target> first = {{}, {.form = ViewForm::kJson}};
    for (const StudyRecord& study : studies) {
      for (const ViewForm form : {ViewForm::kPage, ViewForm::kJson}) {
        first.push_back({.kind = ViewKind::kStudy, .form = form, .study = study.name});
      }
    }
    return first;
  }

  /// Returns what commands on this record are to be given besides, for a shell.
  [[nodiscard]] std::string CommandOptions() const {
    const auto quoted = [](const std::string& path) {
      std::string text = "'";
      for (const char c : path) text += c == '\'' ? "'\\''" : std::string(1, c);
      return text + "'";
    };
    std::string options;
    if (database_.path != DatabaseOption().path) options += " --db " + quoted(database_.path);
    if (!database_.runs.empty()) options += " --runs " + quoted(database_.runs);
    return options;
  }

  /// Returns what `make` does, or a page that says why it cannot: a server goes on.
  static View Made(const Target& target, const std::function<View()>& make) {
    const auto trouble = [&target](int status, const std::string& why) {
      return RefusalView({status, why}, target.form);
    };
    try {
      return make();
    } catch (const UsageError& error) {
      return trouble(503, error.what());
    } catch (const RecipeError& error) {
      return trouble(503, "the study's recipe cannot be read by this program");
    } catch (const std::exception& error) {
      return trouble(503, error.what());
    }
  }

  std::int64_t port_ = kUsualPort;
  DatabaseOption database_;
};

REGISTER_COMMAND("serve", kResults, "Live pages on the record, for this machine alone", Serve);

}  // namespace
}  // namespace beamgrid
