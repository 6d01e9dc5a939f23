#include "trainer/export/model_class.h"

#include <algorithm>

#include "registry/util/json.h"
#include "registry/util/text.h"

namespace beamgrid::trainer {
namespace {

/// Options as they stand in a dictionary of Python.
std::string LiteralsOf(const Options& options) {
  return Join(options, ", ", [](const auto& option) {
    const auto& [name, value] = option;
    const std::string text =
        value.is_bool() ? (value.get_bool() ? "True" : "False") : CanonicalJson(value);
    return "\"" + name + "\": " + text;
  });
}

/// Writer writes the class line by line.
class Writer {
 public:
  explicit Writer(const ModelClassParts& parts) : parts_(parts) {}

  std::string Text() {
    text_ =
        "class Model(nn.Module):\n"
        "    \"\"\"Frames [videos, frames, width] and their mask -> probabilities [videos, "
        "classes].\"\"\"\n\n"
        "    def __init__(self, config):\n";
    Build();
    text_ += "\n    def forward(self, frames, mask):\n";
    Forward();
    return text_;
  }

 private:
  void Add(const std::string& line) { text_ += "        " + line + "\n"; }

  [[nodiscard]] bool has_temporal() const { return !parts_.temporals.empty(); }
  [[nodiscard]] std::size_t streams() const { return parts_.stream_widths.size(); }
  [[nodiscard]] bool has_streams() const { return streams() > 1; }
  /// "temporal" or "temporal0"; the same of what passes through.
  [[nodiscard]] std::string OfStream(const std::string& word, std::size_t stream) const {
    return has_streams() ? word + std::to_string(stream) : word;
  }

  static bool Has(const ExportedExtra& extra, const std::string& method) {
    return extra.text.find("def " + method + "(") != std::string::npos;
  }
  /// Whether an extra has this method.
  [[nodiscard]] bool ActsAt(const std::string& method) const {
    return std::ranges::any_of(parts_.extras, [&](auto& extra) { return Has(extra, method); });
  }
  /// Adds a line for each extra that has this method.
  template <typename Line>
  void ForExtras(const std::string& method, const Line& line) {
    for (const ExportedExtra& extra : parts_.extras) {
      if (Has(extra, method)) Add(line("self." + extra.name + "." + method));
    }
  }
  /// The widths of the streams as a list of Python.
  [[nodiscard]] std::string WidthsOfStreams() const {
    return "[" +
           Join(parts_.stream_widths, ", ", [](auto width) { return std::to_string(width); }) + "]";
  }

  // ---- Building ---------------------------------------------------------------------------------

  void Build() {
    Add("super().__init__()");
    Add("spec, data, extras = config[\"spec\"], config[\"data\"], config[\"spec\"][\"extras\"]");
    Add("widths = [width for _, width in data[\"features\"]]");
    Add("context = SimpleNamespace(**data, extras=extras, width=sum(widths))");
    if (streams() > 0) Add("self.max_frames = data[\"max_frames\"]");
    if (parts_.normalises_features) {
      Add("self.widths = widths");
      Add("self.normalise = [data[\"normalise\"][name] for name, _ in data[\"features\"]]");
    }
    if (parts_.standardises) Add("self.statistics = Statistics(context.width)");
    for (const ExportedExtra& extra : parts_.extras) {
      Add("self." + extra.name + " = " + extra.class_name + "(context, extras[\"" + extra.name +
          "\"])");
    }
    if (!parts_.multimodal.empty()) {
      Add("self.multimodal = " + parts_.multimodal + "(context, spec[\"multimodal\"])");
    }
    for (std::size_t stream = 0; stream < streams(); ++stream) BuildStream(stream);
    BuildEmbedding();
    Add("self.classifier = " + parts_.classifier +
        "(context_at(context, width), spec[\"classifier\"])");
    ForExtras("build_probabilities",
              [](const std::string& call) { return call + "(context.classes)"; });
    if (parts_.label_processing.empty()) return;
    Add("self.label_processing = " + parts_.label_processing +
        "(context, spec[\"label_processing\"])");
  }

  void BuildStream(std::size_t stream) {
    const std::string frames = OfStream("frames_width", stream);
    Add(frames + " = " +
        (has_streams()               ? "widths[" + std::to_string(stream) + "]"
         : parts_.multimodal.empty() ? "context.width"
                                     : "self.multimodal.width"));
    ForExtras("build_frames",
              [&](const std::string& call) { return frames + " = " + call + "(" + frames + ")"; });
    if (!has_temporal()) return;
    const std::string number = std::to_string(stream);
    std::string options = "spec[\"temporal\"]";
    if (!parts_.own_options.empty() && !parts_.own_options[stream].empty()) {
      Add("options = {**spec[\"temporal\"], " + LiteralsOf(parts_.own_options[stream]) + "}");
      options = "options";
    }
    std::string context = "context_at(context, " + frames + ")";
    if (has_streams()) {
      context = "context_at(context, " + frames + ", features=[[\"stream" + number + "\", " +
                frames + "]])";
      Add("of_stream = " + context);
      context = "of_stream";
    }
    Add("self." + OfStream("temporal", stream) + " = " + parts_.temporals[stream] + "(" + context +
        ", " + options + ")");
  }

  void BuildEmbedding() {
    std::vector<std::string> temporals, widths, frames;
    for (std::size_t stream = 0; stream < streams(); ++stream) {
      const std::string temporal = "self." + OfStream("temporal", stream);
      frames.push_back(OfStream("frames_width", stream));
      if (has_temporal()) temporals.push_back(temporal);
      widths.push_back(has_temporal()
                           ? temporal + (parts_.scores_frames ? ".states_width" : ".width")
                           : frames.back());
    }
    if (has_streams()) Add("frames_width = " + Join(frames, " + "));
    Add("width = " + Join(widths, " + "));
    if (parts_.has_joint) Add("width = self.multimodal.build_joint(width)");
    if (ActsAt("build_embedding")) Add("temporals = [" + Join(temporals) + "]");
    ForExtras("build_embedding", [](const std::string& call) {
      return "width = " + call + "(temporals, frames_width, width)";
    });
  }

  // ---- Forward ----------------------------------------------------------------------------------

  void Forward() {
    ForExtras("on_input",
              [](const std::string& call) { return "frames, mask = " + call + "(frames, mask)"; });
    // With streams there is only its joint layer.
    if (!parts_.multimodal.empty() && !has_streams()) Add("frames = self.multimodal(frames, mask)");
    SplitStreams();
    std::vector<std::string> embeddings, frames;
    for (std::size_t stream = 0; stream < streams(); ++stream) {
      const std::string of_stream = OfStream("frames", stream);
      ForExtras("on_frames", [&](const std::string& call) {
        return of_stream + " = " + call + "(" + of_stream + ", mask)";
      });
      frames.push_back(of_stream);
      const std::string temporal =
          "self." + OfStream("temporal", stream) + (parts_.scores_frames ? ".states" : "");
      embeddings.push_back(has_temporal() ? temporal + "(" + of_stream + ", mask)"
                                          : of_stream + ".squeeze(1)");
    }
    if (has_streams()) Add("frames = torch.cat([" + Join(frames) + "], -1)");
    AddEmbeddings(embeddings);
    if (parts_.scores_frames) {
      Add("embedding = embedding[mask]  # each valid frame, as if it were a video");
    }
    if (parts_.has_joint) Add("embedding = self.multimodal.join(embedding)");
    ScoreEmbedding();
  }

  void SplitStreams() {
    if (!has_streams()) return;
    std::vector<std::string> names;
    for (std::size_t stream = 0; stream < streams(); ++stream) {
      names.push_back(OfStream("frames", stream));
    }
    Add(Join(names) + " = frames.split(" + WidthsOfStreams() + ", -1)");
  }

  void AddEmbeddings(const std::vector<std::string>& embeddings) {
    if (embeddings.size() == 1) {
      Add("embedding = " + embeddings.front());
      return;
    }
    for (std::size_t i = 0; i < embeddings.size(); ++i) {
      Add("embedding" + std::to_string(i) + " = " + embeddings[i]);
    }
    std::vector<std::string> names;
    for (std::size_t i = 0; i < embeddings.size(); ++i) {
      names.push_back("embedding" + std::to_string(i));
    }
    Add("embedding = torch.cat([" + Join(names) + "], -1)");
  }

  void ScoreEmbedding() {
    const bool beside = parts_.scores_frames;
    if (beside && ActsAt("on_embedding")) {
      Add("frames = frames[mask].unsqueeze(1)");
      Add("alone = torch.ones_like(frames[..., 0], dtype=torch.bool)");
    }
    ForExtras("on_embedding", [&](const std::string& call) {
      return "embedding = " + call + "(embedding, frames, " + (beside ? "alone" : "mask") + ")";
    });
    const std::string probabilities = parts_.has_sets ? "best_of_sets(self.classifier, embedding)"
                                      : parts_.scores_frames
                                          ? "mean_of_frames(self.classifier(embedding), mask)"
                                          : "self.classifier(embedding)";
    if (parts_.label_processing.empty() && !ActsAt("on_probabilities")) {
      Add("return " + probabilities);
      return;
    }
    Add("probabilities = " + probabilities);
    ForExtras("on_probabilities", [](const std::string& call) {
      return "probabilities = " + call + "(probabilities)";
    });
    Add(parts_.label_processing.empty() ? "return probabilities"
                                        : "return self.label_processing(probabilities)");
  }

  const ModelClassParts& parts_;
  std::string text_;
};

}  // namespace

std::string ModelClass(const ModelClassParts& parts) { return Writer(parts).Text(); }

}  // namespace beamgrid::trainer
