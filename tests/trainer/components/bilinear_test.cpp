#include "tests/trainer/components/fusion.h"

namespace beamgrid::trainer {
namespace bilinear_test {

using fusion::AudioOf;
using fusion::EachFrame;
using fusion::ImageOf;
using fusion::Input;
using fusion::kPair;
using reference::Arrays;
using reference::Linear;
using reference::Matrix;
using reference::Vector;

const Options kSmall = {{"rank", 4}, {"width", 3}};

TEST(Bilinear, MultipliesTheSquashedProjections) {
  const auto module = reference::MakeMultimodal("bilinear", kSmall, kPair);
  EXPECT_EQ(module->output_width(), 3);
  const auto frame = [](const Arrays& arrays, const Matrix& video, std::size_t t) {
    const Vector image = Linear(arrays, "image", ImageOf(video[t]));
    const Vector audio = Linear(arrays, "audio", AudioOf(video[t]));
    Vector product;
    for (std::size_t i = 0; i < image.size(); ++i) {
      product.push_back(std::tanh(image[i]) * std::tanh(audio[i]));
    }
    return Linear(arrays, "output", product);
  };
  reference::ExpectMatches(*module, reference::RowsOf(*module), EachFrame(frame), Input());
}

TEST(Bilinear, DropsInTrainingOnly) {
  Options set = kSmall;
  set["dropout"] = 0.5;
  const auto module = reference::MakeMultimodal("bilinear", set, kPair);
  const auto plain = reference::MakeMultimodal("bilinear", kSmall, kPair);
  const Sequence input = Input();
  const torch::Tensor expected = plain->forward(input, {}).frames;
  EXPECT_FALSE(module->forward(input, {}).frames.allclose(expected));
  EXPECT_FALSE(module->forward(input, {}).frames.equal(module->forward(input, {}).frames));
  module->eval();
  EXPECT_TRUE(module->forward(input, {}).frames.equal(expected));
}

TEST(Bilinear, HasTheSizeOfThePaper) {
  EXPECT_EQ(fusion::Count("bilinear", {}), 2'231'296);
  // (1024 + 1) r + (128 + 1) r + (r + 1) width
  EXPECT_EQ(fusion::Count("bilinear", {{"rank", 256}, {"width", 512}}), 427'008);
}

}  // namespace bilinear_test
}  // namespace beamgrid::trainer
