#include "tests/end_to_end/study_folder.h"

#include <algorithm>
#include <chrono>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <thread>

#include "registry/store/store.h"

namespace beamgrid {

std::string RecipeText::Text() const {
  return "beamgrid = 1\n[study]\n" + study + "\n[data]\n" + data + "\n[train]\n" + train + "\n" +
         grid + "\n[search]\n" + search + "\n[resources]\n" + resources + "\n" + rest;
}

StudyFolder::StudyFolder() {
  const Ended synth =
      Run({"data", "synth", "--out", "data", "--videos", "120", "--classes", "12", "--seed", "3",
           "--format", "frame", "--features", "rgb=16,audio=8", "--max-frames", "12"});
  if (synth.exit_code != 0) throw std::runtime_error("data synth: " + synth.err);
  WriteRecipe({});
}

void StudyFolder::WriteRecipe(const RecipeText& recipe, const std::string& name) const {
  WriteText(path() / name, recipe.Text());
}

Ended StudyFolder::Run(const std::vector<std::string>& arguments) const {
  return Beamgrid(path(), arguments);
}

pid_t StudyFolder::WorkerOf(std::int64_t trial) const {
  const Store store(path() / "beamgrid.db", OpenMode::kReadOnly);
  while (true) {
    const std::vector<Store::OpenAttempt> open = store.OpenAttempts();
    const auto attempt = std::ranges::find(open, TrialId{trial}, &Store::OpenAttempt::trial);
    if (attempt == open.end()) return 0;
    if (attempt->pid > 0) return static_cast<pid_t>(attempt->pid);
    std::this_thread::sleep_for(std::chrono::milliseconds(5));  // it is being started
  }
}

std::filesystem::path StudyFolder::DataFile(const std::string& beginning) const {
  std::vector<std::filesystem::path> found;
  for (const auto& entry : std::filesystem::directory_iterator(path() / "data")) {
    if (entry.path().filename().string().starts_with(beginning)) found.push_back(entry.path());
  }
  if (found.size() != 1) throw std::runtime_error("not one file data/" + beginning + "*");
  return found.front();
}

std::vector<std::string> StudyFolder::HalfWritten() const {
  std::vector<std::string> found;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(path())) {
    const std::string name = entry.path().filename().string();
    if (name.find(".part.") != std::string::npos) found.push_back(entry.path().string());
  }
  return found;
}

std::string ReadText(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw std::runtime_error("cannot read " + path.string());
  return {std::istreambuf_iterator<char>(in), {}};
}

void WriteText(const std::filesystem::path& path, const std::string& text) {
  std::ofstream out(path, std::ios::binary);
  out << text;
  if (!out.flush()) throw std::runtime_error("cannot write " + path.string());
}

}  // namespace beamgrid
