#pragma once
// Paper-style names of models: MC-BLSTM-CG-MoE2, MS-NetVLAD-diff-C64-MoE4 (Kim et al. 2018, section
// 5). Names are folder names too: letters, digits, - _ = . + only, and shorter than 150.

#include <map>
#include <set>
#include <string>
#include <vector>

#include "registry/catalogue.h"
#include "search/recipe.h"

namespace beamgrid {

/// Namer names the models of one recipe. Distinct models get distinct names: a name is a list of
/// pieces between dashes; every option that is not at its default gives a piece, and a piece that
/// would mean two things in this recipe is written out in full ("temporal.hidden=512").
///
/// Order: multimodal label and options - temporal label - labels of the extras - the temporal
/// options - classifier label and options - label processing and loss (unless default) - training
/// settings that differ from the recipe's [train]. Video-level data has no temporal piece.
class Namer {
 public:
  Namer(const Recipe& recipe, const Catalogue& catalogue);

  /// Returns the model's name.
  [[nodiscard]] std::string Name(const ModelSpec& model) const;
  /// Returns the piece of one criterion's variant: "NetVLAD-C64".
  [[nodiscard]] std::string VariantName(const std::string& criterion, const Variant& variant) const;
  /// Returns what `model` has for a criterion, for messages: "NetVLAD-C64", "CG-drop0.2", "no
  /// extras".
  [[nodiscard]] std::string CriterionName(const std::string& criterion,
                                          const ModelSpec& model) const;

 private:
  /// Piece is one part of a name between dashes.
  struct Piece {
    std::string text;
    std::string full;  ///< says criterion and component or option: never means two things
  };
  struct Parts {  ///< of one variant
    std::vector<Piece> label;
    std::vector<Piece> options;
  };
  [[nodiscard]] Parts PartsOf(const std::string& criterion, const std::string& component,
                              const Options& options) const;
  [[nodiscard]] std::vector<Piece> TrainPieces(const Options& train) const;
  [[nodiscard]] std::vector<Piece> Pieces(const ModelSpec& model) const;
  [[nodiscard]] std::string Written(const std::vector<Piece>& pieces) const;

  void NoteFiles(const Options& options);
  void NoteFiles(const std::vector<OptionAxis>& axes);
  /// Returns the value that a name shows: of files of one content, which are one model, the first
  /// that the recipe names.
  [[nodiscard]] const OptionValue& Shown(const OptionValue& value) const;
  void NoteSet(const std::string& criterion, const VariantSet& set);
  void NoteFixed(const Fixed& fixed);
  void Note(const std::vector<Piece>& pieces);
  void Note(const Parts& parts);

  const Catalogue* catalogue_;
  Options train_;
  bool video_level_;
  std::map<std::string, OptionValue> files_;     ///< by hash
  std::map<std::string, std::string> meanings_;  ///< piece -> its full form
  std::set<std::string> ambiguous_;
};

}  // namespace beamgrid
