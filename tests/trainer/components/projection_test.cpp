#include "tests/trainer/components/fusion.h"

namespace beamgrid::trainer {
namespace projection_test {

using fusion::AudioOf;
using fusion::EachFrame;
using fusion::ImageOf;
using fusion::Input;
using fusion::kPair;
using reference::Arrays;
using reference::ExpectMatches;
using reference::Linear;
using reference::Matrix;
using reference::Vector;
using reference::Videos;

std::shared_ptr<Multimodal> Make(Options set) {
  set["width"] = 4;
  return reference::MakeMultimodal("projection", set, kPair);
}

TEST(Projection, FeedsBothProjections) {
  const auto module = Make({});
  EXPECT_EQ(module->output_width(), 8);
  const auto frame = [](const Arrays& arrays, const Matrix& video, std::size_t t) {
    Vector x = Linear(arrays, "image", ImageOf(video[t]));
    fusion::Append(x, Linear(arrays, "audio", AudioOf(video[t])));
    return x;
  };
  ExpectMatches(*module, reference::RowsOf(*module), EachFrame(frame), Input());
}

TEST(Projection, FeedsTheirSum) {
  const auto module = Make({{"feed", "sum"}});
  EXPECT_EQ(module->output_width(), 4);
  const auto frame = [](const Arrays& arrays, const Matrix& video, std::size_t t) {
    return fusion::Sum(Linear(arrays, "image", ImageOf(video[t])),
                       Linear(arrays, "audio", AudioOf(video[t])));
  };
  ExpectMatches(*module, reference::RowsOf(*module), EachFrame(frame), Input());
}

/// weight * mean over the videos of mean over their frames of ||p_v - p_a||^2.
reference::Forward PenaltyReference(double weight) {
  return [weight](const Arrays& arrays, const Videos& videos) {
    double sum = 0;
    for (const Matrix& video : videos) {
      double of_video = 0;
      for (const Vector& frame : video) {
        const Vector image = Linear(arrays, "image", ImageOf(frame));
        const Vector audio = Linear(arrays, "audio", AudioOf(frame));
        for (std::size_t i = 0; i < image.size(); ++i) {
          of_video += (image[i] - audio[i]) * (image[i] - audio[i]);
        }
      }
      sum += of_video / static_cast<double>(video.size());
    }
    return Matrix{{weight * sum / static_cast<double>(videos.size())}};
  };
}

TEST(Projection, PenalisesTheDistanceOverTheValidFrames) {
  for (const double weight : {0.1, 2.5}) {
    const auto module = Make({{"weight", weight}});
    const auto rows = [&](const Sequence& input) {
      module->forward(input, {});
      return std::vector<torch::Tensor>{module->Penalty()};
    };
    ExpectMatches(*module, rows, PenaltyReference(weight), Input());
  }
}

TEST(Projection, PenaltyWeighsATenthByDefault) {
  const auto module = Make({});
  module->to(torch::kDouble);
  Sequence input = Input();
  input.frames = input.frames.to(torch::kDouble);
  module->forward(input, {});
  const Matrix expected =
      PenaltyReference(0.1)(reference::ArraysOf(*module), reference::VideosOf(input));
  EXPECT_NEAR(module->Penalty().item<double>(), expected[0][0], 1e-12);
}

double PenaltyOf(Multimodal& module, const Sequence& input) {
  module.forward(input, {});
  return module.Penalty().item<double>();
}

TEST(Projection, PenaltyDoesNotSeePadding) {
  const auto module = Make({});
  const Sequence input = Input();
  const double penalty = PenaltyOf(*module, input);
  EXPECT_GT(penalty, 0.01);
  EXPECT_NEAR(PenaltyOf(*module, contract::Padded(input, 7, 0)), penalty, 1e-6);
  EXPECT_NEAR(PenaltyOf(*module, contract::Padded(input, 0, 7.5)), penalty, 1e-6);
}

TEST(Projection, EveryVideoCountsTheSame) {
  const auto module = Make({});
  const Sequence input = Input();
  double mean = 0;
  for (std::int64_t b = 0; b < 4; ++b) {
    mean += PenaltyOf(*module, contract::Alone(input, b)) / 4;
  }
  EXPECT_NEAR(PenaltyOf(*module, input), mean, 1e-6);
}

TEST(Projection, HasNoPenaltyOutsideTraining) {
  const auto module = Make({});
  module->forward(Input(), {});
  EXPECT_TRUE(module->Penalty().defined());
  module->eval();
  module->forward(Input(), {});
  EXPECT_FALSE(module->Penalty().defined());
}

TEST(Projection, StartsAsInThePaper) {
  const auto module =
      fusion::MakeInitial("projection", {{"width", 200}}, {{"rgb", 200}, {"audio", 200}});
  const auto parameters = module->named_parameters();
  for (const std::string name : {"image", "audio"}) {
    EXPECT_NEAR(parameters[name + ".weight"].std().item<double>(), 0.01, 0.0003);
    EXPECT_EQ(parameters[name + ".bias"].abs().max().item<double>(), 0);
  }
}

TEST(Projection, HasTheSizeOfThePaper) {
  EXPECT_EQ(fusion::Count("projection", {}), 1'181'696);  // (1024 + 1) * 1024 + (128 + 1) * 1024
  EXPECT_EQ(fusion::Count("projection", {{"feed", "sum"}}), 1'181'696);
}

}  // namespace projection_test
}  // namespace beamgrid::trainer
