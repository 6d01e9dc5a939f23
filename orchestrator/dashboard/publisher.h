#pragma once
// Views of the record for many readers at once. One thread reads: it looks once a second whether
// the record has changed, and makes each view once for all who ask for it or follow it.

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "orchestrator/dashboard/record_watch.h"
#include "orchestrator/dashboard/views.h"

namespace beamgrid {

/// PublisherSettings bounds what readers may cost.
struct PublisherSettings {
  std::chrono::milliseconds look{1000};  ///< between two looks at the record
  /// After a view that is only followed nothing that is only followed is made before so many times
  /// as long have gone by: what is watched takes a fiftieth of a core, however large it is.
  int rest = 50;
  std::chrono::milliseconds quick{6};  ///< who asks waits for a newer view that takes so long
  std::size_t views_max = 64;          ///< kept, those that are followed apart
  std::size_t asked_max = 256;         ///< waiting; others are told to come again
};

/// Publisher hands out views. All members may be called from any thread; what it calls, it calls on
/// a thread of its own or inside the call.
class Publisher {
 public:
  using SharedView = std::shared_ptr<const View>;
  using Deliver = std::function<void(const SharedView& view)>;
  /// Makes the view of a target, of the record as it is now. Called on the publisher's thread.
  using Make = std::function<View(const Target& target)>;
  /// Returns true if the record may be another one than at the last call. Likewise.
  using Look = std::function<bool()>;
  /// Returns which file the record is now, in no time; empty: none. Called on any thread.
  using WhichFile = std::function<std::string()>;

  Publisher(Look look, Make make, WhichFile which_file, PublisherSettings settings = {});
  /// Ends as Stop does.
  ~Publisher();
  Publisher(const Publisher&) = delete;
  Publisher& operator=(const Publisher&) = delete;

  /// Calls `deliver` once, with the view: as it is now if that takes no time, else as it was last,
  /// where there is one of this file: no answer is of a record that was replaced or is gone.
  void Ask(const Target& target, Deliver deliver);
  /// Has the view made when nobody waits for another one.
  void Prepare(const Target& target);
  /// Returns the view as it was last; null: it was never made.
  [[nodiscard]] SharedView Last(const Target& target);
  /// Calls `deliver` with the view, and again with each later one, until Unfollow.
  std::uint64_t Follow(const Target& target, Deliver deliver);
  /// After it returns `deliver` is called no more.
  void Unfollow(std::uint64_t follower);
  /// Waits for the view that is being made. Then nothing is delivered any more.
  void Stop();

 private:
  using Clock = std::chrono::steady_clock;
  /// Entry is a view that somebody asked for.
  struct Entry {
    Target target;
    SharedView view;            ///< null: it was never made
    std::uint64_t version = 0;  ///< of the record, that `view` is of
    std::string file = {};      ///< likewise
    Clock::duration cost{0};    ///< of making it
    Clock::time_point made{};   ///< when it was
    std::uint64_t used = 0;     ///< when somebody asked for it last, in questions
    bool wanted = false;        ///< somebody got an old one, or will ask for it
    std::vector<Deliver> waiting;
    std::map<std::uint64_t, Deliver> followers;
  };
  using Entries = std::map<std::string, Entry>;

  Entry& EntryOf(const Target& target);
  void ForgetReplaced(Entry& entry);
  void Run();
  [[nodiscard]] Entry* NextToMake(Clock::time_point now, Clock::time_point* wake);
  void Refresh(const std::string& key, std::unique_lock<std::mutex>& lock);
  void RemoveUnused();

  Look look_;
  Make make_;
  WhichFile which_file_;
  PublisherSettings settings_;
  std::mutex mutex_;
  std::condition_variable work_;
  Entries entries_;              ///< by Target::Text
  std::uint64_t version_ = 1;    ///< of the record, as it was looked at
  std::string file_;             ///< likewise
  bool look_now_ = false;        ///< it is another file than at the last look
  std::uint64_t questions_ = 0;  ///< asked so far
  std::uint64_t followers_ = 0;  ///< so far
  Clock::time_point due_{};      ///< before then nothing is made that is only followed
  std::size_t asked_ = 0;        ///< waiting now
  bool making_ = false;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace beamgrid
