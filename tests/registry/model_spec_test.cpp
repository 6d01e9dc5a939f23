#include "registry/model_spec.h"

#include <gmock/gmock.h>

#include <functional>
#include <set>

#include "tests/support/error_text.h"
#include "tests/support/specs.h"

namespace beamgrid {
namespace {

using testing::HasSubstr;

TrialSpec Rich() {
  TrialSpec trial = ExampleTrial();
  trial.model.extras["dropout"] = {{"rate", 0.2}};
  trial.model.extras["layer_norm"] = {};
  trial.model.parts["multimodal"].options["window"] = boost::json::value{5, "all"};
  return trial;
}

TEST(ModelSpec, JsonHasOneObjectPerCriterion) {
  const boost::json::object object = ToJson(Rich().model);
  EXPECT_EQ(object.at("temporal"),
            boost::json::parse(R"({"hidden":512,"layers":1,"use":"blstm"})"));
  EXPECT_EQ(object.at("extras"), boost::json::parse(R"({"dropout":{"rate":0.2},"layer_norm":{}})"));
  EXPECT_EQ(object.at("train").at("epochs"), 5);
  std::vector<std::string> keys;
  for (const auto& member : object) keys.emplace_back(member.key());
  EXPECT_THAT(keys, testing::ElementsAre("classifier", "extras", "label_processing", "loss",
                                         "multimodal", "temporal", "train"));
}

TEST(ModelSpec, SurvivesJsonText) {
  const TrialSpec trial = Rich();
  EXPECT_EQ(ModelSpecFromJson(ParseJson(CanonicalJson(ToJson(trial.model)))), trial.model);
  EXPECT_EQ(DataSpecFromJson(ParseJson(boost::json::serialize(ToJson(trial.data)))), trial.data);
  EXPECT_EQ(TrialSpecFromJson(ParseJson(boost::json::serialize(ToJson(trial)))), trial);
}

TEST(ModelSpec, FeaturesKeepTheirOrder) {
  TrialSpec trial = Rich();
  trial.data.features = {{"zeta", 1}, {"alpha", 2}};
  EXPECT_EQ(TrialSpecFromJson(ToJson(trial)).data.features, trial.data.features);
}

TEST(ModelSpec, RefusalsNameTheKey) {
  const auto refusal = [](const std::function<void(boost::json::object&)>& spoil) {
    boost::json::object object = ToJson(Rich());
    spoil(object);
    return ErrorText<std::invalid_argument>([&] { (void)TrialSpecFromJson(object); });
  };
  EXPECT_EQ(refusal([](auto& o) { o["model"].as_object().erase("loss"); }),
            "model.loss: is missing");
  EXPECT_EQ(refusal([](auto& o) { o["model"].at("loss").as_object().erase("use"); }),
            "model.loss.use: is missing");
  EXPECT_EQ(refusal([](auto& o) { o["model"].as_object()["lsos"] = 1; }),
            "model.lsos: is not a criterion");
  EXPECT_THAT(refusal([](auto& o) { o["model"].at("extras").as_object()["dropout"] = 0.2; }),
              HasSubstr("model.extras.dropout: must be an object"));
  EXPECT_THAT(refusal([](auto& o) { o["data"].as_object()["classes"] = "many"; }),
              HasSubstr("data.classes: must be an integer"));
  EXPECT_THAT(refusal([](auto& o) { o["data"].as_object()["train"] = {1}; }),
              HasSubstr("data.train: must be a list of texts"));
  EXPECT_THAT(refusal([](auto& o) { o["data"].as_object()["features"] = {"rgb"}; }),
              HasSubstr("data.features: must be a list of [name, width] pairs"));
  EXPECT_THAT(refusal([](auto& o) { o["model"].as_object()["plugins"] = {"a.so"}; }),
              HasSubstr("model.plugins: must be a list of"));
  EXPECT_EQ(refusal([](auto& o) { o.erase("seed"); }), "seed: is missing");
}

TEST(CanonicalText, IsSortedAndNamesItsFormat) {
  EXPECT_EQ(
      CanonicalText(ExampleTrial()),
      R"({"beamgrid_trial":1,"data":{"classes":3862,"digest":"0123456789abcdef",)"
      R"("features":[["rgb",1024],["audio",128]],"format":"frame","max_frames":300,)"
      R"("on_error":"stop"},"model":{"classifier":{"experts":2,"use":"moe"},"extras":{},)"
      R"("label_processing":{"use":"none"},"loss":{"use":"cross_entropy"},)"
      R"("multimodal":{"use":"concat"},"temporal":{"hidden":512,"layers":1,"use":"blstm"},)"
      R"("train":{"batch":128,"epochs":5,"learning_rate":0.001}},"objective":"gap","seed":1})");
}

TEST(Fingerprint, IgnoresWhereTheDataLies) {
  TrialSpec moved = ExampleTrial();
  moved.data.train = {"/elsewhere/train0.tfrecord"};
  moved.data.validate = {};
  EXPECT_EQ(Fingerprint(moved), Fingerprint(ExampleTrial()));
}

TEST(Fingerprint, HoldsWhatFilesAndPluginsContainNotWhereTheyLie) {
  const auto with = [](const NamedFile& file, const NamedFile& plugin) {
    TrialSpec trial = ExampleTrial();
    trial.model.parts["temporal"].options["file"] = ToJson(file);
    trial.model.plugins = {plugin};
    EXPECT_EQ(TrialSpecFromJson(ParseJson(CanonicalJson(ToJson(trial)))), trial);
    return Fingerprint(trial);
  };
  const NamedFile one{"a", "/a", "1"}, same{"b", "/elsewhere/b", "1"}, other{"a", "/a", "2"};
  EXPECT_EQ(with(one, one), with(same, same));
  EXPECT_NE(with(one, one), with(other, one));
  EXPECT_NE(with(one, one), with(one, other));
}

TEST(Fingerprint, HoldsWhichTrialItStartsFromNotHowThatIsNamed) {
  const auto with = [](const std::string& from, const std::string& start) {
    TrialSpec trial = ExampleTrial();
    trial.model.train["from"] = from;
    trial.warm_start = start;
    EXPECT_EQ(TrialSpecFromJson(ParseJson(CanonicalJson(ToJson(trial)))), trial);
    return Fingerprint(trial);
  };
  EXPECT_EQ(with("phase1/MC-LSTM", "11"), with("11", "11"));
  EXPECT_NE(with("phase1/MC-LSTM", "11"), with("phase1/MC-LSTM", "12"));
  EXPECT_EQ(with("", ""), Fingerprint(ExampleTrial()));
}

TEST(Fingerprint, OfAnUnresolvedStartIsABug) {
  TrialSpec trial = ExampleTrial();
  trial.model.train["from"] = "phase1/MC-LSTM";
  EXPECT_THAT(ErrorText<std::logic_error>([&] { (void)Fingerprint(trial); }),
              HasSubstr("train.from is not resolved"));
}

TEST(ModelSpec, DataKeepWhatWeighsInTheLoss) {
  TrialSpec trial = ExampleTrial();
  trial.data.format = "segment";
  trial.data.unrated = "negative";
  trial.data.weighted_classes = {3, 17};
  trial.data.class_weight = 2.5;
  EXPECT_EQ(TrialSpecFromJson(ParseJson(CanonicalJson(ToJson(trial)))), trial);
}

TEST(ModelSpec, DataKeepTypesNormalisationAndLabels) {
  TrialSpec trial = ExampleTrial();
  // What says nothing is not written: trials on the released data keep their identity.
  for (const char* key :
       {"frame_types", "normalise", "multi_class", "video_weight", "frame_alignment"}) {
    EXPECT_FALSE(ToJson(trial.data).contains(key)) << key;
  }
  trial.data.frame_types = {{"rgb", FrameType::kFloat32}, {"audio", FrameType::kFloat16}};
  trial.data.normalise = {{"rgb", Normalisation::kStandardise}, {"audio", Normalisation::kNone}};
  trial.data.multi_class = true;
  trial.data.video_weight = "weight";
  trial.data.frame_alignment = FrameAlignment::kNearest;
  EXPECT_EQ(TrialSpecFromJson(ParseJson(CanonicalJson(ToJson(trial)))), trial);
  EXPECT_EQ(ToJson(trial.data).at("frame_types"),
            boost::json::parse(R"({"audio":"float16","rgb":"float32"})"));
}

TEST(ModelSpec, RefusesTypesAndNormalisationsOfNoFeature) {
  const auto refusal = [](const char* key, const char* value) {
    boost::json::object data = ToJson(ExampleTrial().data);
    data[key] = boost::json::parse(value);
    return ErrorText<std::invalid_argument>([&] { (void)DataSpecFromJson(data); });
  };
  EXPECT_THAT(refusal("frame_types", R"({"rbg":"float32"})"), HasSubstr("must be a feature"));
  EXPECT_THAT(refusal("frame_types", R"({"rgb":"double"})"), HasSubstr("uint8, float32, float16"));
  EXPECT_THAT(refusal("normalise", R"({"rgb":"l2"})"), HasSubstr("must name every feature"));
  EXPECT_THAT(refusal("normalise", R"({"rgb":"l3","audio":"l2"})"), HasSubstr("standardise"));
}

// A golden value: a change here orphans every finished trial of every database.
TEST(Fingerprint, IsStable) {
  EXPECT_EQ(Fingerprint(ExampleTrial()), "e37b11a8d1985251583529938de6abc6");
}

TEST(Fingerprint, DiffersWhereAnythingDiffers) {
  const std::vector<std::function<void(TrialSpec&)>> changes = {
      [](auto&) {},
      [](auto& t) { t.seed = 2; },
      [](auto& t) { t.objective = "map"; },
      [](auto& t) { t.data.digest = "f"; },
      [](auto& t) { t.data.format = "video"; },
      [](auto& t) { t.data.classes = 4716; },
      [](auto& t) { t.data.max_frames = 299; },
      [](auto& t) { t.data.on_error = "skip"; },
      [](auto& t) { t.data.format = "segment"; },
      [](auto& t) { t.data.format = "segment", t.data.unrated = "negative"; },
      [](auto& t) { t.data.weighted_classes = {3}, t.data.class_weight = 5; },
      [](auto& t) { t.data.weighted_classes = {3}, t.data.class_weight = 6; },
      [](auto& t) { t.data.weighted_classes = {3, 4}, t.data.class_weight = 5; },
      [](auto& t) { t.data.frame_types["rgb"] = FrameType::kFloat32; },
      [](auto& t) { t.data.frame_types["rgb"] = FrameType::kFloat16; },
      [](auto& t) { t.data.frame_types["audio"] = FrameType::kFloat32; },
      [](auto& t) {
        t.data.normalise = {{"rgb", Normalisation::kL2}, {"audio", Normalisation::kL2}};
      },
      [](auto& t) {
        t.data.normalise = {{"rgb", Normalisation::kL2}, {"audio", Normalisation::kNone}};
      },
      [](auto& t) { t.data.multi_class = true; },
      [](auto& t) { t.data.video_weight = "w"; },
      [](auto& t) { t.data.frame_alignment = FrameAlignment::kNearest; },
      [](auto& t) { t.model.train["from"] = "a/b", t.warm_start = "11"; },
      [](auto& t) { t.model.train["from"] = "a/b", t.warm_start = "12"; },
      [](auto& t) { std::swap(t.data.features[0], t.data.features[1]); },
      [](auto& t) { t.model.train["epochs"] = 6; },
      [](auto& t) { t.model.train["epochs"] = 5.0; },
      [](auto& t) { t.model.train["learning_rate"] = 0.0010000000000000002; },
      [](auto& t) { t.model.parts["temporal"].component = "lstm"; },
      [](auto& t) { t.model.parts["temporal"].options["hidden"] = 513; },
      [](auto& t) { t.model.extras["layer_norm"] = {}; },
      [](auto& t) { t.model.extras["layer_norm"] = {{"affine", true}}; }};
  std::set<std::string> seen;
  for (const auto& change : changes) {
    TrialSpec trial = ExampleTrial();
    change(trial);
    const std::string fingerprint = Fingerprint(trial);
    EXPECT_TRUE(seen.insert(fingerprint).second) << CanonicalText(trial);
    EXPECT_EQ(fingerprint.size(), 32U);
  }
}

}  // namespace
}  // namespace beamgrid
