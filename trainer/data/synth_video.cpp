#include "trainer/data/synth_video.h"

#include <algorithm>

#include "trainer/data/quantise.h"

namespace beamgrid {
namespace {

constexpr std::size_t kImage = 0, kAudio = 1;

/// Term is one prototype in one frame.
struct Term {
  const Prototype* prototype;
  float factor;
};

/// Shot is a run of frames that shows one thing.
struct Shot {
  std::size_t begin, length;
};

/// VideoMaker lists what each frame shows, then draws the noise and quantises. In two passes,
/// because a shot's plants reach over several frames, and noise is drawn frame by frame.
class VideoMaker {
 public:
  VideoMaker(const SynthOptions& options, const SynthWorld& world, std::int64_t length,
             Random& random)
      : options_(options),
        world_(world),
        random_(random),
        length_(static_cast<std::size_t>(length)),
        terms_(options.features.size(), std::vector<std::vector<Term>>(length_)) {
    video_.length = length;
    video_.owners.assign(length_, -1);
  }

  SynthVideo Make(std::vector<std::int64_t> labels) {
    // Labels come sorted. Their order in the video must tell nothing, and where there are fewer
    // frames than labels, it must not always be the last ones that are missing.
    Shuffle(labels, random_);
    DrawLabelState(labels.size());
    std::size_t next = 0;
    for (const Shot& shot : CutShots(labels.size())) {
      // Every label gets its first shot before chance may give one away.
      if (next >= labels.size() && random_.Chance(options_.background)) {
        ShowBackground(shot);
      } else {
        ShowLabel(shot, labels[next % labels.size()], states_[next % labels.size()]);
        ++next;
      }
    }
    Render();
    return std::move(video_);
  }

 private:
  /// LabelState is drawn once per label and video: all shots of a label in a video agree.
  struct LabelState {
    float sign;       ///< modes: the sign of u
    std::size_t key;  ///< lag: the key that image and audio share
  };

  void DrawLabelState(std::size_t labels) {
    for (std::size_t i = 0; i < labels; ++i) {
      states_.push_back({.sign = random_.Chance(0.5) ? 1.0F : -1.0F,
                         .key = random_.Below(static_cast<std::uint32_t>(kLagKeys))});
    }
  }

  /// Cuts the video into shots of equal length, short enough that every label can have one.
  std::vector<Shot> CutShots(std::size_t labels) const {
    const auto longest = static_cast<std::size_t>(options_.shot_frames);
    const std::size_t length = std::clamp<std::size_t>(length_ / labels, 1, longest);
    std::vector<Shot> shots;
    for (std::size_t begin = 0; begin < length_; begin += length) {
      shots.push_back({.begin = begin, .length = std::min(length, length_ - begin)});
    }
    return shots;
  }

  void Add(std::size_t feature, std::size_t frame, const Prototype& prototype, float factor = 1) {
    terms_[feature][frame].push_back({&prototype, factor});
  }

  void ShowBackground(const Shot& shot) {
    const auto& all = world_.backgrounds();
    const Prototype& shown = all[random_.Below(static_cast<std::uint32_t>(all.size()))];
    for (std::size_t t = 0; t < shot.length; ++t) Add(kImage, shot.begin + t, shown);
  }

  void ShowLabel(const Shot& shot, std::int64_t label, const LabelState& state) {
    const ClassPair& pair = world_.pairs()[static_cast<std::size_t>(label / 2)];
    const bool odd = label % 2 != 0;
    for (std::size_t t = 0; t < shot.length; ++t) {
      video_.owners[shot.begin + t] = label;
      for (std::size_t feature = 0; feature < options_.features.size(); ++feature) {
        if (pair.plant == Plant::kLag && feature == kAudio) continue;
        Add(feature, shot.begin + t, pair.prototypes[feature].base);
      }
    }
    switch (pair.plant) {
      case Plant::kPlain:
        return ShowPlain(shot, pair, odd);
      case Plant::kLag:
        return ShowLag(shot, pair, odd, state.key);
      case Plant::kOrder:
        return ShowOrder(shot, pair, odd);
      case Plant::kSalience:
        return ShowSalience(shot, pair, odd);
      case Plant::kModes:
        return ShowModes(shot, pair, odd, state.sign);
      case Plant::kChange:
        return ShowChange(shot, pair, odd);
      case Plant::kDependency:
        return;  // the other labels tell
    }
  }

  void ShowPlain(const Shot& shot, const ClassPair& pair, bool odd) {
    for (std::size_t feature = 0; feature < options_.features.size(); ++feature) {
      const PairPrototypes& prototypes = pair.prototypes[feature];
      for (std::size_t t = 0; t < shot.length; ++t) {
        Add(feature, shot.begin + t, odd ? prototypes.second : prototypes.first);
      }
    }
  }

  /// Shows units of [image shows the key | wait | two audio frames, one with the key and this twin,
  /// one with another key and the other twin, in either order]. The decoy makes both twins occur
  /// equally often in the audio, so that only the key tells which of them counts.
  void ShowLag(const Shot& shot, const ClassPair& pair, bool odd, std::size_t key) {
    const auto lag = static_cast<std::size_t>(options_.audio_lag);
    const PairPrototypes& audio = pair.prototypes[kAudio];
    const Prototype& said = odd ? audio.second : audio.first;
    const Prototype& decoy = odd ? audio.first : audio.second;
    for (std::size_t begin = 0; begin + lag + 2 <= shot.length; begin += lag + 2) {
      const std::size_t event = shot.begin + begin;
      const std::size_t other_key =
          (key + 1 + random_.Below(static_cast<std::uint32_t>(kLagKeys - 1))) % kLagKeys;
      const std::size_t swapped = random_.Below(2);
      Add(kImage, event, world_.image_key(key));
      Add(kAudio, event + lag + swapped, world_.audio_key(key));
      Add(kAudio, event + lag + swapped, said);
      Add(kAudio, event + lag + 1 - swapped, world_.audio_key(other_key));
      Add(kAudio, event + lag + 1 - swapped, decoy);
    }
  }

  /// The same frames for both twins, in the opposite order. The middle frame of an odd shot shows
  /// neither.
  void ShowOrder(const Shot& shot, const ClassPair& pair, bool odd) {
    const std::size_t half = shot.length / 2;
    for (std::size_t t = 0; t < half; ++t) {
      const Prototype& direction = pair.prototypes[kImage].first;
      Add(kImage, shot.begin + t, direction, odd ? -1.0F : 1.0F);
      Add(kImage, shot.begin + shot.length - 1 - t, direction, odd ? 1.0F : -1.0F);
    }
  }

  /// The frames are shuffled, so that their order tells nothing; they come in pairs, so that +d and
  /// -d cancel in the mean.
  void ShowSalience(const Shot& shot, const ClassPair& pair, bool odd) {
    std::vector<std::size_t> frames(shot.length);
    for (std::size_t t = 0; t < shot.length; ++t) frames[t] = shot.begin + t;
    Shuffle(frames, random_);
    const Prototype& direction = pair.prototypes[kImage].first;
    for (std::size_t i = 0; i + 1 < frames.size(); i += 2) {
      Add(kImage, frames[i], world_.marker());
      Add(kImage, frames[i], direction, odd ? -1.0F : 1.0F);
      Add(kImage, frames[i + 1], world_.other_marker());
      Add(kImage, frames[i + 1], direction, odd ? 1.0F : -1.0F);
    }
  }

  /// The sign of u is random, so the mean of either u or v is 0 over a twin's videos and nothing
  /// linear tells the twins apart: only the product of the two signs does.
  void ShowModes(const Shot& shot, const ClassPair& pair, bool odd, float sign) {
    const PairPrototypes& image = pair.prototypes[kImage];
    for (std::size_t t = 0; t < shot.length; ++t) {
      if (t % 2 == 0) Add(kImage, shot.begin + t, image.first, sign);
      if (t % 2 == 1) Add(kImage, shot.begin + t, image.second, odd ? -sign : sign);
    }
  }

  /// Half of the frames show d: every other one, or half of the shot in one block. Where it begins
  /// is random, so that the position tells nothing.
  void ShowChange(const Shot& shot, const ClassPair& pair, bool odd) {
    const std::size_t half = shot.length / 2, start = random_.Below(2);
    for (std::size_t i = 0; i < half; ++i) {
      const std::size_t flickering = 2 * i + start;
      const std::size_t in_block = i + start * (shot.length - half);
      Add(kImage, shot.begin + (odd ? in_block : flickering), pair.prototypes[kImage].first);
    }
  }

  void Render() {
    for (std::size_t feature = 0; feature < terms_.size(); ++feature) {
      std::string codes;
      std::vector<float> values(static_cast<std::size_t>(options_.features[feature].second));
      for (std::size_t t = 0; t < length_; ++t) {
        // The noise first and for every value: how much is drawn does not depend on what is shown.
        for (float& value : values) value = static_cast<float>(random_.Normal() * options_.noise);
        for (const Term& term : terms_[feature][t]) {
          const float factor = term.factor * static_cast<float>(options_.signal);
          for (std::size_t i = 0; i < values.size(); ++i) {
            values[i] += factor * (*term.prototype)[i];
          }
        }
        for (const float value : values) codes.push_back(static_cast<char>(Quantise(value)));
      }
      video_.codes.push_back(std::move(codes));
    }
  }

  const SynthOptions& options_;
  const SynthWorld& world_;
  Random& random_;
  std::size_t length_;
  std::vector<std::vector<std::vector<Term>>> terms_;  ///< [feature][frame]
  std::vector<LabelState> states_;
  SynthVideo video_;
};

}  // namespace

SynthVideo MakeVideo(const SynthOptions& options, const SynthWorld& world,
                     const std::vector<std::int64_t>& labels, std::int64_t length, Random& random) {
  return VideoMaker(options, world, length, random).Make(labels);
}

}  // namespace beamgrid
