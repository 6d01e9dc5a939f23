// How large the page of a study is, and how long it takes: a record with that many complete trials
// (two seeds of each model, three epochs, a note, one attempt of fifty out of memory) is made in a
// folder of its own, read and written as `beamgrid report` does, without the start of the program.
//
//   report_bench [TRIALS [PAGE]]

#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string>

#include "registry/util/files.h"
#include "reports/page/page.h"
#include "search/search_space.h"
#include "tests/search/test_catalogue.h"
#include "tests/support/record.h"
#include "tests/support/temporary_folder.h"

namespace beamgrid {
namespace {

/// Returns a grid of 2 x 50 x 10 x 10 models.
std::string WideRecipe() {
  std::string clusters, experts, rates;
  for (int i = 1; i <= 50; ++i) clusters += std::to_string(i * 8) + ",";
  for (int i = 1; i <= 10; ++i) experts += std::to_string(i) + ",";
  for (int i = 1; i <= 9; ++i) rates += "0.0" + std::to_string(i) + ",";
  return RecipeHead() +
         "[[grid.multimodal]]\nuse = \"concat\"\n[[grid.multimodal]]\nuse = \"sum\"\n" +
         "[[grid.temporal]]\nuse = \"netvlad\"\nclusters = [" + clusters + "]\n" +
         "[[grid.classifier]]\nuse = \"moe\"\nexperts = [" + experts + "]\n" +
         "[grid.extras]\ndropout = [false, " + rates + "]\n";
}

void Fill(Store& store, std::int64_t trials) {
  const Catalogue catalogue = TestCatalogue();
  const Recipe recipe = ParseRecipe(WideRecipe(), "r.toml", catalogue);
  const SearchSpace space(recipe, catalogue);
  StudyRecord study = ExampleStudy("many");
  study.recipe_text = recipe.text;
  const StudyId id = store.OpenStudy(study);
  for (std::int64_t i = 0; i < trials; ++i) {
    const std::int64_t point = i / 2 * 7919 % space.size();
    TrialSpec spec = ExampleTrial();
    spec.model = *space.At(point);
    spec.seed = 1 + i % 2;
    const NewTrial trial{.name = space.Name(spec.model),
                         .fingerprint = Fingerprint(spec),
                         .spec = spec,
                         .parameters = 1'000'000 + point,
                         .size_bytes = 4'000'000 + 1000 * (point % 997)};
    const TrialId added = store.AddTrials(id, {trial})[0];
    store.AddNote(id, trial.name, spec.seed, "asked for: point " + std::to_string(point));
    const std::string folder = "d" + std::to_string(i), device = "cuda:" + std::to_string(i % 8);
    if (i % 50 == 0) {
      store.FinishAttempt(added, store.BeginAttempt(added, folder, device, 1),
                          ExampleFailure(FailureKind::kOutOfMemory), TrialState::kWaiting);
    }
    const double gap = 0.5 + 1e-5 * static_cast<double>(point * 6007 % 9973 + i % 2 * 20);
    store.FinishAttempt(added, store.BeginAttempt(added, folder, device, 1), ExampleSuccess(gap),
                        TrialState::kComplete);
  }
}

/// Returns the processor's time that this program has had: other work on the machine is not in it.
double CpuSeconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

int Main(int argc, char** argv) {
  const std::int64_t trials = argc > 1 ? std::atoll(argv[1]) : 10'000;
  const TemporaryFolder folder;
  {
    Store store(folder / "record.db", OpenMode::kReadWrite);
    store.Together([&] { Fill(store, trials); });
  }
  const double begin = CpuSeconds();
  const Store store(folder / "record.db", OpenMode::kReadOnly);
  const StudyFacts facts = ReadStudyFacts(store, TestCatalogue(), *store.FindStudy("many"),
                                          [](const std::string&) { return PaperTable(); });
  const double read = CpuSeconds() - begin;
  const std::string page = WritePage({facts});
  const double all = CpuSeconds() - begin;
  std::printf("%lld trials: %zu bytes; read %.2f s, written %.2f s, together %.2f s of CPU time\n",
              static_cast<long long>(trials), page.size(), read, all - read, all);
  if (argc > 2) WriteFileAtomically(argv[2], page);
  return 0;
}

}  // namespace
}  // namespace beamgrid

int main(int argc, char** argv) { return beamgrid::Main(argc, argv); }
