#include "trainer/data/example.h"

#include <gmock/gmock.h>

#include <bit>
#include <cmath>
#include <limits>
#include <protozero/pbf_writer.hpp>

#include "tests/support/error_text.h"
#include "tests/trainer/data/records.h"

namespace beamgrid {
namespace {

using protozero::pbf_writer;
using testing::ElementsAre;

// Builders with every freedom that the wire format has, apart from the library's own writer.

template <typename Fill>
std::string Message(Fill fill) {
  std::string bytes;
  pbf_writer writer(bytes);
  fill(writer);
  return bytes;
}

std::string List(unsigned kind, const std::string& list) {
  return Message([&](pbf_writer& feature) { feature.add_message(kind, list); });
}

std::string PackedInts(const std::vector<std::int64_t>& values) {
  return Message([&](pbf_writer& w) { w.add_packed_int64(1, values.begin(), values.end()); });
}

std::string UnpackedInts(const std::vector<std::int64_t>& values) {
  return Message([&](pbf_writer& w) {
    for (const std::int64_t value : values) w.add_int64(1, value);
  });
}

std::string PackedFloats(const std::vector<float>& values) {
  return Message([&](pbf_writer& w) { w.add_packed_float(1, values.begin(), values.end()); });
}

std::string UnpackedFloats(const std::vector<float>& values) {
  return Message([&](pbf_writer& w) {
    for (const float value : values) w.add_float(1, value);
  });
}

std::string Strings(const std::vector<std::string>& values) {
  return Message([&](pbf_writer& w) {
    for (const std::string& value : values) w.add_bytes(1, value);
  });
}

std::string Entry(const std::string& key, const std::string& value) {
  return Message([&](pbf_writer& w) {
    w.add_string(1, key);
    w.add_message(2, value);
  });
}

std::string Features(const std::vector<std::string>& entries) {
  return Message([&](pbf_writer& w) {
    for (const std::string& entry : entries) w.add_message(1, entry);
  });
}

std::string Example(const std::vector<std::string>& context_entries) {
  return Message([&](pbf_writer& w) { w.add_message(1, Features(context_entries)); });
}

std::vector<std::int64_t> Integers(const ExampleView& example, const char* name) {
  std::vector<std::int64_t> values;
  ReadIntegers(*example.FindContext(name), values);
  return values;
}

std::vector<float> Floats(const ExampleView& example, const char* name) {
  std::vector<float> values;
  ReadFloats(*example.FindContext(name), values);
  return values;
}

TEST(Example, ReadsPackedUnpackedAndMixedNumbers) {
  const std::string bytes =
      Example({Entry("packed", List(3, PackedInts({1, 300, -7}))),
               Entry("unpacked", List(3, UnpackedInts({1, 300, -7}))),
               Entry("mixed", List(3, PackedInts({1}) + UnpackedInts({300}) + PackedInts({-7}))),
               Entry("packed_floats", List(2, PackedFloats({0.5F, -2, 1e30F}))),
               Entry("unpacked_floats", List(2, UnpackedFloats({0.5F, -2, 1e30F}))),
               Entry("mixed_floats", List(2, UnpackedFloats({0.5F}) + PackedFloats({-2, 1e30F})))});
  ExampleView example;
  ParseExample(bytes, example);
  for (const char* name : {"packed", "unpacked", "mixed"}) {
    EXPECT_THAT(Integers(example, name), ElementsAre(1, 300, -7)) << name;
    EXPECT_EQ(CountValues(*example.FindContext(name)), 3U) << name;
  }
  for (const char* name : {"packed_floats", "unpacked_floats", "mixed_floats"}) {
    EXPECT_THAT(Floats(example, name), ElementsAre(0.5F, -2, 1e30F)) << name;
    EXPECT_EQ(CountValues(*example.FindContext(name)), 3U) << name;
  }
}

TEST(Example, OrderOfEntriesAndOfKeyAndValueDoesNotMatter) {
  const std::string value_first = Message([&](pbf_writer& w) {
    w.add_message(2, List(3, PackedInts({4})));
    w.add_string(1, "labels");
  });
  const std::string id = Entry("id", List(1, Strings({"abcd"})));
  for (const std::string& bytes : {Example({id, value_first}), Example({value_first, id})}) {
    ExampleView example;
    ParseExample(bytes, example);
    EXPECT_EQ(IdOf(example), "abcd");
    EXPECT_THAT(Integers(example, "labels"), ElementsAre(4));
  }
}

TEST(Example, OfARepeatedKeyTheLastCounts) {
  ExampleView example;
  const std::string bytes =
      Example({Entry("labels", List(3, PackedInts({1}))), Entry("id", List(1, Strings({"x"}))),
               Entry("labels", List(3, PackedInts({2, 3})))});
  ParseExample(bytes, example);
  EXPECT_THAT(Integers(example, "labels"), ElementsAre(2, 3));
  EXPECT_EQ(example.context.size(), 2U);
}

TEST(Example, ARecordHasAtMostAThousandNames) {
  std::vector<std::string> entries;
  for (std::int64_t i = 0; i < 1000; ++i) {
    entries.push_back(Entry(std::to_string(i), List(3, PackedInts({i}))));
  }
  entries.push_back(Entry("7", List(3, PackedInts({-7}))));
  std::string bytes = Example(entries);
  ExampleView example;
  ParseExample(bytes, example);
  EXPECT_EQ(example.context.size(), 1000U);
  EXPECT_THAT(Integers(example, "7"), ElementsAre(-7));

  entries.push_back(Entry("one more", ""));
  bytes = Example(entries);
  EXPECT_THAT(ErrorText<ExampleError>([&] { ParseExample(bytes, example); }),
              testing::HasSubstr("more than 1000 features"));
}

TEST(Example, OneofMergesOneKindAndForgetsOthers) {
  ExampleView example;
  const std::string bytes =
      Example({Entry("merged", List(3, PackedInts({1})) + List(3, PackedInts({2}))),
               Entry("last", List(3, PackedInts({1})) + List(2, PackedFloats({2})))});
  ParseExample(bytes, example);
  EXPECT_THAT(Integers(example, "merged"), ElementsAre(1, 2));
  EXPECT_EQ(example.FindContext("last")->kind, ValueKind::kFloats);
  EXPECT_THAT(Floats(example, "last"), ElementsAre(2));
}

TEST(Example, UnknownFieldsAreSkippedOnEveryLevel) {
  const std::string unknown = Message([](pbf_writer& w) {
    w.add_uint64(9, 77);
    w.add_string(10, "text");
    w.add_fixed32(11, 1);
    w.add_fixed64(12, 1);
  });
  const std::string list = unknown + PackedInts({5}) + unknown;
  const std::string entry = unknown + Entry("labels", unknown + List(3, list) + unknown);
  const std::string bytes =
      unknown + Message([&](pbf_writer& w) { w.add_message(1, unknown + Features({entry})); });
  ExampleView example;
  ParseExample(bytes, example);
  EXPECT_THAT(Integers(example, "labels"), ElementsAre(5));
}

TEST(Example, AnEmptyFieldTwoIsAVideoLevelRecord) {
  ExampleView example;
  const std::string bytes = Example({Entry("id", List(1, Strings({"abcd"})))}) +
                            Message([](pbf_writer& w) { w.add_message(2, std::string()); });
  ParseExample(bytes, example);
  EXPECT_EQ(IdOf(example), "abcd");
  EXPECT_TRUE(example.feature_lists.empty());
}

TEST(Example, AnEmptyFeatureHasNoKind) {
  ExampleView example;
  const std::string no_value = Message([](pbf_writer& w) { w.add_string(1, "labels"); });
  const std::string bytes = Example({no_value});
  ParseExample(bytes, example);
  EXPECT_EQ(example.FindContext("labels")->kind, ValueKind::kNone);
  EXPECT_EQ(CountValues(*example.FindContext("labels")), 0U);
}

TEST(Example, IdIsUnderEitherName) {
  ExampleView example;
  const std::string old = Example({Entry("video_id", List(1, Strings({"-9abc"})))});
  ParseExample(old, example);
  EXPECT_EQ(IdOf(example), "-9abc");
  const std::string none = Example({Entry("name", List(1, Strings({"x"})))});
  ParseExample(none, example);
  EXPECT_EQ(IdOf(example), "");
}

TEST(Example, FramesPointIntoThePayload) {
  const std::string bytes = Encode(SmallVideo("abcd", 3));
  ExampleView example;
  ParseExample(bytes, example);
  std::vector<const char*> frames;
  std::optional<FrameProblem> problem;
  EXPECT_EQ(ReadFrames(*example.FindList("audio"), 2, 300, frames, problem), 3U);
  EXPECT_FALSE(problem);
  ASSERT_EQ(frames.size(), 3U);
  EXPECT_EQ(std::string(frames[2], 2), "\x68\x69");  // 100 + 4, 100 + 5
  EXPECT_GE(frames[0], bytes.data());
  EXPECT_LT(frames[2], bytes.data() + bytes.size());
}

TEST(Example, FramesBeyondTheLimitAreCountedOnly) {
  const std::string bytes = Encode(SmallVideo("abcd", 9));
  ExampleView example;
  ParseExample(bytes, example);
  std::vector<const char*> frames;
  std::optional<FrameProblem> problem;
  EXPECT_EQ(ReadFrames(*example.FindList("rgb"), 4, 5, frames, problem), 9U);
  EXPECT_EQ(frames.size(), 5U);
}

TEST(Example, AFrameOfAnotherShapeIsFound) {
  const std::string list = Features(
      {List(1, Strings({"ab"})), List(1, Strings({"ab", "cd"})), List(2, PackedFloats({1, 2}))});
  std::vector<const char*> frames;
  std::optional<FrameProblem> problem;
  EXPECT_EQ(ReadFrames({"rgb", list}, 2, 300, frames, problem), 1U);
  ASSERT_TRUE(problem);
  EXPECT_EQ(problem->frame, 1U);
  EXPECT_EQ(CountValues(problem->found), 2U);
  EXPECT_EQ(ReadFrames({"rgb", list}, 3, 300, frames, problem), 0U);
  EXPECT_EQ(FirstBytes(problem->found), "ab");
}

TEST(Example, ShapesOfListsAreSeenWithoutARecipe) {
  const std::string list = Features({"", List(2, PackedFloats({1, 2, 3})), ""});
  const FeatureListShape shape = ShapeOf({"rgb", list});
  EXPECT_EQ(shape.length, 3U);
  EXPECT_EQ(shape.kind, ValueKind::kFloats);
  EXPECT_EQ(shape.width, 3U);
}

TEST(Example, FloatsOfAnotherCountAreRefused) {
  ExampleView example;
  const std::string bytes = Example({Entry("x", List(2, PackedFloats({1, 2, 3})))});
  ParseExample(bytes, example);
  std::vector<float> values(2);
  EXPECT_THROW(ReadFloats(*example.FindContext("x"), std::span(values)), ExampleError);
  values.resize(4);
  EXPECT_THROW(ReadFloats(*example.FindContext("x"), std::span(values)), ExampleError);
}

TEST(Example, TheFirstUnusableFloatIsFoundAtAnyPlaceOfARun) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
  const float largest = std::nextafter(kTooLargeFloat, 0.0F);
  const auto find = [](const std::vector<float>& values, bool packed) {
    ExampleView example;
    const std::string bytes =
        Example({Entry("x", List(2, packed ? PackedFloats(values) : UnpackedFloats(values)))});
    ParseExample(bytes, example);
    return FindUnusableFloat(*example.FindContext("x"));
  };
  for (const bool packed : {true, false}) {
    for (std::size_t place = 0; place < 21; ++place) {
      std::vector<float> values(21, -largest);
      for (const float sound : {0.0F, -0.0F, largest, std::numeric_limits<float>::denorm_min()}) {
        values[place] = sound;
        EXPECT_FALSE(find(values, packed).has_value()) << sound;
      }
      values[20] = kNaN;  // not the first, but for the last place
      for (const float bad : {kTooLargeFloat, -kTooLargeFloat, kInfinity, -kInfinity, kNaN, -kNaN,
                              std::numeric_limits<float>::max()}) {
        values[place] = bad;
        const auto found = find(values, packed);
        ASSERT_TRUE(found.has_value()) << bad;
        EXPECT_EQ(found->index, place) << bad;
        EXPECT_EQ(std::bit_cast<std::uint32_t>(found->value), std::bit_cast<std::uint32_t>(bad));
      }
    }
  }
}

TEST(Example, OtherBytesAreRefused) {
  ExampleView example;
  EXPECT_THAT(ErrorText<ExampleError>([&] { ParseExample("not a message", example); }),
              testing::HasSubstr("not a tf.Example or tf.SequenceExample"));
}

/// Touches everything that a reader could.
std::size_t WalkAll(std::string_view payload) {
  ExampleView example;
  ParseExample(payload, example);
  std::size_t sum = IdOf(example).size();
  std::vector<float> floats;
  std::vector<std::int64_t> integers;
  std::vector<const char*> frames;
  std::optional<FrameProblem> problem;
  for (const NamedFeature& feature : example.context) {
    ReadFloats(feature.value, floats);
    ReadIntegers(feature.value, integers);
    sum += floats.size() + integers.size() + CountValues(feature.value);
  }
  for (const NamedFeatureList& list : example.feature_lists) {
    sum += ShapeOf(list).length + ReadFrames(list, 4, 300, frames, problem);
    for (const char* frame : frames) sum += static_cast<unsigned char>(frame[3]);
  }
  return sum;
}

TEST(Example, MutatedRecordsNeverCrash) {
  ExampleContent content = SmallVideo("abcd", 4, {1, 2, 300});
  content.values = {{.name = "mean_rgb", .values = {1, 2, 3}}};
  content.ratings = {{.label = 3, .start = 5, .end = 10, .score = 1}};
  const std::string good = Encode(content);
  Random random(7);
  const auto size = static_cast<std::uint32_t>(good.size());
  int refused = 0, read = 0;
  for (int round = 0; round < 20'000; ++round) {
    // On the heap at its exact size, so that the sanitizer sees a read beyond the end.
    std::vector<char> bytes(good.begin(), good.end());
    for (std::uint32_t change = 0; change <= random.Below(4); ++change) {
      bytes[random.Below(size)] = static_cast<char>(random.Below(256));
    }
    if (random.Chance(0.2)) bytes.resize(random.Below(size));
    bytes.shrink_to_fit();
    try {
      static_cast<void>(WalkAll({bytes.data(), bytes.size()}));
      ++read;
    } catch (const ExampleError&) {
      ++refused;
    }
  }
  EXPECT_GT(refused, 1000);
  EXPECT_GT(read, 1000);
}

}  // namespace
}  // namespace beamgrid
