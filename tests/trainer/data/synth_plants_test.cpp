// Each plant can be seen by the statistic that its component computes, and by nothing simpler. A
// statistic reads the frames of a video that has one label, with the prototypes known: what an
// ideal model of that kind could find.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <memory>
#include <set>

#include "trainer/data/quantise.h"
#include "trainer/data/synth_video.h"
#include "trainer/data/synth_world.h"

namespace beamgrid {
namespace {

using Values = std::vector<std::vector<double>>;  // [frame][width]

double Dot(const std::vector<double>& values, const Prototype& prototype) {
  double sum = 0;
  for (std::size_t i = 0; i < values.size(); ++i) sum += values[i] * prototype[i];
  return sum / static_cast<double>(values.size());
}

/// A video's dequantised frames.
struct Frames {
  Values image, audio;
};

/// One plant alone, two classes: a single pair of twins.
class PlantTest : public testing::Test {
 protected:
  static constexpr int kVideos = 400;

  explicit PlantTest(double SynthPlants::* plant) {
    options_.classes = 2;
    options_.features = {{"rgb", 64}, {"audio", 32}};
    options_.max_frames = 16;
    options_.plants = {.lag = 0, .order = 0, .salience = 0, .modes = 0, .change = 0};
    if (plant != nullptr) options_.plants.*plant = 1;
    world_ = std::make_unique<SynthWorld>(options_);
  }

  [[nodiscard]] Frames Make(std::int64_t twin, Random& random) const {
    const SynthVideo video = MakeVideo(options_, *world_, {twin}, options_.max_frames, random);
    return {.image = Dequantised(video, 0), .audio = Dequantised(video, 1)};
  }

  /// Share of the videos whose twin is told right by the statistic's sign (or by its opposite: a
  /// model would learn which).
  [[nodiscard]] double Accuracy(const std::function<double(const Frames&)>& statistic) const {
    Random random(11);
    int right = 0;
    for (int i = 0; i < kVideos; ++i) right += (statistic(Make(i % 2, random)) > 0) == (i % 2 == 0);
    const double share = static_cast<double>(right) / kVideos;
    return std::max(share, 1 - share);
  }

  [[nodiscard]] const PairPrototypes& Image() const { return world_->pairs()[0].prototypes[0]; }
  [[nodiscard]] const PairPrototypes& Audio() const { return world_->pairs()[0].prototypes[1]; }

  /// The best that the mean over time gives: its difference between the twins, averaged over many
  /// videos of each, as a direction.
  [[nodiscard]] double AccuracyOfMeans() const {
    Random random(12);
    std::vector<double> direction(96, 0.0);
    for (int i = 0; i < kVideos; ++i) {
      const std::vector<double> mean = MeanOf(Make(i % 2, random));
      for (std::size_t d = 0; d < mean.size(); ++d) direction[d] += i % 2 == 0 ? mean[d] : -mean[d];
    }
    double offset = 0;
    Random again(12);
    for (int i = 0; i < kVideos; ++i) offset += Project(MeanOf(Make(i % 2, again)), direction);
    offset /= kVideos;
    return Accuracy([&](const Frames& f) { return Project(MeanOf(f), direction) - offset; });
  }

  SynthOptions options_;
  std::unique_ptr<SynthWorld> world_;

 private:
  [[nodiscard]] Values Dequantised(const SynthVideo& video, std::size_t feature) const {
    const auto width = static_cast<std::size_t>(options_.features[feature].second);
    Values values(static_cast<std::size_t>(video.length));
    for (std::size_t at = 0; at < video.codes[feature].size(); ++at) {
      values[at / width].push_back(Dequantise(static_cast<std::uint8_t>(video.codes[feature][at])));
    }
    return values;
  }

  /// As a model sees it: of frames normalised over image and audio together.
  static std::vector<double> MeanOf(const Frames& frames) {
    std::vector<double> mean(96, 0.0);
    for (std::size_t t = 0; t < frames.image.size(); ++t) {
      std::vector<double> frame = frames.image[t];
      frame.insert(frame.end(), frames.audio[t].begin(), frames.audio[t].end());
      const double norm = std::sqrt(Project(frame, frame));
      for (std::size_t d = 0; d < mean.size(); ++d) mean[d] += frame[d] / norm;
    }
    return mean;
  }

  static double Project(const std::vector<double>& values, const std::vector<double>& direction) {
    double sum = 0;
    for (std::size_t d = 0; d < values.size(); ++d) sum += values[d] * direction[d];
    return sum;
  }
};

constexpr double kSeen = 0.95;    // of 400 videos
constexpr double kUnseen = 0.62;  // more than 4 standard deviations above guessing

struct PlainTest : PlantTest {
  PlainTest() : PlantTest(nullptr) {}
};
TEST_F(PlainTest, MeansTellTheTwins) {
  EXPECT_GT(AccuracyOfMeans(), kSeen);
  EXPECT_GT(Accuracy([&](const Frames& f) {
              double sum = 0;
              for (const auto& frame : f.audio) {
                sum += Dot(frame, Audio().first) - Dot(frame, Audio().second);
              }
              return sum;
            }),
            kSeen);
}

struct LagTest : PlantTest {
  LagTest() : PlantTest(&SynthPlants::lag) {}

  static double Content(const PairPrototypes& pair, const std::vector<double>& frame) {
    return Dot(frame, pair.first) - Dot(frame, pair.second);
  }
};
TEST_F(LagTest, MatchingKeysAcrossFramesTellsTheTwins) {
  EXPECT_GT(Accuracy([&](const Frames& f) {
              double sum = 0;
              for (std::size_t t = 0; t < f.image.size(); ++t) {
                for (std::size_t j = t + 1; j <= t + 2 && j < f.audio.size(); ++j) {
                  double match = 0;  // what attention learns: image key k goes with audio key k
                  for (std::size_t k = 0; k < kLagKeys; ++k) {
                    match += Dot(f.image[t], world_->image_key(k)) *
                             Dot(f.audio[j], world_->audio_key(k));
                  }
                  sum += match * Content(Audio(), f.audio[j]);
                }
              }
              return sum;
            }),
            0.9);
}
TEST_F(LagTest, MeansDoNot) { EXPECT_LT(AccuracyOfMeans(), kUnseen); }
TEST_F(LagTest, ImageAndAudioOfTheSameFrameDoNot) {
  EXPECT_LT(Accuracy([&](const Frames& f) {
              double sum = 0;
              for (std::size_t t = 0; t < f.image.size(); ++t) {
                for (std::size_t k = 0; k < kLagKeys; ++k) {
                  sum += Dot(f.image[t], world_->image_key(k)) *
                         Dot(f.audio[t], world_->audio_key(k)) * Content(Audio(), f.audio[t]);
                }
              }
              return sum;
            }),
            kUnseen);
}

struct OrderTest : PlantTest {
  OrderTest() : PlantTest(&SynthPlants::order) {}
};
TEST_F(OrderTest, OrderTellsTheTwins) {
  EXPECT_GT(Accuracy([&](const Frames& f) {
              double sum = 0;  // falls within shots of 8: earlier minus later
              for (std::size_t t = 0; t < f.image.size(); ++t) {
                sum += (t % 8 < 4 ? 1 : -1) * Dot(f.image[t], Image().first);
              }
              return sum;
            }),
            0.9);
}
TEST_F(OrderTest, MeansDoNot) { EXPECT_LT(AccuracyOfMeans(), kUnseen); }
TEST_F(OrderTest, DifferencesDoNot) {
  EXPECT_LT(Accuracy([&](const Frames& f) {
              double sum = 0;
              for (std::size_t t = 1; t + 1 < f.image.size(); ++t) {
                const auto at = [&](std::size_t i) { return Dot(f.image[i], Image().first); };
                sum += at(t) * (2 * at(t) - at(t - 1) - at(t + 1));
              }
              return sum - 4 * 0.7 * 0.36;
            }),
            0.75);
}

struct SalienceTest : PlantTest {
  SalienceTest() : PlantTest(&SynthPlants::salience) {}
};
TEST_F(SalienceTest, MarkedFramesTellTheTwins) {
  EXPECT_GT(Accuracy([&](const Frames& f) {
              double sum = 0;  // a cluster of marked frames and its residual
              for (const auto& frame : f.image) {
                if (Dot(frame, world_->marker()) > 0.15) sum += Dot(frame, Image().first);
              }
              return sum;
            }),
            kSeen);
}
TEST_F(SalienceTest, MeansDoNot) { EXPECT_LT(AccuracyOfMeans(), kUnseen); }

struct ModesTest : PlantTest {
  ModesTest() : PlantTest(&SynthPlants::modes) {}

  static double Sum(const Frames& f, const Prototype& prototype) {
    double sum = 0;
    for (const auto& frame : f.image) sum += Dot(frame, prototype);
    return sum;
  }
};
TEST_F(ModesTest, TheProductOfTwoSignsTellsTheTwins) {
  EXPECT_GT(
      Accuracy([&](const Frames& f) { return Sum(f, Image().first) * Sum(f, Image().second); }),
      0.9);
}
// A line can cut one of the four combinations of signs off from the others: 3 of 4 right at best.
TEST_F(ModesTest, NothingLinearInTheMeanDoes) { EXPECT_LT(AccuracyOfMeans(), 0.8); }

struct ChangeTest : PlantTest {
  ChangeTest() : PlantTest(&SynthPlants::change) { options_.background = 0; }

  /// Mean square of d's presence, over frames or over differences of neighbours.
  double Presence(const Frames& f) const {
    double sum = 0;
    for (const auto& frame : f.image) sum += std::pow(Dot(frame, Image().first), 2);
    return sum;
  }
  double Flicker(const Frames& f) const {
    double sum = 0;
    for (std::size_t t = 1; t < f.image.size(); ++t) {
      sum += std::pow(Dot(f.image[t], Image().first) - Dot(f.image[t - 1], Image().first), 2);
    }
    return sum;
  }
  /// Tells by a threshold half-way between the means of the two twins.
  double AccuracyOf(double (ChangeTest::*statistic)(const Frames&) const) const {
    Random random(12);
    double threshold = 0;
    for (int i = 0; i < kVideos; ++i)
      threshold += (this->*statistic)(Make(i % 2, random)) / kVideos;
    return Accuracy([&](const Frames& f) { return (this->*statistic)(f)-threshold; });
  }
};
TEST_F(ChangeTest, DifferencesOfNeighboursTellTheTwins) {
  EXPECT_GT(AccuracyOf(&ChangeTest::Flicker), kSeen);
}
TEST_F(ChangeTest, MeansAndSingleFramesDoNot) {
  EXPECT_LT(AccuracyOfMeans(), kUnseen);
  EXPECT_LT(AccuracyOf(&ChangeTest::Presence), kUnseen);
}

/// Three dependent pairs in one chain, among eight.
class DependencyTest : public testing::Test {
 protected:
  DependencyTest() {
    options_.classes = 16;
    options_.features = {{"rgb", 8}};
    options_.labels_per_video = 1;
    options_.plants = {.lag = 0, .order = 0, .salience = 0, .modes = 0, .change = 0};
    options_.plants.dependency = 3.0 / 8;
  }

  static std::vector<std::int64_t> DependentPairs(const SynthWorld& world) {
    std::vector<std::int64_t> dependent;
    for (std::int64_t pair = 0; pair < std::ssize(world.pairs()); ++pair) {
      if (PairOf(world, pair).plant == Plant::kDependency) dependent.push_back(pair);
    }
    return dependent;
  }
  static const ClassPair& PairOf(const SynthWorld& world, std::int64_t pair) {
    return world.pairs()[static_cast<std::size_t>(pair)];
  }
  /// The pair's label among `labels`, or -1.
  static std::int64_t LabelOf(std::int64_t pair, const std::vector<std::int64_t>& labels) {
    const auto found = std::find_if(labels.begin(), labels.end(),
                                    [&](std::int64_t label) { return label / 2 == pair; });
    return found == labels.end() ? -1 : *found;
  }

  SynthOptions options_;
};

TEST_F(DependencyTest, EachTwinIsTheExclusiveOrOfItsSources) {
  const SynthWorld world(options_);
  Random random(11);
  int seen = 0, odd = 0, as_first = 0, as_second = 0;
  for (int video = 0; video < 2000; ++video) {
    const std::vector<std::int64_t> labels = world.DrawLabels(random);
    for (const std::int64_t pair : DependentPairs(world)) {
      const std::int64_t label = LabelOf(pair, labels);
      if (label < 0) continue;
      const std::int64_t first = LabelOf(PairOf(world, pair).sources[0], labels);
      const std::int64_t second = LabelOf(PairOf(world, pair).sources[1], labels);
      ASSERT_TRUE(first >= 0 && second >= 0) << "the sources are there too";
      EXPECT_EQ(label % 2, (first + second) % 2);
      ++seen;
      odd += static_cast<int>(label % 2);
      as_first += label % 2 == first % 2 ? 1 : 0;
      as_second += label % 2 == second % 2 ? 1 : 0;
    }
  }
  ASSERT_GT(seen, 1000);
  const double five_deviations = 2.5 / std::sqrt(seen);  // videos of a chain share draws
  EXPECT_NEAR(static_cast<double>(odd) / seen, 0.5, five_deviations);
  EXPECT_NEAR(static_cast<double>(as_first) / seen, 0.5, five_deviations);
  EXPECT_NEAR(static_cast<double>(as_second) / seen, 0.5, five_deviations);
}

TEST_F(DependencyTest, DependentPairsFormChainsOverDifferentPairs) {
  options_.classes = 60;
  options_.plants.dependency = 0.5;
  const SynthWorld world(options_);
  const std::vector<std::int64_t> dependent = DependentPairs(world);
  ASSERT_EQ(dependent.size(), 15U);
  std::set<std::int64_t> of_chain;
  for (std::size_t i = 0; i < dependent.size(); ++i) {
    const auto [previous, other] = PairOf(world, dependent[i]).sources;
    if (i % 6 == 0) {
      of_chain = {previous};
      EXPECT_NE(PairOf(world, previous).plant, Plant::kDependency);
    } else {
      EXPECT_EQ(previous, dependent[i - 1]);
    }
    EXPECT_NE(PairOf(world, other).plant, Plant::kDependency);
    EXPECT_TRUE(of_chain.insert(other).second) << "twice would cancel out";
  }
}

TEST_F(DependencyTest, NoFrameShowsTheTwin) {
  const SynthWorld world(options_);
  const std::int64_t pair = DependentPairs(world).front();
  Random of_even(5), of_odd(5);
  const SynthVideo even = MakeVideo(options_, world, {2 * pair}, 16, of_even);
  const SynthVideo odd = MakeVideo(options_, world, {2 * pair + 1}, 16, of_odd);
  EXPECT_EQ(even.codes, odd.codes);
}

TEST_F(DependencyTest, WithoutTwoOtherPairsItIsPlain) {
  options_.plants.dependency = 1;
  EXPECT_TRUE(DependentPairs(SynthWorld(options_)).empty());
  options_.plants.dependency = 7.0 / 8;
  EXPECT_TRUE(DependentPairs(SynthWorld(options_)).empty());
  options_.plants.dependency = 6.0 / 8;
  EXPECT_EQ(DependentPairs(SynthWorld(options_)).size(), 6U);
}

TEST_F(DependencyTest, AnOddNumberOfClassesHasNoMissingTwin) {
  options_.classes = 15;
  options_.plants.dependency = 6.0 / 8;
  const SynthWorld world(options_);
  Random random(3);
  for (int video = 0; video < 200; ++video) EXPECT_LT(world.DrawLabels(random).back(), 15);
}

TEST_F(DependencyTest, ShowsAtVideoLevelToo) {
  options_.format = "video";
  EXPECT_EQ(DependentPairs(SynthWorld(options_)).size(), 3U);
}

TEST(SynthWorld, GivesEachPlantItsShareAmongFrequentAndRareClasses) {
  SynthOptions options{.classes = 200, .features = {{"rgb", 2}, {"audio", 2}}};
  options.plants = {.lag = 0.25, .order = 0.25, .salience = 0, .modes = 0.25, .change = 0};
  const SynthWorld world(options);
  ASSERT_EQ(world.pairs().size(), 100U);
  for (const Plant plant : {Plant::kLag, Plant::kOrder, Plant::kModes, Plant::kPlain}) {
    std::ptrdiff_t counts[2] = {};
    for (std::size_t i = 0; i < 100; ++i) counts[i / 50] += world.pairs()[i].plant == plant ? 1 : 0;
    EXPECT_NEAR(static_cast<double>(counts[0]), 12.5, 1);
    EXPECT_NEAR(static_cast<double>(counts[1]), 12.5, 1);
  }
}

TEST(SynthWorld, PlantsThatTheDataCannotShowArePlain) {
  SynthOptions options{.classes = 40, .format = "video", .features = {{"mean_rgb", 2}}};
  options.plants = {.lag = 0.2, .order = 0.2, .salience = 0.2, .modes = 0.2, .change = 0.2};
  const auto count = [&](Plant plant) {
    const SynthWorld world(options);
    return std::count_if(world.pairs().begin(), world.pairs().end(),
                         [&](const ClassPair& pair) { return pair.plant == plant; });
  };
  EXPECT_EQ(count(Plant::kPlain), 16);
  EXPECT_EQ(count(Plant::kModes), 4);
  options.format = "frame";
  EXPECT_EQ(count(Plant::kPlain), 4) << "lag, for want of an audio feature";
  EXPECT_EQ(count(Plant::kOrder), 4);
}

}  // namespace
}  // namespace beamgrid
