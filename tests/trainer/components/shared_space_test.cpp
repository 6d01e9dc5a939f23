#include "tests/trainer/components/fusion.h"

namespace beamgrid::trainer {
namespace shared_space_test {

using fusion::EachFrame;
using reference::Arrays;
using reference::MakeMultimodal;
using reference::Matrix;

TEST(SharedSpace, IsOneMapOfAllFeatures) {
  const auto module = MakeMultimodal("shared_space", {{"width", 4}}, fusion::kPair);
  EXPECT_EQ(module->output_width(), 4);
  const auto frame = [](const Arrays& arrays, const Matrix& video, std::size_t t) {
    return reference::Linear(arrays, "shared", video[t]);
  };
  reference::ExpectMatches(*module, reference::RowsOf(*module), EachFrame(frame), fusion::Input());
}

TEST(SharedSpace, TakesAnyNumberOfFeatures) {
  const std::vector<Feature> three = {{"rgb", 3}, {"audio", 2}, {"flow", 4}};
  const auto module = MakeMultimodal("shared_space", {{"width", 6}}, three);
  EXPECT_EQ(module->forward(contract::RandomSequence({2}, 2, 9), {}).frames.size(-1), 6);
}

TEST(SharedSpace, StartsAsInThePaper) {
  const auto module =
      fusion::MakeInitial("shared_space", {{"width", 100}}, {{"rgb", 300}, {"audio", 100}});
  const auto parameters = module->named_parameters();
  EXPECT_NEAR(parameters["shared.weight"].std().item<double>(), 0.01, 0.0003);
  EXPECT_NEAR(parameters["shared.weight"].mean().item<double>(), 0, 0.0003);
  EXPECT_EQ(parameters["shared.bias"].abs().max().item<double>(), 0);
}

TEST(SharedSpace, HasTheSizeOfThePaper) {
  EXPECT_EQ(fusion::Count("shared_space", {}), 1'180'672);  // (1152 + 1) * 1024
}

}  // namespace shared_space_test
}  // namespace beamgrid::trainer
