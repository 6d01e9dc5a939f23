#include "tests/trainer/components/fusion.h"

namespace beamgrid::trainer {
namespace multimodal_test {

using fusion::Append;
using fusion::AudioOf;
using fusion::Count;
using fusion::EachFrame;
using fusion::ImageOf;
using fusion::Input;
using fusion::kPair;
using fusion::Sum;
using fusion::WhyRefused;
using reference::Array;
using reference::Arrays;
using reference::ExpectMatches;
using reference::Linear;
using reference::MakeMultimodal;
using reference::Matrix;
using reference::RowsOf;
using reference::Softmax;
using reference::Vector;
using ::testing::HasSubstr;

constexpr std::size_t kAll = 99;

TEST(Concat, IsTheFrames) {
  const auto module = MakeMultimodal("concat", {}, {{"rgb", 3}, {"audio", 1}, {"flow", 1}});
  EXPECT_EQ(module->output_width(), 5);
  ExpectMatches(
      *module, RowsOf(*module),
      EachFrame([](const Arrays&, const Matrix& video, std::size_t t) { return video[t]; }),
      Input());
}

TEST(Sum, AddsTheProjectedAudio) {
  const auto module = MakeMultimodal("sum", {}, kPair);
  EXPECT_EQ(module->output_width(), 3);
  ExpectMatches(*module, RowsOf(*module),
                EachFrame([](const Arrays& arrays, const Matrix& video, std::size_t t) {
                  return Sum(ImageOf(video[t]),
                             Linear(arrays, "audio_to_image", AudioOf(video[t])));
                }),
                Input());
}

/// sum_j softmax_j(query^T A key_j) value_j over the frames j within `reach` of t. `query.weight`
/// holds A transposed.
Vector Attend(const Arrays& arrays, const Vector& query, const Matrix& keys, const Matrix& values,
              std::size_t t, std::size_t reach) {
  const std::size_t first = t > reach ? t - reach : 0;
  const std::size_t last = std::min(keys.size() - 1, t + reach);
  const Array& a = arrays.at("query.weight");
  Vector scores;
  for (std::size_t j = first; j <= last; ++j) {
    double score = 0;
    for (std::size_t row = 0; row < query.size(); ++row) {
      for (std::size_t column = 0; column < keys[j].size(); ++column) {
        score += query[row] * a(column, row) * keys[j][column];
      }
    }
    scores.push_back(score);
  }
  const Vector weights = Softmax(scores);
  Vector sum(values[0].size(), 0.0);
  for (std::size_t j = first; j <= last; ++j) {
    for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += weights[j - first] * values[j][i];
  }
  return sum;
}

struct Parts {
  Matrix image, audio, projected;
};
Parts PartsOf(const Arrays& arrays, const Matrix& video) {
  Parts parts;
  for (const Vector& frame : video) {
    parts.image.push_back(ImageOf(frame));
    parts.audio.push_back(AudioOf(frame));
    if (arrays.contains("audio_to_image.weight")) {
      parts.projected.push_back(Linear(arrays, "audio_to_image", AudioOf(frame)));
    }
  }
  return parts;
}

struct Window {
  OptionValue option;
  std::size_t reach;
};
const std::vector<Window> kWindows = {{3, 1}, {5, 2}, {"all", kAll}};

TEST(Attention, GuidedByTheImageAddsAttendedAudio) {
  for (const Window& window : kWindows) {
    const auto module = MakeMultimodal("attention", {{"window", window.option}}, kPair);
    EXPECT_EQ(module->output_width(), 3);
    const auto frame = [&](const Arrays& arrays, const Matrix& video, std::size_t t) {
      const Parts p = PartsOf(arrays, video);
      return Sum(p.image[t], Attend(arrays, p.image[t], p.audio, p.projected, t, window.reach));
    };
    ExpectMatches(*module, RowsOf(*module), EachFrame(frame), Input());
  }
}

TEST(Attention, GuidedByTheImageConcatenatesAttendedAudio) {
  for (const Window& window : kWindows) {
    const auto module =
        MakeMultimodal("attention", {{"window", window.option}, {"merge", "concat"}}, kPair);
    EXPECT_EQ(module->output_width(), 5);
    const auto frame = [&](const Arrays& arrays, const Matrix& video, std::size_t t) {
      const Parts p = PartsOf(arrays, video);
      Vector x = p.image[t];
      Append(x, Attend(arrays, p.image[t], p.audio, p.audio, t, window.reach));
      return x;
    };
    ExpectMatches(*module, RowsOf(*module), EachFrame(frame), Input());
  }
}

TEST(Attention, GuidedByTheAudioAddsAttendedImage) {
  for (const Window& window : kWindows) {
    const auto module =
        MakeMultimodal("attention", {{"window", window.option}, {"guide", "audio"}}, kPair);
    EXPECT_EQ(module->output_width(), 3);
    const auto frame = [&](const Arrays& arrays, const Matrix& video, std::size_t t) {
      const Parts p = PartsOf(arrays, video);
      return Sum(p.projected[t], Attend(arrays, p.projected[t], p.image, p.image, t, window.reach));
    };
    ExpectMatches(*module, RowsOf(*module), EachFrame(frame), Input());
  }
}

TEST(Attention, GuidedByTheAudioConcatenatesAttendedImage) {
  const auto module = MakeMultimodal("attention", {{"guide", "audio"}, {"merge", "concat"}}, kPair);
  EXPECT_EQ(module->output_width(), 5);
  const auto frame = [&](const Arrays& arrays, const Matrix& video, std::size_t t) {
    const Parts p = PartsOf(arrays, video);
    Vector x = Attend(arrays, p.projected[t], p.image, p.image, t, 2);
    Append(x, p.audio[t]);
    return x;
  };
  ExpectMatches(*module, RowsOf(*module), EachFrame(frame), Input());
}

TEST(Fusion, SaysHowManyFeaturesItNeeds) {
  for (const char* name : {"sum", "projection", "bilinear", "compact_bilinear", "late"}) {
    const std::string why = WhyRefused(name, {}, {{"rgb", 4}});
    EXPECT_THAT(why, HasSubstr(std::string("multimodal '") + name + "' needs "));
    EXPECT_THAT(why, HasSubstr("has 1 (rgb)"));
    EXPECT_EQ(WhyRefused(name, {}, {{"a", 1}, {"b", 2}, {"c", 3}}), "");
  }
  EXPECT_THAT(WhyRefused("attention", {}, {{"rgb", 4}}),
              HasSubstr("multimodal 'attention' needs exactly two features"));
  EXPECT_THAT(WhyRefused("attention", {}, {{"a", 1}, {"b", 2}, {"c", 3}}),
              HasSubstr("has 3 (a, b, c)"));
}

// What the catalogue says is what recipes are refused by.
TEST(Fusion, TheCatalogueKnowsForHowManyFeaturesItIs) {
  for (const ComponentInfo& info : BuiltCatalogue().components) {
    if (info.criterion != "multimodal" || contract::NeedsFile(info)) continue;
    std::vector<Feature> features;
    for (int count = 1; count <= 8; ++count) {
      const std::string name = count == 1   ? "rgb"
                               : count == 2 ? "audio"
                                            : "f" + std::to_string(count);
      features.emplace_back(name, count + 2);
      // audio_only has nothing to find in one feature that is called rgb.
      if (info.name == "audio_only" && count == 1) continue;
      EXPECT_EQ(WhyRefused(info.name, {}, features).empty(), TakesFeatures(info, features.size()))
          << info.name << " of " << count;
    }
  }
}

TEST(Attention, RefusesAnEvenWindow) {
  EXPECT_EQ(WhyRefused("attention", {{"window", 4}}, kPair),
            "multimodal 'attention': window = 4, must be odd (the frame itself and as many on each "
            "side) or \"all\"; try 5");
}

// Kim et al. 2018, section 3.1, at widths 1024 and 128: 128 * 1024 + 1024 for the projection, and
// the attention matrix.
TEST(Fusion, HasTheSizesOfThePapers) {
  EXPECT_EQ(Count("concat", {}), 0);
  EXPECT_EQ(Count("sum", {}), 132'096);
  EXPECT_EQ(Count("attention", {}), 263'168);
  EXPECT_EQ(Count("attention", {{"window", "all"}}), 263'168);
  EXPECT_EQ(Count("attention", {{"merge", "concat"}}), 131'072);
  EXPECT_EQ(Count("attention", {{"guide", "audio"}}), 1'180'672);
}

}  // namespace multimodal_test
}  // namespace beamgrid::trainer
