// Views for many, with a record that a number stands for.

#include "orchestrator/dashboard/publisher.h"

#include <gmock/gmock.h>

#include <atomic>
#include <future>

#include "tests/support/await.h"

namespace beamgrid {
namespace publisher_test {

using testing::HasSubstr;

/// Shelf makes views whose text is the number of the record's state, and counts them.
class Shelf {
 public:
  explicit Shelf(PublisherSettings settings = Quick())
      : publisher_([this] { return changed_.exchange(false); },
                   [this](const Target& target) {
                     if (target.study == "slow") gate_.get_future().wait();
                     ++made_;
                     return View{.body = target.study + std::to_string(state_.load())};
                   },
                   [this] { return std::to_string(file_.load()); }, settings) {}

  static PublisherSettings Quick() { return {.look = std::chrono::milliseconds(1), .rest = 0}; }

  /// Puts another file into the place of the record.
  void Replace() {
    Change();
    ++file_;
  }
  void Change() {
    ++state_;
    changed_ = true;
  }
  std::string Ask(const std::string& study) {
    std::promise<std::string> body;
    publisher_.Ask({.kind = ViewKind::kStudy, .study = study},
                   [&](const Publisher::SharedView& view) { body.set_value(view->body); });
    return body.get_future().get();
  }
  Publisher& publisher() { return publisher_; }
  void OpenGate() { gate_.set_value(); }
  [[nodiscard]] int made() const { return made_; }

 private:
  std::atomic<int> state_ = 0, made_ = 0, file_ = 0;
  std::atomic<bool> changed_ = true;
  std::promise<void> gate_;
  Publisher publisher_;
};

/// Heard is what a follower was told, for another thread to wait for.
class Heard {
 public:
  Publisher::Deliver deliver() {
    return [this](const Publisher::SharedView& view) {
      const std::lock_guard lock(mutex_);
      bodies_.push_back(view->body);
    };
  }
  void WaitFor(const std::string& body) {
    Await(body, [&] {
      const std::lock_guard lock(mutex_);
      return !bodies_.empty() && bodies_.back() == body;
    });
  }

  [[nodiscard]] std::vector<std::string> bodies() {
    const std::lock_guard lock(mutex_);
    return bodies_;
  }

 private:
  std::mutex mutex_;
  std::vector<std::string> bodies_;
};

TEST(DashboardPublisher, MakesAViewOnceForAll) {
  Shelf shelf;
  // The first look finds the record, which is a change.
  Heard heard;
  shelf.publisher().Follow({.kind = ViewKind::kStudy, .study = "a"}, heard.deliver());
  heard.WaitFor("a0");
  Await("a0", [&] { return shelf.Ask("a") == "a0"; });
  const int made = shelf.made();
  for (int i = 0; i < 100; ++i) EXPECT_EQ(shelf.Ask("a"), "a0");
  EXPECT_EQ(shelf.made(), made);
  EXPECT_EQ(shelf.Ask("b"), "b0");
  EXPECT_EQ(shelf.made(), made + 1);
}

TEST(DashboardPublisher, TellsFollowersWhatIsNew) {
  Shelf shelf;
  Heard one, two;
  shelf.publisher().Follow({.kind = ViewKind::kStudy, .study = "a"}, one.deliver());
  const auto second =
      shelf.publisher().Follow({.kind = ViewKind::kStudy, .study = "b"}, two.deliver());
  one.WaitFor("a0");
  two.WaitFor("b0");
  shelf.Change();
  one.WaitFor("a1");
  two.WaitFor("b1");
  shelf.publisher().Unfollow(second);
  shelf.Change();
  one.WaitFor("a2");
  two.WaitFor("b1");
}

TEST(DashboardPublisher, WhoAsksGetsTheOldViewWhileAnotherIsMade) {
  Shelf shelf;
  EXPECT_EQ(shelf.Ask("a"), "a0");
  std::promise<std::string> slow;
  shelf.publisher().Ask({.kind = ViewKind::kStudy, .study = "slow"},
                        [&](const Publisher::SharedView& view) { slow.set_value(view->body); });
  EXPECT_EQ(shelf.Ask("a"), "a0") << "the thread that reads is at work for somebody else";
  shelf.OpenGate();
  EXPECT_EQ(slow.get_future().get(), "slow0");
}

TEST(DashboardPublisher, AnOldViewThatSomebodyGotIsMadeAnew) {
  // Nobody waits for a newer view, and nobody follows.
  PublisherSettings settings = Shelf::Quick();
  settings.quick = std::chrono::milliseconds(-1);
  Shelf shelf(settings);
  EXPECT_EQ(shelf.Ask("a"), "a0");
  shelf.Change();
  Await("a1", [&] { return shelf.Ask("a") == "a1"; });
}

TEST(DashboardPublisher, MakesBeforeAnybodyAsksAndKnowsTheLast) {
  Shelf shelf;
  const Target slow{.kind = ViewKind::kStudy, .study = "slow"};
  const Target quick{.kind = ViewKind::kStudy, .study = "a"};
  EXPECT_EQ(shelf.publisher().Last(quick), nullptr);
  shelf.publisher().Prepare(slow);
  shelf.publisher().Prepare(quick);
  shelf.OpenGate();
  Await("the view", [&] { return shelf.publisher().Last(quick) != nullptr; });
  EXPECT_EQ(shelf.publisher().Last(quick)->body, "a0");
  EXPECT_EQ(shelf.publisher().Last(slow)->body, "slow0") << "in their order";
  const int made = shelf.made();
  EXPECT_EQ(shelf.Ask("a").substr(0, 1), "a");
  EXPECT_LE(shelf.made(), made + 1);
}

TEST(DashboardPublisher, ForgetsWhatNobodyAsksForAnyMore) {
  PublisherSettings settings = Shelf::Quick();
  settings.views_max = 2;
  Shelf shelf(settings);
  EXPECT_EQ(shelf.Ask("a"), "a0");
  EXPECT_EQ(shelf.Ask("b"), "b0");
  EXPECT_EQ(shelf.Ask("c"), "c0");
  EXPECT_EQ(shelf.Ask("d"), "d0");
  Await("d0", [&] { return shelf.Ask("d") == "d0"; });
  const int made = shelf.made();
  EXPECT_EQ(shelf.Ask("a"), "a0");
  EXPECT_EQ(shelf.made(), made + 1);
}

TEST(DashboardPublisher, TellsTooManyToComeAgain) {
  PublisherSettings settings = Shelf::Quick();
  settings.asked_max = 1;
  Shelf shelf(settings);
  std::promise<void> slow;
  shelf.publisher().Ask({.kind = ViewKind::kStudy, .study = "slow"},
                        [&](const Publisher::SharedView&) { slow.set_value(); });
  EXPECT_THAT(shelf.Ask("a"), HasSubstr("too many views"));
  shelf.OpenGate();
  slow.get_future().get();
  EXPECT_EQ(shelf.Ask("a"), "a0");
}

TEST(DashboardPublisher, DeliversNothingOnceItIsStopped) {
  Shelf shelf;
  EXPECT_EQ(shelf.Ask("a"), "a0");
  shelf.publisher().Stop();
  shelf.publisher().Ask({}, [](const Publisher::SharedView&) { ADD_FAILURE(); });
  shelf.publisher().Follow({}, [](const Publisher::SharedView&) { ADD_FAILURE(); });
}

TEST(DashboardPublisher, NoAnswerIsOfARecordThatWasReplaced) {
  // It looks by itself once an hour, and what it has is never worth waiting for.
  Shelf shelf({.look = std::chrono::hours(1), .rest = 0, .quick = std::chrono::milliseconds(-1)});
  EXPECT_EQ(shelf.Ask("a"), "a0");
  shelf.Change();
  EXPECT_EQ(shelf.Ask("a"), "a0") << "a commit is shown when it is looked at";
  shelf.Replace();
  EXPECT_EQ(shelf.Ask("a"), "a2");
  EXPECT_EQ(shelf.Ask("b"), "b2");
  shelf.Replace();
  Heard heard;
  const std::uint64_t follower =
      shelf.publisher().Follow({.kind = ViewKind::kStudy, .study = "a"}, heard.deliver());
  heard.WaitFor("a3");
  shelf.publisher().Unfollow(follower);
  EXPECT_THAT(heard.bodies(), testing::ElementsAre("a3"));
}

}  // namespace publisher_test
}  // namespace beamgrid
