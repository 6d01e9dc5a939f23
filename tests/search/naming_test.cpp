#include "search/naming.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

#include "search/naming_text.h"
#include "search/search_space.h"
#include "tests/search/test_catalogue.h"

namespace beamgrid {
namespace naming_test {

using testing::ElementsAre;

std::vector<std::string> NamesOf(const std::string& added, const Catalogue& catalogue,
                                 const std::string& format = "frame") {
  const Recipe recipe = ParseRecipe(RecipeHead(format) + added, "r.toml", catalogue);
  const SearchSpace space(recipe, catalogue);
  std::vector<std::string> names;
  for (std::int64_t i = 0; i < space.size(); ++i) names.push_back(space.Name(*space.At(i)));
  return names;
}

std::vector<std::string> NamesOf(const std::string& added, const std::string& format = "frame") {
  return NamesOf(added, TestCatalogue(), format);
}

const std::string kBlstm = "[[grid.temporal]]\nuse = \"blstm\"\n";
const std::string kMoe2 = "[[grid.classifier]]\nuse = \"moe\"\n";
const std::string kMoe4 = "[[grid.classifier]]\nuse = \"moe\"\nexperts = 4\n";

// Kim et al. 2018, section 5: the six members of the ensemble.
TEST(Name, GivesTheSixModelsOfKimEtAlTheirNames) {
  EXPECT_THAT(NamesOf(kBlstm + kMoe2), ElementsAre("MC-BLSTM-MoE2"));
  EXPECT_THAT(NamesOf("[[grid.multimodal]]\nuse = \"attention\"\n" + kBlstm + kMoe2),
              ElementsAre("MA-BLSTM-MoE2"));
  EXPECT_THAT(NamesOf(kBlstm + kMoe2 + "[grid.extras]\ncontext_gating = true\n"),
              ElementsAre("MC-BLSTM-CG-MoE2"));
  const std::string netvlad = "[[grid.temporal]]\nuse = \"netvlad\"\nclusters = [64, 128]\n";
  EXPECT_THAT(NamesOf(netvlad + kMoe4 + "[grid.extras]\ndifferential = true\n"),
              ElementsAre("MC-NetVLAD-diff-C64-MoE4", "MC-NetVLAD-diff-C128-MoE4"));
  EXPECT_THAT(NamesOf("[[grid.multimodal]]\nuse = \"sum\"\n" + netvlad + kMoe4),
              ElementsAre("MS-NetVLAD-C64-MoE4", "MS-NetVLAD-C128-MoE4"));
  EXPECT_THAT(NamesOf(netvlad + kMoe4), ElementsAre("MC-NetVLAD-C64-MoE4", "MC-NetVLAD-C128-MoE4"));
}

/// A catalogue whose training can have a teacher.
Catalogue WithTeacher() {
  Catalogue catalogue = TestCatalogue();
  for (ComponentInfo& component : catalogue.components) {
    if (component.criterion != "train") continue;
    component.options.push_back(
        {.name = "teacher", .type = OptionType::kFile, .default_value = ""});
    component.options.push_back(
        {.name = "teacher_weight", .type = OptionType::kNumber, .default_value = 0.5, .tag = "tw"});
  }
  return catalogue;
}

TEST(Name, OneTrialHasOneNameWhateverItsTeacherIsCalled) {
  const Catalogue catalogue = WithTeacher();
  const Recipe recipe =
      ParseRecipe(RecipeHead("frame") +
                      "[grid.train]\nteacher = [\"\", \"a.csv\", \"b.csv\", \"c.csv\"]\n"
                      "teacher_weight = [0.5, 0.7]\n",
                  "r.toml", catalogue, [](const std::string& name) {
                    // a and b hold the same.
                    return NamedFile{name, "/" + name, name == "c.csv" ? "22" : "11"};
                  });
  const SearchSpace space(recipe, catalogue);
  std::map<std::string, std::set<std::string>> names;  // by what the trial is
  std::set<std::string> all;
  for (std::int64_t i = 0; i < space.size(); ++i) {
    TrialSpec spec;
    spec.model = *space.At(i);
    names[Fingerprint(spec)].insert(space.Name(spec.model));
    all.insert(space.Name(spec.model));
  }
  for (const auto& [trial, of_trial] : names) EXPECT_THAT(of_trial, testing::SizeIs(1));
  EXPECT_THAT(all, ElementsAre("MC-Mean-Logistic", "MC-Mean-Logistic-teacher=a",
                               "MC-Mean-Logistic-teacher=a-tw0.7", "MC-Mean-Logistic-teacher=c",
                               "MC-Mean-Logistic-teacher=c-tw0.7"));
}

TEST(Name, SpellsWhatIsNotAtItsDefault) {
  EXPECT_THAT(
      NamesOf("[[grid.multimodal]]\nuse = \"attention\"\nwindow = [5, 9, \"all\"]\n"
              "[[grid.temporal]]\nuse = \"gru\"\nhidden = 512\n"),
      ElementsAre("MA-GRU-h512-Logistic", "MA-w9-GRU-h512-Logistic", "MA-wall-GRU-h512-Logistic"));
  EXPECT_THAT(NamesOf("[grid.extras]\ncontext_gating = { on = \"probabilities\", batch_norm = "
                      "[true, false] }\n"),
              ElementsAre("MC-Mean-CG-on=probabilities-Logistic",
                          "MC-Mean-CG-noBN-on=probabilities-Logistic"));
  EXPECT_THAT(NamesOf("[[grid.loss]]\nuse = \"huber\"\ndelta = [0.5, 2]\n"
                      "[[grid.label_processing]]\nuse = \"correlation\"\n"),
              ElementsAre("MC-Mean-Logistic-corr-Huber", "MC-Mean-Logistic-corr-Huber-delta=2"));
}

TEST(Name, AnExtraWithoutALabelHasItsOwnName) {
  EXPECT_THAT(NamesOf("[grid.extras]\nzoneout = [0.5, 0.1]\n"),
              ElementsAre("MC-Mean-zoneout-Logistic", "MC-Mean-zoneout-zc0.1-Logistic"));
}

TEST(Name, HasTheTrainingSettingsThatDifferFromTheRecipes) {
  EXPECT_THAT(NamesOf("[train]\nlearning_rate = 0.01\n[grid.train]\n"
                      "learning_rate = [0.01, 0.0006, 1e-9]\nbatch = 64\n"),
              ElementsAre("MC-Mean-Logistic-B64", "MC-Mean-Logistic-B64-lr0.0006",
                          "MC-Mean-Logistic-B64-lr1e_09"));
}

TEST(Name, OfVideoLevelDataHasNoTemporalPiece) {
  EXPECT_THAT(NamesOf(kMoe2, "video"), ElementsAre("MC-MoE2"));
}

TEST(Name, APieceThatWouldMeanTwoThingsIsWrittenInFull) {
  Catalogue catalogue = TestCatalogue();
  for (ComponentInfo& component : catalogue.components) {
    if (component.name == "gru") component.label = "LSTM";
  }
  const std::vector<std::string> names =
      NamesOf("[[grid.temporal]]\nuse = \"gru\"\n[[grid.temporal]]\nuse = \"lstm\"\n", catalogue);
  EXPECT_THAT(names, ElementsAre("MC-temporal.gru-Logistic", "MC-temporal.lstm-Logistic"));
}

TEST(Name, OneTagOfTwoComponentsIsTheirOwn) {
  EXPECT_THAT(NamesOf("[[grid.temporal]]\nuse = \"gru\"\nhidden = 256\n"
                      "[[grid.temporal]]\nuse = \"lstm\"\nhidden = 256\n"),
              ElementsAre("MC-GRU-h256-Logistic", "MC-LSTM-h256-Logistic"));
}

TEST(Name, TagsOfTwoCriteriaThatClashAreWrittenInFull) {
  Catalogue catalogue = TestCatalogue();
  for (ComponentInfo& component : catalogue.components) {
    for (OptionInfo& option : component.options) {
      if (option.name == "epochs") option.tag = "h";
    }
  }
  const std::vector<std::string> names = NamesOf(
      "[[grid.temporal]]\nuse = \"gru\"\nhidden = [2, 1024]\n[grid.train]\nepochs = [5, 2]\n",
      catalogue);
  EXPECT_THAT(names, ElementsAre("MC-GRU-temporal.hidden=2-Logistic",
                                 "MC-GRU-temporal.hidden=2-Logistic-train.epochs=2",
                                 "MC-GRU-Logistic", "MC-GRU-Logistic-train.epochs=2"));
}

TEST(Name, IsCutWithAHashWhereItIsTooLong) {
  const std::string all =
      "[[grid.multimodal]]\nuse = \"attention\"\nguide = \"audio\"\nwindow = 999\nmerge = "
      "\"concat\"\n[[grid.temporal]]\nuse = \"blstm\"\nhidden = 8191\nlayers = 8\nresidual = "
      "false\npool = \"max\"\n[grid.extras]\ncontext_gating = { on = \"probabilities\", batch_norm "
      "= "
      "false }\nzoneout = { cell = 0.123456789, hidden = 0.987654321 }\ndropout = 0.123456\n"
      "gradient_clip = { norm = 123.456, type = \"global\" }\n[grid.train]\nbatch = [1, 2]\n";
  const std::vector<std::string> names = NamesOf(all);
  ASSERT_EQ(names.size(), 2U);
  EXPECT_NE(names[0], names[1]);
  for (const std::string& name : names) {
    EXPECT_LT(name.size(), 150U);
    EXPECT_THAT(name, testing::MatchesRegex("MA-guide=audio-.*[+][0-9a-f]{16}"));
  }
}

TEST(SafeValue, KeepsValuesApart) {
  EXPECT_EQ(SafeValue(64), "64");
  EXPECT_EQ(SafeValue(-3), "_3");
  EXPECT_EQ(SafeValue(0.0006), "0.0006");
  EXPECT_EQ(SafeValue(2.0), "2");
  EXPECT_EQ(SafeValue(1e-12), "1e_12");
  EXPECT_EQ(SafeValue(true), "true");
  EXPECT_EQ(SafeValue("all"), "all");
  EXPECT_EQ(SafeValue(boost::json::array{1, 2, 4}), "1+2+4");
  EXPECT_THAT(SafeValue("a b"), testing::MatchesRegex("a_b[+][0-9a-f]{16}"));
  EXPECT_NE(SafeValue("a b"), SafeValue("a/b"));
  EXPECT_NE(SafeValue(boost::json::array{1, 2}), SafeValue(boost::json::array{1.0, 2.0}));
  EXPECT_NE(SafeValue(boost::json::array{}), "");
  EXPECT_NE(SafeValue(OptionValue(std::string(100, 'a'))),
            SafeValue(OptionValue(std::string(101, 'a'))));
}

/// Random components with labels, tags and values that clash as much as they can.
class RandomCatalogue {
 public:
  explicit RandomCatalogue(unsigned seed) : random_(seed) {}

  Catalogue Make() {
    Catalogue catalogue;
    for (const std::string criterion :
         {"multimodal", "temporal", "classifier", "extras", "label_processing", "loss"}) {
      for (const std::string name : {"a", "b"}) {
        catalogue.components.push_back(
            Component(criterion, name, Pick({"", "A", "AB", "A-B", "A1"}), RandomOptions()));
      }
    }
    catalogue.components.push_back(Component("train", "train", "", RandomOptions()));
    return catalogue;
  }

  std::string Grid(const Catalogue& catalogue) {
    std::string text;
    std::string extras = "[grid.extras]\n";
    for (const ComponentInfo& component : catalogue.components) {
      if (component.criterion == "extras") {
        extras += component.name + " = [false, {" + Lists(component, ", ") + "}]\n";
      } else if (component.criterion == "train") {
        extras += "[grid.train]\n" + Lists(component, "\n") + "\n";
      } else {
        text += "[[grid." + component.criterion + "]]\nuse = \"" + component.name + "\"\n" +
                Lists(component, "\n") + "\n";
      }
    }
    return text + extras;
  }

 private:
  std::string Pick(const std::vector<std::string>& from) { return from[random_() % from.size()]; }

  std::vector<OptionInfo> RandomOptions() {
    std::vector<OptionInfo> options;
    for (const std::string name : {"x", "y"}) {
      if (random_() % 3 == 0) continue;
      OptionInfo option = random_() % 2 == 0 ? Whole(name, 1, -100, 100, Pick({"", "A", "B", "1"}))
                                             : Choice(name, {"1", "A", "A-1", "A 1"});
      option.tag = Pick({"", "A", "B", "1"});
      option.always_named = random_() % 2 == 0;
      options.push_back(option);
    }
    return options;
  }

  std::string Lists(const ComponentInfo& component, const std::string& separator) {
    std::string text;
    for (const OptionInfo& option : component.options) {
      if (!text.empty()) text += separator;
      text +=
          option.name + " = " +
          (option.type == OptionType::kInteger ? Pick({"[1, -1]", "[11, 1]", "[-11]"})
                                               : Pick({"[\"1\", \"A\"]", "[\"A-1\", \"A 1\"]"}));
    }
    return text;
  }

  std::mt19937 random_;
};

TEST(Name, DistinctModelsOfRandomSpacesHaveDistinctSafeNames) {
  const std::string safe = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_=.+-";
  for (unsigned seed = 0; seed < 40; ++seed) {
    RandomCatalogue random(seed);
    const Catalogue catalogue = random.Make();
    const Recipe recipe = ParseRecipe(RecipeHead() + random.Grid(catalogue), "r.toml", catalogue);
    const SearchSpace space(recipe, catalogue);
    std::mt19937 points(seed);
    std::map<std::string, std::int64_t> names;
    for (int i = 0; i < 500; ++i) {
      const auto index =
          static_cast<std::int64_t>(points() % static_cast<std::uint64_t>(space.size()));
      const std::string name = space.Name(*space.At(index));
      EXPECT_EQ(name.find_first_not_of(safe), std::string::npos) << name;
      EXPECT_TRUE(!name.empty() && name.size() < 150) << name;
      const auto [known, added] = names.emplace(name, index);
      EXPECT_EQ(known->second, index) << name << " names two models; seed " << seed;
    }
  }
}

}  // namespace naming_test
}  // namespace beamgrid
