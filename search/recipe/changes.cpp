// What has changed in a recipe: of its checked values, section by section, or of its text alone.
#include <algorithm>
#include <array>
#include <charconv>
#include <set>
#include <sstream>

#include "registry/criteria.h"
#include "registry/util/json.h"
#include "registry/util/printable.h"
#include "registry/util/text.h"
#include "registry/util/words.h"
#include "search/recipe/change_list.h"
#include "search/recipe/toml_text.h"
#include "search/search_space.h"

namespace beamgrid {
namespace {

constexpr Word<ChangeEffect> kEffects[] = {
    {ChangeEffect::kAdds, "adds"},
    {ChangeEffect::kTakesAway, "takes away"},
    {ChangeEffect::kEveryTrial, "every trial"},
    {ChangeEffect::kSearch, "search"},
    {ChangeEffect::kConduct, "conduct"},
};

/// Changes of one kind beyond these are counted.
constexpr std::size_t kToldMembers = 5;
constexpr std::size_t kShownMembers = 3;
constexpr std::size_t kLongestText = 120;

using Texts = std::map<std::string, std::string>;  ///< by identity

Texts ByThemselves(const std::vector<std::string>& items) {
  Texts texts;
  for (const std::string& item : items) texts.emplace(item, item);
  return texts;
}

/// Returns 0.0005, and not 5e-04, as long as that is short.
std::string PlainNumber(double number) {
  constexpr std::size_t kLongestPlain = 12;
  std::array<char, 400> digits{};  // the longest double in fixed form has 328 characters
  const auto end =
      std::to_chars(digits.begin(), digits.end(), number, std::chars_format::fixed).ptr;
  const std::string text(digits.begin(), end);
  return text.size() > kLongestPlain ? CanonicalJson(number) : text;
}

std::string SecondsOrNone(double seconds) {
  return seconds == 0 ? "" : PlainNumber(seconds) + " s";
}

// ---- [study], [data], plugins -------------------------------------------------------------------

/// Adds how many of the seeds each model has: with a list all of them, with a race those that it
/// begins with.
void AddRace(const Recipe& then, const Recipe& now, ChangeList& changes) {
  const auto races = [](const Recipe& recipe) { return recipe.least_seeds < recipe.seeds.size(); };
  const auto begins = [](const Recipe& recipe) { return CountText(recipe.least_seeds, "seed"); };
  const ChangeEffect effect =
      now.least_seeds > then.least_seeds ? ChangeEffect::kAdds : ChangeEffect::kSearch;
  if (races(then) && races(now)) {
    changes.Value("study.seeds.min", std::to_string(then.least_seeds),
                  std::to_string(now.least_seeds), effect);
  } else if (races(now)) {
    changes.Add("seeds: each model begins with " + begins(now) +
                    " now, and only those that may be the best get more",
                effect);
  } else if (races(then)) {
    changes.Add("seeds: each model has all of them now; it began with " + begins(then) +
                    ", and only those that might be the best got more",
                effect);
  }
}

void AddStudy(const Recipe& then, const Recipe& now, ChangeList& changes) {
  std::vector<std::string> before, after;
  for (const PluginReference& plugin : then.plugins) before.push_back(plugin.text);
  for (const PluginReference& plugin : now.plugins) after.push_back(plugin.text);
  changes.Members("plugins", ByThemselves(before), ByThemselves(after), ChangeEffect::kSearch,
                  ChangeEffect::kSearch);
  changes.Value("study.description", then.description, now.description, ChangeEffect::kConduct);
  changes.Value("study.objective", then.objective->name, now.objective->name,
                ChangeEffect::kEveryTrial);
  const auto seeds = [](const Recipe& recipe) {
    Texts texts;
    for (const std::int64_t seed : recipe.seeds) {
      texts.emplace(std::to_string(seed), std::to_string(seed));
    }
    return texts;
  };
  changes.Members("seeds", seeds(then), seeds(now));
  AddRace(then, now, changes);
}

std::string PatternsText(std::vector<std::string> patterns) {
  std::ranges::sort(patterns);
  return Join(patterns);
}

std::string FeaturesText(const DataSettings& data) {
  return Join(data.features, ", ", [](const Feature& feature) {
    return feature.first + " = " + std::to_string(feature.second);
  });
}

std::string FrameTypesText(const DataSettings& data) {
  return Join(data.features, ", ", [&](const Feature& feature) {
    const auto found = data.frame_types.find(feature.first);
    const FrameType type = found == data.frame_types.end() ? FrameType::kUint8 : found->second;
    return feature.first + " = " + WordFor(kFrameTypes, type);
  });
}

std::string NormaliseText(const DataSettings& data) {
  if (data.normalise.empty()) return "l2_joint";
  return Join(data.normalise, ", ", [](const auto& one) {
    return one.first + " = " + WordFor(kNormalisations, one.second);
  });
}

std::string WeightedText(const DataSettings& data) {
  if (!data.weighted_classes_file.empty()) return data.weighted_classes_file;
  std::vector<std::int64_t> classes = data.weighted_classes;
  std::ranges::sort(classes);
  return Join(classes, ", ", [](std::int64_t label) { return std::to_string(label); });
}

void AddData(const DataSettings& then, const DataSettings& now, ChangeList& changes) {
  const auto value = [&changes](const char* key, const std::string& before,
                                const std::string& after,
                                ChangeEffect effect = ChangeEffect::kEveryTrial) {
    changes.Value(std::string("data.") + key, before, after, effect);
  };
  value("format", then.format, now.format);
  value("train", PatternsText(then.train), PatternsText(now.train));
  value("validate", PatternsText(then.validate), PatternsText(now.validate));
  value("holdout", PlainNumber(then.holdout), PlainNumber(now.holdout), ChangeEffect::kConduct);
  value("classes", std::to_string(then.classes), std::to_string(now.classes));
  value("features", FeaturesText(then), FeaturesText(now));
  // Of the same features: other ones are told above.
  if (then.features == now.features) {
    value("frame_types", FrameTypesText(then), FrameTypesText(now));
    value("normalise", NormaliseText(then), NormaliseText(now));
  }
  value("labels", then.multi_class ? "multi_class" : "multi_label",
        now.multi_class ? "multi_class" : "multi_label");
  value("video_weight", then.video_weight, now.video_weight);
  // Follows from the format where that is another.
  if (then.format == now.format) {
    value("max_frames", std::to_string(then.max_frames), std::to_string(now.max_frames));
  }
  value("frame_alignment", WordFor(kFrameAlignments, then.frame_alignment),
        WordFor(kFrameAlignments, now.frame_alignment));
  value("group", then.group, now.group, ChangeEffect::kConduct);
  value("on_error", then.on_error, now.on_error);
  value("unrated", then.unrated, now.unrated);
  value("class_weight", PlainNumber(then.class_weight), PlainNumber(now.class_weight));
  value("weighted_classes", WeightedText(then), WeightedText(now));
}

// ---- [[exclude]] --------------------------------------------------------------------------------

std::string ConditionText(const Condition& condition) {
  std::string key = condition.criterion;
  if (!condition.component.empty()) key += "." + condition.component;
  if (!condition.option.empty()) key += "." + condition.option;
  return key + " = " + ChangeText(condition.value);
}

Texts ExclusionTexts(const Recipe& recipe) {
  Texts texts;
  for (const Conditions& exclusion : recipe.exclusions) {
    std::vector<std::string> conditions;
    for (const Condition& condition : exclusion) conditions.push_back(ConditionText(condition));
    std::ranges::sort(conditions);
    const std::string text = Join(conditions, " with ");
    texts.emplace(text, text);
  }
  return texts;
}

// ---- [search] -----------------------------------------------------------------------------------

std::string ExtrasText(const std::map<std::string, Options>& extras, const Catalogue& catalogue) {
  if (extras.empty()) return "no extras";
  return Join(extras, ", ", [&](const auto& extra) {
    return VariantText(catalogue, "extras", {extra.first, extra.second});
  });
}

/// Returns what is held, by criterion.
Texts HeldTexts(const Fixed& fixed, const Catalogue& catalogue) {
  Texts texts;
  for (const auto& [criterion, variant] : fixed.parts) {
    texts[criterion] = VariantText(catalogue, criterion, variant);
  }
  if (fixed.extras) texts["extras"] = ExtrasText(*fixed.extras, catalogue);
  if (!fixed.train.empty()) {
    texts["train"] = Join(fixed.train, ", ", [](const auto& option) {
      return option.first + " = " + ChangeText(option.second);
    });
  }
  return texts;
}

std::string StageText(const Stage& stage, const Catalogue& catalogue) {
  std::string text = "vary " + stage.vary;
  for (const auto& [criterion, held] : HeldTexts(stage.fix, catalogue)) {
    text += ", fix " + criterion + " at " + held;
  }
  return text;
}

/// Adds where a search starts that is not told it: at the first candidate of each criterion.
void AddStart(const Recipe& then, const Recipe& now, const Catalogue& catalogue,
              ChangeEffect effect, ChangeList& changes) {
  const ModelSpec before = SearchSpace(then, catalogue).Baseline();
  const ModelSpec after = SearchSpace(now, catalogue).Baseline();
  const auto add = [&](const std::string& criterion, const std::string& old_text,
                       const std::string& new_text) {
    const bool told = then.search.baseline.Names(criterion) || now.search.baseline.Names(criterion);
    if (!told) changes.Value("the search starts from " + criterion, old_text, new_text, effect);
  };
  for (const auto& [criterion, variant] : after.parts) {
    add(criterion, VariantText(catalogue, criterion, before.parts.at(criterion)),
        VariantText(catalogue, criterion, variant));
  }
  add("extras", ExtrasText(before.extras, catalogue), ExtrasText(after.extras, catalogue));
}

/// A budget that grows only adds; 0 is one without end.
ChangeEffect EffectOf(const std::string& option, const OptionValue& then, const OptionValue& now) {
  const bool is_budget = option == "budget" || option == "gpu_hours";
  if (!is_budget || !then.is_number() || !now.is_number()) return ChangeEffect::kSearch;
  const double before = then.to_number<double>(), after = now.to_number<double>();
  return before != 0 && (after == 0 || after > before) ? ChangeEffect::kAdds
                                                       : ChangeEffect::kTakesAway;
}

void AddSearch(const Recipe& then, const Recipe& now, const Catalogue& catalogue,
               ChangeList& changes) {
  const SearchSettings &before = then.search, &after = now.search;
  const bool is_grid = before.strategy == "grid" && after.strategy == "grid";
  // The grid asks for every point, so nothing else of [search] has a meaning for it.
  const ChangeEffect effect = is_grid ? ChangeEffect::kConduct : ChangeEffect::kSearch;
  changes.Value("search.strategy", before.strategy, after.strategy, effect);
  changes.Value("search.order", Join(before.order), Join(after.order), effect);
  changes.Value("search.passes", std::to_string(before.passes), std::to_string(after.passes),
                effect);
  for (const auto& [option, value] : after.other) {
    const auto old_value = before.other.find(option);
    if (old_value == before.other.end()) continue;  // another strategy's
    changes.Value("search." + option, ChangeText(old_value->second), ChangeText(value),
                  EffectOf(option, old_value->second, value));
  }
  Texts old_baseline = HeldTexts(before.baseline, catalogue);
  Texts new_baseline = HeldTexts(after.baseline, catalogue);
  for (const std::string& criterion : AllCriteria()) {
    changes.Value("search.baseline." + criterion, old_baseline[criterion], new_baseline[criterion],
                  effect);
  }
  for (std::size_t i = 0; i < std::max(before.stages.size(), after.stages.size()); ++i) {
    const auto text = [&](const SearchSettings& search) {
      return i < search.stages.size() ? StageText(search.stages[i], catalogue) : "";
    };
    changes.Value("search.stage[" + std::to_string(i) + "]", text(before), text(after), effect);
  }
  if (before.strategy != "grid" && after.strategy != "grid") {
    AddStart(then, now, catalogue, effect, changes);
  }
}

// ---- How it is run and reported -----------------------------------------------------------------

void AddSlurm(const SlurmSettings& then, const SlurmSettings& now, ChangeList& changes) {
  const auto value = [&changes](const char* key, const std::string& before,
                                const std::string& after) {
    changes.Value(std::string("resources.slurm.") + key, before, after, ChangeEffect::kConduct);
  };
  const auto count = [](std::int64_t number, const char* unit) {
    return number == 0 ? "" : std::to_string(number) + unit;
  };
  value("jobs", std::to_string(then.jobs), std::to_string(now.jobs));
  value("partition", then.partition, now.partition);
  value("account", then.account, now.account);
  value("qos", then.qos, now.qos);
  value("constraint", then.constraint, now.constraint);
  value("gres", then.gres, now.gres);
  value("cpus", count(then.cpus, ""), count(now.cpus, ""));
  value("memory", count(then.memory_bytes, " bytes"), count(now.memory_bytes, " bytes"));
  value("time", SecondsOrNone(then.time_seconds), SecondsOrNone(now.time_seconds));
  value("arguments", Join(then.arguments), Join(now.arguments));
  value("prologue", then.prologue, now.prologue);
  value("idle", SecondsOrNone(then.idle_seconds), SecondsOrNone(now.idle_seconds));
}

void AddResources(const ResourceSettings& then, const ResourceSettings& now, ChangeList& changes) {
  const auto value = [&changes](const char* key, const std::string& before,
                                const std::string& after) {
    changes.Value(std::string("resources.") + key, before, after, ChangeEffect::kConduct);
  };
  const auto devices = [](const ResourceSettings& settings) {
    return settings.devices.empty() ? "auto" : Join(settings.devices);
  };
  const auto slots = [](const ResourceSettings& settings) {
    return settings.slots_per_device == 0 ? "auto" : std::to_string(settings.slots_per_device);
  };
  value("executor", WordFor(kExecutors, then.executor), WordFor(kExecutors, now.executor));
  value("devices", devices(then), devices(now));
  value("slots_per_device", slots(then), slots(now));
  value("threads_per_worker", std::to_string(then.threads_per_worker),
        std::to_string(now.threads_per_worker));
  value("timeout", SecondsOrNone(then.timeout_seconds), SecondsOrNone(now.timeout_seconds));
  value("heartbeat_timeout", SecondsOrNone(then.heartbeat_timeout_seconds),
        SecondsOrNone(now.heartbeat_timeout_seconds));
  value("stall_timeout", SecondsOrNone(then.stall_timeout_seconds),
        SecondsOrNone(now.stall_timeout_seconds));
  value("retries", std::to_string(then.retries), std::to_string(now.retries));
  value("priority", std::to_string(then.priority), std::to_string(now.priority));
  AddSlurm(then.slurm, now.slurm, changes);
}

void AddEnsemble(const std::optional<EnsembleQuestion>& then,
                 const std::optional<EnsembleQuestion>& now, ChangeList& changes) {
  if (then.has_value() != now.has_value()) {
    changes.Add(now ? "ensemble: is asked for now" : "ensemble: is asked for no more",
                ChangeEffect::kConduct);
  }
  const EnsembleQuestion before = then.value_or(EnsembleQuestion());
  const EnsembleQuestion after = now.value_or(EnsembleQuestion());
  const auto value = [&changes](const char* key, const std::string& old_text,
                                const std::string& new_text) {
    changes.Value(std::string("ensemble.") + key, old_text, new_text, ChangeEffect::kConduct);
  };
  // Models beyond the limit are not trained; which of the trials that concerns, the record knows.
  value("size_limit", std::to_string(before.size_limit) + " bytes",
        std::to_string(after.size_limit) + " bytes");
  value("members", std::to_string(before.members), std::to_string(after.members));
  value("beam_width", std::to_string(before.beam_width), std::to_string(after.beam_width));
  value("combine", WordFor(kScoreDomains, before.combine), WordFor(kScoreDomains, after.combine));
  value("weights", WordFor(kWeightings, before.weights), WordFor(kWeightings, after.weights));
}

Texts TableTexts(const Recipe& recipe) {
  Texts texts;
  for (const TableSettings& table : recipe.tables) {
    std::string said = "vary = " + (table.vary.empty() ? "whole models" : table.vary);
    const auto add = [&said](const char* key, const std::string& value) {
      if (!value.empty()) said += std::string(", ") + key + " = " + value;
    };
    add("by", table.by);
    if (table.rows != TableRows::kVariants) add("rows", WordFor(kTableRows, table.rows));
    add("fix", table.fix);
    add("baseline", table.baseline);
    add("reference", table.reference);
    if (table.layout != TableLayout::kOurs) add("layout", WordFor(kTableLayouts, table.layout));
    const std::string text =
        "'" + (table.title.empty() ? table.vary : table.title) + "' (" + said + ")";
    texts.emplace(text, text);
  }
  return texts;
}

// ---- Texts alone --------------------------------------------------------------------------------

std::string NodeText(const toml::node& node) {
  std::ostringstream text;
  // Tables on one line, so that an entry of a list is one.
  if (const toml::table* table = node.as_table()) {
    toml::table inlined = *table;
    inlined.is_inline(true);
    text << inlined;
  } else {
    node.visit([&text](const auto& value) { text << value; });
  }
  return text.str();
}

/// Puts what a table says, by key: a value once, entries of a list of tables each by itself.
void Flatten(const toml::table& table, const std::string& path, Texts& values,
             std::map<std::string, Texts>& entries) {
  for (const auto& [key, node] : table) {
    const std::string name = (path.empty() ? "" : path + ".") + std::string(key.str());
    const toml::array* list = node.as_array();
    if (const toml::table* inner = node.as_table()) {
      Flatten(*inner, name, values, entries);
    } else if (list != nullptr && !list->empty() && list->is_homogeneous<toml::table>()) {
      for (const toml::node& entry : *list) {
        const std::string text = NodeText(entry);
        entries[name].emplace(text, text);
      }
    } else if (name != "study.name") {
      values[name] = NodeText(node);
    }
  }
}

}  // namespace

const char* ToString(ChangeEffect effect) { return WordFor(kEffects, effect); }

std::string ChangeText(const OptionValue& value) {
  if (const auto file = NamedFileFrom(value)) return file->name;
  if (value.is_double()) return PlainNumber(value.get_double());
  if (!value.is_string()) return CanonicalJson(value);
  return value.get_string().empty() ? "\"\"" : std::string(value.get_string());
}

void ChangeList::Add(std::string text, ChangeEffect effect) {
  changes_.push_back({PrintableLine(text), effect});
}

void ChangeList::Value(const std::string& key, const std::string& then, const std::string& now,
                       ChangeEffect effect) {
  if (then == now) return;
  const auto shown = [](const std::string& text) {
    if (text.empty()) return std::string("none");
    const std::string line = PrintableLine(text);
    const std::string_view first = FirstColumns(line, kLongestText);
    return std::string(first) + (first.size() < line.size() ? "..." : "");
  };
  // Cut, both may look the same.
  const bool alike = shown(then) == shown(now);
  Add(key + ": " + (alike ? "has changed behind " + shown(now) : shown(then) + " -> " + shown(now)),
      effect);
}

void ChangeList::Members(const std::string& key, const Texts& then, const Texts& now,
                         ChangeEffect added, ChangeEffect taken) {
  const auto tell = [&](const Texts& of, const Texts& others, const std::string& one,
                        const std::string& many, ChangeEffect effect) {
    std::vector<std::string> texts;
    for (const auto& [identity, text] : of) {
      if (!others.contains(identity)) texts.push_back(text);
    }
    if (texts.size() > kToldMembers) {
      Add(key + ": " + std::to_string(texts.size()) + many + JoinFirst(texts, kShownMembers),
          effect);
      return;
    }
    for (const std::string& text : texts) Add(key + ": " + text + one, effect);
  };
  tell(then, now, " is gone", " are gone: ", taken);
  tell(now, then, " is new", " are new: ", added);
}

std::vector<RecipeChange> RecipeChanges(const Recipe& then, const Recipe& now,
                                        const Catalogue& catalogue) {
  ChangeList changes;
  AddStudy(then, now, changes);
  AddData(then.data, now.data, changes);
  AddGridChanges(then, now, catalogue, changes);
  // What is excluded no more is asked for again.
  changes.Members("exclude", ExclusionTexts(then), ExclusionTexts(now), ChangeEffect::kTakesAway,
                  ChangeEffect::kAdds);
  AddSearch(then, now, catalogue, changes);
  AddResources(then.resources, now.resources, changes);
  AddEnsemble(then.ensemble, now.ensemble, changes);
  changes.Members("table", TableTexts(then), TableTexts(now), ChangeEffect::kConduct,
                  ChangeEffect::kConduct);
  return changes.Take();
}

std::vector<RecipeChange> TextChanges(const std::string& then, const std::string& now) {
  Texts old_values, new_values;
  std::map<std::string, Texts> old_entries, new_entries;
  Flatten(ParseToml(RecipeSource(then, "the recipe before")), "", old_values, old_entries);
  Flatten(ParseToml(RecipeSource(now, "the recipe")), "", new_values, new_entries);
  std::set<std::string> keys;
  for (const auto* texts : {&old_values, &new_values}) {
    for (const auto& [key, text] : *texts) keys.insert(key);
  }
  for (const auto* lists : {&old_entries, &new_entries}) {
    for (const auto& [key, texts] : *lists) keys.insert(key);
  }
  ChangeList changes;
  for (const std::string& key : keys) {
    changes.Value(key, old_values[key], new_values[key], ChangeEffect::kSearch);
    changes.Members(key, old_entries[key], new_entries[key], ChangeEffect::kSearch,
                    ChangeEffect::kSearch);
  }
  return changes.Take();
}

}  // namespace beamgrid
