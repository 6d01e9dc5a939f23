#pragma once
// The class Model of an exported model: what trainer/training/model.cpp does, written out for one
// model, so that only what it does is there to be read.

#include <cstdint>
#include <string>
#include <vector>

#include "registry/model_spec.h"

namespace beamgrid::trainer {

/// ExportedExtra is an extra that acts in predictions.
struct ExportedExtra {
  std::string name;  ///< "context_gating"
  std::string class_name;
  std::string text;  ///< its Python, which says at which places it acts
};

/// ModelClassParts says what a model is made of. Empty names: there is nothing to do.
struct ModelClassParts {
  std::string multimodal, classifier, label_processing;  ///< names of classes
  std::vector<std::string> temporals;                    ///< by stream; empty at the video level
  std::vector<ExportedExtra> extras;                     ///< in the order in which they act
  std::vector<std::int64_t> stream_widths;  ///< of the multimodal part; one where it does nothing
  bool has_joint = false;                   ///< late fusion's joint layer
  std::vector<Options> own_options;         ///< in which a stream's temporal part differs, or none
  bool normalises_features = false;         ///< each by itself (data.normalise)
  bool standardises = false;                ///< one of them by statistics
  bool scores_frames = false;
  bool has_sets = false;  ///< several embeddings of a video
};

/// Returns the text of the class.
[[nodiscard]] std::string ModelClass(const ModelClassParts& parts);

}  // namespace beamgrid::trainer
