// Every mistake that a recipe can have, with the place and the words it is answered with.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "search/recipe.h"
#include "tests/search/recipe/mistakes_of.h"
#include "tests/search/test_catalogue.h"

namespace beamgrid {
namespace mistakes_test {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// A text appended to a recipe without mistakes, and what is wrong with it then. The head has
/// 8 lines and stands in [data] at its end.
/// `mistakes` are without the file's name.
struct Case {
  std::string name;
  std::string added;
  std::vector<std::string> mistakes;
  std::string format = "frame";

  friend void PrintTo(const Case& wrong, std::ostream* out) { *out << wrong.added; }
};

class RecipeMistakes : public testing::TestWithParam<Case> {};

TEST_P(RecipeMistakes, AreAnsweredWithPlaceReasonAndFix) {
  const Case& wrong = GetParam();
  std::vector<std::string> expected;
  for (const std::string& mistake : wrong.mistakes) expected.push_back("r.toml:" + mistake);
  EXPECT_EQ(MistakesOf(RecipeHead(wrong.format) + wrong.added), expected);
}

const Case kCases[] = {
    {"UnknownSection",
     "[serach]\n",
     {"9:2: serach: unknown key 'serach'; did you mean 'search'?; known here: beamgrid, "
      "plugins, study, data, train, grid, exclude, search, resources, ensemble, table"}},
    {"UnknownKey",
     "clases = 3\n",
     {"9:1: data.clases: unknown key 'clases'; did you mean 'classes'?; known here: format, train, "
      "validate, holdout, classes, features, frame_types, normalise, max_frames, frame_alignment, "
      "on_error, group, labels, video_weight, unrated, class_weight, weighted_classes"}},
    {"UnknownComponent",
     "[[grid.temporal]]\nuse = \"netvald\"\n",
     {"10:7: grid.temporal[0].use: unknown temporal component 'netvald'; did you mean 'netvlad'?; "
      "known: blstm, gru, lstm, mean, netvlad"}},
    {"UnknownComponentHidesNoOther",
     "[[grid.temporal]]\nuse = \"netvald\"\nclusters = [64, 0]\nhidden = 512\nclustres = 1\n"
     "[[grid.temporal]]\nclusters = 0\n[[exclude]]\ntemporal = { use = \"gur\", clusters = 0 }\n",
     {"10:7: grid.temporal[0].use: unknown temporal component 'netvald'; did you mean 'netvlad'?; "
      "known: blstm, gru, lstm, mean, netvlad",
      "11:17: grid.temporal[0].clusters[1]: is 0, must be 1..4096",
      "13:1: grid.temporal[0].clustres: no component has an option 'clustres'; did you mean "
      "'clusters'?; known here: clusters, frame_projection, gating, hidden, layers, pool, "
      "residual, widths",
      "14:1: grid.temporal[1].use: is missing: the name of the temporal component, one of blstm, "
      "gru, lstm, mean, netvlad",
      "15:12: grid.temporal[1].clusters: is 0, must be 1..4096",
      "17:20: exclude[0].temporal.use: unknown temporal component 'gur'; did you mean 'gru'?; "
      "known: blstm, gru, lstm, mean, netvlad",
      "17:38: exclude[0].temporal.clusters: is 0, must be 1..4096"}},
    {"UnknownOption",
     "[[grid.temporal]]\nuse = \"netvlad\"\ncluster = 64\n",
     {"11:1: grid.temporal[0].cluster: 'netvlad' has no option 'cluster'; did you mean "
      "'clusters'?; it has: clusters, hidden, frame_projection, gating"}},
    {"OptionOutOfRange",
     "[[grid.temporal]]\nuse = \"netvlad\"\nclusters = [64, 0]\n",
     {"11:17: grid.temporal[0].clusters[1]: is 0, must be 1..4096"}},
    {"OptionOfWrongType",
     "[[grid.temporal]]\nuse = \"netvlad\"\nclusters = \"many\"\n",
     {"11:12: grid.temporal[0].clusters: is \"many\", must be an integer, 1..4096"}},
    {"OptionIsTable",
     "[[grid.temporal]]\nuse = \"netvlad\"\nclusters = { a = 1 }\n",
     {"11:12: grid.temporal[0].clusters: is a table, must be 1..4096"}},
    {"OptionIsDate",
     "[[grid.temporal]]\nuse = \"netvlad\"\nclusters = 2020-01-01\n",
     {"11:12: grid.temporal[0].clusters: is a date or time, must be 1..4096"}},
    {"OptionIsNan",
     "[[grid.classifier]]\nuse = \"moe\"\nexperts = nan\n",
     {"11:11: grid.classifier[0].experts: is a number that is not finite, must be 1..64"}},
    {"EmptyList",
     "[[grid.classifier]]\nuse = \"moe\"\nexperts = []\n",
     {"11:11: grid.classifier[0].experts: the list is empty; give at least one value"}},
    {"RepeatedValue",
     "[[grid.classifier]]\nuse = \"moe\"\nexperts = [2, 4, 2.0]\n",
     {"11:11: grid.classifier[0].experts: gives the same variant twice: 2"}},
    {"RepeatedVariant",
     "[[grid.classifier]]\nuse = \"moe\"\nexperts = [2, 4]\n[[grid.classifier]]\nuse = \"moe\"\n",
     {"13:7: grid.classifier[1]: gives a variant of 'moe' that the entry of line 10 gives "
      "already"}},
    {"WordMisspelt",
     "[[grid.multimodal]]\nuse = \"attention\"\nguide = \"imgae\"\n",
     {"11:9: grid.multimodal[0].guide: is \"imgae\", must be one of image, audio; did you mean "
      "'image'?"}},
    {"UseMissing",
     "[[grid.loss]]\ndelta = 1\n",
     {"9:1: grid.loss[0].use: is missing: the name of the loss component, one of cross_entropy, "
      "huber"}},
    {"UseIsNumber",
     "[[grid.loss]]\nuse = 3\n",
     {"10:7: grid.loss[0].use: is an integer, must be a component's name"}},
    {"SingleBrackets",
     "[grid.temporal]\nuse = \"mean\"\n",
     {"9:1: grid.temporal: is a table, must be one or more tables, each under [[grid.temporal]]"}},
    {"UnknownCriterionInGrid",
     "[[grid.temporl]]\nuse = \"mean\"\n",
     {"9:8: grid.temporl: unknown key 'temporl'; did you mean 'temporal'?; known here: multimodal, "
      "temporal, classifier, label_processing, loss, extras, train"}},
    {"ZipUnequal",
     "[[grid.temporal]]\nuse = \"blstm\"\nhidden = [512, 1024]\nlayers = [1, 2, 3]\nzip = "
     "[\"hidden\", \"layers\"]\n",
     {"13:7: grid.temporal[0].zip: the lists must be of one length: hidden has 2, layers has 3"}},
    {"ZipUnknown",
     "[[grid.temporal]]\nuse = \"blstm\"\nhidden = [512, 1024]\nzip = [\"hidden\", \"layer\"]\n",
     {"12:7: grid.temporal[0].zip: 'layer' is no option of 'blstm'; did you mean 'layers'?"}},
    {"ZipScalar",
     "[[grid.temporal]]\nuse = \"blstm\"\nhidden = [512, 1024]\nlayers = 2\nzip = [\"hidden\", "
     "\"layers\"]\n",
     {"13:7: grid.temporal[0].zip: 'layers' is not given as a list"}},
    {"ZipOne",
     "[[grid.temporal]]\nuse = \"blstm\"\nhidden = [512, 1024]\nzip = \"hidden\"\n",
     {"12:7: grid.temporal[0].zip: must be a list of two or more option names: zip = [\"hidden\", "
      "\"layers\"]"}},
    {"ZipTwice",
     "[[grid.temporal]]\nuse = \"blstm\"\nhidden = [512, 1024]\nzip = [\"hidden\", \"hidden\"]\n",
     {"12:7: grid.temporal[0].zip: names 'hidden' twice"}},
    {"ZipRepeats",
     "[[grid.temporal]]\nuse = \"blstm\"\nhidden = [512, 512]\nlayers = [2, 2]\nzip = [\"hidden\", "
     "\"layers\"]\n",
     {"13:7: grid.temporal[0].zip: gives the same variant twice: [512,2]"}},
    {"UnknownExtra",
     "[grid.extras]\nlayernorm = true\n",
     {"10:1: grid.extras.layernorm: unknown extra 'layernorm'; did you mean 'layer_norm'?; known: "
      "context_gating, differential, dropout, gradient_clip, layer_norm, skip_connection, "
      "zoneout"}},
    {"ExtraOutOfRange",
     "[grid.extras]\ndropout = [0.0, 1.5]\n",
     {"10:17: grid.extras.dropout[1]: is 1.5, must be 0..0.95"}},
    {"ExtraWithoutOptions",
     "[grid.extras]\nlayer_norm = 0.5\n",
     {"10:14: grid.extras.layer_norm: is a number, must be true or false: 'layer_norm' has no "
      "options"}},
    {"ExtraOffTwice",
     "[grid.extras]\ndropout = [false, 0.0]\n",
     {"10:19: grid.extras.dropout[1]: is off, which is in the list already (false and 0 mean "
      "off)"}},
    {"ExtraOnTwice",
     "[grid.extras]\ndropout = [0.5, true]\n",
     {"10:17: grid.extras.dropout[1]: gives a variant that is in the list already"}},
    {"ExtraUnknownOption",
     "[grid.extras]\nzoneout = { cel = 0.1 }\n",
     {"10:13: grid.extras.zoneout.cel: 'zoneout' has no option 'cel'; did you mean 'cell'?; it "
      "has: cell, hidden"}},
    {"ExtrasIsNumber",
     "[grid]\nextras = 3\n",
     {"10:10: grid.extras: is an integer, must be a table: [grid.extras]"}},
    {"TrainUnknown",
     "[train]\nlerning_rate = 0.1\n",
     {"10:1: train.lerning_rate: 'train' has no option 'lerning_rate'; did you mean "
      "'learning_rate'?; it has: optimizer, learning_rate, decay, decay_examples, batch, epochs"}},
    {"TrainList",
     "[train]\nbatch = [128, 256]\n",
     {"10:9: train.batch: is a list, must be one value, 1..65536: lists are expanded under "
      "[grid.train] only"}},
    {"TrainGridUnknown",
     "[grid.train]\nbach = [1, 2]\n",
     {"10:1: grid.train.bach: 'train' has no option 'bach'; did you mean 'batch'?; it has: "
      "optimizer, learning_rate, decay, decay_examples, batch, epochs"}},
    {"TemporalOnVideo",
     "[[grid.temporal]]\nuse = \"lstm\"\n",
     {"10:7: grid.temporal[0].use: is 'lstm', must be 'mean' or left out: video-level data "
      "(data.format = \"video\") has no frames to aggregate"},
     "video"},
    {"BaselineTemporalOnVideo",
     "[search.baseline]\ntemporal = { use = \"lstm\" }\n",
     {"10:20: search.baseline.temporal.use: is 'lstm', must be 'mean' or left out: video-level "
      "data (data.format = \"video\") has no frames to aggregate"},
     "video"},
    {"ExcludeUnknownCriterion",
     "[[exclude]]\ntempral = \"mean\"\n",
     {"10:1: exclude[0].tempral: unknown criterion 'tempral'; did you mean 'temporal'?; known: "
      "multimodal, temporal, extras, classifier, label_processing, loss, train"}},
    {"ExcludeUnknownComponent",
     "[[exclude]]\ntemporal = \"netvlat\"\n",
     {"10:12: exclude[0].temporal: unknown temporal component 'netvlat'; did you mean 'netvlad'?; "
      "known: blstm, gru, lstm, mean, netvlad"}},
    {"ExcludeUnknownOption",
     "[[exclude]]\ntemporal.cluster = 64\n",
     {"10:10: exclude[0].temporal.cluster: no component has an option 'cluster'; did you mean "
      "'clusters'?; known here: clusters, frame_projection, gating, hidden, layers, pool, "
      "residual, widths"}},
    {"ExcludeOptionOfOther",
     "[[exclude]]\ntemporal = { use = \"gru\", clusters = 64 }\n",
     {"10:27: exclude[0].temporal.clusters: 'gru' has no option 'clusters'; it has: hidden, "
      "layers"}},
    {"ExcludeOutOfRange",
     "[[exclude]]\ntemporal.clusters = 0\n",
     {"10:21: exclude[0].temporal.clusters: is 0, must be 1..4096"}},
    {"ExcludeUnknownExtra",
     "[[exclude]]\nextras.zoneot = true\n",
     {"10:8: exclude[0].extras.zoneot: unknown extra 'zoneot'; did you mean 'zoneout'?; known: "
      "context_gating, differential, dropout, gradient_clip, layer_norm, skip_connection, "
      "zoneout"}},
    {"ExcludeExtrasNotTable",
     "[[exclude]]\nextras = \"zoneout\"\n",
     {"10:10: exclude[0].extras: is text, write for example extras.zoneout = true"}},
    {"ExcludeTrainUnknown",
     "[[exclude]]\ntrain.bath = 1\n",
     {"10:7: exclude[0].train.bath: 'train' has no option 'bath'; did you mean 'batch'?; it has: "
      "optimizer, learning_rate, decay, decay_examples, batch, epochs"}},
    {"ExcludeNothing",
     "[[exclude]]\n",
     {"9:1: exclude[0]: says nothing, so it would exclude every model"}},
    {"ExcludeNotTables",
     "[study2]\n[exclude]\ntemporal = \"mean\"\n",
     {"9:2: study2: unknown key 'study2'; did you mean 'study'?; known here: beamgrid, "
      "plugins, study, data, train, grid, exclude, search, resources, ensemble, table",
      "10:1: exclude: is a table, must be one or more tables, each under [[exclude]]"}},
    {"UnknownStrategy",
     "[search]\nstrategy = \"gredy\"\n",
     {"10:12: search.strategy: is \"gredy\", must be one of beam, greedy, grid, halving, model, "
      "random; did you "
      "mean 'greedy'?"}},
    {"SearchUnknownKey",
     "[search]\nstrategy = \"greedy\"\npases = 2\n",
     {"11:1: search.pases: unknown key 'pases'; did you mean 'passes'?; known here: strategy, "
      "baseline, order, passes, stage"}},
    {"SearchUnknownKeyOfAnotherStrategy",
     "[search]\nstrategy = \"halving\"\npasses = 2\nodrer = 2\n",
     {"11:1: search.passes: is an option of strategy = \"greedy\"; this search has strategy = "
      "\"halving\": take the line out, or change the strategy",
      "12:1: search.odrer: unknown key 'odrer'; known here: strategy, baseline, eta, min_epochs, "
      "candidates, rank, seed"}},
    {"EverythingExcludedByOne",
     "[[grid.temporal]]\nuse = \"lstm\"\n[[grid.temporal]]\nuse = \"mean\"\n[[exclude]]\ntemporal "
     "= \"mean\"\n[[exclude]]\nclassifier = \"logistic\"\n",
     {"15:1: exclude[1]: matches every model that the search would try, so there is nothing to "
      "train: take it out, or add candidates"}},
    {"EverythingExcludedByTwo",
     "[[grid.temporal]]\nuse = \"lstm\"\n[[grid.temporal]]\nuse = \"mean\"\n[[exclude]]\ntemporal "
     "= \"mean\"\n[[exclude]]\ntemporal = \"lstm\"\n[search]\nstrategy = \"model\"\n",
     {"15:1: exclude[1]: matches, with the ones before it, every model that the search would try, "
      "so there is nothing to train: take it out, or add candidates"}},
    {"AllThatASearchWouldTryExcluded",
     "[[grid.temporal]]\nuse = \"lstm\"\n[[grid.temporal]]\nuse = "
     "\"mean\"\n[[exclude]]\nclassifier "
     "= \"moe\"\n[search]\nstrategy = \"greedy\"\nbaseline = { classifier = { use = \"moe\" } }\n",
     {"13:1: exclude[0]: matches every model that the search would try, so there is nothing to "
      "train: take it out, or add candidates"}},
    {"OrderUnknown",
     "[search]\norder = [\"temporal\", \"clasifier\", \"temporal\"]\nstrategy = \"beam\"\n",
     {"10:22: search.order[1]: unknown criterion 'clasifier'; did you mean 'classifier'?; known: "
      "multimodal, temporal, extras, classifier, label_processing, loss, train",
      "10:35: search.order[2]: 'temporal' is in the list already"}},
    {"OrderNotList",
     "[search]\norder = \"temporal\"\nstrategy = \"greedy\"\n",
     {"10:9: search.order: is text, must be a list of criteria: multimodal, temporal, extras, "
      "classifier, label_processing, loss, train"}},
    {"PassesOutOfRange",
     "[search]\npasses = 0\nstrategy = \"greedy\"\n",
     {"10:10: search.passes: is 0, must be 1..100"}},
    {"OptionsOfOtherStrategies",
     "[search]\nstrategy = \"beam\"\npasses = 2\neta = 2\nwidth = 2\n[[search.stage]]\nvary = "
     "\"temporal\"\n",
     {"11:1: search.passes: is an option of strategy = \"greedy\"; this search has strategy = "
      "\"beam\": take the line out, or change the strategy",
      "12:1: search.eta: is an option of strategy = \"halving\"; this search has strategy = "
      "\"beam\": take the line out, or change the strategy",
      "14:10: search.stage: is an option of strategy = \"greedy\"; this search has strategy = "
      "\"beam\": take the line out, or change the strategy"}},
    {"OrderOfTheGrid",
     "[search]\norder = [\"temporal\"]\n",
     {"10:1: search.order: is an option of strategy = \"beam\" or \"greedy\"; this search has "
      "strategy = \"grid\": take the line out, or change the strategy"}},
    {"OneEpochToHalve",
     "[train]\nepochs = 1\n[search]\nstrategy = \"halving\"\nmin_epochs = 1\n",
     {"13:14: search.min_epochs: the first look at a training comes after 1/2 of it (eta) and not "
      "before epoch 1 (min_epochs), and a training has 1 epoch: there is nothing to halve; write "
      "train.epochs = 2 or more, or strategy = \"grid\""}},
    {"AFirstLookThatComesTooLate",
     "[train]\nepochs = 8\n[search]\nstrategy = \"halving\"\nmin_epochs = 5\n",
     {"13:14: search.min_epochs: the first look at a training comes after 1/2 of it (eta) and not "
      "before epoch 5 (min_epochs), and a training has 8 epochs: there is nothing to halve; write "
      "train.epochs = 10 or more, fewer min_epochs, or strategy = \"grid\""}},
    {"OneEpochToHalveByDefault",
     "[train]\nepochs = 1\n[search]\nstrategy = \"halving\"\n",
     {"10:10: train.epochs: the first look at a training comes after 1/2 of it (eta) and not "
      "before epoch 1 (min_epochs), and a training has 1 epoch: there is nothing to halve; write "
      "train.epochs = 2 or more, or strategy = \"grid\""}},
    {"EpochsThatVaryToHalve",
     "[grid.train]\nepochs = [3, 9]\n[search]\nstrategy = \"halving\"\n",
     {"10:10: grid.train.epochs: halving compares models after equally many epochs, but grid.train "
      "varies "
      "epochs: write one number under [train]"}},
    {"OneCandidateToHalve",
     "[search]\nstrategy = \"halving\"\ncandidates = 1\n",
     {"11:14: search.candidates: is 1, and one model has none to be compared with: write 2 or "
      "more, or 0 for the whole grid"}},
    {"BaselineUnknownCriterion",
     "[search.baseline]\nclasifier = { use = \"moe\" }\n",
     {"10:1: search.baseline.clasifier: unknown criterion 'clasifier'; did you mean 'classifier'?; "
      "known: multimodal, temporal, extras, classifier, label_processing, loss, train"}},
    {"BaselineText",
     "[search.baseline]\nclassifier = \"moe\"\n",
     {"10:14: search.baseline.classifier: is text, must be a table: classifier = { use = "
      "\"logistic\" }"}},
    {"BaselineList",
     "[search.baseline]\nclassifier = { use = \"moe\", experts = [2, 4] }\n",
     {"10:39: search.baseline.classifier.experts: is a list, must be one value, 1..64: lists are "
      "expanded under [grid] only"}},
    {"StageVaryUnknown",
     "[search]\nstrategy = \"greedy\"\n[[search.stage]]\nvary = \"temporals\"\n",
     {"12:8: search.stage[0].vary: unknown criterion 'temporals'; did you mean 'temporal'?; known: "
      "multimodal, temporal, extras, classifier, label_processing, loss, train"}},
    {"StageVaryMissing",
     "[search]\nstrategy = \"greedy\"\n[[search.stage]]\nfix = { temporal = { use = \"mean\" } }\n",
     {"11:1: search.stage[0].vary: is missing: the criterion that the stage varies"}},
    {"StageFixesWhatItVaries",
     "[search]\nstrategy = \"greedy\"\n[[search.stage]]\nvary = \"temporal\"\nfix = { temporal = { "
     "use "
     "= \"mean\" } }\n",
     {"13:7: search.stage[0].fix: holds 'temporal', which the stage varies"}},
    {"DevicesText",
     "[resources]\ndevices = \"cuda\"\n",
     {"10:11: resources.devices: is \"cuda\", must be \"auto\" or a list like [\"cuda:0\", "
      "\"cuda:1\"] or [\"cpu\"]"}},
    {"DevicesUnknown",
     "[resources]\ndevices = [\"cuda:x\", \"cpu\", \"cpu\"]\n",
     {"10:12: resources.devices[0]: 'cuda:x' is no device; write \"cpu\" or \"cuda:N\"",
      "10:29: resources.devices[2]: 'cpu' is in the list already"}},
    {"DevicesEmpty",
     "[resources]\ndevices = []\n",
     {"10:11: resources.devices: the list is empty; give at least one value"}},
    {"Slots",
     "[resources]\nslots_per_device = 0\n",
     {"10:20: resources.slots_per_device: is 0, must be 1..1024"}},
    {"ThreadsAuto",
     "[resources]\nthreads_per_worker = \"auto\"\n",
     {"10:22: resources.threads_per_worker: cannot be \"auto\": the number of threads is part of "
      "what makes a result repeatable; must be 1..1024"}},
    {"Timeout",
     "[resources]\ntimeout = \"6 hours\"\n",
     {"10:11: resources.timeout: is \"6 hours\", must be a time of 1s to 11574d with its unit (s, "
      "m, h or d): "
      "\"90s\", \"30m\", \"6h\""}},
    {"TimeoutNumber",
     "[resources]\ntimeout = 6\n",
     {"10:11: resources.timeout: is an integer, must be a time of 1s to 11574d with its unit (s, "
      "m, h or d): "
      "\"90s\", \"30m\", \"6h\""}},
    {"HeartbeatTimeout",
     "[resources]\nheartbeat_timeout = 60\n",
     {"10:21: resources.heartbeat_timeout: is an integer, must be a time of 1s to 11574d with its "
      "unit (s, m, h or d): \"90s\", \"30m\", \"6h\""}},
    {"TimesThatWouldBeNone",
     "[resources]\ntimeout = \"0.5ms\"\nheartbeat_timeout = \"999ms\"\nstall_timeout = \"0s\"\n",
     {"10:11: resources.timeout: is \"0.5ms\", must be a time of 1s to 11574d with its unit (s, m, "
      "h or d): \"90s\", \"30m\", \"6h\"",
      "11:21: resources.heartbeat_timeout: is \"999ms\", must be a time of 1s to 11574d with its "
      "unit (s, m, h or d): \"90s\", \"30m\", \"6h\"",
      "12:17: resources.stall_timeout: is \"0s\", must be a time of 1s to 11574d with its unit (s, "
      "m, h or d): \"90s\", \"30m\", \"6h\""}},
    {"MembersBeyondTheSearch",
     "[ensemble]\nmembers = 1001\n",
     {"10:11: ensemble.members: is 1001, must be 1..1000"}},
    {"StallTimeout",
     "[resources]\nstall_timeout = \"soon\"\n",
     {"10:17: resources.stall_timeout: is \"soon\", must be a time of 1s to 11574d with its unit "
      "(s, m, h or d): "
      "\"90s\", \"30m\", \"6h\""}},
    {"Priority",
     "[resources]\npriority = 0\n",
     {"10:12: resources.priority: is 0, must be 1..100"}},
    {"Retries", "[resources]\nretries = -1\n", {"10:11: resources.retries: is -1, must be 0..100"}},
    {"SizeLimit",
     "[ensemble]\nsize_limit = \"1GiBB\"\n",
     {"10:14: ensemble.size_limit: is \"1GiBB\", must be a size from 1 byte on: \"1GiB\", "
      "\"500MB\" or a number of bytes"}},
    {"SizeLimitZero",
     "[ensemble]\nsize_limit = 0\n",
     {"10:14: ensemble.size_limit: is 0, must be a size from 1 byte on: \"1GiB\", \"500MB\" or a "
      "number of bytes"}},
    {"Combine",
     "[ensemble]\ncombine = \"logit\"\n",
     {"10:11: ensemble.combine: is \"logit\", must be one of logits, probabilities, votes; did "
      "you mean 'logits'?"}},
    {"Weights",
     "[ensemble]\nweights = 3\n",
     {"10:11: ensemble.weights: is 3, must be one of uniform, gap, learned, auto"}},
    {"TableVary",
     "[[table]]\nvary = \"temporl\"\n",
     {"10:8: table[0].vary: unknown criterion 'temporl'; did you mean 'temporal'?; known: "
      "multimodal, temporal, extras, classifier, label_processing, loss, train"}},
    {"TableVaryOption",
     "[[grid.temporal]]\nuse = \"gru\"\n[[table]]\nvary = \"temporal.hiden\"\n",
     {"12:8: table[0].vary: none of the models has the option 'hiden' of temporal; did you mean "
      "'hidden'?; they have hidden, layers"}},
    {"TableVaryOptionOfNoModel",
     "[[grid.temporal]]\nuse = \"gru\"\n[[table]]\nvary = \"temporal.layers+clusters\"\n",
     {"12:8: table[0].vary: none of the models has the option 'clusters' of temporal; they have "
      "hidden, layers"}},
    {"TableVaryOptionOfCriterion",
     "[[table]]\nvary = \"temporl.hidden\"\n",
     {"10:8: table[0].vary: unknown criterion 'temporl'; did you mean 'temporal'?; known: "
      "multimodal, temporal, extras, classifier, label_processing, loss, train"}},
    {"TableVaryOptionOfExtra",
     "[grid.extras]\ndropout = [false, 0.2]\n[[table]]\nvary = \"extras.dropout.rat\"\n",
     {"12:8: table[0].vary: none of the models has the option 'rat' of dropout; did you mean "
      "'rate'?; they have rate"}},
    {"TableVaryOptionOfNoExtra",
     "[[table]]\nvary = \"extras.dropout.rate\"\n",
     {"10:8: table[0].vary: none of the models has the extra 'dropout': [grid.extras] does not "
      "name it"}},
    {"TableVarySetting",
     "[[table]]\nvary = \"train.epochs+bach\"\n",
     {"10:8: table[0].vary: unknown training setting 'bach'; did you mean 'batch'?; known: "
      "optimizer, learning_rate, decay, decay_examples, batch, epochs"}},
    {"TableVaryExtra",
     "[[table]]\nvary = \"extras.dropuot\"\n",
     {"10:8: table[0].vary: unknown extra 'dropuot'; did you mean 'dropout'?; known: "
      "context_gating, differential, dropout, gradient_clip, layer_norm, skip_connection, "
      "zoneout"}},
    {"TableVaryNoModel",
     "[[table]]\nvary = \"extras.dropout\"\n",
     {"10:8: table[0].vary: none of the models has the extra 'dropout': [grid.extras] does not "
      "name it"}},
    {"TableFixComponent",
     "[[grid.temporal]]\nuse = \"gru\"\n[[table]]\nvary = \"classifier\"\nfix = "
     "\"temporal=grru\"\n",
     {"13:7: table[0].fix: none of the models has temporal=grru; did you mean 'gru'?; they have "
      "gru"}},
    {"TableFixOption",
     "[[grid.temporal]]\nuse = \"gru\"\n[[table]]\nfix = \"temporal=gru(hiden=2)\"\n",
     {"12:7: table[0].fix: none of the models has the option 'hiden' of temporal; did you mean "
      "'hidden'?; they have hidden, layers"}},
    {"TableFixExtra",
     "[[table]]\nfix = \"extras=dropout\"\n",
     {"10:7: table[0].fix: none of the models has the extra 'dropout': [grid.extras] does not "
      "name it"}},
    {"TableBaselineCondition",
     "[[grid.temporal]]\nuse = \"gru\"\n[[table]]\nvary = \"temporal\"\nbaseline = "
     "\"temporal=lstm\"\n",
     {"13:12: table[0].baseline: none of the models has temporal=lstm; they have gru"}},
    {"TableBaselineSetting",
     "[[table]]\nvary = \"train.batch\"\nbaseline = \"train.bach=2\"\n",
     {"11:12: table[0].baseline: unknown training setting 'bach'; did you mean 'batch'?; known: "
      "optimizer, learning_rate, decay, decay_examples, batch, epochs"}},
    {"TableVaryEmpty",
     "[[table]]\nvary = \"\"\n",
     {"10:8: table[0].vary: unknown criterion ''; known: multimodal, temporal, extras, "
      "classifier, label_processing, loss, train"}},
    {"TableBy",
     "[[table]]\nvary = \"temporal\"\nby = \"temporal\"\n",
     {"11:6: table[0].by: is 'temporal', which the rows vary already"}},
    {"TableByAlone",
     "[[table]]\nby = \"temporal\"\n",
     {"10:6: table[0].by: needs vary: columns need rows"}},
    {"TableBySwap",
     "[[table]]\nvary = \"temporal\"\nby = \"classifier\"\nrows = \"swap-one\"\n",
     {"11:6: table[0].by: has no place beside rows = 'swap-one'"}},
    {"TableByReference",
     "[[table]]\nvary = \"temporal\"\nby = \"classifier\"\nreference = \"a/1\"\n",
     {"12:13: table[0].reference: has no column in a table of rows and columns (by)"}},
    {"TableRowsAverage",
     "[[table]]\nrows = \"average\"\n",
     {"10:8: table[0].rows: 'average' needs vary: what the rows differ in"}},
    {"TableRowsAsKeys",
     "[[table]]\nvary = \"temporal\"\naverage = true\n[[table]]\nleave_one_out = true\n"
     "[[table]]\nswap-one = true\n",
     {"11:11: table[0].average: is no key, but a kind of rows: rows = \"average\"",
      "13:17: table[1].leave_one_out: is no key, but a kind of rows: rows = \"leave-one-out\"",
      "15:12: table[2].swap-one: is no key, but a kind of rows: rows = \"swap-one\""}},
    {"TableCriteria",
     "[[table]]\nrows = \"criteria\"\nvary = \"temporal\"\n",
     {"10:8: table[0].rows: 'criteria' shows them all: it has no place beside vary or by"}},
    {"TableLayout",
     "[[table]]\nlayout = \"paper\"\n",
     {"10:10: table[0].layout: 'paper' needs a reference: which table of a paper"}},
    {"TableLayoutSwap",
     "[[table]]\nreference = \"a/1\"\nlayout = \"paper\"\nrows = \"swap-one\"\n",
     {"11:10: table[0].layout: 'paper' has no place beside rows = 'swap-one'"}},
    {"TableFix",
     "[[table]]\nfix = \"temporal\"\n",
     {"10:7: table[0].fix: condition 'temporal': must be criterion=component"}},
    {"TableBaseline",
     "[[table]]\nbaseline = \"tempral=gru\"\n",
     {"10:12: table[0].baseline: condition 'tempral': 'tempral' is not a criterion; did you "
      "mean 'temporal'?; they are "
      "multimodal, temporal, classifier, label_processing, loss, extras, train"}},
    {"TableBaselineEmpty",
     "[[table]]\nbaseline = \"\"\n",
     {"10:12: table[0].baseline: is empty, must name a row or be left out"}},
    {"TableReference",
     "[[table]]\nvary = \"temporal\"\nreference = \"snuvl17\"\n",
     {"11:13: table[0].reference: is \"snuvl17\", must name a paper and its table, with a slash "
      "between: \"kim18/2\""}},
    {"HoldoutOne",
     "holdout = 1.0\n",
     {"9:11: data.holdout: is 1.0, must be at least 0 and less than 1: nothing would be left to "
      "select on"}},
    {"HoldoutNegative", "holdout = -0.5\n", {"9:11: data.holdout: is -0.5, must be 0..1"}},
    {"FeatureWidth",
     "features = { rgb = 0 }\n",
     {"9:20: data.features.rgb: is 0, must be 1..65536"}},
    {"FeaturesEmpty",
     "features = {}\n",
     {"9:12: data.features: is empty, must name a feature and its width: { rgb = 1024 }"}},
    {"FeaturesList",
     "features = [\"rgb\"]\n",
     {"9:12: data.features: is a list, must be a table: [data.features]"}},
    {"MaxFrames", "max_frames = 0\n", {"9:14: data.max_frames: is 0, must be 1..65536"}},
    {"OnError",
     "on_error = \"ignore\"\n",
     {"9:12: data.on_error: is \"ignore\", must be one of stop, skip"}},
    {"UnratedWithoutSegments",
     "unrated = \"ignore\"\n",
     {"9:11: data.unrated: is for data.format = \"segment\" only: every class of a video's frames "
      "is labelled or negative"}},
    {"UnknownUnrated",
     "unrated = \"zero\"\n",
     {"9:11: data.unrated: is \"zero\", must be one of ignore, negative"},
     "segment"},
    {"WeightedClassesWithoutWeight",
     "weighted_classes = [1]\n",
     {"9:20: data.weighted_classes: needs class_weight, their weight in the loss (Locust 2019: 5 "
      "for "
      "the classes of the segments)"}},
    {"ClassWeightWithoutClasses",
     "class_weight = 5\n",
     {"9:16: data.class_weight: needs weighted_classes, the classes that it is for"}},
    {"WrongWeightedClasses",
     "class_weight = 5\nweighted_classes = [1, 10, \"a\", 1]\n",
     {"10:24: data.weighted_classes[1]: is 10, must be a class, 0..9",
      "10:28: data.weighted_classes[2]: is text, must be a class, 0..9",
      "10:33: data.weighted_classes[3]: the class 1 is in the list already"}},
    {"WeightedClassesOfAnotherKind",
     "class_weight = 5\nweighted_classes = 3\n",
     {"10:20: data.weighted_classes: is an integer, must be a list of classes or the name of a "
      "file "
      "whose first column is Index (segment_label_ids.csv)"}},
};

INSTANTIATE_TEST_SUITE_P(All, RecipeMistakes, testing::ValuesIn(kCases),
                         [](const auto& info) { return info.param.name; });

}  // namespace mistakes_test
}  // namespace beamgrid
