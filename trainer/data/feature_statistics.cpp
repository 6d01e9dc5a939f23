#include "trainer/data/feature_statistics.h"

#include <algorithm>
#include <bit>
#include <boost/json.hpp>
#include <boost/multiprecision/cpp_bin_float.hpp>
#include <boost/multiprecision/cpp_int.hpp>
#include <exception>

#include "registry/util/cache_folder.h"
#include "registry/util/files.h"
#include "registry/util/json.h"
#include "trainer/data/batches.h"
#include "trainer/data/frame_values.h"

namespace beamgrid {
namespace {

using Integer = boost::multiprecision::cpp_int;
using Real = boost::multiprecision::cpp_bin_float_quad;
__extension__ using Wide = unsigned __int128;

constexpr int kDigitBits = 32;
/// The exponent of a float's last bit where the float is subnormal: the unit of the sum.
constexpr int kLeastExponent = -149;

/// Adds `sign` * value * 2^position to digits.
template <std::size_t size>
void AddTo(std::array<std::int64_t, size>& digits, int position, Wide value, int sign) {
  auto digit = static_cast<std::size_t>(position / kDigitBits);
  // A squared mantissa has 48 bits, a count up to 40, the shift up to 31: 119 of 128.
  for (Wide rest = value << (position % kDigitBits); rest != 0; rest >>= kDigitBits, ++digit) {
    digits.at(digit) += sign * static_cast<std::int64_t>(static_cast<std::uint32_t>(rest));
  }
}

template <std::size_t size>
void CarryIn(std::array<std::int64_t, size>& digits) {
  for (std::size_t i = 0; i + 1 < size; ++i) {
    // Arithmetic shift: what is left of a negative digit is positive, and one is borrowed.
    const std::int64_t carry = digits[i] >> kDigitBits;
    digits[i] -= carry << kDigitBits;
    digits[i + 1] += carry;
  }
}

template <std::size_t size>
Integer ValueOf(const std::array<std::int64_t, size>& digits) {
  Integer value = 0;
  for (std::size_t i = size; i-- > 0;) value = (value << kDigitBits) + digits[i];
  return value;
}

/// FeatureSums adds up batches.
class FeatureSums {
 public:
  explicit FeatureSums(std::int64_t width)
      : width_(static_cast<std::size_t>(width)), moments_(width_) {}

  void Add(const Batch& batch) {
    const bool codes = !batch.frames.empty();
    const std::vector<float>& floats =
        batch.float_frames.empty() ? batch.features : batch.float_frames;
    if (codes && counts_.empty()) counts_.resize(width_ * kCodes);
    const auto row = static_cast<std::size_t>(batch.longest) * width_;
    for (std::size_t video = 0; video < batch.lengths.size(); ++video) {
      // Padding is behind the valid frames.
      const auto values = static_cast<std::size_t>(batch.lengths[video]) * width_;
      for (std::size_t i = 0; i < values; ++i) {
        const std::size_t at = video * row + i, column = i % width_;
        if (codes) {
          ++counts_[column * kCodes + batch.frames[at]];
        } else {
          moments_[column].Add(floats[at]);
        }
      }
    }
  }

  [[nodiscard]] FeatureStatistics Take() {
    std::array<float, kCodes> values{};
    std::array<char, kCodes> all{};
    for (std::size_t code = 0; code < kCodes; ++code) all[code] = static_cast<char>(code);
    ReadFrame(FrameType::kUint8, all.data(), values);
    FeatureStatistics statistics;
    for (std::size_t column = 0; column < width_; ++column) {
      for (std::size_t code = 0; code < kCodes && !counts_.empty(); ++code) {
        moments_[column].Add(values[code], counts_[column * kCodes + code]);
      }
      statistics.mean.push_back(moments_[column].Mean());
      statistics.deviation.push_back(moments_[column].Deviation());
    }
    return statistics;
  }

 private:
  static constexpr std::size_t kCodes = 256;

  std::size_t width_;
  std::vector<ExactMoments> moments_;  ///< by column
  std::vector<std::uint64_t> counts_;  ///< [column, code]: how often a code was there
};

/// All that the statistics depend on.
std::string KeyOf(const DataSpec& data) {
  DataSpec asked{.format = data.format,
                 .classes = data.classes,
                 .features = data.features,
                 .frame_types = data.frame_types,
                 .max_frames = data.max_frames,
                 .frame_alignment = data.frame_alignment,
                 .on_error = data.on_error,
                 .multi_class = data.multi_class,
                 .video_weight = data.video_weight,
                 .digest = data.digest};
  return HashBytes(CanonicalJson(ToJson(asked)));
}

std::optional<FeatureStatistics> Recalled(const std::filesystem::path& path, std::size_t width) {
  const std::optional<std::string> text = ReadCached(path);
  if (!text) return std::nullopt;
  try {
    const auto json = ParseJson(*text);
    FeatureStatistics statistics{
        .mean = boost::json::value_to<std::vector<double>>(json.at("mean")),
        .deviation = boost::json::value_to<std::vector<double>>(json.at("deviation"))};
    if (statistics.mean.size() == width && statistics.deviation.size() == width) return statistics;
  } catch (const std::exception&) {
    return std::nullopt;  // whatever lies there: it can be made again
  }
  return std::nullopt;
}

}  // namespace

void ExactMoments::Add(float value, std::uint64_t count) {
  if (count == 0) return;
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const auto field = static_cast<int>((bits >> 23) & 0xffU);
  // Subnormal floats have the exponent of field 1, without the leading one.
  const std::uint64_t mantissa = (bits & 0x7fffffU) | (field == 0 ? 0U : 0x800000U);
  const int position = std::max(field, 1) - 1;  // value = +-mantissa * 2^(position - 149)
  AddTo(sum_, position, Wide{mantissa} * count, (bits >> 31) != 0 ? -1 : 1);
  AddTo(squares_, 2 * position, Wide{mantissa * mantissa} * count, 1);
  count_ += count;
  // A digit grows by less than 2^32 each time.
  if (++added_ == std::uint32_t{1} << 30) Carry();
}

void ExactMoments::Carry() {
  CarryIn(sum_);
  CarryIn(squares_);
  added_ = 0;
}

double ExactMoments::Mean() const {
  if (count_ == 0) return 0;
  const Real mean = Real(ValueOf(sum_)) / Real(count_);
  return static_cast<double>(ldexp(mean, kLeastExponent));
}

double ExactMoments::Deviation() const {
  if (count_ == 0) return 0;
  // n sum x^2 - (sum x)^2 as integers: exact, and 0 where all are alike.
  const Integer sum = ValueOf(sum_);
  const Integer spread = ValueOf(squares_) * count_ - sum * sum;
  const Real deviation = sqrt(Real(spread)) / Real(count_);
  return static_cast<double>(ldexp(deviation, kLeastExponent));
}

FeatureStatistics MeasureFeatures(Dataset& dataset) {
  FeatureSums sums(dataset.width());
  Batches batches(dataset, {.batch_size = 64, .order = BatchOrder::kSequential});
  batches.Start(0);
  for (Batch batch; batches.Next(batch);) sums.Add(batch);
  return sums.Take();
}

FeatureStatistics TrainingStatistics(const DataSpec& data,
                                     const std::optional<std::filesystem::path>& cache) {
  std::size_t width = 0;
  for (const Feature& feature : data.features) width += static_cast<std::size_t>(feature.second);
  std::filesystem::path kept;
  if (cache && !data.digest.empty()) {
    kept = *cache / ("statistics-" + KeyOf(data));
    if (auto known = Recalled(kept, width)) return *std::move(known);
  }
  Dataset dataset(data, data.train, LabelPolicy::kRequired);
  FeatureStatistics statistics = MeasureFeatures(dataset);
  if (!kept.empty()) {
    WriteCached(kept,
                CanonicalJson({{"mean", boost::json::value_from(statistics.mean)},
                               {"deviation", boost::json::value_from(statistics.deviation)}}));
  }
  return statistics;
}

}  // namespace beamgrid
