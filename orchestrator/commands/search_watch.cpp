#include "orchestrator/commands/search_watch.h"

#include "orchestrator/commands/study_ensemble.h"
#include "registry/util/text.h"

namespace beamgrid {

std::string SearchText(const std::string& what, std::int64_t done, std::int64_t of,
                       std::chrono::milliseconds elapsed) {
  return "ensemble: " + what + ": " + std::to_string(done) +
         (of > 0 ? " of " + std::to_string(of) : "") + " (" +
         DurationText(std::chrono::duration_cast<std::chrono::seconds>(elapsed)) + ")";
}

SearchWatch::SearchWatch(const CommandContext& context)
    : line_(context.verbosity != Verbosity::kQuiet), signals_([this] { interrupted_ = true; }) {}

ForEach SearchWatch::OnThreads(int threads) {
  return [this, on_threads = beamgrid::OnThreads(threads)](
             std::size_t count, const std::function<void(std::size_t)>& body) {
    on_threads(count, [&](std::size_t i) {
      Check();
      body(i);
    });
  };
}

Told SearchWatch::told() {
  return [this](const std::string& what, std::int64_t done, std::int64_t of) {
    Check();
    line_.Show(
        [&](std::chrono::milliseconds elapsed) { return SearchText(what, done, of, elapsed); },
        " ...");
  };
}

}  // namespace beamgrid
