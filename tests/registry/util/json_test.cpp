#include "registry/util/json.h"

#include <gmock/gmock.h>

#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <type_traits>

#include "tests/support/error_text.h"

namespace beamgrid {
namespace {

namespace json = boost::json;
using testing::HasSubstr;

std::string Shortest(double number) {
  char digits[32];
  return {digits, std::to_chars(digits, digits + sizeof(digits), number).ptr};
}

TEST(ParseJson, KeepsEveryDoubleExactly) {
  std::mt19937_64 random(7);
  std::uniform_real_distribution<double> unit(0, 1);
  for (int i = 0; i < 20'000; ++i) {
    const double number = i % 2 == 0 ? unit(random) : unit(random) * 1e-300;
    ASSERT_EQ(ParseJson(Shortest(number)).as_double(), number);
  }
}

TEST(ParseJson, BuildsWhatBoostBuilds) {
  const std::string text =
      R"({"a":[1,-2,3.5,18446744073709551615,true,null,"x\né"],"b":{},"c":[[],{"d":""}]})";
  EXPECT_EQ(ParseJson(text), json::parse(text));
}

TEST(ParseJson, RefusesWhatIsNotOneValue) {
  for (const char* text : {"", "{", "[1,]", "{} {}", "nan", "1e999", "'a'"}) {
    const std::string message = ErrorText<std::invalid_argument>([&] { (void)ParseJson(text); });
    EXPECT_THAT(message, HasSubstr("not JSON at offset")) << text;
  }
}

TEST(CanonicalJson, SortsKeysAndPrintsShortestNumbers) {
  const json::value value =
      json::parse(R"({"b":1.0,"a":[0.1,2,-0.0,1e300,1e-7],"Z":{"y":false,"x":null}})");
  EXPECT_EQ(CanonicalJson(value),
            R"({"Z":{"x":null,"y":false},"a":[0.1,2,0.0,1e+300,1e-07],"b":1.0})");
}

TEST(CanonicalJson, TellsIntegersFromDoubles) {
  EXPECT_EQ(CanonicalJson(3), "3");
  EXPECT_EQ(CanonicalJson(3.0), "3.0");
  EXPECT_EQ(CanonicalJson(std::uint64_t{3}), "3");
}

TEST(CanonicalJson, SurvivesParsing) {
  std::mt19937_64 random(11);
  for (int i = 0; i < 5'000; ++i) {
    const auto bits = random();
    double number = 0;
    std::memcpy(&number, &bits, sizeof(number));
    if (!std::isfinite(number)) continue;
    EXPECT_EQ(ParseJson(CanonicalJson(number)).as_double(), number);
  }
}

TEST(CanonicalJson, RefusesNumbersThatJsonLacks) {
  EXPECT_THROW((void)CanonicalJson(std::numeric_limits<double>::infinity()), std::invalid_argument);
  EXPECT_THROW((void)CanonicalJson(std::numeric_limits<double>::quiet_NaN()),
               std::invalid_argument);
}

TEST(JsonReader, ReadsEachType) {
  const json::value value =
      json::parse(R"({"t":"x","i":-3,"n":0.5,"b":true,"l":[1],"o":{"inner":2}})");
  const JsonReader reader(value, "");
  EXPECT_EQ(reader.Text("t"), "x");
  EXPECT_EQ(reader.Integer("i"), -3);
  EXPECT_EQ(reader.Number("n"), 0.5);
  EXPECT_EQ(reader.Number("i"), -3.0);
  EXPECT_TRUE(reader.Boolean("b"));
  EXPECT_EQ(reader.List("l").size(), 1U);
  EXPECT_EQ(reader.Object("o").Integer("inner"), 2);
  EXPECT_TRUE(reader.Has("t"));
  EXPECT_FALSE(reader.Has("missing"));
}

TEST(JsonReader, ReadsAnObjectInPlaceAndRefusesTemporaries) {
  const json::object object{{"name", "x"}};
  EXPECT_EQ(JsonReader(object, "").Text("name"), "x");
  EXPECT_EQ(&JsonReader(object, "").object(), &object);
  static_assert(!std::is_constructible_v<JsonReader, json::object, std::string>);
  static_assert(!std::is_constructible_v<JsonReader, json::value, std::string>);
}

TEST(JsonReader, NamesTheKeyThatIsWrong) {
  const json::value value = json::parse(R"({"o":{"i":"many","u":18446744073709551615,"d":1.5}})");
  const JsonReader reader = JsonReader(value, "").Object("o");
  const auto message = [](auto call) { return ErrorText<std::invalid_argument>(call); };
  EXPECT_EQ(message([&] { (void)reader.Integer("i"); }), "o.i: must be an integer, is \"many\"");
  EXPECT_THAT(message([&] { (void)reader.Integer("u"); }), HasSubstr("o.u: must be an integer"));
  EXPECT_THAT(message([&] { (void)reader.Integer("d"); }), HasSubstr("o.d: must be an integer"));
  EXPECT_THAT(message([&] { (void)reader.Text("d"); }), HasSubstr("o.d: must be text"));
  EXPECT_THAT(message([&] { (void)reader.Number("i"); }), HasSubstr("o.i: must be a number"));
  EXPECT_THAT(message([&] { (void)reader.Boolean("i"); }), HasSubstr("must be true or false"));
  EXPECT_THAT(message([&] { (void)reader.List("i"); }), HasSubstr("must be a list"));
  EXPECT_THAT(message([&] { (void)reader.Object("i"); }), HasSubstr("o.i: must be an object"));
  EXPECT_EQ(message([&] { (void)reader.Text("gone"); }), "o.gone: is missing");
  const json::value three = 3;
  EXPECT_THAT(message([&] { JsonReader(three, ""); }), HasSubstr("must be an object"));
}

}  // namespace
}  // namespace beamgrid
