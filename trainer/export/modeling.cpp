#include "trainer/export/modeling.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <stdexcept>
#include <utility>

#include "registry/catalogue.h"
#include "registry/util/json.h"
#include "registry/util/text.h"
#include "trainer/component.h"
#include "trainer/export/model_class.h"
#include "trainer/export/python_files.h"
#include "trainer/export/python_pieces.h"
#include "trainer/stream_options.h"
#include "trainer/without_memory.h"

namespace beamgrid::trainer {
namespace {

/// The two files that say how a model receives its videos; each model has one of them.
constexpr char kFrames[] = "export/frames.py";
constexpr char kVideos[] = "export/videos.py";
/// What an ensemble's modeling.py consists of; no part of a model's.
constexpr char kEnsemble[] = "export/ensemble.py";

/// Modules by the name by which the pieces know them, in the order in which they are imported.
constexpr std::array<std::pair<std::string_view, std::string_view>, 9> kImports = {
    {{"importlib", "import importlib.util\n"},
     {"json", "import json\n"},
     {"math", "import math\n"},
     {"pathlib", "import pathlib\n"},
     {"sys", "import sys\n"},
     {"SimpleNamespace", "from types import SimpleNamespace\n"},
     {"np", "\nimport numpy as np\n"},
     {"torch", "\nimport torch\n"},
     {"F", "import torch.nn.functional as F\n"}}};
constexpr std::string_view kImportOfModules = "from torch import nn\n";

/// What a modeling.py does as a program.
std::string Program(const std::string& what) {
  return "if __name__ == \"__main__\":\n"
         "    difference = self_test()\n"
         "    print(f\"largest difference from beamgrid's own " +
         what +
         ": {difference:.1e}\")\n"
         "    sys.exit(0 if difference <= 1e-5 else 1)\n";
}

std::string PathOf(const std::string& criterion, const std::string& component) {
  return "components/" + criterion + "/" + component + ".py";
}

const PythonFile* FileAt(std::string_view path) {
  const auto files = PythonFiles();
  const auto found = std::ranges::find(files, path, &PythonFile::path);
  return found == files.end() ? nullptr : &*found;
}

/// A part of a model that a prediction needs.
struct Part {
  std::string criterion, component;
  bool operator==(const Part&) const = default;
};

std::vector<Part> PartsOf(const ModelSpec& spec, const DataSpec& data) {
  std::vector<Part> parts;
  for (const char* criterion : {"multimodal", "temporal", "classifier", "label_processing"}) {
    // Video-level data have nothing to aggregate.
    if (data.format == "video" && std::string(criterion) == "temporal") continue;
    parts.push_back({criterion, spec.parts.at(criterion).component});
  }
  for (const auto& [name, options] : spec.extras) parts.push_back({"extras", name});
  return parts;
}

/// Says why a part cannot be exported, or nothing.
std::string WhyNot(const Part& part, const ModelSpec& spec) {
  if (HasPython(part.criterion, part.component)) return "";
  const std::string name = part.criterion + " '" + part.component + "'";
  const Catalogue catalogue = BuiltCatalogue();
  const ComponentInfo* info = catalogue.Find(part.criterion, part.component);
  const bool is_script = info != nullptr && std::ranges::any_of(info->options, [](auto& option) {
                           return option.type == OptionType::kFile;
                         });
  if (is_script) return name + " is a TorchScript module of yours, which Python loads by itself";
  if (info == nullptr && !spec.plugins.empty()) {
    return name + " comes from a plugin, of which there is no Python (" +
           Join(spec.plugins, ", ", &NamedFile::path) + ")";
  }
  return name + " is not among the components that beamgrid has Python of";
}

void RequirePython(const ModelSpec& spec, const DataSpec& data) {
  std::vector<std::string> reasons;
  for (const Part& part : PartsOf(spec, data)) {
    if (std::string why = WhyNot(part, spec); !why.empty()) reasons.push_back(std::move(why));
  }
  if (reasons.empty()) return;
  throw SpecError("the model cannot be exported: " + Join(reasons, "; ") +
                  "; only models of shipped components can be");
}

/// A name as it may stand in a text of Python.
std::string Plain(std::string name) {
  std::ranges::replace(name, '"', '\'');
  std::ranges::replace(name, '\\', '/');
  return name;
}

std::string Whole(const std::string& heading, const PieceSelection& selection) {
  std::string text = "\"\"\"" + heading + "\"\"\"\n\n";
  for (const auto& [name, import] : kImports) {
    if (selection.words().contains(std::string(name))) text += import;
  }
  if (selection.words().contains("nn")) text += kImportOfModules;
  return text + selection.Text();
}

bool Standardises(const DataSpec& data) {
  return std::ranges::any_of(
      data.normalise, [](const auto& one) { return one.second == Normalisation::kStandardise; });
}

/// Conditions knows the values that the conditions in the files ask for.
class Conditions {
 public:
  Conditions(const ModelSpec& spec, const DataSpec& data, bool has_own_cells)
      : spec_(spec), data_(data), has_own_cells_(has_own_cells) {}

  /// Returns the value of a name in a component's file: an option of its own, or CRITERION.OPTION,
  /// extras.NAME, precision, scores_frames, own_cells, data.floats (some frames are no codes),
  /// data.jointly_normalised or data.standardises.
  [[nodiscard]] std::string Value(const Part& of, const std::string& name) const {
    if (name == "data.floats") return data_.frame_types.empty() ? "false" : "true";
    if (name == "data.jointly_normalised") return data_.normalise.empty() ? "true" : "false";
    if (name == "data.standardises") return Standardises(data_) ? "true" : "false";
    if (name == "own_cells") return has_own_cells_ ? "true" : "false";
    if (name == "scores_frames") {
      const std::string& classifier = spec_.parts.at("classifier").component;
      return Makers<FrameClassifier>::All().contains(classifier) ? "true" : "false";
    }
    if (name == "precision") return TextOf(spec_.train, "precision");
    const std::size_t dot = name.find('.');
    if (dot == std::string::npos) return OptionOf(of, name);
    const Part other{name.substr(0, dot), name.substr(dot + 1)};
    if (other.criterion == "extras") return spec_.extras.contains(other.component) ? "true" : "";
    const auto part = spec_.parts.find(other.criterion);
    if (part == spec_.parts.end()) return "";
    return OptionOf({other.criterion, part->second.component}, other.component);
  }

 private:
  static std::string TextOf(const Options& options, const std::string& name) {
    const auto found = options.find(name);
    if (found == options.end()) return "";
    return found->second.is_string() ? boost::json::value_to<std::string>(found->second)
                                     : CanonicalJson(found->second);
  }

  [[nodiscard]] std::string OptionOf(const Part& of, const std::string& name) const {
    if (of.criterion == "extras") return TextOf(spec_.extras.at(of.component), name);
    const auto part = spec_.parts.find(of.criterion);
    if (part == spec_.parts.end()) return "";
    if (name == "use") return part->second.component;
    return TextOf(part->second.options, name);
  }

  const ModelSpec& spec_;
  const DataSpec& data_;
  bool has_own_cells_;
};

/// Whether cells do what torch.nn's cannot.
bool NeedsOwnCells(const ModelSpec& spec) {
  const DataSpec any;
  const Conditions conditions(spec, any, false);
  const auto temporal = [&](const std::string& name) {
    return conditions.Value({}, "temporal." + name);
  };
  return spec.extras.contains("zoneout") || temporal("peepholes") == "true" ||
         temporal("layer_norm") == "true" || temporal("embedding") == "memory_candidate" ||
         temporal("reset") == "before";
}

/// What only the components themselves know.
struct Built {
  std::vector<std::string> extras;  ///< in the order in which they act
  std::vector<std::int64_t> stream_widths;
  std::vector<Options> of_streams;
};

Built BuildParts(const ModelSpec& spec, const DataSpec& data) {
  // The parts are asked, not used: their memory is never touched.
  const WithoutMemory guard;
  BuildContext context{.features = data.features,
                       .max_frames = data.max_frames,
                       .classes = data.classes,
                       .jointly_normalised = data.normalise.empty(),
                       .video_level = data.format == "video",
                       .extras = &spec.extras};
  for (const Feature& feature : data.features) context.input_width += feature.second;
  const Variant& fusion = spec.parts.at("multimodal");
  const auto multimodal = Makers<Multimodal>::All().at(fusion.component)(context, fusion.options);
  Built built{.stream_widths = multimodal->stream_widths()};
  if (const auto* own = dynamic_cast<const StreamOptions*>(multimodal.get())) {
    for (std::size_t i = 0; i < built.stream_widths.size(); ++i) {
      built.of_streams.push_back(own->OptionsOfStream(i));
    }
  }
  std::vector<std::pair<int, std::string>> extras;
  for (const auto& [name, options] : spec.extras) {
    extras.emplace_back(Makers<Extra>::All().at(name)(context, options)->order(), name);
  }
  std::ranges::sort(extras);
  for (const auto& [order, name] : extras) built.extras.push_back(name);
  return built;
}

/// The criterion and the name of the component that a file is of; empty ones where it is shared.
Part OwnerOf(std::string_view path) {
  constexpr std::string_view kFolder = "components/";
  if (!path.starts_with(kFolder)) return {};
  path.remove_prefix(kFolder.size());
  const std::size_t slash = path.find('/');
  if (slash == std::string_view::npos) return {};
  const Part part{std::string(path.substr(0, slash)),
                  std::string(path.substr(slash + 1, path.rfind('.') - slash - 1))};
  return BuiltCatalogue().Find(part.criterion, part.component) == nullptr ? Part{} : part;
}

/// Source holds the pieces that a model may use, with what its options leave of them.
class Source {
 public:
  Source(const ModelSpec& spec, const DataSpec& data, bool has_own_cells) {
    const Conditions conditions(spec, data, has_own_cells);
    const std::vector<Part> parts = PartsOf(spec, data);
    const bool video = data.format == "video";
    for (const PythonFile& file : PythonFiles()) {
      if (file.path == kEnsemble || file.path == (video ? kFrames : kVideos)) continue;
      const Part owner = OwnerOf(file.path);
      const bool is_used =
          owner.component.empty() || std::ranges::find(parts, owner) != parts.end();
      if (!is_used) continue;
      const std::string text =
          Chosen(file.text, [&](const std::string& name) { return conditions.Value(owner, name); });
      for (PythonPiece& piece : PiecesOf(text)) {
        if (piece.is_class) classes_[{owner.criterion, owner.component}] = piece.name;
        pieces_.emplace(piece.name, std::move(piece));
      }
    }
  }

  [[nodiscard]] const std::map<std::string, PythonPiece>& pieces() const { return pieces_; }

  /// Adds the class of another source, and what it needs, where that is not what is here already;
  /// then under names with `suffix`. Returns the name of the class.
  std::string AddVariant(const Source& other, const std::string& name, const std::string& suffix) {
    const std::set<std::string> needed = other.Needs(name);
    std::set<std::string> differs;
    for (const std::string& piece : needed) {
      if (other.TextOf(piece) != TextOf(piece)) differs.insert(piece);
    }
    for (std::size_t before = 0; before != differs.size();) {
      before = differs.size();
      for (const std::string& piece : needed) {
        const auto is_one = [&](const std::string& word) { return differs.contains(word); };
        if (std::ranges::any_of(other.pieces_.at(piece).words, is_one)) differs.insert(piece);
      }
    }
    for (const std::string& piece : differs) {
      const std::string text = Renamed(other.TextOf(piece), differs, suffix);
      pieces_[piece + suffix] = PiecesOf(text).front();
    }
    return differs.contains(name) ? name + suffix : name;
  }

  /// The class of a part; empty where there is nothing to do in a prediction.
  [[nodiscard]] std::string ClassOf(const Part& part) const {
    const auto found = classes_.find({part.criterion, part.component});
    return found == classes_.end() ? "" : found->second;
  }
  /// The text of a class; empty where there is none.
  [[nodiscard]] std::string TextOf(const std::string& name) const {
    const auto found = pieces_.find(name);
    return found == pieces_.end() ? "" : found->second.text;
  }

 private:
  /// The names of a piece and of all that it needs.
  [[nodiscard]] std::set<std::string> Needs(const std::string& name) const {
    std::set<std::string> needed;
    std::vector<std::string> open = {name};
    while (!open.empty()) {
      const std::string next = open.back();
      open.pop_back();
      if (!pieces_.contains(next) || !needed.insert(next).second) continue;
      const std::set<std::string>& words = pieces_.at(next).words;
      open.insert(open.end(), words.begin(), words.end());
    }
    return needed;
  }

  std::map<std::string, PythonPiece> pieces_;
  std::map<std::pair<std::string, std::string>, std::string> classes_;
};

/// The model with a stream's own options of the temporal part; for each stream, if there are any.
std::vector<ModelSpec> SpecsOfStreams(const ModelSpec& spec, const Built& built) {
  std::vector<ModelSpec> specs;
  for (const Options& own : built.of_streams) {
    ModelSpec& of_stream = specs.emplace_back(spec);
    for (const auto& [name, value] : own) of_stream.parts.at("temporal").options[name] = value;
  }
  return specs;
}

/// The streams of a model share the cells: two kinds of them would be twice as much to read.
bool HasOwnCells(const ModelSpec& spec, const std::vector<ModelSpec>& of_streams) {
  return NeedsOwnCells(spec) || std::ranges::any_of(of_streams, NeedsOwnCells);
}

/// The temporal class of each stream: the same where their options leave the same lines of it.
std::vector<std::string> TemporalClasses(const ModelSpec& spec, const DataSpec& data,
                                         const Built& built, Source& source) {
  const Part part{"temporal", spec.parts.at("temporal").component};
  const std::vector<ModelSpec> of_streams = SpecsOfStreams(spec, built);
  const bool has_own_cells = HasOwnCells(spec, of_streams);
  std::vector<std::string> classes(built.stream_widths.size(), source.ClassOf(part));
  for (std::size_t stream = 0; stream < of_streams.size(); ++stream) {
    if (built.of_streams[stream].empty()) continue;
    classes[stream] = source.AddVariant(Source(of_streams[stream], data, has_own_cells),
                                        classes[stream], "OfStream" + std::to_string(stream));
  }
  return classes;
}

ModelClassParts ClassParts(const ModelSpec& spec, const DataSpec& data, const Built& built,
                           Source& source) {
  const auto class_of = [&](const char* criterion) {
    return source.ClassOf({criterion, spec.parts.at(criterion).component});
  };
  ModelClassParts parts{.multimodal = class_of("multimodal"),
                        .classifier = class_of("classifier"),
                        .label_processing = class_of("label_processing"),
                        .stream_widths = built.stream_widths,
                        .own_options = built.of_streams,
                        .normalises_features = !data.normalise.empty(),
                        .standardises = Standardises(data),
                        .scores_frames = Makers<FrameClassifier>::All().contains(
                            spec.parts.at("classifier").component)};
  const std::string fusion = source.TextOf(parts.multimodal);
  parts.has_joint = fusion.find("def build_joint(") != std::string::npos;
  if (data.format != "video") {
    parts.temporals = TemporalClasses(spec, data, built, source);
    const std::string temporal = source.TextOf(parts.temporals.front());
    parts.has_sets = temporal.find("has_sets = True") != std::string::npos;
  }
  for (const std::string& name : built.extras) {
    const std::string of_extra = source.ClassOf({"extras", name});
    if (of_extra.empty()) continue;
    parts.extras.push_back({name, of_extra, source.TextOf(of_extra)});
  }
  return parts;
}

}  // namespace

std::string ModelingText(const ModelSpec& spec, const DataSpec& data, const std::string& name) {
  RequirePython(spec, data);
  const bool video = data.format == "video";
  const Built built = BuildParts(spec, data);
  Source source(spec, data, HasOwnCells(spec, SpecsOfStreams(spec, built)));
  const ModelClassParts parts = ClassParts(spec, data, built, source);
  PieceSelection selection(source.pieces());
  selection.AddText(ModelClass(parts));
  selection.Add("predict");
  selection.AddText(Program("probabilities"));
  const std::string arguments = video ? "features" : "frames, lengths";
  return Whole(Plain(name) +
                   ", as beamgrid trained it (README.md).\n\n"
                   "    from modeling import load, predict\n"
                   "    probabilities = predict(load(), " +
                   arguments + ")\n\n`python modeling.py --self-test` predicts the sample.\n",
               selection);
}

std::string EnsembleModelingText(const std::string& name) {
  const PythonFile* file = FileAt(kEnsemble);
  std::map<std::string, PythonPiece> pieces;
  for (PythonPiece& piece : PiecesOf(file->text)) pieces.emplace(piece.name, piece);
  for (PythonPiece& piece : PiecesOf(FileAt("export/export.py")->text)) {
    if (piece.name == "HERE" || piece.name == "read_tensors") pieces.emplace(piece.name, piece);
  }
  PieceSelection selection(pieces);
  selection.Add("predict");
  selection.AddText(Program("scores"));
  return Whole(Plain(name) +
                   ", as beamgrid picked it (README.md).\n\n"
                   "    from modeling import load, predict\n"
                   "    labels, scores = predict(load(), ...)  # what a member's predict takes\n\n"
                   "`python modeling.py --self-test` predicts the sample.\n",
               selection);
}

bool HasPython(const std::string& criterion, const std::string& component) {
  return FileAt(PathOf(criterion, component)) != nullptr;
}

std::vector<std::string> PythonFileErrors() {
  std::vector<std::string> errors;
  // By piece; these files have their own forms of what others have, and never meet them.
  std::map<std::pair<std::string_view, std::string>, std::string_view> known;
  for (const PythonFile& file : PythonFiles()) {
    const bool is_apart = file.path == kVideos || file.path == kEnsemble;
    try {
      for (const PythonPiece& piece : PiecesOf(file.text)) {
        const auto [found, is_new] =
            known.emplace(std::pair(is_apart ? file.path : "", piece.name), file.path);
        if (is_new) continue;
        errors.push_back(piece.name + " is in " + std::string(found->second) + " and in " +
                         std::string(file.path));
      }
    } catch (const std::invalid_argument& error) {
      errors.push_back(std::string(file.path) + ": " + error.what());
    }
  }
  return errors;
}

}  // namespace beamgrid::trainer
