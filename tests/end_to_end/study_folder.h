#pragma once
// A temporary folder with a small synthetic dataset and a recipe: what every end-to-end test starts
// from.

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "tests/end_to_end/process.h"
#include "tests/support/temporary_folder.h"

namespace beamgrid {

/// The sections of a recipe; a test changes what it is about.
struct RecipeText {
  std::string study = "name = \"small\"\nseeds = [1, 2]";
  std::string data =
      "format = \"frame\"\ntrain = [\"data/train*.tfrecord\"]\n"
      "validate = [\"data/validate*.tfrecord\"]\nclasses = 12\n"
      "features = { rgb = 16, audio = 8 }\nmax_frames = 12";
  std::string train = "epochs = 2\nbatch = 16\nlearning_rate = 0.01";
  std::string grid =
      "[[grid.temporal]]\nuse = \"mean\"\n[[grid.temporal]]\nuse = \"lstm\"\nhidden = 8\n"
      "[[grid.classifier]]\nuse = \"logistic\"\n[[grid.classifier]]\nuse = \"moe\"\nexperts = 2\n";
  std::string search = "strategy = \"grid\"";
  std::string resources = "devices = [\"cpu\"]\nslots_per_device = 2\ntimeout = \"10m\"";
  std::string rest =
      "[ensemble]\nmembers = 3\nweights = \"uniform\"\n"
      "[[table]]\ntitle = \"Temporal\"\nvary = \"temporal\"\n";

  [[nodiscard]] std::string Text() const;
};

/// Folder, `data/` of 120 videos in 12 classes, `recipe.toml`.
class StudyFolder {
 public:
  StudyFolder();
  [[nodiscard]] const std::filesystem::path& path() const { return folder_.path(); }
  void WriteRecipe(const RecipeText& recipe, const std::string& name = "recipe.toml") const;
  /// `beamgrid ARGUMENTS` in the folder, to its end.
  Ended Run(const std::vector<std::string>& arguments) const;
  /// The process that carries out a trial (by its id in beamgrid.db); waits until the record knows
  /// it. 0 where no attempt of the trial runs.
  [[nodiscard]] pid_t WorkerOf(std::int64_t trial) const;
  /// The only file of `data/` whose name begins so.
  [[nodiscard]] std::filesystem::path DataFile(const std::string& beginning) const;
  /// Everything below the folder that looks half-written (temporary names).
  [[nodiscard]] std::vector<std::string> HalfWritten() const;

 private:
  TemporaryFolder folder_;
};

[[nodiscard]] std::string ReadText(const std::filesystem::path& path);
void WriteText(const std::filesystem::path& path, const std::string& text);

}  // namespace beamgrid
