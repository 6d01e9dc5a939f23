#include "orchestrator/dashboard/publisher.h"

#include <signal.h>

#include <algorithm>
#include <utility>

namespace beamgrid {

Publisher::Publisher(Look look, Make make, WhichFile which_file, PublisherSettings settings)
    : look_(std::move(look)),
      make_(std::move(make)),
      which_file_(std::move(which_file)),
      settings_(settings),
      thread_([this] { Run(); }) {}

Publisher::~Publisher() { Stop(); }

void Publisher::Stop() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
    for (auto& [key, entry] : entries_) {
      entry.waiting.clear();
      entry.followers.clear();
    }
  }
  work_.notify_all();
  if (thread_.joinable()) thread_.join();
}

Publisher::Entry& Publisher::EntryOf(const Target& target) {
  Entry& entry = entries_[target.Text()];
  entry.target = target;
  entry.used = ++questions_;
  return entry;
}

/// Takes a view away that is of another file than the record is now.
void Publisher::ForgetReplaced(Entry& entry) {
  if (!entry.view || entry.file == which_file_()) return;
  entry.view.reset();
  look_now_ = true;
}

void Publisher::Ask(const Target& target, Deliver deliver) {
  const std::lock_guard lock(mutex_);
  if (stop_) return;
  Entry& entry = EntryOf(target);
  ForgetReplaced(entry);
  const bool is_now = entry.version == version_;
  const bool worth_waiting = !making_ && entry.cost <= settings_.quick;
  if (entry.view && (is_now || !worth_waiting)) {
    entry.wanted = !is_now;
    deliver(entry.view);
    if (entry.wanted) work_.notify_all();
    return;
  }
  if (asked_ >= settings_.asked_max) {
    deliver(std::make_shared<const View>(
        RefusalView({503, "too many views are asked for at once; try again"}, target.form)));
    return;
  }
  ++asked_;
  entry.waiting.push_back(std::move(deliver));
  work_.notify_all();
}

void Publisher::Prepare(const Target& target) {
  const std::lock_guard lock(mutex_);
  if (stop_) return;
  EntryOf(target).wanted = true;
  work_.notify_all();
}

Publisher::SharedView Publisher::Last(const Target& target) {
  const std::lock_guard lock(mutex_);
  const auto entry = entries_.find(target.Text());
  if (entry == entries_.end()) return nullptr;
  ForgetReplaced(entry->second);
  return entry->second.view;
}

std::uint64_t Publisher::Follow(const Target& target, Deliver deliver) {
  const std::lock_guard lock(mutex_);
  const std::uint64_t follower = ++followers_;
  if (stop_) return follower;
  Entry& entry = EntryOf(target);
  ForgetReplaced(entry);
  if (entry.view) deliver(entry.view);
  entry.followers.emplace(follower, std::move(deliver));
  work_.notify_all();
  return follower;
}

void Publisher::Unfollow(std::uint64_t follower) {
  const std::lock_guard lock(mutex_);
  for (auto& [key, entry] : entries_) {
    if (entry.followers.erase(follower) > 0) return;
  }
}

/// Returns what to make now: first what somebody waits for, the longest waiting first, then what
/// was never made, then, of what is followed or was asked for and is old, what was made longest
/// ago. Else it may be that `wake` is when there is something.
Publisher::Entry* Publisher::NextToMake(Clock::time_point now, Clock::time_point* wake) {
  Entry* next = nullptr;
  for (auto& [key, entry] : entries_) {
    const bool is_first = !entry.view && !entry.followers.empty();
    const bool waits = is_first || !entry.waiting.empty();
    if (waits && (next == nullptr || entry.used < next->used)) next = &entry;
  }
  if (next != nullptr) return next;
  for (auto& [key, entry] : entries_) {
    const bool is_prepared = !entry.view && entry.wanted;
    if (is_prepared && (next == nullptr || entry.used < next->used)) next = &entry;
  }
  if (next != nullptr) return next;
  for (auto& [key, entry] : entries_) {
    const bool is_followed = !entry.followers.empty() || entry.wanted;
    if (!is_followed || entry.version == version_) continue;
    if (next == nullptr || entry.made < next->made) next = &entry;
  }
  if (next == nullptr || now >= due_) return next;
  *wake = std::min(*wake, due_);
  return nullptr;
}

/// Makes the view without the lock, and delivers it with it.
void Publisher::Refresh(const std::string& key, std::unique_lock<std::mutex>& lock) {
  const Target target = entries_.at(key).target;
  const std::uint64_t version = version_;
  const std::string file = file_;
  making_ = true;
  lock.unlock();
  const Clock::time_point begun = Clock::now();
  SharedView view = std::make_shared<const View>(make_(target));
  const Clock::time_point ended = Clock::now();
  lock.lock();
  making_ = false;
  Entry& entry = entries_.at(key);
  const bool is_first = !entry.view;
  entry.view = std::move(view);
  entry.version = version;
  entry.file = file;
  entry.cost = ended - begun;
  entry.made = ended;
  if (entry.waiting.empty() && !is_first) due_ = ended + entry.cost * settings_.rest;
  entry.wanted = false;
  asked_ -= entry.waiting.size();
  for (const Deliver& deliver : std::exchange(entry.waiting, {})) deliver(entry.view);
  for (const auto& [follower, deliver] : entry.followers) deliver(entry.view);
}

/// Forgets the views that were asked for longest ago.
void Publisher::RemoveUnused() {
  const auto is_used = [](const Entry& entry) {
    return !entry.followers.empty() || !entry.waiting.empty() || entry.wanted;
  };
  std::vector<Entries::iterator> unused;
  for (auto entry = entries_.begin(); entry != entries_.end(); ++entry) {
    if (!is_used(entry->second)) unused.push_back(entry);
  }
  if (unused.size() <= settings_.views_max) return;
  std::ranges::sort(unused, {}, [](const Entries::iterator& entry) { return entry->second.used; });
  unused.resize(unused.size() - settings_.views_max);
  for (const Entries::iterator& entry : unused) entries_.erase(entry);
}

void Publisher::Run() {
  // Whoever handles signals does so on a thread of its own choice.
  sigset_t all;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_BLOCK, &all, nullptr);
  std::unique_lock lock(mutex_);
  Clock::time_point next_look{};
  while (!stop_) {
    const Clock::time_point now = Clock::now();
    if (now >= next_look || look_now_) {
      look_now_ = false;
      lock.unlock();
      // Before the look: one that comes in between is another file at the next question.
      std::string file = which_file_();
      const bool changed = look_();
      lock.lock();
      if (changed) ++version_;
      file_ = std::move(file);
      next_look = now + settings_.look;
      continue;
    }
    Clock::time_point wake = next_look;
    if (Entry* entry = NextToMake(now, &wake)) {
      Refresh(entry->target.Text(), lock);
      RemoveUnused();
    } else {
      work_.wait_until(lock, wake);
    }
  }
}

}  // namespace beamgrid
