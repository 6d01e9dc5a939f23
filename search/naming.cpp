#include "search/naming.h"

#include <algorithm>

#include "registry/criteria.h"
#include "registry/named_file.h"
#include "search/naming_text.h"

namespace beamgrid {
namespace {

// Names are folder names with seed and fingerprint behind them, and file systems stop at 255 bytes.
constexpr std::size_t kLongestName = 140;

const OptionInfo* Find(const ComponentInfo* component, const std::string& name) {
  return component == nullptr ? nullptr : component->FindOption(name);
}

/// Returns the option whose value is part of the component's label: experts of MoE2.
const OptionInfo* GluedOption(const ComponentInfo* component) {
  if (component == nullptr) return nullptr;
  for (const OptionInfo& option : component->options) {
    if (option.always_named && option.tag.empty()) return &option;
  }
  return nullptr;
}

/// True if a name leaves the component out: label processing and loss are named only where they are
/// not the default.
bool IsSilent(const std::string& criterion, const ComponentInfo* component,
              const std::string& name) {
  const Criterion* known = FindCriterion(criterion);
  if (known == nullptr || !known->single() || name != known->default_component) return false;
  return known->role != CriterionRole::kNetwork ||
         (component != nullptr && component->label.empty());
}

std::string OptionText(const OptionInfo* option, const std::string& name,
                       const OptionValue& value) {
  if (option == nullptr || option->tag.empty()) return SafeWord(name) + "=" + ShortValue(value);
  const std::string tag = SafeWord(option->tag);
  if (value.is_bool()) return value.as_bool() ? tag : "no" + tag;
  return tag + ShortValue(value);
}

/// Returns the piece that never means two things. The component is said where the criterion may
/// hold several; else its label tells it.
std::string FullText(const std::string& criterion, const std::string& component,
                     const std::string& option, const OptionValue& value) {
  const std::string of = criterion == "extras" ? "." + SafeWord(component) : "";
  return SafeWord(criterion) + of + "." + SafeWord(option) + "=" + SafeValue(value);
}

constexpr char kTeacherWeight[] = "teacher_weight";

bool HasNoTeacher(const Options& train) {
  const auto teacher = train.find("teacher");
  return teacher != train.end() && SameValue(teacher->second, "");
}

template <typename T>
void Append(std::vector<T>& to, const std::vector<T>& more) {
  to.insert(to.end(), more.begin(), more.end());
}

}  // namespace

Namer::Namer(const Recipe& recipe, const Catalogue& catalogue)
    : catalogue_(&catalogue), train_(recipe.train), video_level_(recipe.data.format == "video") {
  NoteFiles(recipe.train);
  NoteFiles(recipe.train_grid);
  for (const auto& [criterion, sets] : recipe.grid) {
    for (const VariantSet& set : sets) {
      NoteFiles(set.fixed);
      NoteFiles(set.axes);
    }
  }
  for (const auto& [criterion, sets] : recipe.grid) {
    for (const VariantSet& set : sets) NoteSet(criterion, set);
  }
  for (const ExtraAxis& extra : recipe.extras) {
    for (const auto& value : extra.values) {
      if (value) NoteSet("extras", *value);
    }
  }
  for (const OptionAxis& axis : recipe.train_grid) {
    for (const auto& step : axis.steps) {
      for (std::size_t i = 0; i < step.size(); ++i) Note(TrainPieces({{axis.names[i], step[i]}}));
    }
  }
  NoteFixed(recipe.search.baseline);
  for (const Stage& stage : recipe.search.stages) NoteFixed(stage.fix);
}

std::string Namer::Name(const ModelSpec& model) const {
  std::string name = Written(Pieces(model));
  if (name.empty()) name = "default";
  if (name.size() <= kLongestName) return name;
  // Of the whole model: the part that is cut off may be all that two models differ in.
  const std::string hash = ShortHash(CanonicalJson(ToJson(model)));
  return name.substr(0, kLongestName - hash.size() - 1) + "+" + hash;
}

std::string Namer::VariantName(const std::string& criterion, const Variant& variant) const {
  Parts parts = PartsOf(criterion, variant.component, variant.options);
  Append(parts.label, parts.options);
  return parts.label.empty() ? variant.component : Written(parts.label);
}

std::string Namer::CriterionName(const std::string& criterion, const ModelSpec& model) const {
  if (criterion == "train") {
    const std::vector<Piece> pieces = TrainPieces(model.train);
    return pieces.empty() ? "[train] as it is" : Written(pieces);
  }
  if (criterion != "extras") {
    const auto part = model.parts.find(criterion);
    return part == model.parts.end() ? "nothing" : VariantName(criterion, part->second);
  }
  std::string names;
  for (const auto& [name, options] : model.extras) {
    if (!names.empty()) names += "-";
    names += VariantName("extras", {name, options});
  }
  return names.empty() ? "no extras" : names;
}

Namer::Parts Namer::PartsOf(const std::string& criterion, const std::string& component,
                            const Options& options) const {
  const ComponentInfo* info = catalogue_->Find(criterion, component);
  const OptionInfo* glued = GluedOption(info);
  const bool silent = IsSilent(criterion, info, component);
  Parts parts;
  if (!silent) {
    const bool labelled = info != nullptr && !info->label.empty();
    Piece label{SafeWord(labelled ? info->label : component),
                SafeWord(criterion) + "." + SafeWord(component)};
    const auto value = glued == nullptr ? options.end() : options.find(glued->name);
    if (value != options.end()) {
      label.text += ShortValue(value->second);
      label.full += "." + SafeWord(glued->name) + "=" + SafeValue(value->second);
    }
    parts.label.push_back(std::move(label));
  }
  for (const auto& [name, value] : options) {
    const OptionInfo* option = Find(info, name);
    if (option != nullptr && option == glued && !silent) continue;
    const bool named =
        option == nullptr || option->always_named || !SameValue(value, option->default_value);
    if (!named) continue;
    parts.options.push_back({OptionText(option, name, Shown(value)),
                             FullText(criterion, component, name, Shown(value))});
  }
  return parts;
}

std::vector<Namer::Piece> Namer::TrainPieces(const Options& train) const {
  std::vector<Piece> pieces;
  const ComponentInfo* info = catalogue_->Find("train", "train");
  for (const auto& [name, value] : train) {
    const auto usual = train_.find(name);
    if (usual != train_.end() && SameValue(usual->second, value)) continue;
    // A weight of no teacher changes nothing: the trial is the same.
    if (name == kTeacherWeight && HasNoTeacher(train)) continue;
    pieces.push_back({OptionText(Find(info, name), name, Shown(value)),
                      FullText("train", "train", name, Shown(value))});
  }
  return pieces;
}

std::vector<Namer::Piece> Namer::Pieces(const ModelSpec& model) const {
  std::vector<Piece> pieces;
  Parts temporal;
  for (const std::string& criterion : AllCriteria()) {
    if (criterion == "extras") {
      for (const auto& [name, values] : model.extras) {
        const Parts parts = PartsOf("extras", name, values);
        Append(pieces, parts.label);
        Append(pieces, parts.options);
      }
      Append(pieces, temporal.options);
    } else if (criterion == "train") {
      Append(pieces, TrainPieces(model.train));
    } else if (const auto part = model.parts.find(criterion);
               part != model.parts.end() && !(video_level_ && criterion == "temporal")) {
      const Parts parts = PartsOf(criterion, part->second.component, part->second.options);
      Append(pieces, parts.label);
      if (criterion == "temporal") {
        temporal = parts;
      } else {
        Append(pieces, parts.options);
      }
    }
  }
  return pieces;
}

std::string Namer::Written(const std::vector<Piece>& pieces) const {
  std::string text;
  for (const Piece& piece : pieces) {
    if (!text.empty()) text += '-';
    text += ambiguous_.contains(piece.text) ? piece.full : piece.text;
  }
  return text;
}

void Namer::NoteFiles(const Options& options) {
  for (const auto& [name, value] : options) {
    const std::optional<NamedFile> file = NamedFileFrom(value);
    if (file && !file->hash.empty()) files_.emplace(file->hash, value);
  }
}

void Namer::NoteFiles(const std::vector<OptionAxis>& axes) {
  for (const OptionAxis& axis : axes) {
    for (const auto& step : axis.steps) {
      for (std::size_t i = 0; i < step.size(); ++i) NoteFiles({{axis.names[i], step[i]}});
    }
  }
}

const OptionValue& Namer::Shown(const OptionValue& value) const {
  if (files_.empty()) return value;
  const std::optional<NamedFile> file = NamedFileFrom(value);
  const auto known = file ? files_.find(file->hash) : files_.end();
  return known == files_.end() ? value : known->second;
}

void Namer::NoteSet(const std::string& criterion, const VariantSet& set) {
  // One axis at a time is enough: a piece depends on one option, the first step's others are noted
  // with it.
  Options first = set.fixed;
  for (const OptionAxis& axis : set.axes) {
    for (std::size_t i = 0; i < axis.names.size(); ++i) first[axis.names[i]] = axis.steps[0][i];
  }
  Note(PartsOf(criterion, set.component, first));
  for (const OptionAxis& axis : set.axes) {
    for (const auto& step : axis.steps) {
      Options options = first;
      for (std::size_t i = 0; i < axis.names.size(); ++i) options[axis.names[i]] = step[i];
      Note(PartsOf(criterion, set.component, options));
    }
  }
}

void Namer::NoteFixed(const Fixed& fixed) {
  for (const auto& [criterion, variant] : fixed.parts) {
    Note(PartsOf(criterion, variant.component, variant.options));
  }
  if (fixed.extras) {
    for (const auto& [name, options] : *fixed.extras) Note(PartsOf("extras", name, options));
  }
  Note(TrainPieces(fixed.train));
}

void Namer::Note(const std::vector<Piece>& pieces) {
  for (const Piece& piece : pieces) {
    const auto [known, added] = meanings_.emplace(piece.text, piece.full);
    // The first meaning is written out too: a name must not depend on which of two was met first.
    if (!added && known->second != piece.full) ambiguous_.insert(piece.text);
  }
}

void Namer::Note(const Parts& parts) {
  Note(parts.label);
  Note(parts.options);
}

}  // namespace beamgrid
